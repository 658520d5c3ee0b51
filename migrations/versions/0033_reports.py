"""What reports read."""

revision = "0033_reports"
down_revision = "0032_words"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
