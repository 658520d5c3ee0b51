"""The steps before partners are let in: defaults, what would reach them, documents and views, a last look, Done.

What is answered is kept in a draft of the person's own, so that the way back, a reload and another tab show
it.  Nothing else changes before Done.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.documents.queries import count_library
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, let_go, transaction
from app.kernel.errors import Invalid, Stale
from app.setup.enabling_page import company_rows, decided, item_rows
from app.sharing.audience import Audience
from app.sharing.enabling import (
    DEFAULTS,
    Answers,
    answer,
    answers_of,
    defaults_chosen,
    differences,
    drop_draft,
    enable_prm,
    find_draft,
    marks_of,
    refuse_contradictions,
)
from app.sharing.forms import (
    COMING,
    OBJECTS,
    chosen_defaults,
    default_helps,
    default_words,
    defaults_form,
    faults_of_defaults,
)
from app.sharing.models import EnablingDraft
from app.sharing.reach_counts import count_all, count_companies
from app.sharing.reaching import Fate, what_reaches_partners
from app.sharing.subjects import SUBJECTS
from app.sharing.words import count_words
from app.web.access import current_actor, needs

bp = Blueprint("enabling", __name__, url_prefix="/setup/prm")

STEPS = ("defaults", "reaching", "views", "summary")


def step_names() -> list[str]:
    """The steps as they are called, the page before them first."""
    return [
        _("Before you begin"),
        _("Defaults"),
        _("Rules and groups"),
        _("Documents and views"),
        _("Last look"),
    ]


def _is_on() -> ResponseReturnValue:
    flash(_("Partner management was on already."), "info")
    return redirect(url_for("setup.prm"), 303)


def _step(show: Callable[[EnablingDraft], ResponseReturnValue]) -> ResponseReturnValue:
    """A step's page, for somebody who has begun; others are sent to where one begins."""
    session = db.session()
    if get_organisation(session).prm_enabled_at is not None:
        return _is_on()
    draft = find_draft(session, current_actor())
    return redirect(url_for("setup.prm"), 303) if draft is None else show(draft)


def _onward(here: str) -> ResponseReturnValue:
    """To the step that the pressed button leads to."""
    place = STEPS.index(here)
    go = request.form.get("go")
    if go == "back":
        return redirect(url_for(f"enabling.{STEPS[place - 1]}") if place else url_for("setup.prm"), 303)
    return redirect(url_for(f"enabling.{STEPS[place + 1]}"), 303)


@bp.post("/cancel")
@needs(Permission.PRM_ENABLE)
def cancel() -> ResponseReturnValue:
    """Leave everything as it is, and forget the answers."""
    with transaction() as session:
        drop_draft(session, current_actor())
    flash(_("Nothing was changed. Partner management stays off."), "info")
    return redirect(url_for("setup.index"), 303)


# Defaults: of what there is, and of what is to come


@bp.get("/defaults")
@needs(Permission.PRM_ENABLE)
def defaults() -> ResponseReturnValue:
    """What everybody inside, and every partner user, is to have of all records."""
    return _step(lambda draft: _defaults_page("defaults", OBJECTS, _stored(draft, OBJECTS)))


@bp.post("/defaults")
@needs(Permission.PRM_ENABLE)
def save_defaults() -> ResponseReturnValue:
    return _save_defaults("defaults", OBJECTS)


@bp.get("/views")
@needs(Permission.PRM_ENABLE)
def views() -> ResponseReturnValue:
    """The same of documents of the library and of saved views."""
    return _step(lambda draft: _defaults_page("views", COMING, _stored(draft, COMING)))


@bp.post("/views")
@needs(Permission.PRM_ENABLE)
def save_views() -> ResponseReturnValue:
    return _save_defaults("views", COMING)


def _stored(draft: EnablingDraft, objects: Sequence[str]) -> Any:
    organisation = get_organisation(db.session())
    chosen = {
        thing: {
            **organisation.defaults[thing],
            "external": "private",
            **answers_of(draft).defaults.get(thing, {}),
        }
        for thing in objects
    }
    return defaults_form(prm_is_on=True, current=chosen, objects=objects)


def _defaults_page(step: str, objects: Sequence[str], form: Any) -> str:
    return render_template(
        f"setup/enabling/{step}.html",
        form=form,
        objects=objects,
        coming=COMING,
        numbers={
            **{thing: count_words(count_all(db.session(), thing)) for thing in objects if thing in SUBJECTS},
            "document": count_words(count_library(db.session(), current_actor())),
        },
        words=default_words(),
        helps=default_helps(),
        steps=step_names(),
        step=STEPS.index(step) + 1,
        shown=json.dumps(marks_of([], get_organisation(db.session()))),
    )


