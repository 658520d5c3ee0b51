"""Profile > Second factor: set it up, replace it, turn it off, and the recovery codes that go with it.

Where the role asks for one and there is none, nothing but this page can be reached after signing in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy.orm import Session

from app.identity.authenticator import find_step, in_groups, new_nonce, picture_of, secret_of, setup_address
from app.identity.credentials import check_own_password
from app.identity.errors import NoSecondFactor, field_error
from app.identity.forms import ConfirmCodeForm, PasswordAndCodeForm, PasswordForm, typed
from app.identity.models import User
from app.identity.queries import get_organisation
from app.identity.recovery_codes import hash_codes, make_codes
from app.identity.required_factor import must_have_one
from app.identity.second_factor import (
    prove,
    read_code,
    renew_codes,
    require_optional,
    set_up,
    turn_off,
    wrong_code,
)
from app.identity.views import read_only
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.web.access import current_actor, needs
from app.web.form_errors import show_errors
from app.web.limits import SIGN_IN, limiter
from app.web.redirects import safe_next

bp = Blueprint("second_factor", __name__, url_prefix="/profile/second-factor")

# Whoever has to set one up right after signing in has just given the password.
JUST_SIGNED_IN = timedelta(minutes=10)
_OFFER_SECONDS = 30 * 60


@dataclass(frozen=True, slots=True)
class Offer:
    """An authenticator that is being set up.  instead_of: the nonce of the one it replaces."""

    nonce: str
    instead_of: str | None


def _own(session: Session) -> User:
    return session.get_one(User, current_actor().user_id)


def _by_user() -> str:
    return f"second factor of user:{current_actor().user_id}"


_guesses = limiter.shared_limit(SIGN_IN, scope="second factor", key_func=_by_user)


@bp.get("")
@needs(Permission.PROFILE_EDIT)
def show() -> ResponseReturnValue:
    """Begin to set one up: asks for the password, unless it was given a moment ago."""
    user = _own(db.session())
    if current_actor().must_enrol and _has_just_signed_in():
        return _offer_page(user, Offer(new_nonce(), user.second_factor_nonce))
    return _proof_page("set_up", _proof_form(user))


@bp.post("")
@needs(Permission.PROFILE_EDIT)
@_guesses
def start() -> ResponseReturnValue:
    """Show the secret of a new authenticator, after the password, and a code where there is one already."""
    user = _own(db.session())
    form = _proof_form(user)
    refused = _refused(form, "set_up", lambda _session, _user: None)
    if refused is not None:
        return refused
    user = _own(db.session())
    return _offer_page(user, Offer(new_nonce(), user.second_factor_nonce))


@bp.post("/confirm")
@needs(Permission.PROFILE_EDIT)
@_guesses
def confirm() -> ResponseReturnValue:
    """Make it the second factor once it gives a right code; shows the recovery codes, this once."""
    form = ConfirmCodeForm()
    read_only()  # the slow part, without SQLite's lock
    user = _own(db.session())
    offer = _read_offer(typed(form.offer))
    try:
        if not form.validate():
            raise Invalid
        digits = "".join(typed(form.code).split())
        if find_step(secret_of(user.ref, offer.nonce), digits, now=clock.now(), after=None) is None:
            raise field_error("code", wrong_code())
        codes = make_codes()
        kept = hash_codes(codes, offer.nonce)
        with transaction() as session:
            set_up(
                session, current_actor(), user.id, nonce=offer.nonce, instead_of=offer.instead_of,
                digits=digits, recovery=kept, now=clock.now(),
            )  # fmt: skip
    except Invalid as error:
        show_errors(form, error)
        return _offer_page(_own(db.session()), offer, form), 422
    return _codes_page(codes, is_new=True)


@bp.get("/codes")
@needs(Permission.PROFILE_EDIT)
def codes() -> ResponseReturnValue:
    """Asks for password and code before new recovery codes are made."""
    return _proof_page("codes", _proof_form(_with_factor()))


@bp.post("/codes")
@needs(Permission.PROFILE_EDIT)
@_guesses
def renew() -> ResponseReturnValue:
    """Make new recovery codes and show them, this once; the old ones open nothing any more."""
    read_only()  # the slow part, without SQLite's lock
    user = _with_factor()
    fresh = make_codes()
    kept = hash_codes(fresh, user.second_factor_nonce or "")

    def replace(session: Session, user: User) -> None:
        renew_codes(session, current_actor(), user, kept, now=clock.now())

    refused = _refused(_proof_form(user), "codes", replace)
    return refused if refused is not None else _codes_page(fresh, is_new=False)


@bp.get("/turn-off")
@needs(Permission.PROFILE_EDIT)
def off() -> ResponseReturnValue:
    """Asks for password and code before the second factor is turned off."""
    require_optional(db.session(), _own(db.session()))
    return _proof_page("turn_off", _proof_form(_with_factor()))


@bp.post("/turn-off")
@needs(Permission.PROFILE_EDIT)
@_guesses
def remove() -> ResponseReturnValue:
    """Let the password be enough again."""
    require_optional(db.session(), _own(db.session()))
    refused = _refused(
        _proof_form(_with_factor()),
        "turn_off",
        lambda session, user: turn_off(session, current_actor(), user, now=clock.now()),
    )
    if refused is not None:
        return refused
    flash(_("Your second factor is off. Your password alone signs you in now."), "success")
    return redirect(url_for("profile.show", _anchor="second-factor"), 303)


def _refused(
    form: PasswordForm, purpose: str, act: Callable[[Session, User], None]
) -> ResponseReturnValue | None:
    """Do it once password and code are right; else the page again, with what is wrong."""
    read_only()  # the slow part, without SQLite's lock
    user = _own(db.session())
    try:
        if not form.validate():
            raise Invalid
        kept = check_own_password(user, typed(form.current_password))
        if user.has_second_factor:
            code = read_code(user, typed(form["code"]))
            user_id = user.id
            with transaction() as session:
                proved = prove(session, current_actor(), user_id, kept, code, now=clock.now())
                if proved is not None:
                    act(session, proved)
            if proved is None:
                raise field_error("code", wrong_code())
    except Invalid as error:
        show_errors(form, error)
        return _proof_page(purpose, form), 422
    return None


def _with_factor() -> User:
    user = _own(db.session())
    if not user.has_second_factor:
        raise NoSecondFactor
    return user


def _proof_form(user: User) -> PasswordForm:
    """Password, and a code of the second factor that there is."""
    kind = PasswordAndCodeForm if user.has_second_factor else PasswordForm
    return kind() if request.method == "POST" else kind(formdata=None)


def _has_just_signed_in() -> bool:
    row = getattr(current_user, "session", None)
    return row is not None and clock.now() - row.created_at < JUST_SIGNED_IN


# The offer travels through the page, signed and for this session alone: what is not confirmed is kept nowhere.


def _signed(offer: Offer) -> str:
    return str(_signer().dumps([offer.nonce, offer.instead_of]))


def _read_offer(text: str) -> Offer:
    """Raises NoSecondFactor for one that is forged, another session's or too old."""
    try:
        nonce, instead_of = _signer().loads(text, max_age=_OFFER_SECONDS)
    except (BadSignature, ValueError, TypeError):
        raise NoSecondFactor from None
    return Offer(nonce, instead_of)


