"""Indexes of what lists of accounts and contacts can be sorted by, empty values in them."""

from alembic import op
from sqlalchemy import text

revision = "0025_list_sorts"
down_revision = "0024_after_deletion"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_account_by_industry", "account", "lower(industry)"),
    ("ix_account_by_type", "account", "lower(type)"),
    ("ix_account_by_city", "account", "lower(billing_city)"),
    ("ix_account_by_country", "account", "billing_country"),
    ("ix_account_by_employees", "account", "employees"),
    ("ix_account_by_revenue", "account", "annual_revenue"),
    ("ix_account_by_activity", "account", "last_activity_at"),
    ("ix_account_by_told", "account", "told_activity_at"),
    ("ix_contact_by_title", "contact", "lower(title)"),
    ("ix_contact_by_first_name", "contact", "lower(first_name)"),
    ("ix_contact_by_activity", "contact", "last_activity_at"),
    ("ix_contact_by_told", "contact", "told_activity_at"),
)


def upgrade() -> None:
    for name, table, value in INDEXES:
        op.create_index(name, table, [text(value), "id"])


def downgrade() -> None:
    for name, table, _value in INDEXES:
        op.drop_index(name, table_name=table)
