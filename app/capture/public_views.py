"""What strangers see: a form that Canal serves, what it is posted to from any site, the page that thanks.

No session is read or begun here, and no form token asked for: there is nothing that a visitor's sign-in could
be misused for.  The page is in the form's language, whatever the browser asks for.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, get_locale
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.exceptions import TooManyRequests

from app.capture.marks import judge, make_mark
from app.capture.models import Cause, LeadForm
from app.capture.operations import site_of
from app.capture.taking import asked_by, find_open_form, read_post, take_post
from app.kernel import clock
from app.kernel.db import db, set_reading, transaction
from app.kernel.errors import Invalid
from app.settings import current_settings
from app.web.access import public
from app.web.error_pages import http_error
from app.web.limits import PUBLIC_FORM, limiter
from app.web.security import POLICY

bp = Blueprint("capture", __name__)

LARGEST_BODY = 64 * 1024
MOST_PARTS = 200
# Beside the limit by address: what one form takes from all of them together.
IN_ALL = "600 per minute"
LONGEST_REST = 0.05  # seconds
TRAP = "fax_number"
MARK = "made"
_FORM_ENCODED = "application/x-www-form-urlencoded"
_ONE_AT_A_TIME = Lock()

# Languages of forms that were asked for here: what is refused as too often must cost no look at the database.
_LANGUAGES: dict[str, str] = {}


def _by_form() -> str:
    return f"form {(request.view_args or {}).get('key', '')}"


def _in_its_language(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Hand the view the form of the address, in whose language everything is said.  Raises NotFound."""

    @wraps(view)
    def shown(key: str) -> ResponseReturnValue:
        set_reading(True)
        form = find_open_form(db.session(), key)
        if len(_LANGUAGES) >= 1000:
            _LANGUAGES.clear()
        _LANGUAGES[key] = form.language
        with force_locale(form.language):
            return view(form)

    return shown


@bp.get("/f/<string:key>")
@public  # a form for strangers
@_in_its_language
def form(form: LeadForm) -> ResponseReturnValue:
    """The form, to be linked to, or shown in a frame by the sites that it names."""
    return _form_page(form, {}, make_mark(_secret(), form.key, clock.now()))


@bp.get("/f/<string:key>/thanks")
@public  # as above
@_in_its_language
def thanks(form: LeadForm) -> ResponseReturnValue:
    """Canal's own page after the form."""
    return _protected(form, render_template("capture/thanks.html", form=form))


@bp.get("/leads/capture/<string:key>")
@public  # whoever reloads what was refused comes here
def again(key: str) -> ResponseReturnValue:
    """The form, for those who come without one."""
    return redirect(url_for("capture.form", key=key), 303)


@bp.post("/leads/capture/<string:key>")
@public  # from any site
@limiter.limit(IN_ALL, key_func=_by_form)
@limiter.limit(PUBLIC_FORM)
@_in_its_language
def take(form: LeadForm) -> ResponseReturnValue:
    """Take what was filled in.  Whatever becomes of it, the answer is the same, unless something is missing."""
    request.max_content_length = LARGEST_BODY
    request.max_form_parts = MOST_PARTS
    with _turn():
        return _take(form)


@bp.errorhandler(TooManyRequests)
def _too_often(error: TooManyRequests) -> ResponseReturnValue:
    """Said in the form's language too."""
    with force_locale(_LANGUAGES.get((request.view_args or {}).get("key", "")) or str(get_locale())):
        return http_error(error)


@contextmanager
def _turn() -> Iterator[None]:
    """Strangers' posts are worked on one at a time in each process, and while others wait rested from for as long: so a flood
    leaves most of it to pages.
    """
    are_many = not _ONE_AT_A_TIME.acquire(blocking=False)
    if are_many:
        _ONE_AT_A_TIME.acquire()
    begun = time.monotonic()
    try:
        yield
    finally:
        if are_many:
            time.sleep(min(time.monotonic() - begun, LONGEST_REST))
        _ONE_AT_A_TIME.release()


def _take(form: LeadForm) -> ResponseReturnValue:
    now = clock.now()
    typed, is_readable = _typed()
    mark = typed.pop(MARK, "")
    try:
        if not is_readable:
            raise Invalid({"": [_l("This text contains characters that cannot be stored.")]})
        cause = Cause.TRAP if typed.get(TRAP, "").strip() else judge(_secret(), form.key, mark, now)
        post = read_post(db.session(), asked_by(db.session(), form), typed, cause)
        with transaction() as session:
            take_post(session, find_open_form(session, form.key), post, now=now)
    except Invalid as error:
        db.session().rollback()
        # An honest mark stays, so that whoever corrects one field is not too fast.
        kept = mark if judge(_secret(), form.key, mark, now) is None and mark else ""
        return _form_page(form, typed, kept, error.errors), 422
    return redirect(form.thank_you_url or url_for("capture.thanks", key=form.key), 303)


def _secret() -> str:
    return current_settings().signing_key


def _typed() -> tuple[dict[str, str], bool]:
    """(field → the first text that was sent for it, whether all of it is real text)."""
    if request.mimetype != _FORM_ENCODED:
        return {name: values[0] for name, values in request.form.lists()}, True
    body = request.get_data(cache=False).decode("ascii", "replace")
    for errors in ("strict", "replace"):
        try:
            pairs = parse_qsl(body, keep_blank_values=True, errors=errors, max_num_fields=MOST_PARTS)
        except UnicodeDecodeError:
            continue
        except ValueError:
            return {}, True  # more fields than any form has
        return dict(reversed(pairs)), errors == "strict"
    return {}, False


def _form_page(
    form: LeadForm, typed: Mapping[str, str], mark: str, errors: Mapping[str, Any] | None = None
) -> Response:
    session: Session = db.session()
    fields = asked_by(session, form)
    page = render_template(
        "capture/form.html", form=form, fields=fields, typed=typed, mark=mark, errors=errors or {}, trap=TRAP,
        mark_name=MARK,
    )  # fmt: skip
    return _protected(form, page)


def _protected(form: LeadForm, page: str) -> Response:
    """The page with what it may do: be shown by the form's sites, and lead on to its thank-you page."""
    response = make_response(page)
    onward = f"'self' {site_of(form.thank_you_url)}" if form.thank_you_url else "'self'"
    policy = POLICY.replace("form-action 'self'", f"form-action {onward}")
    if form.frame_sites:
        policy = policy.replace(
            "frame-ancestors 'none'", f"frame-ancestors 'self' {' '.join(form.frame_sites)}"
        )
    response.headers["Content-Security-Policy"] = policy
    return response
