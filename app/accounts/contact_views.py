"""Contacts: the list, one contact, and the forms that make and change one."""

from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.accounts.changes import StaleEdit
from app.accounts.contact_operations import create_contact, delete_contact, edit_contact, restore_contact
from app.accounts.deleted import list_deleted_contacts
from app.accounts.errors import REASONS, ProbableDuplicate
from app.accounts.forms import RecordForm, form_class
from app.accounts.models import Account, Contact
from app.accounts.outside import contact_page
from app.accounts.pages import fill_pickers, form_data, show_differences
from app.accounts.queries import (
    ContactDetail,
    get_account,
    get_contact_and_level,
    may_govern,
    open_contact,
)
from app.accounts.related import colleagues, superiors_at
from app.accounts.relations.panel import SHOWN
from app.accounts.relations.tree import reporting_to
from app.accounts.vcards import card_of
from app.activities.facts import facts_of
from app.activities.panel import feed_of
from app.activities.told import last_activity
from app.care.panel import panel_of as care_of
from app.care.panel import survivor_url
from app.cases.queries import cases_of
from app.documents.panel import panel_of as documents_of
from app.fields.shown import shown_of
from app.kernel import clock, labels
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid, NotAllowed, NotFound
from app.lists.page import open_list
from app.lists.recent import remember_opened
from app.lists.tagging import tags_on
from app.opportunities.related import opportunities_of
from app.sharing.access_page import panel_of
from app.web.access import current_actor, needs
from app.web.deleting import deleted_page, say_deleted, say_restored
from app.web.form_errors import show_errors
from app.web.notices import flash_with_link
from app.web.once import once

bp = Blueprint("contacts", __name__, url_prefix="/contacts")


@bp.get("")
@needs(Permission.CONTACT_VIEW)
def index() -> ResponseReturnValue:
    """The contacts that the person may read, by last name unless sorted otherwise."""
    page = open_list(db.session(), current_actor(), "contact")
    return render_template("contacts/index.html", list=page), 422 if page.error else 200


@bp.get("/<ref('cont'):contact_ref>")
@needs(Permission.CONTACT_VIEW)
def show(contact_ref: str) -> ResponseReturnValue:
    """One contact with its account and timeline."""
    session, actor = db.session(), current_actor()
    try:
        detail = open_contact(session, actor, contact_ref)
    except NotFound:
        onward = survivor_url(session, actor, "contact", contact_ref)
        if onward is None:
            raise
        return redirect(onward, 301)
    remember_opened(actor, detail.contact)
    if actor.is_partner:
        return contact_page(session, actor, detail)
    return render_template(
        "contacts/show.html",
        page_ref=detail.contact.ref,
        detail=detail,
        contact=detail.contact,
        may_edit=detail.may_edit(actor),
        may_govern=detail.may_govern(actor),
        cases=cases_of(session, actor, detail.contact),
        opportunities=opportunities_of(session, actor, detail.contact),
        reports=reporting_to(session, actor, detail.contact, limit=SHOWN),
        feed=feed_of(session, actor, detail.contact),
        facts=facts_of(session, actor, detail.contact),
        tags=tags_on(session, actor, detail.contact, may_edit=detail.may_edit(actor)),
        documents=documents_of(session, actor, detail.contact),
        care=care_of(session, actor, detail.contact, may_edit=detail.may_edit(actor)),
        access=panel_of(actor, detail.contact),
        own_fields=shown_of(session, actor, "contact", detail.contact.custom),
        last_activity=last_activity(detail.contact, actor),
    )


@bp.get("/<ref('cont'):contact_ref>/card.vcf")
@needs(Permission.CONTACT_VIEW)
def card(contact_ref: str) -> ResponseReturnValue:
    """The contact as an address card, for the telephone's own address book."""
    actor = current_actor()
    detail = open_contact(db.session(), actor, contact_ref)
    answer = Response(card_of(actor, detail), mimetype="text/vcard")
    name = "".join(c if c.isalnum() or c in " .-" else "_" for c in detail.contact.full_name)
    answer.headers.set(
        "Content-Disposition", "attachment", filename=f"{name[:80].strip(' .') or 'contact'}.vcf"
    )
    return answer


@bp.get("/new")
@needs(Permission.CONTACT_EDIT)
def new() -> ResponseReturnValue:
    """The form for a new contact; `?account=acct_…` fills in the account."""
    session, actor = db.session(), current_actor()
    account = _account_asked_for(session)
    data = {"owner": actor.ref}
    if account is not None:
        data |= {"account_id": account.name, "account_id_ref": account.ref}
    return _new_page(session, form_class("contact")(formdata=None, data=data), account)


def _account_asked_for(session: Session) -> Account | None:
    ref = request.args.get("account") or request.form.get("account")
    return get_account(session, current_actor(), ref) if ref else None


@bp.post("")
@needs(Permission.CONTACT_EDIT)
@once
def create() -> ResponseReturnValue:
    """Store a new contact."""
    actor = current_actor()
    form = form_class("contact")()
    allow = bool(request.form.get("allow_duplicate"))
    try:
        with transaction() as session:
            values = fill_pickers(session, actor, form, form.given())
            contact = create_contact(session, actor, values, allow_duplicate=allow, now=clock.now())
    except Invalid as error:
        show_errors(form, error)
        return _new_page(db.session(), form, _account_asked_for(db.session())), 422
    except ProbableDuplicate as error:
        return _new_page(db.session(), form, _account_asked_for(db.session()), matches=error.matches), 409
    remember_opened(actor, contact)
    return _saved(contact, url_for("contacts.new", account=request.form.get("account") or None))


