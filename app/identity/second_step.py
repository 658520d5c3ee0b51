"""The second step of signing in: a code, once the password was right.

A wrong one is not raised but told, so that the try is kept: five end the wait, and the person is told by
mail, for somebody knows their password.
"""

from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from app.identity.queries import get_organisation, make_actor
from app.identity.refusals import FailedSignIn, record_failed_sign_in
from app.identity.second_factor import Change, Means, Typed, accept_code, tell_change
from app.identity.signing_in import Browser, begin, check_may_sign_in, lock_user
from app.identity.steps import MOST_TRIES, get_step

log = structlog.get_logger("canal.identity")


def pass_step(
    session: Session, token: str, typed: Typed, *, now: datetime, browser: Browser
) -> tuple[str, Means] | None:
    """Begin the session that waited for this code: its token, and what was proved with; None for a wrong code.

    Writes events; does not commit.  Raises StepGone, SignInRefused and PortalNotOpen (the right to sign in
    has gone meanwhile).
    """
    _step, user = get_step(session, token, now=now)
    user = lock_user(session, user.id)
    step, _user = get_step(session, token, now=now)  # as it is now that nobody else can pass it
    check_may_sign_in(session, user)
    owner = make_actor(session, user, get_organisation(session), "")
    means = accept_code(session, owner, user, typed, now=now)
    if means is None:
        step.tries += 1
        record_failed_sign_in(session, FailedSignIn(user.email, now, browser, 0), reason="code")
        log.info("sign-in refused", user=user.ref, reason="code")
        if step.tries >= MOST_TRIES:
            tell_change(session, user, Change.CODES_TRIED, act=f"sign-in step:{step.id}", now=now)
        return None
    step.ended_at = now
    return begin(session, user, now=now, browser=browser), means
