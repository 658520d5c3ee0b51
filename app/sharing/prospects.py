"""What a change would do to what people see, before it is made.

Defaults and rules are judged without being made: somebody with other defaults, or with a rule that is only
supposed (`Actor.supposed`), is asked about like anybody else.  What changes people, groups, teams or owners
(`of_act`) is done for real in a savepoint and undone: what it leaves of memberships and of the records that it
writes is read there, so that it is what doing it would leave.  Three things are chosen with large installations
in mind:

- The savepoint holds SQLite's only writer's lock, as the change itself will.  Only what the change writes is read
  within; everything that may take long is counted after `then`, which lets go of the lock.
- Owner-based rules are built anew in the background after such a change.  What they will give is supposed, from
  the owners who come and go, with the function that the builder itself asks.
- Criteria are judged in Python, as the builder does, batch by batch; for that, and for all counting together,
  there is a limit in seconds, after which the answer says "at least".

A preview is no promise: the door counts again when somebody agrees, and asks again where the counts differ.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, bindparam, case, func, or_, select, true
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.identity.models import User
from app.identity.queries import DEFAULT_LEVELS, MOST_NAMED
from app.kernel.actor import Level, Role
from app.routing.models import Queue
from app.sharing.affected import MODELS, Affected, Consequences, Everybody, Tally, Unit, together
from app.sharing.consequences import Meeting, can_be_seen
from app.sharing.differences import Clock, Count, Difference, bearing, difference
from app.sharing.granting import BATCH, COMPUTING
from app.sharing.levels import given_level
from app.sharing.models import GrantSet, GrantSetState, Principal, SharingGrant, SharingRule, SharingRuleKind
from app.sharing.rule import Given, Supposed
from app.sharing.scope import scope, scoped
from app.sharing.sharing_rules import Written
from app.sharing.subjects import SUBJECTS

LONGEST_SECONDS = 6.0
Within = Mapping[Any, ColumnElement[bool]]  # model → what all records meet that can differ


def count_units(
    session: Session, units: Sequence[Unit], tally: Tally, clock: Clock, *, within: Within | None = None,
    without: Within | None = None,
) -> None:  # fmt: skip
    """Count what lies between before and after of each unit, by the rules; what is left out when time is over
    the clock tells."""
    for number, unit in enumerate(units):
        for model in MODELS:
            if bearing(model, unit.before) == bearing(model, unit.after):
                continue
            if within is not None and model not in within:
                continue
            if clock.is_over:
                return
            found = difference(
                session,
                model,
                unit.before,
                unit.after,
                within=within[model] if within is not None else None,
                without=(without or {}).get(model),
            )
            tally.add(number, model.__tablename__, found)


# Defaults


def of_defaults(
    session: Session,
    defaults: Mapping[str, Mapping[str, str]],
    *,
    seconds: float | None = LONGEST_SECONDS,
) -> Consequences:
    """If these became the organisation-wide defaults.  defaults: object → side → level, of every object.

    Reads only.
    """
    affected, everybody = [], Everybody(session)
    clock = Clock(seconds)
    for actor in everybody.actors.values():
        side = "external" if actor.is_partner else "internal"
        levels = {
            f"default_{name}_level": DEFAULT_LEVELS[levels[side]]
            for name, levels in defaults.items()
            if name in SUBJECTS
        }
        after = replace(actor, **levels)  # type: ignore[arg-type]
        if after != actor and actor.role is not Role.ADMINISTRATOR and not actor.sees_portfolio_only:
            affected.append(Affected(actor, after))
    units, tally = together(affected), Tally()
    count_units(session, units, tally, clock)
    return tally.consequences(units, is_whole=not clock.ran_out)


# Rules


def of_rule(
    session: Session,
    rule: SharingRule | None,
    written: Written | None,
    *,
    seconds: float | None = LONGEST_SECONDS,
    batch: int = BATCH,
) -> Consequences:
    """If a rule were made (rule None), changed, or deleted (written None), once it is built.  Reads only."""
    everybody = Everybody(session)
    clock = Clock(seconds)
    old = _sets_of(session, rule)
    reached = everybody.holding(written.share_with) if written is not None else set()
    left = set()
    if rule is not None:
        left = everybody.holding(session.get_one(Principal, rule.share_with_id).key)
    object_ = written.object if written is not None else rule.object if rule is not None else ""
    now = Supposed(old)
    if written is None:
        then = now
    elif written.kind is SharingRuleKind.OWNER:
        then = Supposed(old, (Given(object_, written.level, _owned_as(session, written)),))
    else:
        then = Supposed(old, (Given(object_, written.level, true()),))
    affected = [
        Affected(actor, replace(actor, supposed=then if key in reached else now))
        for key, actor in everybody.actors.items()
        if key in reached or key in left
    ]
    most = max(int(written.level) if written is not None else 0, rule.level if rule is not None else 0)
    units = together([each for each in affected if not _has_it_all(each, object_, most)])
    tally = Tally()
    if not units:
        return Consequences()
    stored = _in_sets(SUBJECTS[object_].model, old)
    if written is not None and written.kind is SharingRuleKind.CRITERIA:
        _along_records(session, written, units, tally, clock, stored, then, now, batch)
    else:
        conditions = [stored] if old else []
        if written is not None:
            conditions.append(then.given[0].where)
        if conditions:
            narrow = within_of(object_, or_(*conditions))
            count_units(session, units, tally, clock, within=narrow)
    return tally.consequences(units, is_whole=not clock.ran_out)


def _has_it_all(each: Affected, object_: str, level: int) -> bool:
    """Whether somebody has every record at that level whatever a rule gives, as far as that is easily told.

    What follows an account, its contacts, is not.
    """
    actor = each.before
    if actor is None or actor.role is Role.ADMINISTRATOR:
        return True
    if object_ != "lead" or actor.sees_portfolio_only:
        return False
    most = Level.READ if actor.role is Role.VIEWER else Level.FULL
    return min(actor.default_lead_level or 0, most) >= min(level, most)


def _sets_of(session: Session, rule: SharingRule | None) -> tuple[int, ...]:
    """The rule's sets in force."""
    if rule is None:
        return ()
    active = GrantSet.state == GrantSetState.ACTIVE
    return tuple(session.scalars(select(GrantSet.id).where(GrantSet.rule_id == rule.id, active)))


