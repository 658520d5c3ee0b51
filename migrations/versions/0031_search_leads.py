"""Leads and campaigns among what the search knows.

What is there already is entered by the worker, the newest first, as accounts and contacts were: until then a
lead is found by the filters of its list alone.
"""

from alembic import op

revision = "0031_search_leads"
down_revision = "0030_lead_work"
branch_labels = None
depends_on = None

KINDS = "(3, 4, 5, 6)"
TABLES = ("campaign", "lead")


def upgrade() -> None:
    for table in TABLES:
        op.execute(
            "INSERT INTO duplicate_check (kind, record_id, is_old) "
            f"SELECT '{table}', id, true FROM {table} ORDER BY id DESC"  # noqa: S608 - our own names
        )


def downgrade() -> None:
    op.execute(f"DELETE FROM search_entry WHERE kind IN {KINDS}")  # noqa: S608 - our own numbers
    op.execute("DELETE FROM duplicate_check WHERE kind IN ('campaign', 'lead')")
