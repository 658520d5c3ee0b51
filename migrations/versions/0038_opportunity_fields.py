"""The vendor's own fields of opportunities."""

revision = "0038_opportunity_fields"
down_revision = "0037_imports"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
