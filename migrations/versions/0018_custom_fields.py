"""Fields that an administrator adds, where records keep them, the layout of forms, how filled fields are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018_custom_fields"
down_revision = "0017_care"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TABLES = {"lead": "created_at", "account": "name_fold", "contact": "last_name_fold"}
SLOTS = (1, 2, 3, 4, 5)
HAS_SLOT = sa.text("slot IS NOT NULL")


def upgrade() -> None:
    op.add_column("organisation", sa.Column("fields_key", sa.String(40), nullable=False, server_default=""))
    for table, order in TABLES.items():
        op.add_column(table, sa.Column("custom", JSON, nullable=False, server_default=sa.text("'{}'")))
        for slot in SLOTS:
            column = f"custom_{slot}"
            op.add_column(table, sa.Column(column, sa.String(255), nullable=True))
            for name, more in ((f"ix_{table}_{column}", []), (f"ix_{table}_{column}_list", [order])):
                is_used = sa.text(f"{column} IS NOT NULL")
                op.create_index(
                    name, table, [column, *more, "id"], postgresql_where=is_used, sqlite_where=is_used
                )
    _create_field()
    op.create_table(
        "custom_field_use",
        sa.Column("field_id", sa.BigInteger(), nullable=False),
        sa.Column("choice", sa.String(60), nullable=False),
        sa.Column("last_used_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["field_id"], ["custom_field.id"], name=op.f("fk_custom_field_use_field_id")),
        sa.PrimaryKeyConstraint("field_id", "choice", name=op.f("pk_custom_field_use")),
    )
    op.create_table(
        "field_count",
        sa.Column("object", sa.String(20), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("filled", sa.Integer(), nullable=False),
        sa.Column("looked_at", sa.Integer(), nullable=False),
        sa.Column("is_exact", sa.Boolean(), nullable=False),
        sa.Column("counted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("object", "name", name=op.f("pk_field_count")),
    )
    op.create_table(
        "form_layout",
        sa.Column("object", sa.String(20), nullable=False),
        sa.Column("sections", JSON, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("object", name=op.f("pk_form_layout")),
    )


def _create_field() -> None:
    op.create_table(
        "custom_field",
        sa.Column("object", sa.String(20), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("label", sa.String(80), nullable=False),
        sa.Column("labels", JSON, nullable=False),
        sa.Column("help", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.String(120), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("choices", JSON, nullable=False),
        sa.Column("first_value", sa.Text(), nullable=False),
        sa.Column("is_required", sa.Boolean(), nullable=False),
        sa.Column("is_internal", sa.Boolean(), nullable=False),
        sa.Column("by_partner", sa.Boolean(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=True),
        sa.Column("slot_is_ready", sa.Boolean(), nullable=False),
        sa.Column("work", sa.String(10), nullable=False),
        sa.Column("work_began_at", MOMENT, nullable=True),
        sa.Column("work_reached", sa.BigInteger(), nullable=False),
        sa.Column("work_total", sa.BigInteger(), nullable=False),
        sa.Column("work_round", sa.Integer(), nullable=False),
        sa.Column("retired_at", MOMENT, nullable=True),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(40), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("object IN ('lead','account','contact')", name=op.f("ck_custom_field_object")),
        sa.CheckConstraint("slot IS NULL OR slot BETWEEN 1 AND 5", name=op.f("ck_custom_field_slot")),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_custom_field_created_by_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["user.id"], name=op.f("fk_custom_field_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custom_field")),
        sa.UniqueConstraint("ref", name=op.f("uq_custom_field_ref")),
    )
    op.create_index("uq_custom_field_name", "custom_field", ["object", "name"], unique=True)
    op.create_index(
        "uq_custom_field_slot",
        "custom_field",
        ["object", "slot"],
        unique=True,
        postgresql_where=HAS_SLOT,
        sqlite_where=HAS_SLOT,
    )


def downgrade() -> None:
    for table in ("form_layout", "field_count", "custom_field_use", "custom_field"):
        op.drop_table(table)
    for table in TABLES:
        for slot in SLOTS:
            op.drop_index(f"ix_{table}_custom_{slot}_list", table_name=table)
            op.drop_index(f"ix_{table}_custom_{slot}", table_name=table)
        with op.batch_alter_table(table) as batch:
            for slot in SLOTS:
                batch.drop_column(f"custom_{slot}")
            batch.drop_column("custom")
    with op.batch_alter_table("organisation") as batch:
        batch.drop_column("fields_key")
