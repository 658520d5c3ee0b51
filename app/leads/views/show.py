"""One lead, as far as the actor may see it: whole, or as the preview that stands before a claim."""

from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.activities.panel import feed_of
from app.inbox.queries import inbox_state
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db
from app.leads.queries import LeadDetail, open_lead
from app.leads.rows import LeadRow
from app.leads.views.blueprint import bp
from app.leads.views.page import read_lead_page
from app.sharing.access_page import Panel, panel_of
from app.web.access import current_actor, needs


@bp.get("/leads/<ref('lead'):lead_ref>")
@needs(Permission.LEAD_VIEW)
def show(lead_ref: str) -> ResponseReturnValue:
    return lead_page(db.session(), current_actor(), lead_ref)


def lead_page(session: Session, actor: Actor, lead_ref: str, **more: Any) -> str:
    """The page; `more` are names for its template, such as why an act was refused."""
    found = open_lead(session, actor, lead_ref)
    if isinstance(found, LeadRow):
        return _preview(session, actor, found, **more)
    return _whole(session, actor, found, **more)


def _whole(session: Session, actor: Actor, detail: LeadDetail, *, refusal: str = "", **more: Any) -> str:
    return render_template(
        "leads/show.html",
        page=read_lead_page(session, actor, detail),
        feed=feed_of(session, actor, detail.lead),
        access=panel_of(actor, detail.lead),
        refusal=refusal,
        now=clock.now(),
        **more,
    )


def _preview(session: Session, actor: Actor, row: LeadRow, *, refusal: str = "", **more: Any) -> str:
    is_mine = row.is_offered and row.owner.is_me
    return render_template(
        "leads/preview.html",
        row=row,
        access=Panel("lead", row.ref, of_all=False),
        may_claim=row.is_waiting and actor.can(Permission.LEAD_CLAIM),
        may_answer=is_mine and actor.can(Permission.LEAD_ANSWER_OFFER),
        state=inbox_state(session, actor),
        refusal=refusal,
        now=clock.now(),
        **more,
    )
