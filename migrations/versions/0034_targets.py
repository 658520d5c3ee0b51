"""What partners aim at, and reports by mail."""

revision = "0034_targets"
down_revision = "0033_reports"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
