"""Undoing a change of many records."""

revision = "0022_bulk_undo"
down_revision = "0021_list_indexes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
