"""Public groups, sharing rules, shares by hand and the grants they give."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003_sharing"
down_revision = "0002_portal_roles"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "principal",
        sa.Column("id", KEY, nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_principal")),
        sa.UniqueConstraint("key", name=op.f("uq_principal_key")),
    )
    op.create_table(
        "group_reach",
        sa.Column("member_principal_id", sa.BigInteger(), nullable=False),
        sa.Column("group_principal_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_principal_id"], ["principal.id"], name=op.f("fk_group_reach_group_principal_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_principal_id"], ["principal.id"], name=op.f("fk_group_reach_member_principal_id")
        ),
        sa.PrimaryKeyConstraint("member_principal_id", "group_principal_id", name=op.f("pk_group_reach")),
    )
    with op.batch_alter_table("group_reach", schema=None) as batch_op:
        batch_op.create_index("ix_group_reach_group", ["group_principal_id"], unique=False)

    op.create_table(
        "manual_share",
        sa.Column("object", sa.String(length=12), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("principal_id", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.BigInteger(), nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_manual_share_created_by_id")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["user.id"], name=op.f("fk_manual_share_ended_by_id")),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["principal.id"], name=op.f("fk_manual_share_principal_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manual_share")),
        sa.UniqueConstraint("ref", name=op.f("uq_manual_share_ref")),
    )
    with op.batch_alter_table("manual_share", schema=None) as batch_op:
        batch_op.create_index("ix_manual_share_record", ["object", "record_id"], unique=False)
        batch_op.create_index("ix_manual_share_until", ["until"], unique=False)

    op.create_table(
        "public_group",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("name_fold", sa.String(length=120), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("principal_id", sa.BigInteger(), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_public_group_created_by_id")),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["principal.id"], name=op.f("fk_public_group_principal_id")
        ),
        sa.ForeignKeyConstraint(["updated_by_id"], ["user.id"], name=op.f("fk_public_group_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_group")),
        sa.UniqueConstraint("name_fold", name=op.f("uq_public_group_name_fold")),
        sa.UniqueConstraint("principal_id", name=op.f("uq_public_group_principal_id")),
        sa.UniqueConstraint("ref", name=op.f("uq_public_group_ref")),
    )
    op.create_table(
        "sharing_rule",
        sa.Column("object", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("owned_by_id", sa.BigInteger(), nullable=True),
        sa.Column("criteria", JSON, nullable=False),
        sa.Column("share_with_id", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'owner') = (owned_by_id IS NOT NULL)", name=op.f("ck_sharing_rule_owner")
        ),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_sharing_rule_created_by_id")),
        sa.ForeignKeyConstraint(["owned_by_id"], ["principal.id"], name=op.f("fk_sharing_rule_owned_by_id")),
        sa.ForeignKeyConstraint(
            ["share_with_id"], ["principal.id"], name=op.f("fk_sharing_rule_share_with_id")
        ),
        sa.ForeignKeyConstraint(["updated_by_id"], ["user.id"], name=op.f("fk_sharing_rule_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sharing_rule")),
        sa.UniqueConstraint("ref", name=op.f("uq_sharing_rule_ref")),
    )
    op.create_table(
        "grant_set",
        sa.Column("id", KEY, nullable=False),
        sa.Column("object", sa.String(length=12), nullable=False),
        sa.Column("principal_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(length=30), nullable=True),
        sa.Column("owned_by_id", sa.BigInteger(), nullable=True),
        sa.Column("criteria", JSON, nullable=False),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reached", sa.BigInteger(), nullable=False),
        sa.Column("looked_at", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("caught_up_to", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["owned_by_id"], ["principal.id"], name=op.f("fk_grant_set_owned_by_id")),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f("fk_grant_set_principal_id")),
        sa.ForeignKeyConstraint(["rule_id"], ["sharing_rule.id"], name=op.f("fk_grant_set_rule_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grant_set")),
    )
    with op.batch_alter_table("grant_set", schema=None) as batch_op:
        batch_op.create_index("ix_grant_set_principal", ["principal_id", "object", "state"], unique=False)
        batch_op.create_index("ix_grant_set_rule", ["rule_id"], unique=False)
        batch_op.create_index("ix_grant_set_state", ["state"], unique=False)

    op.create_table(
        "group_member",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("principal_id", sa.BigInteger(), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["public_group.id"], name=op.f("fk_group_member_group_id")),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["principal.id"], name=op.f("fk_group_member_principal_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_member")),
        sa.UniqueConstraint("ref", name=op.f("uq_group_member_ref")),
    )
    with op.batch_alter_table("group_member", schema=None) as batch_op:
        batch_op.create_index("uq_group_member", ["group_id", "principal_id"], unique=True)

    op.create_table(
        "sharing_grant",
        sa.Column("set_id", sa.BigInteger(), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("object", sa.String(length=12), nullable=False),
        sa.Column("principal_id", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("record_created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["set_id"], ["grant_set.id"], name=op.f("fk_sharing_grant_set_id")),
        sa.PrimaryKeyConstraint("set_id", "record_id", name=op.f("pk_sharing_grant")),
    )
    with op.batch_alter_table("sharing_grant", schema=None) as batch_op:
        batch_op.create_index(
            "ix_sharing_grant_list",
            ["principal_id", "object", "record_created_at", "record_id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_sharing_grant_record", ["object", "record_id", "principal_id"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("sharing_grant", schema=None) as batch_op:
        batch_op.drop_index("ix_sharing_grant_record")
        batch_op.drop_index("ix_sharing_grant_list")

    op.drop_table("sharing_grant")
    with op.batch_alter_table("group_member", schema=None) as batch_op:
        batch_op.drop_index("uq_group_member")

    op.drop_table("group_member")
    with op.batch_alter_table("grant_set", schema=None) as batch_op:
        batch_op.drop_index("ix_grant_set_state")
        batch_op.drop_index("ix_grant_set_rule")
        batch_op.drop_index("ix_grant_set_principal")

    op.drop_table("grant_set")
    op.drop_table("sharing_rule")
    op.drop_table("public_group")
    with op.batch_alter_table("manual_share", schema=None) as batch_op:
        batch_op.drop_index("ix_manual_share_until")
        batch_op.drop_index("ix_manual_share_record")

    op.drop_table("manual_share")
    with op.batch_alter_table("group_reach", schema=None) as batch_op:
        batch_op.drop_index("ix_group_reach_group")

    op.drop_table("group_reach")
    op.drop_table("principal")
