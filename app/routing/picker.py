"""Whom lists offer: owners for a lead, members for queues and round robins, targets for rules.

Only those who can take something are listed; the others are named with the reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.identity.models import User, UserState
from app.kernel import labels
from app.kernel.actor import Actor, Permission, Role
from app.kernel.fold import fold
from app.partners.models import PartnerAccount
from app.routing.candidates import PARTNER_ACCOUNT, QUEUE, ROUND_ROBIN, USER, Candidate, Snapshot
from app.routing.eligibility import Wanted, take_snapshot
from app.routing.models import Queue, RoundRobin
from app.routing.reasons import Reason, Refusal, reason_words
from app.sharing.scope import scope

# Pickers name partner accounts to whoever may assign, whichever accounts they see in their lists.
_NAMING = Actor.system("names in pickers")
MOST_LISTED = 500


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a picker.  group: heading it stands under.  note: how they stand ("11 of 15", "away until …")."""

    kind: str
    ref: str
    name: str
    group: str = ""
    note: str = ""

    @property
    def label(self) -> str:
        return f"{self.name} · {self.note}" if self.note else self.name


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Somebody who is not listed, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class OwnerChoices:
    """Who can be given a lead, by kind; left_out: kind of list → who is not in it.

    unnamed: kind of list → how many are not in it, where the asker may not know who.
    is_cut: there are more than fit; narrow them by a search.
    """

    partner_users: Sequence[Choice]
    partner_accounts: Sequence[Choice]
    queues: Sequence[Choice]
    round_robins: Sequence[Choice]
    colleagues: Sequence[Choice]
    left_out: Mapping[str, Sequence[LeftOut]]
    unnamed: Mapping[str, int]
    is_cut: bool


def owner_choices(session: Session, actor: Actor, *, now: datetime, search: str = "") -> OwnerChoices:
    """Whom the actor may give a lead to; three statements.

    Partner people: users of their own company alone.  search: part of a name or company.  Who of partners is
    not listed, and why, is named to those who may see partners; others learn the number.
    """
    if actor.is_partner:
        return _of_own_company(session, actor, now)
    snapshot = take_snapshot(session, *(Wanted.of(kind) for kind in (USER, PARTNER_ACCOUNT, QUEUE)), now=now)
    everybody = _sorted(_matching(snapshot.by_principal.values(), search))
    listed = [c for c in everybody if c.blocked is None and c.owner is not None]
    groups = session.scalars(
        select(RoundRobin).where(RoundRobin.deleted_at.is_(None)).order_by(RoundRobin.name_fold)
    )
    partner_users = [_choice(snapshot, c) for c in listed if c.is_partner_user]
    of_partners = {
        "partner_user": [_left_out(c) for c in everybody if c.is_partner_user and c.blocked]
        + _deactivated(session, User.partner_account_id.is_not(None), search),
        "partner_account": [_left_out(c) for c in everybody if c.kind == PARTNER_ACCOUNT and c.blocked],
    }
    may_name = actor.can(Permission.PARTNER_VIEW)
    colleagues = {"colleague": [_left_out(c) for c in everybody if _is_colleague(c) and c.blocked]}
    return OwnerChoices(
        partner_users=partner_users[:MOST_LISTED],
        partner_accounts=[_choice(snapshot, c) for c in listed if c.kind == PARTNER_ACCOUNT][:MOST_LISTED],
        queues=[_choice(snapshot, c) for c in listed if c.kind == QUEUE and c.company_id is None],
        round_robins=[Choice(ROUND_ROBIN, g.ref, g.name) for g in groups],
        colleagues=[_choice(snapshot, c) for c in listed if _is_colleague(c)][:MOST_LISTED],
        left_out={**of_partners, **colleagues} if may_name else colleagues,
        unnamed={} if may_name else {kind: len(people) for kind, people in of_partners.items()},
        is_cut=len(partner_users) > MOST_LISTED,
    )


def _of_own_company(session: Session, actor: Actor, now: datetime) -> OwnerChoices:
    ids = session.scalars(
        select(User.id).where(
            User.partner_account_id == actor.company_id, User.state != UserState.DEACTIVATED
        )
    ).all()
    snapshot = take_snapshot(session, Wanted.of(USER, ids), now=now)
    everybody = _sorted(snapshot.by_principal.values())
    listed = [
        Choice(c.kind, c.ref, c.name, "", _standing_of_colleague(snapshot, actor, c))
        for c in everybody
        if c.blocked is None
    ]
    left_out = [_left_out(c, company=False) for c in everybody if c.blocked]
    left_out += _deactivated(session, User.partner_account_id == actor.company_id, company=False)
    return OwnerChoices([], [], [], [], listed, {"colleague": left_out}, {}, is_cut=False)


def _deactivated(
    session: Session, whose: ColumnElement[bool], search: str = "", *, company: bool = True
) -> list[LeftOut]:
    """Those who left, of whom a snapshot knows nothing.  company: their company's name stands behind theirs."""
    rows = session.execute(
        select(User.name, Account.name)
        .outerjoin(Account, and_(Account.id == User.partner_account_id, scope(Account, _NAMING)))
        .where(whose, User.state == UserState.DEACTIVATED)
        .order_by(Account.name_fold, func.lower(User.name), User.id)
        .limit(MOST_LISTED)
    )
    wanted, why = fold(search), reason_words(Reason.DEACTIVATED)
    return [
        LeftOut(f"{name}, {of}" if company and of else name, why)
        for name, of in rows
        if not wanted or wanted in fold(name) or wanted in fold(of or "")
    ]


