"""Doors for people who are not signed in yet: sign-in, sign-out, forgotten passwords, one-time links."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_user, logout_user

from app.identity.credentials import get_link, send_reset, use_link
from app.identity.devices import by_account, by_address, carry_step, is_known_device, remember_device
from app.identity.errors import LinkGone, PortalNotOpen, SignInRefused
from app.identity.forms import ForgotPasswordForm, LinkForm, SignInForm, typed
from app.identity.models import LinkPurpose
from app.identity.passwords import check_password, hash_password
from app.identity.queries import find_actor_by_session
from app.identity.refusals import note_failed_sign_in, record_failed_sign_in
from app.identity.sessions import end_own_session
from app.identity.signing_in import Browser, Entry, check_credentials
from app.identity.signing_in import sign_in as begin_session
from app.kernel import clock
from app.kernel.db import db, set_reading, transaction
from app.kernel.errors import Invalid
from app.web.access import public
from app.web.form_errors import show_errors
from app.web.limits import PUBLIC_FORM, RESET_MAIL, SIGN_IN, limiter
from app.web.redirects import safe_next
from app.web.signed_in import SignedIn

# Longer than writing a link and waiting for the disk takes: so long takes an unknown address too.
SECONDS_TO_ASK = 0.1

bp = Blueprint("identity", __name__)


@bp.get("/sign-in")
@public  # the way in
def sign_in() -> ResponseReturnValue:
    """The sign-in form."""
    if g.actor is not None:
        return redirect(safe_next(request.args.get("next")), 303)
    return render_template("identity/sign_in.html", form=SignInForm(formdata=None))


@bp.post("/sign-in")
@public  # the way in
@limiter.limit(SIGN_IN, key_func=by_address)
@limiter.limit(SIGN_IN, key_func=by_account)
def submit_sign_in() -> ResponseReturnValue:
    """Sign in and go on to where the person wanted to go."""
    form = SignInForm()
    try:
        if not form.validate():
            raise Invalid
        read_only()  # the slow part, without SQLite's lock
        checked = check_credentials(db.session(), typed(form.email), typed(form.password))
        with transaction() as data:
            browser = this_browser(typed(form.email))
            entry = begin_session(data, checked, now=clock.now(), browser=browser)
    except Invalid as error:
        if isinstance(error, SignInRefused):
            note_failure(typed(form.email))
        show_errors(form, error)
        return render_template(
            "identity/sign_in.html", form=form, refused=isinstance(error, SignInRefused)
        ), 422
    except PortalNotOpen as error:
        note_failure(typed(form.email), reason="portal")
        return render_template("identity/sign_in.html", form=form, notice=error.message), error.status
    return go_on(entry, typed(form.email), request.args.get("next"))


@bp.post("/sign-out")
@public  # leaving works for everybody, also when the session has ended meanwhile
def sign_out() -> ResponseReturnValue:
    """End the session on the server and in the browser."""
    if g.actor is not None:
        with transaction() as data:
            end_own_session(data, g.actor, now=clock.now())
    g.actor = None
    logout_user()
    session.clear()
    flash(_("You are signed out."), "success")
    return redirect(url_for("identity.sign_in"), 303)


@bp.get("/forgot-password")
@public  # asked by people who cannot sign in
def forgot_password() -> ResponseReturnValue:
    """The form that asks for a new password; after it was sent, what happens next."""
    return render_template(
        "identity/forgot_password.html", form=ForgotPasswordForm(formdata=None), sent="sent" in request.args
    )


@bp.post("/forgot-password")
@public  # asked by people who cannot sign in
@limiter.limit(PUBLIC_FORM)
@limiter.limit(RESET_MAIL, key_func=by_account)
def submit_forgot_password() -> ResponseReturnValue:
    """Mail a link to the address, if somebody has it; the answer never tells."""
    form = ForgotPasswordForm()
    if not form.validate():
        return render_template("identity/forgot_password.html", form=form, sent=False), 422
    with taking(SECONDS_TO_ASK), transaction() as data:
        send_reset(data, typed(form.email), now=clock.now(), browser=this_browser())
    return redirect(url_for("identity.forgot_password", sent=1), 303)


@bp.get("/welcome/<token>", strict_slashes=False)
@public  # whoever holds the link proves it by the link
@limiter.limit(PUBLIC_FORM)
def welcome(token: str) -> ResponseReturnValue:
    """The page behind an invitation or reset link.  Opening it changes nothing."""
    link, user = get_link(db.session(), token, now=clock.now())
    form = LinkForm(formdata=None)
    return render_template("identity/welcome.html", form=form, user=user, is_invitation=is_invitation(link))


@bp.post("/welcome/<token>", strict_slashes=False)
@public  # whoever holds the link proves it by the link
@limiter.limit(PUBLIC_FORM)
def submit_welcome(token: str) -> ResponseReturnValue:
    """Set the password that the link is for, and sign in; a second factor is asked for all the same."""
    read_only()  # the slow part, without SQLite's lock
    link, user = get_link(db.session(), token, now=clock.now())
    form = LinkForm()
    try:
        if not form.validate():
            raise Invalid
        check_password(typed(form.password), (user.name, user.email))
    except Invalid as error:
        show_errors(form, error)
        page = render_template(
            "identity/welcome.html", form=form, user=user, is_invitation=is_invitation(link)
        )
        return page, 422
    password_hash = hash_password(typed(form.password))
    with transaction() as data:
        email = user.email
        entry = use_link(data, token, password_hash, now=clock.now(), browser=this_browser(email))
    if entry is None:
        return redirect(url_for("identity.not_open"), 303)
    return go_on(entry, email, None)


@bp.get("/not-open")
@public  # tells nothing but that the portal opens later
def not_open() -> ResponseReturnValue:
    """The password is set, but partners cannot sign in yet."""
    return render_template("identity/not_open.html")


@bp.errorhandler(LinkGone)
def _link_gone(error: LinkGone) -> ResponseReturnValue:
    db.session.rollback()
    set_reading(True)
    return render_template("identity/link_gone.html"), error.status


@contextmanager
def taking(seconds: float) -> Iterator[None]:
    """Let what is done inside take so long at least, whatever it does."""
    end = time.monotonic() + seconds
    try:
        yield
    finally:
        time.sleep(max(0.0, end - time.monotonic()))


def is_invitation(link: object) -> bool:
    return getattr(link, "purpose", None) is LinkPurpose.INVITATION


def go_on(entry: Entry, email: str, target: str | None) -> ResponseReturnValue:
    """Where a right password leads: to the page asked for, or to the one that asks for a code."""
    if not entry.needs_code:
        return let_in(entry.token, email, target)
    carry_step(entry.token, email, entry.counted_as)
    return redirect(url_for("second_step.show", next=target), 303)


def let_in(token: str, email: str, target: str | None) -> ResponseReturnValue:
    """Give the browser its session and go on to the page asked for."""
    response = redirect(safe_next(target), 303)
    carry_session(token)
    remember_device(response, email)
    return response


def carry_session(token: str) -> None:
    """Give the browser a fresh cookie with that session and nothing of the one before."""
    found = find_actor_by_session(db.session(), token, now=clock.now())
    if found is None:
        raise SignInRefused  # taken away at this very moment
    actor, _user, g.organisation, row = found
    session.clear()
    login_user(SignedIn(token, actor, row))
    g.actor = actor


def read_only() -> None:
    """Begin anew without the write lock, for work that takes long; `transaction()` takes it later."""
    db.session.rollback()
    set_reading(True)


def note_failure(email: str, *, reason: str = "") -> None:
    """Put a failed sign-in on record, unless there are too many; reason as `record_failed_sign_in` takes it."""
    failed = note_failed_sign_in(email, this_browser(), now=clock.now())
    if failed is not None:
        with transaction() as data:
            record_failed_sign_in(data, failed, reason=reason)


def this_browser(email: str = "") -> Browser:
    """Where the request comes from, for the list of sessions; email: of whom it may be known."""
    return Browser(request.remote_addr or "", request.user_agent.string, is_known_device(email))
