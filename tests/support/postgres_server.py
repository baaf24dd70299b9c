"""A PostgreSQL of our own, durable like a real one (fsync on), with as many databases as tests want."""

import asyncio
import itertools
import os
import shutil
import subprocess
import threading
import urllib.parse

from tests.support.debian import install
from tests.support.server import Guardian, Server, connects, is_root, program, say

INITDB = ("/usr/lib/postgresql/*/bin/initdb", "initdb")
AS_POSTGRES = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
}
_numbers = itertools.count(1)


class PostgresServer(Server):
    """``url`` is an empty database for looking around; tests take ``new_database()``."""

    name = "postgres"

    def __init__(self, guardian: Guardian) -> None:
        super().__init__(guardian)
        if program(*INITDB) is None:
            install("postgresql")
        initdb = program(*INITDB)
        assert initdb is not None
        self._bin = initdb.parent
        # The server refuses to run as root; the package brings a user for it.
        self._as_user = AS_POSTGRES if is_root() else []
        self._data = self.folder / "data"

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        return f"postgresql://stationmaster:stationmaster@127.0.0.1:{self.port}/{database}"

    def _launch(self) -> None:
        if not self._data.exists():
            self._create()
        settings = {**SETTINGS, "port": str(self.port), "unix_socket_directories": str(self.folder)}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        self._process = self._spawn(
            [*self._as_user, str(self._bin / "postgres"), "-D", str(self._data), *options]
        )

    def _create(self) -> None:
        if is_root():
            shutil.chown(self.folder, "postgres", "postgres")
        subprocess.run(
            [*self._as_user, str(self._bin / "initdb"), "-D", str(self._data), "-U", "stationmaster",
             "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
            check=True, capture_output=True, cwd=self.folder, env={**os.environ, "LC_ALL": "C.UTF-8"},
        )  # fmt: skip

    def _answers(self) -> bool:
        if (connection := connects(self.port)) is None:
            return False
        connection.close()
        return execute(self.url, "SELECT 1", quiet=True)

    def new_database(self) -> str:
        """A fresh empty one; its URL."""
        return create_database(self.url)


Postgres = PostgresServer
COPY_TRIES = 5


def create_database(url: str, *, like: str = "template1") -> str:
    """On the server that ``url`` names, a copy of the database ``like``."""
    name = f"t{os.getpid()}_{next(_numbers)}"
    execute(url, f"DROP DATABASE IF EXISTS {name}")
    for _ in range(COPY_TRIES):
        # A session that has just left the template may still be on its way out: PostgreSQL waits 5 s for it.
        if execute(url, f"CREATE DATABASE {name} TEMPLATE {like}", quiet=True):
            break
    else:
        execute(url, f"CREATE DATABASE {name} TEMPLATE {like}")
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit(parts._replace(path=f"/{name}"))


def execute(url: str, statement: str, *, quiet: bool = False) -> bool:
    """From any thread, also while an event loop runs in this one."""
    failure: list[BaseException] = []

    async def run() -> None:
        import asyncpg

        try:
            connection = await asyncpg.connect(url, timeout=5)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()
        except (OSError, asyncpg.PostgresError, TimeoutError) as error:
            failure.append(error)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    thread.join()
    if failure and not quiet:
        say(f"{statement}: {failure[0]!r}")
        raise failure[0]
    return not failure