def _matching(candidates: Iterable[Candidate], search: str) -> Iterable[Candidate]:
    wanted = fold(search)
    if not wanted:
        return candidates
    return [c for c in candidates if wanted in fold(c.name) or wanted in fold(c.company_name)]


def _sorted(candidates: Iterable[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda c: (c.company_name.casefold(), c.name.casefold(), c.id))


def _is_colleague(candidate: Candidate) -> bool:
    return candidate.kind == USER and candidate.company_id is None


def _choice(snapshot: Snapshot, candidate: Candidate) -> Choice:
    group = candidate.company_name if candidate.is_partner_user else ""
    return Choice(candidate.kind, candidate.ref, candidate.name, group, _standing(snapshot, candidate))


def _standing(snapshot: Snapshot, candidate: Candidate) -> str:
    """How full somebody is, and whether they are there."""
    return _notes(candidate, _fullness(snapshot, candidate, snapshot.full(candidate)))


def _standing_of_colleague(snapshot: Snapshot, actor: Actor, candidate: Candidate) -> str:
    """The same for partner people: no numbers of leads that they do not see, as in `partners.team`.

    What the company holds in all is left out: a transfer does not change it.
    """
    full = snapshot.full(candidate, in_company=False)
    if candidate.id == actor.user_id or _rank(candidate) < actor.rank:
        return _notes(candidate, _fullness(snapshot, candidate, full))
    return _notes(candidate, reason_words(full.reason) if full is not None else "")


def _rank(candidate: Candidate) -> int:
    user = candidate.owner.user if candidate.owner is not None else None
    return user.role.rank if user is not None else Role.EXECUTIVE.rank


def _fullness(snapshot: Snapshot, candidate: Candidate, full: Refusal | None) -> str:
    if full is not None:
        return reason_words(full.reason, full.detail)
    if candidate.kind != USER or candidate.user_capacity is None:
        return ""
    held = snapshot.open_of_user.get(candidate.id, 0)
    return _("%(open)s of %(capacity)s open", open=held, capacity=candidate.user_capacity)


def _notes(candidate: Candidate, fullness: str) -> str:
    notes = [fullness] if fullness else []
    if candidate.resting is not None:
        notes.append(reason_words(candidate.resting.reason, candidate.resting.detail))
    return ", ".join(notes)


def _left_out(candidate: Candidate, *, company: bool = True) -> LeftOut:
    name = candidate.name
    if company and candidate.is_partner_user and candidate.company_name:
        name = f"{candidate.name}, {candidate.company_name}"
    blocked = candidate.blocked
    return LeftOut(name, reason_words(blocked.reason, blocked.detail) if blocked else "")


Groups = Sequence[tuple[str, Sequence[tuple[str, str]]]]


def member_choices(session: Session, *, for_queue: bool, internal_only: bool = False) -> Groups:
    """Who can be made a member, as (heading, [("kind:public name", name)]).

    for_queue: people of the vendor's, partner users and partner accounts; else partner users, partner
    accounts and queues, who take turns.
    """
    people = session.execute(
        select(User.ref, User.name, Account.name, User.partner_account_id)
        .outerjoin(Account, and_(Account.id == User.partner_account_id, scope(Account, _NAMING)))
        .where(User.state != UserState.DEACTIVATED, User.role != Role.VIEWER)
        .order_by(Account.name, User.name)
    ).all()
    internal = [(f"user:{ref}", name) for ref, name, _company, company_id in people if company_id is None]
    partner = [
        (f"user:{ref}", f"{company} · {name}")
        for ref, name, company, company_id in people
        if company_id is not None
    ]
    if internal_only:
        return [(_("People"), internal)]
    accounts = [
        (f"partner_account:{ref}", name)
        for ref, name in session.execute(
            select(Account.ref, Account.name)
            .join(PartnerAccount, PartnerAccount.account_id == Account.id)
            .where(scope(Account, _NAMING))
            .order_by(Account.name)
        )
    ]
    accounts_group = (labels.many("partner_account", title=True), accounts)
    partner_group = (labels.many("partner_user", title=True), partner)
    if for_queue:
        return [accounts_group, (_("Colleagues"), internal), partner_group]
    return [accounts_group, partner_group, (labels.many("queue", title=True), _own_queues(session))]


def target_choices(session: Session) -> Groups:
    """What a rule can send to, as `member_choices`."""
    accounts, partner, queues = member_choices(session, for_queue=False)
    colleagues = member_choices(session, for_queue=True, internal_only=True)[0][1]
    groups = session.execute(
        select(RoundRobin.ref, RoundRobin.name)
        .where(RoundRobin.deleted_at.is_(None))
        .order_by(RoundRobin.name_fold)
    )
    return [
        (labels.many("round_robin", title=True), [(f"round_robin:{ref}", name) for ref, name in groups]),
        queues,
        accounts,
        partner,
        (_("Colleagues"), colleagues),
    ]


def _own_queues(session: Session) -> list[tuple[str, str]]:
    rows = session.execute(
        select(Queue.ref, Queue.name)
        .where(Queue.deleted_at.is_(None), Queue.partner_account_id.is_(None))
        .order_by(Queue.name_fold)
    )
    return [(f"queue:{ref}", name) for ref, name in rows]
