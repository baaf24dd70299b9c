"""Addresses and credentials as OCPP-J writes them."""

import base64

from stationmaster.simulator.wire import basic_authorization, station_url


def test_the_identity_is_percent_encoded() -> None:
    assert station_url("ws://h:9000/ws/ocpp/16/", "RDAM|123") == "ws://h:9000/ws/ocpp/16/RDAM%7C123"
    assert station_url("ws://h/ocpp", "a/b") == "ws://h/ocpp/a%2Fb"


def test_a_password_may_be_binary() -> None:
    header = basic_authorization("CP1", b"\x00\xff:secret")
    assert base64.b64decode(header.removeprefix("Basic ")) == b"CP1:\x00\xff:secret"
