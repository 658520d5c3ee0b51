"""One lead, as far as the actor may see it: whole, or as the preview that stands before a claim."""

from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.activities.panel import feed_of
from app.conversion.panel import panel_of as conversion_of
from app.documents.panel import panel_of as documents_of
from app.fields.catalogue import catalogue
from app.fields.shown import show as show_fields
from app.inbox.queries import inbox_state
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db
from app.leads.choices import status_name
from app.leads.fields import FIELDS
from app.leads.queries import LeadDetail, open_lead
from app.leads.rows import LeadRow
from app.leads.views.blueprint import bp
from app.leads.views.page import Entry, read_lead_page
from app.leads.visibility import REVEALING
from app.lists.recent import remember_opened
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
    remember_opened(actor, detail.lead)
    return render_template(
        "leads/show.html",
        page=read_lead_page(session, actor, detail, now=clock.now()),
        feed=feed_of(session, actor, detail.lead, given=detail.given),
        documents=documents_of(session, actor, detail.lead, detail.given),
        access=panel_of(actor, detail.lead),
        conversion=conversion_of(session, actor, detail.lead, given=detail.given, now=clock.now()),
        refusal=refusal,
        now=clock.now(),
        **more,
    )


# What a preview page has a place of its own for.
_PLACED = frozenset(
    {"industry", "employees", "city", "state", "country", "product_interest", "source", "score", "age_days"}
)


def _more(actor: Actor, row: LeadRow) -> list[Entry]:
    """What an administrator shows beyond what is harmless, as far as it is known."""
    entries: list[Entry] = []
    added = {
        n: f for n, f in catalogue(db.session()).seen(actor, "lead").items() if n in actor.preview_fields
    }
    entries += [
        Entry(shown.field, shown.url or shown.text) for shown in show_fields(db.session(), added, row.more)
    ]
    for name in actor.preview_fields:
        if name in FIELDS and name not in _PLACED:
            value = row.more.get(name, getattr(row, name, None))
            value = status_name(row.status) if name == "status" and row.status else value
            entries.append(Entry(FIELDS[name], value))
    return [entry for entry in entries if entry.value not in (None, "", False)]


def _later(actor: Actor) -> str:
    """The fields that come with the claim, "" where they are those that do so unless somebody decides otherwise."""
    if not REVEALING & {*actor.preview_fields, *actor.hidden_fields}:
        return ""
    seen = {*actor.preview_fields, *actor.hidden_fields, "arrived_at"}
    return ", ".join(str(field.label) for name, field in FIELDS.items() if name not in seen)


def _preview(session: Session, actor: Actor, row: LeadRow, *, refusal: str = "", **more: Any) -> str:
    is_mine = row.is_offered and row.owner.is_me
    return render_template(
        "leads/preview.html",
        row=row,
        more=_more(actor, row),
        later=_later(actor),
        access=Panel("lead", row.ref, of_all=False),
        may_claim=row.is_waiting and actor.can(Permission.LEAD_CLAIM),
        may_answer=is_mine and actor.can(Permission.LEAD_ANSWER_OFFER),
        state=inbox_state(session, actor),
        refusal=refusal,
        now=clock.now(),
        **more,
    )
