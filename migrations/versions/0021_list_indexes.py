"""Indexes of lists."""

revision = "0021_list_indexes"
down_revision = "0020_record_imports"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
