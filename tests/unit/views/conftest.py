"""The site on SQLite, and where real servers may be started on PostgreSQL too."""

from collections.abc import AsyncIterator

import pytest
from tests.unit.views.kit import Site, a_site


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    async with a_site(url) as site:
        yield site
