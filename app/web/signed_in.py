"""Who is signed in: Flask-Login keeps the session's random token in the signed cookie, the database decides.

The person, their role and their company's state are read anew on every request, inside the request's
own transaction, so that what was taken away is gone on the next request.
"""

from datetime import datetime, timedelta

from flask import Flask, g, has_request_context, request
from flask_babel import lazy_gettext as _l
from flask_login import LoginManager, UserMixin, current_user

from app.identity.models import UserSession
from app.identity.queries import find_actor_by_session, get_organisation
from app.identity.required_factor import held_back
from app.identity.viewing import seen_as
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.db import db, set_reading, transaction
from app.kernel.errors import NotAllowed
from app.web.access import SecondFactorNeeded

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SEEN_EVERY = timedelta(minutes=5)
# What somebody may reach who must set up a second factor first.
_TO_ENROL = frozenset(
    {"second_factor.show", "second_factor.start", "second_factor.confirm", "identity.sign_out"}
)


# Where nobody is anybody, signed in or not; and all of `capture`, which is for strangers.
_NOBODYS = frozenset({"static", "health.healthz", "health.readyz"})
# What is done as oneself even while one looks at Canal as somebody else.
_AS_ONESELF = frozenset({"viewing.stop", "identity.sign_out"})


class SignedIn(UserMixin):
    """What Flask-Login carries: the session's token, not the person.

    actor: who signed in.  seen_as: whose view is shown, themselves unless they look at Canal as somebody else.
    """

    def __init__(self, token: str, actor: Actor, session: UserSession, seen_as: Actor | None = None) -> None:
        self.token = token
        self.actor = actor
        self.session = session
        self.seen_as = seen_as or actor

    def get_id(self) -> str:
        return self.token


login_manager = LoginManager()


@login_manager.user_loader  # type: ignore[untyped-decorator]
def _load(token: str) -> SignedIn | None:
    session = db.session()
    found = find_actor_by_session(session, token, now=clock.now())
    if found is None:
        return None
    actor, user, g.organisation, user_session = found
    actor = held_back(actor, user, g.organisation)
    return SignedIn(token, actor, user_session, seen_as(session, actor, user_session))


def init_sign_in(app: Flask) -> None:
    """Load the person before each request."""
    login_manager.init_app(app)
    app.before_request(_begin)
    app.after_request(_touch)


def _begin() -> None:
    # SQLite: a request that may write takes the write lock when it begins, see kernel.db.
    set_reading(request.method in SAFE_METHODS)
    g.actor = None
    g.organisation = None
    if request.endpoint in _NOBODYS or request.blueprint == "capture" or request.path.startswith("/api/"):
        return
    if current_user.is_authenticated:
        g.actor = current_user.actor
        g.session_seen_at = current_user.session.last_seen_at
        if g.actor.must_enrol and request.endpoint not in _TO_ENROL:
            raise SecondFactorNeeded
        if request.endpoint not in _AS_ONESELF:
            _look_as(current_user.seen_as)


def _look_as(seen: Actor) -> None:
    """Show the page as that person sees it.  Raises NotAllowed, as oneself, for anything but looking."""
    if seen.viewer_name and request.method not in SAFE_METHODS:
        raise NotAllowed(
            _l("You are looking at Canal as somebody else. Nothing can be changed until you stop.")
        )
    g.actor = seen


def load_organisation() -> None:
    """Make sure that `g.organisation` is there, for pages that anybody may see."""
    if has_request_context() and g.get("organisation") is None:
        g.organisation = get_organisation(db.session())


def _touch(response: object) -> object:
    """Note when the session was last seen, at most every five minutes: the only thing a GET changes."""
    actor: Actor | None = g.get("actor")
    seen: datetime | None = g.get("session_seen_at")
    if actor is None or actor.session_id is None or seen is None:
        return response
    now = clock.now()
    if now - seen > SEEN_EVERY:
        with transaction() as session:
            row = session.get(UserSession, actor.session_id)
            if row is not None and row.ended_at is None:
                row.last_seen_at = now
    return response
