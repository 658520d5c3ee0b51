"""Whose data was erased.  Events stay append-only: while an erasure's gate stands, texts in what they tell may become marked ones.

The gate cannot outlive the transaction that opened it: it refers to a row that is never there, which is asked at
the commit.  What the guard allows is the same in both databases: of an event's changes and detail a text may be
replaced by one that has the mark in it; every other part and value stays, and so does their number.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035_erasures"
down_revision = "0034_targets"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MARK = "[erased]"
# Of an event, all that nobody ever touches.
UNTOUCHED = (
    "id", "at", "verb", "record_kind", "record_id", "record_ref", "actor_id", "actor_name", "company_id", "door",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", KEY, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("records", JSON, nullable=False),
        sa.Column("counts", JSON, nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_erasure_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
    )
    op.create_table(
        "erasure_gate",
        sa.Column("erasure_id", sa.BigInteger(), nullable=False),
        sa.Column("closed_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("closed_id < 0", name=op.f("ck_erasure_gate_never")),
        sa.ForeignKeyConstraint(["erasure_id"], ["erasure.id"], name=op.f("fk_erasure_gate_erasure_id")),
        sa.ForeignKeyConstraint(
            ["closed_id"],
            ["erasure.id"],
            name=op.f("fk_erasure_gate_closed_id"),
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.PrimaryKeyConstraint("erasure_id", name=op.f("pk_erasure_gate")),
    )
    if op.get_bind().dialect.name == "sqlite":
        _guard_on_sqlite()
    else:
        _guard_on_postgresql()


def _guard_on_sqlite() -> None:
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER erasure_no_{act.lower()} BEFORE {act} ON erasure"
            " BEGIN SELECT RAISE(ABORT, 'erasure is append-only'); END"
        )
    same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in UNTOUCHED)
    erased = " AND ".join(_only_erased(name) for name in ("changes", "detail"))
    op.execute("DROP TRIGGER event_no_update")
    op.execute(
        "CREATE TRIGGER event_no_update BEFORE UPDATE ON event"
        f" WHEN NOT (EXISTS (SELECT 1 FROM erasure_gate) AND {same} AND {erased})"
        " BEGIN SELECT RAISE(ABORT, 'event is append-only'); END"
    )


def _only_erased(name: str) -> str:
    return (
        f"(SELECT count(*) FROM json_tree(NEW.{name})) = (SELECT count(*) FROM json_tree(OLD.{name}))"
        f" AND NOT EXISTS (SELECT 1 FROM json_tree(NEW.{name}) AS n"
        f" LEFT JOIN json_tree(OLD.{name}) AS o ON o.fullkey = n.fullkey"
        " WHERE o.fullkey IS NULL OR n.type IS NOT o.type OR (n.atom IS NOT o.atom"
        f" AND NOT (n.type = 'text' AND instr(n.atom, '{MARK}') > 0)))"
    )


def _guard_on_postgresql() -> None:
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER erasure_no_{act.lower()} BEFORE {act} ON erasure"
            " FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()"
        )
    op.execute(
        "CREATE TRIGGER erasure_no_truncate BEFORE TRUNCATE ON erasure"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting()"
    )
    op.execute(
        "CREATE FUNCTION only_erased(was jsonb, is_now jsonb) RETURNS boolean LANGUAGE plpgsql AS $$"
        " DECLARE one text; place integer;"
        " BEGIN"
        "  IF was = is_now THEN RETURN true; END IF;"
        "  IF is_now IS NULL OR jsonb_typeof(was) <> jsonb_typeof(is_now) THEN RETURN false; END IF;"
        "  IF jsonb_typeof(was) = 'string' THEN"
        f"   RETURN position('{MARK}' in is_now #>> '{{}}') > 0;"
        "  ELSIF jsonb_typeof(was) = 'object' THEN"
        "   IF (SELECT count(*) FROM jsonb_object_keys(was))"
        "      <> (SELECT count(*) FROM jsonb_object_keys(is_now)) THEN RETURN false; END IF;"
        "   FOR one IN SELECT jsonb_object_keys(was) LOOP"
        "    IF NOT only_erased(was -> one, is_now -> one) THEN RETURN false; END IF;"
        "   END LOOP;"
        "   RETURN true;"
        "  ELSIF jsonb_typeof(was) = 'array' THEN"
        "   IF jsonb_array_length(was) <> jsonb_array_length(is_now) THEN RETURN false; END IF;"
        "   FOR place IN 0 .. jsonb_array_length(was) - 1 LOOP"
        "    IF NOT only_erased(was -> place, is_now -> place) THEN RETURN false; END IF;"
        "   END LOOP;"
        "   RETURN true;"
        "  END IF;"
        "  RETURN false;"
        " END $$"
    )
    op.execute(
        "CREATE FUNCTION refuse_all_but_erasing() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN"
        "  IF EXISTS (SELECT 1 FROM erasure_gate)"
        "   AND to_jsonb(OLD) - 'changes' - 'detail' = to_jsonb(NEW) - 'changes' - 'detail'"
        "   AND only_erased(OLD.changes, NEW.changes) AND only_erased(OLD.detail, NEW.detail)"
        "  THEN RETURN NEW; END IF;"
        "  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;"
        " END $$"
    )
    op.execute("DROP TRIGGER event_no_update ON event")
    op.execute(
        "CREATE TRIGGER event_no_update BEFORE UPDATE ON event"
        " FOR EACH ROW EXECUTE FUNCTION refuse_all_but_erasing()"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER event_no_update")
        op.execute(
            "CREATE TRIGGER event_no_update BEFORE UPDATE ON event"
            " BEGIN SELECT RAISE(ABORT, 'event is append-only'); END"
        )
    else:
        op.execute("DROP TRIGGER event_no_update ON event")
        op.execute(
            "CREATE TRIGGER event_no_update BEFORE UPDATE ON event"
            " FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()"
        )
        op.execute("DROP FUNCTION refuse_all_but_erasing()")
        op.execute("DROP FUNCTION only_erased(jsonb, jsonb)")
    op.drop_table("erasure_gate")
    op.drop_table("erasure")
