"""Whose data was erased."""

revision = "0035_erasures"
down_revision = "0034_targets"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
