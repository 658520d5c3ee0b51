"""Indexes that let the audit log be read by moment for every filter; no emptying of append-only tables."""

import sqlalchemy as sa
from alembic import op

revision = "0004_audit_log"
down_revision = "0003_sharing"
branch_labels = None
depends_on = None

# Each ends in the order of the page, newest first, so that no filter makes it sort or read what it skips.
OLD = {
    "ix_event_actor_id": ["actor_id", "id"],
    "ix_event_at": ["at"],
    "ix_event_record": ["record_kind", "record_id", "id"],
}
NEW = {
    "ix_event_at": ["at", "id"],
    "ix_event_actor": ["actor_id", "at", "id"],
    "ix_event_door": ["door", "at", "id"],
    "ix_event_record": ["record_kind", "record_id", "at", "id"],
    "ix_event_verb": ["verb", "at", "id"],
}
APPEND_ONLY = ("event", "turn")


def upgrade() -> None:
    # Plain statements: a batch would copy the table on SQLite and lose the triggers that guard it.
    for name in OLD:
        op.drop_index(name, "event")
    for name, columns in NEW.items():
        op.create_index(name, "event", columns)
    # What is gone is found by the name it had: few, so that others cost nothing.
    op.create_index(
        "ix_event_deleted_ref",
        "event",
        ["record_ref"],
        postgresql_where=sa.text("verb = 'deleted'"),
        sqlite_where=sa.text("verb = 'deleted'"),
    )
    if op.get_bind().dialect.name != "sqlite":
        for table in APPEND_ONLY:
            # Rows are guarded already; emptying a whole table at once would pass by them.
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting()"
            )


def downgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        for table in APPEND_ONLY:
            op.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")
    op.drop_index("ix_event_deleted_ref", "event")
    for name in NEW:
        op.drop_index(name, "event")
    for name, columns in OLD.items():
        op.create_index(name, "event", columns)
