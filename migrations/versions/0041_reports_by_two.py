"""Indexes and counts for reports with filters.

Over a million leads this takes about a minute; nothing is to be counted anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0041_reports_by_two"
down_revision = "0040_fields_of_opportunities"
branch_labels = None
depends_on = None

WHO = ("partner", "owner", "queue", "waits_in")
HOW_FAR = ("stage", "handed_over", "unqualified")
TIMES = ("taken_class", "touched_class", "waiting_day")
FILTERS = ("month", "source", "campaign", "country", "product")
INDEXES = {
    **{name: (name, *WHO, *HOW_FAR, *TIMES, *FILTERS, "band") for name in ("partner", "source", "campaign", "country", "product")},
    "what": ("partner", "campaign", "product", "band", *HOW_FAR, *FILTERS),
}
# Two things that are told apart together.
CUTS = (
    ("product", "source"), ("product", "campaign"), ("product", "country"),
    ("source", "band"), ("campaign", "band"), ("country", "band"), ("product", "band"),
)  # fmt: skip
STEPS = 7


def upgrade() -> None:
    reached = ", ".join(f"SUM(CASE WHEN stage >= {place} THEN 1 ELSE 0 END)" for place in range(STEPS))
    if op.get_bind().dialect.name != "sqlite":
        op.execute("SELECT pg_advisory_xact_lock(7203033)")  # nobody counts changes meanwhile
    for a, b in CUTS:
        for month, apart in (("month", "month, "), ("0", "")):
            op.execute(
                f"INSERT INTO report_count (cut, month, a, b, captured, assigned, taken, touched, qualified, converted, won, handed_over, unqualified) SELECT '{a}/{b}', {month}, {a}, {b}, {reached}, SUM(handed_over), SUM(unqualified)"
                f" FROM report_fact GROUP BY {apart}{a}, {b}"
            )
    for name, columns in INDEXES.items():
        op.create_index(f"ix_report_fact_{name}", "report_fact", list(dict.fromkeys(columns)))


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(f"ix_report_fact_{name}", "report_fact")
    names = [f"{a}/{b}" for a, b in CUTS]
    op.execute(
        sa.text("DELETE FROM report_count WHERE cut IN :names").bindparams(
            sa.bindparam("names", names, expanding=True)
        )
    )
