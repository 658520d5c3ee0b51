"""The page that asks for a code, between the right password and the session."""

from flask import Blueprint, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from app.identity.devices import step_by_account, step_by_address, step_email, step_token
from app.identity.errors import SignInRefused, StepGone, field_error
from app.identity.forms import CodeForm, typed
from app.identity.recovery_codes import count_codes
from app.identity.second_factor import Means, read_code, wrong_code
from app.identity.second_step import pass_step
from app.identity.steps import get_step
from app.identity.views import let_in, read_only, this_browser
from app.kernel import clock
from app.kernel.db import db, set_reading, transaction
from app.kernel.errors import Invalid
from app.web.access import public
from app.web.form_errors import show_errors
from app.web.limits import CODES, SIGN_IN, limiter
from app.web.redirects import safe_next

bp = Blueprint("second_step", __name__, url_prefix="/sign-in/code")


@bp.get("")
@public  # the way in, for whoever gave the right password
def show() -> ResponseReturnValue:
    """The form that asks for a code."""
    if g.actor is not None:
        return redirect(safe_next(request.args.get("next")), 303)
    _step, g.signing_in = get_step(db.session(), step_token(), now=clock.now())
    return _page(CodeForm(formdata=None))


@bp.post("")
@public  # the way in, for whoever gave the right password
@limiter.limit(SIGN_IN, key_func=step_by_address)
@limiter.limit(SIGN_IN, key_func=step_by_account)
@limiter.limit(CODES, key_func=step_by_account)
def submit() -> ResponseReturnValue:
    """Sign in with the code and go on to where the person wanted to go."""
    if g.actor is not None:
        return redirect(safe_next(request.args.get("next")), 303)
    form = CodeForm()
    read_only()  # the slow part, without SQLite's lock
    token, email = step_token(), step_email()
    _step, user = get_step(db.session(), token, now=clock.now())
    g.signing_in, user_id = user, user.id
    try:
        if not form.validate():
            raise Invalid
        code = read_code(user, typed(form.code))
        with transaction() as data:
            passed = pass_step(data, token, code, now=clock.now(), browser=this_browser(email))
        if passed is None:
            raise field_error("code", wrong_code())
    except Invalid as error:
        if isinstance(error, SignInRefused):
            raise StepGone from None
        show_errors(form, error)
        return _page(form), 422
    session_token, means = passed
    response = let_in(session_token, email, request.args.get("next"))
    if means is Means.RECOVERY_CODE:
        _tell_how_many_are_left(user_id)
    return response


@bp.errorhandler(StepGone)
def _step_gone(error: StepGone) -> ResponseReturnValue:
    db.session.rollback()
    set_reading(True)
    return render_template("identity/step_gone.html", next_asked=request.args.get("next")), error.status


def _tell_how_many_are_left(user_id: int) -> None:
    left = count_codes(db.session(), user_id)
    if left:
        text = ngettext(
            "That recovery code is used up. You have one left.",
            "That recovery code is used up. You have %(num)s left.",
            left,
        )
    else:
        text = _("That was your last recovery code. Make new ones on your profile now.")
    flash(text, "warning")


def _page(form: CodeForm) -> str:
    return render_template("identity/code.html", form=form, with_recovery="recovery" in request.args)
