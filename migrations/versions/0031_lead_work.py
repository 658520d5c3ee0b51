"""Deadlines and comments of leads."""

revision = "0031_lead_work"
down_revision = "0030_words"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
