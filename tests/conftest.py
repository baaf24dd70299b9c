"""Fixtures that every test may use: the event loop's kind, and real servers (tests/support/services.py)."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.services import PostgresServer, Rabbit, Redis, Services


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": False}


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    with Services() as services:
        yield services


@pytest.fixture(scope="session")
def rabbit(services: Services) -> Rabbit:
    """The broker itself, to be killed and restarted."""
    return services.rabbit


@pytest.fixture(scope="session")
def postgres(services: Services) -> PostgresServer:
    return services.postgres


@pytest.fixture(scope="session")
def redis_server(services: Services) -> Redis:
    return services.redis


@pytest.fixture
def rabbitmq_url(services: Services) -> str:
    """A fresh vhost."""
    return services.rabbitmq_url()


@pytest.fixture
def postgres_url(services: Services) -> str:
    """A fresh database with the newest schema."""
    return services.migrated_postgres_url()


@pytest.fixture
def empty_postgres_url(services: Services) -> str:
    """A fresh database with nothing in it."""
    return services.postgres_url()


@pytest.fixture
def redis_url(services: Services) -> str:
    """Emptied."""
    return services.redis_url()
