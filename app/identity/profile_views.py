"""What people see and set about themselves: details, password, mail, where they are signed in, tokens."""

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.identity.browsers import browser_name
from app.identity.credentials import change_password, check_own_password
from app.identity.forms import ChangePasswordForm, ProfileForm, TokenForm, typed
from app.identity.mail_choices import chosen_preferences, mail_choices, way_words
from app.identity.models import User
from app.identity.operations import THEMES, edit_profile
from app.identity.passwords import check_password, hash_password
from app.identity.required_factor import factor_state
from app.identity.sessions import end_other_sessions, end_session, live_sessions
from app.identity.tokens import create_token, live_tokens, revoke_token
from app.identity.views import read_only
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.web.access import current_actor, needs
from app.web.form_errors import show_errors
from app.web.limits import SIGN_IN, limiter
from app.web.once import once
from app.web.redirects import safe_next

bp = Blueprint("profile", __name__, url_prefix="/profile")
bp.add_app_template_filter(browser_name)


def _own(session: Session) -> User:
    return session.get_one(User, current_actor().user_id)


def _actor_key() -> str:
    return f"user:{current_actor().user_id}"


@bp.get("")
@needs(Permission.PROFILE_EDIT)
def show() -> ResponseReturnValue:
    """Everything about oneself on one page."""
    return _page()


@bp.post("")
@needs(Permission.PROFILE_EDIT)
def save() -> ResponseReturnValue:
    """Keep name, language, time zone and absence."""
    form = ProfileForm()
    try:
        if not form.validate():
            raise Invalid
        with transaction() as session:
            zone = form.time_zone.data
            values = {
                "name": form.name.data,
                "language": form.language.data,
                "time_zone": zone,
                "away_until": form.away_until(zone),
            }
            edit_profile(session, current_actor(), _own(session), values, now=clock.now())
    except Invalid as error:
        show_errors(form, error)
        return _page(details=form), 422
    flash(_("Your details are saved."), "success")
    return redirect(url_for("profile.show"), 303)


@bp.post("/theme")
@needs(Permission.PROFILE_EDIT)
def theme() -> ResponseReturnValue:
    """Keep the theme, and stay on the page."""
    chosen = request.form.get("theme", "")
    if chosen in THEMES:
        with transaction() as session:
            edit_profile(session, current_actor(), _own(session), {"theme": chosen}, now=clock.now())
    return redirect(safe_next(request.form.get("next"), "profile.show"), 303)


@bp.post("/password")
@needs(Permission.PROFILE_EDIT)
@limiter.limit(SIGN_IN, key_func=_actor_key)
def password() -> ResponseReturnValue:
    """Change the password; ends every other session and every token."""
    form = ChangePasswordForm()
    read_only()  # the slow part, without SQLite's lock
    user = _own(db.session())
    try:
        if not form.validate():
            raise Invalid
        kept = check_own_password(user, typed(form.current_password))
        check_password(typed(form.password), (user.name, user.email))
        password_hash = hash_password(typed(form.password))
        with transaction() as session:
            change_password(session, current_actor(), user.id, kept, password_hash, now=clock.now())
    except Invalid as error:
        show_errors(form, error)
        return _page(password=form), 422
    flash(_("Your password is changed. Every other session and all tokens have ended."), "success")
    return redirect(url_for("profile.show"), 303)


@bp.post("/mail")
@needs(Permission.PROFILE_EDIT)
def mail() -> ResponseReturnValue:
    """Keep which notifications are mailed at once, which once a day, and which not at all."""
    with transaction() as session:
        user = _own(session)
        preferences = chosen_preferences(user, request.form)
        edit_profile(session, current_actor(), user, {"mail_preferences": preferences}, now=clock.now())
    flash(_("Your choice is saved."), "success")
    return redirect(url_for("profile.show", _anchor="mail"), 303)


@bp.post("/sessions/<ref('ses'):session_ref>/end")
@needs(Permission.PROFILE_EDIT)
def end(session_ref: str) -> ResponseReturnValue:
    """End one of one's own sessions."""
    with transaction() as session:
        end_session(session, current_actor(), _own(session), session_ref, now=clock.now())
    flash(_("That session has ended."), "success")
    return redirect(url_for("profile.show", _anchor="sessions"), 303)


@bp.post("/sessions/end-others")
@needs(Permission.PROFILE_EDIT)
def end_others() -> ResponseReturnValue:
    """End every session but this one."""
    with transaction() as session:
        number = end_other_sessions(session, current_actor(), _own(session), now=clock.now())
    flash(_("Other sessions ended: %(number)s.", number=number), "success")
    return redirect(url_for("profile.show", _anchor="sessions"), 303)


@bp.post("/tokens")
@needs(Permission.PROFILE_EDIT)
@once
def new_token() -> ResponseReturnValue:
    """Make an API token and show it, this once."""
    form = TokenForm()
    try:
        if not form.validate():
            raise Invalid
        with transaction() as session:
            _token, secret = create_token(
                session, current_actor(), _own(session),
                label=typed(form.label), days=form.days.data or None, now=clock.now(),
            )  # fmt: skip
    except Invalid as error:
        show_errors(form, error)
        return _page(token=form), 422
    return _page(
        new_secret=secret
    ), 201  # not after a redirect: a token is kept nowhere, not even in a cookie


@bp.post("/tokens/<ref('tok'):token_ref>/revoke")
@needs(Permission.PROFILE_EDIT)
def revoke(token_ref: str) -> ResponseReturnValue:
    """Revoke one of one's own tokens."""
    with transaction() as session:
        revoke_token(session, current_actor(), _own(session), token_ref, now=clock.now())
    flash(_("That token is revoked."), "success")
    return redirect(url_for("profile.show", _anchor="tokens"), 303)


def _page(
    details: ProfileForm | None = None,
    password: ChangePasswordForm | None = None,
    token: TokenForm | None = None,
    new_secret: str = "",
) -> str:
    """The page, with the one form that was refused as it was typed."""
    session, now = db.session(), clock.now()
    user = _own(session)
    return render_template(
        "profile/show.html",
        user=user,
        details=details or _details(user, now),
        password=password or ChangePasswordForm(formdata=None),
        mail=mail_choices(user),
        ways=way_words(),
        token=token or TokenForm(formdata=None),
        new_secret=new_secret,
        factor=factor_state(session, user),
        sessions=live_sessions(session, user.id, now=now),
        tokens=live_tokens(session, user.id, now=now),
        now=now,
    )


def _details(user: User, now: datetime) -> ProfileForm:
    form = ProfileForm(formdata=None, obj=user)
    form.set_away(user.away_until if user.away_until and user.away_until > now else None, user.time_zone)
    return form
