"""cases"""

revision = "0013_cases"
down_revision = "0012_activities"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
