"""What a mail about leads says, gathered when it is sent and as its recipient may see it then.

Leads are read through `leads.queries` with the recipient's own actor, so that a mail can show nothing
that the page would hide.  Of a lead's person it shows nothing at all: a mailbox is read by many.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel.actor import Actor, Permission
from app.leads.asking import leads_where
from app.leads.fields import FIELDS
from app.leads.models import Assignment, AssignmentCause, Lead
from app.leads.queries import list_leads
from app.leads.rows import LeadRow, preview_title, preview_words
from app.notifications.envelope import Envelope, Item, Letter, moment_in_full, recipient_of
from app.notifications.models import Notification
from app.notifications.models import NotificationKind as Kind
from app.notifications.outcomes import Outcome, Withheld
from app.notifications.plain import one_line
from app.notifications.queries import lead_rows
from app.sharing.scope import scope
from app.web.filters import country_name

MOST_LISTED = 50
_BY_PERSONS = frozenset({AssignmentCause.MANUAL, AssignmentCause.BULK, AssignmentCause.TRANSFER})


@dataclass(frozen=True, slots=True)
class _Shown:
    """A lead as the recipient may see it; `is_mine` and `queue` say where it is now."""

    ref: str
    title: str
    is_preview: bool
    is_mine: bool
    queue: str
    offer_expires_at: datetime | None
    touch_due_at: datetime | None
    fields: Mapping[str, tuple[str, str]]


def _lead_assigned(envelope: Envelope) -> Letter:
    lead = _lead(envelope)
    return _about(envelope, lead, not lead.is_mine, is_mine=lead.is_mine)


def _lead_offered(envelope: Envelope) -> Letter:
    lead = _lead(envelope)
    is_open = lead.is_mine and lead.offer_expires_at is not None
    until = ""
    if is_open and lead.offer_expires_at:
        until = moment_in_full(lead.offer_expires_at, envelope.user.time_zone)
    return _about(envelope, lead, not is_open, until=until)


def _lead_in_queue(envelope: Envelope) -> Letter:
    lead = _lead(envelope)
    return _about(envelope, lead, not lead.queue, queue=lead.queue)


def _offer_lapsed(envelope: Envelope) -> Letter:
    """To the vendor's people: about the lead.  To the person who let it lapse: without a word of it."""
    if envelope.user.is_partner:
        if envelope.sample is None:
            recipient_of(envelope)
        return Letter(Kind.OFFER_LAPSED, envelope.link("/inbox"), {"title": "", "who": ""})
    return _about(envelope, _lead(envelope), False, who=one_line(envelope.detail.get("who", "")))


def _touch_due(envelope: Envelope) -> Letter:
    """To the owner.  Overtaken once they have done something, or it is no longer theirs."""
    lead = _lead(envelope)
    is_awaited = lead.is_mine and lead.touch_due_at is not None
    until = ""
    if is_awaited and lead.touch_due_at:
        until = moment_in_full(lead.touch_due_at, envelope.user.time_zone)
    return _about(envelope, lead, not is_awaited, until=until)


def _lead_recycled(envelope: Envelope) -> Letter:
    """As of an offer that lapsed."""
    if envelope.user.is_partner:
        recipient_of(envelope)
        return Letter(Kind.LEAD_RECYCLED, envelope.link("/inbox"), {"title": "", "who": ""})
    return _about(envelope, _lead(envelope), False, who=one_line(envelope.detail.get("who", "")))


def _lead_commented(envelope: Envelope) -> Letter:
    """Who wrote, and on what; what was written stands on the lead's page alone."""
    return _about(envelope, _lead(envelope), False, who=one_line(envelope.detail.get("who", "")))


def _routing_alert(envelope: Envelope) -> Letter:
    reason = one_line(envelope.detail.get("reason", ""))
    if envelope.notification.record_id is None:
        if not recipient_of(envelope).can(Permission.ROUTING_MANAGE):
            raise Withheld(Outcome.NO_ACCESS)
        url = envelope.link(alert_path(envelope.notification))
        return Letter(Kind.ROUTING_ALERT, url, {"title": "", "reason": reason})
    return _about(envelope, _lead(envelope), False, reason=reason)


def alert_path(notice: Notification) -> str:
    """Where an alert leads to: the lead it happened to, else the list of alerts."""
    lead = notice.detail.get("lead")
    return f"/leads/{lead}" if lead else "/setup/routing-alerts"


