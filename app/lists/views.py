"""Pages around lists: the editor of a filter, the columns, saved views, short links.

Whoever has any list at all has that of leads; `object_named` asks for the permission of the list in question.
"""

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid, NotFound
from app.lists import cell_views, change_views, export_views, tag_views
from app.lists.catalogue import fields_of, objects
from app.lists.door import bp, object_named, params_asked, params_sent, sentences
from app.lists.filter_editing import editor_page
from app.lists.operations import (
    MOST_COLUMNS,
    choose_columns,
    choose_start_view,
    delete_view,
    save_view,
)
from app.lists.operations import (
    edit_view as change_view,
)
from app.lists.page import builtin_views, query_of
from app.lists.queries import choice_of, get_view, groups_to_share_with, partners_have_views, views_for
from app.lists.shown import init_list_templates
from app.web.access import current_actor, needs
from app.web.once import once
from app.web.redirects import is_local

__all__ = ["bp", "cell_views", "change_views", "export_views", "tag_views"]
bp.record_once(lambda state: init_list_templates(state.app))  # type: ignore[arg-type]


# The editor of a filter


@bp.get("/<thing>/filter")
@needs(Permission.LEAD_VIEW)
def edit_filter(thing: str) -> ResponseReturnValue:
    """Rows of conditions, added and taken away by asking this address again; at the end it leads to the list."""
    actor = current_actor()
    return editor_page(db.session(), actor, object_named(actor, thing))


# Columns


@bp.get("/<thing>/columns")
@needs(Permission.LEAD_VIEW)
def edit_columns(thing: str) -> ResponseReturnValue:
    """Which columns the person's lists of the object have."""
    session, actor = db.session(), current_actor()
    object_ = object_named(actor, thing)
    choice = choice_of(session, actor, thing)
    chosen = list(choice.columns if choice else ()) or list(object_.columns)
    return _columns_page(thing, chosen, "")


def _columns_page(name: str, chosen: list[str], problem: str) -> str:
    session, actor = db.session(), current_actor()
    object_ = object_named(actor, name)
    fields = fields_of(session, actor, name)
    rest = [n for n, f in fields.items() if f.is_column and n not in chosen and n != object_.title]
    order = [n for n in chosen if n in fields] + rest
    return render_template(
        "lists/columns.html",
        object=object_,
        fields=[fields[n] for n in order],
        chosen=chosen,
        most=MOST_COLUMNS,
        problem=problem,
        back=_back(object_),
    )


def _back(object_: Any) -> str:
    back = request.values.get("back", "")
    return back if is_local(back) else url_for(object_.root)


@bp.post("/<thing>/columns")
@needs(Permission.LEAD_VIEW)
def save_columns(thing: str) -> ResponseReturnValue:
    """Keep the columns for this person's lists."""
    actor = current_actor()
    object_ = object_named(actor, thing)
    chosen = [] if request.form.get("usual") else _in_order()
    try:
        with transaction() as session:
            choose_columns(session, actor, object_, chosen)
    except Invalid as error:
        problem = " ".join(str(m) for messages in error.errors.values() for m in messages)
        return _columns_page(thing, chosen, problem), 422
    return redirect(_back(object_), 303)


def _in_order() -> list[str]:
    """The ticked columns by the numbers given to them."""

    def place(name: str) -> tuple[int, int]:
        text = request.form.get(f"place.{name}", "")
        return (int(text) if text.isdecimal() and len(text) < 4 else 999, names.index(name))

    names = list(dict.fromkeys(request.form.getlist("column")))
    return sorted(names, key=place)


# Saved views


@bp.get("/<thing>/views")
@needs(Permission.LEAD_VIEW)
def index(thing: str) -> ResponseReturnValue:
    """The views of an object that the person has, with what each shows."""
    session, actor = db.session(), current_actor()
    object_ = object_named(actor, thing)
    rows = views_for(session, actor, object_)
    choice = choice_of(session, actor, thing)
    said = {row.view.ref: _said(object_, row.view.query) for row in rows}
    return render_template(
        "lists/views.html",
        object=object_,
        rows=rows,
        said=said,
        everyone=_everyone(session),
        builtin=builtin_views(),
        start_view=choice.start_view if choice else "",
    )


def _everyone(session: Session) -> str:
    """Who everyone is that a view can be shared with."""
    if partners_have_views(session):
        return _("Everyone, partners included")
    return _("Everyone at %(vendor)s", vendor=get_organisation(session).name)


def _said(object_: Any, query: Any) -> str:
    session, actor = db.session(), current_actor()
    try:
        return " · ".join(sentences(session, actor, query_of(session, actor, object_, query)))
    except Invalid:
        return _("It names something that is not there any more.")


