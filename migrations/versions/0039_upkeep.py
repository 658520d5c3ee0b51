"""When the installation was last looked after; counts of reports for all months together, and of kinds of leads."""

import sqlalchemy as sa
from alembic import op

revision = "0039_upkeep"
down_revision = "0038_sent_forms"
branch_labels = None
depends_on = None

# What report_count counts, by how far leads came.
STEPS = ("captured", "assigned", "taken", "touched", "qualified", "converted", "won")


def upgrade() -> None:
    op.create_table(
        "upkeep",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_well", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_upkeep")),
    )
    with op.batch_alter_table("report_count") as batch:
        batch.alter_column("b", existing_type=sa.String(length=20), type_=sa.String(length=40), existing_nullable=False)
    reached = ", ".join(f"sum(CASE WHEN stage >= {place} THEN 1 ELSE 0 END)" for place in range(len(STEPS)))
    op.execute(
        f"INSERT INTO report_count (cut, month, a, b, {', '.join(STEPS)}, handed_over, unqualified)"
        f" SELECT 'kind', month, product, source || '/' || country, {reached}, sum(handed_over), sum(unqualified)"
        " FROM report_fact WHERE partner <> '' GROUP BY month, product, source || '/' || country"
    )
    measures = (*STEPS, "handed_over", "unqualified")
    op.execute(
        f"INSERT INTO report_count (cut, month, a, b, {', '.join(measures)})"
        f" SELECT cut, 0, a, b, {', '.join(f'sum({name})' for name in measures)} FROM report_count GROUP BY cut, a, b"
    )


def downgrade() -> None:
    op.execute("DELETE FROM report_count WHERE cut = 'kind' OR month = 0")
    with op.batch_alter_table("report_count") as batch:
        batch.alter_column("b", existing_type=sa.String(length=40), type_=sa.String(length=20), existing_nullable=False)
    op.drop_table("upkeep")
