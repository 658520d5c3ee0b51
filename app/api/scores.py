"""The score of a lead, line by line, and handing one over as marketing-qualified."""

from flask import Response, jsonify

from app.api.answers import record_answer
from app.api.lead_json import lead_json
from app.api.leads import area, check_lead_version
from app.api.schemas.leads import Lead, Score
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import NotFound
from app.leads.queries import open_lead
from app.leads.rows import LeadRow
from app.scores.operations import hand_over
from app.scores.queries import explain_score
from app.web.access import current_actor, needs


@area.get("/leads/<lead_id>/score", "Explain the score of a lead", {200: Score})
@needs(Permission.LEAD_VIEW)
def read_score(lead_id: str) -> Response:
    """Line by line for people inside; others get the number, where they see it."""
    session, actor = db.session(), current_actor()
    found = open_lead(session, actor, lead_id)
    is_hidden = "score" in actor.hidden_fields or (
        isinstance(found, LeadRow) and "score" not in actor.preview_fields
    )
    if is_hidden:
        raise NotFound("score", lead_id)
    if isinstance(found, LeadRow):
        return jsonify(score=found.score)
    explained = explain_score(session, actor, found.lead, now=clock.now())
    if explained is None:
        return jsonify(score=found.lead.score)
    return jsonify(
        score=found.lead.score,
        threshold=explained.threshold,
        changes_on=explained.due_on.isoformat() if explained.due_on is not None else None,
        lines=[
            {"name": line.name, "points": line.points, "why": line.why, "problem": line.is_trouble}
            for line in explained.lines
        ],
    )


@area.post(
    "/leads/<lead_id>/hand-over", "Hand a lead over as marketing-qualified", {200: Lead}, takes_version=True
)
@needs(Permission.LEAD_HAND_OVER)
def hand_over_lead(lead_id: str) -> Response:
    """By hand; one that is handed over already stays as it is."""
    with transaction() as session:
        actor = current_actor()
        check_lead_version(session, actor, lead_id)
        hand_over(session, actor, lead_id, now=clock.now())
        session.flush()  # the answer below is read from the database
        answer = lead_json(session, actor, lead_id)
    return record_answer(answer)
