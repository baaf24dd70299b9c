"""Tables of the tariffs room, as the first revision makes them. Frozen: changes are later revisions."""

import sqlalchemy as sa
from alembic import op

from stationmaster.infra.db.migrations.first.types import TIME


def create() -> None:
    op.create_table(
        "tariff",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tariff")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_tariff_organisation_id"),
            ondelete="RESTRICT",
        ),
    )
    op.create_table(
        "tariff_version",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tariff_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("price_minor_per_kwh", sa.BigInteger(), nullable=False),
        sa.Column("tax_bps", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("valid_from", TIME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tariff_version")),
        sa.ForeignKeyConstraint(
            ["tariff_id"], ["tariff.id"], name=op.f("fk_tariff_version_tariff_id"), ondelete="RESTRICT"
        ),
        sa.CheckConstraint("price_minor_per_kwh >= 0", name=op.f("ck_tariff_version_price_not_negative")),
    )
    op.create_index(
        op.f("uq_tariff_version_tariff_id_version"), "tariff_version", ["tariff_id", "version"], unique=True
    )
