"""Changing one cell of a list in its place, or on a small page of its own where there is no JavaScript."""

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.kernel import clock, refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import DomainError, Invalid, NotAllowed, NotFound, Stale
from app.lists.catalogue import Kind, ListField, ListObject, fields_of
from app.lists.change_run import raw_value, reason_of
from app.lists.change_views import edit_control
from app.lists.door import bp, object_named
from app.lists.query import parse_list
from app.lists.rows import Row, rows_of
from app.web.access import current_actor, needs
from app.web.htmx import wants_fragment
from app.web.redirects import is_local


@bp.get("/<thing>/cell/<record_ref>/<name>")
@needs(Permission.ACCOUNT_EDIT)
def edit_cell(thing: str, record_ref: str, name: str) -> ResponseReturnValue:
    """The form of one field of one record; `?as=is` the cell as it is."""
    session, actor = db.session(), current_actor()
    object_, field, row = _cell(session, actor, thing, record_ref, name)
    if request.args.get("as") == "is":
        return _shown(session, actor, object_, field, row)
    return _form(session, actor, object_, field, row, raw_value(field, row.cells[field.name]), "")


@bp.post("/<thing>/cell/<record_ref>/<name>")
@needs(Permission.ACCOUNT_EDIT)
def save_cell(thing: str, record_ref: str, name: str) -> ResponseReturnValue:
    """Save it, unless somebody changed that cell since the form was opened."""
    actor, value = current_actor(), request.form.get("value", "")
    object_, field, row = _cell(db.session(), actor, thing, record_ref, name)
    version: int | None = row.version
    if _one_line(request.form.get("was")) != _one_line(raw_value(field, row.cells[field.name])):
        version = _number(request.form.get("version", ""))
    assert object_.write is not None
    try:
        with transaction() as session:
            object_.write(
                session, actor, record_ref, {field.edits: value},
                version=version, now=clock.now(),
            )  # fmt: skip
    except (NotFound, NotAllowed):
        raise
    except DomainError as error:
        session = db.session()
        _object, _field, row = _cell(session, actor, thing, record_ref, name)
        problem = reason_of(error)
        if isinstance(error, Stale):
            problem = _("Somebody changed it a moment ago. Saving again replaces their value.")
        status = 422 if isinstance(error, Invalid) else 409
        return _form(session, actor, object_, field, row, value, problem), status
    session = db.session()
    if not wants_fragment():
        back = request.form.get("back", "")
        return redirect(back if is_local(back) else url_for(object_.root, _anchor=record_ref), 303)
    try:
        row = _row(session, actor, object_, field, record_ref)
    except NotFound:
        # Whoever gives it away may not see it any more.
        return render_template("lists/_cell_gone.html")
    return _shown(session, actor, object_, field, row)


def _number(given: str) -> int | None:
    return int(given) if given.isdecimal() and len(given) < 10 else None


def _one_line(value: str | None) -> str | None:
    """Forms carry the ends of lines their own way."""
    return None if value is None else " ".join(value.split())


def _cell(
    session: Session, actor: Actor, thing: str, record_ref: str, name: str
) -> tuple[ListObject, ListField, Row]:
    object_ = object_named(actor, thing)
    field = fields_of(session, actor, thing).get(name)
    if (
        field is None
        or not field.edits
        or object_.write is None
        or not refs.is_ref(object_.prefix, record_ref)
    ):
        raise NotFound("field", name)
    row = _row(session, actor, object_, field, record_ref)
    if row.given < Level.EDIT:
        raise NotAllowed
    return object_, field, row


def _row(session: Session, actor: Actor, object_: ListObject, field: ListField, record_ref: str) -> Row:
    query = parse_list(session, actor, object_, {})
    found = rows_of(session, actor, query, [query.fields[object_.title], field], [record_ref])
    if not found:
        raise NotFound(object_.prefix, record_ref)
    return found[0]


def _shown(
    session: Session, actor: Actor, object_: ListObject, field: ListField, row: Row
) -> ResponseReturnValue:
    names = {}
    if field.kind is Kind.CHOICE and field.choices is not None:
        names[field.name] = dict(field.choices(session, actor))
    return render_template("lists/_cell.html", object=object_, field=field, row=row, choice_names=names)


def _form(
    session: Session,
    actor: Actor,
    object_: ListObject,
    field: ListField,
    row: Row,
    value: str,
    problem: str,
) -> str:
    back = request.values.get("back", "") or (request.referrer or "")
    return render_template(
        "lists/_cell_form.html" if wants_fragment() else "lists/cell.html",
        object=object_,
        field=field,
        row=row,
        value=value,
        was=raw_value(field, row.cells[field.name]),
        control=edit_control(session, actor, field),
        problem=problem,
        title=str(row.cells[object_.title]),
        back=back if is_local(back) else "",
    )
