"""Forms that capture leads."""

revision = "0028_lead_forms"
down_revision = "0027_qualification"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
