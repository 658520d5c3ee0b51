"""The pages that make partners and partner users, and change what is agreed with them."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.accounts.models import Account, AccountKind, Contact
from app.accounts.queries import get_account, get_contact, open_contact
from app.identity.models import User
from app.identity.queries import get_organisation
from app.identity.roles import role_helps
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, let_go, transaction
from app.kernel.errors import Invalid
from app.partners.blueprint import bp
from app.partners.errors import NoAccount, NotAPartner, OnlyBusinesses, PartnerAlready, PartnersOff
from app.partners.forms import PartnerForm, PartnerUserForm
from app.partners.models import PartnerAccount
from app.partners.operations import edit_partner, enable_partner, enable_partner_user
from app.partners.queries import (
    channel_managers,
    list_levels,
    open_partner,
)
from app.routing.partner_queues import minimum_role
from app.sharing.asking import Question, ask, may_be_told
from app.sharing.trying import partner_edited
from app.web.access import current_actor, needs
from app.web.choices import options
from app.web.form_errors import show_errors
from app.web.once import once


@bp.get("/accounts/<ref('acct'):account_ref>/enable-partner")
@needs(Permission.PARTNER_ENABLE)
def enable(account_ref: str) -> ResponseReturnValue:
    """The page that makes an account a partner, with what will come of it."""
    session, actor = db.session(), current_actor()
    account = _to_be_partner(session, account_ref)
    managers = channel_managers(session)
    fitting = {person.ref for person in managers}
    owner_ref = _owner_ref(session, account)
    form = PartnerForm(formdata=None, channel_manager=owner_ref if owner_ref in fitting else actor.ref)
    return _enable_page(session, account, form)


def _to_be_partner(session: Session, account_ref: str) -> Account:
    """The account, if it can become a partner.  Raises NotFound, PartnersOff, OnlyBusinesses, PartnerAlready."""
    account = get_account(session, current_actor(), account_ref)
    if get_organisation(session).prm_enabled_at is None:
        raise PartnersOff
    if account.kind is not AccountKind.BUSINESS:
        raise OnlyBusinesses
    if session.get(PartnerAccount, account.id) is not None:
        raise PartnerAlready
    return account


def _owner_ref(session: Session, account: Account) -> str:
    return session.get_one(User, account.owner_user_id).ref


def _enable_page(session: Session, account: Account, form: PartnerForm) -> str:
    _fill(session, form)
    return render_template("partners/enable.html", page_ref=account.ref, account=account, form=form)


def _fill(session: Session, form: PartnerForm) -> None:
    form.channel_manager.choices = options((person.ref, person.name) for person in channel_managers(session))
    levels = [(level.ref, level.name) for level in list_levels(session)]
    form.level.choices = options([("", _("None")), *levels])


@bp.post("/accounts/<ref('acct'):account_ref>/enable-partner")
@needs(Permission.PARTNER_ENABLE)
@once
def enable_now(account_ref: str) -> ResponseReturnValue:
    """Make the account a partner."""
    form = PartnerForm()
    try:
        with transaction() as session:
            enable_partner(
                session,
                current_actor(),
                account_ref,
                **_agreed(form),
                channel_manager=form.channel_manager.data,
                now=clock.now(),
            )
    except Invalid as error:
        show_errors(form, error)
        return _enable_page(db.session(), _to_be_partner(db.session(), account_ref), form), 422
    flash(_("It is a partner now, with a queue of its own. Next, enable its people."), "success")
    return redirect(url_for("partners.show", account_ref=account_ref), 303)


def _agreed(form: PartnerForm) -> dict[str, Any]:
    """What the form says of level, capacity and queue.  Raises Invalid."""
    if not form.validate():
        raise Invalid
    return {
        "level": form.level.data or None,
        "capacity": form.capacity.data,
        "members_from": form.members_from.data,
        "may_invite": form.may_invite.data,
    }


@bp.get("/partners/<ref('acct'):account_ref>/edit")
@needs(Permission.PARTNER_ENABLE)
def edit(account_ref: str) -> ResponseReturnValue:
    """The form for level, capacity and who is in the queue."""
    session = db.session()
    detail = open_partner(session, current_actor(), account_ref)
    form = PartnerForm(
        formdata=None,
        level=detail.level.ref if detail.level else "",
        capacity=detail.partner.capacity,
        members_from=minimum_role(session, detail.queue.id, detail.account.id).value,
        may_invite=detail.partner.may_invite.value,
    )
    return _edit_page(session, detail.account, form)


def _edit_page(
    session: Session, account: Account, form: PartnerForm, question: Question | None = None
) -> str:
    _fill(session, form)
    return render_template(
        "partners/edit.html", page_ref=account.ref, account=account, form=form, question=question
    )


@bp.post("/partners/<ref('acct'):account_ref>/edit")
@needs(Permission.PARTNER_ENABLE)
def save(account_ref: str) -> ResponseReturnValue:
    """Change level, capacity and who is in the queue."""
    form, actor = PartnerForm(), current_actor()
    try:
        question = _ask(actor, account_ref, form)
        if question is not None:
            account = open_partner(db.session(), actor, account_ref).account
            return _edit_page(db.session(), account, form, question)
        with transaction() as session:
            edit_partner(session, actor, account_ref, _agreed(form), now=clock.now())
    except Invalid as error:
        show_errors(form, error)
        session = db.session()
        return _edit_page(session, open_partner(session, actor, account_ref).account, form), 422
    flash(_("The partnership is changed."), "success")
    return redirect(url_for("partners.show", account_ref=account_ref), 303)


def _ask(actor: Actor, account_ref: str, form: PartnerForm) -> Question | None:
    """What is to be agreed to first: what people gain and lose by another level or queue.

    Nothing where they may not be told.  Raises what saving raises.
    """
    if not may_be_told(actor):
        return None
    values = _agreed(form)
    found = partner_edited(db.session(), actor, account_ref, values, now=clock.now(), then=let_go)
    return ask(found, (values["level"], values["members_from"]))


@bp.get("/contacts/<ref('cont'):contact_ref>/enable-partner-user")
@needs(Permission.PARTNER_ENABLE)
def enable_user(contact_ref: str) -> ResponseReturnValue:
    """The new user, filled from the contact, to be confirmed."""
    session = db.session()
    contact, account = _to_be_user(session, contact_ref)
    organisation = get_organisation(session)
    form = PartnerUserForm(
        formdata=None,
        name=contact.full_name,
        email=contact.email or "",
        role="user",
        language=contact.language or organisation.language,
        time_zone=contact.time_zone or organisation.time_zone,
    )
    return _user_page(session, contact, account, form)


def _to_be_user(session: Session, contact_ref: str) -> tuple[Contact, Account]:
    """The contact and its partner.  Raises NotFound, PartnersOff, NoAccount, NotAPartner."""
    actor = current_actor()
    contact = get_contact(session, actor, contact_ref)
    if get_organisation(session).prm_enabled_at is None:
        raise PartnersOff
    if contact.account_id is None:
        raise NoAccount
    if session.get(PartnerAccount, contact.account_id) is None:
        raise NotAPartner
    account = open_contact(session, actor, contact_ref).account
    if account is None:
        raise NotAPartner
    return contact, account


def _user_page(session: Session, contact: Contact, account: Account, form: PartnerUserForm) -> str:
    return render_template(
        "partners/enable_user.html",
        page_ref=contact.ref,
        contact=contact,
        account=account,
        form=form,
        role_helps=role_helps(),
        is_published=get_organisation(session).portal_published_at is not None,
    )


@bp.post("/contacts/<ref('cont'):contact_ref>/enable-partner-user")
@needs(Permission.PARTNER_ENABLE)
@once
def enable_user_now(contact_ref: str) -> ResponseReturnValue:
    """Make the contact a partner user and send the invitation."""
    form = PartnerUserForm()
    try:
        if not form.validate():
            raise Invalid
        with transaction() as session:
            given = {name: form[name].data for name in ("name", "email", "role", "language", "time_zone")}
            user = enable_partner_user(session, current_actor(), contact_ref, **given, now=clock.now())
            account_ref = _to_be_user(session, contact_ref)[1].ref
    except Invalid as error:
        show_errors(form, error)
        contact, account = _to_be_user(db.session(), contact_ref)
        return _user_page(db.session(), contact, account, form), 422
    flash(
        _(
            "%(name)s is invited at %(email)s. The link in the mail works for 72 hours.",
            name=user.name,
            email=user.email,
        ),
        "success",
    )
    return redirect(url_for("partners.show", account_ref=account_ref), 303)
