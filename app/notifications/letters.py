"""What a mail says, gathered when it is sent and as its recipient may see it then.

Leads are read through `leads.queries` with the recipient's own actor, so that a mail can show nothing
that the page would hide.  Of a lead's person it shows nothing at all: a mailbox is read by many.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.identity.links import link_url
from app.identity.models import OneTimeLink, Organisation, User, UserState
from app.identity.queries import find_actor
from app.kernel.actor import Actor, Level
from app.leads.fields import FIELDS
from app.leads.filters import LeadQuery
from app.leads.models import Assignment, AssignmentCause, Lead
from app.leads.queries import list_leads
from app.leads.rows import LeadRow, preview_title, preview_words
from app.notifications.models import Delivery, Notification
from app.notifications.models import NotificationKind as Kind
from app.notifications.outcomes import Outcome, Withheld
from app.notifications.plain import one_line
from app.notifications.queries import lead_rows
from app.partners.models import PartnerAccount, PartnerState
from app.sharing.scope import scope
from app.web.filters import country_name

MOST_LISTED = 50
# Plain English follows the day-month order and the 24 hours of the screens.
_LOCALES = {"en": "en_GB"}
_BY_PERSONS = frozenset({AssignmentCause.MANUAL, AssignmentCause.BULK, AssignmentCause.TRANSFER})


@dataclass(frozen=True, slots=True)
class Item:
    """One record of several, with its link."""

    title: str
    note: str
    url: str


@dataclass(frozen=True, slots=True)
class Letter:
    """The contents of one mail, before it is worded.

    url: where its one button goes.  words: what the kind's template names.  facts: label and value.
    more: how many records there are beyond `items`.
    """

    kind: Kind
    url: str
    words: dict[str, Any] = field(default_factory=dict)
    facts: Sequence[tuple[str, str]] = ()
    items: Sequence[Item] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class Envelope:
    """Whom a letter is for and what it is about."""

    session: Session
    delivery: Delivery
    notification: Notification
    user: User
    organisation: Organisation
    base_url: str
    now: datetime

    @property
    def detail(self) -> dict[str, Any]:
        return self.notification.detail

    def link(self, path: str) -> str:
        return f"{self.base_url}{path}"


@dataclass(frozen=True, slots=True)
class _Shown:
    """A lead as the recipient may see it; `owner_user_id` and `queue` say where it is now."""

    ref: str
    title: str
    is_preview: bool
    is_mine: bool
    queue: str
    offer_expires_at: datetime | None
    facts: Sequence[tuple[str, str]]


def write_letter(envelope: Envelope) -> Letter:
    """What is to be said now.  Raises Withheld when it must not be said to this person any more."""
    return _WRITERS[envelope.notification.kind](envelope)


def _lead_assigned(envelope: Envelope) -> Letter:
    lead = _lead(envelope)
    return _about(envelope, lead, is_mine=lead.is_mine)


def _lead_offered(envelope: Envelope) -> Letter:
    lead = _lead(envelope)
    is_open = lead.is_mine and lead.offer_expires_at is not None
    until = _moment(lead.offer_expires_at, envelope.user) if is_open and lead.offer_expires_at else ""
    return _about(envelope, lead, until=until)


def _lead_in_queue(envelope: Envelope) -> Letter:
    lead = _lead(envelope)
    return _about(envelope, lead, queue=lead.queue)


def _offer_lapsed(envelope: Envelope) -> Letter:
    """To the vendor's people: about the lead.  To the person who let it lapse: without a word of it."""
    if envelope.user.is_partner:
        _actor(envelope)
        return Letter(Kind.OFFER_LAPSED, envelope.link("/inbox"), {"title": "", "who": ""})
    return _about(envelope, _lead(envelope), who=one_line(envelope.detail.get("who", "")))


def _routing_alert(envelope: Envelope) -> Letter:
    reason = one_line(envelope.detail.get("reason", ""))
    if envelope.notification.record_id is None:
        _actor(envelope)
        return Letter(Kind.ROUTING_ALERT, envelope.link("/"), {"title": "", "reason": reason})
    return _about(envelope, _lead(envelope), reason=reason)


