"""Campaigns and consent."""

from datetime import UTC, date, datetime

import sqlalchemy as sa
from alembic import op

from app.kernel.fold import fold
from app.kernel.refs import new_ref

revision = "0029_campaigns"
down_revision = "0028_lead_forms"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(sa.dialects.postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)
LIVE = sa.text("deleted_at IS NULL AND campaign_id IS NOT NULL")
LONGEST_NAME = 120
STATUSES = [
    {"key": "sent", "name": "Sent", "answered": False},
    {"key": "answered", "name": "Answered", "answered": True},
    {"key": "attended", "name": "Attended", "answered": True},
]
INDEXES = {
    "ix_campaign_created": ["created_at", "id"],
    "ix_campaign_updated": ["updated_at", "id"],
    "ix_campaign_name": ["name_fold", "id"],
    "ix_campaign_starts": ["starts_order", "id"],
    "ix_campaign_owner": ["owner_user_id", "created_at", "id"],
    "ix_campaign_status": ["status", "created_at", "id"],
}
MEMBER_INDEXES = {
    "ix_campaign_member_campaign": ["campaign_id", "id"],
    "ix_campaign_member_status": ["campaign_id", "status", "id"],
    "ix_campaign_member_lead": ["lead_id", "campaign_id"],
    "ix_campaign_member_contact": ["contact_id", "campaign_id"],
}
BASES = (
    "consent",
    "contract",
    "legitimate_interest",
    "legal_obligation",
    "public_interest",
    "vital_interest",
)


def upgrade() -> None:
    _create_campaign()
    _create_member()
    for table, order in (("lead", "created_at"), ("opportunity", "created_at")):
        with op.batch_alter_table(table) as batch_op:
            batch_op.add_column(sa.Column("campaign_id", sa.BigInteger(), nullable=True))
            batch_op.create_foreign_key(op.f(f"fk_{table}_campaign_id"), "campaign", ["campaign_id"], ["id"])
            batch_op.create_index(
                f"ix_{table}_campaign", ["campaign_id", order, "id"], postgresql_where=LIVE, sqlite_where=LIVE
            )
    _add_consent()
    _make_campaigns_of_names()


