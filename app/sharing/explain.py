"""Who sees a record and through which cause; why one person does.

`why` asks the very rules that `scope` is made of.  `who_sees` says the same of everybody at once, as
principals with the level they are given: people whose account scope is their portfolio do not have what
`all_internal` is given, viewers read at most, and a company that refused a lead does not see it in a queue.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, case, func, or_, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.cases.models import Case
from app.identity.models import User, UserState
from app.identity.queries import DEFAULT_LEVELS, get_organisation
from app.kernel.actor import PARTNER_ROLES, Actor, Level, Role
from app.leads.models import Lead
from app.opportunities.models import Opportunity
from app.routing.models import Queue, QueueMember
from app.sharing.models import GrantSet, GrantSetState, ManualShare, Principal, SharingGrant, SharingRule
from app.sharing.principals import names_of_keys
from app.sharing.rules import rules_for
from app.sharing.scope import scope, scoped

Record = Lead | Account | Contact | Opportunity | Case

# Explaining names everybody whom the rules give the record; who may ask is the door's matter.
_EXPLAINING = Actor.system("explain")


@dataclass(frozen=True, slots=True)
class Cause:
    """A reason.  ref: public name of the queue or account it goes through, where there is one."""

    type: str
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Grantee:
    """A principal.  ref: None for all internal users.  role: of a partner account, that role and above."""

    type: str
    ref: str | None = None
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a principal is given of the record, for one or more causes."""

    to: Grantee
    level: Level
    causes: tuple[Cause, ...]


def why(session: Session, person: Actor, record: Record) -> tuple[Level | None, list[Cause]]:
    """(how much of the record the person is given, for which causes); (None, []) when they do not see it."""
    return why_each(session, person, [record]).get(record.id, (None, []))


def why_each(
    session: Session, person: Actor, records: Sequence[Record]
) -> dict[int, tuple[Level, list[Cause]]]:
    """The same of many records of one object, by their keys; those that the person does not see are absent."""
    if not records:
        return {}
    model: Any = type(records[0])
    rules = rules_for(model, person)
    if not rules:
        return {}
    rows = session.execute(_levels_of(model, person), {"keys": [record.id for record in records]})
    by_key = {record.id: record for record in records}
    known: dict[int, Account | None] = {}
    found = {}
    for key, *levels in rows:
        held = [(rule.cause, Level(level)) for rule, level in zip(rules, levels, strict=True) if level]
        if held:
            causes = _causes_of(session, person, by_key[key], held, known)
            found[key] = max(level for _cause, level in held), causes
    return found


def _causes_of(
    session: Session,
    person: Actor,
    record: Record,
    held: Sequence[tuple[str, Level]],
    known: dict[int, Account | None],
) -> list[Cause]:
    places = _Places(session, record, known)
    causes: dict[Cause, None] = {}
    for cause, level in held:
        if isinstance(record, Lead) and record.offer_id is not None and level is Level.PREVIEW:
            causes[Cause("offer")] = None
            if cause == "owner":
                continue
        if cause == "shared":
            causes.update(dict.fromkeys(_shared_causes(session, record, person)))
        else:
            causes[places.cause(cause, person)] = None
    return list(causes)


@lru_cache(maxsize=256)
def _levels_of(model: Any, person: Actor) -> Select[Any]:
    """What each of the person's rules gives of the records `keys`, 0 for nothing.  Kept, since making it is dear."""
    given = [
        case((scoped(model, rule.where), rule.given()), else_=0).label(f"rule_{number}")
        for number, rule in enumerate(rules_for(model, person))
    ]
    wanted = model.id.in_(bindparam("keys", expanding=True))
    return select(model.id, *given).where(scope(model, _EXPLAINING), wanted)


def who_sees(session: Session, record: Record) -> Sequence[Grant]:
    """Everybody whom the rules give the record, each principal once; administrators first."""
    merged: dict[Grantee, Grant] = {}
    for grant in _grants(session, record):
        known = merged.get(grant.to)
        if known is not None:
            grant = Grant(grant.to, max(known.level, grant.level), (*known.causes, *grant.causes))
        merged[grant.to] = grant
    return list(merged.values())


