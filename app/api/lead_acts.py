"""Acts on leads: claim, answer an offer, release, assign one or many."""

from typing import Any

from flask import Response, jsonify
from flask_babel import lazy_gettext as _l

from app.api.answers import record_answer
from app.api.lead_json import lead_json, lead_or_id
from app.api.leads import area, check_lead_version
from app.api.schemas.leads import Assign, BulkAssign, BulkResult, Lead, LeadOrId, Reason, UndoResult
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import transaction
from app.kernel.errors import Invalid
from app.leads.operations import claim_lead
from app.routing import operations as routing
from app.routing.bulk import Refused
from app.web.access import current_actor, needs


@area.post("/leads/<lead_id>/claim", "Claim a lead", {200: Lead}, takes_version=True)
@needs(Permission.LEAD_CLAIM)
def claim(lead_id: str) -> Response:
    """One that waits in a queue of the caller's.  The winner asking again gets the same answer; everyone
    else 409 already-claimed."""
    with transaction() as session:
        actor = current_actor()
        check_lead_version(session, actor, lead_id)
        claim_lead(session, actor, lead_id, now=clock.now())
        answer = lead_json(session, actor, lead_id)
    return record_answer(answer)


@area.post("/leads/<lead_id>/accept", "Accept an offer", {200: Lead}, takes_version=True)
@needs(Permission.LEAD_ANSWER_OFFER)
def accept(lead_id: str) -> Response:
    """By the person the lead is offered to.  A second accept changes nothing."""
    with transaction() as session:
        actor = current_actor()
        check_lead_version(session, actor, lead_id)
        routing.accept_offer(session, actor, lead_id, now=clock.now())
        answer = lead_json(session, actor, lead_id)
    return record_answer(answer)


@area.post("/leads/<lead_id>/decline", "Decline an offer", {200: LeadOrId}, takes_version=True)
@needs(Permission.LEAD_ANSWER_OFFER)
def decline(lead_id: str, body: Reason) -> Response:
    """The lead goes on, and not back to the company that declined it."""
    with transaction() as session:
        actor = current_actor()
        check_lead_version(session, actor, lead_id)
        routing.decline_offer(session, actor, lead_id, reason=body.reason, note=body.note, now=clock.now())
        answer = lead_or_id(session, actor, lead_id)
    return record_answer(answer)


@area.post("/leads/<lead_id>/release", "Give a lead back", {200: LeadOrId}, takes_version=True)
@needs(Permission.LEAD_RELEASE)
def release(lead_id: str, body: Reason) -> Response:
    """By its owner; it returns to the queue it came from."""
    with transaction() as session:
        actor = current_actor()
        check_lead_version(session, actor, lead_id)
        routing.release_lead(session, actor, lead_id, reason=body.reason, note=body.note, now=clock.now())
        answer = lead_or_id(session, actor, lead_id)
    return record_answer(answer)


@area.post("/leads/<lead_id>/assign", "Give a lead to somebody", {200: LeadOrId}, takes_version=True)
@needs(Permission.LEAD_VIEW)  # the vendor's people assign, partner managers transfer: two permissions
def assign(lead_id: str, body: Assign) -> Response:
    """To a user, a queue, a partner account's queue, the next of a round robin, or through the rules.
    Partner managers give it to users of their own account."""
    require_giving(current_actor())
    if body.route == (body.owner is not None):
        raise Invalid({"owner": [_l("Name an owner, or send it through the rules: one of the two.")]})
    with transaction() as session:
        actor = current_actor()
        check_lead_version(session, actor, lead_id)
        target = None
        if body.owner is not None:
            target = routing.find_target(session, actor, body.owner.type, body.owner.id)
        wish = routing.Wish(
            target, notify=body.notify, ask_to_accept=body.offer, over_capacity=body.over_capacity
        )
        routing.assign_lead(session, actor, lead_id, wish, now=clock.now())
        answer = lead_or_id(session, actor, lead_id)
    return record_answer(answer)


@area.post("/leads/bulk-assign", "Give many leads to somebody", {200: BulkResult})
@needs(Permission.LEAD_VIEW)  # as above
def bulk_assign(body: BulkAssign) -> Response:
    """All or listed: what could not be changed is named with its reason, the others are done.  One mail for
    each recipient, held while the act can be undone."""
    require_giving(current_actor())
    with transaction() as session:
        actor = current_actor()
        target = routing.find_target(session, actor, body.owner.type, body.owner.id)
        wish = routing.Wish(target, notify=body.notify)
        result = routing.bulk_assign(session, actor, body.lead_ids, wish, now=clock.now())
        return jsonify(
            id=result.act.ref, assigned=list(result.assigned), refused=[_refused(r) for r in result.refused]
        )


@area.post("/bulk-acts/<bulk_act_id>/undo", "Undo a change of many", {200: UndoResult})
@needs(Permission.LEAD_VIEW)  # one's own act; giving leads away is two permissions, as above
def undo_bulk_act(bulk_act_id: str) -> Response:
    """Within two minutes, by whoever did it and may still give leads to others."""
    with transaction() as session:
        result = routing.undo_bulk_act(session, current_actor(), bulk_act_id, now=clock.now())
        return jsonify(undone=list(result.undone), refused=[_refused(r) for r in result.refused])


def require_giving(actor: Actor) -> None:
    """That the role gives leads to others: the vendor's people assign, partners' leaders transfer."""
    actor.require(Permission.LEAD_TRANSFER if actor.is_partner else Permission.LEAD_ASSIGN)


def _refused(refused: Refused) -> dict[str, Any]:
    return {"id": refused.ref, "reason": str(refused.reason)}
