"""Leads that a queue owns told apart in reports by campaign, product and score; beside people all queues count as one.

Over a million leads this takes some seconds; nothing is to be counted anew.
"""

from alembic import op

revision = "0054_reports_of_queues"
down_revision = "0053_partners_measured"
branch_labels = None
depends_on = None

HELD = "substr(owner, 1, 1) = 'q'"
# Name before the key of the queue → what is told apart.
CUTS = {"all": "''", "campaign": "campaign", "product": "product", "band": "band"}
STEPS = 7


def upgrade() -> None:
    _wait_for_counting()
    _count_of_nobody("''", "owner = '' OR " + HELD)
    for name, column in CUTS.items():
        _count(f"'{name}:' || owner", column, HELD, f"owner, {column}" if name != "all" else "owner")


def downgrade() -> None:
    _wait_for_counting()
    for name in CUTS:
        op.execute(f"DELETE FROM report_count WHERE cut LIKE '{name}:%'")
    _count_of_nobody("owner", "owner = '' OR " + HELD)


def _wait_for_counting() -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.execute("SELECT pg_advisory_xact_lock(7203033)")  # nobody counts changes meanwhile


def _count_of_nobody(owner: str, where: str) -> None:
    """Count those without a person anew, among people.  owner: what they are told by."""
    op.execute(
        "DELETE FROM report_count WHERE (cut = 'owner' OR cut LIKE 'owner:%') AND (a = '' OR substr(a, 1, 1) = 'q')"
    )
    apart = [] if owner == "''" else [owner]
    _count("'owner'", owner, where, ", ".join(apart))
    _count("'owner:' || country", owner, where, ", ".join(["country", *apart]))


def _count(cut: str, a: str, where: str, apart: str) -> None:
    reached = ", ".join(f"SUM(CASE WHEN stage >= {place} THEN 1 ELSE 0 END)" for place in range(STEPS))
    for month, each in (("month", ["month"]), ("0", [])):
        by = ", ".join([*each, *([apart] if apart else [])])
        group = f" GROUP BY {by}" if by else " HAVING COUNT(*) > 0"
        op.execute(
            "INSERT INTO report_count (cut, month, a, b, captured, assigned, taken, touched, qualified, converted, won, handed_over, unqualified)"
            f" SELECT {cut}, {month}, {a}, '', {reached}, SUM(handed_over), SUM(unqualified)"
            f" FROM report_fact WHERE {where}{group}"
        )
