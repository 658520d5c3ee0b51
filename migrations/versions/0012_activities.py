"""activities"""

revision = "0012_activities"
down_revision = "0011_one_share"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
