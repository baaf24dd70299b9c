"""Which engine does a database URL mean, and how do the drivers want it spelt?"""

from pathlib import Path

from sqlalchemy.engine import URL, make_url

POSTGRESQL = "postgresql"
SQLITE = "sqlite"


def dialect_of(url: str) -> str:
    """``postgresql`` or ``sqlite``; raises ValueError for anything else."""
    name = url.partition(":")[0].partition("+")[0]
    if name in {"postgres", "postgresql"}:
        return POSTGRESQL
    if name == "sqlite":
        return SQLITE
    raise ValueError(f"not a database URL we know: {name}://...")


def asyncpg_url(url: str) -> URL:
    """For SQLAlchemy: ``postgres://`` and ``postgresql://`` alike."""
    scheme, _, rest = url.partition("://")
    if dialect_of(scheme + ":") != POSTGRESQL:
        raise ValueError(f"not a PostgreSQL URL: {scheme}://...")
    return make_url(f"postgresql+asyncpg://{rest}")


def plain_postgres_url(url: str) -> str:
    """For asyncpg itself, which knows no ``+driver``."""
    return asyncpg_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def sqlite_path(url: str) -> str:
    """The file named by ``sqlite:///relative``, ``sqlite:////absolute`` or a plain path."""
    if "://" not in url:
        return url
    return make_url(url).database or ":memory:"


def sqlite_url(path: str | Path) -> str:
    return f"sqlite:///{path}"
