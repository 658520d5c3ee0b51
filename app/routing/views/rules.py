"""Assignment rules: the version in force, others, the editor, trying one on past leads."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, pgettext
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.fields.catalogue import catalogue
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Conflict, Invalid, Stale
from app.leads.fields import FIELDS
from app.notifications.models import MailTemplate
from app.notifications.texts.queries import template_choices
from app.routing.models import Queue, RuleState
from app.routing.picker import target_choices
from app.routing.queue_queries import queue_choices
from app.routing.rule_drafts import (
    RulesDraft,
    adds_condition,
    change_draft,
    draft_of,
    entries_of,
    note_problems,
    operator_words,
    read_draft,
)
from app.routing.rule_operations import (
    activate_rules,
    create_rules,
    deactivate_rules,
    delete_rules,
    edit_rules,
    get_rules,
)
from app.routing.rule_queries import find_active, list_versions, read_rules
from app.routing.rule_trial import MOST_LEADS, STANDARD_LEADS, try_rules
from app.routing.rules import criteria_fields
from app.routing.trace import criteria_sentence
from app.web.access import current_actor, needs
from app.web.once import once

bp = Blueprint("rules", __name__, url_prefix="/setup/assignment-rules")
bp.add_app_template_global(criteria_sentence, "criteria_sentence")

STATES = {RuleState.DRAFT: "grey", RuleState.ACTIVE: "green", RuleState.RETIRED: "grey"}


@bp.get("")
@needs(Permission.ROUTING_MANAGE)
def index() -> ResponseReturnValue:
    """The version in force, and the list of all."""
    session, actor = db.session(), current_actor()
    active = find_active(session)
    versions = list_versions(session, actor)
    return render_template(
        "rules/index.html",
        page=read_rules(session, actor, active, now=clock.now()) if active else None,
        versions=versions,
        upcoming=max((row.rules.number for row in versions), default=0) + 1,
        states=state_words(),
        tones=STATES,
    )


def state_words() -> dict[RuleState, str]:
    """What the states of a version are called."""
    return {
        RuleState.DRAFT: _("Draft"),
        RuleState.ACTIVE: pgettext("version", "Active"),
        RuleState.RETIRED: _("Retired"),
    }


@bp.get("/<ref('rule'):rule_ref>")
@needs(Permission.ROUTING_MANAGE)
def show(rule_ref: str) -> ResponseReturnValue:
    session = db.session()
    page = read_rules(session, current_actor(), get_rules(session, rule_ref), now=clock.now())
    return render_template("rules/show.html", page=page, states=state_words(), tones=STATES)


# The editor


@bp.get("/new")
@needs(Permission.ROUTING_MANAGE)
def new() -> ResponseReturnValue:
    draft = RulesDraft(name=_("Assignment rules"))
    change_draft(draft, "add")
    return _editor(draft, "")


@bp.post("")
@needs(Permission.ROUTING_MANAGE)
@once
def create() -> ResponseReturnValue:
    """A button of the editor of a new version."""
    return _work(read_draft(request.form), "")


@bp.get("/<ref('rule'):rule_ref>/edit")
@needs(Permission.ROUTING_MANAGE)
def edit(rule_ref: str) -> ResponseReturnValue:
    session = db.session()
    page = read_rules(session, current_actor(), get_rules(session, rule_ref), now=clock.now())
    fallbacks = {key: ref for key, ref in session.execute(select(Queue.id, Queue.ref))}  # noqa: C416 - rows are no pairs to mypy
    templates = {key: ref for key, ref in session.execute(select(MailTemplate.id, MailTemplate.ref))}  # noqa: C416 - likewise
    language = str(get_locale() or "en")
    return _editor(draft_of(page, fallbacks=fallbacks, templates=templates, language=language), rule_ref)


@bp.post("/<ref('rule'):rule_ref>/edit")
@needs(Permission.ROUTING_MANAGE)
@once
def save(rule_ref: str) -> ResponseReturnValue:
    """A button of the editor of a version."""
    return _work(read_draft(request.form), rule_ref)


def _work(draft: RulesDraft, rule_ref: str) -> ResponseReturnValue:
    act = request.form.get("act", "save")
    if act != "save":
        return _editor(draft, rule_ref, change_draft(draft, act))
    try:
        entries = entries_of(draft)
        with transaction() as session:
            actor, now = current_actor(), clock.now()
            if rule_ref:
                rules = edit_rules(
                    session,
                    actor,
                    rule_ref,
                    name=draft.name,
                    entries=entries,
                    version=draft.began_from,
                    now=now,
                )
            else:
                rules = create_rules(session, actor, name=draft.name, entries=entries, now=now)
    except Invalid as error:
        note_problems(draft, error)
        return _editor(draft, rule_ref), 422
    except Stale as error:
        draft.name_problems.append(str(error.message))
        return _editor(draft, rule_ref), 409
    flash(
        _("Version %(number)s is saved as a draft. Try it, then activate it.", number=rules.number), "success"
    )
    return redirect(url_for("rules.show", rule_ref=rules.ref), 303)


def _editor(draft: RulesDraft, rule_ref: str, shown: int = -1) -> str:
    session = db.session()
    rules = get_rules(session, rule_ref) if rule_ref else None
    known: dict[str, Any] = {**FIELDS, **catalogue(session).active("lead")}
    fields = sorted(
        ((name, str(known[name].label)) for name in criteria_fields(session)),
        key=lambda pair: pair[1].casefold(),
    )
    return render_template(
        "rules/edit.html",
        draft=draft,
        rules=rules,
        shown=shown,
        adds=adds_condition(request.form.get("act", "")),
        targets=target_choices(session),
        queues=queue_choices(session),
        templates=template_choices(session),
        fields_of_lead=fields,
        operators=operator_words(),
    )


# Trying, activating


@bp.get("/<ref('rule'):rule_ref>/try")
@needs(Permission.ROUTING_MANAGE)
def trial(rule_ref: str) -> ResponseReturnValue:
    """Where leads of late would have gone."""
    session, actor, now = db.session(), current_actor(), clock.now()
    rules = get_rules(session, rule_ref)
    since = _day(request.args.get("from"), actor.time_zone) or now - timedelta(days=30)
    until = _day(request.args.get("to"), actor.time_zone, end=True)
    limit = _limit(request.args.get("limit"))
    found = try_rules(session, actor, rules, since=since, until=until, limit=limit, now=now)
    return render_template(
        "rules/try.html",
        rules=rules,
        trial=found,
        since=since,
        until=until,
        limit=limit,
        most=MOST_LEADS,
        only_differing="all" not in request.args,
    )


def _day(text: str | None, zone: str, *, end: bool = False) -> datetime | None:
    """The beginning of a day in the viewer's zone, or its end; None for none."""
    try:
        day = date.fromisoformat(text or "")
        if not 1990 <= day.year <= 2200:
            return None
    except ValueError:
        return None
    moment = datetime.combine(day, time(), ZoneInfo(zone)) + (timedelta(days=1) if end else timedelta())
    return moment.astimezone(UTC)