def _saved(contact: Contact, new_url: str) -> ResponseReturnValue:
    url = url_for("contacts.show", contact_ref=contact.ref)
    text = _("%(name)s is saved.", name=contact.full_name)
    if request.form.get("save_and_new"):
        flash_with_link(text, url, _("Show it"))
        return redirect(new_url, 303)
    flash(text, "success")
    return redirect(url, 303)


def _new_page(session: Session, form: RecordForm, account: Account | None, **more: Any) -> str:
    actor = current_actor()
    superiors = superiors_at(session, actor, account) if account else None
    form.offer(people=colleagues(session), superiors=superiors)
    return render_template(
        "contacts/new.html", form=form, account=account, reasons=REASONS, **{"matches": (), **more}
    )


@bp.get("/<ref('cont'):contact_ref>/edit")
@needs(Permission.CONTACT_EDIT)
def edit(contact_ref: str) -> ResponseReturnValue:
    """The form that changes a contact."""
    session, actor = db.session(), current_actor()
    detail = _editable(session, contact_ref)
    kind = form_class("contact")
    data = form_data(session, actor, kind.fields, detail.contact, detail.owner.ref)
    return _edit_page(session, detail, kind(formdata=None, data=data))


@bp.post("/<ref('cont'):contact_ref>/edit")
@needs(Permission.CONTACT_EDIT)
def save(contact_ref: str) -> ResponseReturnValue:
    """Change a contact; a stale or doubtful edit is shown again with what stands against it."""
    session, actor = db.session(), current_actor()
    detail = _editable(session, contact_ref)
    form = form_class("contact")()
    allow = bool(request.form.get("allow_duplicate"))
    try:
        with transaction() as writing:
            values = fill_pickers(writing, actor, form, form.given())
            contact = edit_contact(
                writing,
                actor,
                contact_ref,
                values,
                version=form.began_from,
                allow_duplicate=allow,
                now=clock.now(),
            )
    except Invalid as error:
        show_errors(form, error)
        return _edit_page(db.session(), detail, form), 422
    except StaleEdit as error:
        return _edit_page(db.session(), _editable(db.session(), contact_ref), form, stale=error), 409
    except ProbableDuplicate as error:
        return _edit_page(db.session(), detail, form, matches=error.matches), 409
    return _saved(contact, url_for("contacts.new"))


def _editable(session: Session, contact_ref: str) -> ContactDetail:
    """The contact, if the person may change it.  Raises NotFound, NotAllowed."""
    actor = current_actor()
    detail = open_contact(session, actor, contact_ref)
    if not detail.may_edit(actor):
        raise NotAllowed
    return detail


def _edit_page(session: Session, detail: ContactDetail, form: RecordForm, **more: Any) -> str:
    actor, contact = current_actor(), detail.contact
    superiors = superiors_at(session, actor, detail.account, except_id=contact.id) if detail.account else None
    form.offer(people=colleagues(session) if detail.may_govern(actor) else None, superiors=superiors)
    stale: StaleEdit | None = more.pop("stale", None)
    return render_template(
        "contacts/edit.html",
        page_ref=contact.ref,
        contact=contact,
        account=detail.account,
        form=form,
        reasons=REASONS,
        differences=show_differences(session, actor, form, stale) if stale else [],
        changed_by=detail.updated_by,
        changed_at=contact.updated_at,
        is_stale=stale is not None,
        **{"matches": (), **more},
    )


@bp.get("/deleted")
@needs(Permission.CONTACT_EDIT)
def deleted() -> ResponseReturnValue:
    """What was deleted in the last 30 days, with the button that brings it back."""
    rows = list_deleted_contacts(db.session(), current_actor(), now=clock.now())
    title = _("Deleted %(records)s", records=labels.many("contact"))
    return deleted_page("contact", rows, title=title, heading=_("Name"))


@bp.get("/<ref('cont'):contact_ref>/delete")
@needs(Permission.CONTACT_EDIT)
def ask_delete(contact_ref: str) -> ResponseReturnValue:
    """The question before a contact is deleted."""
    actor = current_actor()
    contact, given = get_contact_and_level(db.session(), actor, contact_ref)
    if not may_govern(actor, given):
        raise NotAllowed
    return render_template("contacts/delete.html", page_ref=contact.ref, contact=contact)


@bp.post("/<ref('cont'):contact_ref>/delete")
@needs(Permission.CONTACT_EDIT)
@once
def delete(contact_ref: str) -> ResponseReturnValue:
    """Delete the contact."""
    with transaction() as session:
        contact = delete_contact(session, current_actor(), contact_ref, now=clock.now())
    told = _("%(name)s is deleted. It can be restored for 30 days.", name=contact.full_name)
    return say_deleted("contact", contact.ref, told)


@bp.post("/<ref('cont'):contact_ref>/restore")
@needs(Permission.CONTACT_EDIT)
def restore(contact_ref: str) -> ResponseReturnValue:
    """Bring a deleted contact back."""
    with transaction() as session:
        contact = restore_contact(session, current_actor(), contact_ref, now=clock.now())
    return say_restored("contact", contact.ref, _("%(name)s is restored.", name=contact.full_name))
