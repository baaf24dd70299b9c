"""Addresses and credentials as OCPP-J writes them."""

import asyncio
import base64

import pytest
from websockets.asyncio.server import serve

from stationmaster.simulator.wire import CannotConnect, Wire, basic_authorization, dial, station_url


def test_the_identity_is_percent_encoded() -> None:
    assert station_url("ws://h:9000/ws/ocpp/16/", "RDAM|123") == "ws://h:9000/ws/ocpp/16/RDAM%7C123"
    assert station_url("ws://h/ocpp", "a/b") == "ws://h/ocpp/a%2Fb"


def test_a_password_may_be_binary() -> None:
    header = basic_authorization("CP1", b"\x00\xff:secret")
    assert base64.b64decode(header.removeprefix("Basic ")) == b"CP1:\x00\xff:secret"


class Hello:
    def connected(self, wire: Wire) -> None:
        wire.close()

    def received(self, data: bytes) -> None: ...
    def lost(self) -> None: ...


@pytest.mark.parametrize("ping_s", [0.0, 2.0, 30.0])
def test_a_station_may_ping_as_often_as_it_likes(ping_s: float) -> None:
    """The client's library refuses pings more frequent than its patience for their answer."""

    async def main() -> None:
        async with serve(lambda peer: peer.wait_closed(), "127.0.0.1", 0, subprotocols=["ocpp1.6"]) as server:
            port = server.sockets[0].getsockname()[1]
            await dial(f"ws://127.0.0.1:{port}/", Hello(), station_id="CP1", password=None, ping_s=ping_s)

    asyncio.run(main())


def test_a_server_that_goes_before_it_answers_is_no_connection() -> None:
    """Else the station would wait for ever for the end of a connection that never began."""

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(CannotConnect, match="handshake"):
                await dial(f"ws://127.0.0.1:{port}/", Hello(), station_id="CP1", password=None, ping_s=0)

    asyncio.run(main())
