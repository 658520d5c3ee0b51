"""Verbs of the care of data on pairs and marks; merging and handing over have modules of their own."""

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.accounts.queries import get_account, get_contact
from app.care.models import DuplicatePair, PairState
from app.care.queries import get_pair
from app.events.operations import record
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import Invalid

MARKS = ("left_out", "ready")
PERMISSIONS = {"account": Permission.ACCOUNT_EDIT, "contact": Permission.CONTACT_EDIT}


def dismiss_pair(session: Session, actor: Actor, ref: str, *, now: datetime) -> DuplicatePair:
    """Remember that the two are no duplicates; they are not found again.  Raises NotAllowed, NotFound."""
    return _decide(session, actor, ref, PairState.DISMISSED, now)


def reopen_pair(session: Session, actor: Actor, ref: str, *, now: datetime) -> DuplicatePair:
    """Take it back that the two are no duplicates.  Raises NotAllowed, NotFound."""
    return _decide(session, actor, ref, PairState.OPEN, now)


def _decide(session: Session, actor: Actor, ref: str, state: PairState, now: datetime) -> DuplicatePair:
    pair = get_pair(session, actor, ref)
    actor.require(PERMISSIONS[pair.kind])
    if pair.state in (PairState.OPEN, PairState.DISMISSED) and pair.state is not state:
        pair.state, pair.decided_at, pair.decided_by_id = state, now, actor.user_id
    return pair


def mark_record(
    session: Session, actor: Actor, kind: str, ref: str, mark: str, wanted: bool, *, now: datetime
) -> Any:
    """Set or take away a mark on an account or contact: who, and when.

    mark: "left_out" (of lists, reports and campaigns) or "ready" (for a new product).  Writes one event;
    nothing when nothing changes.  Raises NotAllowed, NotFound, Invalid.
    """
    actor.require(PERMISSIONS[kind])
    read: Any = get_account if kind == "account" else get_contact
    subject = read(session, actor, ref, Level.EDIT, for_update=True)
    if mark not in MARKS:
        raise Invalid({"mark": [_l("Choose one of those listed.")]})
    if (getattr(subject, f"{mark}_at") is not None) == wanted:
        return subject
    setattr(subject, f"{mark}_at", now if wanted else None)
    setattr(subject, f"{mark}_by_id", actor.user_id if wanted else None)
    subject.stamp(actor, now)
    verb = f"{'marked' if wanted else 'unmarked'}_{mark}"
    record(session, actor, verb=verb, subject=subject, at=now, detail={"version": subject.version})
    return subject
