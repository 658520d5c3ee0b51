"""Of how many leads of each partner it is measured how fast they were taken, and touched.

Over a million leads this takes some seconds; nothing is to be counted anew.
"""

from alembic import op

revision = "0053_partners_measured"
down_revision = "0052_reports_of_owners"
branch_labels = None
depends_on = None

# (name, what is needed)
CUTS = (("taken", "taken_class"), ("touched", "touched_class"))
STEPS = 7


def upgrade() -> None:
    reached = ", ".join(f"SUM(CASE WHEN stage >= {place} THEN 1 ELSE 0 END)" for place in range(STEPS))
    if op.get_bind().dialect.name != "sqlite":
        op.execute("SELECT pg_advisory_xact_lock(7203033)")  # nobody counts changes meanwhile
    for name, needs in CUTS:
        for month, each in (("month", "month, "), ("0", "")):
            op.execute(
                "INSERT INTO report_count (cut, month, a, b, captured, assigned, taken, touched, qualified, converted, won, handed_over, unqualified)"
                f" SELECT '{name}', {month}, partner, '', {reached}, SUM(handed_over), SUM(unqualified)"
                f" FROM report_fact WHERE {needs} <> '' GROUP BY {each}partner"
            )


def downgrade() -> None:
    op.execute("DELETE FROM report_count WHERE cut IN ('taken', 'touched')")
