"""The channel manager's numbers: what is about to go wrong, how fast leads are taken, how far they come.

Each counts what the list behind its address shows.  They are read as reports are, so that they cost the same at any
number of leads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import request, url_for
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.leads.asking import parse_lead_query
from app.leads.models import Lead
from app.leads.queries import count_leads
from app.lists.catalogue import Condition
from app.reports.asked import Asked, Criteria, came_to, last_months
from app.reports.classes import quantile
from app.reports.funnel import read_funnel
from app.reports.reading import count_cells
from app.reports.steps import STEPS
from app.reports.telling import TooMany, Wanted
from app.reports.words import within
from app.web.charts import Item

# An unclaimed lead that waits longer is told of; an offer that ends sooner is, too.
AGEING_DAYS = 3
LAPSING_HOURS = 4
# The funnel and the times are those of so many months of arrival.
MONTHS = 3


@dataclass(frozen=True, slots=True)
class Counted:
    """How many, and the address of their list."""

    number: int
    url: str


@dataclass(frozen=True, slots=True)
class Pace:
    """In what time half of the leads were taken, or touched: in words.  url: of those that it is told of."""

    half: str
    number: int
    url: str


@dataclass(frozen=True, slots=True)
class Figures:
    """ageing: unclaimed and waiting long.  untouched: with somebody who has done nothing yet.  lapsing: offers that end soon.

    steps: the funnel in short.  taken, touched: None where nothing was measured.
    """

    ageing: Counted
    untouched: Counted
    lapsing: Counted
    steps: Sequence[Item]
    taken: Pace | None
    touched: Pace | None


def read_figures(session: Session, actor: Actor, *, now: datetime) -> Figures | None:
    """All of it in a number of statements that does not grow; None where there is too much to count for them."""
    lately = last_months(session, MONTHS, now)
    ever = Asked(lately.zone)
    funnel = read_funnel(session, actor, ever, "month")
    ageing = _ageing(session, actor, ever, now)
    paces = [_pace(session, actor, lately, what) for what in ("taken", "touched")]
    if isinstance(funnel, TooMany) or ageing is None:
        return None
    rows = [row for row in funnel.rows if lately.first and int(row.key or 0) >= lately.first]
    steps = [
        Item(
            str(step.label),
            sum(row.counts[step.key] for row in rows),
            _listed(lately.leads(came_to(step.key))),
        )
        for step in STEPS
    ]
    untouched = _counted(session, actor, {"untouched": ["true"], "sort": ["created_at"]})
    until = (now + timedelta(hours=LAPSING_HOURS)).replace(second=0, microsecond=0).isoformat()
    # Said again for the sake of the index of those that are offered.
    lapsing = _counted(session, actor, {"offer_expires_at_to": [until]}, Lead.offer_id.is_not(None))
    return Figures(ageing, untouched, lapsing, steps, *paces)


def _listed(path: str) -> str:
    return request.script_root + path


def _ageing(session: Session, actor: Actor, asked: Asked, now: datetime) -> Counted | None:
    zone = ZoneInfo(asked.zone)
    last = now.astimezone(zone).date() - timedelta(days=AGEING_DAYS)
    lately = ((int(f"{last + timedelta(days=1):%Y%m%d}"), "lately"),)
    cells = count_cells(session, actor, asked, Wanted("waits_in", "waiting_day", "waiting_day", lately))
    if isinstance(cells, TooMany):
        return None
    number = sum(found[0] for (_queue, when), found in cells.items() if not when)
    before = datetime.combine(last + timedelta(days=1), time(), zone).astimezone(UTC)
    unclaimed: Criteria = {"field": "unclaimed", "op": "equals", "value": "true"}
    since: Criteria = {
        "field": "waiting_since",
        "op": "lt",
        "value": before.isoformat().replace("+00:00", "Z"),
    }
    return Counted(number, _listed(asked.leads(unclaimed, since)))


def _counted(
    session: Session, actor: Actor, given: Mapping[str, Sequence[str]], *conditions: Condition
) -> Counted:
    """A list that is not counted beforehand: at most COUNT_CAP + 1, by an index of its own."""
    query = parse_lead_query(session, actor, {n: v for n, v in given.items() if n != "sort"})
    number = count_leads(session, actor, query.where(*conditions))
    return Counted(number, url_for("leads.index", count="all", **given))  # type: ignore[arg-type]  # lists of values


def _pace(session: Session, actor: Actor, asked: Asked, what: str) -> Pace | None:
    column = f"{what}_class"
    cells = count_cells(session, actor, asked, Wanted("queue", column, column))
    if isinstance(cells, TooMany):
        return None
    classes: dict[str, int] = {}
    for (_queue, class_), found in cells.items():
        classes[class_] = classes.get(class_, 0) + found[0]
    number = sum(classes.values())
    if not number:
        return None
    measured: Criteria = {"field": f"{what}_after", "op": "is_not_empty"}
    return Pace(within(quantile(classes, 0.5)), number, _listed(asked.leads(measured)))