class _Places:
    """Public names of the queue and account that a record's causes go through, looked up when asked.

    known: accounts looked up before.
    """

    def __init__(
        self, session: Session, record: Record, known: dict[int, Account | None] | None = None
    ) -> None:
        self.session = session
        self.record = record
        self.found = {} if known is None else known

    def cause(self, cause: str, person: Actor | None = None) -> Cause:
        if cause == "queue":
            return Cause(cause, self.queue_ref())
        if isinstance(self.record, Opportunity) and self._is_through_partner(cause, person):
            return Cause(cause, self.partner.ref if self.partner else None)
        if cause in ("channel_manager", "account_team", "parent"):
            return Cause(cause, self.account_ref())
        return Cause(cause)

    def _is_through_partner(self, cause: str, person: Actor | None) -> bool:
        """Whether somebody has an opportunity by the partner that works on it rather than by its account."""
        key = self.record.partner_account_id if isinstance(self.record, Opportunity) else None
        answerable = person is not None and key in person.answerable_ids
        return cause == "channel_manager" or (cause == "account_team" and answerable)

    def queue_ref(self) -> str | None:
        key = self.record.owner_queue_id if isinstance(self.record, Lead) else None
        queue = self.session.get(Queue, key) if key is not None else None
        return queue.ref if queue else None

    def account_ref(self) -> str | None:
        account = self.account
        return account.ref if account else None

    @cached_property
    def account(self) -> Account | None:
        """The partner account of a lead, the account itself, or that of a contact, opportunity or case."""
        if isinstance(self.record, Account):
            return self.record
        key = self.record.partner_account_id if isinstance(self.record, Lead) else self.record.account_id
        return self._account(key)

    @cached_property
    def partner(self) -> Account | None:
        """The partner account that works on a lead or an opportunity."""
        owned = isinstance(self.record, Lead | Opportunity)
        return self._account(self.record.partner_account_id) if owned else None  # type: ignore[union-attr]

    def _account(self, key: int | None) -> Account | None:
        if key is None:
            return None
        if key not in self.found:
            statement = select(Account).where(scope(Account, _EXPLAINING), Account.id == key)
            self.found[key] = self.session.scalar(statement)
        return self.found[key]


def _grants(session: Session, record: Record) -> Iterator[Grant]:
    """The grants of each rule in turn; mirrors `sharing.rules` the other way round."""
    places = _Places(session, record)
    yield Grant(Grantee("internal_role", Role.ADMINISTRATOR.value), Level.FULL, (Cause("administrator"),))
    if not isinstance(record, Contact) or record.account_id is not None:
        yield from _by_default(session, record)
    yield from _by_owning(session, record)
    if not isinstance(record, Contact) or record.account_id is not None:
        yield from _by_sharing(session, places, record)
    if isinstance(record, Lead | Opportunity):
        yield from _by_hierarchy(session, places, record)
    if isinstance(record, Lead):
        yield from _by_queue(session, places, record)
    yield from _by_team(session, places, record)


def _by_default(session: Session, record: Record) -> Iterator[Grant]:
    defaults = get_organisation(session).defaults[record.__tablename__]
    for side, everybody in (("internal", "all_internal"), ("external", "all_partners")):
        level = DEFAULT_LEVELS[defaults[side]]
        if level is not None:
            yield Grant(Grantee(everybody), level, (Cause("default"),))


@cache
def _in_force() -> Select[*tuple[Any, ...]]:
    """(principal, its key, level, public name of the rule, of the share) of every grant of a record that counts."""
    return (
        select(
            SharingGrant.principal_id,
            Principal.key,
            SharingGrant.level,
            SharingRule.ref,
            ManualShare.ref,
            GrantSet.is_conversion,
        )
        .join(Principal, Principal.id == SharingGrant.principal_id)
        .join(GrantSet, and_(GrantSet.id == SharingGrant.set_id, GrantSet.state == GrantSetState.ACTIVE))
        .outerjoin(SharingRule, SharingRule.id == GrantSet.rule_id)
        .outerjoin(
            ManualShare,
            and_(
                GrantSet.rule_id.is_(None),
                GrantSet.is_conversion.is_(False),
                ManualShare.object == SharingGrant.object,
                ManualShare.record_id == SharingGrant.record_id,
                ManualShare.principal_id == SharingGrant.principal_id,
                ManualShare.ended_at.is_(None),
            ),
        )
        .where(
            SharingGrant.object == bindparam("object"),
            SharingGrant.record_id == bindparam("record"),
            or_(SharingGrant.until.is_(None), SharingGrant.until > func.now()),
        )
        .order_by(SharingGrant.principal_id, SharingGrant.set_id)
    )


def _grants_of(session: Session, object_: str, record_id: int) -> Sequence[Any]:
    return session.execute(_in_force(), {"object": object_, "record": record_id}).all()


