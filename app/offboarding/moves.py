"""Moving the open leads of whoever leaves, in the transaction that ends their rights.

The caller has taken the rights away already, so that rules and turns pass the leaver over.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.cases.moves import give_open_cases
from app.events.operations import record
from app.identity.models import User, UserState
from app.kernel import refs
from app.kernel.actor import Actor
from app.kernel.db import is_sqlite
from app.leads.listeners import partner_queue_listeners
from app.leads.models import AssignmentCause, BulkAct, Lead, Offer
from app.leads.placement import place
from app.notifications.models import NotificationKind
from app.notifications.operations import Mail, Notice, notify_many
from app.offboarding.choices import GiveTo, Keep, OpenRecords
from app.opportunities.moves import give_open_opportunities
from app.routing.assign import Assigning, Plan, Wish
from app.routing.candidates import USER
from app.routing.models import Queue
from app.sharing.scope import scope

# Whoever ends somebody's rights decides about all that is theirs, whether or not they see each record.
_LEAVING = Actor.system("leaving")
AT_ONCE = 200


def move_open_leads(
    session: Session, actor: Actor, whose: ColumnElement[bool], choice: OpenRecords, *, now: datetime
) -> int:
    """Send on the open leads for which `whose` holds; how many moved.

    What was only offered goes on in any case, for nobody is left to accept it; with Keep the rest stays.
    Writes what `place` writes, with the cause *offboarding*; a successor gets one mail for all of them.
    Does not commit.  Raises NotAssignable, AtCapacity (the successor), LeadMoved.
    """
    wish = (
        Wish(choice.target, over_capacity=choice.over_capacity) if isinstance(choice, GiveTo) else Wish(None)
    )
    if isinstance(choice, Keep):
        whose = whose & Lead.offer_id.is_not(None)
    act = _begin_act(session, actor, choice, now) if isinstance(choice, GiveTo) else None
    moved, last, plans = 0, 0, []
    while leads := _next_leads(session, whose, last):
        last = leads[-1].id
        batch = _move(session, actor, wish, leads, act, now)
        moved += len(batch)
        plans += batch if act else []
    if act is not None:
        _tell(session, actor, plans, act, now)
        record(session, actor, verb="assigned_many", subject=act, at=now, detail={"assigned": moved})
    return moved


def move_open_cases(session: Session, actor: Actor, user: User, choice: OpenRecords, *, now: datetime) -> int:
    """Give the user's open cases to a successor among the vendor's people; how many.

    No queue and no partner has cases: then, and where they are kept or routed, they stay.  Does not commit.
    """
    if not isinstance(choice, GiveTo) or choice.target.kind != USER or choice.target.company_id is not None:
        return 0
    successor = session.get_one(User, choice.target.id)
    return give_open_cases(session, actor, user, successor, now=now)


def move_open_opportunities(
    session: Session, actor: Actor, user: User, choice: OpenRecords, *, now: datetime
) -> int:
    """Give the user's open opportunities to a successor on the same side; how many.

    A partner's go to somebody of the partner, the vendor's to somebody of the vendor; no queue has any: then, and
    where they are kept or routed, they stay.  Does not commit.
    """
    if not isinstance(choice, GiveTo) or choice.target.kind != USER:
        return 0
    successor = session.get_one(User, choice.target.id)
    if successor.partner_account_id != user.partner_account_id:
        return 0
    return give_open_opportunities(session, actor, user, successor, now=now)


def _next_leads(session: Session, whose: ColumnElement[bool], last: int) -> Sequence[Lead]:
    """The next open leads by key, held until the transaction ends; offers before leads, as everywhere."""
    statement = (
        select(Lead)
        .where(scope(Lead, _LEAVING), whose, Lead.id > last)
        .where(Lead.is_open, Lead.deleted_at.is_(None), Lead.converted_at.is_(None))
        .order_by(Lead.id)
        .limit(AT_ONCE)
        .execution_options(populate_existing=True)
    )
    if is_sqlite(session):
        return session.scalars(statement).all()
    offers = statement.with_only_columns(Lead.offer_id)
    session.execute(
        select(Offer.id)
        .where(Offer.id.in_(select(offers.subquery().c.offer_id)))
        .order_by(Offer.id)
        .with_for_update(key_share=True)
    )
    return session.scalars(statement.with_for_update(key_share=True)).all()


def _move(
    session: Session, actor: Actor, wish: Wish, leads: Sequence[Lead], act: BulkAct | None, now: datetime
) -> list[Plan]:
    # Partners give to colleagues only; what a leader gives back, the vendor's rules send on.
    planner = _LEAVING if actor.is_partner and wish.target is None else actor
    work = Assigning.begin(session, planner, wish, leads, one=False, now=now)
    plans = [plan for plan in map(work.plan, leads) if plan is not None]
    work.desk.write()
    for plan in plans:
        move = replace(plan.move(), cause=AssignmentCause.OFFBOARDING)
        if act is not None:
            move = replace(move, mail=Mail.NONE, bulk_act_id=act.id)
        place(session, actor, plan.lead, plan.owner, move, now=now)
    return plans


def _begin_act(session: Session, actor: Actor, choice: GiveTo, now: datetime) -> BulkAct:
    """The act that the successor's one mail is about.  It cannot be undone, so that it names no items."""
    target = choice.target
    act = BulkAct(
        ref=refs.new_ref(refs.BULK),
        at=now,
        actor_id=actor.user_id,
        undo_until=now,
        target={"kind": target.kind, "ref": target.ref, "name": target.name},
        items=[],
        refused=[],
    )
    session.add(act)
    session.flush()  # its id names the assignments
    return act


def _tell(session: Session, actor: Actor, plans: Sequence[Plan], act: BulkAct, now: datetime) -> None:
    people: dict[int, User] = {}
    queues: dict[int, Queue] = {}
    for plan in plans:
        if plan.owner.user is not None:
            people[plan.owner.user.id] = plan.owner.user
        elif plan.owner.queue is not None and plan.owner.queue.partner_account_id is not None:
            queues[plan.owner.queue.id] = plan.owner.queue
    for queue in queues.values():
        people.update({user.id: user for user in partner_queue_listeners(session, queue)})
    notices = [
        Notice(f"bulk:{act.id}", user, NotificationKind.LEADS_ASSIGNED, BulkAct.__tablename__, act.id)
        for _key, user in sorted(people.items())
        if user.id != actor.user_id and user.state is UserState.ACTIVE
    ]
    notify_many(session, notices, now=now)
