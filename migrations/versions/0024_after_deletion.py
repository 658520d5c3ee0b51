"""What becomes of deleted records: the ledger outlives a lead, purging finds what is old, merges are found by survivor;
and the latest activity that everybody who reads a record reads too."""

import sqlalchemy as sa
from alembic import op

revision = "0024_after_deletion"
down_revision = "0023_document_tags"
branch_labels = None
depends_on = None

DELETED, MERGED = sa.text("deleted_at IS NOT NULL"), sa.text("merged_into_id IS NOT NULL")
ONE_TARGET = "(to_user_id IS NULL) <> (to_queue_id IS NULL)"
# They stay by the lead's key when the lead is purged.
LEDGER = ("assignment", "offer")


def upgrade() -> None:
    for table in LEDGER:
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(op.f(f"fk_{table}_lead_id"), type_="foreignkey")
            _keep_check(batch, table)
    for table in ("account", "contact"):
        op.create_index(
            f"ix_{table}_deleted", table, ["deleted_at"], postgresql_where=DELETED, sqlite_where=DELETED
        )
        op.create_index(
            f"ix_{table}_merged", table, ["merged_into_id"], postgresql_where=MERGED, sqlite_where=MERGED
        )
        op.add_column(table, sa.Column("told_activity_at", sa.DateTime(timezone=True)))
        op.create_index(f"ix_{table}_owner_told", table, ["owner_user_id", "told_activity_at"])
    op.execute(
        "UPDATE account SET told_activity_at = (SELECT max(activity.at) FROM activity"
        " WHERE activity.of_account_id = account.id AND activity.is_done"
        " AND (activity.account_id IS NOT NULL OR activity.contact_id IS NOT NULL))"
    )
    op.execute(
        "UPDATE contact SET told_activity_at = (SELECT max(activity.at) FROM activity"
        " WHERE activity.contact_id = contact.id AND activity.is_done)"
    )


def downgrade() -> None:
    for table in ("account", "contact"):
        op.drop_index(f"ix_{table}_owner_told", table)
        op.drop_column(table, "told_activity_at")
        op.drop_index(f"ix_{table}_merged", table)
        op.drop_index(f"ix_{table}_deleted", table)
    for table in LEDGER:
        op.execute(f"DELETE FROM {table} WHERE lead_id NOT IN (SELECT id FROM lead)")  # noqa: S608 - names from above
        with op.batch_alter_table(table) as batch:
            batch.create_foreign_key(op.f(f"fk_{table}_lead_id"), "lead", ["lead_id"], ["id"])
            _keep_check(batch, table)


def _keep_check(batch, table) -> None:  # type: ignore[no-untyped-def]
    """SQLite's copy of a table loses its checks."""
    if table == "assignment" and op.get_bind().dialect.name == "sqlite":
        batch.create_check_constraint(op.f("ck_assignment_one_target"), ONE_TARGET)