def _cause_of(rule: str | None, share: str | None, is_conversion: bool) -> Cause:
    if is_conversion:
        return Cause("conversion")
    return Cause("sharing_rule", rule) if rule is not None else Cause("manual_share", share)


def _shared_causes(session: Session, record: Record, person: Actor) -> list[Cause]:
    """The rules and shares that give the record to one of the person's principals."""
    kind = record.__tablename__
    mine = {principal_id for object_, principal_id in person.shared if object_ == kind}
    rows = _grants_of(session, kind, record.id)
    return [
        _cause_of(rule, share, converted)
        for principal_id, _key, _level, rule, share, converted in rows
        if principal_id in mine
    ]


def _by_sharing(session: Session, places: _Places, record: Record) -> Iterator[Grant]:
    """What rules and shares give of the record itself; a contact follows its account."""
    found: list[tuple[Any, Cause | None]] = [
        (row, None) for row in _grants_of(session, record.__tablename__, record.id)
    ]
    if isinstance(record, Contact) and record.account_id is not None:
        follows = places.cause("parent")
        found += [(row, follows) for row in _grants_of(session, "account", record.account_id) if not row[5]]
    names = names_of_keys(session, {row[0]: row[1] for row, _through in found}) if found else {}
    for (principal_id, _key, level, rule, share, converted), through in found:
        known = names[principal_id]
        cause = through or _cause_of(rule, share, converted)
        yield Grant(Grantee(known.type, known.ref, known.role), Level(level), (cause,))


def _by_owning(session: Session, record: Record) -> Iterator[Grant]:
    owner = session.get(User, record.owner_user_id) if record.owner_user_id is not None else None
    if owner is None or owner.state is UserState.DEACTIVATED:
        return
    if isinstance(record, Lead) and record.offer_id is not None:
        yield Grant(Grantee("user", owner.ref), Level.PREVIEW, (Cause("offer"),))
        return
    level = Level.READ if owner.role is Role.VIEWER else Level.EDIT if owner.is_partner else Level.FULL
    yield Grant(Grantee("user", owner.ref), level, (Cause("owner"),))


def _by_hierarchy(session: Session, places: _Places, record: Lead | Opportunity) -> Iterator[Grant]:
    """Managers see what users own, executives what managers own too; never sideways."""
    above = next((role for role in PARTNER_ROLES if role.rank > (record.owner_rank or 0)), None)
    if record.owner_rank is None or above is None:
        return
    is_offered = isinstance(record, Lead) and record.offer_id is not None
    causes = (Cause("offer"), Cause("role_hierarchy")) if is_offered else (Cause("role_hierarchy"),)
    level = Level.PREVIEW if is_offered else Level.EDIT
    company = places.partner.ref if places.partner else None
    yield Grant(Grantee("partner_account", company, above), level, causes)


def _by_queue(session: Session, places: _Places, lead: Lead) -> Iterator[Grant]:
    if lead.owner_queue_id is None:
        return
    cause = places.cause("queue")
    yield Grant(Grantee("queue", cause.ref), Level.PREVIEW, (cause,))
    internal = session.execute(
        select(User.ref)
        .join(QueueMember, QueueMember.user_id == User.id)
        .where(QueueMember.queue_id == lead.owner_queue_id, User.partner_account_id.is_(None))
        .where(User.state != UserState.DEACTIVATED)
        .order_by(User.id)
    )
    for (ref,) in internal:
        yield Grant(Grantee("user", ref), Level.READ, (cause,))


def _by_team(session: Session, places: _Places, record: Record) -> Iterator[Grant]:
    """The owner of a partner account has its leads and opportunities in full; its responsibles change them.

    Whoever owns the account of a contact, opportunity or case, or answers for it, changes those.
    """
    if isinstance(record, Lead | Opportunity) and places.partner is not None:
        partner = places.partner
        manager = session.get(User, partner.owner_user_id)
        if manager is not None and manager.state is not UserState.DEACTIVATED:
            level = Level.READ if manager.role is Role.VIEWER else Level.FULL
            yield Grant(Grantee("user", manager.ref), level, (places.cause("channel_manager"),))
        yield Grant(Grantee("account_team", partner.ref), Level.EDIT, (Cause("account_team", partner.ref),))
    account = places.account
    if account is not None and not isinstance(record, Lead):
        cause = places.cause("parent" if isinstance(record, Contact) else "account_team")
        yield Grant(Grantee("account_team", account.ref), Level.EDIT, (cause,))