def _leads_assigned(envelope: Envelope) -> Letter:
    """Many at once: those of them that are still the recipient's, or wait where they may claim them."""
    actor = _actor(envelope)
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
        Item(_row_title(row), _row_note(row, envelope.user), envelope.link(f"/leads/{row.ref}"))
        for row in rows
    ]
    url = envelope.link("/inbox" if actor.is_partner else "/leads")
    return Letter(Kind.LEADS_ASSIGNED, url, words, items=items, more=total - len(items))


def _invitation(envelope: Envelope) -> Letter:
    link = _link(envelope)
    if envelope.user.state is not UserState.INVITED:
        raise Withheld(Outcome.LINK_USED)
    until = _moment(link.expires_at, envelope.user)
    words = {"is_partner": envelope.user.is_partner, "company": _company(envelope), "until": until}
    return Letter(Kind.INVITATION, link_url(link), words)


def _password_reset(envelope: Envelope) -> Letter:
    link = _link(envelope)
    _actor(envelope)
    return Letter(Kind.PASSWORD_RESET, link_url(link), {"until": _moment(link.expires_at, envelope.user)})


def _password_changed(envelope: Envelope) -> Letter:
    if envelope.user.state is not UserState.ACTIVE:
        raise Withheld(Outcome.NOT_ACTIVE)
    at = _moment(envelope.notification.created_at, envelope.user)
    return Letter(Kind.PASSWORD_CHANGED, envelope.link("/forgot-password"), {"at": at})


def _second_factor(envelope: Envelope) -> Letter:
    if envelope.user.state is not UserState.ACTIVE:
        raise Withheld(Outcome.NOT_ACTIVE)
    what = str(envelope.detail.get("what", ""))
    path = "/forgot-password" if what in ("reset", "codes_tried") else "/profile#second-factor"
    at = _moment(envelope.notification.created_at, envelope.user)
    return Letter(Kind.SECOND_FACTOR, envelope.link(path), {"what": what, "at": at})


def _new_device(envelope: Envelope) -> Letter:
    if envelope.user.state is not UserState.ACTIVE:
        raise Withheld(Outcome.NOT_ACTIVE)
    where = {name: one_line(envelope.detail.get(name, "")) for name in ("browser", "system", "address")}
    at = _moment(envelope.notification.created_at, envelope.user)
    return Letter(Kind.NEW_DEVICE, envelope.link("/profile#sessions"), {"at": at, **where})


def _address_taken(envelope: Envelope) -> Letter:
    actor = _actor(envelope)
    account = envelope.session.execute(
        select(Account.ref, Account.name).where(
            scope(Account, actor), Account.id == envelope.notification.record_id
        )
    ).first()
    if account is None:
        raise Withheld(Outcome.NO_ACCESS)
    words = {
        "company": one_line(account.name),
        "address": one_line(envelope.detail.get("email", "")),
        "who": one_line(envelope.detail.get("who", "")),
    }
    return Letter(Kind.ADDRESS_TAKEN, envelope.link(f"/partners/{account.ref}"), words)


_WRITERS: dict[Kind, Callable[[Envelope], Letter]] = {
    Kind.LEAD_ASSIGNED: _lead_assigned,
    Kind.LEAD_OFFERED: _lead_offered,
    Kind.LEAD_IN_QUEUE: _lead_in_queue,
    Kind.LEADS_ASSIGNED: _leads_assigned,
    Kind.INVITATION: _invitation,
    Kind.PASSWORD_RESET: _password_reset,
    Kind.PASSWORD_CHANGED: _password_changed,
    Kind.SECOND_FACTOR: _second_factor,
    Kind.NEW_DEVICE: _new_device,
    Kind.ADDRESS_TAKEN: _address_taken,
    Kind.ROUTING_ALERT: _routing_alert,
    Kind.OFFER_LAPSED: _offer_lapsed,
}


def _actor(envelope: Envelope) -> Actor:
    """The recipient's own actor.  Raises Withheld when they may not act any more."""
    actor = find_actor(envelope.session, envelope.user.id, door="mail")
    if actor is None:
        raise Withheld(Outcome.NOT_ACTIVE)
    return actor


