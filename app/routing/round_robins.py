"""Keeping round robins: make, edit, members and weights, delete.

Every change of members or weights begins a new epoch of the ledger in the same transaction, so that the
promise of fairness counts from then on.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.events.operations import record
from app.kernel import refs
from app.kernel.actor import Actor, Permission
from app.kernel.errors import InUse, Invalid, NotFound
from app.kernel.fold import fold
from app.partners.models import PartnerLevel
from app.routing.candidates import PARTNER_ACCOUNT, QUEUE, USER
from app.routing.edits import LONGEST_NAME, clean_minutes, clean_name, require_version
from app.routing.fairness import LARGEST_WEIGHT, SMALLEST_WEIGHT
from app.routing.matching import LONGEST_VALUE, read_match
from app.routing.models import Queue, RoundRobin, RoundRobinMember, RuleEntry, RuleSet, RuleState
from app.routing.principals import Principal, find_principal, told_of_member
from app.routing.queues import add_named
from app.routing.seats import lock_round_robins
from app.routing.turns import Turns

MOST_MEMBERS = 200


def create_round_robin(
    session: Session,
    actor: Actor,
    *,
    name: object,
    members: Iterable[Mapping[str, Any]] = (),
    fallback_queue: str | None = None,
    accept_within_minutes: object = None,
    now: datetime,
) -> RoundRobin:
    """A round robin whose members take turns from now on.

    members: `{"principal": {"type", "id"}, "weight"?, "match"?}` in the order that settles ties.  fallback_queue:
    public name of the queue that takes what nobody can take.  Writes events and the ledger's first epoch;
    does not commit.

    Raises NotAllowed, Invalid.
    """
    actor.require(Permission.ROUTING_MANAGE)
    text = clean_name(session, RoundRobin, name)
    group = RoundRobin(
        ref=refs.new_ref(refs.ROUND_ROBIN),
        name=text,
        name_fold=fold(text, LONGEST_NAME),
        fallback_queue_id=_fallback(session, fallback_queue),
        accept_within_minutes=clean_minutes(accept_within_minutes),
        state={},
        created_at=now,
        updated_at=now,
        created_by_id=actor.user_id,
        updated_by_id=actor.user_id,
    )
    add_named(session, group, text)
    record(session, actor, verb="created", subject=group, at=now)
    for given in members:
        _seat(session, actor, group, given, now)
    _begin_epoch(session, group.id, now)
    return group


def get_round_robin(session: Session, ref: str) -> RoundRobin:
    """A round robin that has not been deleted.  Raises NotFound."""
    statement = select(RoundRobin).where(RoundRobin.ref == ref, RoundRobin.deleted_at.is_(None))
    group = session.scalar(statement.execution_options(populate_existing=True))
    if group is None:
        raise NotFound("round robin", ref)
    return group


def edit_round_robin(
    session: Session,
    actor: Actor,
    ref: str,
    *,
    name: object,
    fallback_queue: str | None,
    accept_within_minutes: object,
    version: int | None = None,
    now: datetime,
) -> RoundRobin:
    """Rename it, change its fallback queue or how long its offers stand.  Nothing when nothing changes.

    Raises NotAllowed, NotFound, Invalid, Stale.
    """
    group = _held(session, actor, ref)
    text = clean_name(session, RoundRobin, name, but=group.id)
    values = {
        "name": text,
        "fallback_queue_id": _fallback(session, fallback_queue),
        "accept_within_minutes": clean_minutes(accept_within_minutes),
    }
    changes = {key: (getattr(group, key), new) for key, new in values.items() if getattr(group, key) != new}
    if not changes:
        return group
    require_version(group, version)
    for key, new in values.items():
        setattr(group, key, new)
    group.name_fold = fold(text, LONGEST_NAME)
    group.stamp(actor, now)
    record(session, actor, verb="edited", subject=group, at=now, changes=changes)
    return group


def add_round_robin_member(
    session: Session, actor: Actor, ref: str, given: Mapping[str, Any], *, now: datetime
) -> tuple[RoundRobinMember, Principal]:
    """Give somebody a seat, with a balance of zero: nobody is flooded to catch up.

    given: `{"principal": {"type", "id"}, "weight"?, "match"?}`.  Raises NotAllowed, NotFound, Invalid.
    """
    group = _held(session, actor, ref)
    member, principal = _seat(session, actor, group, given, now)
    group.stamp(actor, now)
    _begin_epoch(session, group.id, now)
    return member, principal


def set_weight(
    session: Session, actor: Actor, ref: str, member_ref: str, weight: object, *, now: datetime
) -> RoundRobinMember:
    """Change a member's weight.  Raises NotAllowed, NotFound, Invalid."""
    group = _held(session, actor, ref)
    member = _member(session, group, member_ref)
    new = _weight(weight)
    if new == member.weight:
        return member
    changes = {"weight": (member.weight, new)}
    member.weight = new
    group.stamp(actor, now)
    detail = told_of_member(session, member)
    record(session, actor, verb="weight_changed", subject=group, at=now, changes=changes, detail=detail)
    _begin_epoch(session, group.id, now)
    return member


