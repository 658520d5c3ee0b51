"""Setup > Users: who may sign in, as what, with which limits."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.identity.directory import (
    UserFilter,
    UserRow,
    count_open_leads,
    get_user,
    get_user_row,
    history_of,
    is_away,
    list_users,
)
from app.identity.forms import InviteForm, UserForm
from app.identity.history import in_words
from app.identity.models import UserState
from app.identity.operations import (
    edit_user,
    invite_user,
    managing_permission,
    require_managing,
    resend_invitation,
)
from app.identity.queries import get_organisation
from app.identity.required_factor import factor_state
from app.identity.roles import role_helps, role_names
from app.identity.second_factor import reset_second_factor
from app.identity.sessions import end_all_sessions, live_sessions
from app.identity.tokens import live_tokens, revoke_token
from app.kernel import clock
from app.kernel.actor import INTERNAL_ROLES, PARTNER_ROLES, Permission, Role
from app.kernel.db import db, let_go, transaction
from app.kernel.errors import Invalid, NotFound
from app.sharing.asking import Question, ask, may_be_told
from app.sharing.trying import user_edited
from app.web.access import current_actor, needs
from app.web.form_errors import show_errors
from app.web.once import once

bp = Blueprint("users", __name__, url_prefix="/setup/users")


@bp.get("")
@needs(Permission.USER_VIEW)
def index() -> ResponseReturnValue:
    """Users by name, filtered by role and state or searched."""
    wanted = _filter()
    page = list_users(db.session(), current_actor(), wanted, cursor=request.args.get("cursor", ""))
    return render_template("users/index.html", page=page, wanted=wanted, now=clock.now(), **_names())


@bp.get("/new")
@needs(Permission.USER_MANAGE)
def new() -> ResponseReturnValue:
    """The form that invites an internal user."""
    organisation = get_organisation(db.session())
    form = InviteForm(formdata=None, language=organisation.language, time_zone=organisation.time_zone)
    return render_template("users/new.html", form=form, **_names())


@bp.post("")
@needs(Permission.USER_MANAGE)
@once
def create() -> ResponseReturnValue:
    """Invite an internal user."""
    form = InviteForm()
    try:
        if not form.validate():
            raise Invalid
        with transaction() as session:
            user = invite_user(
                session, current_actor(), now=clock.now(), email=form.email.data, **_given(form, "away_on")
            )
    except Invalid as error:
        show_errors(form, error)
        return render_template("users/new.html", form=form, **_names()), 422
    flash(_("%(name)s is invited. The link in the mail works for 72 hours.", name=user.name), "success")
    if request.form.get("save_and_new"):
        return redirect(url_for("users.new"), 303)
    return redirect(url_for("users.show", user_ref=user.ref), 303)


@bp.get("/<ref('user'):user_ref>")
@needs(Permission.USER_VIEW)
def show(user_ref: str) -> ResponseReturnValue:
    """One user: role, limits, where they are signed in, what happened."""
    session, actor, now = db.session(), current_actor(), clock.now()
    row = get_user_row(session, actor, user_ref)
    return render_template(
        "users/show.html",
        user=row.user,
        row=row,
        page_ref=row.user.ref,
        open_leads=count_open_leads(session, actor, row.user),
        now=now,
        away=is_away(row.user, now),
        may_manage=actor.can(managing_permission(row.user.is_partner)),
        factor=factor_state(session, row.user),
        sessions=live_sessions(session, row.user.id, now=now),
        tokens=live_tokens(session, row.user.id, now=now),
        history=in_words(history_of(session, actor, row.user)),
        **_names(),
    )


@bp.get("/<ref('user'):user_ref>/edit")
@needs(Permission.USER_VIEW)
def edit(user_ref: str) -> ResponseReturnValue:
    """The form for role and limits."""
    row = _managed(user_ref)
    form = UserForm(formdata=None, obj=row.user, is_partner=row.user.is_partner)
    form.set_away(row.user.away_until if is_away(row.user, clock.now()) else None, row.user.time_zone)
    return _edit_page(form, row)


@bp.post("/<ref('user'):user_ref>/edit")
@needs(Permission.USER_VIEW)
def save(user_ref: str) -> ResponseReturnValue:
    """Change role and limits."""
    row = _managed(user_ref)
    form = UserForm(is_partner=row.user.is_partner)
    try:
        if not form.validate():
            raise Invalid
        values = {**_given(form), "away_until": form.away_until(form.time_zone.data)}
        question = _ask(row, values)
        if question is not None:
            return _edit_page(form, row, question)
        with transaction() as session:
            edit_user(session, current_actor(), row.user, values, now=clock.now(), version=_version())
    except Invalid as error:
        show_errors(form, error)
        return _edit_page(form, row), 422
    flash(_("%(name)s is saved.", name=row.user.name), "success")
    return redirect(url_for("users.show", user_ref=user_ref), 303)


def _ask(row: UserRow, values: dict[str, Any]) -> Question | None:
    """What is to be agreed to first: what people gain and lose by another role or account scope.

    Nothing where they may not be told.  Raises what saving raises.
    """
    decisive = {name: values[name] for name in ("role", "account_scope") if name in values}
    if not may_be_told(current_actor()) or all(
        getattr(row.user, name) == value for name, value in decisive.items()
    ):
        return None
    session, actor = db.session(), current_actor()
    found = user_edited(session, actor, row.user, values, now=clock.now(), then=let_go)
    return ask(found, {name: str(value) for name, value in decisive.items()})


@bp.post("/<ref('user'):user_ref>/invite")
@needs(Permission.USER_VIEW)
@once
def invite(user_ref: str) -> ResponseReturnValue:
    """Send the invitation again, with a new link."""
    with transaction() as session:
        user = get_user(session, current_actor(), user_ref)
        resend_invitation(session, current_actor(), user, now=clock.now())
    flash(
        _(
            "A new invitation is on its way to %(email)s. The old link opens nothing any more.",
            email=user.email,
        ),
        "success",
    )
    return redirect(url_for("users.show", user_ref=user_ref), 303)


@bp.post("/<ref('user'):user_ref>/sessions/end")
@needs(Permission.USER_VIEW)
def end_sessions(user_ref: str) -> ResponseReturnValue:
    """End every session of the user."""
    with transaction() as session:
        user = get_user(session, current_actor(), user_ref)
        number = end_all_sessions(session, current_actor(), user, now=clock.now())
    flash(_("Sessions ended: %(number)s.", number=number), "success")
    return redirect(url_for("users.show", user_ref=user_ref), 303)


@bp.get("/<ref('user'):user_ref>/second-factor/reset")
@needs(Permission.USER_MANAGE)
def ask_reset(user_ref: str) -> ResponseReturnValue:
    """The question before a second factor is taken away."""
    row = get_user_row(db.session(), current_actor(), user_ref)
    return render_template("users/reset_factor.html", user=row.user, page_ref=row.user.ref)


@bp.post("/<ref('user'):user_ref>/second-factor/reset")
@needs(Permission.USER_MANAGE)
def reset_factor(user_ref: str) -> ResponseReturnValue:
    """Take the user's second factor away and end their sessions."""
    with transaction() as session:
        user = get_user(session, current_actor(), user_ref)
        reset_second_factor(session, current_actor(), user, now=clock.now())
    flash(_("The second factor of %(name)s is reset. Every session has ended.", name=user.name), "success")
    return redirect(url_for("users.show", user_ref=user_ref), 303)


