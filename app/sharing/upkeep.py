"""Keeping the grants of sharing rules right with every change of a record.

A set says for ever what it was made to say (`grant_sets`) and is built in the background (`building`).  From
the moment it exists, every transaction that changes a record settles that record's grants before it commits.
"""

from typing import Any

from sqlalchemy import (
    inspect,
)
from sqlalchemy.orm import Session

from app.accounts.models import Account, AccountResponsible
from app.identity.models import User
from app.leads.models import LeadSource
from app.partners.models import PartnerAccount
from app.sharing.building import rebuild, rebuild_owned
from app.sharing.grant_sets import live_sets
from app.sharing.granting import refresh
from app.sharing.models import (
    SharingRule,
    SharingRuleKind,
)
from app.sharing.subjects import SUBJECTS
from app.sharing.touched import TOUCHED, touch

OWNERS_CHANGED, RENAMED = "owners_changed", "renamed"


def note_flushed(session: Session, _context: Any) -> None:
    """Listener of `after_flush`: what the session itself has written."""
    for each in (*session.new, *session.dirty):
        name = getattr(each, "__tablename__", "")
        if name in SUBJECTS:
            touch(session, name, (each.id,))
        if _changes_owners(each):
            session.info[OWNERS_CHANGED] = True
        if isinstance(each, LeadSource) and inspect(each).attrs.name.history.deleted:
            session.info[RENAMED] = True
    if any(isinstance(each, AccountResponsible) for each in session.deleted):
        session.info[OWNERS_CHANGED] = True


def _changes_owners(each: Any) -> bool:
    """Whether it changes which principals somebody is who may own records."""
    if isinstance(each, AccountResponsible):
        return True
    watched = {User: "role", PartnerAccount: "level_id", Account: "owner_user_id"}.get(type(each))
    return watched is not None and bool(inspect(each).attrs[watched].history.deleted)


def settle(session: Session) -> None:
    """Listener of `before_commit`: bring the grants of everything touched in the transaction up to date."""
    if session.in_nested_transaction():
        return  # the whole is settled at its end
    session.flush()
    touched = session.info.pop(TOUCHED, {})
    for object_, ids in touched.items():
        sets = live_sets(session, object_)
        if sets and ids:
            refresh(session, SUBJECTS[object_], sorted(ids), sets)
    if session.info.pop(OWNERS_CHANGED, False):
        rebuild_owned(session)
    if session.info.pop(RENAMED, False):
        rebuild(session, SharingRule.object == "lead", SharingRule.kind == SharingRuleKind.CRITERIA)


def forget_touched(session: Session) -> None:
    """Listener of `after_rollback`: nothing of it happened.

    Where only a savepoint was rolled back, what was touched before it still counts.
    """
    if session.in_nested_transaction():
        return
    session.info.pop(TOUCHED, None)
    session.info.pop(OWNERS_CHANGED, None)
    session.info.pop(RENAMED, None)
