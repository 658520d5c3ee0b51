"""Parents and superiors that a later row of the same file makes: looked up when all rows are in.

What is still to be looked up waits beside the import (`ImportIssue` of kind "later"), so that an interrupted
import goes on with it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from app.accounts.contact_operations import edit_contact
from app.accounts.fields import ACCOUNT_FIELDS, CONTACT_FIELDS
from app.accounts.models import Account, Contact
from app.accounts.operations import edit_account
from app.intake.batch import Later
from app.intake.manner import ACCOUNT
from app.intake.models import Import, ImportIssue
from app.intake.record_values import NOT_STORED, UPWARD, find_named
from app.kernel.actor import Actor, Level
from app.kernel.errors import DomainError, Invalid
from app.sharing.scope import scope

LATER = "later"
TOGETHER = 100


def find_above(
    session: Session, actor: Actor, kind: str, text: str, account_id: int | None = None
) -> str | None:
    """The public name of the parent or superior that a row names; None where there is none yet.

    account_id: where the contact works.  Raises Invalid when several are called so.
    """
    model: Any = Account if kind == ACCOUNT else Contact
    found = find_named(session, actor, model, text, account_id=account_id)
    if len(found) > 1:
        raise Invalid({UPWARD[kind]: [_l("There are several called “%(value)s”.", value=text[:60])]})
    return found[0] if found else None


def settle(session: Session, actor: Actor, later: Later, now: datetime) -> Any | None:
    """Hang a record below the one its row named; why that cannot be.  Writes what an edit writes; does not commit."""
    name = UPWARD[later.kind]
    edit = edit_account if later.kind == ACCOUNT else edit_contact
    try:
        with session.begin_nested():
            above = find_above(session, actor, later.kind, later.text, _account_of(session, actor, later))
            if above is None:
                raise Invalid({name: [_l("“%(value)s” is not found.", value=later.text[:60])]})
            edit(session, actor, later.ref, {name: above}, allow_duplicate=True, now=now)
    except DomainError as error:
        message: Any = error.message
        if isinstance(error, Invalid):
            message = next(iter(error.errors.values()))[0]
        label = (ACCOUNT_FIELDS if later.kind == ACCOUNT else CONTACT_FIELDS)[name].label
        return _l("%(field)s: %(message)s", field=label, message=message)
    except (IntegrityError, DataError):
        return NOT_STORED
    return None


def _account_of(session: Session, actor: Actor, later: Later) -> int | None:
    if later.kind == ACCOUNT:
        return None
    found = select(Contact.account_id).where(scope(Contact, actor, Level.READ), Contact.ref == later.ref)
    return session.scalar(found)


def settle_some(session: Session, actor: Actor, import_: Import, now: datetime) -> bool:
    """Look up some of what waits; whether that was all.  What cannot be becomes a warning.  Does not commit."""
    waiting = session.scalars(
        select(ImportIssue)
        .where(ImportIssue.import_id == import_.id, ImportIssue.kind == LATER)
        .order_by(ImportIssue.id)
        .limit(TOGETHER)
    ).all()
    for issue in waiting:
        complaint = settle(session, actor, Later(issue.line, **issue.cells), now)
        if complaint is not None:
            issue.kind, issue.reason, issue.cells = "warning", str(complaint), {}
            import_.warnings += 1
    session.flush()
    settled = [issue.id for issue in waiting if issue.kind == LATER]
    if settled:
        session.execute(delete(ImportIssue).where(ImportIssue.id.in_(settled)))
    return len(waiting) < TOGETHER


def as_issues(import_id: int, later: Sequence[Later]) -> list[dict[str, Any]]:
    """Rows of `ImportIssue` for what waits."""
    return [
        {
            "import_id": import_id,
            "kind": LATER,
            "line": each.line,
            "reason": "",
            "cells": {"kind": each.kind, "ref": each.ref, "text": each.text},
        }
        for each in later
    ]
