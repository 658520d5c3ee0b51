"""Qualification and score of leads."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.refs import new_ref

revision = "0027_qualification"
down_revision = "0026_opportunities"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
REASONS = (
    ("no_interest", "No interest"),
    ("no_budget", "No budget"),
    ("not_reached", "Could not be reached"),
    ("bought_elsewhere", "Bought elsewhere"),
    ("not_real", "Not a real enquiry"),
    ("other", "Another reason"),
)
IS_ACTIVE = sa.text("state = 'active'")
INDEXES = {
    "ix_lead_score_due": ("score_due_on", "score_due_on IS NOT NULL AND deleted_at IS NULL"),
    "ix_lead_route_due": ("route_due_at", "route_due_at IS NOT NULL AND deleted_at IS NULL"),
    "ix_lead_marketing_qualified": (
        "marketing_qualified_at",
        "marketing_qualified_at IS NOT NULL AND deleted_at IS NULL",
    ),
}


def upgrade() -> None:
    _reasons()
    _rules()
    text = sa.text
    for name, kind, filled in (("guidance", JSON, "{}"), ("matters", JSON, "[]"), ("moves", JSON, '["*"]')):
        op.add_column(
            "lead_status", sa.Column(name, kind, nullable=False, server_default=text(f"'{filled}'"))
        )
    op.add_column("lead_status", sa.Column("leaving_to_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "organisation", sa.Column("lead_process", JSON, nullable=False, server_default=text("'{}'"))
    )
    key = sa.ForeignKey("unqualified_reason.id", name=op.f("fk_lead_unqualified_reason_id"))
    op.add_column(
        "lead",
        sa.Column("unqualified_reason_id", sa.BigInteger(), key, nullable=True),
        inline_references=True,
    )
    for name, kind in (
        ("score_due_on", sa.Date()),
        ("marketing_qualified_at", MOMENT),
        ("marketing_qualified_by_id", sa.BigInteger()),
        ("route_due_at", MOMENT),
    ):
        op.add_column("lead", sa.Column(name, kind, nullable=True))
    op.create_index("ix_lead_unqualified_reason_id", "lead", ["unqualified_reason_id"])
    for name, (column, where) in INDEXES.items():
        op.create_index(name, "lead", [column, "id"], postgresql_where=text(where), sqlite_where=text(where))


def _reasons() -> None:
    table = op.create_table(
        "unqualified_reason",
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unqualified_reason")),
        sa.UniqueConstraint("key", name=op.f("uq_unqualified_reason_key")),
        sa.UniqueConstraint("ref", name=op.f("uq_unqualified_reason_ref")),
    )
    op.bulk_insert(
        table,
        [
            {"key": key, "name": name, "position": place, "is_active": True, "ref": new_ref("item")}
            for place, (key, name) in enumerate(REASONS)
        ],
    )


def _rules() -> None:
    op.create_table(
        "score_set",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("state", sa.String(30), nullable=False),
        sa.Column("lines", JSON, nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=True),
        sa.Column("routes_again", sa.Boolean(), nullable=False),
        sa.Column("route_queue_id", sa.BigInteger(), nullable=True),
        sa.Column("activated_at", MOMENT, nullable=True),
        sa.Column("retired_at", MOMENT, nullable=True),
        sa.Column("fields_key", sa.String(40), nullable=False),
        sa.Column("work", sa.String(30), nullable=False),
        sa.Column("work_began_at", MOMENT, nullable=True),
        sa.Column("work_reached", sa.BigInteger(), nullable=False),
        sa.Column("work_total", sa.BigInteger(), nullable=False),
        sa.Column("work_round", sa.Integer(), nullable=False),
        sa.Column("preview", JSON, nullable=False),
        sa.Column("previewed_at", MOMENT, nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(40), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["route_queue_id"], ["queue.id"], name=op.f("fk_score_set_route_queue_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_score_set_created_by_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["user.id"], name=op.f("fk_score_set_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_score_set")),
        sa.UniqueConstraint("ref", name=op.f("uq_score_set_ref")),
    )
    op.create_index(
        "uq_score_set_active",
        "score_set",
        ["state"],
        unique=True,
        postgresql_where=IS_ACTIVE,
        sqlite_where=IS_ACTIVE,
    )


def downgrade() -> None:
    for name in (*INDEXES, "ix_lead_unqualified_reason_id"):
        op.drop_index(name, table_name="lead")
    with op.batch_alter_table("lead") as batch:
        for name in (
            "route_due_at", "marketing_qualified_by_id", "marketing_qualified_at", "score_due_on",
            "unqualified_reason_id",
        ):  # fmt: skip
            batch.drop_column(name)
    with op.batch_alter_table("organisation") as batch:
        batch.drop_column("lead_process")
    with op.batch_alter_table("lead_status") as batch:
        for name in ("leaving_to_id", "moves", "matters", "guidance"):
            batch.drop_column(name)
    op.drop_table("score_set")
    op.drop_table("unqualified_reason")
