"""Search entries, spellings, pairs of duplicates, what was merged, marks, the naming convention.

What is there already is entered by the worker, which takes its time: until then it is found by nothing but
its lists.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017_care"
down_revision = "0016_lists"
branch_labels = None
depends_on = None

# Compared byte by byte, so that a prefix is a range of the index whatever the database's language.
TEXT = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
STAMPS = ("left_out", "ready")
RECORDS = ("account", "contact")


def upgrade() -> None:
    op.create_table(
        "search_entry",
        sa.Column("kind", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("kind", "text", "record_id", name="pk_search_entry"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_search_entry_record", "search_entry", ["kind", "record_id", "text"])
    op.create_table(
        "spelling",
        sa.Column("variant", TEXT, nullable=False),
        sa.Column("word", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("variant", "word", name="pk_spelling"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "duplicate_check",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("is_old", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_duplicate_check"),
    )
    op.create_table(
        "duplicate_pair",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("one_id", sa.BigInteger(), nullable=False),
        sa.Column("other_id", sa.BigInteger(), nullable=False),
        sa.Column("reasons", JSON, nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(30), nullable=False),
        sa.Column("found_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("one_id < other_id", name="ck_duplicate_pair_order"),
        sa.ForeignKeyConstraint(["decided_by_id"], ["user.id"], name="fk_duplicate_pair_decided_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_duplicate_pair"),
        sa.UniqueConstraint("ref", name="uq_duplicate_pair_ref"),
    )
    op.create_index("uq_duplicate_pair", "duplicate_pair", ["kind", "one_id", "other_id"], unique=True)
    op.create_index("ix_duplicate_pair_other", "duplicate_pair", ["kind", "other_id"])
    op.create_index("ix_duplicate_pair_found", "duplicate_pair", ["kind", "state", "found_at", "id"])
    op.create_index("ix_duplicate_pair_weight", "duplicate_pair", ["kind", "state", "weight", "id"])
    for table in RECORDS:
        # With the key in the same statement: SQLite adds none later without writing the table anew.
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN merged_into_id BIGINT "
            f"CONSTRAINT fk_{table}_merged_into_id REFERENCES {table} (id)"
        )
        for stamp in STAMPS:
            op.add_column(table, sa.Column(f"{stamp}_at", MOMENT, nullable=True))
            op.execute(
                f"ALTER TABLE {table} ADD COLUMN {stamp}_by_id BIGINT "
                f'CONSTRAINT fk_{table}_{stamp}_by_id REFERENCES "user" (id)'
            )
        op.create_index(f"ix_{table}_owner_activity", table, ["owner_user_id", "last_activity_at"])
    op.add_column("organisation", sa.Column("account_naming", JSON, nullable=False, server_default="{}"))
    # What is there is looked at once, by the worker.
    for table in RECORDS:
        op.execute(
            f"INSERT INTO duplicate_check (kind, record_id, is_old) "  # noqa: S608 - our own names
            f"SELECT '{table}', id, true FROM {table} WHERE deleted_at IS NULL ORDER BY id"
        )


def downgrade() -> None:
    with op.batch_alter_table("organisation") as batch:
        batch.drop_column("account_naming")
    for table in RECORDS:
        op.drop_index(f"ix_{table}_owner_activity", table_name=table)
        with op.batch_alter_table(table) as batch:
            for stamp in STAMPS:
                batch.drop_constraint(f"fk_{table}_{stamp}_by_id", type_="foreignkey")
                batch.drop_column(f"{stamp}_by_id")
                batch.drop_column(f"{stamp}_at")
            batch.drop_constraint(f"fk_{table}_merged_into_id", type_="foreignkey")
            batch.drop_column("merged_into_id")
    for table in ("duplicate_pair", "duplicate_check", "spelling", "search_entry"):
        op.drop_table(table)
