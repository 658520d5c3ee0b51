"""Indexes of the company that an activity, or an opportunity, came from: a merge asks for each account's at every step."""

from alembic import op
from sqlalchemy import text

revision = "0049_company_indexes"
down_revision = "0048_turns_of_records"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_activity_company", "activity", "company_id"),
    ("ix_opportunity_source_partner", "opportunity", "source_partner_id"),
)


def upgrade() -> None:
    for name, table, column in _INDEXES:
        given = text(f"{column} IS NOT NULL")
        op.create_index(name, table, [column], postgresql_where=given, sqlite_where=given)


def downgrade() -> None:
    for name, table, _column in reversed(_INDEXES):
        op.drop_index(name, table_name=table)
