"""One share that stands for each record and principal."""

import sqlalchemy as sa
from alembic import op

revision = "0011_one_share"
down_revision = "0010_letting_partners_in"
branch_labels = None
depends_on = None

STANDS = sa.text("ended_at IS NULL")
# Two made at the same moment gave the same; the later one stays.
END_DOUBLES = """
UPDATE manual_share SET ended_at = created_at
WHERE ended_at IS NULL AND EXISTS (
  SELECT 1 FROM manual_share AS later
  WHERE later.ended_at IS NULL AND later.object = manual_share.object
    AND later.record_id = manual_share.record_id AND later.principal_id = manual_share.principal_id
    AND later.id > manual_share.id
)
"""


def upgrade() -> None:
    op.execute(END_DOUBLES)
    op.create_index(
        "uq_manual_share_standing",
        "manual_share",
        ["object", "record_id", "principal_id"],
        unique=True,
        postgresql_where=STANDS,
        sqlite_where=STANDS,
    )


def downgrade() -> None:
    op.drop_index("uq_manual_share_standing", table_name="manual_share")
