"""lists"""

revision = "0016_lists"
down_revision = "0015_documents"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
