"""Failed sign-ins on record: for those who read the audit log, and for nobody else.

Whether the address belongs to somebody changes neither the answer nor how long it takes: one row is
written in either case, or none.  What was typed is not kept: people type their password into the wrong field.
"""

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.events.flood import Flood
from app.events.operations import record
from app.identity.browsers import place_of
from app.identity.models import UserState
from app.identity.organisation import SUBJECT
from app.identity.queries import find_user_by_email
from app.identity.signing_in import Browser, company_is_suspended
from app.kernel.actor import Actor
from app.kernel.fold import email_key

_STRANGER = Actor.system("sign-in", door="web")
# So many an hour are written one by one: for one account, from one address, in all.
OF_ONE_ACCOUNT, FROM_ONE_ADDRESS, IN_ALL = 5, 20, 100


@dataclass(frozen=True, slots=True)
class FailedSignIn:
    """left_out: how many before it have no entry of their own."""

    email: str
    at: datetime
    browser: Browser
    left_out: int


_flood = Flood()


def note_failed_sign_in(email: str, browser: Browser, *, now: datetime) -> FailedSignIn | None:
    """The failure, if it is to be written.  Asks nobody whether the account exists."""
    typed = hashlib.sha256((email_key(email) or email).encode(errors="replace")).digest()
    limits: dict[Hashable, int] = {
        ("account", typed): OF_ONE_ACCOUNT,
        ("address", browser.address): FROM_ONE_ADDRESS,
        "all": IN_ALL,
    }
    left_out = _flood.note(limits, now)
    return None if left_out is None else FailedSignIn(email, now, browser, left_out)


def record_failed_sign_in(session: Session, failed: FailedSignIn, *, reason: str = "") -> None:
    """Write the event: about the user, or about the organisation where nobody has the address.

    reason: why, where the door knows (`portal`, `code`); else found out here: `password`, `state`, `unknown`.
    Does not commit.
    """
    user = find_user_by_email(session, email_key(failed.email) or "")
    if user is None:
        reason = "unknown"
    elif not reason:
        is_out = user.state is not UserState.ACTIVE or company_is_suspended(session, user)
        reason = "state" if is_out else "password"
    detail = {"reason": reason, **place_of(failed.browser.address, failed.browser.user_agent)}
    if failed.left_out:
        detail["left_out"] = failed.left_out
    record(
        session,
        _STRANGER,
        verb="sign_in_failed",
        subject=user if user is not None else SUBJECT,
        at=failed.at,
        detail=detail,
    )
