"""account_relations"""

revision = "0014_account_relations"
down_revision = "0013_cases"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
