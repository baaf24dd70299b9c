"""Real RabbitMQ, PostgreSQL and Redis for tests and benchmarks: private, on loopback, gone afterwards.

Given URLs win (TEST_RABBITMQ_URL, TEST_POSTGRES_URL, TEST_REDIS_URL); else installed programs are started in
temporary folders; else Debian's packages are installed first. Each starts when it is first asked for::

    with Services() as services:
        url = services.rabbit.new_vhost()
"""

import atexit
import contextlib
import os
import threading
from functools import cached_property
from types import TracebackType
from typing import Self, TypeVar

from tests.support.postgres_server import Postgres, PostgresServer, create_database
from tests.support.rabbit_server import Rabbit
from tests.support.redis_server import Redis, ask
from tests.support.server import Guardian, Server

__all__ = ["Postgres", "PostgresServer", "Rabbit", "Redis", "Services"]

S = TypeVar("S", bound=Server)


class Services:
    """The three, each started on first use."""

    def __init__(self) -> None:
        self._started: list[Server] = []
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        atexit.register(self.stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @cached_property
    def _guardian(self) -> Guardian:
        return Guardian()

    @cached_property
    def rabbit(self) -> Rabbit:
        return self._start(Rabbit)

    @cached_property
    def postgres(self) -> PostgresServer:
        return self._start(PostgresServer)

    @cached_property
    def redis(self) -> Redis:
        return self._start(Redis)

    def _start(self, kind: type[S]) -> S:
        with self._lock:
            server = kind(self._guardian)
            self._started.append(server)
        server.start()
        return server

    def rabbitmq_url(self) -> str:
        """A fresh vhost (the given one as it is, when one was given: use names of your own there)."""
        return os.environ.get("TEST_RABBITMQ_URL") or self.rabbit.new_vhost()

    def postgres_url(self) -> str:
        """A fresh database."""
        given = os.environ.get("TEST_POSTGRES_URL")
        return create_database(given) if given else self.postgres.new_database()

    def migrated_postgres_url(self) -> str:
        """A fresh database with the newest schema: migrated once, copied afterwards."""
        server = os.environ.get("TEST_POSTGRES_URL") or self.postgres.url
        return create_database(server, like=self._template)

    @cached_property
    def _template(self) -> str:
        from stationmaster.infra.db import migrate

        url = self.postgres_url()
        migrate.upgrade(url)
        return url.rpartition("/")[2].partition("?")[0]

    def redis_url(self) -> str:
        """Emptied."""
        url = os.environ.get("TEST_REDIS_URL") or self.redis.url
        ask(url, "FLUSHALL")
        return url

    def stop(self) -> None:
        """Idempotent."""
        while self._started:
            server = self._started.pop()
            with contextlib.suppress(Exception):
                server.stop()
        if "_guardian" in self.__dict__:
            self._guardian.dismiss()
            del self.__dict__["_guardian"]
