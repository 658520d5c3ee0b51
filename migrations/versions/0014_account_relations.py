"""Relationships, characteristics and interests of accounts, and the lists that they come from."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.refs import new_ref

revision = "0014_account_relations"
down_revision = "0013_cases"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
OPEN_NEED = sa.text("need IS NOT NULL AND need_met_at IS NULL")
LISTS = ("relationship_reason", "characteristic_type", "interest_area", "responsible_role")
REASONS = (("Supplier of", "Supplied by"), ("Customer of", "Has as a customer"), ("Competitor of", ""))
ROLES = ("Account manager", "Technical contact", "Support", "Executive sponsor")


def upgrade() -> None:
    _list("relationship_reason", sa.Column("inverse", sa.String(length=80), nullable=False))
    _list("characteristic_type", sa.Column("allowed", JSON, nullable=False))
    _list(
        "interest_area",
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["interest_area.id"], name=op.f("fk_interest_area_parent_id")),
    )
    op.create_index("ix_interest_area_parent_id", "interest_area", ["parent_id"])
    _list("responsible_role")
    _of_account(
        "account_relationship",
        sa.Column("other_id", sa.BigInteger(), nullable=False),
        sa.Column("reason_id", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.String(length=255), nullable=True),
        sa.Column("since_on", sa.Date(), nullable=True),
        sa.Column("until_on", sa.Date(), nullable=True),
        *_made("account_relationship", "created"),
        _key("account_relationship", "other_id", "account"),
        _key("account_relationship", "reason_id", "relationship_reason"),
        sa.CheckConstraint("account_id <> other_id", name=op.f("ck_account_relationship_not_itself")),
    )
    _indexes(
        "account_relationship",
        ("uq_account_relationship", ["account_id", "other_id", "reason_id"]),
        ("ix_account_relationship_other", ["other_id", "reason_id", "account_id"]),
        ("ix_account_relationship_reason", ["reason_id", "account_id"]),
    )
    _of_account(
        "account_characteristic",
        sa.Column("type_id", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.String(length=120), nullable=False),
        sa.Column("value_fold", sa.String(length=120), nullable=False),
        *_made("account_characteristic", "created"),
        _key("account_characteristic", "type_id", "characteristic_type"),
    )
    _indexes(
        "account_characteristic",
        ("uq_account_characteristic", ["account_id", "type_id", "value_fold"]),
        ("ix_account_characteristic_value", ["type_id", "value_fold", "account_id"]),
    )
    _of_account(
        "account_interest",
        sa.Column("area_id", sa.BigInteger(), nullable=False),
        sa.Column("is_interested", sa.Boolean(), nullable=False),
        sa.Column("need", sa.String(length=2000), nullable=True),
        sa.Column("need_met_at", MOMENT, nullable=True),
        *_made("account_interest", "noted"),
        _key("account_interest", "area_id", "interest_area"),
    )
    _indexes(
        "account_interest",
        ("uq_account_interest", ["account_id", "area_id"]),
        ("ix_account_interest_area", ["area_id", "is_interested", "account_id"]),
    )
    op.create_index(
        "ix_account_interest_open_need",
        "account_interest",
        ["account_id", "area_id"],
        postgresql_where=OPEN_NEED,
        sqlite_where=OPEN_NEED,
    )
    # Who stands below an account, by name; who reports to somebody.
    op.drop_index("ix_account_parent_id", table_name="account")
    op.create_index("ix_account_parent", "account", ["parent_id", "name_fold", "id"])
    op.create_index("ix_contact_reports_to", "contact", ["reports_to_id", "last_name_fold", "id"])
    _fill()


def _list(table: str, *more: sa.schema.SchemaItem) -> None:
    """A list that an administrator keeps."""
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        *more,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("ref", name=op.f(f"uq_{table}_ref")),
    )


def _of_account(table: str, *more: sa.schema.SchemaItem) -> None:
    """Something that hangs on an account."""
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        *more,
        _key(table, "account_id", "account"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("ref", name=op.f(f"uq_{table}_ref")),
    )


def _made(table: str, verb: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column(f"{verb}_at", MOMENT, nullable=False),
        sa.Column(f"{verb}_by_id", sa.BigInteger(), nullable=True),
        _key(table, f"{verb}_by_id", "user"),
    )


def _key(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}"))


def _indexes(table: str, *wanted: tuple[str, list[str]]) -> None:
    for name, columns in wanted:
        op.create_index(name, table, columns, unique=name.startswith("uq_"))


def _fill() -> None:
    reasons = [{"name": name, "inverse": inverse} for name, inverse in REASONS]
    _insert("relationship_reason", reasons, sa.column("inverse", sa.String()))
    _insert("responsible_role", [{"name": name} for name in ROLES])


def _insert(table: str, entries: list[dict[str, str]], *more: sa.ColumnClause[str]) -> None:
    columns: list[sa.ColumnClause[object]] = [
        sa.column("ref", sa.String()),
        sa.column("name", sa.String()),
        sa.column("position", sa.Integer()),
        sa.column("is_active", sa.Boolean()),
        *more,
    ]
    rows = [
        {**entry, "ref": new_ref("item"), "position": i, "is_active": True} for i, entry in enumerate(entries)
    ]
    op.bulk_insert(sa.table(table, *columns), rows)


def downgrade() -> None:
    op.drop_index("ix_contact_reports_to", table_name="contact")
    op.drop_index("ix_account_parent", table_name="account")
    op.create_index("ix_account_parent_id", "account", ["parent_id"])
    for table in ("account_interest", "account_characteristic", "account_relationship", *LISTS):
        op.drop_table(table)