def _about(envelope: Envelope, lead: _Shown, **words: Any) -> Letter:
    said = {"title": lead.title, "is_preview": lead.is_preview, "giver": _giver(envelope), **words}
    return Letter(envelope.notification.kind, envelope.link(f"/leads/{lead.ref}"), said, lead.facts)


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
    key = envelope.notification.record_id
    rows = lead_rows(envelope.session, _actor(envelope), [] if key is None else [key])
    if not rows:
        raise Withheld(Outcome.NO_ACCESS)
    row = rows[0]
    values = {
        "company": row.company,
        "city": _place(row.city, row.state, row.country),
        "industry": row.industry,
        "employees": row.employee_band,
        "product_interest": row.product_interest,
        "source": row.source,
    }
    return _Shown(
        ref=row.ref,
        title=_row_title(row),
        is_preview=row.is_preview,
        is_mine=row.owner.is_me,
        queue=one_line(row.owner.name) if row.is_waiting else "",
        offer_expires_at=row.offer_expires_at,
        facts=_facts(values),
    )


def _facts(values: dict[str, Any]) -> list[tuple[str, str]]:
    labels = {**{name: FIELDS[name].label for name in values}, "city": _("Place")}
    return [(str(labels[name]), one_line(value)) for name, value in values.items() if value]


def _place(city: str | None, state: str | None, country: str | None) -> str:
    return ", ".join(part for part in (city, state, country_name(country)) if part)


def _rows(session: Session, actor: Actor, conditions: tuple[ColumnElement[bool], ...]) -> Sequence[LeadRow]:
    query = LeadQuery(conditions, Level.PREVIEW, "created_at", True, {})
    return list_leads(session, actor, query, limit=MOST_LISTED).items


def _row_title(row: LeadRow) -> str:
    """Company and town: never the person, whom a list on screen would name where there is no company."""
    if row.company:
        return one_line(", ".join(part for part in (row.company, row.city) if part))
    return one_line(preview_title(preview_words(), row.industry, row.employee_band, row.city, row.country))


def _row_note(row: LeadRow, user: User) -> str:
    """What stands beside a lead of several: until when it is offered, or where it comes from."""
    if row.owner.is_me and row.offer_expires_at is not None:
        return _("accept by %(until)s", until=_moment(row.offer_expires_at, user))
    return row.source or ""


def _link(envelope: Envelope) -> OneTimeLink:
    """The one-time link of the mail.  Raises Withheld when it opens nothing any more."""
    link = envelope.session.get(OneTimeLink, envelope.detail["link_id"])
    if link is None or link.used_at is not None or link.user_id != envelope.user.id:
        raise Withheld(Outcome.LINK_USED)
    if link.expires_at <= envelope.now:
        raise Withheld(Outcome.LINK_EXPIRED)
    if envelope.delivery.recipient != envelope.user.email:
        raise Withheld(Outcome.ADDRESS_CHANGED)
    return link


def _company(envelope: Envelope) -> str:
    """The name of the recipient's own company.  Raises Withheld when it has been suspended."""
    company_id = envelope.user.partner_account_id
    if company_id is None:
        return ""
    name = envelope.session.scalar(
        select(Account.name)
        .join(PartnerAccount, PartnerAccount.account_id == Account.id)
        .where(
            # Somebody who is only invited has no actor yet; the name of their own company is theirs to read.
            scope(Account, Actor.system("invitation mail")),
            Account.id == company_id,
            PartnerAccount.state == PartnerState.ACTIVE,
        )
    )
    if name is None:
        raise Withheld(Outcome.NOT_ACTIVE)
    return one_line(name)


def _moment(moment: datetime, user: User) -> str:
    """A moment in full, in the recipient's zone: "Sunday, 22 November 2026, 11:35 (Europe/Madrid)"."""
    local = moment.astimezone(ZoneInfo(user.time_zone))
    name = str(get_locale() or "en")
    locale = _LOCALES.get(name, name)
    return _(
        "%(day)s, %(time)s (%(zone)s)",
        day=format_date(local, "full", locale=locale),
        time=format_time(local, "short", locale=locale),
        zone=user.time_zone.replace("_", " "),
    )
