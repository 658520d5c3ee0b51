"""What imports keep."""

revision = "0037_imports"
down_revision = "0036_lead_comments"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
