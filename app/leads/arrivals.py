"""Many new leads at once, each stored with its owner, assignment, offer and event in a few statements.

Writes the rows that `placement.place` writes for one lead; but whoever gets several is told of them once.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy.orm import Session

from app.campaigns.linking import join_many
from app.events.operations import record_many
from app.identity.models import User, UserState
from app.kernel import refs
from app.kernel.actor import Actor
from app.kernel.bulk import insert_row, insert_rows
from app.leads.listeners import partner_queue_listeners
from app.leads.models import Assignment, AssignmentCause, BulkAct, Lead, Offer
from app.leads.placement import Move, Owner, assignment_columns, offer_columns, owner_columns
from app.notifications.models import NotificationKind
from app.notifications.operations import Mail, Notice, notify_many
from app.search.upkeep import enter_arrived
from app.sharing.keys import reserve_keys
from app.sharing.touched import touch


@dataclass(slots=True)
class Arrival:
    """A lead that is about to be stored.

    id: its key, reserved (`kernel.keys`).  attributes: attribute of Lead → value: validated fields,
    status and derived columns.  to, move: where it goes and how that came about.
    """

    id: int
    attributes: dict[str, Any]
    ref: str = field(default_factory=lambda: refs.new_ref(refs.LEAD))
    to: Owner = field(default_factory=Owner)
    move: Move = field(default_factory=lambda: Move(AssignmentCause.DEFAULT_QUEUE))

    @property
    def __tablename__(self) -> str:
        return "lead"


class _Nowhere:
    """What `owner_columns` asks of a lead that has no owner yet."""

    last_queue_id = None
    owner_queue_id = None
    waiting_since = None


def store_arrivals(session: Session, actor: Actor, arrivals: Sequence[Arrival], *, now: datetime) -> None:
    """Store new leads with everything that their first placement writes.  Does not commit.

    Writes, with one insert a table: leads, what they are found by, assignments, offers, events, notifications and
    deliveries.
    """
    if not arrivals:
        return
    offered = [(arrival, arrival.move.offer) for arrival in arrivals if arrival.move.offer is not None]
    offer_ids = dict(zip((a.id for a, _ in offered), reserve_keys(session, Offer, len(offered)), strict=True))
    assignment_ids = reserve_keys(session, Assignment, len(arrivals))
    heard = _heard(session, actor, arrivals)
    acts = _begin_acts(session, actor, heard, now)
    insert_rows(session, Lead, [_lead(a, actor, offer_ids.get(a.id), now) for a in arrivals])
    touch(session, Lead.__tablename__, (a.id for a in arrivals))
    enter_arrived(session, ((a.id, a.attributes) for a in arrivals))
    came = [(a.attributes["campaign_id"], a.id) for a in arrivals if a.attributes.get("campaign_id")]
    join_many(session, actor, came, now=now)
    insert_rows(
        session,
        Assignment,
        [
            {
                "id": key,
                **assignment_columns(a.id, actor, a.to, a.move, now),
                "bulk_act_id": acts.get(a.move.mail),
            }
            for a, key in zip(arrivals, assignment_ids, strict=True)
        ],
    )
    insert_rows(
        session,
        Offer,
        [{"id": offer_ids[a.id], **offer_columns(a.id, a.to, terms, now)} for a, terms in offered],
    )
    record_many(session, actor, [("created", a, {}, _told(a)) for a in arrivals], at=now)
    notify_many(session, _notices(heard, acts, assignment_ids), now=now)


@cache
def _blank() -> dict[str, Any]:
    """Every column of a lead with its default."""
    return {column.name: _default(column) for column in Lead.__table__.columns}


def _default(column: Any) -> Any:
    if column.default is None:
        return None
    return column.default.arg if column.default.is_scalar else column.default.arg(None)


def _lead(arrival: Arrival, actor: Actor, offer_id: int | None, now: datetime) -> dict[str, Any]:
    return {
        **_blank(),
        "waiting_since": now,
        **arrival.attributes,
        **owner_columns(_Nowhere, arrival.to, arrival.move, now),  # type: ignore[arg-type]  # asks for three attributes
        "id": arrival.id,
        "ref": arrival.ref,
        "offer_id": offer_id,
        "created_at": now,
        "updated_at": now,
        "created_by_id": actor.user_id,
        "updated_by_id": actor.user_id,
    }


def _told(arrival: Arrival) -> dict[str, Any]:
    detail = {"cause": arrival.move.cause.value, "to": arrival.to.name, "to_ref": arrival.to.ref}
    if arrival.move.offer is not None:
        detail["offered_until"] = arrival.move.offer.expires_at.isoformat()
    return detail


@dataclass(frozen=True, slots=True)
class _Heard:
    """That one person is to be told of one arrival.  place: which of the arrivals."""

    place: int
    lead_id: int
    user: User
    kind: NotificationKind
    mail: Mail
    template_id: int | None


def _heard(session: Session, actor: Actor, arrivals: Sequence[Arrival]) -> list[_Heard]:
    """Whom `placement.tell` would tell of each, with the listeners of a queue looked up once."""
    listeners: dict[int, Sequence[User]] = {}
    heard: list[_Heard] = []
    for place, arrival in enumerate(arrivals):
        to, move = arrival.to, arrival.move
        users: Sequence[User] = ()
        kind = NotificationKind.LEAD_OFFERED if move.offer else NotificationKind.LEAD_ASSIGNED
        if move.mail is Mail.NONE:
            continue
        if to.user is not None:
            if to.user.id != actor.user_id and to.user.state is UserState.ACTIVE:
                users = (to.user,)
        elif to.queue is not None and to.queue.partner_account_id is not None:
            kind = NotificationKind.LEAD_IN_QUEUE
            if to.queue.id not in listeners:
                listeners[to.queue.id] = partner_queue_listeners(session, to.queue)
            users = listeners[to.queue.id]
        heard.extend(_Heard(place, arrival.id, user, kind, move.mail, move.template_id) for user in users)
    return heard


def _begin_acts(session: Session, actor: Actor, heard: Sequence[_Heard], now: datetime) -> dict[Mail, int]:
    """The acts that those who get several are told of: one mail to each, whatever the number.

    They cannot be undone, so that they name no items.
    """
    several = {mail for (_user, mail), times in _times(heard).items() if times > 1}
    return {
        mail: insert_row(
            session,
            BulkAct,
            {"ref": refs.new_ref(refs.BULK), "at": now, "actor_id": actor.user_id, "undo_until": now},
        )
        for mail in sorted(several)
    }


def _times(heard: Sequence[_Heard]) -> Counter[tuple[int, Mail]]:
    return Counter((each.user.id, each.mail) for each in heard)


def _notices(
    heard: Sequence[_Heard], acts: Mapping[Mail, int], assignment_ids: Sequence[int]
) -> list[Notice]:
    """One for each person of whom there is but one arrival, else one for all of theirs."""
    times = _times(heard)
    notices: dict[tuple[int, Mail], Notice] = {}
    for each in heard:
        key = each.user.id, each.mail
        if times[key] > 1:
            act = acts[each.mail]
            notices[key] = Notice(
                f"bulk:{act}",
                each.user,
                NotificationKind.LEADS_ASSIGNED,
                BulkAct.__tablename__,
                act,
                mail=each.mail,
            )
        else:
            act = assignment_ids[each.place]
            notices[key] = Notice(
                f"assignment:{act}",
                each.user,
                each.kind,
                Lead.__tablename__,
                each.lead_id,
                mail=each.mail,
                template_id=each.template_id,
            )
    return list(notices.values())
