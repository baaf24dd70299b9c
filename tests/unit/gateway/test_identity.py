"""Which paths name a station, and which station?"""

import base64

import pytest

from stationmaster.gateway.basic_auth import password_of
from stationmaster.gateway.identity import cleaned, parse_path
from stationmaster.kernel.errors import Invalid, NotFound


@pytest.mark.parametrize(
    ("path", "identity", "version"),
    [
        (b"/ws/ocpp/16/CP-1", "CP-1", "16"),
        (b"/ws/ocpp/1.6/CP-1", "CP-1", "1.6"),
        (b"/ws/ocpp/CP-1", "CP-1", None),
        (b"/ws/ocpp/16", "16", None),
        (b"/ws/ocpp/16/RDAM%7C123", "RDAM|123", "16"),
        (b"/ws/ocpp/RDAM|123?token=x", "RDAM|123", None),
        (b"/ws/ocpp/16/a*b_c=d:e+f@g.h-i", "a*b_c=d:e+f@g.h-i", "16"),
        (b"/ws/ocpp/16/" + b"x" * 48, "x" * 48, "16"),
        (b"/ws/ocpp/201/CP-1", "CP-1", "201"),  # the sub-protocol choice refuses it
    ],
)
def test_a_station_is_named(path: bytes, identity: str, version: str | None) -> None:
    assert parse_path(path) == (identity, version)


@pytest.mark.parametrize(
    "name",
    [
        b"", b"x" * 49, b"..", b".", b"a..b", b"%2e%2e", b"a%2Fb", b"a%5Cb", b"a\\b", b"a%00b",
        b"a%0d%0aX", b"a%20b",
        b"%252e%252e", b"%C3%A9", b"\xc3\xa9", b"%FF", b"a'b", b'a"b', b"{}", b"%25s", b"%s",
        b"<script>", b"a;b",
        b"CP%D1%96", b"x" * 10_000, b"a%7Fb", b"$HOME", b"a`b",
    ],
)  # fmt: skip
def test_no_station_can_be_called_that(name: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        parse_path(b"/ws/ocpp/16/" + name)
    assert caught.value.code == "bad_identity"


@pytest.mark.parametrize(
    "path",
    [
        b"/", b"/ws/ocpp", b"/ws", b"/ws/ocpp/16/CP-1/", b"/ws/ocpp/16/../CP-1", b"/WS/OCPP/16/CP-1",
        b"/ws/ocpp/x/CP-1",
        b"/ws//ocpp/CP-1", b"/ws/ocpp/../../etc/passwd", b"http://host/ws/ocpp/16/CP-1",
    ],
)  # fmt: skip
def test_other_paths_are_not_ours(path: bytes) -> None:
    with pytest.raises(NotFound):
        parse_path(path)


def test_a_refused_claim_is_harmless_to_show() -> None:
    shown = cleaned(b"<b>\r\n\x1b[31m'{}\xe9" + b"y" * 500)
    assert len(shown) <= 96
    assert shown.isprintable()
    assert not set(shown) & set("<>'\"{}`&")


def basic(text: bytes) -> str:
    return "Basic " + base64.b64encode(text).decode()


@pytest.mark.parametrize(
    ("header", "identity", "password"),
    [
        (basic(b"CP-1:secret"), "CP-1", b"secret"),
        (basic(b"CP-1:a:b\0c\xff"), "CP-1", b"a:b\0c\xff"),
        (basic(b"a:b:secret"), "a:b", b"secret"),
        (basic(b"CP-1:"), "CP-1", b""),
        (basic(b"CP-1:secret").replace("Basic", "bASIC"), "CP-1", b"secret"),
        (basic(b"CP-2:secret"), "CP-1", None),
        (basic(b"CP-1"), "CP-1", None),
        ("Basic !!!!", "CP-1", None),
        ("Basic", "CP-1", None),
        ("Bearer x", "CP-1", None),
        (basic(b"CP-1:" + b"x" * 1_000_000), "CP-1", None),
        (None, "CP-1", None),
    ],
)
def test_what_basic_auth_says(header: str | None, identity: str, password: bytes | None) -> None:
    assert password_of(header, identity) == password
