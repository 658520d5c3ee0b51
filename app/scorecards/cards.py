"""Scorecards: what a partner made of its leads, and how that compares; for the vendor all, for a partner its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.kernel.actor import Actor, Level
from app.partners.models import PartnerAccount
from app.reports.asked import Asked, last_months
from app.reports.funnel import FunnelRow, read_funnel
from app.reports.reading import TooMany, sees_all
from app.reports.times import TimesRow, read_times
from app.scorecards.fair import Comparison, compare_one
from app.scorecards.queries import (
    FEWEST_LEADS,
    FEWEST_OTHERS,
    partner_keys,
    read_comparisons,
    read_kinds,
    read_mix,
    read_offers,
    read_taken_back,
    read_totals,
    read_won,
)
from app.sharing.scope import scope

# So many months a scorecard looks back, unless its address says otherwise.
MONTHS = 6
# A partner's own company is known to its people, whose accounts they do not see.
_OWN = Actor.system("own scorecard")


@dataclass(frozen=True, slots=True)
class Averages:
    """What share of their leads the other partners convert on average."""

    converted: float


@dataclass(frozen=True, slots=True)
class Card:
    """One partner.  counts: of leads that it has now, by the steps of the funnel.  accepted, answered: offers.

    taken_back: leads lost since nothing was done on them in time.  comparison: None where the reader is not to know.
    months: how it went from month to month, of a card that is read alone.
    """

    key: int
    ref: str
    name: str
    funnel: FunnelRow | None
    accepted: int = 0
    answered: int = 0
    taken_back: int = 0
    won: Mapping[str, Decimal] = field(default_factory=dict)
    taken: TimesRow | None = None
    touched: TimesRow | None = None
    comparison: Comparison | None = None
    months: Sequence[FunnelRow] = ()

    def count(self, step: str) -> int:
        return self.funnel.counts[step] if self.funnel else 0

    def url(self, step: str) -> str:
        return self.funnel.urls.get(step, "") if self.funnel else ""

    @property
    def accepted_share(self) -> float | None:
        return self.accepted / self.answered if self.answered else None

    @property
    def touched_share(self) -> float | None:
        """Of the leads that it took, those on which something was done before they were taken back."""
        taken = self.count("taken") + self.taken_back
        return self.count("touched") / taken if taken else None

    @property
    def converted_share(self) -> float | None:
        return self.count("converted") / self.count("captured") if self.count("captured") else None


def with_months(session: Session, asked: Asked, now: datetime) -> Asked:
    """The last months where none are asked for."""
    if asked.first is not None or asked.last is not None:
        return asked
    default = last_months(session, MONTHS, now)
    return Asked(asked.zone, default.first, default.last, asked.given)


def read_cards(session: Session, actor: Actor, asked: Asked) -> Sequence[Card] | TooMany:
    """A card for each partner that the actor sees, most leads first; a number of statements that does not grow."""
    rows = session.execute(
        select(Account.id, Account.ref, Account.name)
        .join(PartnerAccount, PartnerAccount.account_id == Account.id)
        .where(scope(Account, actor, Level.READ))
    ).all()
    compared = read_comparisons(session, asked) if sees_all(actor) else {}
    cards = _cards(session, actor, asked, [(row.id, row.ref, row.name) for row in rows], compared)
    if isinstance(cards, TooMany):
        return cards
    return sorted(cards, key=lambda card: (-card.count("captured"), card.name))


def read_card(session: Session, actor: Actor, account: Account, asked: Asked) -> Card | TooMany:
    """One partner whose account was read in the actor's scope."""
    compared = {}
    if sees_all(actor):
        key = str(account.id)
        own = read_mix(session, asked, account.id).get(key)
        compared = {key: compare_one(own, read_kinds(session, asked))} if own else {}
    found = _cards(
        session,
        actor,
        asked.narrowed("partner", [account.ref]),
        [(account.id, account.ref, account.name)],
        compared,
    )
    return found if isinstance(found, TooMany) else found[0]


def read_own(
    session: Session, actor: Actor, asked: Asked, now: datetime
) -> tuple[Card, Averages | None] | TooMany:
    """The card of the actor's own company, of the leads that they see; and what the others make on average.

    What is told of others stands only where they are so many, with so many leads each, that it tells nobody's numbers,
    and of the usual months alone: months of one's choice would set apart who had leads in some of them.
    """
    account = session.execute(
        select(Account.id, Account.ref, Account.name).where(
            scope(Account, _OWN), Account.id == actor.company_id
        )
    ).one()
    found = _cards(session, actor, asked, [(account.id, account.ref, account.name)], {}, is_one=True)
    if isinstance(found, TooMany):
        return found
    is_usual = asked == with_months(session, Asked(asked.zone), now)
    return found[0], _averages(session, asked, str(actor.company_id)) if is_usual else None


def _averages(session: Session, asked: Asked, own: str) -> Averages | None:
    known = {str(key) for key in partner_keys(session)} - {own}
    shares = []
    for key, (had, converted) in read_totals(session, asked).items():
        if key in known and had >= FEWEST_LEADS:
            shares.append(converted / had)
    return Averages(sum(shares) / len(shares)) if len(shares) >= FEWEST_OTHERS else None


def _cards(
    session: Session,
    actor: Actor,
    asked: Asked,
    partners: Sequence[tuple[int, str, str]],
    compared: Mapping[str, Comparison],
    *,
    is_one: bool = False,
) -> list[Card] | TooMany:
    keys = [key for key, _ref, _name in partners]
    if not keys:
        return []
    funnel = read_funnel(session, actor, asked, "month" if is_one else "partner")
    if isinstance(funnel, TooMany):
        return funnel
    found = {str(keys[0]): funnel.total} if is_one else {row.key: row for row in funnel.rows}
    months = funnel.rows if is_one else ()
    times: dict[str, Mapping[str, TimesRow]] = {}
    for what in ("taken", "touched"):
        measured = [] if actor.is_partner else read_times(session, actor, asked, "partner", what)
        times[what] = {} if isinstance(measured, TooMany) else {row.key: row for row in measured}
    offers = read_offers(session, actor, asked, keys)
    taken_back = read_taken_back(session, actor, asked, keys)
    won = read_won(session, actor, asked, keys)
    return [
        Card(
            key, ref, name, found.get(str(key)), *offers.get(key, (0, 0)), taken_back.get(key, 0), won.get(key, {}),
            times["taken"].get(str(key)), times["touched"].get(str(key)), compared.get(str(key)), months,
        )
        for key, ref, name in partners
    ]  # fmt: skip
