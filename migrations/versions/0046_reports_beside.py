"""Counts of leads by owner, and of how long they waited, for each country by itself.

Over a million leads this takes about fifteen seconds; nothing is to be counted anew.
"""

from alembic import op

revision = "0046_reports_beside"
down_revision = "0045_owned_leads"
branch_labels = None
depends_on = None

# (name, what is told apart, what is needed)
CUTS = (
    ("owner:", "owner", ""),
    ("taken/partner:", "partner", "taken_class"),
    ("taken/queue:", "queue", "taken_class"),
    ("touched/partner:", "partner", "touched_class"),
    ("touched/queue:", "queue", "touched_class"),
    ("waiting/partner:", "partner", "waiting_day"),
    ("waiting/queue:", "waits_in", "waiting_day"),
)
STEPS = 7


def upgrade() -> None:
    reached = ", ".join(f"SUM(CASE WHEN stage >= {place} THEN 1 ELSE 0 END)" for place in range(STEPS))
    if op.get_bind().dialect.name != "sqlite":
        op.execute("SELECT pg_advisory_xact_lock(7203033)")  # nobody counts changes meanwhile
    for name, a, needs in CUTS:
        where = f" WHERE {needs} <> ''" if needs else ""
        apart = f"country, {a}, {needs}" if needs else f"country, {a}"
        for month, each in (("month", "month, "), ("0", "")):
            op.execute(
                "INSERT INTO report_count (cut, month, a, b, captured, assigned, taken, touched, qualified, converted, won, handed_over, unqualified)"
                f" SELECT '{name}' || country, {month}, {a}, {needs or chr(39) * 2}, {reached}, SUM(handed_over), SUM(unqualified)"
                f" FROM report_fact{where} GROUP BY {each}{apart}"
            )


def downgrade() -> None:
    op.execute(r"DELETE FROM report_count WHERE cut LIKE '%:%'")
