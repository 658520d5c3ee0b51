"""How far targets are reached: each number counts what the list behind its link shows, by the list's own filters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask import url_for
from sqlalchemy import Select, func, literal, select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.identity.models import User
from app.identity.queries import get_organisation
from app.kernel.actor import Actor, Level
from app.leads.models import Lead
from app.lists.catalogue import objects
from app.lists.query import parse_list
from app.opportunities import currencies
from app.opportunities.models import Opportunity
from app.sharing.scope import scope
from app.targets.models import PartnerTarget, Period
from app.targets.periods import bounds, period_name
from app.targets.queries import Aim

Given = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Reach:
    """How far one number of a target is reached.  is_money: `reached` and `aim` are amounts in `currency`."""

    reached: float
    aim: float
    url: str
    currency: str = ""

    @property
    def percent(self) -> int:
        return int(100 * self.reached / self.aim) if self.aim else 0

    @property
    def is_reached(self) -> bool:
        return self.reached >= self.aim

    @property
    def reached_words(self) -> str:
        return currencies.money(self.reached, self.currency) if self.currency else f"{self.reached:.0f}"

    @property
    def aim_words(self) -> str:
        return currencies.money(self.aim, self.currency) if self.currency else f"{self.aim:.0f}"


@dataclass(frozen=True, slots=True)
class Progress:
    """A target and how far it is reached, as the reader's own lists have it.  gone: share of its time that is over."""

    target: PartnerTarget
    person: User | None
    period: str
    converted: Reach | None
    won: Reach | None
    gone: int


def today_of(session: Session, now: datetime) -> date:
    """The organisation's day."""
    return now.astimezone(ZoneInfo(get_organisation(session).time_zone)).date()


def progress_of(
    session: Session, actor: Actor, aims: Sequence[Aim], *, account: Account | None = None, now: datetime
) -> Sequence[Progress]:
    """How far each is reached; two statements.  account: of the partner, where the vendor's people ask.

    To partner people the company's numbers are those of the people whose leads they see.
    """
    if not aims:
        return []
    zone = get_organisation(session).time_zone
    asked: list[tuple[Any, Given, str] | None] = []
    whose = [_whose(session, actor, aim, account) for aim in aims]
    for aim, (leads, deals) in zip(aims, whose, strict=True):
        begins, ends = (at.isoformat() for at in bounds(aim.target.period, aim.target.starts_on, zone))
        converted = {**leads, "converted_at_from": [begins], "converted_at_to": [ends]}
        won = {**deals, "category": ["won"], "closed_at_from": [begins], "closed_at_to": [ends]}
        asked.append(("lead", converted, "") if aim.target.converted is not None else None)
        code = aim.target.currency or ""
        asked.append(("opportunity", {**won, "currency": [code]}, code) if code else None)
    numbers = _numbers(session, actor, asked)
    found = []
    for place, aim in enumerate(aims):
        target = aim.target
        begins_at, ends_at = bounds(target.period, target.starts_on, zone)
        gone = min(max((now - begins_at) / (ends_at - begins_at), 0), 1)
        found.append(
            Progress(
                target, aim.person, period_name(Period(target.period), target.starts_on),
                _reach(asked[2 * place], numbers[2 * place], target.converted),
                _reach(asked[2 * place + 1], numbers[2 * place + 1], target.won_amount),
                int(100 * gone),
            )
        )  # fmt: skip
    return found


def _whose(session: Session, actor: Actor, aim: Aim, account: Account | None) -> tuple[Given, Given]:
    """The filters that say whose leads, and whose opportunities."""
    if aim.person is not None:
        return {"owner": [aim.person.ref]}, {"owner": [aim.person.ref]}
    if account is not None:
        return {"partner": [account.ref]}, {"partner_account_id": [account.ref]}
    team = list(session.scalars(select(User.ref).where(User.partner_account_id == actor.company_id)))
    return {"owner": team}, {"owner": team}


def _numbers(
    session: Session, actor: Actor, asked: Sequence[tuple[Any, Given, str] | None]
) -> Sequence[float]:
    """What each list holds: how many, or how much together; 0 where nothing is asked.  One statement."""
    columns = []
    for place, each in enumerate(asked):
        if each is None:
            columns.append(literal(0).label(f"n{place}"))
            continue
        name, given, _code = each
        query = parse_list(session, actor, objects()[name], given)
        if name == "lead":
            found: Select[Any] = select(func.count()).select_from(
                select(Lead.id).where(scope(Lead, actor, query.level), *query.conditions).subquery()
            )
        else:
            found = select(func.coalesce(func.sum(Opportunity.amount), 0)).where(
                scope(Opportunity, actor, Level.READ), *query.conditions
            )
        columns.append(found.scalar_subquery().label(f"n{place}"))
    return [float(Decimal(str(value or 0))) for value in session.execute(select(*columns)).one()]


def _reach(asked: tuple[Any, Given, str] | None, reached: float, aim: float | None) -> Reach | None:
    if asked is None or aim is None:
        return None
    name, given, code = asked
    root = "leads.index" if name == "lead" else "opportunities.index"
    return Reach(reached, aim, url_for(root, count="all", **given), code)  # type: ignore[arg-type]  # lists of values
