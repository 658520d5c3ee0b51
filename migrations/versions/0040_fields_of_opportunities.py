"""Fields that an administrator adds to opportunities."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040_fields_of_opportunities"
down_revision = "0039_upkeep"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
SLOTS = (1, 2, 3, 4, 5)
BEFORE, AFTER = "'lead','account','contact'", "'lead','account','contact','opportunity'"


def upgrade() -> None:
    # One by one, for a table with indexes by expressions must not be copied.
    op.add_column("opportunity", sa.Column("custom", JSON, nullable=False, server_default=sa.text("'{}'")))
    for slot in SLOTS:
        column = f"custom_{slot}"
        is_used = sa.text(f"{column} IS NOT NULL")
        op.add_column("opportunity", sa.Column(column, sa.String(255), nullable=True))
        for name, more in ((f"ix_opportunity_{column}", []), (f"ix_opportunity_{column}_list", ["created_at"])):
            op.create_index(
                name, "opportunity", [column, *more, "id"], postgresql_where=is_used, sqlite_where=is_used
            )
    _let_fields_be_of(AFTER)


def downgrade() -> None:
    op.execute("DELETE FROM custom_field_use WHERE field_id IN (SELECT id FROM custom_field WHERE object = 'opportunity')")
    op.execute("DELETE FROM custom_field WHERE object = 'opportunity'")
    _let_fields_be_of(BEFORE)
    for slot in SLOTS:
        op.drop_index(f"ix_opportunity_custom_{slot}_list", table_name="opportunity")
        op.drop_index(f"ix_opportunity_custom_{slot}", table_name="opportunity")
    for column in (*(f"custom_{slot}" for slot in SLOTS), "custom"):
        op.drop_column("opportunity", column)


def _let_fields_be_of(objects: str) -> None:
    with op.batch_alter_table("custom_field") as batch:
        batch.drop_constraint(op.f("ck_custom_field_object"), type_="check")
        batch.create_check_constraint(op.f("ck_custom_field_object"), f"object IN ({objects})")
