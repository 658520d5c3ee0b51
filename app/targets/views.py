"""What a partner aims at: the channel manager sets it, the partner's people see it."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.opportunities import currencies
from app.targets.forms import AimForm, TargetForm
from app.targets.models import PartnerTarget
from app.targets.operations import delete_target, edit_target, set_target
from app.targets.periods import period_key, period_name, periods_to_choose
from app.targets.progress import progress_of, today_of
from app.targets.queries import (
    Aim,
    get_partner_account,
    get_target,
    my_targets,
    people_to_aim,
    targets_of,
    whose,
)
from app.web.access import current_actor, needs
from app.web.choices import options
from app.web.form_errors import show_errors
from app.web.once import once

bp = Blueprint("targets", __name__)


@bp.get("/targets")
@needs(Permission.INBOX_VIEW)
def mine() -> ResponseReturnValue:
    """What a partner's own people aim at, with how far they are."""
    session, actor, now = db.session(), current_actor(), clock.now()
    rows = progress_of(session, actor, my_targets(session, actor), now=now)
    return render_template("targets/mine.html", rows=rows)


@bp.get("/partners/<ref('acct'):account_ref>/targets")
@needs(Permission.PARTNER_VIEW)
def index(account_ref: str) -> ResponseReturnValue:
    """A partner's targets, the latest first; those who may set one do it there."""
    session = db.session()
    account = get_partner_account(session, current_actor(), account_ref)
    return _list_page(session, account, TargetForm(formdata=None))


def _list_page(session: Session, account: Account, form: TargetForm) -> str:
    actor, now = current_actor(), clock.now()
    people = people_to_aim(session, account)
    periods = periods_to_choose(today_of(session, now))
    form.period.choices = options((period_key(*each), period_name(*each)) for each in periods)
    form.person.choices = options(
        [("", _("The whole company")), *((person.ref, person.name) for person in people)]
    )
    _offer_currencies(session, form)
    rows = progress_of(session, actor, targets_of(session, account), account=account, now=now)
    if form.period.data is None:  # the next one that the company has no target for
        aimed = {(row.target.period, row.target.starts_on) for row in rows if row.target.user_id is None}
        form.period.data = next((period_key(*each) for each in periods if each not in aimed), None)
    return render_template(
        "targets/index.html",
        page_ref=account.ref,
        account=account,
        rows=rows,
        form=form,
        may_edit=actor.can(Permission.TARGET_EDIT),
    )


def _offer_currencies(session: Session, form: AimForm) -> None:
    own = get_organisation(session).currency
    form.currency.choices = options(currencies.choices(own))
    form.currency.data = form.currency.data or own or currencies.COMMON[0]


@bp.post("/partners/<ref('acct'):account_ref>/targets")
@needs(Permission.TARGET_EDIT)
@once
def add(account_ref: str) -> ResponseReturnValue:
    """Set a target."""
    form, actor = TargetForm(), current_actor()
    values = {name: form[name].data for name in ("period", "person", *_AIMS)}
    try:
        with transaction() as session:
            set_target(session, actor, account_ref, values, now=clock.now())
    except Invalid as error:
        show_errors(form, error)
        account = get_partner_account(db.session(), actor, account_ref)
        return _list_page(db.session(), account, form), 422
    flash(_("The target is set. The partner's people see it on their home page."), "success")
    return redirect(url_for("targets.index", account_ref=account_ref), 303)


_AIMS = ("converted", "amount", "currency")


@bp.get("/partners/<ref('acct'):account_ref>/targets/<ref('target'):target_ref>")
@needs(Permission.TARGET_EDIT)
def edit(account_ref: str, target_ref: str) -> ResponseReturnValue:
    """The form of a target."""
    session, actor = db.session(), current_actor()
    account = get_partner_account(session, actor, account_ref)
    target = get_target(session, actor, account, target_ref)
    form = AimForm(
        formdata=None,
        converted="" if target.converted is None else str(target.converted),
        amount="" if target.won_amount is None else f"{target.won_amount:.3f}".rstrip("0").rstrip("."),
        currency=target.currency or "",
    )
    return _edit_page(session, account, target, form)


def _edit_page(session: Session, account: Account, target: PartnerTarget, form: AimForm) -> str:
    _offer_currencies(session, form)
    aims = [Aim(target, whose(session, target))]
    [row] = progress_of(session, current_actor(), aims, account=account, now=clock.now())
    return render_template(
        "targets/edit.html",
        page_ref=account.ref,
        account=account,
        row=row,
        form=form,
        version=request.form.get("version", target.version),
    )


@bp.post("/partners/<ref('acct'):account_ref>/targets/<ref('target'):target_ref>")
@needs(Permission.TARGET_EDIT)
def save(account_ref: str, target_ref: str) -> ResponseReturnValue:
    """Change what is to be reached."""
    form, actor = AimForm(), current_actor()
    values: dict[str, Any] = {name: form[name].data for name in _AIMS}
    try:
        with transaction() as session:
            edit_target(session, actor, account_ref, target_ref, values, version=_version(), now=clock.now())
    except Invalid as error:
        show_errors(form, error)
        session = db.session()
        account = get_partner_account(session, actor, account_ref)
        return _edit_page(session, account, get_target(session, actor, account, target_ref), form), 422
    flash(_("The target is changed."), "success")
    return redirect(url_for("targets.index", account_ref=account_ref), 303)


def _version() -> int | None:
    given = request.form.get("version", "")
    return int(given) if given.isdecimal() and len(given) < 10 else None


@bp.post("/partners/<ref('acct'):account_ref>/targets/<ref('target'):target_ref>/delete")
@needs(Permission.TARGET_EDIT)
@once
def delete(account_ref: str, target_ref: str) -> ResponseReturnValue:
    """Take a target back."""
    with transaction() as session:
        delete_target(session, current_actor(), account_ref, target_ref, now=clock.now())
    flash(_("The target is taken back."), "success")
    return redirect(url_for("targets.index", account_ref=account_ref), 303)
