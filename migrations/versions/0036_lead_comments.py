"""What partner and vendor say to each other on a lead."""

revision = "0036_lead_comments"
down_revision = "0035_erasures"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
