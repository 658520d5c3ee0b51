"""Setup > Fields: what there is and how it is used, one field, the layout of forms, the page that lists them all."""

import csv
import io
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.fields.counting import count_fields
from app.fields.drafts import FieldDraft, draft_of
from app.fields.forms import FieldForm, draft_from, form_of, kind_helps, move_choice
from app.fields.kinds import KIND_NAMES, OBJECTS, WITH_CHOICES, Kind
from app.fields.models import CustomField
from app.fields.operations import (
    arrange_form,
    create_field,
    delete_field,
    edit_field,
    index_field,
    reset_form,
    restore_field,
    retire_field,
    unindex_field,
)
from app.fields.pages import (
    as_arranged,
    layout_page,
    layout_version,
    lines_of,
    moved,
    present_layout,
)
from app.fields.queries import count_values, get_field, is_used, used_choices
from app.fields.usage import uses_of
from app.identity.lead_fields import read_lead_fields
from app.intake.neutralise import neutralise
from app.kernel import clock, labels
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Conflict, Invalid, Stale
from app.leads.visibility import Visibility
from app.web.access import current_actor, needs
from app.web.form_errors import show_errors
from app.web.once import once

bp = Blueprint("fields", __name__, url_prefix="/setup/fields")

_OBJECT = f"<any({', '.join(OBJECTS)}):object_>"


@bp.get("")
@needs(Permission.SETTING_MANAGE)
def index() -> ResponseReturnValue:
    """The fields that were added, by object, with how they are used."""
    lines = lines_of(db.session(), standard=False)
    return render_template("fields/index.html", lines=lines, titles=_titles())


@bp.post("/count")
@needs(Permission.SETTING_MANAGE)
def recount() -> ResponseReturnValue:
    """Count anew how many records hold something in each field, standard ones too."""
    with transaction() as session:
        for object_ in OBJECTS:
            count_fields(session, object_, now=clock.now())
    flash(_("Counted."), "success")
    return redirect(url_for("fields.index"), 303)


@bp.get("/all")
@needs(Permission.SETTING_MANAGE)
def dictionary() -> ResponseReturnValue:
    """Every field with its definition, to print."""
    lines = lines_of(db.session(), standard=True)
    return render_template("fields/all.html", lines=lines, titles=_titles(), now=clock.now())