@bp.get("/<thing>/views/new")
@needs(Permission.LEAD_VIEW)
def new_view(thing: str) -> ResponseReturnValue:
    """A list under a name: the form."""
    return _view_page(thing, None, {"name": "", "audience": "private", "group": ""}, {})


def _view_page(name: str, row: Any, values: dict[str, Any], errors: dict[str, Any]) -> str:
    session, actor = db.session(), current_actor()
    object_ = object_named(actor, name)
    params = params_sent() or params_asked() if row is None else dict(row.view.query)
    return render_template(
        "lists/view.html",
        object=object_,
        row=row,
        values=values,
        errors=errors,
        params=params,
        columns=request.values.get("columns", ""),
        said=_said(object_, params),
        groups=groups_to_share_with(session, actor),
        everyone=_everyone(session),
    )


@bp.post("/<thing>/views")
@needs(Permission.LEAD_VIEW)
@once
def create_view(thing: str) -> ResponseReturnValue:
    """Keep a list under a name."""
    actor, form = current_actor(), request.form
    object_ = object_named(actor, thing)
    columns = [name for name in form.get("columns", "").split(",") if name]
    try:
        with transaction() as session:
            query_of(session, actor, object_, params_sent())
            view = save_view(
                session, actor, object_, name=form.get("name"), query=params_sent(), columns=columns,
                audience=form.get("audience", "private"), group=form.get("group", ""), now=clock.now(),
            )  # fmt: skip
    except Invalid as error:
        return _view_page(thing, None, dict(form), error.errors), 422
    flash(_("The view “%(name)s” is saved.", name=view.name), "success")
    return redirect(url_for(object_.root, view=view.ref), 303)


@bp.get("/<thing>/views/<ref('view'):view_ref>")
@needs(Permission.LEAD_VIEW)
def edit_view(thing: str, view_ref: str) -> ResponseReturnValue:
    """Rename a view or share it otherwise: the form."""
    session, actor = db.session(), current_actor()
    object_named(actor, thing)
    row = get_view(session, actor, view_ref, thing)
    if not row.may_edit:
        raise NotFound("saved_view", view_ref)
    groups = {name: ref for ref, name in groups_to_share_with(session, actor)}
    values = {
        "name": row.view.name,
        "audience": row.view.audience,
        "group": groups.get(row.group_name, ""),
        "version": row.view.version,
    }
    return _view_page(thing, row, values, {})


@bp.post("/<thing>/views/<ref('view'):view_ref>")
@needs(Permission.LEAD_VIEW)
def update_view(thing: str, view_ref: str) -> ResponseReturnValue:
    """Save what was changed of a view: its name and who has it, or what it shows."""
    actor, form = current_actor(), request.form
    object_ = object_named(actor, thing)
    version = form.get("version", "")
    try:
        with transaction() as session:
            view = change_view(
                session, actor, view_ref, object_=object_, name=form.get("name"), query=params_sent() or None,
                audience=form.get("audience"), group=form.get("group", ""),
                version=int(version) if version.isdecimal() else None, now=clock.now(),
            )  # fmt: skip
    except Invalid as error:
        row = get_view(db.session(), actor, view_ref, thing)
        return _view_page(thing, row, dict(form), error.errors), 422
    flash(_("The view “%(name)s” is saved.", name=view.name), "success")
    return redirect(url_for(object_.root, view=view.ref), 303)


@bp.post("/<thing>/views/<ref('view'):view_ref>/delete")
@needs(Permission.LEAD_VIEW)
@once
def remove_view(thing: str, view_ref: str) -> ResponseReturnValue:
    """Take a view away; the records stay."""
    actor = current_actor()
    object_ = object_named(actor, thing)
    with transaction() as session:
        view = delete_view(session, actor, view_ref, object_=object_, now=clock.now())
    flash(_("The view “%(name)s” is deleted. Its records are all there.", name=view.name), "success")
    return redirect(url_for("lists.index", thing=thing), 303)


@bp.post("/<thing>/start")
@needs(Permission.LEAD_VIEW)
def start_with(thing: str) -> ResponseReturnValue:
    """Open the person's lists of the object with a view from now on."""
    actor, view = current_actor(), request.form.get("view", "")
    object_ = object_named(actor, thing)
    known = {name for name, _label in builtin_views()}
    with transaction() as session:
        if view not in known and not view.startswith("view_"):
            abort(422)
        choose_start_view(session, actor, object_, "" if view == "all" else view)
    flash(_("Your list starts with this view now."), "success")
    return redirect(url_for(object_.root), 303)


@bp.get("/to/<ref('view'):view_ref>")
@needs(Permission.LEAD_VIEW)
def go_to(view_ref: str) -> ResponseReturnValue:
    """The short link of a view; it shows whoever opens it what they may see."""
    row = get_view(db.session(), current_actor(), view_ref)
    return redirect(url_for(objects()[row.view.object].root, view=view_ref), 302)
