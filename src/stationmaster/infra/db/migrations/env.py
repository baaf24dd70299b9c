"""Alembic's entry: runs on the connection that `infra.db.migrate` hands over, all revisions in one
transaction."""

from alembic import context

connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError("Migrations run through `stationmaster migrate` (stationmaster.infra.db.migrate).")

context.configure(
    connection=connection,
    target_metadata=context.config.attributes.get("metadata"),
    # SQLite can alter little: batch mode copies the table. Its DDL is transactional all the same.
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
