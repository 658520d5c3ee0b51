"""The daily digest as a letter: what happened since the last one, as its reader may see it when it is sent."""

from collections.abc import Mapping, Sequence

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from app.kernel import labels
from app.kernel.actor import Actor, Permission
from app.leads.rows import LeadRow
from app.notifications.envelope import Envelope, Item, Letter, recipient_of
from app.notifications.letters import MOST_LISTED, alert_path, row_title
from app.notifications.models import Delivery, DeliveryState, Notification
from app.notifications.models import NotificationKind as Kind
from app.notifications.outcomes import Outcome, Withheld
from app.notifications.plain import one_line
from app.notifications.queries import Record, find_records, lead_rows

_LEAD_NOTES = frozenset(
    {Kind.LEAD_ASSIGNED, Kind.LEAD_OFFERED, Kind.LEAD_IN_QUEUE, Kind.OFFER_LAPSED, Kind.TOUCH_DUE, Kind.LEAD_RECYCLED,
     Kind.LEAD_COMMENTED}
)  # fmt: skip


def write(envelope: Envelope) -> Letter:
    """The lines that may still be told.  Raises Withheld when there are none, or their reader has left."""
    actor = recipient_of(envelope)
    waiting = envelope.session.execute(
        select(Delivery.id, Notification)
        .join(Notification, Notification.id == Delivery.notification_id)
        .where(Delivery.digest_id == envelope.delivery.id, Delivery.state == DeliveryState.HELD)
        .order_by(Delivery.id)
    ).all()
    notices = [notice for _key, notice in waiting]
    keys = [n.record_id for n in notices if n.record_kind == "lead" and n.record_id is not None]
    rows = {row.id: row for row in lead_rows(envelope.session, actor, keys)}
    others = find_records(envelope.session, actor, [n for n in notices if n.record_kind != "lead"])
    lines = [(key, _line(envelope, actor, notice, rows, others)) for key, notice in waiting]
    told = [(key, line) for key, line in lines if line is not None]
    if not told:
        raise Withheld(Outcome.NO_ACCESS)
    items = [line for _key, line in told[:MOST_LISTED]]
    return Letter(
        Kind.DAILY_DIGEST,
        envelope.link("/notifications"),
        {"number": len(told)},
        items=items,
        more=len(told) - len(items),
        told=tuple(key for key, _line in told),
    )


def _line(
    envelope: Envelope,
    actor: Actor,
    notice: Notification,
    rows: Mapping[int, LeadRow],
    others: Mapping[int, Record],
) -> Item | None:
    """What the digest says of one notification; None where its reader may not see the record any more."""
    if notice.kind is Kind.OFFER_LAPSED and actor.is_partner:
        return Item(_("An offer to you has lapsed"), "", envelope.link("/inbox"))
    if notice.kind is Kind.LEAD_RECYCLED and actor.is_partner:
        return Item(recycled_words(), "", envelope.link("/inbox"))
    if notice.kind is Kind.ROUTING_ALERT:
        if not actor.can(Permission.ROUTING_MANAGE):
            return None
        reason = one_line(notice.detail.get("reason") or _("Routing needs a look"))
        return Item(reason, "", envelope.link(alert_path(notice)))
    if notice.kind in _LEAD_NOTES:
        row = rows.get(notice.record_id or 0)
        return Item(row_title(row), _note(notice), envelope.link(f"/leads/{row.ref}")) if row else None
    record = others.get(notice.id)
    if record is None:
        return None
    title = one_line(record.title)
    if notice.kind is Kind.LEADS_ASSIGNED:
        lead, leads = labels.one("lead"), labels.many("lead")
        title = ngettext("%(num)s %(lead)s", "%(num)s %(leads)s", record.number, lead=lead, leads=leads)
    return Item(title, _note(notice), envelope.link(record.path))


def _note(notice: Notification) -> str:
    who = one_line(notice.detail.get("who") or "")
    match notice.kind:
        case Kind.LEAD_ASSIGNED:
            return _("Given to you")
        case Kind.LEAD_OFFERED:
            return _("Offered to you")
        case Kind.LEAD_IN_QUEUE:
            return _("Came into a %(queue)s of yours", queue=labels.one("queue"))
        case Kind.LEADS_ASSIGNED:
            return _("Several at once")
        case Kind.ACTIVITY_DUE:
            return _("You wanted to be reminded of this")
        case Kind.ACTIVITY_GIVEN:
            return _("Given to you by %(who)s", who=who) if who else _("Given to you")
        case Kind.OFFER_LAPSED:
            return _("Not accepted in time by %(who)s", who=who) if who else _("Not accepted in time")
        case Kind.TOUCH_DUE:
            return _("Do something on it, or it goes back")
        case Kind.LEAD_RECYCLED:
            return _("Untouched by %(who)s in time", who=who) if who else _("Untouched in time")
        case Kind.LEAD_COMMENTED:
            return _("%(who)s wrote to you on it", who=who or _("Somebody"))
        case Kind.DUPLICATE_FOUND:
            return _("Somebody who cannot see it has probably made it again")
        case Kind.ADDRESS_TAKEN:
            address = one_line(notice.detail.get("email") or "")
            return _(
                "%(who)s invited %(address)s, an address in use", who=who or _("Somebody"), address=address
            )
    return ""


def recycled_words() -> str:
    """What somebody is told who lost a lead: nothing of the lead."""
    return _("A %(lead)s went back because nothing was done on it", lead=labels.one("lead"))


def sample_items(envelope: Envelope, rows: Sequence[LeadRow]) -> list[Item]:
    """Lines as they would be said of these leads, for a text that is only tried."""
    return [Item(row_title(row), _("Given to you"), envelope.link(f"/leads/{row.ref}")) for row in rows]
