"""Opportunities, and leads that became them."""

import sqlalchemy as sa
from alembic import op

from app.kernel.refs import new_ref

revision = "0026_opportunities"
down_revision = "0025_list_sorts"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(sa.dialects.postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)
BYTEWISE = sa.String(length=255).with_variant(sa.String(length=255, collation="C"), "postgresql")
LIVE, DELETED = sa.text("deleted_at IS NULL"), sa.text("deleted_at IS NOT NULL")
STAGES = (
    ("prospecting", "Prospecting", "open", 10),
    ("proposal", "Proposal", "open", 40),
    ("negotiation", "Negotiation", "open", 70),
    ("won", "Won", "won", 100),
    ("lost", "Lost", "lost", 0),
)
OUTCOMES = (
    ("best_offer", "Best offer", "won"),
    ("relationship", "Good relationship", "won"),
    ("won_other", "Other", "won"),
    ("price", "Price", "lost"),
    ("competitor", "Went to a competitor", "lost"),
    ("no_decision", "No decision", "lost"),
    ("lost_other", "Another reason", "lost"),
)
INDEXES = {
    "ix_opportunity_created": ["created_at", "id"],
    "ix_opportunity_updated": ["updated_at", "id"],
    "ix_opportunity_name": ["name_fold", "id"],
    "ix_opportunity_amount": ["amount_order", "id"],
    "ix_opportunity_close": ["close_order", "id"],
    "ix_opportunity_stage": ["stage_id", "close_order", "id"],
    "ix_opportunity_category": ["category", "created_at", "id"],
    "ix_opportunity_owner": ["owner_user_id", "created_at", "id"],
    "ix_opportunity_account": ["account_id", "category", "created_at", "id"],
    "ix_opportunity_partner": ["partner_account_id", "owner_rank", "created_at", "id"],
}
OPT_OUTS = ("opted_out_email", "opted_out_phone")
BEFORE = ("lead", "account", "contact", "case")
LIBRARY = "deleted_at IS NULL AND " + " AND ".join(f"{kind}_id IS NULL" for kind in BEFORE)


def upgrade() -> None:
    _create_lists()
    _create_opportunity()
    _create_conversion()
    _add_marks()
    for table in ("activity", "document"):
        _let_be_on_opportunities(table)


def _create_lists() -> None:
    both = (
        lambda: sa.Column("id", KEY, nullable=False),
        lambda: sa.Column("ref", sa.String(length=40), nullable=False),
        lambda: sa.Column("key", sa.String(length=60), nullable=False),
        lambda: sa.Column("name", sa.String(length=80), nullable=False),
        lambda: sa.Column("category", sa.String(length=30), nullable=False),
        lambda: sa.Column("position", sa.Integer(), nullable=False),
        lambda: sa.Column("is_active", sa.Boolean(), nullable=False),
    )
    for name, more, rows in (
        ("opportunity_stage", [sa.Column("probability", sa.Integer(), nullable=False)], STAGES),
        ("outcome_reason", [], OUTCOMES),
    ):
        table = op.create_table(
            name,
            *(column() for column in both),
            *more,
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
            sa.UniqueConstraint("key", name=op.f(f"uq_{name}_key")),
            sa.UniqueConstraint("ref", name=op.f(f"uq_{name}_ref")),
        )
        op.bulk_insert(
            table,
            [
                {"ref": new_ref("item"), "key": key, "name": text, "category": category, "position": position, "is_active": True}
                | dict(zip(["probability"], rest, strict=False))
                for position, (key, text, category, *rest) in enumerate(rows)
            ],
        )  # fmt: skip


