"""Campaigns and consent."""

revision = "0029_campaigns"
down_revision = "0028_lead_forms"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
