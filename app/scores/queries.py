"""Reading score rules, and why a lead has its score."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.fields.catalogue import catalogue
from app.identity.models import User
from app.kernel import labels
from app.kernel.actor import Actor, Permission
from app.leads.fields import FIELDS
from app.leads.models import Lead
from app.routing.trace import criteria_sentence
from app.scores.books import Scorer, find_active_book
from app.scores.lines import Line, Part, Problem
from app.scores.models import ScoreSet, ScoreState


@dataclass(frozen=True, slots=True)
class Said:
    """A line in words.  points: what it gives today; why: how it comes to that; is_match: whether it applies."""

    name: str
    points: int
    why: str
    is_match: bool
    is_trouble: bool


@dataclass(frozen=True, slots=True)
class Explained:
    """Why a lead has its score.  number: of the version; due_on: when it changes by itself."""

    number: int
    lines: Sequence[Said]
    total: int
    threshold: int | None
    due_on: date | None


@dataclass(frozen=True, slots=True)
class HandOver:
    """When a lead was handed over as marketing-qualified, and who did it; "" for the rules."""

    at: datetime
    by: str


def list_versions(session: Session) -> Sequence[ScoreSet]:
    """All versions, the latest first."""
    return session.scalars(select(ScoreSet).order_by(ScoreSet.number.desc())).all()


def find_active(session: Session) -> ScoreSet | None:
    """The version in force."""
    return session.scalar(select(ScoreSet).where(ScoreSet.state == ScoreState.ACTIVE))


def explain_score(session: Session, actor: Actor, lead: Lead, *, now: datetime) -> Explained | None:
    """The score line by line, for people inside; None for others, and while no rules are in force.

    lead: loaded through `leads.queries`.
    """
    if actor.is_partner:
        return None
    book = find_active_book(session)
    if book is None:
        return None
    day = now.date()
    score = Scorer(session, book).of_lead(lead, day)
    lines = [_said(session, part, day) for part in score.parts]
    return Explained(book.number, lines, score.value, book.threshold, score.due_on)


def find_hand_over(session: Session, actor: Actor, lead: Lead) -> HandOver | None:
    """When it was handed over, for people inside."""
    if actor.is_partner or lead.marketing_qualified_at is None:
        return None
    by = session.get(User, lead.marketing_qualified_by_id) if lead.marketing_qualified_by_id else None
    return HandOver(lead.marketing_qualified_at, by.name if by is not None else "")


def may_hand_over(actor: Actor, lead: Lead, *, may_edit: bool) -> bool:
    """Whether the button is theirs; the operation decides again."""
    return (
        may_edit
        and actor.can(Permission.LEAD_HAND_OVER)
        and lead.marketing_qualified_at is None
        and lead.is_open
    )


def _said(session: Session, part: Part, day: date) -> Said:
    return Said(
        part.line.name,
        part.left(day),
        _why(session, part, day),
        part.is_match and not part.problem,
        bool(part.problem),
    )


def _why(session: Session, part: Part, day: date) -> str:
    match part.problem:
        case Problem.NOT_UNDERSTOOD:
            return _("It names a field that is not in use, so it gives nothing.")
        case Problem.DIVIDES_BY_ZERO:
            return _("It would divide by zero, so it gives nothing.")
        case Problem.CANNOT_EVALUATE:
            return _("It cannot be evaluated, so it gives nothing.")
    said = condition_words(part.line)
    if not part.is_match:
        return _("Does not apply: %(condition)s", condition=said)
    if part.line.decay is None:
        return said
    if part.since is None:
        since = date_label(session, part.line.decay.field)
        return _("%(condition)s; there is no date in “%(field)s”", condition=said, field=since)
    times = part.halvings(day)
    if not times:
        return said
    halved = ngettext(
        "%(points)s points, halved once", "%(points)s points, halved %(num)s times", times, points=part.points
    )
    return f"{said}; {halved}"


def condition_words(line: Line) -> str:
    """When a line applies."""
    if line.criteria is None:
        return _("It names a field that is not in use.")
    return (
        _("every %(lead)s", lead=labels.one("lead"))
        if line.criteria.matches_everything
        else criteria_sentence(line.criteria)
    )


def amount_words(session: Session, line: Line) -> str:
    """What a line gives."""
    points = ngettext("%(num)s point", "%(num)s points", line.points)
    each, decay = line.each, line.decay
    if each is not None:
        field = field_label(session, each.field)
        if each.by_field:
            by = field_label(session, each.by_field)
            points = _("%(points)s times %(field)s divided by %(by)s", points=points, field=field, by=by)
        else:
            points = _(
                "%(points)s for each %(by)s of %(field)s",
                points=points,
                by=f"{float(each.by):g}",
                field=field,
            )
        if each.most is not None:
            points = _("%(points)s, at most %(most)s", points=points, most=each.most)
    if decay is not None:
        since = date_label(session, decay.field)
        halved = ngettext(
            "halved every day since “%(field)s”",
            "halved every %(num)s days since “%(field)s”",
            decay.days,
            field=since,
        )
        points = f"{points}, {halved}"
    return points


def field_label(session: Session, name: str) -> str:
    """What a field of leads is called."""
    known: Any = FIELDS.get(name) or catalogue(session).all("lead").get(name)
    return str(known.label) if known is not None else name


def date_label(session: Session, name: str) -> str:
    """What a date that points halve from is called."""
    own = {"created_at": _("Created"), "last_activity_at": _("Last activity")}
    return own.get(name) or field_label(session, name)
