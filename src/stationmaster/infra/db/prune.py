"""How is old data deleted without holding anybody up? Some rows at a time."""

from sqlalchemy import ColumnElement, Table, delete, select, tuple_

from stationmaster.infra.db.database import UnitOfWork

ROWS_MAX = 10_000
"""One unit of work, short enough for everybody's locks; the rest comes with the next run."""


async def delete_some(
    uow: UnitOfWork, table: Table, *where: ColumnElement[bool], limit: int = ROWS_MAX
) -> int:
    """How many were deleted; ``limit`` of them: there may be more."""
    key = list(table.primary_key.columns)
    chosen = select(*key).where(*where).limit(limit)
    gone = await uow.execute(delete(table).where(tuple_(*key).in_(chosen)))
    return gone.rowcount
