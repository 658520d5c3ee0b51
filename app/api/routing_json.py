"""Queues, round robins and rules as the API shows them, a page at a time in a constant number of statements."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.api.answers import moment, version_of
from app.identity.models import User
from app.kernel.actor import Actor
from app.routing.matching import PARTS
from app.routing.models import Queue, QueueMember, RoundRobin, RoundRobinMember
from app.routing.principals import role_of_rank
from app.sharing.scope import scope

# Members are named to whoever keeps queues and round robins, whichever accounts they see in their lists.
_NAMING = Actor.system("names of members over the API")


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a queue or a round robin.  number: its key, which never leaves."""

    number: int
    body: dict[str, Any]


def queues_json(session: Session, actor: Actor, queues: Sequence[Queue]) -> list[dict[str, Any]]:
    """The queues with their members."""
    members = queue_members(session, [queue.id for queue in queues])
    accounts = _account_refs(session, (queue.partner_account_id for queue in queues))
    shown = []
    for queue in queues:
        body = {
            **_stamps(queue),
            "name": queue.name,
            "is_default": queue.is_default,
            "account_id": accounts.get(queue.partner_account_id or 0),
            "accept_within_minutes": queue.accept_within_minutes,
            "touch_within_hours": queue.touch_within_hours,
            "members": [member.body for member in members.get(queue.id, ())],
        }
        body["version"] = version_of(actor, body, queue.version)
        shown.append(body)
    return shown


def round_robins_json(session: Session, actor: Actor, groups: Sequence[RoundRobin]) -> list[dict[str, Any]]:
    """The round robins with their present members, in the order of seats."""
    members = round_robin_members(session, [group.id for group in groups])
    queues = queue_refs(session, (group.fallback_queue_id for group in groups))
    shown = []
    for group in groups:
        body = {
            **_stamps(group),
            "name": group.name,
            "fallback_queue_id": queues.get(group.fallback_queue_id or 0),
            "accept_within_minutes": group.accept_within_minutes,
            "members": [member.body for member in members.get(group.id, ())],
        }
        body["version"] = version_of(actor, body, group.version)
        shown.append(body)
    return shown


def queue_members(session: Session, queue_ids: Sequence[int]) -> dict[int, list[Member]]:
    """Queue's key → members, in the order in which they joined."""
    if not queue_ids:
        return {}
    rows = session.execute(
        select(QueueMember, User.ref, Account.ref)
        .outerjoin(User, User.id == QueueMember.user_id)
        .outerjoin(Account, and_(Account.id == QueueMember.account_id, scope(Account, _NAMING)))
        .where(QueueMember.queue_id.in_(queue_ids))
        .order_by(QueueMember.id)
    )
    found: dict[int, list[Member]] = {}
    for member, user_ref, account_ref in rows:
        principal: dict[str, Any] = {"type": "user", "id": user_ref}
        if member.account_id is not None:
            principal = {"type": "partner_account", "id": account_ref}
            role = role_of_rank(member.minimum_rank)
            if role is not None:
                principal["role"] = role
        body = {"id": member.ref, "principal": principal}
        found.setdefault(member.queue_id, []).append(Member(member.id, body))
    return found


def round_robin_members(session: Session, group_ids: Sequence[int]) -> dict[int, list[Member]]:
    """Round robin's key → present members, in the order of seats."""
    if not group_ids:
        return {}
    rows = session.execute(
        select(RoundRobinMember, User.ref, Account.ref, Queue.ref)
        .outerjoin(User, User.id == RoundRobinMember.user_id)
        .outerjoin(Account, and_(Account.id == RoundRobinMember.account_id, scope(Account, _NAMING)))
        .outerjoin(Queue, Queue.id == RoundRobinMember.queue_id)
        .where(RoundRobinMember.round_robin_id.in_(group_ids), RoundRobinMember.removed_at.is_(None))
        .order_by(RoundRobinMember.seat, RoundRobinMember.id)
    )
    found: dict[int, list[Member]] = {}
    for member, *names in rows:
        kinds: list[tuple[str, str | None]] = list(
            zip(("user", "partner_account", "queue"), names, strict=True)
        )
        kind, ref = next((kind, ref) for kind, ref in kinds if ref is not None)
        body = {
            "id": member.ref,
            "principal": {"type": kind, "id": ref},
            "weight": member.weight,
            "match": {part: member.match.get(part, []) for part in PARTS} if member.match else None,
        }
        found.setdefault(member.round_robin_id, []).append(Member(member.id, body))
    return found


def queue_refs(session: Session, keys: Iterable[int | None]) -> dict[int, str]:
    """Key → public name of queues."""
    wanted = {key for key in keys if key is not None}
    if not wanted:
        return {}
    rows = session.execute(select(Queue.id, Queue.ref).where(Queue.id.in_(wanted)))
    return {key: ref for key, ref in rows}  # noqa: C416 - rows are no pairs to mypy


def _account_refs(session: Session, keys: Iterable[int | None]) -> dict[int, str]:
    wanted = {key for key in keys if key is not None}
    if not wanted:
        return {}
    rows = session.execute(
        select(Account.id, Account.ref).where(scope(Account, _NAMING), Account.id.in_(wanted))
    )
    return {key: ref for key, ref in rows}  # noqa: C416 - as above


def _stamps(record: Queue | RoundRobin) -> dict[str, Any]:
    return {
        "id": record.ref,
        "created_at": moment(record.created_at),
        "updated_at": moment(record.updated_at),
    }
