"""Score rules: the version in force, others, the editor, what a version would change, putting it in force."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, pgettext
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.fields.catalogue import catalogue
from app.kernel import clock
from app.kernel.actor import Actor, Level, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Conflict, Invalid, Stale
from app.leads.fields import FIELDS
from app.leads.models import Lead
from app.routing.models import Queue
from app.routing.rule_drafts import adds_condition, operator_words
from app.routing.rules import criteria_fields
from app.scores.books import open_book
from app.scores.drafts import ScoresDraft, change_draft, draft_of, given_by, note_problems, read_draft
from app.scores.models import ScoreSet, ScoreState, Work
from app.scores.operations import (
    activate_scores,
    ask_preview,
    create_scores,
    delete_scores,
    edit_scores,
    get_scores,
)
from app.scores.queries import amount_words, condition_words, date_label, find_active, list_versions
from app.scores.reading import date_fields, number_fields, score_fields
from app.sharing.scope import scope
from app.web.access import current_actor, needs
from app.web.htmx import wants_fragment
from app.web.once import once

bp = Blueprint("scores", __name__, url_prefix="/setup/score-rules")

TONES = {ScoreState.DRAFT: "grey", ScoreState.ACTIVE: "green", ScoreState.RETIRED: "grey"}
COUNTED = 10_000


@bp.get("")
@needs(Permission.SETTING_MANAGE)
def index() -> ResponseReturnValue:
    """The version in force, and the list of all."""
    session = db.session()
    active = find_active(session)
    return render_template(
        "scores/index.html",
        active=active,
        lines=_lines(session, active) if active else [],
        queue=_queue_name(session, active),
        versions=list_versions(session),
        states=state_words(),
        tones=TONES,
    )


def state_words() -> dict[ScoreState, str]:
    """What the states of a version are called."""
    return {
        ScoreState.DRAFT: _("Draft"),
        ScoreState.ACTIVE: pgettext("version", "Active"),
        ScoreState.RETIRED: _("Retired"),
    }


@bp.get("/<ref('score'):scores_ref>")
@needs(Permission.SETTING_MANAGE)
def show(scores_ref: str) -> ResponseReturnValue:
    """One version, with what it would change as far as that is counted."""
    session, actor = db.session(), current_actor()
    scores = get_scores(session, scores_ref)
    return render_template(
        "scores/_work.html" if wants_fragment() else "scores/show.html",
        scores=scores,
        lines=_lines(session, scores),
        queue=_queue_name(session, scores),
        active=find_active(session),
        examples=_examples(session, actor, scores),
        states=state_words(),
        tones=TONES,
        work=Work,
        counted=COUNTED,
    )


def _lines(session: Session, scores: ScoreSet) -> list[tuple[str, str, str, bool]]:
    """(name, what it gives, when, whether it is understood) of each line."""
    return [
        (line.name, amount_words(session, line), condition_words(line), line.criteria is not None)
        for line in open_book(session, scores).lines
    ]


def _queue_name(session: Session, scores: ScoreSet | None) -> str:
    if scores is None:
        return ""
    wanted = Queue.id == scores.route_queue_id if scores.route_queue_id else Queue.is_default
    return session.scalar(select(Queue.name).where(wanted)) or ""


def _examples(session: Session, actor: Actor, scores: ScoreSet) -> dict[str, list[tuple[str, str, int, int]]]:
    """Way → (public name, title, score now, score then) of some leads that cross the threshold."""
    kept = scores.preview.get("examples", [])
    rows = session.scalars(
        select(Lead).where(scope(Lead, actor, Level.READ), Lead.id.in_([example[1] for example in kept]))
    )
    leads = {lead.id: lead for lead in rows}
    found: dict[str, list[tuple[str, str, int, int]]] = {"over": [], "under": []}
    for way, key, now, then in kept:
        if key in leads:
            found[way].append((leads[key].ref, leads[key].title_for(actor), now, then))
    return found


# The editor


@bp.get("/new")
@needs(Permission.SETTING_MANAGE)
def new() -> ResponseReturnValue:
    draft = ScoresDraft(name=_("Score rules"))
    change_draft(draft, "add")
    return _editor(draft, "")


@bp.post("")
@needs(Permission.SETTING_MANAGE)
@once
def create() -> ResponseReturnValue:
    """A button of the editor of a new version."""
    return _edit(read_draft(request.form), "")


@bp.get("/<ref('score'):scores_ref>/edit")
@needs(Permission.SETTING_MANAGE)
def edit(scores_ref: str) -> ResponseReturnValue:
    session = db.session()
    scores = get_scores(session, scores_ref)
    queues = {key: ref for key, ref in session.execute(select(Queue.id, Queue.ref))}  # noqa: C416 - rows are no pairs to mypy
    language = str(get_locale() or "en")
    return _editor(draft_of(scores, criteria_fields(session), queues=queues, language=language), scores_ref)


@bp.post("/<ref('score'):scores_ref>/edit")
@needs(Permission.SETTING_MANAGE)
def save(scores_ref: str) -> ResponseReturnValue:
    """A button of the editor of a version."""
    get_scores(db.session(), scores_ref)
    return _edit(read_draft(request.form), scores_ref)


def _edit(draft: ScoresDraft, scores_ref: str) -> ResponseReturnValue:
    act = request.form.get("act", "save")
    if act != "save":
        return _editor(draft, scores_ref, change_draft(draft, act))
    try:
        given = given_by(draft, criteria_fields(db.session()))
        with transaction() as session:
            actor, now = current_actor(), clock.now()
            if scores_ref:
                scores = edit_scores(session, actor, scores_ref, given, version=draft.began_from, now=now)
            else:
                scores = create_scores(session, actor, given, now=now)
            ask_preview(session, actor, scores.ref, now=now)
    except Invalid as error:
        note_problems(draft, error)
        return _editor(draft, scores_ref), 422
    except (Stale, Conflict) as error:
        draft.problems[-1] = [str(error.message)]
        return _editor(draft, scores_ref), 409
    text = _(
        "Version %(number)s is saved as a draft. What it would change is being counted.", number=scores.number
    )
    flash(text, "success")
    return redirect(url_for("scores.show", scores_ref=scores.ref), 303)


def _editor(draft: ScoresDraft, scores_ref: str, shown: int = -1) -> str:
    session = db.session()
    known = criteria_fields(session)
    labels: dict[str, Any] = {**FIELDS, **catalogue(session).active("lead")}
    queues = session.execute(
        select(Queue.ref, Queue.name)
        .where(Queue.deleted_at.is_(None), Queue.partner_account_id.is_(None), Queue.is_default.is_(False))
        .order_by(Queue.name_fold)
    )
    return render_template(
        "scores/edit.html",
        draft=draft,
        scores=get_scores(session, scores_ref) if scores_ref else None,
        shown=shown,
        adds=adds_condition(request.form.get("act", "")),
        queues=[(row.ref, row.name) for row in queues],
        field_names=sorted(
            ((name, str(labels[name].label)) for name in score_fields(known)),
            key=lambda pair: pair[1].casefold(),
        ),
        numbers=[(name, str(labels[name].label)) for name in number_fields(known)],
        dates=[(name, date_label(session, name)) for name in date_fields(known)],
        operators=operator_words(),
    )


# Counting, putting in force, throwing away


@bp.post("/<ref('score'):scores_ref>/preview")
@needs(Permission.SETTING_MANAGE)
def preview(scores_ref: str) -> ResponseReturnValue:
    """Have counted anew what it would change."""
    with transaction() as session:
        ask_preview(session, current_actor(), scores_ref, now=clock.now())
    return redirect(url_for("scores.show", scores_ref=scores_ref), 303)


@bp.post("/<ref('score'):scores_ref>/activate")
@needs(Permission.SETTING_MANAGE)
def activate(scores_ref: str) -> ResponseReturnValue:
    """Put it in force."""
    try:
        with transaction() as session:
            activate_scores(session, current_actor(), scores_ref, now=clock.now())
    except Invalid:
        flash(_("A rule names a field that is not in use any more. Edit it first."), "error")
        return redirect(url_for("scores.edit", scores_ref=scores_ref), 303)
    flash(_("It is in force. Scores are written anew in the background."), "success")
    return redirect(url_for("scores.show", scores_ref=scores_ref), 303)


@bp.post("/<ref('score'):scores_ref>/delete")
@needs(Permission.SETTING_MANAGE)
@once
def delete(scores_ref: str) -> ResponseReturnValue:
    """Throw a draft away."""
    with transaction() as session:
        delete_scores(session, current_actor(), scores_ref, now=clock.now())
    flash(_("The draft is gone."), "success")
    return redirect(url_for("scores.index"), 303)
