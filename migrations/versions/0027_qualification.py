"""Qualification and score of leads."""

revision = "0027_qualification"
down_revision = "0026_opportunities"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
