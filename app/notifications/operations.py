"""Telling people: the bell's row and the outbox row, written with the act that they are about.

Nothing is sent here.  `delivery` sends later, and asks again then whether the person may still see
the record.  What people do with the bell and the outbox by hand is in `bell` and `outbox_acts`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel import refs
from app.kernel.bulk import insert_row, insert_rows
from app.notifications.models import (
    DIGEST_CHANNEL,
    MAIL_CHANNEL,
    Delivery,
    DeliveryState,
    Notification,
    NotificationKind,
)
from app.notifications.mornings import next_morning
from app.notifications.preferences import DIGEST, MAIL_ONLY, PORTAL, way_of
from app.sharing.keys import reserve_keys

# From here on it pays to number the rows first and hand them over as they are.
MANY = 20
_WAITING = (DeliveryState.DUE, DeliveryState.HELD, DeliveryState.SENDING)

HELD_FOR = timedelta(minutes=2)


class Mail(StrEnum):
    """What becomes of the e-mail of a notification; the bell shows it in any case.

    HELD waits while the act can be undone, two minutes unless a due time is given; SUPPRESSED is on record but never sent;
    NONE leaves no delivery at all.
    """

    NOW = "now"
    HELD = "held"
    SUPPRESSED = "suppressed"
    NONE = "none"


_STATES = {
    Mail.NOW: DeliveryState.DUE,
    Mail.HELD: DeliveryState.HELD,
    Mail.SUPPRESSED: DeliveryState.SUPPRESSED,
}


@dataclass(frozen=True, slots=True)
class Notice:
    """One person to be told one thing.

    act: what makes it unique together with person and kind, for example `assignment:812`.
    record_kind, record_id: table name and key of the record it is about, if any.
    due_at: when the mail may go out at the earliest.  template_id: the mail template chosen for the act.
    """

    act: str
    user: User
    kind: NotificationKind
    record_kind: str | None = None
    record_id: int | None = None
    detail: Mapping[str, Any] | None = None
    mail: Mail = Mail.NOW
    due_at: datetime | None = None
    template_id: int | None = None


def notify(
    session: Session,
    *,
    act: str,
    user: User,
    kind: NotificationKind,
    now: datetime,
    record: Any = None,
    detail: Mapping[str, Any] | None = None,
    mail: Mail = Mail.NOW,
    due_at: datetime | None = None,
) -> Notification:
    """Tell one person one thing.  record: the loaded record it is about; it must have its id.

    Writes a notification and, unless `mail` is NONE or the person wants this kind in the portal
    only, one delivery: a mail, or a line of their next daily digest.  The same act, person and kind
    twice is refused by the database.
    Does not commit.
    """
    notice = Notice(
        act=act,
        user=user,
        kind=kind,
        record_kind=None if record is None else record.__tablename__,
        record_id=None if record is None else record.id,
        detail=detail,
        mail=mail,
        due_at=due_at,
    )
    notification_id = notify_many(session, [notice], now=now)[0]
    return session.get_one(Notification, notification_id)


def notify_many(session: Session, notices: Sequence[Notice], *, now: datetime) -> list[int]:
    """Tell several at once; the ids of the notifications, in the order given.

    As `notify`; for bulk acts and imports.
    """
    if not notices:
        return []
    rows = [_notification(notice, now) for notice in notices]
    if len(rows) < MANY:
        ids = [insert_row(session, Notification, row) for row in rows]
    else:
        ids = list(reserve_keys(session, Notification, len(rows)))
        numbered = [{**row, "id": key} for row, key in zip(rows, ids, strict=True)]
        insert_rows(session, Notification, numbered)
    deliveries = [
        _delivery(notice, notification_id, now)
        for notice, notification_id in zip(notices, ids, strict=True)
        if notice.mail is not Mail.NONE and way_of(notice.user, notice.kind) != PORTAL
    ]
    if len(deliveries) < MANY:
        for row in deliveries:
            insert_row(session, Delivery, row)
    else:
        insert_rows(session, Delivery, deliveries)
    return ids


def suppress(session: Session, act: str) -> int:
    """Keep the mails of an act that was undone from being sent; how many were still waiting.

    Its notifications count as read: they are no news any more.  A mail that a worker is handing
    over at this very moment may still go out, and then says so: what was sent is recorded as sent.
    """
    quietly = {"synchronize_session": False}
    session.execute(
        update(Notification)
        .where(Notification.act == act, Notification.read_at.is_(None))
        .values(read_at=Notification.created_at),
        execution_options=quietly,
    )
    of_act = select(Notification.id).where(Notification.act == act)
    result = session.execute(
        update(Delivery)
        .where(Delivery.notification_id.in_(of_act), Delivery.state.in_(_WAITING))
        .values(state=DeliveryState.SUPPRESSED),
        execution_options=quietly,
    )
    return int(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE has a count


def _notification(notice: Notice, now: datetime) -> dict[str, Any]:
    return {
        "ref": refs.new_ref(refs.NOTICE),
        "act": notice.act,
        "user_id": notice.user.id,
        "kind": notice.kind,
        "record_kind": notice.record_kind,
        "record_id": notice.record_id,
        "detail": dict(notice.detail or {}),
        "created_at": now,
        # A one-time link is for the mailbox: once its owner can see the bell it is no news.
        "read_at": now if notice.kind in MAIL_ONLY else None,
    }


def _delivery(notice: Notice, notification_id: int, now: datetime) -> dict[str, Any]:
    is_digest = way_of(notice.user, notice.kind) == DIGEST
    state = _STATES[notice.mail]
    due_at = notice.due_at or (now + HELD_FOR if notice.mail is Mail.HELD else now)
    if is_digest:
        state = DeliveryState.SUPPRESSED if notice.mail is Mail.SUPPRESSED else DeliveryState.HELD
        due_at = next_morning(due_at, notice.user.time_zone)
    return {
        "ref": refs.new_ref(refs.DELIVERY),
        "notification_id": notification_id,
        "channel": DIGEST_CHANNEL if is_digest else MAIL_CHANNEL,
        "state": state,
        "recipient": notice.user.email,
        "created_at": now,
        "due_at": due_at,
        "attempts": 0,
        "template_id": notice.template_id,
    }
