"""Documents carry the tags that other records carry."""

revision = "0023_document_tags"
down_revision = "0022_bulk_undo"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