def _create_campaign() -> None:
    keys = {
        "source_id": "lead_source",
        "owner_user_id": "user",
        "created_by_id": "user",
        "updated_by_id": "user",
    }
    op.create_table(
        "campaign",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("name_fold", sa.String(length=120), nullable=False),
        sa.Column("status", sa.String(length=30), nullable=False),
        sa.Column("type", sa.String(length=30), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("starts_order", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("budgeted_cost", sa.Numeric(precision=19, scale=3, asdecimal=False), nullable=True),
        sa.Column("actual_cost", sa.Numeric(precision=19, scale=3, asdecimal=False), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("external_id", sa.String(length=120), nullable=True),
        sa.Column("member_statuses", JSON, nullable=False),
        sa.Column("archived_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in keys),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_campaign_{column}"))
            for column, table in keys.items()
        ),
        sa.CheckConstraint(
            "(budgeted_cost IS NULL AND actual_cost IS NULL) OR currency IS NOT NULL",
            name=op.f("ck_campaign_cost_in_currency"),
        ),
        sa.CheckConstraint(
            "ends_on IS NULL OR starts_on IS NULL OR ends_on >= starts_on",
            name=op.f("ck_campaign_ends_after_start"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("ref", name=op.f("uq_campaign_ref")),
    )
    op.create_index("uq_campaign_name", "campaign", ["name_fold"], unique=True)
    op.create_index("uq_campaign_external_id", "campaign", ["external_id"], unique=True)
    for name, columns in INDEXES.items():
        op.create_index(name, "campaign", columns)


def _create_member() -> None:
    keys = {"campaign_id": "campaign", "lead_id": "lead", "contact_id": "contact", "created_by_id": "user"}
    op.create_table(
        "campaign_member",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=name != "campaign_id") for name in keys),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_campaign_member_{column}"))
            for column, table in keys.items()
        ),
        sa.CheckConstraint(
            "(CASE WHEN lead_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN contact_id IS NULL THEN 0 ELSE 1 END) = 1",
            name=op.f("ck_campaign_member_one_record"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_member")),
        sa.UniqueConstraint("ref", name=op.f("uq_campaign_member_ref")),
    )
    for kind in ("lead", "contact"):
        where = sa.text(f"{kind}_id IS NOT NULL")
        op.create_index(
            f"uq_campaign_member_{kind}", "campaign_member", ["campaign_id", f"{kind}_id"], unique=True,
            postgresql_where=where, sqlite_where=where,
        )  # fmt: skip
    for name, columns in MEMBER_INDEXES.items():
        op.create_index(name, "campaign_member", columns)


def _add_consent() -> None:
    for table in ("lead", "contact"):
        if table == "contact":
            op.add_column(table, sa.Column("consent", sa.Boolean(), nullable=True))
            op.add_column(table, sa.Column("consent_basis", sa.String(length=120), nullable=True))
        op.add_column(table, sa.Column("consent_on", sa.Date(), nullable=True))
        op.add_column(table, sa.Column("consent_origin", sa.String(length=255), nullable=True))
        op.add_column(table, sa.Column("opted_out_by", JSON, nullable=False, server_default=sa.text("'{}'")))
    # What was written as the basis in words tells where it came from.
    lead = sa.table("lead", sa.column("consent_basis", sa.String), sa.column("consent_origin", sa.String))
    op.execute(
        lead.update()
        .where(lead.c.consent_basis.is_not(None), lead.c.consent_basis.not_in(BASES))
        .values(consent_origin=lead.c.consent_basis, consent_basis=None)
    )


def _make_campaigns_of_names() -> None:
    """A campaign for each name that leads and opportunities have; spellings that read alike are one."""
    bind, now = op.get_bind(), datetime.now(UTC)
    campaign = sa.table(
        "campaign",
        *(
            sa.column(name, kind)
            for name, kind in {
                "id": KEY, "ref": sa.String, "name": sa.String, "name_fold": sa.String, "status": sa.String,
                "starts_order": sa.Date, "member_statuses": JSON, "created_at": MOMENT, "updated_at": MOMENT,
                "version": sa.Integer,
            }.items()
        ),
    )  # fmt: skip
    tables = {
        name: sa.table(name, *(sa.column(each) for each in ("id", "campaign_name", "campaign_id")))
        for name in ("lead", "opportunity")
    }
    member = sa.table(
        "campaign_member",
        *(
            sa.column(name, kind)
            for name, kind in {
                "ref": sa.String, "campaign_id": sa.BigInteger, "lead_id": sa.BigInteger, "status": sa.String,
                "created_at": MOMENT, "updated_at": MOMENT,
            }.items()
        ),
    )  # fmt: skip
    keys: dict[str, int] = {}
    for table in tables.values():
        names = sa.select(table.c.campaign_name).where(table.c.campaign_name.is_not(None)).distinct()
        for name in bind.execute(names).scalars().all():
            folded = fold(name, LONGEST_NAME)
            if not folded:
                continue
            if folded not in keys:
                ref = new_ref("camp")
                bind.execute(
                    campaign.insert().values(
                        ref=ref, name=name, name_fold=folded, status="active", starts_order=date.min,
                        member_statuses=STATUSES, created_at=now, updated_at=now, version=1,
                    )
                )  # fmt: skip
                keys[folded] = bind.execute(
                    sa.select(campaign.c.id).where(campaign.c.ref == ref)
                ).scalar_one()
            bind.execute(table.update().where(table.c.campaign_name == name).values(campaign_id=keys[folded]))
    lead = tables["lead"]
    for key in keys.values():
        found = bind.execute(sa.select(lead.c.id).where(lead.c.campaign_id == key)).scalars().all()
        for start in range(0, len(found), 1000):
            bind.execute(
                member.insert(),
                [
                    {"ref": new_ref("mem"), "campaign_id": key, "lead_id": each, "status": "sent", "created_at": now, "updated_at": now}
                    for each in found[start : start + 1000]
                ],
            )  # fmt: skip


def downgrade() -> None:
    op.drop_table("campaign_member")
    for table in ("opportunity", "lead"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_index(f"ix_{table}_campaign")
            batch_op.drop_constraint(op.f(f"fk_{table}_campaign_id"), type_="foreignkey")
            batch_op.drop_column("campaign_id")
    op.drop_table("campaign")
    for table in ("contact", "lead"):
        for column in ("opted_out_by", "consent_origin", "consent_on"):
            op.drop_column(table, column)
    for column in ("consent_basis", "consent"):
        op.drop_column("contact", column)
