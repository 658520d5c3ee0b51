"""Changing many records of a list at once: asked first, with how many it is; long ones are done by the worker."""

from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.countries import country_choices
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.kernel.paging import COUNT_CAP
from app.lists.catalogue import Kind, ListField, ListObject, fields_of
from app.lists.change_operations import AT_ONCE, MOST_NAMED, ask_for_change, task_of
from app.lists.change_run import DELETE, FIELD, OWNER, TAG, UNTAG
from app.lists.door import bp, counted, list_url, object_named, params_sent, sentences
from app.lists.editor import Control
from app.lists.export_views import job_page
from app.lists.jobs import run_one
from app.lists.models import JobKind
from app.lists.page import count_text, query_of
from app.lists.people import colleague_choices
from app.lists.preview import LOOKED_AT, preview_change
from app.lists.queries import get_job
from app.lists.tagging import tag_choices
from app.lists.undo import ask_for_undo
from app.web.access import current_actor, needs
from app.web.once import once


@bp.post("/<thing>/change")
@needs(Permission.ACCOUNT_EDIT)
def change(thing: str) -> ResponseReturnValue:
    """What is to become of the records: the question, with how many they are; once it is answered, what it would do."""
    actor, session = current_actor(), db.session()
    object_ = object_named(actor, thing)
    if not request.form.get("look") and request.form.get("act") != DELETE:  # a deletion asks nothing before
        return _question(session, actor, object_, {})
    try:
        task = task_of(session, actor, object_, **_answers())
        if task["act"] == FIELD and "value" not in request.form:
            return _question(session, actor, object_, {})
        return _look(session, actor, object_, task)
    except Invalid as error:
        return _question(session, actor, object_, error.errors), 422


@bp.post("/<thing>/change/start")
@needs(Permission.ACCOUNT_EDIT)
@once
def start_change(thing: str) -> ResponseReturnValue:
    """Do it: few records at once, many by the worker."""
    actor, form = current_actor(), request.form
    object_ = object_named(actor, thing)
    refs = None if form.get("everything") else form.getlist("ref")
    answers = _answers()
    try:
        if answers["act"] == FIELD and "value" not in form:
            return _question(db.session(), actor, object_, {})
        with transaction() as session:
            count = len(refs) if refs is not None else counted(session, actor, object_, params_sent())
            job = ask_for_change(
                session, actor, object_, params_sent(), refs=refs, rows=count if count <= COUNT_CAP else None,
                now=clock.now(), **answers,
            )  # fmt: skip
    except Invalid as error:
        return _question(db.session(), actor, object_, error.errors), 422
    if count <= AT_ONCE:
        run_one(job.id)
    return redirect(url_for("lists.show_change", change_ref=job.ref), 303)


@bp.get("/changes/<ref('chg'):change_ref>")
@needs(Permission.ACCOUNT_EDIT)
def show_change(change_ref: str) -> ResponseReturnValue:
    """How far a change of many is, and what was left as it was."""
    return job_page(get_job(db.session(), current_actor(), change_ref, kind=JobKind.CHANGE))


@bp.post("/changes/<ref('chg'):change_ref>/undo")
@needs(Permission.ACCOUNT_EDIT)
@once
def undo_change(change_ref: str) -> ResponseReturnValue:
    """Take a change of many back: a small one at once, a large one by the worker."""
    actor = current_actor()
    with transaction() as session:
        job = get_job(session, actor, change_ref, kind=JobKind.CHANGE)
        undoing = ask_for_undo(session, actor, job, now=clock.now())
    if (undoing.rows or 0) <= AT_ONCE:
        run_one(undoing.id)
    return redirect(url_for("lists.show_change", change_ref=undoing.ref), 303)


def _answers() -> dict[str, Any]:
    """What the form says is to be done."""
    form = request.form
    act = form.get("act", "")
    return {
        "act": UNTAG if act == TAG and form.get("off") else act,
        "owner": form.get("owner", ""),
        "along": bool(form.get("along")),
        "tag": form.get("tag", ""),
        "field": form.get("field", ""),
        "value": form.get("value", ""),
    }


def _look(session: Session, actor: Actor, object_: ListObject, task: dict[str, Any]) -> str:
    """What the change would do, to be confirmed."""
    params = params_sent()
    everything = bool(request.form.get("everything"))
    refs = None if everything else list(dict.fromkeys(request.form.getlist("ref")))[:MOST_NAMED]
    query = query_of(session, actor, object_, params)
    preview = preview_change(session, actor, object_, query, task, refs)
    field = fields_of(session, actor, object_.name).get(task.get("field", ""))
    value = str(task.get("value", ""))
    if field is not None:
        control = edit_control(session, actor, field)
        value = dict(control.options).get(value, value)
    return render_template(
        "lists/look.html",
        object=object_,
        task=task,
        field=field,
        value=value,
        preview=preview,
        everything=everything,
        refs=refs or [],
        said=sentences(session, actor, query) if everything else [],
        params=params,
        up=list_url(object_, params),
        given=request.form,
        at_once=AT_ONCE,
        looked_at=LOOKED_AT,
    )


def _question(session: Session, actor: Actor, object_: ListObject, errors: Any) -> str:
    form, params = request.form, params_sent()
    everything = bool(form.get("everything")) or not form.getlist("ref")
    refs = [] if everything else list(dict.fromkeys(form.getlist("ref")))[:MOST_NAMED]
    query = query_of(session, actor, object_, params)
    count = counted(session, actor, object_, params) if everything else len(refs)
    fields = fields_of(session, actor, object_.name)
    chosen: ListField | None = fields.get(form.get("field", ""))
    if chosen is not None and not chosen.edits:
        chosen = None
    return render_template(
        "lists/change.html",
        object=object_,
        act=TAG if form.get("act") == UNTAG else form.get("act", ""),
        everything=everything,
        refs=refs,
        count=count,
        count_words=_more_than(count) if count > COUNT_CAP else count_text(count),
        said=sentences(session, actor, query) if everything else [],
        params=params,
        sort=next(iter(params.get("sort", ())), ""),
        up=list_url(object_, params),
        errors=errors,
        people=[pair for pair in colleague_choices(session, actor) if pair[0] != "me"],
        tags=[name for name, _label in tag_choices(session, actor)],
        fields=[(f.name, str(f.label)) for f in fields.values() if f.edits and f.kind is not Kind.USER],
        chosen=chosen,
        control=edit_control(session, actor, chosen) if chosen is not None else None,
        given=form,
        at_once=AT_ONCE,
        OWNER=OWNER,
        TAG=TAG,
        FIELD=FIELD,
    )


def _more_than(count: int) -> str:
    return _("more than %(number)s", number=count_text(count - 1))


def edit_control(session: Session, actor: Actor, field: ListField) -> Control:
    """The input in which a field's value is given."""
    if field.kind is Kind.COUNTRY:
        return Control("select", [("", "–"), *country_choices(actor.language)])
    if field.kind is Kind.YES_NO:
        return Control("select", [("", "–"), ("true", _("yes")), ("false", _("no"))])
    choices = field.edit_choices or field.choices
    if choices is not None:
        options = [pair for pair in choices(session, actor) if pair[0] != "me"]
        return Control("select", options if field.kind is Kind.USER else [("", "–"), *options])
    if field.kind in (Kind.NUMBER, Kind.MONEY):
        return Control("number", unit=str(field.unit))
    if field.kind is Kind.DATE:
        return Control("date")
    return Control("area" if field.kind is Kind.LONG_TEXT else "text")
