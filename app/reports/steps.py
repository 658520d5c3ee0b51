"""How far a lead came: the steps of the funnel, each defined once, for reports, lists and the counts alike.

A lead stands at the furthest step that it came to, as it is now and with whoever has it now; it counts in that step and
in all before it.
"""

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from sqlalchemy import ColumnElement, and_, case, exists, false, or_, select, true

from app.kernel.actor import Actor
from app.leads.models import Lead, LeadStatus, StatusCategory
from app.opportunities.models import Opportunity, StageCategory
from app.sharing.scope import scope


@dataclass(frozen=True, slots=True)
class Step:
    """One step.  key: its name in addresses; help: what counts, in a sentence."""

    key: str
    label: Any
    help: Any


STEPS = (
    Step("captured", _l("Captured"), _l("All that there are; deleted ones are not counted.")),
    Step(
        "assigned",
        _l("Assigned"),
        _l(
            "It was given to a person or a partner, or is offered to one; it no longer waits in a queue of ours."
        ),
    ),
    Step(
        "taken",
        _l("In hand"),
        _l("A person has it: they claimed it, accepted its offer or were given it outright."),
    ),
    Step(
        "touched",
        _l("Touched"),
        _l(
            "Whoever has it did something on it since they took it: an activity, a changed field, another status."
        ),
    ),
    Step(
        "qualified", lazy_pgettext("many leads", "Qualified"), _l("Its status is one of the qualified ones.")
    ),
    Step(
        "converted",
        lazy_pgettext("many leads", "Converted"),
        _l("It was converted, and that was not undone."),
    ),
    Step("won", lazy_pgettext("many leads", "Won"), _l("It led to a sale: what was made of it is won.")),
)
KEYS = tuple(step.key for step in STEPS)
HANDED_OVER, UNQUALIFIED = "handed_over", "unqualified"
# What stands beside the steps: neither is on the way from one to the next.
BESIDE = (
    Step(
        HANDED_OVER,
        lazy_pgettext("many leads", "Marketing-qualified"),
        _l("It was handed over as worth working on, by its score or by hand."),
    ),
    Step(
        UNQUALIFIED,
        lazy_pgettext("many leads", "Unqualified"),
        _l("Its status is one of the unqualified ones."),
    ),
)
MEASURES = (*KEYS, HANDED_OVER, UNQUALIFIED)


def _in(category: StatusCategory) -> ColumnElement[bool]:
    return Lead.status_id.in_(select(LeadStatus.id).where(LeadStatus.category == category))


def _marks(actor: Actor) -> list[ColumnElement[bool]]:
    """What says that a lead came to each step, from the second on.

    An opportunity counts for those who see it.  What was done on a lead of another company is not told to partners.
    """
    ours = Lead.partner_account_id == actor.company_id if actor.is_partner else true()
    has_person = and_(Lead.owner_user_id.is_not(None), Lead.offer_id.is_(None))
    won = exists().where(
        Opportunity.source_lead_id == Lead.id,
        Opportunity.category == StageCategory.WON,
        Opportunity.deleted_at.is_(None),
        scope(Opportunity, actor),
    )
    return [
        or_(Lead.owner_user_id.is_not(None), Lead.partner_account_id.is_not(None)),
        and_(ours, has_person),
        and_(ours, has_person, Lead.touched_at.is_not(None)),
        _in(StatusCategory.QUALIFIED),
        Lead.converted_at.is_not(None),
        won.correlate(Lead.__table__),
    ]


def stage_of(actor: Actor) -> ColumnElement[int]:
    """SQL of how far a lead came: the place of its furthest step in `STEPS`."""
    marks = list(enumerate(_marks(actor), 1))
    return case(*((mark, place) for place, mark in reversed(marks)), else_=0)


def reached(actor: Actor, key: str) -> ColumnElement[bool]:
    """That a lead came to the step, or further."""
    if key not in KEYS:
        return false()
    place = KEYS.index(key)
    return or_(*_marks(actor)[place - 1 :]) if place else true()


def is_unqualified() -> ColumnElement[bool]:
    """That it is given up."""
    return _in(StatusCategory.UNQUALIFIED)


def is_unclaimed() -> ColumnElement[bool]:
    """That it is open and nobody has it: it waits in a queue, or is offered and not accepted."""
    return and_(Lead.is_open, or_(Lead.owner_queue_id.is_not(None), Lead.offer_id.is_not(None)))


def counts_at(stage: int) -> range:
    """The places of the steps in which a lead counts that stands at this one."""
    return range(stage + 1)