def _in_sets(model: Any, sets: Sequence[int]) -> ColumnElement[bool]:
    """That a record is among what these sets grant."""
    found: ColumnElement[bool] = model.id.in_(
        select(SharingGrant.record_id).where(SharingGrant.set_id.in_(sets))
    )
    return found


def within_of(object_: str, condition: ColumnElement[bool]) -> dict[Any, ColumnElement[bool]]:
    """What is shared of an account is shared of its contacts."""
    if object_ != "account":
        return {SUBJECTS[object_].model: condition}
    following = Contact.account_id.in_(select(Account.id).where(condition))
    return {Account: condition, Contact: following}


def owned(model: Any, users: Iterable[int], queues: Iterable[int] = ()) -> ColumnElement[bool]:
    """That one of these people owns a record, or one of these queues holds it."""
    found = [_among(model.owner_user_id, users)]
    if hasattr(model, "owner_queue_id"):
        found.append(_among(model.owner_queue_id, queues))
    return or_(*found)


def _among(column: Any, keys: Iterable[int]) -> ColumnElement[bool]:
    """That a column holds one of the keys; these are written out, since they may be more than parameters can be."""
    wanted: Any = bindparam(None, sorted(keys), expanding=True, literal_execute=True, type_=BigInteger)
    return and_(column.is_not(None), column.in_(wanted))


def _owned_as(session: Session, written: Written) -> ColumnElement[bool]:
    """That a record belongs to whom an owner-based rule names."""
    users, queues = session.scalars(select(User.id)).all(), session.scalars(select(Queue.id)).all()
    meets, found = Meeting(session, written), set[int]()
    holding: Collection[int] = ()
    for start in range(0, max(len(users), 1), MOST_NAMED):
        some, holding = meets.owners(written.owned_by or "", users[start : start + MOST_NAMED], queues)
        found.update(some)
    return owned(SUBJECTS[written.object].model, found, holding)


def _along_records(
    session: Session,
    written: Written,
    units: Sequence[Unit],
    tally: Tally,
    clock: Clock,
    stored: ColumnElement[bool],
    then: Supposed,
    now: Supposed,
    batch: int,
) -> None:
    """Count for a rule by criteria: all records are judged in turn, and those that it gives, or gave, are counted
    for each unit some thousands at a time.

    Of a unit that gains, or loses, more than anybody wants to know exactly no more is counted.
    """
    subject = SUBJECTS[written.object]
    model, meets = subject.model, Meeting(session, written)
    columns = [model.id, *subject.owner_columns, *subject.columns(meets.names)]
    given, taken, reached = list[int](), list[int](), 0
    # What the rule gives no longer is gone for all, whoever is given the rest.
    losing = [_without_given(unit, then, now) for unit in units]
    while True:
        rows = session.execute(
            select(*columns, case((stored, 1), else_=0).label("is_stored"))
            .where(scope(model, COMPUTING), *can_be_seen(model), model.id > reached)
            .order_by(model.id)
            .limit(batch)
        ).all()
        kept = {row.id for row in meets.of(rows)}
        given += kept
        taken += [row.id for row in rows if row.is_stored and row.id not in kept]
        is_last = len(rows) < batch or clock.is_over
        for ids, whose, kind in ((given, units, "gained"), (taken, losing, "lost")):
            if len(ids) >= batch or (is_last and ids):
                _count_among(session, written.object, ids, whose, kind, tally)
                ids.clear()
        if is_last:
            break
        reached = rows[-1].id
    if clock.ran_out:
        for number, _unit in enumerate(units):
            for model in MODELS:
                tally.at_least(number, model.__tablename__)


def _without_given(unit: Unit, then: Supposed, now: Supposed) -> Unit:
    if unit.after is None or unit.after.supposed is not then:
        return unit
    return replace(unit, after=replace(unit.after, supposed=now))


def _count_among(
    session: Session, object_: str, ids: Sequence[int], units: Sequence[Unit], kind: str, tally: Tally
) -> None:
    """Count, of records of the object with these keys and of what follows them, what lies between."""
    for model, within in within_of(object_, SUBJECTS[object_].model.id.in_(ids)).items():
        for number, unit in enumerate(units):
            if tally.has_enough(number, model.__tablename__, kind):
                tally.at_least(number, model.__tablename__)
            else:
                tally.add(number, model.__tablename__, _change_among(session, model, unit, within))


def _change_among(session: Session, model: Any, unit: Unit, within: ColumnElement[bool]) -> Difference:
    if unit.before is None or unit.after is None:
        return Difference()
    was, is_ = (given_level(model, actor) for actor in (unit.before, unit.after))
    levels = select(was.label("was"), is_.label("is")).where(scoped(model, within)).subquery()
    before_, after_ = levels.c
    rows = session.execute(
        select(before_, after_, func.count()).where(before_ != after_).group_by(before_, after_)
    )
    found = {"gained": Count(0), "lost": Count(0), "more": Count(0), "less": Count(0)}
    for before, after, number in rows:
        kind = "gained" if not before else "lost" if not after else "more" if after > before else "less"
        found[kind] += Count(number)
    return Difference(**found)
