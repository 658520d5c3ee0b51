"""Cases that wait in queues."""

revision = "0025_case_queues"
down_revision = "0024_after_deletion"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