@bp.post("/<ref('user'):user_ref>/tokens/<ref('tok'):token_ref>/revoke")
@needs(Permission.USER_VIEW)
def revoke(user_ref: str, token_ref: str) -> ResponseReturnValue:
    """Revoke a token of the user."""
    with transaction() as session:
        user = get_user(session, current_actor(), user_ref)
        revoke_token(session, current_actor(), user, token_ref, now=clock.now())
    flash(_("That token is revoked."), "success")
    return redirect(url_for("users.show", user_ref=user_ref), 303)


def _filter() -> UserFilter:
    """The filter that the address asks for; unknown roles and states are no users' and match nothing."""
    role, state = request.args.get("role", ""), request.args.get("state", "")
    try:
        return UserFilter(
            role=Role(role) if role else None,
            state=UserState(state) if state else None,
            q=request.args.get("q", "").replace("\x00", "").strip()[:200],
        )
    except ValueError:
        raise NotFound("page") from None


def _managed(user_ref: str) -> UserRow:
    """The user, if the actor may change them.  Raises NotFound, NotAllowed."""
    row = get_user_row(db.session(), current_actor(), user_ref)
    require_managing(db.session(), current_actor(), row.user, managing_permission(row.user.is_partner))
    return row


def _edit_page(form: UserForm, row: UserRow, question: Question | None = None) -> str:
    return render_template(
        "users/edit.html", form=form, question=question, user=row.user, row=row, page_ref=row.user.ref, version=_version() or row.user.version,
        is_self=row.user.id == current_actor().user_id, **_names(),
    )  # fmt: skip


def _given(form: UserForm, *without: str) -> dict[str, Any]:
    names = ("name", "role", "account_scope", "capacity", "language", "time_zone")
    return {name: form[name].data for name in names if name in form and name not in without}


def _version() -> int | None:
    text = request.form.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _names() -> dict[str, Any]:
    return {
        "role_names": role_names(),
        "role_helps": role_helps(),
        "internal_roles": INTERNAL_ROLES,
        "partner_roles": PARTNER_ROLES,
        "state_names": {
            UserState.INVITED: _("Invited"),
            UserState.ACTIVE: _("Active"),
            UserState.DEACTIVATED: _("Deactivated"),
        },
    }
