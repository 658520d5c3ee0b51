"""Reading notifications: what the bell shows, and only of records that its owner may still see."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.activities.models import Activity
from app.activities.places import is_readable
from app.kernel.actor import Actor
from app.kernel.errors import NotFound
from app.kernel.paging import PAGE_SIZE, Page, fixed, make_cursor, read_cursor
from app.leads.asking import leads_where
from app.leads.models import Assignment, Lead
from app.leads.queries import list_leads
from app.leads.rows import LeadRow
from app.notifications.models import Notification
from app.notifications.models import NotificationKind as Kind
from app.notifications.preferences import MAIL_ONLY
from app.sharing.scope import scope

NEWEST_COUNTED = 200
_PATHS = {
    Kind.PASSWORD_CHANGED: "/profile",
    Kind.SECOND_FACTOR: "/profile#second-factor",
    Kind.NEW_DEVICE: "/profile#sessions",
    Kind.OFFER_LAPSED: "/inbox",
    Kind.LEAD_RECYCLED: "/inbox",
}


@dataclass(frozen=True, slots=True)
class Record:
    """What a notification is about, as the actor may see it.  number: how many leads of a bulk act."""

    ref: str
    title: str
    path: str
    number: int = 0
    offer_expires_at: datetime | None = None
    touch_due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One line of the bell.  record: None where it is about nothing that can be opened."""

    ref: str
    kind: Kind
    at: datetime
    is_read: bool
    detail: Mapping[str, Any]
    record: Record | None

    @property
    def path(self) -> str:
        """Where it leads to."""
        if self.record is not None:
            return self.record.path
        if self.kind is Kind.ROUTING_ALERT:
            return f"/leads/{self.detail['lead']}" if self.detail.get("lead") else "/setup/"
        return _PATHS.get(self.kind, "/")