def set_match(
    session: Session, actor: Actor, ref: str, member_ref: str, given: object, *, now: datetime
) -> RoundRobinMember:
    """Say for which leads a member takes turns, as `matching.read_match` takes it; None for every lead.

    Balances, counts and shares go on: they count what each member could have had.  Raises NotAllowed, NotFound, Invalid.
    """
    group = _held(session, actor, ref)
    member = _member(session, group, member_ref)
    new = _match(session, given, member.queue_id)
    if new == member.match:
        return member
    changes = {"match": (member.match or None, new or None)}
    member.match = new
    group.stamp(actor, now)
    detail = told_of_member(session, member)
    record(session, actor, verb="match_changed", subject=group, at=now, changes=changes, detail=detail)
    return member


def _match(session: Session, given: object, queue_id: int | None) -> dict[str, list[str]]:
    levels: dict[str, str] = {}
    for ref, name in session.execute(select(PartnerLevel.ref, PartnerLevel.name)):
        levels |= {ref: ref, fold(name, LONGEST_VALUE): ref}
    found = read_match(given, levels)
    if queue_id is not None and "levels" in found:
        raise Invalid({"match": [_l("A queue has no partner level to match.")]})
    return found


def remove_round_robin_member(
    session: Session, actor: Actor, ref: str, member_ref: str, *, now: datetime
) -> None:
    """End a membership; the row stays for the ledger.  Raises NotAllowed, NotFound."""
    group = _held(session, actor, ref)
    member = _member(session, group, member_ref)
    member.removed_at = now
    group.stamp(actor, now)
    detail = told_of_member(session, member)
    record(session, actor, verb="member_removed", subject=group, at=now, detail=detail)
    _begin_epoch(session, group.id, now)


def delete_round_robin(session: Session, actor: Actor, ref: str, *, now: datetime) -> None:
    """Take a round robin away; its row and its ledger stay.  Raises NotAllowed, NotFound, InUse."""
    group = _held(session, actor, ref)
    rows = session.execute(
        select(RuleSet.number, RuleEntry.position)
        .join(RuleEntry, RuleEntry.rule_set_id == RuleSet.id)
        .where(RuleSet.state != RuleState.RETIRED, RuleEntry.target_round_robin_id == group.id)
        .order_by(RuleSet.number, RuleEntry.position)
    )
    uses = [
        _("rule %(position)s of version %(number)s", position=position, number=number)
        for number, position in rows
    ]
    if uses:
        raise InUse(_l("It is still in use: %(uses)s.", uses="; ".join(uses)), uses=uses)
    group.deleted_at = now
    group.name_fold = group.ref  # its name is free again
    group.stamp(actor, now)
    record(session, actor, verb="deleted", subject=group, at=now)


