"""Accounts: the list, one account, and the forms that make and change one."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.accounts.categories import category_name
from app.accounts.changes import StaleEdit
from app.accounts.deleted import list_deleted_accounts
from app.accounts.errors import REASONS, ProbableDuplicate
from app.accounts.forms import RecordForm, form_class
from app.accounts.in_use import refuse_in_use
from app.accounts.models import Account
from app.accounts.operations import (
    add_responsible,
    create_account,
    delete_account,
    edit_account,
    remark_on_name,
    remove_responsible,
    restore_account,
)
from app.accounts.outside import account_page
from app.accounts.pages import fill_pickers, form_data, show_differences
from app.accounts.queries import (
    AccountDetail,
    get_account,
    open_account,
)
from app.accounts.related import (
    colleagues,
    contacts_of,
    count_contacts_of,
    responsibles_of,
    suggest_accounts,
)
from app.accounts.relations.panel import relations_of, tree_of
from app.accounts.relations.responsibles import roles_offered
from app.accounts.sight import is_told
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
from app.kernel.db import db, let_go, transaction
from app.kernel.errors import Invalid, NotAllowed, NotFound, why_in_use
from app.lists.page import open_list
from app.lists.recent import remember_opened
from app.lists.tagging import tags_on
from app.opportunities.needs import made_of_needs
from app.opportunities.related import opportunities_of
from app.sharing.access_page import panel_of
from app.sharing.asking import Question, agree_page, ask, may_be_told
from app.sharing.trying import account_edited, responsible_added, responsible_removed
from app.web.access import current_actor, needs
from app.web.deleting import deleted_page, say_deleted, say_restored
from app.web.form_errors import show_errors
from app.web.notices import flash_with_link
from app.web.once import once

bp = Blueprint("accounts", __name__, url_prefix="/accounts")

SHOWN_RELATED = 6
bp.add_app_template_filter(category_name, "account_category")
SUGGESTING_INPUTS = ("q", "parent_id", "account_id", "other")


@bp.get("")
@needs(Permission.ACCOUNT_VIEW)
def index() -> ResponseReturnValue:
    """The accounts that the person may read, by name unless sorted otherwise."""
    page = open_list(db.session(), current_actor(), "account")
    return render_template("accounts/index.html", list=page), 422 if page.error else 200


@bp.get("/suggest")
@needs(Permission.ACCOUNT_VIEW)
def suggest() -> ResponseReturnValue:
    """Names for a picker's list, of the accounts that begin with what was typed."""
    text = next((request.args[name] for name in SUGGESTING_INPUTS if request.args.get(name)), "")
    actor = current_actor()
    found = suggest_accounts(db.session(), actor, text)
    with_place = is_told(actor, "account", "billing_city")
    notes = [account.site or (account.billing_city if with_place else None) or "" for account in found]
    return render_template("accounts/_options.html", accounts=list(zip(found, notes, strict=True)))


@bp.get("/<ref('acct'):account_ref>")
@needs(Permission.ACCOUNT_VIEW)
def show(account_ref: str) -> ResponseReturnValue:
    """One account with its contacts, timeline and the people answerable for it."""
    session, actor = db.session(), current_actor()
    try:
        detail = open_account(session, actor, account_ref)
    except NotFound:
        onward = survivor_url(session, actor, "account", account_ref)
        if onward is None:
            raise
        return redirect(onward, 301)
    account = detail.account
    remember_opened(actor, account)
    if actor.is_partner:
        return account_page(session, actor, detail)
    return render_template(
        "accounts/show.html",
        page_ref=account.ref,
        detail=detail,
        account=account,
        may_edit=detail.may_edit(actor),
        may_govern=detail.may_govern(actor),
        contacts=contacts_of(session, actor, account, limit=SHOWN_RELATED + 1),
        contact_count=count_contacts_of(session, actor, account),
        cases=cases_of(session, actor, account),
        opportunities=opportunities_of(session, actor, account),
        made_of_needs=made_of_needs(session, actor, account),
        tree=tree_of(session, actor, account),
        relations=relations_of(session, actor, account),
        responsibles=responsibles_of(session, account),
        roles=roles_offered(session) if detail.may_govern(actor) else [],
        people=colleagues(session) if detail.may_govern(actor) else [],
        feed=feed_of(session, actor, account),
        facts=facts_of(session, actor, account),
        tags=tags_on(session, actor, account, may_edit=detail.may_edit(actor)),
        documents=documents_of(session, actor, account),
        care=care_of(session, actor, account, may_edit=detail.may_edit(actor)),
        access=panel_of(actor, account),
        own_fields=shown_of(session, actor, "account", account.custom),
        shown=SHOWN_RELATED,
        last_activity=last_activity(account, actor),
    )


