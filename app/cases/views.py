"""Cases: the list, one case, the forms that make and change one, closing and opening again."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.accounts.changes import StaleEdit
from app.accounts.queries import find_names, get_account, get_contact
from app.accounts.related import colleagues
from app.activities.panel import feed_of
from app.cases import search  # noqa: F401 - the box knows of cases from here on
from app.cases.deleted import list_deleted
from app.cases.fields import CHOICES, status_name
from app.cases.forms import CaseForm, TurnForm
from app.cases.models import Case, CaseCategory
from app.cases.operations import (
    close_case,
    create_case,
    delete_case,
    edit_case,
    reopen_case,
    restore_case,
)
from app.cases.pages import fill_parties, form_data, show_differences, suggest_contacts
from app.cases.queries import CaseDetail, list_statuses, open_case
from app.documents.panel import panel_of as documents_of
from app.kernel import clock, labels
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid, NotAllowed
from app.lists.page import open_list
from app.lists.recent import remember_opened
from app.lists.tagging import tags_on
from app.sharing.access_page import panel_of
from app.web.access import current_actor, needs
from app.web.deleting import deleted_page, say_deleted, say_restored
from app.web.form_errors import show_errors
from app.web.notices import flash_with_link
from app.web.once import once

bp = Blueprint("cases", __name__, url_prefix="/cases")
bp.add_app_template_filter(status_name, "case_status")


@bp.get("")
@needs(Permission.CASE_VIEW)
def index() -> ResponseReturnValue:
    """The cases that the person may read, newest first unless sorted otherwise."""
    page = open_list(db.session(), current_actor(), "case")
    return render_template("cases/index.html", list=page), 422 if page.error else 200


@bp.get("/contacts")
@needs(Permission.CASE_EDIT)
def contacts() -> ResponseReturnValue:
    """Names for the picker of a contact, of those that begin with what was typed."""
    found = suggest_contacts(db.session(), current_actor(), request.args.get("contact_id", "")[:120])
    return render_template("cases/_options.html", rows=found)


@bp.get("/<ref('case'):case_ref>")
@needs(Permission.CASE_VIEW)
def show(case_ref: str) -> ResponseReturnValue:
    """One case with its timeline."""
    session, actor = db.session(), current_actor()
    detail = open_case(session, actor, case_ref)
    remember_opened(actor, detail.case)
    return render_template(
        "cases/show.html",
        page_ref=detail.case.ref,
        detail=detail,
        case=detail.case,
        may_edit=detail.may_edit(actor),
        may_delete=detail.may_delete(actor),
        choices=CHOICES,
        feed=feed_of(session, actor, detail.case),
        tags=tags_on(session, actor, detail.case, may_edit=detail.may_edit(actor)),
        documents=documents_of(session, actor, detail.case),
        access=panel_of(actor, detail.case),
    )


# Making one


@bp.get("/new")
@needs(Permission.CASE_EDIT)
def new() -> ResponseReturnValue:
    """The form for a new case; `?account=acct_…` and `?contact=cont_…` fill in whom it concerns."""
    session, actor = db.session(), current_actor()
    data: dict[str, Any] = {"owner": actor.ref, "priority": "normal", "status": "new"}
    account, contact = request.args.get("account"), request.args.get("contact")
    if contact:
        person = get_contact(session, actor, contact)
        data |= {"contact_id": person.full_name, "contact_id_ref": person.ref}
        known = find_names(session, actor, [], keys={"account": person.account_id or 0})
        for ref, name in known.items():
            data |= {"account_id": name, "account_id_ref": ref}
    elif account:
        company = get_account(session, actor, account)
        data |= {"account_id": company.name, "account_id_ref": company.ref}
    return _new_page(session, CaseForm(formdata=None, data=data))


@bp.post("")
@needs(Permission.CASE_EDIT)
@once
def create() -> ResponseReturnValue:
    """Store a new case."""
    actor, form = current_actor(), CaseForm()
    try:
        with transaction() as session:
            values = fill_parties(session, actor, form, form.given())
            case = create_case(session, actor, values, now=clock.now())
    except Invalid as error:
        show_errors(form, error)
        return _new_page(db.session(), form), 422
    return _saved(case)


def _new_page(session: Session, form: CaseForm) -> str:
    form.offer_lists(list_statuses(session), colleagues(session))
    origin = _origin()
    return render_template("cases/new.html", form=form, origin=origin, back=_back(session, origin))


def _origin() -> dict[str, str]:
    """Kind → public name of the record that the form was opened from."""
    found = {
        kind: request.args.get(kind) or request.form.get(f"from_{kind}") for kind in ("contact", "account")
    }
    return {kind: ref for kind, ref in found.items() if ref}


def _back(session: Session, origin: Mapping[str, str]) -> tuple[str, str] | None:
    """(address, name) of that record, as long as it may be read."""
    for kind, ref in origin.items():
        for known, name in find_names(session, current_actor(), [ref]).items():
            where: Any = {f"{kind}_ref": known}
            return url_for(f"{kind}s.show", **where), name
    return None


def _saved(case: Case) -> ResponseReturnValue:
    remember_opened(current_actor(), case)
    url = url_for("cases.show", case_ref=case.ref)
    text = _("“%(name)s” is saved.", name=case.subject)
    if request.form.get("save_and_new"):
        flash_with_link(text, url, _("Show it"))
        again: Any = _origin()
        return redirect(url_for("cases.new", **again), 303)
    flash(text, "success")
    return redirect(url, 303)


# Changing one


@bp.get("/<ref('case'):case_ref>/edit")
@needs(Permission.CASE_EDIT)
def edit(case_ref: str) -> ResponseReturnValue:
    """The form that changes a case."""
    session = db.session()
    detail = _editable(session, case_ref)
    return _edit_page(session, detail, CaseForm(formdata=None, data=form_data(detail)))


@bp.post("/<ref('case'):case_ref>/edit")
@needs(Permission.CASE_EDIT)
def save(case_ref: str) -> ResponseReturnValue:
    """Change a case; a stale edit is shown again with what stands against it."""
    session, actor = db.session(), current_actor()
    detail = _editable(session, case_ref)
    form = CaseForm()
    try:
        with transaction() as writing:
            values = fill_parties(writing, actor, form, form.given())
            case = edit_case(writing, actor, case_ref, values, version=form.began_from, now=clock.now())
    except Invalid as error:
        show_errors(form, error)
        return _edit_page(db.session(), detail, form), 422
    except StaleEdit as error:
        return _edit_page(db.session(), _editable(db.session(), case_ref), form, error), 409
    return _saved(case)


def _editable(session: Session, case_ref: str) -> CaseDetail:
    """The case, if the person may change it.  Raises NotFound, NotAllowed."""
    actor = current_actor()
    detail = open_case(session, actor, case_ref)
    if not detail.may_edit(actor):
        raise NotAllowed
    return detail


def _edit_page(session: Session, detail: CaseDetail, form: CaseForm, stale: StaleEdit | None = None) -> str:
    people = colleagues(session) if detail.may_govern(current_actor()) else None
    form.offer_lists(list_statuses(session), people, present=detail.status)
    return render_template(
        "cases/edit.html",
        page_ref=detail.case.ref,
        detail=detail,
        case=detail.case,
        form=form,
        is_stale=stale is not None,
        differences=show_differences(session, form, detail, stale) if stale else [],
    )


# Closing, opening again


@bp.get("/<ref('case'):case_ref>/close")
@needs(Permission.CASE_EDIT)
def ask_close(case_ref: str) -> ResponseReturnValue:
    """The question what came of it."""
    return _turn_page(_editable(db.session(), case_ref), CaseCategory.CLOSED)


@bp.post("/<ref('case'):case_ref>/close")
@needs(Permission.CASE_EDIT)
def close(case_ref: str) -> ResponseReturnValue:
    """Close the case."""
    return _turn(case_ref, CaseCategory.CLOSED, close_case, _("The case is closed."))


@bp.get("/<ref('case'):case_ref>/reopen")
@needs(Permission.CASE_EDIT)
def ask_reopen(case_ref: str) -> ResponseReturnValue:
    """The question why it is not done."""
    return _turn_page(_editable(db.session(), case_ref), CaseCategory.OPEN)


@bp.post("/<ref('case'):case_ref>/reopen")
@needs(Permission.CASE_EDIT)
def reopen(case_ref: str) -> ResponseReturnValue:
    """Open the case again."""
    return _turn(case_ref, CaseCategory.OPEN, reopen_case, _("The case is open again."))


def _turn(case_ref: str, category: CaseCategory, act: Callable[..., Case], said: str) -> ResponseReturnValue:
    form = TurnForm()
    try:
        if not (form.reason.data or "").strip():
            raise Invalid({"reason": [_("Say why, in a few words.")]})
        with transaction() as session:
            act(
                session,
                current_actor(),
                case_ref,
                status=form.status.data or None,
                reason=form.reason.data,
                version=form.began_from,
                now=clock.now(),
            )
    except Invalid as error:
        show_errors(form, error)
        return _turn_page(_editable(db.session(), case_ref), category, form), 422
    except StaleEdit as error:
        form.form_errors = [*form.form_errors, str(error.message)]
        form.version.data = str(error.version)
        return _turn_page(_editable(db.session(), case_ref), category, form), 409
    flash(said, "success")
    return redirect(url_for("cases.show", case_ref=case_ref), 303)


def _turn_page(detail: CaseDetail, category: CaseCategory, form: TurnForm | None = None) -> str:
    form = form or TurnForm(formdata=None, data={"version": detail.case.version})
    form.offer(list_statuses(db.session()), category)
    return render_template(
        "cases/turn.html",
        page_ref=detail.case.ref,
        case=detail.case,
        detail=detail,
        form=form,
        closes=category is CaseCategory.CLOSED,
    )


# Deleting one


@bp.get("/deleted")
@needs(Permission.CASE_DELETE)
def deleted() -> ResponseReturnValue:
    """What was deleted in the last 30 days, with the button that brings it back."""
    rows = list_deleted(db.session(), current_actor(), now=clock.now())
    title = _("Deleted %(cases)s", cases=labels.many("case"))
    return deleted_page("case", rows, title=title, heading=labels.field("case", "subject"))


@bp.get("/<ref('case'):case_ref>/delete")
@needs(Permission.CASE_DELETE)
def ask_delete(case_ref: str) -> ResponseReturnValue:
    """The question before a case is deleted."""
    detail = open_case(db.session(), current_actor(), case_ref)
    if not detail.may_delete(current_actor()):
        raise NotAllowed
    return render_template("cases/delete.html", page_ref=detail.case.ref, case=detail.case)


@bp.post("/<ref('case'):case_ref>/delete")
@needs(Permission.CASE_DELETE)
@once
def delete(case_ref: str) -> ResponseReturnValue:
    """Delete the case."""
    with transaction() as session:
        case = delete_case(session, current_actor(), case_ref, now=clock.now())
    told = _("“%(name)s” is deleted. It can be restored for 30 days.", name=case.subject)
    return say_deleted("case", case.ref, told)


@bp.post("/<ref('case'):case_ref>/restore")
@needs(Permission.CASE_DELETE)
def restore(case_ref: str) -> ResponseReturnValue:
    """Bring a deleted case back."""
    with transaction() as session:
        case = restore_case(session, current_actor(), case_ref, now=clock.now())
    return say_restored("case", case.ref, _("“%(name)s” is restored.", name=case.subject))
