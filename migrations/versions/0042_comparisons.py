"""Comparisons of scorecards that are kept, where there are too many leads to compare them while somebody waits."""

import sqlalchemy as sa
from alembic import op

revision = "0042_comparisons"
down_revision = "0041_reports_by_two"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "scorecard_comparison",
        sa.Column("partner", sa.String(length=20), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("leads", sa.Integer(), nullable=False),
        sa.Column("actual", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Double(), nullable=False),
        sa.Column("variance", sa.Double(), nullable=False),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("partner", name=op.f("pk_scorecard_comparison")),
    )


def downgrade() -> None:
    op.drop_table("scorecard_comparison")
