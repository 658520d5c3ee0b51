"""Scorecards: what a partner made of its leads, and how that compares; for the vendor all, for a partner its own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import overload

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.identity.models import User
from app.kernel.actor import Actor, Level
from app.partners.models import PartnerAccount
from app.reports.asked import Asked
from app.reports.dimensions import Value
from app.reports.funnel import FunnelRow, make_row, read_funnel
from app.reports.owned import is_led
from app.reports.reading import count_cells, sees_all
from app.reports.telling import Cells, TooMany, Wanted
from app.reports.times import TimesRow, read_times
from app.scorecards.fair import Comparison
from app.scorecards.queries import (
    FEWEST_LEADS,
    FEWEST_OTHERS,
    partner_keys,
    read_comparisons,
    read_offers,
    read_taken_back,
    read_totals,
    read_won,
    usual_months,
)
from app.sharing.scope import scope

# Cards that are read together where all are wanted.
AT_ONCE = 500
# (key, public name, name) of a partner's account.
Named = tuple[int, str, str]
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
    default = usual_months(session, now)
    return Asked(asked.zone, default.first, default.last, asked.given)


class Cards(Sequence[Card]):
    """The cards of many partners, in their order.  What is on them is read of those that are looked at, which many more beside
    them do not make longer: by a number of statements that does not grow.
    """

    def __init__(
        self, session: Session, actor: Actor, asked: Asked, partners: Sequence[Named], counted: Cells
    ) -> None:
        """counted: the leads of each, told apart by partner."""
        self._session, self._actor, self._asked = session, actor, asked
        self._partners, self._counted = partners, counted

    def __len__(self) -> int:
        return len(self._partners)

    @overload
    def __getitem__(self, place: int) -> Card: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Card]: ...
    def __getitem__(self, place: int | slice) -> Card | Sequence[Card]:
        if isinstance(place, int):
            return self._read([self._partners[place]])[0]
        return self._read(self._partners[place])

    def __iter__(self) -> Iterator[Card]:
        for begin in range(0, len(self), AT_ONCE):
            yield from self[begin : begin + AT_ONCE]

    def _read(self, partners: Sequence[Named]) -> Sequence[Card]:
        funnels = {
            each.key: make_row(self._asked, each.key, each.label, counts, each.criteria, seen_by=self._actor)
            for each in map(_value, partners)
            if any(counts := self._counted.get((each.key, ""), ()))
        }
        return _cards(self._session, self._actor, self._asked, partners, funnels)


def read_cards(session: Session, actor: Actor, asked: Asked) -> Cards | TooMany:
    """A card for each partner that the actor sees, most leads first."""
    counted = count_cells(session, actor, asked, Wanted("partner"))
    if isinstance(counted, TooMany):
        return counted
    rows = session.execute(
        select(Account.id, Account.ref, Account.name)
        .join(PartnerAccount, PartnerAccount.account_id == Account.id)
        .where(scope(Account, actor, Level.READ))
    )
    had = {partner: found[0] for (partner, _b), found in counted.items()}
    ranked = sorted((-had.get(str(key), 0), name, key, ref) for key, ref, name in rows)
    return Cards(session, actor, asked, [(key, ref, name) for _had, name, key, ref in ranked], counted)


def _value(partner: Named) -> Value:
    """A partner whose account one reads, so that there is a list of its leads."""
    key, ref, name = partner
    return Value(str(key), (str(key),), name, ({"field": "partner", "op": "equals", "value": ref},))


def read_card(session: Session, actor: Actor, account: Account, asked: Asked) -> Card | TooMany:
    """One partner whose account was read in the actor's scope."""
    partner = account.id, account.ref, account.name
    return _card(session, actor, asked.narrowed("partner", [account.ref]), partner)


def read_own(
    session: Session, actor: Actor, asked: Asked, now: datetime
) -> tuple[Card, Averages | None] | TooMany:
    """The card of the actor's own company, of their leads and those of whom they lead; and what the others make on average.

    What is told of others stands only where they are so many, with so many leads each, that it tells nobody's numbers,
    and of the usual months alone: months of one's choice would set apart who had leads in some of them.
    """
    account = session.execute(
        select(Account.id, Account.ref, Account.name).where(
            scope(Account, _OWN), Account.id == actor.company_id
        )
    ).one()
    # Not what is shared with them: others have received that.
    owners = session.scalars(select(User.ref).where(is_led(actor)).order_by(User.id)).all()
    theirs = asked.narrowed("owner", owners)
    found = _card(session, actor, theirs, (account.id, account.ref, account.name))
    if isinstance(found, TooMany):
        return found
    is_usual = asked == with_months(session, Asked(asked.zone), now)
    return found, _averages(session, asked, str(actor.company_id)) if is_usual else None


def _averages(session: Session, asked: Asked, own: str) -> Averages | None:
    known = {str(key) for key in partner_keys(session)} - {own}
    shares = []
    for key, (had, converted) in read_totals(session, asked).items():
        if key in known and had >= FEWEST_LEADS:
            shares.append(converted / had)
    return Averages(sum(shares) / len(shares)) if len(shares) >= FEWEST_OTHERS else None


def _card(session: Session, actor: Actor, asked: Asked, partner: Named) -> Card | TooMany:
    """Of one partner, whose leads alone are asked for or seen; with its months."""
    funnel = read_funnel(session, actor, asked, "month")
    if isinstance(funnel, TooMany):
        return funnel
    [card] = _cards(session, actor, asked, [partner], {str(partner[0]): funnel.total})
    return replace(card, months=funnel.rows)


def _cards(
    session: Session, actor: Actor, asked: Asked, partners: Sequence[Named], funnels: Mapping[str, FunnelRow]
) -> list[Card]:
    """funnels: by the keys of partners as text; those without leads may be missing."""
    if not partners:
        return []
    ids = [key for key, _ref, _name in partners]
    keys = [str(key) for key in ids]
    taken, touched = (
        {} if actor.is_partner else read_times(session, actor, asked, what, [*map(_value, partners)])
        for what in ("taken", "touched")
    )
    compared = read_comparisons(session, asked, keys) if sees_all(actor) else {}
    offers = read_offers(session, actor, asked, ids)
    taken_back = read_taken_back(session, actor, asked, ids)
    won = read_won(session, actor, asked, ids)
    return [
        Card(
            key, ref, name, funnels.get(str(key)), *offers.get(key, (0, 0)), taken_back.get(key, 0), won.get(key, {}),
            taken.get(str(key)), touched.get(str(key)), compared.get(str(key)),
        )
        for key, ref, name in partners
    ]  # fmt: skip