@bp.get("/all.csv")
@needs(Permission.SETTING_MANAGE)
def dictionary_file() -> ResponseReturnValue:
    """The same as a file."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        [
            "object", "field", "label", "type", "help", "definition", "asked_by", "why", "who_sees_it", "filled",
            "last_used", "state",
        ]
    )  # fmt: skip
    for object_, lines in lines_of(db.session(), standard=True).items():
        for line in lines:
            used = line.last_used_at.date().isoformat() if line.last_used_at else ""
            state = "standard" if line.row is None else "retired" if line.row.retired_at else "in use"
            cells = [
                object_, line.name, line.label, line.kind, line.help, line.definition, line.asked_by, line.reason,
                line.sees, line.fill, used, state,
            ]  # fmt: skip
            writer.writerow([neutralise(str(cell)) for cell in cells])
    headers = {"Content-Disposition": 'attachment; filename="fields.csv"'}
    return Response("\ufeff" + text.getvalue(), mimetype="text/csv", headers=headers)


# One field


@bp.get(f"/new/{_OBJECT}")
@needs(Permission.SETTING_MANAGE)
def new(object_: str) -> ResponseReturnValue:
    """The form for another field of an object."""
    draft = FieldDraft(object=object_, kind=Kind.TEXT, asked_by=current_actor().name, visibility="hidden")
    return _editor(form_of(draft), draft)


@bp.post(f"/new/{_OBJECT}")
@needs(Permission.SETTING_MANAGE)
@once
def create(object_: str) -> ResponseReturnValue:
    """Add the field."""
    form = FieldForm()
    draft = draft_from(form, object_, request.form)
    if move_choice(draft, request.form.get("act", "")):
        return _editor(form, draft)
    try:
        with transaction() as session:
            field = create_field(session, current_actor(), draft, now=clock.now())
    except Invalid as error:
        show_errors(form, _at_inputs(error))
        return _editor(form, draft), 422
    flash(_("The field “%(name)s” is there.", name=field.label), "success")
    return redirect(url_for("fields.show", field_ref=field.ref), 303)


@bp.get("/<ref('field'):field_ref>")
@needs(Permission.SETTING_MANAGE)
def show(field_ref: str) -> ResponseReturnValue:
    """One field: what it is, how it is used, what names it."""
    session = db.session()
    field = get_field(session, field_ref)
    line = next(each for each in lines_of(session, standard=False)[field.object] if each.name == field.name)
    return render_template(
        "fields/show.html",
        page_ref=field.ref,
        field=field,
        line=line,
        title=_titles()[field.object],
        uses=uses_of(session, field),
        can_index=Kind(field.kind) is not Kind.CHOICES,
        has_choices=Kind(field.kind) in WITH_CHOICES,
        is_used=is_used(session, field),
    )


@bp.get("/<ref('field'):field_ref>/edit")
@needs(Permission.SETTING_MANAGE)
def edit(field_ref: str) -> ResponseReturnValue:
    session = db.session()
    field = get_field(session, field_ref)
    draft = draft_of(field)
    if field.object == "lead":
        draft.visibility = read_lead_fields(session).everyone.get(field.name, Visibility.HIDDEN)
    return _editor(form_of(draft, field.version), draft, field)


@bp.post("/<ref('field'):field_ref>/edit")
@needs(Permission.SETTING_MANAGE)
@once
def save(field_ref: str) -> ResponseReturnValue:
    """Change the field; an edit that somebody overtook is refused with what was typed."""
    field = get_field(db.session(), field_ref)
    form = FieldForm()
    form.kind.data = field.kind
    draft = draft_from(form, field.object, request.form)
    if move_choice(draft, request.form.get("act", "")):
        return _editor(form, draft, field)
    began = form.version.data or ""
    version = int(began) if began.isascii() and began.isdecimal() and len(began) < 10 else None
    try:
        with transaction() as session:
            edit_field(session, current_actor(), field_ref, draft, version=version, now=clock.now())
    except Invalid as error:
        show_errors(form, _at_inputs(error))
        return _editor(form, draft, field), 422
    except Stale as error:
        form.form_errors = [*form.form_errors, str(error.message)]
        return _editor(form, draft, field), 409
    flash(_("Saved."), "success")
    return redirect(url_for("fields.show", field_ref=field_ref), 303)


def _at_inputs(error: Invalid) -> Invalid:
    """Complaints beside the inputs that they are about."""
    inputs = {"choices": "new_choices", "labels": "label"}
    return Invalid({inputs.get(name, name): messages for name, messages in error.errors.items()})


def _editor(form: FieldForm, draft: FieldDraft, field: CustomField | None = None) -> str:
    used = used_choices(db.session(), field) if field is not None else set()
    if draft.choices and form.new_choices.data:
        form.new_choices.data = ""  # they stand among the others by now
    return render_template(
        "fields/edit.html",
        form=form,
        draft=draft,
        field=field,
        object_=draft.object,
        title=_titles()[draft.object],
        helps=kind_helps(),
        kinds={kind.value: str(name) for kind, name in KIND_NAMES.items()},
        used=used,
    )


# What is done to a field by a button


def _act(field_ref: str, verb: Any, said: str) -> ResponseReturnValue:
    try:
        with transaction() as session:
            verb(session, current_actor(), field_ref, now=clock.now())
    except Conflict as error:
        flash(str(error.message), "error")
    else:
        flash(said, "success")
    return redirect(url_for("fields.show", field_ref=field_ref), 303)


@bp.post("/<ref('field'):field_ref>/index")
@needs(Permission.SETTING_MANAGE)
def mark(field_ref: str) -> ResponseReturnValue:
    """Mark it as indexed."""
    return _act(
        field_ref, index_field, _("Marked. Lists can filter and sort by it as soon as all records are ready.")
    )


@bp.post("/<ref('field'):field_ref>/unindex")
@needs(Permission.SETTING_MANAGE)
def unmark(field_ref: str) -> ResponseReturnValue:
    """Take the mark away."""
    return _act(field_ref, unindex_field, _("The mark is taken away."))


@bp.get("/<ref('field'):field_ref>/retire")
@needs(Permission.SETTING_MANAGE)
def ask_retire(field_ref: str) -> ResponseReturnValue:
    """What retiring does, and what names the field."""
    session = db.session()
    field = get_field(session, field_ref)
    return render_template(
        "fields/retire.html", field=field, uses=uses_of(session, field), title=_titles()[field.object]
    )


@bp.post("/<ref('field'):field_ref>/retire")
@needs(Permission.SETTING_MANAGE)
def retire(field_ref: str) -> ResponseReturnValue:
    return _act(field_ref, retire_field, _("It is retired. What records hold in it is kept."))


@bp.post("/<ref('field'):field_ref>/restore")
@needs(Permission.SETTING_MANAGE)
def restore(field_ref: str) -> ResponseReturnValue:
    return _act(field_ref, restore_field, _("It is in use again."))


@bp.get("/<ref('field'):field_ref>/delete")
@needs(Permission.SETTING_MANAGE)
def ask_delete(field_ref: str) -> ResponseReturnValue:
    """How many values would go, before anything does."""
    session = db.session()
    field = get_field(session, field_ref)
    number = count_values(session, field) if is_used(session, field) else 0
    return render_template(
        "fields/delete.html",
        field=field,
        number=number,
        uses=uses_of(session, field),
        title=_titles()[field.object],
    )


@bp.post("/<ref('field'):field_ref>/delete")
@needs(Permission.SETTING_MANAGE)
@once
def delete(field_ref: str) -> ResponseReturnValue:
    """Take it away for good; asks again where there are other values by now."""
    agreed = request.form.get("values", "")
    knowingly = int(agreed) if agreed.isascii() and agreed.isdecimal() and len(agreed) < 12 else None
    try:
        with transaction() as session:
            delete_field(session, current_actor(), field_ref, knowingly=knowingly, now=clock.now())
    except Conflict as error:
        flash(str(error.message), "error")
        return redirect(url_for("fields.ask_delete", field_ref=field_ref), 303)
    flash(_("It is deleted."), "success")
    return redirect(url_for("fields.index"), 303)


# The layout of forms


@bp.get(f"/layout/{_OBJECT}")
@needs(Permission.SETTING_MANAGE)
def layout(object_: str) -> ResponseReturnValue:
    """In which order the form of an object asks."""
    session = db.session()
    return render_template(
        "fields/layout.html",
        object_=object_,
        sections=layout_page(session, object_),
        version=layout_version(session, object_),
        is_arranged=as_arranged(session, object_),
        titles=_titles(),
    )


@bp.post(f"/layout/{_OBJECT}")
@needs(Permission.SETTING_MANAGE)
def arrange(object_: str) -> ResponseReturnValue:
    """Move a field up or down, or put all back."""
    act = request.form.get("act", "")
    began = request.form.get("version", "")
    version = int(began) if began.isascii() and began.isdecimal() and len(began) < 10 else 0
    try:
        with transaction() as session:
            if act == "reset":
                reset_form(session, current_actor(), object_, now=clock.now())
            else:
                wanted = moved(present_layout(session, object_), act)
                arrange_form(session, current_actor(), object_, wanted, version=version, now=clock.now())
    except Stale as error:
        flash(str(error.message), "warning")
    name = act.partition("-")[2]
    return redirect(url_for("fields.layout", object_=object_, _anchor=f"f-{name}" if name else None), 303)


def _titles() -> dict[str, str]:
    return {name: labels.many(name, title=True) for name in OBJECTS}
