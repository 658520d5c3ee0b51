"""What a change of people, groups, teams or owners would do to what people see: done, read and undone.

See `prospects` for why, and for what is counted after the undoing.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, AccountResponsible, Contact
from app.identity.queries import MOST_NAMED, find_actors
from app.kernel.actor import Actor, Level
from app.leads.models import Lead
from app.routing.models import Queue
from app.sharing.affected import (
    Affected,
    Consequences,
    Everybody,
    Tally,
    Unit,
    alike,
    together,
)
from app.sharing.differences import Clock, Levels, compare, levels_among
from app.sharing.grant_sets import Sets, forget_known, ready
from app.sharing.granting import COMPUTING, refresh
from app.sharing.models import GrantSet, GrantSetState, Principal, SharingGrant, SharingRule, SharingRuleKind
from app.sharing.people import principals_of_owners
from app.sharing.principals import Membership, keys_of_actor
from app.sharing.prospects import LONGEST_SECONDS, count_units, owned, within_of
from app.sharing.rule import Given, Supposed
from app.sharing.scope import scope
from app.sharing.subjects import SUBJECTS

# Of more records than these a change itself writes, the rest is left out and said to be.
MOST_WRITTEN = 20_000
# Of more kinds of people than these those of one role, or of one company, are counted as one.
MOST_KINDS = 240
# How long the tried change is read, while nobody else can write on SQLite; beside the time that doing it takes.
LONGEST_HELD_SECONDS = 1.0

Written = Mapping[Any, ColumnElement[bool]]  # model → which records an act writes, as they are before it


def of_act(
    session: Session,
    act: Callable[[Session], Any],
    *,
    moved: Collection[int] = (),
    written: Written | None = None,
    then: Callable[[], None] = lambda: None,
    seconds: float | None = LONGEST_SECONDS,
) -> Consequences:
    """If `act` were done.  moved: users who may come to be, or cease to be, one of some principals.

    written: the records whose columns, or whose account's, it may change.  The session may write; nothing
    that `act` does stays.  then: called when it has been undone, before the long counting.
    Raises what `act` raises.
    """
    everybody, written = Everybody(session), written or {}
    clock = Clock(seconds)
    ids = {model: _ids(session, model, which, clock) for model, which in written.items()}
    owners, places = _Owners(session, moved), _Places.read(session, ids)
    undone = session.begin_nested()
    try:
        act(session)
        session.flush()
        held = Clock(None if seconds is None else min(seconds, LONGEST_HELD_SECONDS))
        _settle(session, ids)
        membership = Membership(session)
        given = _Given(session, owners, _Owners(session, moved), membership)
        concerned = _Concerned(places, _Places.read(session, ids), everybody.membership)
        changed = find_actors(session, membership, moved)
        affected = _affected(everybody, changed, frozenset(moved), given, concerned)
        units = _units(affected, concerned.users)
        after = _levels_in_time(session, units, ids, held)
    finally:
        undone.rollback()
        forget_known()
    then()
    tally, clock.ran_out = Tally(), clock.ran_out or held.ran_out
    for number, unit in enumerate(units[: len(after)]):
        now = _levels(session, unit.before, ids)
        for model, levels in after[number].items():
            tally.add(number, model.__tablename__, compare(now[model], levels))
    _count_others(session, units, tally, clock, written, given)
    return tally.consequences(units, is_whole=not clock.ran_out)


def _count_others(
    session: Session, units: Sequence[Unit], tally: Tally, clock: Clock, written: Written, given: "_Given"
) -> None:
    """What `act` does not write itself, of those who are others after it, or whom other grants reach."""
    by_grants = [unit if _differs_by_grants(unit) else None for unit in units]
    none = Unit((), None, None)
    count_units(
        session, [unit or none for unit in by_grants], tally, clock, within=given.within, without=written
    )
    others = [none if alone else unit for unit, alone in zip(units, by_grants, strict=True)]
    count_units(session, others, tally, clock, without=written)


def _differs_by_grants(unit: Unit) -> bool:
    if unit.before is None or unit.after is None:
        return False
    return replace(unit.after, supposed=unit.before.supposed) == unit.before


def _ids(session: Session, model: Any, which: ColumnElement[bool], clock: Clock) -> list[int]:
    statement = select(model.id).where(scope(model, COMPUTING), which).order_by(model.id)
    found = list(session.scalars(statement.limit(MOST_WRITTEN + 1)))
    clock.ran_out = clock.ran_out or len(found) > MOST_WRITTEN
    return found[:MOST_WRITTEN]


def _levels(session: Session, actor: Actor | None, ids: Mapping[Any, Sequence[int]]) -> dict[Any, Levels]:
    return {model: levels_among(session, model, actor, model.id.in_(keys)) for model, keys in ids.items()}


def _levels_in_time(
    session: Session, units: Sequence[Unit], ids: Mapping[Any, Sequence[int]], held: Clock
) -> list[dict[Any, Levels]]:
    """What the first units, as far as there is time, have of what is written."""
    found = []
    for unit in units:
        if any(ids.values()) and held.is_over:
            break
        found.append(_levels(session, unit.after, ids))
    return found


def _settle(session: Session, ids: Mapping[Any, Sequence[int]]) -> None:
    """Bring the grants of what was written up to date, as the commit would."""
    for model, keys in ids.items():
        if model is Contact:
            continue  # it is its account that is written
        name = model.__tablename__
        rows = session.scalars(
            select(GrantSet).where(
                GrantSet.object == name, GrantSet.rule_id.is_not(None), GrantSet.state == GrantSetState.ACTIVE
            )
        )
        sets = Sets(ready(row) for row in rows)
        if sets.all and keys:
            refresh(session, SUBJECTS[name], keys, sets)
    session.flush()


# Whom what is written concerns


@dataclass(frozen=True, slots=True)
class _Places:
    """Owners, queues and partner accounts of what is written, and its grants."""

    users: frozenset[int]
    queues: frozenset[int]
    companies: frozenset[int]
    grants: frozenset[tuple[Any, ...]]

    @classmethod
    def read(cls, session: Session, ids: Mapping[Any, Sequence[int]]) -> "_Places":
        found: dict[str, set[Any]] = {name: set() for name in ("users", "queues", "companies", "grants")}
        for model, keys in ids.items():
            columns = {"users": model.owner_user_id}
            if model is Lead:
                columns |= {"queues": Lead.owner_queue_id, "companies": Lead.partner_account_id}
            rows = session.execute(
                select(*columns.values()).where(scope(model, COMPUTING), model.id.in_(keys)).distinct()
            )
            for row in rows:
                for name, value in zip(columns, row, strict=True):
                    found[name].add(value)
            grant = SharingGrant
            found["grants"].update(
                tuple(row)
                for row in session.execute(
                    select(
                        grant.object, grant.record_id, grant.principal_id, grant.set_id, grant.level
                    ).where(grant.object == model.__tablename__, grant.record_id.in_(keys))
                )
            )
            if model is Account:
                team = select(AccountResponsible.user_id).where(AccountResponsible.account_id.in_(keys))
                found["users"].update(session.scalars(team.distinct()))
        return cls(**{name: frozenset(values - {None}) for name, values in found.items()})


class _Concerned:
    """Whose sight of what is written may change: owners, those above them, members, teams, holders of grants."""

    def __init__(self, before: _Places, after: _Places, membership: Membership) -> None:
        self.users = before.users | after.users
        self.queues = before.queues | after.queues
        self.companies = before.companies | after.companies
        self.principals = {row[2] for row in before.grants ^ after.grants}
        self.membership = membership

    def has(self, actor: Actor) -> bool:
        teams = (*actor.managed_ids, *actor.answerable_ids)
        return (
            actor.user_id in self.users
            or actor.company_id in self.companies
            or not self.queues.isdisjoint(actor.queue_ids)
            or not self.companies.isdisjoint(teams)
            or (
                bool(self.principals)
                and not self.principals.isdisjoint(self.membership.principals(keys_of_actor(actor)))
            )
        )


def _affected(
    everybody: Everybody,
    changed: Mapping[int, Actor],
    moved: Collection[int],
    given: "_Given",
    concerned: _Concerned,
) -> list[Affected]:
    found = []
    for key in sorted(everybody.actors.keys() | changed.keys()):
        before = everybody.actors.get(key)
        after = changed.get(key) if key in moved else before
        supposed = given.to(after)
        if key in moved or supposed is not None or (before is not None and concerned.has(before)):
            found.append(Affected(before, replace(after, supposed=supposed) if after and supposed else after))
    return [each for each in found if each.before is not None or each.after is not None]


def _units(affected: Sequence[Affected], apart: Collection[int]) -> list[Unit]:
    """Those who stay who they are differ at most by what is written, and are counted with their like."""
    quiet = [each for each in affected if not each.differs]
    units = alike(quiet, apart)
    if len(units) > MOST_KINDS:
        units = together(quiet, apart)
    return [*together([each for each in affected if each.differs], apart), *units]


# What owner-based rules give when they are built anew


class _Owners:
    """Of which principals those who may move are, as owners; queues too, since groups hold them."""

    def __init__(self, session: Session, moved: Collection[int]) -> None:
        self.users: dict[int, Collection[int]] = {}
        self.queues: Mapping[int, Collection[int]] = {}
        _none, self.queues = principals_of_owners(session, (), session.scalars(select(Queue.id)).all())
        people = sorted(moved)
        for start in range(0, len(people), MOST_NAMED):
            self.users.update(principals_of_owners(session, people[start : start + MOST_NAMED], ())[0])


class _Given:
    """What owner-based rules will give besides, and no longer, because owners come and go.

    within: what all records meet that they can differ about.
    """

    def __init__(self, session: Session, before: _Owners, after: _Owners, membership: Membership) -> None:
        self.membership = membership  # after the change
        self.rules: list[tuple[str, int, Given]] = []  # (key of whom it gives to, its set, what it will give)
        self.within: dict[Any, ColumnElement[bool]] = {}
        self._known: dict[tuple[int, ...], Supposed] = {}
        for row, share_with in _owner_rules(session):
            model = SUBJECTS[row.object].model
            came = _those(after, before, row.owned_by_id)
            left = _those(before, after, row.owned_by_id)
            if not any((*came, *left)):
                continue
            stored = model.id.in_(select(SharingGrant.record_id).where(SharingGrant.set_id == row.id))
            where = or_(and_(stored, ~owned(model, *left)), owned(model, *came))
            self.rules.append((share_with, row.id, Given(row.object, Level(row.level), where)))
            for each, condition in within_of(
                row.object, or_(owned(model, *came), owned(model, *left))
            ).items():
                self.within[each] = or_(self.within[each], condition) if each in self.within else condition

    def to(self, actor: Actor | None) -> Supposed | None:
        """What somebody will be given by these rules; None where they are given nothing by them."""
        if actor is None or not self.rules:
            return None
        keys = keys_of_actor(actor)
        held = tuple(
            n for n, (key, _set, _given) in enumerate(self.rules) if self.membership.holds(keys, key)
        )
        if not held:
            return None
        if held not in self._known:
            mine = [self.rules[number] for number in held]
            self._known[held] = Supposed(
                tuple(set_id for _key, set_id, _given in mine), tuple(given for _key, _set, given in mine)
            )
        return self._known[held]


def _owner_rules(session: Session) -> Sequence[Any]:
    """(set, key of whom it gives to) of the rules by owner in force."""
    return session.execute(
        select(GrantSet, Principal.key)
        .join(SharingRule, SharingRule.id == GrantSet.rule_id)
        .join(Principal, Principal.id == GrantSet.principal_id)
        .where(
            GrantSet.state == GrantSetState.ACTIVE,
            GrantSet.kind == SharingRuleKind.OWNER,
            SharingRule.deleted_at.is_(None),
        )
        .order_by(GrantSet.id)
    ).all()


def _those(one: _Owners, other: _Owners, principal_id: int | None) -> tuple[list[int], list[int]]:
    """The users, and the queues, that are the principal in `one` and not in `other`."""
    return (
        [key for key, of in one.users.items() if principal_id in of and principal_id not in other.users[key]],
        [
            key
            for key, of in one.queues.items()
            if principal_id in of and principal_id not in other.queues[key]
        ],
    )
