"""Who reports to whom, and which account stands below which: one tree each, in which nobody stands below themselves.

Whoever hangs a record below another takes the tree's lock first: two people cannot close a circle together,
however long it would be, and neither waits for rows of the other.
"""

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, AccountKind, Contact
from app.accounts.queries import get_contact
from app.events.operations import record
from app.kernel.actor import Actor
from app.kernel.db import is_sqlite
from app.kernel.errors import Invalid, NotFound
from app.sharing.scope import scope

DEEPEST = 50
# A circle counts whoever may see the records that it goes through.
_ABOVE = Actor.system("trees of records")
_LOCKS = {"account": 7_203_001, "contact": 7_203_002}


def refuse_circle(session: Session, model: type[Account] | type[Contact], key: int, above: int) -> None:
    """That record `above` is neither `key` nor below it.  Raises Invalid under the field that says it.

    Holds the tree's lock until the transaction ends.
    """
    column: Any = Account.parent_id if model is Account else Contact.reports_to_id
    if not is_sqlite(session):  # there a writing transaction is alone already
        session.execute(select(func.pg_advisory_xact_lock(_LOCKS[model.__tablename__])))
    place: int | None = above
    for _step in range(DEEPEST):
        if place is None:
            return
        if place == key:
            raise Invalid({column.key: [_CIRCLE[column.key]]})
        place = session.scalar(select(column).where(scope(model, _ABOVE), model.id == place))
    raise Invalid({column.key: [_TOO_DEEP[column.key]]})


_CIRCLE = {
    "parent_id": _l("An account cannot stand below itself."),
    "reports_to_id": _l("Nobody can report to themselves, not even by way of others."),
}
_TOO_DEEP = {
    "parent_id": _l("There are too many accounts above this one."),
    "reports_to_id": _l("There are too many people above this one."),
}


def kept_kind(session: Session, account: Account) -> AccountKind:
    """What the account is, which it stays until the transaction ends: a person must not come by contacts.

    Raises NotFound: it went away a moment ago, as what a conversion made does when that is undone.
    """
    if is_sqlite(session):
        return account.kind
    statement = select(Account.kind).where(scope(Account, _ABOVE), Account.id == account.id)
    kind = session.scalar(statement.with_for_update(read=True, key_share=True))
    if kind is None:
        raise NotFound(Account.__tablename__, account.ref)
    return kind


def superior_id(
    session: Session, actor: Actor, contact: Contact | None, ref: str | None, account_id: int | None
) -> int | None:
    """The superior's key.  contact: who is to report to them, None for a new one; account_id: where they work.

    Raises Invalid: no such contact, one of another account, the contact itself or somebody below it.
    """
    if ref is None:
        return None
    try:
        superior = get_contact(session, actor, ref)
    except NotFound as error:
        raise Invalid({"reports_to_id": [_l("There is no such contact.")]}) from error
    moves = contact is not None and contact.account_id != account_id
    if contact is not None and contact.reports_to_id == superior.id:
        # Whoever moves leaves their superior behind, unless a new one is named.
        return None if moves and superior.account_id != account_id else superior.id
    if superior.account_id != account_id:
        raise Invalid({"reports_to_id": [_l("Choose somebody of the same account.")]})
    if contact is not None:
        refuse_circle(session, Contact, contact.id, superior.id)
    return superior.id


def leave_reports(session: Session, actor: Actor, contact: Contact, now: datetime) -> None:
    """Let nobody of another account report to the contact, who has moved; told on each one's timeline."""
    session.flush()
    left = session.scalars(
        select(Contact).where(
            scope(Contact, _ABOVE),
            Contact.reports_to_id == contact.id,
            Contact.account_id.is_distinct_from(contact.account_id),
        )
    ).all()
    for person in left:
        person.reports_to_id = None
        person.stamp(actor, now)
        changes = {"reports_to_id": (contact.ref, None)}
        record(session, actor, verb="edited", subject=person, at=now, changes=changes)