def list_notices(
    session: Session,
    actor: Actor,
    *,
    unread_only: bool = False,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[NoticeRow]:
    """The actor's own notifications, newest first.  Raises BadCursor."""
    shape = ["notices", unread_only]
    statement = select(Notification).where(_own(actor), is_visible(actor))
    if unread_only:
        statement = statement.where(Notification.read_at.is_(None))
    found, page = newest_first(session, actor, shape, statement, Notification.id, cursor, limit)
    records = find_records(session, actor, found)
    rows = [
        NoticeRow(n.ref, n.kind, n.created_at, n.read_at is not None, n.detail, records.get(n.id))
        for n in found
    ]
    return Page(rows, page.older, page.newer)


def get_notice(session: Session, actor: Actor, ref: str) -> NoticeRow:
    """One of the actor's own.  Raises NotFound, also when its record may not be seen any more."""
    found = session.scalar(
        select(Notification).where(_own(actor), is_visible(actor), Notification.ref == ref)
    )
    if found is None:
        raise NotFound("notification", ref)
    record = find_records(session, actor, [found]).get(found.id)
    return NoticeRow(found.ref, found.kind, found.created_at, found.read_at is not None, found.detail, record)


def unread_notifications(actor: Actor) -> Select[int]:
    """Select of the ids of unread ones that may be seen, among the newest: what the bell counts.

    Bounded, so that a page costs the same whatever has piled up.
    """
    newest = (
        select(Notification.id, Notification.kind, Notification.record_kind, Notification.record_id)
        .where(Notification.user_id == actor.user_id, Notification.read_at.is_(None))
        .order_by(Notification.id.desc())
        .limit(fixed(NEWEST_COUNTED))
        .subquery("newest")
    )
    return select(newest.c.id).where(
        _is_visible(actor, newest.c.kind, newest.c.record_kind, newest.c.record_id)
    )


def is_visible(actor: Actor) -> ColumnElement[bool]:
    """That the actor may still see what a notification is about."""
    return _is_visible(actor, Notification.kind, Notification.record_kind, Notification.record_id)


def _is_visible(actor: Actor, what: Any, kind: Any, key: Any) -> ColumnElement[bool]:
    """what: the kind of the notification.  kind, key: of the record that it is about."""
    lead = exists().where(Lead.id == key, scope(Lead, actor))
    account = exists().where(Account.id == key, scope(Account, actor))
    bulk = exists().where(
        Assignment.bulk_act_id == key, Lead.id == Assignment.lead_id, _is_theirs(actor), scope(Lead, actor)
    )
    # Whoever let an offer or a first touch lapse is told that much, without a word of the lead.
    lapsed = what.in_((Kind.OFFER_LAPSED, Kind.LEAD_RECYCLED)) if actor.is_partner else false()
    return or_(
        kind.is_(None),
        and_(kind == "lead", or_(lead, lapsed)),
        and_(kind == "account", account),
        and_(kind == "contact", exists().where(Contact.id == key, scope(Contact, actor))),
        and_(kind == "bulk_act", bulk),
        and_(kind == "activity", _readable_activity(actor, key)),
    )


def _readable_activity(actor: Actor, key: Any) -> ColumnElement[bool]:
    return exists().where(Activity.id == key, is_readable(actor))


def find_records(session: Session, actor: Actor, about: Iterable[Notification]) -> dict[int, Record]:
    """The records of notifications, by the notification's id; those not to be seen are absent.

    One statement for each kind of record, whatever the number.
    """
    about = list(about)
    keys: dict[str, set[int]] = {}
    for notification in about:
        if notification.record_kind and notification.record_id:
            keys.setdefault(notification.record_kind, set()).add(notification.record_id)
    found: dict[tuple[str, int], Record] = {}
    for row in lead_rows(session, actor, keys.get("lead", ())):
        found["lead", row.id] = Record(
            row.ref, row.title, f"/leads/{row.ref}",
            offer_expires_at=row.offer_expires_at, touch_due_at=row.touch_due_at,
        )  # fmt: skip
    found.update(_accounts(session, actor, keys.get("account", ())))
    found.update(_contacts(session, actor, keys.get("contact", ())))
    found.update(_bulk_acts(session, actor, keys.get("bulk_act", ())))
    found.update(_activities(session, actor, keys.get("activity", ())))
    return {
        n.id: _as_told(n, found[n.record_kind, n.record_id])
        for n in about
        if n.record_kind and n.record_id and (n.record_kind, n.record_id) in found
    }


def lead_rows(session: Session, actor: Actor, ids: Iterable[int]) -> Sequence[LeadRow]:
    """Leads of these ids as the actor may see them, previews included."""
    wanted = sorted(set(ids))
    if not wanted:
        return ()
    query = leads_where(Lead.id.in_(wanted))
    return list_leads(session, actor, query, limit=len(wanted)).items


def _accounts(session: Session, actor: Actor, ids: Iterable[int]) -> dict[tuple[str, int], Record]:
    wanted = sorted(ids)
    if not wanted:
        return {}
    rows = session.execute(
        select(Account.id, Account.ref, Account.name).where(scope(Account, actor), Account.id.in_(wanted))
    )
    return {("account", key): Record(ref, name, f"/partners/{ref}") for key, ref, name in rows}


def _as_told(notification: Notification, record: Record) -> Record:
    """Other notices about accounts are about partners; this one is about any account."""
    if notification.kind is Kind.DUPLICATE_FOUND and notification.record_kind == "account":
        return replace(record, path=f"/accounts/{record.ref}")
    return record


def _contacts(session: Session, actor: Actor, ids: Iterable[int]) -> dict[tuple[str, int], Record]:
    wanted = sorted(ids)
    if not wanted:
        return {}
    found = session.scalars(select(Contact).where(scope(Contact, actor), Contact.id.in_(wanted)))
    return {("contact", c.id): Record(c.ref, c.full_name, f"/contacts/{c.ref}") for c in found}


def _activities(session: Session, actor: Actor, ids: Iterable[int]) -> dict[tuple[str, int], Record]:
    wanted = sorted(ids)
    if not wanted:
        return {}
    rows = session.execute(
        select(Activity.id, Activity.ref, Activity.subject).where(Activity.id.in_(wanted), is_readable(actor))
    )
    return {("activity", key): Record(ref, subject, f"/activities/{ref}") for key, ref, subject in rows}


def _bulk_acts(session: Session, actor: Actor, ids: Iterable[int]) -> dict[tuple[str, int], Record]:
    wanted = sorted(ids)
    if not wanted:
        return {}
    rows = session.execute(
        select(Assignment.bulk_act_id, func.count())
        .join(Lead, Lead.id == Assignment.lead_id)
        .where(scope(Lead, actor), Assignment.bulk_act_id.in_(wanted), _is_theirs(actor))
        .group_by(Assignment.bulk_act_id)
    )
    path = "/inbox" if actor.is_partner else "/leads"
    return {("bulk_act", key): Record("", "", path, number) for key, number in rows if key is not None}


def _is_theirs(actor: Actor) -> ColumnElement[bool]:
    """The lead is the actor's own, or waits where they may claim it."""
    return or_(Lead.owner_user_id == actor.user_id, Lead.owner_queue_id.in_(actor.queue_ids))


def _own(actor: Actor) -> ColumnElement[bool]:
    return and_(Notification.user_id == actor.user_id, Notification.kind.not_in(MAIL_ONLY))


def newest_first(
    session: Session,
    actor: Actor,
    shape: list[Any],
    statement: Select[Any],
    key: Any,
    cursor: str | None,
    limit: int,
) -> tuple[list[Any], Page[Any]]:
    """The rows of a page, newest first by key, and the cursors beside it."""
    back = False
    if cursor:
        _value, after, back = read_cursor(actor.user_id, shape, cursor)
        statement = statement.where(key > after if back else key < after)
    found = list(session.scalars(statement.order_by(key if back else key.desc()).limit(limit + 1)))
    more = len(found) > limit
    found = found[:limit]
    if back:
        found.reverse()
    if not found:
        return [], Page(())
    older = make_cursor(actor.user_id, shape, None, found[-1].id) if back or more else None
    newer = (
        make_cursor(actor.user_id, shape, None, found[0].id, back=True)
        if (more if back else bool(cursor))
        else None
    )
    return found, Page((), older, newer)