@bp.get("/new")
@needs(Permission.ACCOUNT_EDIT)
def new() -> ResponseReturnValue:
    """The form for a new account; `?kind=person` for a person."""
    session, actor, kind = db.session(), current_actor(), _kind()
    form = form_class(kind)(formdata=None, data={"category": "unclassified", "owner": actor.ref})
    return _new_page(session, form, kind)


@bp.post("")
@needs(Permission.ACCOUNT_EDIT)
@once
def create() -> ResponseReturnValue:
    """Store a new account."""
    actor, kind = current_actor(), _kind()
    form = form_class(kind)()
    allow = bool(request.form.get("allow_duplicate"))
    try:
        with transaction() as session:
            values = {"kind": kind, **fill_pickers(session, actor, form, form.given())}
            account = create_account(session, actor, values, allow_duplicate=allow, now=clock.now())
    except Invalid as error:
        show_errors(form, error)
        return _new_page(db.session(), form, kind), 422
    except ProbableDuplicate as error:
        return _new_page(db.session(), form, kind, matches=error.matches), 409
    remember_opened(actor, account)
    return _saved(account, url_for("accounts.new", kind=kind if kind == "person" else None))


def _saved(account: Account, new_url: str) -> ResponseReturnValue:
    url = url_for("accounts.show", account_ref=account.ref)
    text = _("%(name)s is saved.", name=account.name)
    remark = remark_on_name(db.session(), account)
    if remark is not None:
        flash(str(remark), "warning")
    if request.form.get("save_and_new"):
        flash_with_link(text, url, _("Show it"))
        return redirect(new_url, 303)
    flash(text, "success")
    return redirect(url, 303)


def _kind() -> str:
    return "person" if (request.form.get("kind") or request.args.get("kind")) == "person" else "business"


def _new_page(session: Session, form: RecordForm, kind: str, **more: Any) -> str:
    form.offer(people=colleagues(session))
    return render_template(
        "accounts/new.html", form=form, kind=kind, reasons=REASONS, **{"matches": (), **more}
    )


@bp.get("/<ref('acct'):account_ref>/edit")
@needs(Permission.ACCOUNT_EDIT)
def edit(account_ref: str) -> ResponseReturnValue:
    """The form that changes an account."""
    session, actor = db.session(), current_actor()
    detail = _editable(session, account_ref)
    kind = form_class(detail.account.kind)
    data = form_data(session, actor, kind.fields, detail.account, detail.owner.ref)
    return _edit_page(session, detail, kind(formdata=None, data=data))


@bp.post("/<ref('acct'):account_ref>/edit")
@needs(Permission.ACCOUNT_EDIT)
def save(account_ref: str) -> ResponseReturnValue:
    """Change an account; a stale or doubtful edit is shown again with what stands against it."""
    session, actor = db.session(), current_actor()
    detail = _editable(session, account_ref)
    form = form_class(detail.account.kind)()
    allow = bool(request.form.get("allow_duplicate"))
    try:
        values = fill_pickers(session, actor, form, form.given())
        question = _ask_about_owner(session, detail, values)
        if question is not None:
            return _edit_page(db.session(), detail, form, question=question)
        with transaction() as writing:
            account = edit_account(
                writing,
                actor,
                account_ref,
                values,
                version=form.began_from,
                allow_duplicate=allow,
                now=clock.now(),
            )
    except Invalid as error:
        show_errors(form, error)
        return _edit_page(db.session(), detail, form), 422
    except StaleEdit as error:
        return _edit_page(db.session(), _editable(db.session(), account_ref), form, stale=error), 409
    except ProbableDuplicate as error:
        return _edit_page(db.session(), detail, form, matches=error.matches), 409
    return _saved(account, url_for("accounts.new"))


def _ask_about_owner(session: Session, detail: AccountDetail, values: dict[str, Any]) -> Question | None:
    """What is to be agreed to first: what people gain and lose by another owner.  Raises what saving raises.

    Nothing where they may not be told.
    """
    actor, account = current_actor(), detail.account
    if values.get("owner", detail.owner.ref) == detail.owner.ref or not may_be_told(actor):
        return None
    found = account_edited(session, actor, account.ref, values, now=clock.now(), then=let_go)
    return ask(found, values["owner"])


