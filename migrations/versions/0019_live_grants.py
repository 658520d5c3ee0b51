"""What is deleted is granted to nobody by a rule; lists read grants from their index alone."""

from alembic import op

revision = "0019_live_grants"
down_revision = "0018_custom_fields"
branch_labels = None
depends_on = None

SORTED = ["principal_id", "object", "record_created_at", "record_id"]
READ = ["set_id", "level", "until"]
END = """
DELETE FROM sharing_grant
WHERE object = '{table}' AND set_id IN (SELECT id FROM grant_set WHERE rule_id IS NOT NULL)
  AND record_id IN (SELECT id FROM {table} WHERE deleted_at IS NOT NULL)
"""


def upgrade() -> None:
    for table in ("lead", "account", "contact"):
        op.execute(END.format(table=table))
    op.drop_index("ix_sharing_grant_list", table_name="sharing_grant")
    op.create_index("ix_sharing_grant_list", "sharing_grant", [*SORTED, *READ])


def downgrade() -> None:
    op.drop_index("ix_sharing_grant_list", table_name="sharing_grant")
    op.create_index("ix_sharing_grant_list", "sharing_grant", SORTED)
