"""Cases, their statuses, and activities on them."""

import sqlalchemy as sa
from alembic import op

from app.kernel.refs import new_ref

revision = "0013_cases"
down_revision = "0012_activities"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
BYTEWISE = sa.String(length=255).with_variant(sa.String(length=255, collation="C"), "postgresql")
LIVE, DELETED = sa.text("deleted_at IS NULL"), sa.text("deleted_at IS NOT NULL")
INDEXES = {
    "ix_case_created": ["created_at", "id"],
    "ix_case_updated": ["updated_at", "id"],
    "ix_case_priority": ["priority_rank", "id"],
    "ix_case_subject": ["subject_fold", "id"],
    "ix_case_open": ["is_open", "created_at", "id"],
    "ix_case_status": ["status_id", "created_at", "id"],
    "ix_case_owner": ["owner_user_id", "is_open", "created_at", "id"],
    "ix_case_account": ["account_id", "created_at", "id"],
    "ix_case_contact": ["contact_id", "created_at", "id"],
}
STATUSES = (
    ("new", "New", "open"),
    ("working", "Working", "open"),
    ("waiting", "Waiting", "open"),
    ("closed", "Closed", "closed"),
)
ONE_RECORD = "ck_activity_one_record"
OF_THREE = ("lead_id", "account_id", "contact_id")


def upgrade() -> None:
    statuses = op.create_table(
        "case_status",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("category", sa.String(length=30), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_status")),
        sa.UniqueConstraint("key", name=op.f("uq_case_status_key")),
        sa.UniqueConstraint("ref", name=op.f("uq_case_status_ref")),
    )
    op.bulk_insert(
        statuses,
        [
            {"ref": new_ref("item"), "key": key, "name": name, "category": category, "position": position, "is_active": True}
            for position, (key, name, category) in enumerate(STATUSES)
        ],
    )  # fmt: skip
    _create_cases()
    _let_activities_be_on_cases()


def _create_cases() -> None:
    keys = {
        "status_id": "case_status",
        "account_id": "account",
        "contact_id": "contact",
        "owner_user_id": "user",
        "created_by_id": "user",
        "updated_by_id": "user",
    }
    op.create_table(
        "case",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("number", BYTEWISE, nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("subject_fold", BYTEWISE, nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("status_id", sa.BigInteger(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.String(length=30), nullable=False),
        sa.Column("priority_rank", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=30), nullable=True),
        sa.Column("origin", sa.String(length=30), nullable=True),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_user_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.String(length=120), nullable=True),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("last_activity_at", MOMENT, nullable=True),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger(), nullable=True),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_case_{column}"))
            for column, table in keys.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case")),
        sa.UniqueConstraint("ref", name=op.f("uq_case_ref")),
    )
    for name, columns in INDEXES.items():
        op.create_index(name, "case", columns, postgresql_where=LIVE, sqlite_where=LIVE)
    op.create_index("ix_case_deleted", "case", ["deleted_at"], postgresql_where=DELETED, sqlite_where=DELETED)
    op.create_index("uq_case_number", "case", ["number"], unique=True)
    op.create_index("uq_case_external_id", "case", ["external_id"], unique=True)


def _let_activities_be_on_cases() -> None:
    with op.batch_alter_table("activity") as batch_op:
        batch_op.add_column(sa.Column("case_id", sa.BigInteger(), nullable=True))
        batch_op.create_foreign_key(op.f("fk_activity_case_id"), "case", ["case_id"], ["id"])
        _check_one_record(batch_op, (*OF_THREE, "case_id"))
        batch_op.create_index("ix_activity_case", ["case_id", "at", "id"])


def _check_one_record(batch_op, columns) -> None:  # type: ignore[no-untyped-def]
    """That an activity is on exactly one of these.  SQLite's copy of the table has lost the check before."""
    if op.get_bind().dialect.name != "sqlite":
        batch_op.drop_constraint(op.f(ONE_RECORD), type_="check")
    counted = " + ".join(f"CASE WHEN {column} IS NULL THEN 0 ELSE 1 END" for column in columns)
    batch_op.create_check_constraint(op.f(ONE_RECORD), f"({counted}) = 1")


def downgrade() -> None:
    op.execute("DELETE FROM activity WHERE case_id IS NOT NULL")
    with op.batch_alter_table("activity") as batch_op:
        batch_op.drop_index("ix_activity_case")
        _check_one_record(batch_op, OF_THREE)
        batch_op.drop_constraint(op.f("fk_activity_case_id"), type_="foreignkey")
        batch_op.drop_column("case_id")
    op.drop_table("case")
    op.drop_table("case_status")
