"""Which engine does a URL mean?"""

import pytest

from stationmaster.infra.db import urls


@pytest.mark.parametrize(
    ("url", "dialect"),
    [
        ("postgres://u@h/d", "postgresql"),
        ("postgresql://u@h/d", "postgresql"),
        ("postgresql+asyncpg://u@h/d", "postgresql"),
        ("sqlite:///a.db", "sqlite"),
        ("sqlite+pysqlite:////a.db", "sqlite"),
    ],
)
def test_known_dialects(url: str, dialect: str) -> None:
    assert urls.dialect_of(url) == dialect


def test_others_are_refused_without_telling_the_password() -> None:
    with pytest.raises(ValueError, match="mysql") as caught:
        urls.dialect_of("mysql://root:secret@h/d")
    assert "secret" not in str(caught.value)


def test_passwords_with_odd_characters_reach_the_driver() -> None:
    url = "postgres://user:p%40ss%2Fword@host:5433/name?sslmode=require"
    assert urls.asyncpg_url(url).password == "p@ss/word"
    assert urls.plain_postgres_url(url) == "postgresql://user:p%40ss%2Fword@host:5433/name?sslmode=require"


@pytest.mark.parametrize(
    ("url", "path"), [("sqlite:///a.db", "a.db"), ("sqlite:////x/a.db", "/x/a.db"), ("/x/a.db", "/x/a.db")]
)
def test_paths(url: str, path: str) -> None:
    assert urls.sqlite_path(url) == path