def _held(session: Session, actor: Actor, ref: str) -> RoundRobin:
    """The round robin, with its turns held until the transaction ends."""
    actor.require(Permission.ROUTING_MANAGE)
    group = get_round_robin(session, ref)
    return lock_round_robins(session, [group.id])[group.id]


def _begin_epoch(session: Session, round_robin_id: int, now: datetime) -> None:
    """Write the new members into the ledger and the state."""
    session.flush()
    Turns.open(session, [round_robin_id], now=now).write(session)


def _seat(
    session: Session, actor: Actor, group: RoundRobin, given: Mapping[str, Any], now: datetime
) -> tuple[RoundRobinMember, Principal]:
    wanted = given.get("principal")
    if not isinstance(wanted, Mapping):
        raise Invalid({"members": [_l("A member is a principal, with a weight if you like.")]})
    principal = find_principal(session, wanted)
    weight = _weight(given.get("weight", 1))
    if principal.kind == USER and principal.company_id is None:
        message = _l("Members of a round robin are partner users, partner accounts and queues.")
        raise Invalid({"members": [message]})
    if principal.minimum_rank:
        raise Invalid({"members": [_l("A round robin takes a partner account as a whole.")]})
    column = {
        USER: RoundRobinMember.user_id,
        PARTNER_ACCOUNT: RoundRobinMember.account_id,
        QUEUE: RoundRobinMember.queue_id,
    }[principal.kind]
    present = select(RoundRobinMember).where(
        RoundRobinMember.round_robin_id == group.id, RoundRobinMember.removed_at.is_(None)
    )
    if session.scalar(present.where(column == principal.id)) is not None:
        raise Invalid({"members": [_l("%(name)s is a member already.", name=principal.name)]})
    counted = session.execute(
        select(func.count(RoundRobinMember.id), func.max(RoundRobinMember.seat)).where(
            RoundRobinMember.round_robin_id == group.id
        )
    ).one()
    count: int = counted[0]
    last: int | None = counted[1]
    if count >= MOST_MEMBERS:
        raise Invalid({"members": [_l("A round robin has at most %(most)s members.", most=MOST_MEMBERS)]})
    member = RoundRobinMember(
        ref=refs.new_ref(refs.MEMBER),
        round_robin_id=group.id,
        seat=0 if last is None else last + 1,
        weight=weight,
        match=_match(session, given.get("match"), principal.id if principal.kind == QUEUE else None),
        **{column.key: principal.id},
    )
    session.add(member)
    session.flush()  # the next one's seat follows from it
    detail = {"member": principal.name, "ref": principal.ref, "weight": weight, "match": member.match or None}
    record(session, actor, verb="member_added", subject=group, at=now, detail=detail)
    return member, principal


def _member(session: Session, group: RoundRobin, member_ref: str) -> RoundRobinMember:
    member = session.scalar(
        select(RoundRobinMember).where(
            RoundRobinMember.round_robin_id == group.id,
            RoundRobinMember.ref == member_ref,
            RoundRobinMember.removed_at.is_(None),
        )
    )
    if member is None:
        raise NotFound("member", member_ref)
    return member


def _weight(value: object) -> int:
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal():
        value = int(value.strip()[:9])
    if (
        isinstance(value, bool)
        or not isinstance(value, int)
        or not SMALLEST_WEIGHT <= value <= LARGEST_WEIGHT
    ):
        message = _l(
            "A weight is a whole number from %(least)s to %(most)s.",
            least=SMALLEST_WEIGHT,
            most=LARGEST_WEIGHT,
        )
        raise Invalid({"weight": [message]})
    return value


def _fallback(session: Session, ref: str | None) -> int | None:
    if not ref:
        return None
    queue_id = session.scalar(select(Queue.id).where(Queue.ref == ref, Queue.deleted_at.is_(None)))
    if queue_id is None:
        raise Invalid({"fallback_queue_id": [_l("There is no such queue.")]})
    return queue_id
