"""Giving the accounts and contacts of somebody who left or moved to somebody else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from app.accounts.changes import find_owner
from app.accounts.models import Account, Contact
from app.events.operations import record_many
from app.identity.models import User, UserState
from app.identity.roles import PERMISSIONS
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.db import is_sqlite
from app.kernel.errors import Invalid, NotFound
from app.kernel.paging import COUNT_CAP
from app.partners.models import PartnerAccount
from app.sharing.scope import scope

# In one transaction; whoever has more is asked to press again.
AT_ONCE = 2000
MOST_PEOPLE = 50


@dataclass(frozen=True, slots=True)
class Holding:
    """Somebody with the accounts and contacts of theirs that the reader may read; counts end at `COUNT_CAP` + 1."""

    ref: str
    name: str
    has_left: bool
    accounts: int
    contacts: int


@dataclass(frozen=True, slots=True)
class HandedOver:
    """refused: (public name, name, why) of accounts that stay.  has_more: there is another load."""

    accounts: int
    contacts: int
    refused: Sequence[tuple[str, str, Any]]
    has_more: bool


def holdings(session: Session, actor: Actor, *, from_ref: str = "") -> list[Holding]:
    """People who have left and own something still, and the one who is named.  One statement."""
    people = (
        select(User.id, User.ref, User.name, User.state)
        .where(
            User.partner_account_id.is_(None), or_(User.state == UserState.DEACTIVATED, User.ref == from_ref)
        )
        .order_by(func.lower(User.name), User.id)
        .limit(MOST_PEOPLE)
        .subquery("people")
    )
    counts = [_count(model, actor, people.c.id).label(model.__tablename__) for model in (Account, Contact)]
    rows = session.execute(select(people, *counts)).all()
    found = [
        Holding(row.ref, row.name, row.state is UserState.DEACTIVATED, row.account, row.contact)
        for row in rows
    ]
    return [each for each in found if each.accounts or each.contacts or each.ref == from_ref]


def _count(model: Any, actor: Actor, owner: Any) -> Any:
    found = (
        select(model.id)
        .where(scope(model, actor, Level.READ), model.owner_user_id == owner)
        .limit(COUNT_CAP + 1)
        .correlate(owner.table)
    )
    return select(func.count()).select_from(found.subquery()).scalar_subquery()


def hand_over(session: Session, actor: Actor, from_ref: str, to_ref: str, *, now: datetime) -> HandedOver:
    """Make another person the owner of all accounts of somebody, with their contacts, and of their other contacts.

    Of the accounts' contacts those go along that the same person owns.  At most two thousand of each kind in
    one go.  A partner account whose new owner could not be its channel manager is refused, and listed.
    Writes one event for each record; does not commit.  Raises NotAllowed, NotFound, Invalid.
    """
    actor.require(Permission.ACCOUNT_DELETE)
    leaver = (
        session.scalar(select(User).where(User.ref == from_ref)) if refs.is_ref(refs.USER, from_ref) else None
    )
    if leaver is None or leaver.is_partner:
        raise NotFound("user", from_ref)
    try:
        heir = find_owner(session, to_ref)
    except Invalid as error:
        raise Invalid({"to": [_l("Choose who is to have them.")]}) from error
    if heir.id == leaver.id:
        raise Invalid({"to": [_l("Choose somebody else.")]})
    refused = [] if _may_manage(heir) else _partners_of(session, actor, leaver)
    stay = {row.id for row in refused}
    accounts = _owned(session, actor, Account, leaver, Account.id.not_in(stay) if stay else None)
    contacts = _owned(session, actor, Contact, leaver, _unlike(stay))
    for each in (*accounts, *contacts):
        each.owner_user_id = heir.id
        each.stamp(actor, now)
    session.flush()
    told = {"owner": (leaver.name, heir.name)}
    record_many(
        session,
        actor,
        [("edited", each, told, {"version": each.version}) for each in (*accounts, *contacts)],
        at=now,
    )
    why = _l("It is a partner, and its owner must be a channel manager.")
    return HandedOver(
        len(accounts),
        len(contacts),
        [(row.ref, row.name, why) for row in refused],
        has_more=len(accounts) == AT_ONCE or len(contacts) == AT_ONCE,
    )


def _may_manage(user: User) -> bool:
    return Permission.PARTNER_VIEW in PERMISSIONS[user.role]


def _partners_of(session: Session, actor: Actor, leaver: User) -> Sequence[Any]:
    is_partner = exists().where(PartnerAccount.account_id == Account.id)
    return session.execute(
        select(Account.id, Account.ref, Account.name).where(
            scope(Account, actor, Level.EDIT), Account.owner_user_id == leaver.id, is_partner
        )
    ).all()


def _unlike(stay: set[int]) -> ColumnElement[bool] | None:
    """Contacts of accounts that stay, stay with them."""
    return or_(Contact.account_id.is_(None), Contact.account_id.not_in(stay)) if stay else None


def _owned(
    session: Session, actor: Actor, model: Any, leaver: User, condition: ColumnElement[bool] | None
) -> Sequence[Any]:
    """The next of somebody's records that the actor may change, held against changes."""
    statement = (
        select(model)
        .where(
            and_(
                scope(model, actor, Level.EDIT),
                model.owner_user_id == leaver.id,
                model.merging.is_(None),
                *([] if condition is None else [condition]),
            )
        )
        .order_by(model.id)
        .limit(AT_ONCE)
    )
    if not is_sqlite(session):
        statement = statement.with_for_update(of=model)
    return session.scalars(statement.execution_options(populate_existing=True)).all()
