"""Indexes of what lists of accounts and contacts are most often filtered by, each in the order of its list."""

from alembic import op
from sqlalchemy import text

revision = "0021_list_indexes"
down_revision = "0020_record_imports"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_account_industry", "account", "lower(industry)", "name_fold"),
    ("ix_account_type", "account", "lower(type)", "name_fold"),
    ("ix_account_city", "account", "lower(billing_city)", "name_fold"),
    ("ix_account_country", "account", "billing_country", "name_fold"),
    ("ix_account_category", "account", "category", "name_fold"),
    ("ix_contact_title", "contact", "lower(title)", "last_name_fold"),
    ("ix_contact_first_name", "contact", "lower(first_name)", "last_name_fold"),
)


def upgrade() -> None:
    for name, table, value, order in INDEXES:
        op.create_index(name, table, [text(value), order, "id"])


def downgrade() -> None:
    for name, table, _value, _order in INDEXES:
        op.drop_index(name, table_name=table)
