"""Every report as one table: heads with what they count, rows of cells, each with the list that it counts.

The page, the files and whoever mails a report draw the same table.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from flask_babel import format_percent
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.kernel import labels
from app.kernel.actor import Actor, Permission
from app.opportunities import currencies
from app.reports import steps
from app.reports.ageing import read_ageing
from app.reports.asked import Asked
from app.reports.dimensions import DIMENSIONS, offered
from app.reports.funnel import Funnel, FunnelRow, read_funnel, read_scores
from app.reports.later import Later
from app.reports.pipeline import read_pipeline
from app.reports.telling import TooMany
from app.reports.times import Response, read_responses
from app.reports.words import within
from app.web.charts import Item
from app.web.filters import number


@dataclass(frozen=True, slots=True)
class Head:
    """A column.  help: what it counts, in a sentence; "" where the name says it."""

    label: str
    help: str = ""
    is_number: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """text: as it is shown; value: as files hold it; url: of the list that it counts, "" for none."""

    text: str
    value: Any
    url: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """rows: made when they are looked at; the first cell of each is its head.  total: the last row, () for none.  points: of the picture, drawn as
    `picture` says (funnel, bars, columns), "" for none.
    """

    heads: Sequence[Head]
    rows: Sequence[Sequence[Cell]]
    total: Sequence[Cell] = ()
    picture: str = ""
    caption: str = ""
    points: Sequence[Item] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """One report.  groups: what it can be told apart by, key → label, in order; the first unless asked.

    read: (session, actor, what is asked, what it is told apart by, now) → its table.  filters: whether it counts leads, which
    filters narrow.
    """

    name: str
    label: Any
    intro: Any
    icon: str
    read: Callable[[Session, Actor, Asked, str, datetime], Sheet | TooMany]
    groups: Callable[[Session, Actor], Mapping[str, str]]
    permission: Permission = Permission.LEAD_VIEW
    is_internal: bool = False
    filters: bool = True

    @property
    def about(self) -> str:
        """What it tells, in a sentence."""
        return str(self.intro) % {"leads": labels.many("lead")}


def _count(value: int, url: str = "") -> Cell:
    return Cell(number(value), value, url if value else "")


def _share(value: float | None) -> Cell:
    if value is None:
        return Cell("–", "")
    return Cell(format_percent(value, "#,##0.0 %"), round(value, 6))


# The funnel and scores


def _measures(actor: Actor) -> list[steps.Step]:
    beside = steps.BESIDE if actor.is_internal else steps.BESIDE[1:]
    return [*steps.STEPS, *beside]


def _funnel_sheet(actor: Actor, funnel: Funnel, head: str) -> Sheet:
    measures = _measures(actor)
    heads = [
        Head(head, is_number=False),
        *(Head(str(each.label), str(each.help)) for each in measures),
        Head(_("Conversion"), _("Of the captured ones, the share that was converted.")),
        Head(_("Won of captured"), _("Of the captured ones, the share that was won.")),
    ]

    def cells(row: FunnelRow) -> list[Cell]:
        counts = [_count(row.counts[each.key], row.urls.get(each.key, "")) for each in measures]
        shares = [_share(row.rate("captured", step)) for step in ("converted", "won")]
        return [Cell(row.label, row.label), *counts, *shares]

    points = [
        Item(str(step.label), funnel.total.counts[step.key], funnel.total.urls.get(step.key, ""))
        for step in steps.STEPS
    ]
    return Sheet(
        heads, Later(cells, funnel.rows), cells(funnel.total), "funnel", _("From capture to win"), points
    )  # fmt: skip


def _read_funnel(session: Session, actor: Actor, asked: Asked, by: str, _now: datetime) -> Sheet | TooMany:
    found = read_funnel(session, actor, asked, by)
    return found if isinstance(found, TooMany) else _funnel_sheet(actor, found, str(DIMENSIONS[by].label))


def _read_scores(session: Session, actor: Actor, asked: Asked, _by: str, _now: datetime) -> Sheet | TooMany:
    found = read_scores(session, actor, asked)
    if isinstance(found, TooMany):
        return found
    sheet = _funnel_sheet(actor, found, _("Score"))
    points = [Item(row.label, row.counts["captured"], row.urls["captured"]) for row in found.rows]
    return Sheet(
        sheet.heads, sheet.rows, sheet.total, "bars",
        _("%(leads)s by score", leads=labels.many("lead", title=True)), points,
    )  # fmt: skip


def _dimensions(session: Session, actor: Actor) -> Mapping[str, str]:
    first = "source"
    found = {each.key: str(each.label) for each in offered(session, actor)}
    return {key: found[key] for key in sorted(found, key=lambda key: key != first)}


# Ageing, times


def _read_ageing(session: Session, actor: Actor, asked: Asked, by: str, now: datetime) -> Sheet | TooMany:
    found = read_ageing(session, actor, asked, by, now=now)
    if isinstance(found, TooMany):
        return found
    heads = [
        Head(_partner_or_queue(session, actor)[by], is_number=False),
        *(Head(str(each.label)) for each in found.buckets),
        Head(_("All")),
    ]
    keys = [*(each.key for each in found.buckets), "all"]

    def cells(row: Any) -> list[Cell]:
        return [Cell(row.label, row.label), *(_count(row.counts[k], row.urls.get(k, "")) for k in keys)]

    points = [
        Item(str(each.label), found.total.counts[each.key], found.total.urls[each.key])
        for each in found.buckets
    ]
    caption = _("Unclaimed %(leads)s by how long they wait", leads=labels.many("lead"))
    return Sheet(heads, Later(cells, found.rows), cells(found.total), "bars", caption, points)


def _read_times(session: Session, actor: Actor, asked: Asked, by: str, _now: datetime) -> Sheet | TooMany:
    found = read_responses(session, actor, asked, by)
    if isinstance(found, TooMany):
        return found
    heads = [Head(_partner_or_queue(session, actor)[by], is_number=False)]
    for label, help_ in (
        (
            _("Claimed or accepted"),
            _("Those that a person claimed or accepted, from when they began to wait for it."),
        ),
        (_("Touched"), _("Those on which something was done, from when they were taken.")),
    ):
        heads += [
            Head(label, help_),
            Head(_("%(what)s: half of them", what=label)),
            Head(_("%(what)s: nine in ten", what=label)),
        ]

    @cache  # there are few limits and many rows
    def words(seconds: int | None) -> Cell:
        return Cell(within(seconds), within(seconds))

    def cells(response: Response) -> list[Cell]:
        cells = [Cell(response.label, response.label)]
        for row in (response.taken, response.touched):
            if row is None:
                cells += [_count(0), Cell("–", ""), Cell("–", "")]
                continue
            cells += [_count(row.count, row.url), words(row.median), words(row.p90)]
        return cells

    return Sheet(heads, Later(cells, found))


def _partner_or_queue(_session: Session, _actor: Actor) -> Mapping[str, str]:
    return {
        "partner": labels.one("partner", title=True),
        "queue": labels.one("queue", title=True),
    }


# The pipeline


def _read_pipeline(session: Session, actor: Actor, asked: Asked, _by: str, _now: datetime) -> Sheet | TooMany:
    found = read_pipeline(session, actor, asked)
    if isinstance(found, TooMany):
        return found
    heads = [
        Head(_("Stage"), is_number=False),
        Head(_("Currency"), is_number=False),
        Head(labels.many("opportunity", title=True)),
        Head(_("Amount"), _("What they are worth together.")),
        Head(_("Weighted"), _("Each amount times its probability.")),
    ]

    def money(amount: Decimal, code: str) -> Cell:
        return Cell(currencies.money(amount, code), float(amount)) if code else Cell("–", "")

    rows = [
        [
            Cell(row.label, row.label),
            Cell(row.currency or _("No amount"), row.currency),
            _count(row.count, row.url),
            money(row.amount, row.currency),
            money(row.weighted, row.currency),
        ]
        for row in found
    ]
    stages: dict[str, int] = {}
    for row in found:
        stages[row.label] = stages.get(row.label, 0) + row.count
    points = [Item(label, count) for label, count in stages.items()]
    caption = _("%(opportunities)s by stage", opportunities=labels.many("opportunity", title=True))
    return Sheet(heads, rows, (), "bars", caption, points)


def _nothing(_session: Session, _actor: Actor) -> Mapping[str, str]:
    return {}


REPORTS: dict[str, Report] = {
    each.name: each
    for each in (
        Report(
            "funnel", _l("Funnel"), _l("How far %(leads)s came, from capture to a sale, and what share was converted."),
            "filter", _read_funnel, _dimensions,
        ),
        Report(
            "ageing", _l("Unclaimed"), _l("Open %(leads)s that wait in a queue, or are offered and not accepted, by how long they wait."),
            "clock", _read_ageing, _partner_or_queue, is_internal=True,
        ),
        Report(
            "times", _l("Response times"), _l("How long %(leads)s waited to be claimed or accepted, and then for their first touch."),
            "history", _read_times, _partner_or_queue, is_internal=True,
        ),
        Report(
            "scores", _l("Scores"), _l("How many %(leads)s have which score, and what became of them."),
            "target", _read_scores, _nothing, is_internal=True,
        ),
        Report(
            "pipeline", _l("Pipeline"), _l("What there is at each stage, what it is worth in each currency, and what is likely of it."),
            "trend", _read_pipeline, _nothing, Permission.OPPORTUNITY_VIEW, filters=False,
        ),
    )
}  # fmt: skip


def add_report(report: Report) -> None:
    """Another room's report, with page, files and mail like those here."""
    REPORTS[report.name] = report


def reports_for(actor: Actor) -> list[Report]:
    """The reports that the person has."""
    return [
        each for each in REPORTS.values()
        if actor.can(each.permission) and (actor.is_internal or not each.is_internal)
    ]  # fmt: skip