def _leads_assigned(envelope: Envelope) -> Letter:
    """Many at once: those of them that are still the recipient's, or wait where they may claim them."""
    actor = recipient_of(envelope)
    given = select(Assignment.lead_id).where(Assignment.bulk_act_id == envelope.notification.record_id)
    is_own = Lead.owner_user_id == actor.user_id
    conditions = (Lead.id.in_(given), or_(is_own, Lead.owner_queue_id.in_(actor.queue_ids)))
    own, offered, waiting = envelope.session.execute(
        select(
            func.count(case((and_(is_own, Lead.offer_id.is_(None)), 1))),
            func.count(case((and_(is_own, Lead.offer_id.is_not(None)), 1))),
            func.count(case((Lead.owner_queue_id.is_not(None), 1))),
        ).where(scope(Lead, actor), *conditions)
    ).one()
    total = own + offered + waiting
    if not total:
        raise Withheld(Outcome.NO_ACCESS)
    rows = _rows(envelope.session, actor, conditions)
    queues = {one_line(row.owner.name) for row in rows if row.is_waiting}
    words = {
        "number": total,
        "own": own,
        "offered": offered,
        "waiting": waiting,
        "queue": queues.pop() if len(queues) == 1 and waiting <= len(rows) else "",
        "giver": _giver(envelope),
    }
    items = [
        Item(row_title(row), _row_note(row, envelope.user), envelope.link(f"/leads/{row.ref}"))
        for row in rows
    ]
    url = envelope.link("/inbox" if actor.is_partner else "/leads")
    return Letter(Kind.LEADS_ASSIGNED, url, words, items=items, more=total - len(items))


WRITERS: dict[Kind, Callable[[Envelope], Letter]] = {
    Kind.LEAD_ASSIGNED: _lead_assigned,
    Kind.LEAD_OFFERED: _lead_offered,
    Kind.LEAD_IN_QUEUE: _lead_in_queue,
    Kind.LEADS_ASSIGNED: _leads_assigned,
    Kind.LEAD_COMMENTED: _lead_commented,
    Kind.ROUTING_ALERT: _routing_alert,
    Kind.OFFER_LAPSED: _offer_lapsed,
    Kind.TOUCH_DUE: _touch_due,
    Kind.LEAD_RECYCLED: _lead_recycled,
}


def _about(envelope: Envelope, lead: _Shown, is_overtaken: bool, **words: Any) -> Letter:
    said = {"title": lead.title, "is_preview": lead.is_preview, "giver": _giver(envelope), **words}
    url = envelope.link(f"/leads/{lead.ref}")
    return Letter(envelope.notification.kind, url, said, lead.fields, is_overtaken=is_overtaken)


def _giver(envelope: Envelope) -> str:
    """Who gave it: the person, for people of the same side; else the vendor, whose people stay unnamed."""
    kind, _colon, number = envelope.notification.act.partition(":")
    column = {"assignment": Assignment.id, "bulk": Assignment.bulk_act_id}.get(kind)
    given = None
    if column is not None and number.isdecimal():
        given = envelope.session.scalars(select(Assignment).where(column == int(number)).limit(1)).first()
    is_by_person = given is not None and given.actor_id is not None and given.cause in _BY_PERSONS
    if given is not None and is_by_person and given.actor_company_id == envelope.user.partner_account_id:
        return one_line(given.actor_name)
    return one_line(envelope.organisation.name)


def _lead(envelope: Envelope) -> _Shown:
    """The lead that the notification is about.  Raises Withheld when the recipient may not see it."""
    if envelope.sample is not None:
        return _shown(envelope.sample)
    key = envelope.notification.record_id
    rows = lead_rows(envelope.session, recipient_of(envelope), [] if key is None else [key])
    if not rows:
        raise Withheld(Outcome.NO_ACCESS)
    return _shown(rows[0])


def _shown(row: LeadRow) -> _Shown:
    """What a mail says of a lead.  The row holds what its reader may see, and nothing is read beside it."""
    values = {
        "company": row.company,
        "place": _place(row.city, row.state, row.country),
        "industry": row.industry,
        "employees": row.employee_band,
        "product_interest": row.product_interest,
        "source": row.source,
    }
    labels = {name: _("Place") if name == "place" else FIELDS[name].label for name in values}
    return _Shown(
        ref=row.ref,
        title=row_title(row),
        is_preview=row.is_preview,
        is_mine=row.owner.is_me,
        queue=one_line(row.owner.name) if row.is_waiting else "",
        offer_expires_at=row.offer_expires_at,
        touch_due_at=row.touch_due_at,
        fields={name: (str(labels[name]), one_line(value)) for name, value in values.items() if value},
    )


def _place(city: str | None, state: str | None, country: str | None) -> str:
    return ", ".join(part for part in (city, state, country_name(country)) if part)


def _rows(session: Session, actor: Actor, conditions: tuple[ColumnElement[bool], ...]) -> Sequence[LeadRow]:
    return list_leads(session, actor, leads_where(*conditions), limit=MOST_LISTED).items


def row_title(row: LeadRow) -> str:
    """Company and town: never the person, whom a list on screen would name where there is no company."""
    if row.company:
        return one_line(", ".join(part for part in (row.company, row.city) if part))
    return one_line(preview_title(preview_words(), row.industry, row.employee_band, row.city, row.country))


def _row_note(row: LeadRow, user: User) -> str:
    """What stands beside a lead of several: until when it is offered, or where it comes from."""
    if row.owner.is_me and row.offer_expires_at is not None:
        return _("accept by %(until)s", until=moment_in_full(row.offer_expires_at, user.time_zone))
    return row.source or ""
