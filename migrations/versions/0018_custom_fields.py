"""custom_fields"""

revision = "0018_custom_fields"
down_revision = "0017_care"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
