"""Doors of leaving: deactivate a user, suspend a partner account; and the way back of both."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.identity.directory import get_user, get_user_row
from app.identity.models import User
from app.identity.operations import require_managing
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import DomainError, Invalid
from app.leads.errors import AtCapacity
from app.offboarding import team_views  # noqa: F401 - its routes
from app.offboarding.blueprint import bp
from app.offboarding.choices import GiveTo, Keep, OpenRecords, Route
from app.offboarding.operations import (
    deactivate_user,
    get_partner,
    leaving_permission,
    reactivate_user,
    resume_partner,
    suspend_partner,
)
from app.offboarding.plans import find_successors, plan_suspension, plan_user_leaving
from app.routing.models import Queue
from app.routing.targets import find_target
from app.web.access import current_actor, needs
from app.web.once import once


@bp.get("/setup/users/<ref('user'):user_ref>/deactivate")
@needs(Permission.USER_VIEW)
def user(user_ref: str) -> ResponseReturnValue:
    """What deactivating the user touches, and what becomes of it."""
    return _user_page(user_ref)


@bp.post("/setup/users/<ref('user'):user_ref>/deactivate")
@needs(Permission.USER_VIEW)
@once
def deactivate(user_ref: str) -> ResponseReturnValue:
    """Deactivate the user."""
    actor = current_actor()
    try:
        with transaction() as session:
            leaver = get_user(session, actor, user_ref)
            require_managing(session, actor, leaver, leaving_permission(leaver.is_partner))
            choice = _choice(session, asked=plan_user_leaving(session, leaver, now=clock.now()).asks)
            left = deactivate_user(session, actor, leaver, choice, now=clock.now())
    except (Invalid, AtCapacity) as error:
        return _user_page(user_ref, error)
    text = _(
        "%(name)s is deactivated. Leads with a new owner: %(number)s.", name=leaver.name, number=left.moved
    )
    flash(text, "success")
    return redirect(url_for("users.show", user_ref=user_ref), 303)


@bp.post("/setup/users/<ref('user'):user_ref>/reactivate")
@needs(Permission.USER_VIEW)
def reactivate(user_ref: str) -> ResponseReturnValue:
    """Let the user in again."""
    with transaction() as session:
        back = reactivate_user(
            session, current_actor(), get_user(session, current_actor(), user_ref), now=clock.now()
        )
    flash(
        _("%(name)s can sign in again. Leads and seats did not come back with them.", name=back.name),
        "success",
    )
    return redirect(url_for("users.show", user_ref=user_ref), 303)


@bp.get("/partners/<ref('acct'):account_ref>/suspend")
@needs(Permission.PARTNER_SUSPEND)
def suspend(account_ref: str) -> ResponseReturnValue:
    """What suspending the partner account touches, and what becomes of it."""
    return _partner_page(account_ref)


@bp.post("/partners/<ref('acct'):account_ref>/suspend")
@needs(Permission.PARTNER_SUSPEND)
@once
def suspend_now(account_ref: str) -> ResponseReturnValue:
    """Suspend the partner account."""
    actor = current_actor()
    try:
        with transaction() as session:
            account, partner = get_partner(session, actor, account_ref)
            choice = _choice(session, asked=plan_suspension(session, partner, now=clock.now()).asks)
            left = suspend_partner(session, actor, account_ref, choice, now=clock.now())
    except (Invalid, AtCapacity) as error:
        return _partner_page(account_ref, error)
    text = _(
        "%(name)s is suspended. Leads with a new owner: %(number)s.", name=account.name, number=left.moved
    )
    flash(text, "success")
    return redirect(url_for("partners.show", account_ref=account_ref), 303)


@bp.post("/partners/<ref('acct'):account_ref>/resume")
@needs(Permission.PARTNER_SUSPEND)
def resume(account_ref: str) -> ResponseReturnValue:
    """Let the partner account work again."""
    with transaction() as session:
        resume_partner(session, current_actor(), account_ref, now=clock.now())
    flash(_("The partnership goes on. Its people sign in anew."), "success")
    return redirect(url_for("partners.show", account_ref=account_ref), 303)


def _choice(session: Session, *, asked: bool) -> OpenRecords:
    """What the form says of the open records.  Raises Invalid, also when it says nothing and there are some."""
    said = request.form.get("open_records", "" if asked else "keep")
    if said == "keep":
        return Keep()
    if said == "route":
        return Route()
    if said != "give":
        raise Invalid({"open_records": [_l("Say what becomes of the open leads.")]})
    kind, _colon, ref = request.form.get("owner", "").partition(":")
    if not ref:
        raise Invalid({"owner": [_l("Choose who gets them.")]})
    target = find_target(session, current_actor(), kind, ref)
    return GiveTo(target, over_capacity="over_capacity" in request.form)


def _user_page(user_ref: str, error: DomainError | None = None) -> ResponseReturnValue:
    session, actor = db.session(), current_actor()
    row = get_user_row(session, actor, user_ref)
    require_managing(session, actor, row.user, leaving_permission(row.user.is_partner))
    return _page(
        "offboarding/user.html",
        error,
        row.user,
        user=row.user,
        row=row,
        page_ref=row.user.ref,
        is_self=row.user.id == actor.user_id,
        plan=plan_user_leaving(session, row.user, now=clock.now()),
    )


def _partner_page(account_ref: str, error: DomainError | None = None) -> ResponseReturnValue:
    session = db.session()
    account, partner = get_partner(session, current_actor(), account_ref)
    return _page(
        "offboarding/partner.html",
        error,
        None,
        account=account,
        partner=partner,
        queue_ref=session.get_one(Queue, partner.queue_id).ref,
        page_ref=account.ref,
        plan=plan_suspension(session, partner, now=clock.now()),
    )


def _page(template: str, error: DomainError | None, leaver: User | None, **shown: Any) -> ResponseReturnValue:
    """The page, with what was chosen and why it could not be done."""
    messages = {"owner": [error.message]} if isinstance(error, AtCapacity) else getattr(error, "errors", {})
    body = render_template(
        template,
        chosen=request.form.get("open_records", ""),
        chosen_owner=request.form.get("owner", ""),
        messages=messages,
        is_full=isinstance(error, AtCapacity),
        successors=find_successors(db.session(), leaver),
        **shown,
    )
    return body, error.status if error else 200
