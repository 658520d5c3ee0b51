"""Leads and campaigns among what the search knows."""

revision = "0031_search_leads"
down_revision = "0030_lead_work"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