def _save_defaults(step: str, objects: Sequence[str]) -> ResponseReturnValue:
    form = defaults_form(prm_is_on=True, objects=objects)
    chosen = chosen_defaults(form, prm_is_on=True, objects=objects)
    faults = faults_of_defaults(chosen)
    if faults and request.form.get("go") != "back":
        for name, messages in faults.items():
            form[name].errors = messages
        return _step(lambda _draft: (_defaults_page(step, objects, form), 422))
    return _keep(step, lambda: {"defaults": {} if faults else chosen})


def _keep(step: str, said: Callable[[], Mapping[str, Any]]) -> ResponseReturnValue:
    """Write what a step was answered with into the draft, and go where the button leads."""
    with transaction() as session:
        draft = find_draft(session, current_actor(), for_update=True)
        if draft is not None:
            shown = _marks(request.form.get("shown", ""))
            kept = {DEFAULTS: draft.seen.get(DEFAULTS, "")} if step == "reaching" else dict(draft.seen)
            answer(draft, **said(), seen={**kept, **shown})
    return redirect(url_for("setup.prm"), 303) if draft is None else _onward(step)


def _marks(text: str) -> dict[str, str]:
    """What the page said that it showed; nothing where that cannot be read."""
    try:
        given = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(given, dict):
        return {}
    return {str(key): str(mark) for key, mark in list(given.items())[:20_000]}


# What would reach partners


@bp.get("/reaching")
@needs(Permission.PRM_ENABLE)
def reaching() -> ResponseReturnValue:
    """Every group, rule and share by hand, with how many records which partner would see."""
    return _step(lambda draft: _reaching_page(answers_of(draft), {}))


@bp.post("/reaching")
@needs(Permission.PRM_ENABLE)
def save_reaching() -> ResponseReturnValue:
    session = db.session()
    items = what_reaches_partners(session, Audience(session))
    fates = {item.key: request.form[item.key] for item in items if request.form.get(item.key) in set(Fate)}
    if request.form.get("go") != "back":
        answers = Answers({key: Fate(fate) for key, fate in fates.items()})
        try:
            refuse_contradictions(session, items, answers)
        except Invalid as error:
            let_go()
            problems = {key: [str(text) for text in texts] for key, texts in error.errors.items()}
            return _step(lambda _draft: (_reaching_page(answers, problems), 422))
    return _keep("reaching", lambda: {"fates": fates})


def _reaching_page(answers: Answers, problems: Mapping[str, Sequence[str]]) -> str:
    session = db.session()
    audience = Audience(session)
    items = what_reaches_partners(session, audience)
    return render_template(
        "setup/enabling/reaching.html",
        rows=item_rows(session, audience, items, answers, problems),
        problems=problems,
        has_companies=bool(audience.companies),
        steps=step_names(),
        step=2,
        shown=json.dumps({item.key: item.mark for item in items}),
    )


# The last look, and Done


@bp.get("/summary")
@needs(Permission.PRM_ENABLE)
def summary() -> ResponseReturnValue:
    """Everything that Done changes, and what has changed since it was answered."""
    return _step(lambda draft: _summary_page(db.session(), draft, None))


@bp.post("/done")
@needs(Permission.PRM_ENABLE)
def done() -> ResponseReturnValue:
    """Switch partner management on, for good, as was answered."""
    shown = _marks(request.form.get("shown", ""))
    try:
        with transaction() as session:
            draft = find_draft(session, current_actor(), for_update=True)
            if draft is None:
                return _step(lambda _draft: "")
            if request.form.get("version") != str(draft.version):
                raise Stale(
                    current={"changed": [_("You answered something else meanwhile, in another window.")]}
                )
            enable_prm(session, current_actor(), answers_of(draft), shown=shown, now=clock.now())
    except Stale as error:
        changed: list[str] = error.current["changed"]
        return _step(lambda draft: (_summary_page(db.session(), draft, changed), 409))
    except Invalid as error:
        texts = [str(text) for messages in error.errors.values() for text in messages]
        return _step(lambda draft: (_summary_page(db.session(), draft, texts), 422))
    flash(_("Partner management is on."), "success")
    return redirect(url_for("setup.prm"), 303)


def _summary_page(session: Session, draft: EnablingDraft, refused: Sequence[str] | None) -> str:
    """refused: why Done did nothing, None where it was not pressed."""
    organisation, audience, answers = get_organisation(session), Audience(session), answers_of(draft)
    items = what_reaches_partners(session, audience)
    after = defaults_chosen(organisation, answers)
    levels = default_words()
    return render_template(
        "setup/enabling/summary.html",
        refused=refused,
        changed=[] if refused is not None else differences(session, draft.seen, items, organisation),
        defaults=[
            (
                thing,
                [
                    (levels[organisation.defaults[thing][side]], levels[after[thing][side]])
                    for side in after[thing]
                ],
            )
            for thing in (*OBJECTS, *COMING)
        ],
        decided=decided(items, answers),
        companies=company_rows(count_companies(session, audience, items, answers, organisation)),
        has_companies=bool(audience.companies),
        steps=step_names(),
        step=4,
        shown=json.dumps(marks_of(items, organisation)),
        version=draft.version,
    )
