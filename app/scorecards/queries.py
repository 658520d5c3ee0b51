"""What scorecards are made of beside the funnel: offers, leads taken back, amounts won, and the mix of leads."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from math import sqrt
from typing import Any

from sqlalchemy import ColumnElement, Float, Select, and_, case, cast, func, select
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel.actor import Actor, Level
from app.leads.models import AssignmentCause, Lead, LeadRefusal, Offer, OfferState
from app.opportunities.models import Opportunity, StageCategory
from app.partners.models import PartnerAccount
from app.reports.asked import Asked, begin_of, last_months, next_month
from app.reports.cuts import EVER
from app.reports.models import ReportCount, ReportFact
from app.reports.owned import is_led
from app.reports.picking import count_months, fact_months
from app.reports.reading import sees_all
from app.scorecards.fair import FEWEST_OF_OTHERS, Comparison, compare_one
from app.scorecards.mix import CONVERTED, sum_up
from app.scorecards.models import ScorecardMix
from app.sharing.scope import scope

# So many months scorecards look back, unless others are asked for.
MONTHS = 6
_ANSWERED = (OfferState.ACCEPTED, OfferState.DECLINED, OfferState.EXPIRED)
# Averages of partners tell nobody's numbers from so many others on, of whom each had so many leads.
FEWEST_OTHERS, FEWEST_LEADS = 5, 5


def usual_months(session: Session, now: datetime) -> Asked:
    """The months that scorecards tell of where none are asked for."""
    return last_months(session, MONTHS, now)


def span(asked: Asked) -> tuple[datetime | None, datetime | None]:
    """The first moment of the months that are asked for, and the first one after them."""
    begin = begin_of(asked.first, asked.zone) if asked.first is not None else None
    end = begin_of(next_month(asked.last), asked.zone) if asked.last is not None else None
    return begin, end


def _within(column: Any, asked: Asked) -> list[ColumnElement[bool]]:
    begin, end = span(asked)
    return [*([column >= begin] if begin else []), *([column < end] if end else [])]


def _offered_to(actor: Actor) -> list[ColumnElement[bool]]:
    """Which offers the actor is told of: partner people of their own, and of those whom they lead."""
    if not actor.is_partner:
        return _seen(actor, Offer.lead_id)
    return [Offer.user_id.in_(select(User.id).where(is_led(actor)))]


def _seen(actor: Actor, lead_id: Any) -> list[ColumnElement[bool]]:
    """That the lead is one that the actor reads; nothing for those who read all."""
    if sees_all(actor):
        return []
    return [lead_id.in_(select(Lead.id).where(scope(Lead, actor, Level.READ)))]


def read_offers(
    session: Session, actor: Actor, asked: Asked, company_ids: Sequence[int]
) -> Mapping[int, tuple[int, int]]:
    """Company → (offers accepted, offers answered or let lapse) of those made in these months."""
    rows = session.execute(
        select(
            Offer.company_id,
            func.sum(case((Offer.state == OfferState.ACCEPTED, 1), else_=0)),
            func.count(),
        )
        .where(
            Offer.company_id.in_(company_ids),
            Offer.state.in_(_ANSWERED),
            *_within(Offer.made_at, asked),
            *_offered_to(actor),
        )
        .group_by(Offer.company_id)
    )
    return {row[0]: (int(row[1] or 0), int(row[2])) for row in rows}


def read_taken_back(
    session: Session, actor: Actor, asked: Asked, company_ids: Sequence[int]
) -> Mapping[int, int]:
    """Company → leads that it took and lost in these months, since nothing was done on them in time.

    To partner people nothing is told of them: whose they were is written nowhere any more.
    """
    if actor.is_partner:
        return {}
    rows = session.execute(
        select(LeadRefusal.company_id, func.count())
        .where(
            LeadRefusal.company_id.in_(company_ids),
            LeadRefusal.cause == AssignmentCause.RECYCLE.value,
            *_within(LeadRefusal.at, asked),
            *_seen(actor, LeadRefusal.lead_id),
        )
        .group_by(LeadRefusal.company_id)
    )
    return {row[0]: int(row[1]) for row in rows}


def read_won(
    session: Session, actor: Actor, asked: Asked, company_ids: Sequence[int]
) -> Mapping[int, Mapping[str, Decimal]]:
    """Company → currency → amount of its opportunities that were won in these months and that the actor reads."""
    rows = session.execute(
        select(Opportunity.partner_account_id, Opportunity.currency, func.sum(Opportunity.amount))
        .where(
            scope(Opportunity, actor, Level.READ),
            Opportunity.partner_account_id.in_(company_ids),
            Opportunity.category == StageCategory.WON,
            Opportunity.amount.is_not(None),
            *_within(Opportunity.closed_at, asked),
        )
        .group_by(Opportunity.partner_account_id, Opportunity.currency)
        .order_by(Opportunity.currency)
    )
    found: dict[int, dict[str, Decimal]] = {}
    for company, code, amount in rows:
        if company is not None and code is not None:
            found.setdefault(company, {})[code] = Decimal(str(amount or 0))
    return found


def _mix(asked: Asked, partners: Sequence[str]) -> Select[*tuple[Any, ...]]:
    """What these partners had and converted of each kind of lead, as counted last."""
    fact = ReportFact
    return (
        select(
            fact.partner, fact.source, fact.country, fact.product, func.count().label("had"),
            func.sum(case((fact.stage >= CONVERTED, 1), else_=0)).label("converted"),
        )
        .where(fact.partner.in_(partners), *fact_months(asked))
        .group_by(fact.partner, fact.source, fact.country, fact.product)
    )  # fmt: skip


def _kinds(asked: Asked) -> Select[*tuple[Any, ...]]:
    """Of every kind of lead what all partners together had and converted, as counted beforehand."""
    count = ReportCount
    return (
        select(
            count.a.label("product"), count.b.label("told"),
            func.sum(count.captured).label("had"), func.sum(count.converted).label("converted"),
        )
        .where(count.cut == "kind", *count_months(asked))
        .group_by(count.a, count.b)
    )  # fmt: skip


def read_comparisons(session: Session, asked: Asked, partners: Sequence[str]) -> Mapping[str, Comparison]:
    """Of these partners (keys of their accounts as text) each with what was to be expected of it: by what is kept of leads, or
    as they are now.  Partners without leads are missing.

    For those who see all leads.
    """
    kept = _kept_mixes(session, asked, partners)
    if kept is not None:
        return kept
    return {
        row[0]: Comparison(int(row[1]), int(row[2]), int(row[3]), float(row[4]), sqrt(max(float(row[5]), 0)))
        for row in session.execute(compared(asked, partners))
    }


def _kept_mixes(session: Session, asked: Asked, partners: Sequence[str]) -> Mapping[str, Comparison] | None:
    """The same of what is kept; None where nothing is."""
    mix = ScorecardMix
    found = session.execute(
        select(mix.partner, mix.had, mix.converted, mix.counted_at).where(mix.partner.in_(["", *partners]))
    )
    kept = {row.partner: row for row in found}
    every = kept.pop("", None)
    if every is None:
        return None

    def summed(row: Any) -> tuple[Mapping[int, int], Mapping[int, int]]:
        had, converted = (sum_up(packed, asked.first, asked.last) for packed in (row.had, row.converted))
        return had, converted

    of_all = summed(every)
    compared = {partner: compare_one(*summed(row), *of_all) for partner, row in kept.items()}
    return {partner: replace(one, at=every.counted_at) for partner, one in compared.items() if one.received}


def counted_at(session: Session) -> datetime | None:
    """When leads were counted as they are kept for comparisons; None where none are kept."""
    return session.scalar(select(ScorecardMix.counted_at).limit(1))


def compared(asked: Asked, partners: Sequence[str]) -> Select[*tuple[Any, ...]]:
    """`fair.compare` within the database: (partner, received, leads, actual, expected, variance) of these partners."""
    mix = _mix(asked, partners).cte("mix")
    every = _kinds(asked).subquery("every")
    kind = and_(every.c.product == mix.c.product, every.c.told == mix.c.source + "/" + mix.c.country)
    had, others = cast(mix.c.had, Float), cast(every.c.had - mix.c.had, Float)
    is_told = others >= FEWEST_OF_OTHERS
    rate = (every.c.converted - mix.c.converted) / func.nullif(others, 0)

    def told(value: Any) -> Any:
        return func.sum(case((is_told, value), else_=0))

    return (
        select(
            mix.c.partner, func.sum(mix.c.had), told(mix.c.had), told(mix.c.converted), told(had * rate),
            told(had * rate * (1 - rate) * (1 + had / others)),
        )
        .join(every, kind)
        .group_by(mix.c.partner)
    )  # fmt: skip


def read_totals(session: Session, asked: Asked) -> Mapping[str, tuple[int, int]]:
    """Partner (its account's key as text) → (had, converted), for what is told of others only as one number of many."""
    count = ReportCount
    rows = session.execute(
        select(count.a, func.sum(count.captured), func.sum(count.converted))
        .where(count.cut == "partner", count.a != "", *count_months(asked))
        .group_by(count.a)
    )
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


def partner_keys(session: Session) -> Sequence[int]:
    """The keys of all partner accounts."""
    return session.scalars(select(PartnerAccount.account_id)).all()


def count_of_partners(session: Session) -> int:
    """How many leads all partners together have."""
    count = ReportCount
    found = select(func.sum(count.captured)).where(count.cut == "partner", count.a != "", count.month == EVER)
    return int(session.scalar(found) or 0)
