"""What partners aim at, reports by mail, and the worker's sign of life."""

import sqlalchemy as sa
from alembic import op

revision = "0034_targets"
down_revision = "0033_reports"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_target()
    op.create_table(
        "report_subscription",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("report", sa.String(length=40), nullable=False),
        sa.Column("query", sa.String(length=1000), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_report_subscription_weekday")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_report_subscription_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_subscription")),
        sa.UniqueConstraint("ref", name=op.f("uq_report_subscription_ref")),
    )
    op.create_index(
        "uq_report_subscription", "report_subscription", ["user_id", "report", "query"], unique=True
    )
    op.create_index("ix_report_subscription_next", "report_subscription", ["next_at", "id"])
    untouched = "deleted_at IS NULL AND taken_at IS NOT NULL AND touched_at IS NULL"
    op.create_index(
        "ix_lead_untouched", "lead", ["taken_at", "id"],
        postgresql_where=sa.text(f"is_open AND {untouched}"), sqlite_where=sa.text(f"is_open = 1 AND {untouched}"),
    )  # fmt: skip
    op.create_index("ix_offer_company", "offer", ["company_id", "made_at", "state"])
    op.create_index("ix_lead_refusal_company", "lead_refusal", ["company_id", "at", "cause"])
    op.create_index(
        "ix_report_fact_mix", "report_fact", ["partner", "month", "source", "country", "product", "stage"]
    )
    op.create_table(
        "worker_sign",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker_sign")),
    )


def _create_target() -> None:
    keys = {"account_id": "account", "user_id": "user", "created_by_id": "user", "updated_by_id": "user"}
    op.create_table(
        "partner_target",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("period", sa.String(length=30), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("converted", sa.Integer(), nullable=True),
        sa.Column("won_amount", sa.Numeric(precision=19, scale=3, asdecimal=False), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=name != "account_id") for name in keys),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_partner_target_{column}"))
            for column, table in keys.items()
        ),
        sa.CheckConstraint(
            "won_amount IS NULL OR currency IS NOT NULL", name=op.f("ck_partner_target_amount_in_currency")
        ),
        sa.CheckConstraint(
            "converted IS NOT NULL OR won_amount IS NOT NULL",
            name=op.f("ck_partner_target_aims_at_something"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_target")),
        sa.UniqueConstraint("ref", name=op.f("uq_partner_target_ref")),
    )
    for name, columns, condition in (
        ("uq_partner_target_company", ["account_id", "starts_on", "period"], "user_id IS NULL"),
        ("uq_partner_target_person", ["account_id", "user_id", "starts_on", "period"], "user_id IS NOT NULL"),
    ):
        where = sa.text(condition)
        op.create_index(
            name, "partner_target", columns, unique=True, postgresql_where=where, sqlite_where=where
        )


def downgrade() -> None:
    op.drop_index("ix_report_fact_mix", "report_fact")
    op.drop_index("ix_lead_refusal_company", "lead_refusal")
    op.drop_index("ix_offer_company", "offer")
    op.drop_index("ix_lead_untouched", "lead")
    op.drop_table("worker_sign")
    op.drop_table("report_subscription")
    op.drop_table("partner_target")
