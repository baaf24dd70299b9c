"""Tables of the identity room, as the first revision makes them. Frozen: changes are later revisions."""

import sqlalchemy as sa
from alembic import op

from stationmaster.infra.db.migrations.first.types import TIME


def create() -> None:
    op.create_table(
        "organisation",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False, server_default="INR"),
        sa.Column("timezone", sa.Text(), nullable=False, server_default="Asia/Kolkata"),
        sa.Column("platform_fee_bps", sa.Integer(), nullable=False, server_default="1000"),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.CheckConstraint("platform_fee_bps BETWEEN 0 AND 10000", name=op.f("ck_organisation_fee_bps")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Text()),
        sa.Column("email", sa.Text()),
        sa.Column("phone", sa.Text()),
        sa.Column("name", sa.Text(), nullable=False, server_default=""),
        sa.Column("password_hash", sa.Text()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("disabled_at", TIME),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("email", name=op.f("uq_person_email")),
        sa.UniqueConstraint("phone", name=op.f("uq_person_phone")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_person_organisation_id"),
            ondelete="RESTRICT",
        ),
        sa.CheckConstraint("kind IN ('operator','driver')", name=op.f("ck_person_kind")),
        sa.CheckConstraint("role IN ('admin','operator','driver')", name=op.f("ck_person_role")),
    )
    op.create_table(
        "id_token",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, server_default="rfid"),
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("driver_id", sa.Text()),
        sa.Column("payer_kind", sa.Text(), nullable=False),
        sa.Column("payer_reason", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False, server_default="Accepted"),
        sa.Column("expires_at", TIME),
        sa.Column("is_operator", sa.Boolean(), nullable=False, server_default="0"),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_id_token")),
        sa.UniqueConstraint("token", name=op.f("uq_id_token_token")),
        sa.ForeignKeyConstraint(
            ["driver_id"], ["person.id"], name=op.f("fk_id_token_driver_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_id_token_organisation_id"),
            ondelete="RESTRICT",
        ),
        sa.CheckConstraint(
            "payer_kind <> 'free' OR payer_reason IS NOT NULL", name=op.f("ck_id_token_free_has_reason")
        ),
        sa.CheckConstraint(
            "payer_kind IN ('wallet','organisation','free')", name=op.f("ck_id_token_payer_kind")
        ),
        sa.CheckConstraint(
            "payer_kind <> 'wallet' OR driver_id IS NOT NULL", name=op.f("ck_id_token_wallet_has_driver")
        ),
    )
    op.create_index(op.f("ix_id_token_driver_id"), "id_token", ["driver_id"])
    op.create_table(
        "login",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("csrf_token", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_login_secret_hash")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_login_person_id"), ondelete="RESTRICT"
        ),
    )
