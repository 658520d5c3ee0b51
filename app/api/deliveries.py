"""/deliveries: what is sent to whom, and what could not be."""

from typing import Any

from flask import Response, jsonify
from flask_babel import lazy_gettext as _l

from app.api.answers import moment, plain_list_arguments, record_answer
from app.api.routes import Area
from app.api.schemas.common import list_query
from app.api.schemas.setup import Delivery, DeliveryList, MailTemplateList
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.notifications.delivery_queries import DeliveryRow, get_delivery, list_deliveries
from app.notifications.models import DeliveryState, MailTemplate
from app.notifications.outbox_acts import retry_delivery
from app.notifications.texts.queries import list_templates
from app.web.access import current_actor, needs

area = Area("Deliveries", "What is sent to whom, and what could not be.")
_KINDS = {"lead": "lead", "acct": "account", "cont": "contact", "opp": "opportunity", "case": "case"}
DeliveryQuery = list_query("DeliveryQuery", ["state", "record"])


@area.get("/deliveries", "List deliveries", {200: DeliveryList}, query=DeliveryQuery)
@needs(Permission.DELIVERY_MANAGE)
def list_of_deliveries() -> Response:
    """Newest first."""
    limit, cursor, given = plain_list_arguments("state", "record")
    states = given.get("state", [])
    if any(state not in set(DeliveryState) for state in states):
        raise Invalid({"state": [_l("Known here: %(known)s.", known=", ".join(DeliveryState))]})
    record = next(iter(given.get("record", ())), None)
    page = list_deliveries(db.session(), current_actor(), states, record=record, cursor=cursor, limit=limit)
    return jsonify(items=[_delivery(row) for row in page.items], next_cursor=page.older)


@area.post("/deliveries/<delivery_id>/retry", "Try a failed delivery again", {200: Delivery})
@needs(Permission.DELIVERY_MANAGE)
def retry(delivery_id: str) -> Response:
    """It is due at once, with all its tries before it again."""
    with transaction() as session:
        actor = current_actor()
        delivery = retry_delivery(session, actor, delivery_id, now=clock.now())
        answer = _delivery(get_delivery(session, actor, delivery))
    return record_answer(answer)


@area.get("/mail-templates", "List the mail texts that rules can choose", {200: MailTemplateList})
@needs(Permission.ROUTING_MANAGE)
def list_mail_templates() -> Response:
    """Newest first; an entry of the assignment rules names one as `template_id`."""
    limit, cursor, _given = plain_list_arguments()
    page = list_templates(db.session(), current_actor(), cursor=cursor, limit=limit)
    return jsonify(items=[_template(row) for row in page.items], next_cursor=page.older)


def _template(row: MailTemplate) -> dict[str, Any]:
    return {
        "id": row.ref,
        "name": row.name,
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
    }


def _delivery(row: DeliveryRow) -> dict[str, Any]:
    record = None
    if row.record is not None and row.record.ref:
        record = {"type": _KINDS[row.record.ref.partition("_")[0]], "id": row.record.ref}
    return {
        "id": row.ref,
        "state": row.state,
        "kind": row.kind,
        "channel": row.channel,
        "record": record,
        "recipient": row.recipient,
        "created_at": moment(row.created_at),
        "sent_at": moment(row.sent_at),
        "error": row.error,
    }
