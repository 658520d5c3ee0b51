"""The first page after signing in, by role; and the small lists that its numbers count."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, g, redirect, render_template, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.health.lines import Line, health_lines
from app.health.queries import read_health, read_upkeep
from app.home.figures import read_figures
from app.home.first_steps import first_steps, is_first_visit
from app.home.needs import next_setup_step, todo
from app.home.queries import (
    count_by_status,
    list_invited,
    list_refusals,
    list_refused_imports,
    my_tasks,
    partner_activity,
    what_needs,
)
from app.inbox.queries import inbox_state
from app.kernel import clock
from app.kernel.actor import Actor, Permission, Role
from app.kernel.db import db
from app.kernel.paging import COUNT_CAP
from app.leads.asking import parse_lead_query
from app.leads.choices import first_names
from app.leads.models import Lead
from app.leads.queries import list_decline_reasons, list_leads
from app.leads.row_queries import last_activity_of
from app.leads.rows import LeadRow
from app.search.recent import recent_hits
from app.settings import current_settings
from app.targets.progress import progress_of, today_of
from app.targets.queries import my_targets
from app.web.access import current_actor, needs

bp = Blueprint("home", __name__)

SHOWN = 8
SHOWN_IN_QUEUE = 5


@bp.get("/")
@needs(Permission.HOME_VIEW)
def index() -> ResponseReturnValue:
    session, actor, now = db.session(), current_actor(), clock.now()
    if actor.is_partner and _comes_first(session, actor):
        return redirect(url_for("home.begin"), 303)
    page, names = _page(session, actor, now)
    return render_template(page, now=now, status_words=first_names(), **names)


def _comes_first(session: Session, actor: Actor) -> bool:
    """Whether to show a partner user what to do first: once, in their first session."""
    if "begun" in cookie:
        return False
    cookie["begun"] = True
    return is_first_visit(session, actor)


@bp.get("/first-steps")
@needs(Permission.INBOX_VIEW)
def begin() -> ResponseReturnValue:
    """What a partner user does first; from the person menu at any time."""
    return render_template("home/first_steps.html", steps=first_steps(db.session(), current_actor()))


def _page(session: Session, actor: Actor, now: datetime) -> tuple[str, Mapping[str, Any]]:
    """Template and what it shows, for the person's role."""
    if actor.is_partner:
        return "home/partner.html", _partner(session, actor, now)
    if actor.role in (Role.ADMINISTRATOR, Role.CHANNEL_MANAGER):
        return "home/manager.html", _manager(session, actor, now)
    return "home/colleague.html", _colleague(session, actor)


def _manager(session: Session, actor: Actor, now: datetime) -> Mapping[str, Any]:
    since = _today(now)
    counts = what_needs(session, actor, since=since)
    figures = read_figures(session, actor, now=now)
    return {
        "step": next_setup_step(actor, g.organisation, counts),
        "needs": todo(actor, g.organisation, counts, figures),
        "figures": figures,
        "arrivals": _leads(session, actor, {}, SHOWN),
        "partners": partner_activity(session, actor, since=since),
        "recent": recent_hits(session, actor, limit=SHOWN),
        "health": _health(session, now) if actor.role is Role.ADMINISTRATOR else [],
    }


def _health(session: Session, now: datetime) -> Sequence[Line]:
    health, upkeep = read_health(session, now=now), read_upkeep(session)
    return health_lines(health, upkeep, current_settings().data, now=now)


def _colleague(session: Session, actor: Actor) -> Mapping[str, Any]:
    mine = {"owner": ["me"], "open": ["true"]}
    works = actor.can(Permission.LEAD_EDIT)
    return {
        "statuses": count_by_status(session, actor),
        "mine": _leads(session, actor, mine, SHOWN) if works else [],
        "tasks": my_tasks(session, actor, now=clock.now()) if works else [],
        "arrivals": _leads(session, actor, {}, SHOWN),
        "recent": recent_hits(session, actor, limit=SHOWN),
        "works": works,
        "cap": COUNT_CAP,
    }


def _partner(session: Session, actor: Actor, now: datetime) -> Mapping[str, Any]:
    state = inbox_state(session, actor)
    offered = _leads(session, actor, {"box": ["offered"]}, SHOWN, "waiting_since") if state.offered else []
    waiting = (
        _leads(session, actor, {"box": ["available"]}, SHOWN_IN_QUEUE, "waiting_since")
        if state.available
        else []
    )
    return {
        "state": state,
        "offered": sorted(offered, key=lambda row: (row.offer_expires_at is None, row.offer_expires_at)),
        "waiting": waiting,
        "untouched": _untouched(session, actor) if state.mine else [],
        "tasks": my_tasks(session, actor, now=now),
        "targets": progress_of(session, actor, my_targets(session, actor, today_of(session, now)), now=now),
    }


def _leads(
    session: Session, actor: Actor, given: Mapping[str, Sequence[str]], limit: int, sort: str = "-created_at"
) -> Sequence[LeadRow]:
    return list_leads(session, actor, parse_lead_query(session, actor, given, sort), limit=limit).items


def _untouched(session: Session, actor: Actor) -> Sequence[LeadRow]:
    """The person's open leads on which nothing was logged yet, the longest theirs first."""
    query = parse_lead_query(session, actor, {"box": ["mine"], "open": ["true"]}, "created_at")
    nothing = (
        last_activity_of(actor.company_id).is_(None) if actor.is_partner else Lead.last_activity_at.is_(None)
    )
    return list_leads(session, actor, query.where(nothing), limit=SHOWN).items


def _today(now: datetime) -> datetime:
    """When today began, by the organisation's clock."""
    local = now.astimezone(ZoneInfo(g.organisation.time_zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


# The lists that the numbers count


@bp.get("/needs/offers")
@needs(Permission.LEAD_TRACE)
def refusals() -> ResponseReturnValue:
    """Offers that were declined, or lapsed, today."""
    session, actor = db.session(), current_actor()
    rows = list_refusals(session, actor, since=_today(clock.now()), limit=COUNT_CAP)
    reasons = {reason.key: reason.name for reason in list_decline_reasons(session)}
    return render_template("home/refusals.html", rows=rows, reasons=reasons)


@bp.get("/needs/invitations")
@needs(Permission.PARTNER_VIEW)
def invited() -> ResponseReturnValue:
    """Partner users who were invited and have never signed in."""
    return render_template(
        "home/invited.html", rows=list_invited(db.session(), current_actor(), limit=COUNT_CAP)
    )


@bp.get("/needs/imports")
@needs(Permission.LEAD_IMPORT)
def imports() -> ResponseReturnValue:
    """Imports of which some rows were refused."""
    return render_template(
        "home/imports.html", rows=list_refused_imports(db.session(), current_actor(), limit=COUNT_CAP)
    )
