"""care"""

revision = "0017_care"
down_revision = "0016_lists"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