def _editable(session: Session, account_ref: str) -> AccountDetail:
    """The account, if the person may change it.  Raises NotFound, NotAllowed."""
    actor = current_actor()
    detail = open_account(session, actor, account_ref)
    if not detail.may_edit(actor):
        raise NotAllowed
    return detail


def _edit_page(session: Session, detail: AccountDetail, form: RecordForm, **more: Any) -> str:
    actor = current_actor()
    form.offer(people=colleagues(session) if detail.may_govern(actor) else None)
    stale: StaleEdit | None = more.pop("stale", None)
    return render_template(
        "accounts/edit.html",
        page_ref=detail.account.ref,
        account=detail.account,
        form=form,
        reasons=REASONS,
        differences=show_differences(session, actor, form, stale) if stale else [],
        changed_by=detail.updated_by,
        changed_at=detail.account.updated_at,
        is_stale=stale is not None,
        **{"matches": (), "question": None, **more},
    )


@bp.get("/deleted")
@needs(Permission.ACCOUNT_DELETE)
def deleted() -> ResponseReturnValue:
    """What was deleted in the last 30 days, with the button that brings it back."""
    rows = list_deleted_accounts(db.session(), current_actor(), now=clock.now())
    title = _("Deleted %(records)s", records=labels.many("account"))
    return deleted_page("account", rows, title=title, heading=_("Name"))


@bp.get("/<ref('acct'):account_ref>/delete")
@needs(Permission.ACCOUNT_DELETE)
def ask_delete(account_ref: str) -> ResponseReturnValue:
    """What deleting takes along, before it is done."""
    session, actor = db.session(), current_actor()
    account = get_account(session, actor, account_ref)
    count = count_contacts_of(session, actor, account)
    return render_template(
        "accounts/delete.html",
        page_ref=account.ref,
        account=account,
        contact_count=count,
        refusal=why_in_use(refuse_in_use, session, actor, account),
    )


@bp.post("/<ref('acct'):account_ref>/delete")
@needs(Permission.ACCOUNT_DELETE)
@once
def delete(account_ref: str) -> ResponseReturnValue:
    """Delete the account and its contacts."""
    with transaction() as session:
        account = delete_account(session, current_actor(), account_ref, now=clock.now())
    told = _("%(name)s is deleted. It can be restored for 30 days.", name=account.name)
    return say_deleted("account", account.ref, told)


@bp.post("/<ref('acct'):account_ref>/restore")
@needs(Permission.ACCOUNT_DELETE)
def restore(account_ref: str) -> ResponseReturnValue:
    """Bring a deleted account back."""
    with transaction() as session:
        account = restore_account(session, current_actor(), account_ref, now=clock.now())
    return say_restored("account", account.ref, _("%(name)s is restored.", name=account.name))


@bp.post("/<ref('acct'):account_ref>/responsibles")
@needs(Permission.ACCOUNT_EDIT)
@once
def add_person(account_ref: str) -> ResponseReturnValue:
    """Make a colleague answerable for the account."""
    user_ref, role = request.form.get("user", ""), request.form.get("role", "")
    actor, up = current_actor(), url_for("accounts.show", account_ref=account_ref, _anchor="responsibles")
    if may_be_told(actor):
        question = ask(
            responsible_added(db.session(), actor, account_ref, user_ref, now=clock.now(), then=let_go),
            user_ref,
        )
        if question is not None:
            return agree_page(
                question, _("Make responsible"), _("Make responsible"), up, sent=("user", "role")
            )
    with transaction() as session:
        add_responsible(session, current_actor(), account_ref, user_ref, role=role, now=clock.now())
    return redirect(up, 303)


@bp.post("/<ref('acct'):account_ref>/responsibles/<ref('mem'):responsible_ref>/remove")
@needs(Permission.ACCOUNT_EDIT)
@once
def remove_person(account_ref: str, responsible_ref: str) -> ResponseReturnValue:
    """Take a colleague's answerability away."""
    actor, up = current_actor(), url_for("accounts.show", account_ref=account_ref, _anchor="responsibles")
    if may_be_told(actor):
        question = ask(
            responsible_removed(
                db.session(), actor, account_ref, responsible_ref, now=clock.now(), then=let_go
            ),
            "removed",
        )
        if question is not None:
            return agree_page(question, _("No longer responsible"), _("Remove"), up)
    with transaction() as session:
        remove_responsible(session, current_actor(), account_ref, responsible_ref, now=clock.now())
    return redirect(up, 303)
