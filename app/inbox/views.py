"""A partner's inbox: what waits to be claimed, what is offered, what is theirs; and its buttons."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.activities.next_steps import NextStep, next_steps
from app.inbox.queries import SHOWN, Facets, InboxState, facets, inbox_state
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.countries import country_name
from app.kernel.db import db, transaction
from app.kernel.errors import Conflict, DomainError, NotFound
from app.kernel.paging import Page
from app.leads.asking import parse_lead_query
from app.leads.choices import first_names
from app.leads.errors import AtCapacity
from app.leads.operations import claim_lead
from app.leads.queries import find_rows, list_leads
from app.leads.rows import LeadRow
from app.lists.query import ListQuery
from app.routing.operations import accept_offer, claim_next
from app.web.access import current_actor, needs
from app.web.filters import number
from app.web.htmx import wants_fragment
from app.web.listing import ListAddress
from app.web.once import once

bp = Blueprint("inbox", __name__)

AVAILABLE, OFFERED, MINE = BOXES = ("available", "offered", "mine")
FILTERS = ("country", "product_interest")
# Offers stand above what is free to claim; more of them are on their own tab.
PINNED = 5


@dataclass(frozen=True, slots=True)
class Inbox:
    """What `inbox/index.html` shows.  pinned: pending offers above what is available.  next_steps: of their own."""

    box: str
    state: InboxState
    page: Page[LeadRow]
    pinned: Sequence[LeadRow]
    facets: Facets
    address: ListAddress
    chips: Sequence[dict[str, str]]
    has_queues: bool
    next_steps: Mapping[int, NextStep]

    @property
    def rows(self) -> Sequence[LeadRow]:
        return [*self.pinned, *self.page.items]


@bp.get("/inbox")
@needs(Permission.INBOX_VIEW)
def index() -> ResponseReturnValue:
    return _page(_inbox(db.session(), current_actor()))


def _page(inbox: "Inbox", refusal: str = "") -> str:
    return render_template(
        "inbox/index.html", inbox=inbox, now=clock.now(), refusal=refusal, status_words=first_names()
    )


def _inbox(session: Session, actor: Actor) -> Inbox:
    box = request.values.get("box", AVAILABLE)
    box = box if box in BOXES else AVAILABLE
    given = (
        {
            name: request.args.getlist(name)
            for name in FILTERS
            if any(request.args.getlist(name)) and name not in actor.hidden_fields
        }
        if box == AVAILABLE
        else {}
    )
    state = inbox_state(session, actor)
    page = list_leads(
        session, actor, _query(session, actor, box, given), cursor=request.args.get("cursor") or None
    )
    pinned: Sequence[LeadRow] = ()
    if box == AVAILABLE and state.offered and not request.args.get("cursor"):
        pinned = list_leads(session, actor, _query(session, actor, OFFERED, {}), limit=PINNED).items
    address = ListAddress(url_for("inbox.index"), given, fixed={"box": [box]} if box != AVAILABLE else {})
    return Inbox(
        box=box,
        state=state,
        page=_soonest_first(page) if box == OFFERED else page,
        pinned=_soonest_first(Page(pinned)).items,
        facets=facets(session, actor) if box == AVAILABLE else Facets([], []),
        address=address,
        chips=_chips(given, address),
        has_queues=bool(actor.queue_ids),
        next_steps=next_steps(session, actor, [row.id for row in page.items]) if box == MINE else {},
    )


def _query(session: Session, actor: Actor, box: str, given: dict[str, list[str]]) -> ListQuery:
    if box == MINE:
        return parse_lead_query(session, actor, {"box": [MINE], "open": ["true"]}, "-created_at")
    return parse_lead_query(session, actor, {"box": [box], **given}, "waiting_since")


def _soonest_first(page: Page[LeadRow]) -> Page[LeadRow]:
    """Offers of one page by when they end; there are rarely more than a few."""
    rows = sorted(page.items, key=lambda row: (row.offer_expires_at is None, row.offer_expires_at))
    return Page(rows, page.older, page.newer)


def _chips(given: dict[str, list[str]], address: ListAddress) -> list[dict[str, str]]:
    language = str(get_locale() or "en")
    words: dict[str, tuple[str, Callable[[str], str]]] = {
        "country": (_("country is"), lambda v: country_name(v, language)),
        "product_interest": (_("product is"), str),
    }
    return [
        {"label": words[name][0], "value": words[name][1](value), "remove_url": address.without(name, value)}
        for name, values in given.items()
        for value in values
    ]


@bp.post("/inbox/<ref('lead'):lead_ref>/claim")
@needs(Permission.INBOX_VIEW)
def claim(lead_ref: str) -> ResponseReturnValue:
    actor = current_actor()
    with transaction() as session:
        lead = claim_lead(session, actor, lead_ref, now=clock.now())
    return _taken(actor, lead)


@bp.post("/inbox/<ref('lead'):lead_ref>/accept")
@needs(Permission.INBOX_VIEW)
def accept(lead_ref: str) -> ResponseReturnValue:
    actor = current_actor()
    with transaction() as session:
        lead = accept_offer(session, actor, lead_ref, now=clock.now())
    return _taken(actor, lead)


def _taken(actor: Actor, lead: Any) -> ResponseReturnValue:
    """The row as it is now, with the counts above it; without JavaScript the lead itself."""
    if wants_fragment():
        session = db.session()
        row = find_rows(session, actor, [lead.ref])[0]
        return render_template("inbox/_taken.html", row=row, state=inbox_state(session, actor))
    flash(_("It is yours now."), "success")
    return redirect(url_for("leads.show", lead_ref=lead.ref), 303)


@bp.post("/inbox/claim-next")
@needs(Permission.INBOX_VIEW)
@once
def take_next() -> ResponseReturnValue:
    """Claim whichever has waited longest, and open it."""
    with transaction() as session:
        lead = claim_next(session, current_actor(), now=clock.now())
    if lead is None:
        flash(_("Nothing is waiting just now."), "info")
        return redirect(url_for("inbox.index"), 303)
    flash(_("It is yours now."), "success")
    return redirect(url_for("leads.show", lead_ref=lead.ref), 303)


@bp.errorhandler(Conflict)
@bp.errorhandler(NotFound)
def refused(error: DomainError) -> ResponseReturnValue:
    """Somebody was faster, or there is no room: said where the row was, or above the inbox."""
    db.session.rollback()
    session, actor = db.session(), current_actor()
    message = str(error.message) or _("This one is not available any more.")
    if wants_fragment():
        state = inbox_state(session, actor)
        if not isinstance(error, AtCapacity):
            message = f"{message} {waiting_words(state.available)}"
        template = "inbox/_full.html" if isinstance(error, AtCapacity) else "inbox/_gone.html"
        return render_template(template, message=message, state=state), error.status
    inbox = _inbox(session, actor)
    if not isinstance(error, AtCapacity):
        message = f"{message} {waiting_words(inbox.state.available)}"
    return _page(inbox, message), error.status


def waiting_words(count: int) -> str:
    """ "14 more are waiting."."""
    if not count:
        return _("Nothing else is waiting.")
    if count > SHOWN:
        return _("More than %(number)s are waiting.", number=number(SHOWN))
    return ngettext("%(num)s more is waiting.", "%(num)s more are waiting.", count)
