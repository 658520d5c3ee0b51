"""What becomes of deleted records."""

revision = "0024_after_deletion"
down_revision = "0023_document_tags"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
