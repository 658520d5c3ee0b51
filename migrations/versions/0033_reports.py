"""What reports read: since when leads are with whoever has them, each lead as it was counted, and the counts."""

import sqlalchemy as sa
from alembic import op

revision = "0033_reports"
down_revision = "0032_words"
branch_labels = None
depends_on = None

# Since when a person has a lead and how long it waited for them; what was done on it first, and after how long.
MOMENTS = {"taken_at": sa.DateTime(timezone=True), "taken_after": sa.BigInteger(), "touched_at": sa.DateTime(timezone=True), "touched_after": sa.BigInteger()}
WATCHED = (
    "arrived_at", "partner_account_id", "source_id", "campaign_id", "country", "product_interest", "owner_user_id",
    "owner_queue_id", "last_queue_id", "offer_id", "waiting_since", "taken_at", "taken_after", "touched_at", "touched_after", "status_id",
    "score", "converted_at", "marketing_qualified_at", "deleted_at",
)
OF_OPPORTUNITY = ("source_lead_id", "category", "deleted_at")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for name, type_ in MOMENTS.items():
        op.add_column("lead", sa.Column(name, type_, nullable=True))
    op.create_table(
        "report_change",
        sa.Column("id", KEY, nullable=False),
        sa.Column("lead_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_change")),
    )
    op.create_index("ix_report_change_lead_id", "report_change", ["lead_id"])
    short = ("partner", "source", "campaign", "owner", "queue", "band", "taken_class", "touched_class", "waits_in", "waiting_day")
    op.create_table(
        "report_fact",
        sa.Column("lead_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("month", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.String(20), nullable=False) for name in short),
        sa.Column("country", sa.String(2), nullable=False),
        sa.Column("product", sa.String(120), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("stage", "handed_over", "unqualified")),
        sa.PrimaryKeyConstraint("lead_id", name=op.f("pk_report_fact")),
    )
    steps = ("captured", "assigned", "taken", "touched", "qualified", "converted", "won", "handed_over", "unqualified")
    op.create_table(
        "report_count",
        sa.Column("cut", sa.String(20), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("a", sa.String(120), nullable=False),
        sa.Column("b", sa.String(20), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in steps),
        sa.PrimaryKeyConstraint("cut", "month", "a", "b", name=op.f("pk_report_count")),
    )
    # What can be told of leads that are there: whoever has one has it since it was given to them.
    op.execute("UPDATE lead SET taken_at = owned_since WHERE owner_user_id IS NOT NULL AND offer_id IS NULL")
    op.execute(
        "UPDATE lead SET touched_at = last_activity_at WHERE owner_user_id IS NOT NULL AND offer_id IS NULL"
        " AND last_activity_at >= owned_since"
    )
    if op.get_bind().dialect.name == "sqlite":
        _watch_sqlite()
    else:
        _watch_postgresql()
    op.execute("INSERT INTO report_change (lead_id) SELECT id FROM lead WHERE deleted_at IS NULL")


def _changed(names: tuple[str, ...], differs: str) -> str:
    return " OR ".join(f"NEW.{name} {differs} OLD.{name}" for name in names)


def _watch_sqlite() -> None:
    note = "BEGIN INSERT INTO report_change (lead_id) VALUES ({}); END"
    op.execute(f"CREATE TRIGGER lead_counted_new AFTER INSERT ON lead {note.format('NEW.id')}")
    op.execute(f"CREATE TRIGGER lead_counted_gone AFTER DELETE ON lead {note.format('OLD.id')}")
    op.execute(
        f"CREATE TRIGGER lead_counted AFTER UPDATE OF {', '.join(WATCHED)} ON lead"
        f" WHEN {_changed(WATCHED, 'IS NOT')} {note.format('NEW.id')}"
    )
    for act, row in (("INSERT", "NEW"), ("DELETE", "OLD")):
        op.execute(
            f"CREATE TRIGGER opportunity_counted_{act.lower()} AFTER {act} ON opportunity"
            f" WHEN {row}.source_lead_id IS NOT NULL {note.format(f'{row}.source_lead_id')}"
        )
    op.execute(
        f"CREATE TRIGGER opportunity_counted AFTER UPDATE OF {', '.join(OF_OPPORTUNITY)} ON opportunity"
        f" WHEN {_changed(OF_OPPORTUNITY, 'IS NOT')} BEGIN INSERT INTO report_change (lead_id)"
        " SELECT NEW.source_lead_id WHERE NEW.source_lead_id IS NOT NULL"
        " UNION ALL SELECT OLD.source_lead_id WHERE OLD.source_lead_id IS NOT NULL; END"
    )
    every = "BEGIN INSERT INTO report_change (lead_id) SELECT id FROM lead WHERE {}; END"
    op.execute(
        "CREATE TRIGGER lead_status_counted AFTER UPDATE OF category ON lead_status"
        f" WHEN NEW.category IS NOT OLD.category {every.format('status_id = NEW.id')}"
    )
    op.execute(
        "CREATE TRIGGER organisation_counted AFTER UPDATE OF time_zone ON organisation"
        f" WHEN NEW.time_zone IS NOT OLD.time_zone {every.format('deleted_at IS NULL')}"
    )


def _watch_postgresql() -> None:
    def watch(name: str, table: str, when: str, body: str, of: str = "") -> None:
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {name} AFTER {of} ON {table} FOR EACH ROW {when} EXECUTE FUNCTION {name}()"
        )

    note = "INSERT INTO report_change (lead_id) VALUES ({});"
    watch("lead_counted_new", "lead", "", note.format("NEW.id"), "INSERT")
    watch("lead_counted_gone", "lead", "", note.format("OLD.id"), "DELETE")
    watch(
        "lead_counted", "lead", f"WHEN ({_changed(WATCHED, 'IS DISTINCT FROM')})", note.format("NEW.id"),
        f"UPDATE OF {', '.join(WATCHED)}",
    )
    for act, row in (("INSERT", "NEW"), ("DELETE", "OLD")):
        watch(
            f"opportunity_counted_{act.lower()}", "opportunity", f"WHEN ({row}.source_lead_id IS NOT NULL)",
            note.format(f"{row}.source_lead_id"), act,
        )
    watch(
        "opportunity_counted", "opportunity", f"WHEN ({_changed(OF_OPPORTUNITY, 'IS DISTINCT FROM')})",
        "INSERT INTO report_change (lead_id) SELECT each FROM unnest(ARRAY[NEW.source_lead_id, OLD.source_lead_id])"
        " AS each WHERE each IS NOT NULL;",
        f"UPDATE OF {', '.join(OF_OPPORTUNITY)}",
    )
    every = "INSERT INTO report_change (lead_id) SELECT id FROM lead WHERE {};"
    watch(
        "lead_status_counted", "lead_status", "WHEN (NEW.category IS DISTINCT FROM OLD.category)",
        every.format("status_id = NEW.id"), "UPDATE OF category",
    )
    watch(
        "organisation_counted", "organisation", "WHEN (NEW.time_zone IS DISTINCT FROM OLD.time_zone)",
        every.format("deleted_at IS NULL"), "UPDATE OF time_zone",
    )


TRIGGERS = {
    "lead": ("lead_counted", "lead_counted_new", "lead_counted_gone"),
    "opportunity": ("opportunity_counted", "opportunity_counted_insert", "opportunity_counted_delete"),
    "lead_status": ("lead_status_counted",),
    "organisation": ("organisation_counted",),
}


def downgrade() -> None:
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    for table, names in TRIGGERS.items():
        for name in names:
            op.execute(f"DROP TRIGGER {name}" if on_sqlite else f"DROP TRIGGER {name} ON {table}")
            if not on_sqlite:
                op.execute(f"DROP FUNCTION {name}()")
    for table in ("report_count", "report_fact", "report_change"):
        op.drop_table(table)
    for name in MOMENTS:
        op.drop_column("lead", name)
