"""Opportunities, and leads that became them."""

revision = "0026_opportunities"
down_revision = "0025_case_queues"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
