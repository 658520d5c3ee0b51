"""The door of the JSON API: who calls (bearer token), how often, whether this POST was answered before.

A token acts as its user, read anew on every call.  Tokens are taken from the Authorization header
alone: an address ends up in logs and histories.
"""

import hashlib
from datetime import timedelta

from flask import Blueprint, Response, current_app, g, request
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.identity.models import ApiToken, IdempotencyKey
from app.identity.queries import find_actor_by_token
from app.kernel import clock
from app.kernel.db import db, is_sqlite, join_transactions, set_reading, transaction
from app.kernel.errors import Conflict, Invalid
from app.web.access import SecondFactorNeeded, SignInRequired
from app.web.limits import API, limiter

bp = Blueprint("api", __name__, url_prefix="/api/v1")

REMEMBERED = timedelta(hours=24)
USED_EVERY = timedelta(minutes=1)
LARGEST_JSON = 4 * 1024 * 1024  # files come as forms, with a limit of their own
READABLE_SIGNED_IN = frozenset({"api.openapi_document", "api.docs"})


class BadToken(SignInRequired):
    """No token, or one that is wrong, expired, revoked, or of somebody who may not act."""

    message = _l("Send a valid token in the Authorization header: Bearer …")


class InProgress(Conflict):
    """The first request with this key is still running."""

    slug = "in-progress"
    message = _l("The first request with this Idempotency-Key is still running.")


@bp.before_request
def identify() -> None:
    """Load the token's actor; find what a repeated POST was answered."""
    if request.mimetype != "multipart/form-data":
        request.max_content_length = LARGEST_JSON
    token = _bearer_token()
    if token is None:
        if request.endpoint in READABLE_SIGNED_IN and current_user.is_authenticated:
            if current_user.actor.must_enrol:
                raise SecondFactorNeeded
            g.actor = current_user.actor
            return
        raise BadToken
    now = clock.now()
    found = find_actor_by_token(db.session(), token, now=now)
    if found is None:
        raise BadToken
    g.actor, g.organisation, api_token = found
    if api_token.last_used_at is None or now - api_token.last_used_at > USED_EVERY:
        g.token_used = api_token.id
    _look_up_key(api_token.id)


# By token, so that one noisy integration does not silence another behind the same address.
limiter.limit(API, key_func=lambda: f"token:{_token_mark()}")(bp)


def _bearer_token() -> str | None:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.strip() else None


def _token_mark() -> str:
    token = _bearer_token()
    return hashlib.sha256(token.encode()).hexdigest() if token else f"address:{request.remote_addr}"


@bp.after_request
def note_use(response: Response) -> Response:
    """Remember when the token was last used, at most every minute."""
    token_id = g.pop("token_used", None)
    if token_id is None:
        return response
    try:
        with transaction() as session:
            session.execute(update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=clock.now()))
    except DBAPIError:
        # What was asked for has been done and answered; the next call notes it.
        current_app.logger.warning("the last use of a token could not be noted")
    return response


# Repeated posts


def _look_up_key(token_id: int) -> None:
    """Find the first answer to a POST with this key, which is given again once it is known that the caller may still
    ask (`app.api.routes`); else one transaction begins that will hold both the act and its answer, so that not even
    a crash between them makes a second record.
    """
    key = request.headers.get("Idempotency-Key")
    if request.method != "POST" or key is None:
        return
    if not 1 <= len(key) <= 200 or not key.isprintable():
        raise Invalid({"Idempotency-Key": [_l("A key has 1 to 200 printable characters.")]})
    body_hash = _body_hash()
    session = db.session()
    _hold_key(session, token_id, key)
    row = session.get(IdempotencyKey, (token_id, key), populate_existing=True)
    if row is not None and clock.now() - row.created_at > REMEMBERED:
        session.delete(row)
        session.flush()  # its place is taken again below
        row = None
    if row is None:
        session.add(IdempotencyKey(token_id=token_id, key=key, body_hash=body_hash, created_at=clock.now()))
        session.flush()  # so that a second one cannot begin
        g.idempotency = (token_id, key)
        join_transactions(True)
        return
    if row.body_hash != body_hash:
        raise Invalid({"Idempotency-Key": [_l("This key was used with another request.")]})
    g.answered_before = row


def _hold_key(session: Session, token_id: int, key: str) -> None:
    """Make sure that no other request with the key is at work.  Raises InProgress.

    SQLite has one writer at a time, so that the second has waited for the first already.
    """
    if is_sqlite(session):
        return
    number = int.from_bytes(hashlib.sha256(f"{token_id}:{key}".encode()).digest()[:8], signed=True)
    if not session.scalar(select(func.pg_try_advisory_xact_lock(number))):
        raise InProgress


def _body_hash() -> bytes:
    digest = hashlib.sha256(f"{request.method} {request.path}?".encode() + request.query_string + b"\n")
    if request.mimetype == "multipart/form-data":
        for name, value in sorted(request.form.items(multi=True)):
            digest.update(f"{name}={value}\n".encode())
        for name, file in sorted(request.files.items(multi=True), key=lambda item: item[0]):
            digest.update(f"{name}:{file.filename}\n".encode())
            while block := file.stream.read(1 << 16):
                digest.update(block)
            file.stream.seek(0)
    else:
        digest.update(request.get_data())
    return digest.digest()


@bp.after_request
def remember_answer(response: Response) -> Response:
    """Commit the act together with its answer.  A refusal is not kept: its cause may go away."""
    reserved = g.pop("idempotency", None)
    if reserved is None:
        return response
    join_transactions(False)
    session = db.session()
    row = session.get(IdempotencyKey, reserved)
    if response.status_code < 300 and row is not None:
        row.status, row.content_type, row.body = (
            response.status_code,
            response.content_type,
            response.get_data(),
        )
        try:
            session.commit()
        except Exception as error:
            # Answered as it would be had the operation's own transaction failed.
            response = current_app.make_response(current_app.handle_user_exception(error))
    else:
        session.rollback()
    set_reading(True)
    return response


@bp.teardown_request
def _part(_error: BaseException | None) -> None:
    join_transactions(False)
