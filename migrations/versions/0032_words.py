"""The vendor's own words for objects and fields."""

revision = "0032_words"
down_revision = "0031_search_leads"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
