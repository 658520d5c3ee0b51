"""documents"""

revision = "0015_documents"
down_revision = "0014_account_relations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
