"""An index of the leads that partners' people own, for their reports."""

from alembic import op

revision = "0045_owned_leads"
down_revision = "0042_comparisons"
branch_labels = None
depends_on = None

COLUMNS = ("owner", "stage", "month", "source", "country", "product", "unqualified", "lead_id")


def upgrade() -> None:
    op.create_index("ix_report_fact_owner", "report_fact", list(COLUMNS))


def downgrade() -> None:
    op.drop_index("ix_report_fact_owner", table_name="report_fact")
