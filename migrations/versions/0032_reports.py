"""Reports."""

revision = "0032_reports"
down_revision = "0031_lead_work"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
