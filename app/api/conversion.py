"""/leads/{id}/convert, /unconvert."""

from typing import Any

from flask import Response, jsonify
from sqlalchemy.orm import Session

from app.api.account_json import accounts_json, contacts_json
from app.api.answers import record_answer
from app.api.lead_json import lead_json
from app.api.opportunities import opportunities_json
from app.api.routes import Area
from app.api.schemas.conversion import Conversion, Converted
from app.api.schemas.leads import Lead
from app.conversion.operations import Converted as Result
from app.conversion.operations import convert_lead
from app.conversion.undoing import unconvert_lead
from app.conversion.wanted import read_wanted
from app.identity.queries import find_actor
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import transaction
from app.web.access import current_actor, needs

area = Area("Conversion", "A lead becomes an account, a contact and an opportunity.")


@area.post("/leads/<lead_id>/convert", "Convert a lead", {200: Converted})
@needs(Permission.LEAD_CONVERT)
def convert(lead_id: str, body: Conversion) -> Response:
    """Once: the same again answers with the same; other records: 409 already-converted."""
    wanted = read_wanted(
        body.account_id,
        body.contact_id,
        body.person_account,
        body.opportunity.model_dump(exclude_unset=True) if body.opportunity is not None else None,
    )
    with transaction() as session:
        actor = current_actor()
        result = convert_lead(session, actor, lead_id, wanted, now=clock.now())
        answer = {**_of_accounts(session, actor, result), "opportunity": None}
        if result.opportunity is not None:
            seer = _as_given(session, actor)
            answer["opportunity"] = opportunities_json(session, seer, [result.opportunity])[0]
    return jsonify(answer)


def _as_given(session: Session, actor: Actor) -> Actor:
    """Partner people as they are now: the conversion itself may have given them the first records of their own."""
    if not actor.is_partner or actor.user_id is None:
        return actor
    return find_actor(session, actor.user_id, door=actor.door) or actor


def _of_accounts(session: Session, actor: Actor, result: Result) -> dict[str, Any]:
    """Account and contact; to partner people by name, for the rest is the vendor's to show."""
    account, contact = result.account, result.contact
    if actor.is_partner:
        knows_company, knows_person = (
            actor.can(view) for view in (Permission.ACCOUNT_VIEW, Permission.CONTACT_VIEW)
        )
        return {
            "account": {"id": account.ref, "name": account.name if knows_company else None},
            "contact": {"id": contact.ref, "name": contact.full_name if knows_person else None}
            if contact
            else None,
        }
    return {
        "account": accounts_json(session, actor, [account])[0],
        "contact": contacts_json(session, actor, [contact])[0] if contact else None,
    }


@area.post("/leads/<lead_id>/unconvert", "Undo a conversion", {200: Lead})
@needs(Permission.LEAD_CONVERT)
def unconvert(lead_id: str) -> Response:
    """Within a day, while nothing was added to what the lead became: else 409, saying what was."""
    with transaction() as session:
        actor = current_actor()
        unconvert_lead(session, actor, lead_id, now=clock.now())
        answer = lead_json(session, actor, lead_id)
    return record_answer(answer)