def _signer() -> URLSafeTimedSerializer:
    actor = current_actor()
    return URLSafeTimedSerializer(
        str(current_app.config["SECRET_KEY"]), salt=f"second factor:{actor.ref}:{actor.session_id}"
    )


def _proof_page(purpose: str, form: PasswordForm) -> str:
    return _render("second_factor/proof.html", purpose=purpose, form=form)


def _offer_page(user: User, offer: Offer, form: ConfirmCodeForm | None = None) -> str:
    form = form or ConfirmCodeForm(formdata=None)
    form.offer.data = _signed(offer)
    secret = secret_of(user.ref, offer.nonce)
    vendor = get_organisation(db.session()).name
    return _render(
        "second_factor/set_up.html",
        form=form,
        secret=in_groups(secret),
        email=user.email,
        picture=picture_of(setup_address(secret, email=user.email, vendor=vendor)),
    )


def _codes_page(codes: list[str], *, is_new: bool) -> str:
    # Not after a redirect: the codes are kept nowhere, not even in a cookie.
    return _render("second_factor/codes.html", codes=codes, is_new=is_new)


def _render(template: str, **values: Any) -> str:
    session = db.session()
    user = _own(session)
    organisation = g.get("organisation") or get_organisation(session)
    return render_template(
        template,
        user=user,
        is_required=must_have_one(user, organisation),
        next_url=safe_next(request.args.get("next"), "" if current_actor().must_enrol else "profile.show"),
        next_asked=request.args.get("next"),
        **values,
    )
