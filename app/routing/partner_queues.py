"""The queue that belongs to a partner account: made with it, one for each."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.events.operations import record
from app.kernel import refs
from app.kernel.actor import Actor, Role
from app.kernel.fold import fold
from app.routing.models import Queue, QueueMember

LONGEST_NAME = 120


def create_partner_queue(
    session: Session, actor: Actor, account: Account, *, role: Role, now: datetime
) -> Queue:
    """A queue named after the account, whose members are its users from that role on.

    Another queue of that name makes it "Name (2)".  Writes an event; does not commit.
    """
    name = _free_name(session, account.name[: LONGEST_NAME - 6])
    queue = Queue(
        ref=refs.new_ref(refs.QUEUE),
        name=name,
        name_fold=fold(name, LONGEST_NAME),
        partner_account_id=account.id,
        created_at=now,
        updated_at=now,
        created_by_id=actor.user_id,
        updated_by_id=actor.user_id,
    )
    session.add(queue)
    session.flush()  # its id goes into the member
    session.add(
        QueueMember(
            ref=refs.new_ref(refs.MEMBER),
            queue_id=queue.id,
            account_id=account.id,
            minimum_rank=role.rank,
            created_at=now,
        )
    )
    record(session, actor, verb="created", subject=queue, at=now, detail={"partner": account.ref})
    return queue


def _free_name(session: Session, wanted: str) -> str:
    taken = set(
        session.scalars(
            select(Queue.name_fold).where(Queue.name_fold.startswith(fold(wanted), autoescape=True))
        )
    )
    name, number = wanted, 1
    while fold(name, LONGEST_NAME) in taken:
        number += 1
        name = f"{wanted} ({number})"
    return name


def narrow_partner_queue(
    session: Session, actor: Actor, queue: Queue, account: Account, *, role: Role, now: datetime
) -> bool:
    """Let the account's users from that role on be members of its queue; whether that changed anything."""
    member = session.scalar(
        select(QueueMember).where(QueueMember.queue_id == queue.id, QueueMember.account_id == account.id)
    )
    if member is None:
        member = QueueMember(
            ref=refs.new_ref(refs.MEMBER),
            queue_id=queue.id,
            account_id=account.id,
            minimum_rank=-1,
            created_at=now,
        )
        session.add(member)
    if member.minimum_rank == role.rank:
        return False
    before = member.minimum_rank
    member.minimum_rank = role.rank
    queue.stamp(actor, now)
    record(
        session,
        actor,
        verb="edited",
        subject=queue,
        at=now,
        changes={"members_from_rank": (before, role.rank)},
    )
    return True


def minimum_role(session: Session, queue_id: int, account_id: int) -> Role:
    """The lowest role whose holders are members of the account's queue."""
    rank = session.scalar(
        select(QueueMember.minimum_rank).where(
            QueueMember.queue_id == queue_id, QueueMember.account_id == account_id
        )
    )
    return {1: Role.MANAGER, 2: Role.EXECUTIVE}.get(rank or 0, Role.USER)
