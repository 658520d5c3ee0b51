"""Indexes of owners, queues and partners over live leads only, so that lists and counts read no rows."""

import sqlalchemy as sa
from alembic import op

revision = "0006_live_leads"
down_revision = "0005_second_factor"
branch_labels = None
depends_on = None

LIVE = sa.text("deleted_at IS NULL")
DELETED = sa.text("deleted_at IS NOT NULL")
NARROWED = {
    "ix_lead_owner": ["owner_user_id", "created_at", "id"],
    "ix_lead_queue_waiting": ["owner_queue_id", "waiting_since", "id"],
    "ix_lead_queue_created": ["owner_queue_id", "created_at", "id"],
    "ix_lead_partner": ["partner_account_id", "owner_rank", "created_at", "id"],
}


def upgrade() -> None:
    for name, columns in NARROWED.items():
        op.drop_index(name, table_name="lead")
        op.create_index(name, "lead", columns, postgresql_where=LIVE, sqlite_where=LIVE)
    op.create_index("ix_lead_deleted", "lead", ["deleted_at"], postgresql_where=DELETED, sqlite_where=DELETED)


def downgrade() -> None:
    op.drop_index("ix_lead_deleted", table_name="lead")
    for name, columns in NARROWED.items():
        op.drop_index(name, table_name="lead")
        op.create_index(name, "lead", columns)
