"""What hangs on an account: its page, and the forms that add, change and remove."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.pages import count_text, fill_pickers
from app.accounts.queries import get_account_and_level
from app.accounts.relations.characteristics import (
    add_characteristic,
    characteristics_of,
    remove_characteristic,
)
from app.accounts.relations.forms import (
    INVERSE,
    characteristic_form,
    interest_form,
    relationship_form,
)
from app.accounts.relations.interests import change_interest, interests_of, note_interest, remove_interest
from app.accounts.relations.relationships import (
    add_relationship,
    read_day,
    relationships_of,
    remove_relationship,
)
from app.accounts.relations.responsibles import change_role
from app.kernel import clock
from app.kernel.actor import Level, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Conflict, Invalid, NotFound
from app.opportunities.needs import made_of_needs
from app.web.access import current_actor, needs
from app.web.form_errors import show_errors
from app.web.once import once

bp = Blueprint("relations", __name__, url_prefix="/accounts")

MOST_SHOWN = 500
bp.add_app_template_filter(count_text, "count_text")
_ACCOUNT = "/<ref('acct'):account_ref>"


@bp.get(_ACCOUNT + "/relations")
@needs(Permission.ACCOUNT_KEEP)
def show(account_ref: str) -> ResponseReturnValue:
    """Relationships, interests and characteristics of the account, each with its form."""
    return _page(account_ref)


def _page(account_ref: str, *, status: int = 200, **forms: Any) -> ResponseReturnValue:
    """forms: `relationship`, `interest` or `characteristic`, where one comes back with what stands against it."""
    session, actor = db.session(), current_actor()
    account, given = get_account_and_level(session, actor, account_ref)
    new_characteristic, values = characteristic_form(session)
    rows = relationships_of(session, actor, account, limit=MOST_SHOWN + 1)
    page = render_template(
        "accounts/relations/show.html",
        page_ref=account.ref,
        account=account,
        may_edit=given >= Level.EDIT and actor.can(Permission.ACCOUNT_EDIT),
        related=rows[:MOST_SHOWN],
        has_more=len(rows) > MOST_SHOWN,
        interests=interests_of(session, account),
        made_of_needs=made_of_needs(session, actor, account),
        characteristics=characteristics_of(session, account),
        relationship=forms.get("relationship") or relationship_form(session),
        interest=forms.get("interest") or interest_form(session),
        characteristic=forms.get("characteristic") or new_characteristic,
        values=values,
        open=next(iter(forms), request.args.get("add", "")),
    )
    return page, status


def _done(account_ref: str, part: str, said: str) -> ResponseReturnValue:
    flash(said, "success")
    return redirect(url_for("relations.show", account_ref=account_ref, _anchor=part), 303)


def _refused(account_ref: str, name: str, form: Any, error: Invalid | Conflict) -> ResponseReturnValue:
    if isinstance(error, Conflict):
        error = Invalid({"": [error.message]})
        show_errors(form, error)
        return _page(account_ref, status=409, **{name: form})
    show_errors(form, error)
    return _page(account_ref, status=422, **{name: form})


# Relationships


@bp.post(_ACCOUNT + "/relationships")
@needs(Permission.ACCOUNT_EDIT)
@once
def relate(account_ref: str) -> ResponseReturnValue:
    """Relate the account to another one."""
    actor, form = current_actor(), relationship_form(db.session(), is_sent=True)
    reason = form.sent("reason")
    try:
        with transaction() as session:
            given = fill_pickers(session, actor, form, {"account_id": form.sent("account_id")})  # type: ignore[arg-type]  # has what pickers ask for
            if given["account_id"] is None:
                raise Invalid({"account_id": [_("Choose an account.")]})
            added = add_relationship(
                session,
                actor,
                account_ref,
                given["account_id"],
                reason.removesuffix(INVERSE),
                is_inverse=reason.endswith(INVERSE),
                note=form.sent("note"),
                since_on=read_day("since_on", form.sent("since_on")),
                until_on=read_day("until_on", form.sent("until_on")),
                now=clock.now(),
            )
            said = _("It is related to %(name)s.", name=added.other.name)
    except (Invalid, Conflict) as error:
        return _refused(account_ref, "relationship", form, error)
    return _done(account_ref, "relationships", said)


@bp.post(_ACCOUNT + "/relationships/<ref('rel'):relationship_ref>/remove")
@needs(Permission.ACCOUNT_EDIT)
@once
def unrelate(account_ref: str, relationship_ref: str) -> ResponseReturnValue:
    """End a relationship, from either side."""
    with transaction() as session:
        remove_relationship(session, current_actor(), account_ref, relationship_ref, now=clock.now())
    return _done(account_ref, "relationships", _("The relationship is removed from both accounts."))


# Interests


@bp.post(_ACCOUNT + "/interests")
@needs(Permission.ACCOUNT_EDIT)
@once
def note(account_ref: str) -> ResponseReturnValue:
    """Note what the account thinks of an area."""
    form = interest_form(db.session(), is_sent=True)
    try:
        with transaction() as session:
            note_interest(
                session,
                current_actor(),
                account_ref,
                request.form.get("area", ""),
                is_interested=request.form.get("interest") != "no",
                need=request.form.get("need"),
                now=clock.now(),
            )
    except Invalid as error:
        return _refused(account_ref, "interest", form, error)
    return _done(account_ref, "interests", _("Saved."))


@bp.post(_ACCOUNT + "/interests/<ref('int'):interest_ref>")
@needs(Permission.ACCOUNT_EDIT)
def change(account_ref: str, interest_ref: str) -> ResponseReturnValue:
    """Say that the need is met or open again, or forget the interest, by the button that was pressed."""
    actor, now = current_actor(), clock.now()
    with transaction() as session:
        match request.form.get("act"):
            case "remove":
                remove_interest(session, actor, account_ref, interest_ref, now=now)
            case "met" | "open" as act:
                values = {"need_met": act == "met"}
                change_interest(session, actor, account_ref, interest_ref, values, now=now)
            case _:
                raise NotFound("act")
    return _done(account_ref, "interests", _("Saved."))


# Characteristics


@bp.post(_ACCOUNT + "/characteristics")
@needs(Permission.ACCOUNT_EDIT)
@once
def characterise(account_ref: str) -> ResponseReturnValue:
    """Say what is characteristic of the account."""
    form, _values = characteristic_form(db.session(), is_sent=True)
    try:
        with transaction() as session:
            add_characteristic(
                session,
                current_actor(),
                account_ref,
                request.form.get("type", ""),
                request.form.get("value", ""),
                now=clock.now(),
            )
    except (Invalid, Conflict) as error:
        return _refused(account_ref, "characteristic", form, error)
    return _done(account_ref, "characteristics", _("Saved."))


@bp.post(_ACCOUNT + "/characteristics/<ref('char'):characteristic_ref>/remove")
@needs(Permission.ACCOUNT_EDIT)
@once
def uncharacterise(account_ref: str, characteristic_ref: str) -> ResponseReturnValue:
    """Take a characteristic away."""
    with transaction() as session:
        remove_characteristic(session, current_actor(), account_ref, characteristic_ref, now=clock.now())
    return _done(account_ref, "characteristics", _("It is removed."))


# Responsibles


@bp.post(_ACCOUNT + "/responsibles/<ref('mem'):responsible_ref>/role")
@needs(Permission.ACCOUNT_EDIT)
def save_role(account_ref: str, responsible_ref: str) -> ResponseReturnValue:
    """Say as what somebody is answerable."""
    with transaction() as session:
        role = request.form.get("role")
        change_role(session, current_actor(), account_ref, responsible_ref, role, now=clock.now())
    return redirect(url_for("accounts.show", account_ref=account_ref, _anchor="responsibles"), 303)