def _limit(text: str | None) -> int:
    return (
        max(1, min(MOST_LEADS, int(text))) if text and text.isdecimal() and len(text) < 6 else STANDARD_LEADS
    )


@bp.get("/<ref('rule'):rule_ref>/activate")
@needs(Permission.ROUTING_MANAGE)
def confirm_activate(rule_ref: str) -> ResponseReturnValue:
    session = db.session()
    page = read_rules(session, current_actor(), get_rules(session, rule_ref), now=clock.now())
    return _activate_page(session, page)


def _activate_page(session: Session, page: Any, problems: tuple[str, ...] = ()) -> str:
    active = find_active(session)
    return render_template("rules/activate.html", page=page, active=active, problems=problems)


@bp.post("/<ref('rule'):rule_ref>/activate")
@needs(Permission.ROUTING_MANAGE)
def activate(rule_ref: str) -> ResponseReturnValue:
    try:
        with transaction() as session:
            rules = activate_rules(session, current_actor(), rule_ref, now=clock.now())
    except Invalid as error:
        session = db.session()
        page = read_rules(session, current_actor(), get_rules(session, rule_ref), now=clock.now())
        problems = tuple(str(m) for messages in error.errors.values() for m in messages)
        return _activate_page(session, page, problems), 422
    flash(
        _("Version %(number)s is in force: it sends every new one from now on.", number=rules.number),
        "success",
    )
    return redirect(url_for("rules.index"), 303)


@bp.post("/<ref('rule'):rule_ref>/deactivate")
@needs(Permission.ROUTING_MANAGE)
def deactivate(rule_ref: str) -> ResponseReturnValue:
    with transaction() as session:
        deactivate_rules(session, current_actor(), rule_ref, now=clock.now())
    flash(_("No rules are in force now. Everything new goes to the default queue."), "warning")
    return redirect(url_for("rules.index"), 303)


@bp.post("/<ref('rule'):rule_ref>/delete")
@needs(Permission.ROUTING_MANAGE)
@once
def delete(rule_ref: str) -> ResponseReturnValue:
    try:
        with transaction() as session:
            delete_rules(session, current_actor(), rule_ref, now=clock.now())
    except Conflict as error:
        flash(str(error.message), "error")
        return redirect(url_for("rules.show", rule_ref=rule_ref), 303)
    flash(_("The draft was thrown away."), "success")
    return redirect(url_for("rules.index"), 303)
