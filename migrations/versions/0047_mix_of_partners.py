"""What partners' leads are like by month, instead of comparisons of the usual months alone; the worker makes it."""

import sqlalchemy as sa
from alembic import op

revision = "0047_mix_of_partners"
down_revision = "0046_reports_beside"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("scorecard_comparison")
    op.create_table(
        "scorecard_mix",
        sa.Column("partner", sa.String(length=20), nullable=False),
        sa.Column("had", sa.LargeBinary(), nullable=False),
        sa.Column("converted", sa.LargeBinary(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("partner", name=op.f("pk_scorecard_mix")),
    )


def downgrade() -> None:
    op.drop_table("scorecard_mix")
    op.create_table(
        "scorecard_comparison",
        sa.Column("partner", sa.String(length=20), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("first", "last", "received", "leads", "actual")),
        sa.Column("expected", sa.Double(), nullable=False),
        sa.Column("variance", sa.Double(), nullable=False),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("partner", name=op.f("pk_scorecard_comparison")),
    )
