"""A form that is sent again does nothing twice: pressed twice, sent again after the answer was lost, gone back to.

Each form carries a random key beside its token.  A view that makes or ends something is marked `@once`: the first answer to
a form is kept for a day, by one row that is committed together with what was made, and given again to whoever sends
the same form with the same content.  Changed content is a new attempt: whoever goes back and corrects what they
wrote means to save it.  Without a key, as from a program, nothing is kept.
"""

import hashlib
import json
import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Response, flash, g, make_response, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.identity.models import SentForm
from app.kernel import clock
from app.kernel.db import begin_writing, is_sqlite, join_transactions, transaction
from app.kernel.errors import Conflict
from app.web.htmx import wants_fragment

View = TypeVar("View", bound=Callable[..., Any])
KEY = "once"
LONGEST_KEY = 64
REMEMBERED = timedelta(hours=24)
_TOKENS = Markup(
    '<input type="hidden" name="csrf_token" value="{}"><input type="hidden" name="once" value="{}">'
)


class SentAlready(Conflict):
    """The same form with the same content, whose answer was no page that could be shown again."""

    slug = "sent-already"
    message = _l("This was done already. Reload the page to see how it is now.")


class StillSaving(Conflict):
    """The same form is being saved just now, and takes its time."""

    slug = "in-progress"
    message = _l("This is being done already. Wait a moment, then reload the page.")


def form_tokens() -> Markup:
    """What stands in every form that is posted: the token of the session and the key of the form."""
    if "form_key" not in g:
        g.form_key = secrets.token_urlsafe(12)
    return _TOKENS.format(generate_csrf(), g.form_key)


def once(view: View) -> View:
    """Let the view do what it does once for each form that was filled in, however often it is sent.

    What it answers is remembered where it leads to a page, is a part of one, or says "created"; another page, such
    as a question before the act, is not, and neither is a refusal.  The row of the key is the first that is written, so that of
    two at once the second waits for the first.  All that the view writes is one transaction.
    """

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        actor, key = g.get("actor"), request.form.get(KEY, "")
        if actor is None or actor.user_id is None or not 1 <= len(key) <= LONGEST_KEY:
            return view(*args, **kwargs)
        session, digest = begin_writing(), _digest(key)
        _hold(session, actor.user_id, digest)
        sent = session.get(SentForm, (actor.user_id, digest), populate_existing=True)
        if sent is not None and clock.now() - sent.created_at <= REMEMBERED:
            return _again(sent.location)
        if sent is not None:
            session.delete(sent)
            session.flush()  # its place is taken again below
        sent = SentForm(user_id=actor.user_id, digest=digest, created_at=clock.now())
        session.add(sent)
        session.flush()  # so that a second one cannot begin
        join_transactions(True)
        try:
            response = make_response(view(*args, **kwargs))
        except BaseException:
            join_transactions(False)
            session.rollback()
            raise
        if join_transactions(False):
            _keep(session, sent, response)
        return response

    guarded.is_once = True  # type: ignore[attr-defined]  # looked for by tests
    return cast("View", guarded)


def _keep(session: Session, sent: SentForm, response: Response) -> None:
    """Commit what the view has written, together with its answer.

    Not called where something was refused: all was rolled back then.  A view that rolls back by itself in between
    cannot be marked: it would be committed in parts.
    """
    if sent not in session:
        raise RuntimeError("a view that is taken once has let go of its transaction")
    with transaction():
        if 300 <= response.status_code < 400:
            sent.location = response.location
        elif response.status_code != 201 and (response.status_code >= 400 or not wants_fragment()):
            session.delete(sent)


def _again(location: str | None) -> ResponseReturnValue:
    if location is None or wants_fragment():
        raise SentAlready
    flash(_("This was done already; it was not done twice."), "info")
    return redirect(location, 303)


def _hold(session: Session, user_id: int, digest: bytes) -> None:
    """Wait until no other request is at work on the same form.  Raises StillSaving.

    SQLite has one writer at a time, so that the second has waited for the first already.
    """
    if is_sqlite(session):
        return
    number = int.from_bytes(hashlib.sha256(b"%d:%b" % (user_id, digest)).digest()[:8], signed=True)
    try:
        session.execute(select(func.pg_advisory_xact_lock(number)))
    except OperationalError as error:  # longer than anybody waits for a lock
        raise StillSaving from error


def _digest(key: str) -> bytes:
    """The same for the same form at the same address with the same content."""
    fields = sorted(item for item in request.form.items(multi=True) if item[0] not in (KEY, "csrf_token"))
    files = sorted((name, file.filename or "") for name, file in request.files.items(multi=True))
    told = json.dumps([key, request.method, request.full_path, fields, files])
    digest = hashlib.sha256(told.encode("utf-8", "surrogatepass"))
    for _name, file in sorted(
        request.files.items(multi=True), key=lambda item: (item[0], item[1].filename or "")
    ):
        while block := file.stream.read(1 << 16):
            digest.update(block)
        file.stream.seek(0)
    return digest.digest()
