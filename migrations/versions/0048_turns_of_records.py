"""When a case was last closed or opened again, and an opportunity won, lost or opened again, for the timelines of accounts and contacts."""

import sqlalchemy as sa
from alembic import op

revision = "0048_turns_of_records"
down_revision = "0047_mix_of_partners"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_case_account_turned", "case", "account_id", "turned_at"),
    ("ix_case_contact_turned", "case", "contact_id", "turned_at"),
    ("ix_opportunity_account_made", "opportunity", "account_id", "created_at"),
    ("ix_opportunity_account_turned", "opportunity", "account_id", "turned_at"),
)
_LIVE = sa.text("deleted_at IS NULL")


def upgrade() -> None:
    for table in ("case", "opportunity"):
        op.add_column(table, sa.Column("turned_at", sa.DateTime(timezone=True), nullable=True))
        # What is open again tells of it in its events alone.
        op.execute(f'UPDATE "{table}" SET turned_at = closed_at WHERE closed_at IS NOT NULL')
        op.execute(
            f"""
            UPDATE "{table}" SET turned_at = last.at
            FROM (SELECT record_id, max(at) AS at FROM event
                  WHERE verb = 'reopened' AND record_kind = '{table}' GROUP BY record_id) AS last
            WHERE last.record_id = "{table}".id AND "{table}".closed_at IS NULL
            """
        )
    for name, table, *columns in _INDEXES:
        op.create_index(name, table, [*columns, "id"], postgresql_where=_LIVE, sqlite_where=_LIVE)


def downgrade() -> None:
    for name, table, *_columns in reversed(_INDEXES):
        op.drop_index(name, table_name=table, postgresql_where=_LIVE, sqlite_where=_LIVE)
    for table in ("opportunity", "case"):
        op.drop_column(table, "turned_at")