def _create_opportunity() -> None:
    keys = {
        "account_id": "account",
        "stage_id": "opportunity_stage",
        "outcome_id": "outcome_reason",
        "owner_user_id": "user",
        "partner_account_id": "account",
        "source_partner_id": "account",
        "source_lead_id": "lead",
        "interest_id": "account_interest",
        "created_by_id": "user",
        "updated_by_id": "user",
    }
    op.create_table(
        "opportunity",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("name_fold", BYTEWISE, nullable=False),
        sa.Column("amount", sa.Numeric(precision=19, scale=3, asdecimal=False), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("category", sa.String(length=30), nullable=False),
        sa.Column("probability", sa.Integer(), nullable=False),
        sa.Column("amount_order", sa.Numeric(precision=19, scale=3, asdecimal=False), nullable=False),
        sa.Column("close_on", sa.Date(), nullable=True),
        sa.Column("close_order", sa.Date(), nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("outcome_note", sa.Text(), nullable=True),
        sa.Column("owner_rank", sa.Integer(), nullable=True),
        sa.Column("campaign_name", sa.String(length=120), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("external_id", sa.String(length=120), nullable=True),
        sa.Column("last_activity_at", MOMENT, nullable=True),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=name not in ("account_id", "stage_id", "owner_user_id"))
            for name in keys
        ),
        *(
            sa.ForeignKeyConstraint(
                [column],
                [f"{table}.id"],
                name=op.f(f"fk_opportunity_{column}"),
                ondelete="SET NULL" if column == "interest_id" else None,
            )
            for column, table in keys.items()
        ),
        sa.CheckConstraint(
            "amount IS NULL OR currency IS NOT NULL", name=op.f("ck_opportunity_amount_in_currency")
        ),
        sa.CheckConstraint("probability BETWEEN 0 AND 100", name=op.f("ck_opportunity_probability")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opportunity")),
        sa.UniqueConstraint("ref", name=op.f("uq_opportunity_ref")),
    )
    for name, columns in INDEXES.items():
        op.create_index(name, "opportunity", columns, postgresql_where=LIVE, sqlite_where=LIVE)
    for name, column, unique, where in (
        ("ix_opportunity_lead", "source_lead_id", False, sa.text("source_lead_id IS NOT NULL")),
        (
            "uq_opportunity_interest",
            "interest_id",
            True,
            sa.text("interest_id IS NOT NULL AND deleted_at IS NULL"),
        ),
        ("ix_opportunity_deleted", "deleted_at", False, DELETED),
    ):
        op.create_index(
            name, "opportunity", [column], unique=unique, postgresql_where=where, sqlite_where=where
        )
    op.create_index("ix_opportunity_external_id", "opportunity", ["external_id"])
    op.create_table(
        "opportunity_contact",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("opportunity_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(length=30), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_opportunity_contact_{column}"))
            for column, table in {
                "opportunity_id": "opportunity", "contact_id": "contact", "created_by_id": "user"
            }.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opportunity_contact")),
        sa.UniqueConstraint("ref", name=op.f("uq_opportunity_contact_ref")),
    )  # fmt: skip
    op.create_index(
        "uq_opportunity_contact", "opportunity_contact", ["opportunity_id", "contact_id"], unique=True
    )
    op.create_index("ix_opportunity_contact_contact", "opportunity_contact", ["contact_id", "opportunity_id"])


def _create_conversion() -> None:
    keys = {
        "lead_id": "lead",
        "account_id": "account",
        "contact_id": "contact",
        "opportunity_id": "opportunity",
        "converted_by_id": "user",
    }
    op.create_table(
        "conversion",
        sa.Column("id", KEY, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=name not in ("lead_id", "account_id")) for name in keys),
        *(
            sa.Column(name, JSON, nullable=False)
            for name in ("made", "asked", "before", "filled", "documents")
        ),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("converted_at", MOMENT, nullable=False),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_conversion_{column}"))
            for column, table in keys.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversion")),
    )
    op.create_index("uq_conversion_lead", "conversion", ["lead_id"], unique=True)
    for kind in ("account", "contact", "opportunity"):
        op.create_index(f"ix_conversion_{kind}", "conversion", [f"{kind}_id", "lead_id"])
    op.create_table(
        "field_mapping",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("lead_field", sa.String(length=60), nullable=False),
        sa.Column("object", sa.String(length=12), nullable=False),
        sa.Column("field", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_mapping")),
        sa.UniqueConstraint("ref", name=op.f("uq_field_mapping_ref")),
    )
    op.create_index("uq_field_mapping", "field_mapping", ["object", "field"], unique=True)
    op.create_table(
        "conversion_grant",
        sa.Column("conversion_id", sa.BigInteger(), nullable=False),
        sa.Column("object", sa.String(length=12), nullable=False),
        sa.Column("principal_id", sa.BigInteger(), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("until", MOMENT, nullable=True),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_conversion_grant_{column}"))
            for column, table in {"conversion_id": "conversion", "principal_id": "principal"}.items()
        ),
        sa.PrimaryKeyConstraint(
            "conversion_id", "object", "principal_id", name=op.f("pk_conversion_grant")
        ),
    )  # fmt: skip
    op.create_index("ix_conversion_grant_record", "conversion_grant", ["object", "record_id", "principal_id"])


def _add_marks() -> None:
    """Opt-outs of whom leads become, what conversions grant, and the status that conversion alone sets."""
    for table in ("account", "contact"):
        for column in OPT_OUTS:
            op.add_column(
                table, sa.Column(column, sa.Boolean(), nullable=False, server_default=sa.false())
            )  # fmt: skip
    op.add_column(
        "grant_set", sa.Column("is_conversion", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column(
        "organisation", sa.Column("currency", sa.String(length=3), nullable=False, server_default="EUR")
    )
    status = sa.table(
        "lead_status",
        *(sa.column(name) for name in ("ref", "key", "name", "category", "position", "is_active")),
    )
    op.bulk_insert(
        status,
        [
            {
                "ref": new_ref("item"),
                "key": "converted",
                "name": "Converted",
                "category": "converted",
                "position": 10_000,
                "is_active": False,
            }
        ],
    )


def _let_be_on_opportunities(table: str) -> None:
    with op.batch_alter_table(table) as batch_op:
        batch_op.add_column(sa.Column("opportunity_id", sa.BigInteger(), nullable=True))
        batch_op.create_foreign_key(
            op.f(f"fk_{table}_opportunity_id"), "opportunity", ["opportunity_id"], ["id"]
        )
        _check_one_record(batch_op, table, (*BEFORE, "opportunity"))
        batch_op.create_index(f"ix_{table}_opportunity", ["opportunity_id", "at" if table == "activity" else "created_at", "id"])  # fmt: skip
        if table == "document":
            batch_op.drop_index("ix_document_library")
            _index_library(batch_op, f"{LIBRARY} AND opportunity_id IS NULL")


def _check_one_record(batch_op, table, kinds) -> None:  # type: ignore[no-untyped-def]
    """That it is on one of these.  SQLite's copy of the table has lost the check before."""
    if op.get_bind().dialect.name != "sqlite":
        batch_op.drop_constraint(op.f(f"ck_{table}_one_record"), type_="check")
    counted = " + ".join(f"CASE WHEN {kind}_id IS NULL THEN 0 ELSE 1 END" for kind in kinds)
    batch_op.create_check_constraint(
        op.f(f"ck_{table}_one_record"), f"({counted}) {'=' if table == 'activity' else '<='} 1"
    )


def _index_library(batch_op, where) -> None:  # type: ignore[no-untyped-def]
    batch_op.create_index(
        "ix_document_library",
        ["created_at", "id"],
        postgresql_where=sa.text(where),
        sqlite_where=sa.text(where),
    )


def downgrade() -> None:
    for table in ("activity", "document"):
        if table == "activity":
            op.execute("DELETE FROM activity WHERE opportunity_id IS NOT NULL")
        else:
            op.execute("UPDATE document SET deleted_at = updated_at WHERE opportunity_id IS NOT NULL")
        with op.batch_alter_table(table) as batch_op:
            if table == "document":
                batch_op.drop_index("ix_document_library")
                _index_library(batch_op, LIBRARY)
            batch_op.drop_index(f"ix_{table}_opportunity")
            _check_one_record(batch_op, table, BEFORE)
            batch_op.drop_constraint(op.f(f"fk_{table}_opportunity_id"), type_="foreignkey")
            batch_op.drop_column("opportunity_id")
    for table, columns in (
        ("organisation", ("currency",)),
        ("grant_set", ("is_conversion",)),
        ("contact", OPT_OUTS),
        ("account", OPT_OUTS),
    ):
        for column in columns:
            op.drop_column(table, column)
    op.execute(
        "UPDATE lead SET status_id = (SELECT id FROM lead_status WHERE category = 'qualified' ORDER BY position LIMIT 1)"
        " WHERE status_id IN (SELECT id FROM lead_status WHERE category = 'converted')"
    )
    op.execute("DELETE FROM lead_status WHERE category = 'converted'")
    for table in (
        "conversion_grant", "field_mapping", "conversion", "opportunity_contact", "opportunity",
        "outcome_reason", "opportunity_stage",
    ):  # fmt: skip
        op.drop_table(table)
