"""A Redis of our own."""

import urllib.parse

from tests.support.debian import install
from tests.support.server import Guardian, Server, connects, program

PROGRAM = ("redis-server", "/usr/bin/redis-server")


class Redis(Server):
    """``url`` is database 0; ``flush`` empties it."""

    name = "redis"

    def __init__(self, guardian: Guardian) -> None:
        super().__init__(guardian)
        if program(*PROGRAM) is None:
            install("redis-server")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def _launch(self) -> None:
        self._process = self._spawn([
            str(program(*PROGRAM)), "--bind", "127.0.0.1", "--port", str(self.port),
            "--dir", str(self.folder), "--save", "", "--appendonly", "no", "--daemonize", "no",
        ])  # fmt: skip

    def _answers(self) -> bool:
        return ask(self.url, "PING").startswith(b"+PONG")

    def flush(self) -> None:
        ask(self.url, "FLUSHALL")


def ask(url: str, command: str) -> bytes:
    """One inline command to a Redis without TLS; b"" when it is not there."""
    parts = urllib.parse.urlsplit(url)
    if (connection := connects(parts.port or 6379)) is None:
        return b""
    with connection:
        if parts.password:
            connection.sendall(f"AUTH {parts.password}\r\n".encode())
            connection.recv(100)
        connection.sendall(f"{command}\r\n".encode())
        return connection.recv(100)
