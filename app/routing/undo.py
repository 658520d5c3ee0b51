"""Undoing a change of many owners, within two minutes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.events.operations import record
from app.identity.models import User, UserState
from app.kernel.actor import Actor, Permission, Role
from app.kernel.db import is_sqlite
from app.kernel.errors import Conflict, NotFound
from app.leads.models import AssignmentCause, BulkAct, Lead, LeadRefusal, Offer
from app.leads.placement import Move, OfferTerms, Owner, place
from app.notifications.operations import Mail, suppress
from app.routing import steps
from app.routing.bulk import Refused, act_name
from app.routing.errors import TooLate
from app.routing.models import Queue, Turn
from app.routing.turns import Turns, find_turn
from app.sharing.scope import scope

# What a bulk act did may be undone by whoever did it, even where they no longer see the lead.
_UNDOING = Actor.system("undo of a bulk act")


@dataclass(frozen=True, slots=True)
class UndoResult:
    undone: Sequence[str]
    refused: Sequence[Refused]


def get_bulk_act(session: Session, actor: Actor, ref: str, *, for_update: bool = False) -> BulkAct:
    """A bulk act of the actor's own; administrators find everybody's.  Raises NotFound."""
    statement = select(BulkAct).where(BulkAct.ref == ref).execution_options(populate_existing=True)
    if for_update and not is_sqlite(session):
        statement = statement.with_for_update()
    act = session.scalar(statement)
    if act is None or (act.actor_id != actor.user_id and actor.role is not Role.ADMINISTRATOR):
        raise NotFound("bulk act", ref)
    return act


def undo_bulk_act(session: Session, actor: Actor, ref: str, *, now: datetime) -> UndoResult:
    """Put every lead of a bulk act back where it was, unless something has happened to it since.

    Offers that were pending stand again until when they stood, turns that the act used are given back,
    and its mails are not sent.  Does not commit.

    Raises NotFound, NotAllowed (the actor may no longer give leads to others), TooLate, Conflict (undone
    already).
    """
    act = get_bulk_act(session, actor, ref, for_update=True)
    actor.require(Permission.LEAD_TRANSFER if actor.is_partner else Permission.LEAD_ASSIGN)
    if act.undone_at is not None:
        raise Conflict(_l("This has been undone already."))
    if now > act.undo_until:
        raise TooLate
    turns = _open_turns(session, act, now)
    leads = {lead.id: lead for lead in _lock_items(session, act)}
    undone: list[str] = []
    refused: list[Refused] = []
    for item in act.items:
        lead = leads.get(item["lead"])
        owner = _owner_before(session, item["before"])
        if lead is None or lead.deleted_at is not None:
            continue
        if lead.version != item["version"] or owner is None:
            refused.append(Refused(lead.ref, _("Something has happened to it since.")))
            continue
        _put_back(session, actor, lead, owner, item, now)
        turn = find_turn(session, item["turn"]) if item["turn"] is not None else None
        if turn is not None:
            turns.give_back(turn)
        undone.append(lead.ref)
    turns.write(session)
    act.undone_at = now
    if not refused:
        # Where some stay, the mail lists those alone: what a recipient may not see any more is left out.
        suppress(session, act_name(act))
    detail = {"undone": len(undone), "refused": len(refused)}
    record(session, actor, verb="undone", subject=act, at=now, detail=detail)
    return UndoResult(undone, refused)


def _open_turns(session: Session, act: BulkAct, now: datetime) -> Turns:
    turn_ids = [item["turn"] for item in act.items if item["turn"] is not None]
    ids: Sequence[int] = ()
    if turn_ids:
        ids = session.scalars(select(Turn.round_robin_id).where(Turn.id.in_(turn_ids)).distinct()).all()
    return Turns.open(session, ids, now=now)


def _lock_items(session: Session, act: BulkAct) -> Sequence[Lead]:
    ids = [item["lead"] for item in act.items]
    offers = select(Lead.offer_id).where(scope(Lead, _UNDOING), Lead.id.in_(ids), Lead.offer_id.is_not(None))
    leads = select(Lead).where(scope(Lead, _UNDOING), Lead.id.in_(ids)).order_by(Lead.id)
    if not is_sqlite(session):
        held = session.scalars(offers).all()
        session.execute(
            select(Offer.id).where(Offer.id.in_(held)).order_by(Offer.id).with_for_update(key_share=True)
        )
        leads = leads.with_for_update(key_share=True)
    return session.scalars(leads.execution_options(populate_existing=True)).all()


def _owner_before(session: Session, before: dict[str, Any]) -> Owner | None:
    """Who had it; None when they cannot have it any more."""
    if before["user"] is not None:
        user = session.get(User, before["user"], populate_existing=True)
        return Owner(user=user) if user is not None and user.state is UserState.ACTIVE else None
    queue = session.get(Queue, before["queue"], populate_existing=True)
    return Owner(queue=queue) if queue is not None and queue.deleted_at is None else None


def _put_back(
    session: Session, actor: Actor, lead: Lead, owner: Owner, item: dict[str, Any], now: datetime
) -> None:
    before = item["before"]
    terms = None
    if "offer" in before and owner.user is not None and owner.user.is_partner:
        offer = before["offer"]
        terms = OfferTerms(
            expires_at=datetime.fromisoformat(offer["expires_at"]),
            round_robin_id=offer["round_robin"],
            origin_queue_id=offer["queue"],
            turn_id=offer.get("turn"),
            hops=offer["hops"],
        )
    move = Move(
        AssignmentCause.BULK,
        trace=[steps.undone()],
        offer=terms,
        mail=Mail.NONE,
        owner_chosen=before["chosen"],
    )
    place(session, actor, lead, owner, move, now=now)
    if "refusal" in before:
        refusal = before["refusal"]
        session.add(
            LeadRefusal(
                lead_id=lead.id,
                company_id=refusal["company"],
                at=datetime.fromisoformat(refusal["at"]),
                cause=refusal["cause"],
            )
        )
