"""Segments: accounts, and contacts by their account, told apart by what hangs on the account.

How a list plugs in: `ACCOUNT_SEGMENTS` and `CONTACT_SEGMENTS` map a filter's name to a function

    make(session, actor, values) -> a condition of Account or Contact

the same shape as `accounts.filters.Make`: any of the values may match, and the statement that the
condition goes into carries `scope` itself.  A condition that reads other accounts carries theirs.
Each is answered from an index of the table that it reads.

    interest          an area (public name or name): interested in it or in one below it
    disinterest       likewise: said not to be interested
    need              "true": has a need not yet met; "false": has none; an area: has one there or below
    characteristic    "Type=value", or "Type" alone for any value of it; types by public name or name
    responsible       a user's public name, or "me"
    related_to        an account's public name, for any reason; "acct_…=supplier of" for accounts that are that
    parent_id         an account's public name: stands right below it
    below             likewise, at any depth; through accounts that the reader sees

To ask otherwise than by text, use the selects below, which answer keys of accounts.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select, union
from sqlalchemy.orm import Session

from app.accounts.models import Account, AccountResponsible, Contact
from app.accounts.relations.areas import areas_and_below
from app.accounts.relations.models import (
    AccountCharacteristic,
    AccountInterest,
    AccountRelationship,
    CharacteristicType,
    RelationshipReason,
)
from app.identity.models import User
from app.kernel.actor import Actor, Level
from app.kernel.fold import fold
from app.sharing.scope import scope

Condition = ColumnElement[bool]
Make = Callable[[Session, Actor, Sequence[str]], Condition]
Keys = Any  # a select of one column, keys of accounts
YES, NO = ("true", "yes", "1"), ("false", "no", "0")
SEPARATOR = "="


# Keys of accounts


def with_interest(session: Session, areas: Sequence[str], *, is_interested: bool) -> Keys:
    """Accounts that are interested, or said not to be, in one of the areas or one below it."""
    return select(AccountInterest.account_id).where(
        AccountInterest.area_id.in_(areas_and_below(session, areas)),
        AccountInterest.is_interested.is_(is_interested),
    )


def with_open_need(session: Session, areas: Sequence[str] = ()) -> Keys:
    """Accounts that have a need not yet met; areas: in one of these or below."""
    found = select(AccountInterest.account_id).where(
        AccountInterest.need.is_not(None), AccountInterest.need_met_at.is_(None)
    )
    return found.where(AccountInterest.area_id.in_(areas_and_below(session, areas))) if areas else found


def with_characteristic(session: Session, type_: str, value: str | None = None) -> Keys:
    """Accounts that have a value of the type, or that one, case and accents aside."""
    found = select(AccountCharacteristic.account_id).where(
        AccountCharacteristic.type_id.in_(_keys_named(session, CharacteristicType, type_))
    )
    return found if value is None else found.where(AccountCharacteristic.value_fold == fold(value, 120))


def answered_for_by(actor: Actor, people: Sequence[str]) -> Keys:
    """Accounts that one of these people is a responsible of; "me" is the actor."""
    refs = [actor.ref if ref == "me" else ref for ref in people]
    return select(AccountResponsible.account_id).where(
        AccountResponsible.user_id.in_(select(User.id).where(User.ref.in_(refs)))
    )


def related_to(session: Session, actor: Actor, account_ref: str, reason: str | None = None) -> Keys:
    """Accounts related to one that the actor sees.  reason: as it reads from theirs, "supplier of" that one."""
    seen = select(Account.id).where(scope(Account, actor, Level.READ), Account.ref == account_ref)
    link = AccountRelationship
    forth: Select[Any] = select(link.account_id).where(link.other_id.in_(seen))
    back: Select[Any] = select(link.other_id).where(link.account_id.in_(seen))
    if reason is not None:
        one_way, other_way = _reasons_read_as(session, reason)
        forth, back = forth.where(link.reason_id.in_(one_way)), back.where(link.reason_id.in_(other_way))
    both = union(forth, back).subquery()
    return select(both.c[0])


def right_below(actor: Actor, account_refs: Sequence[str]) -> Keys:
    """Accounts whose parent is one of these, which the actor sees."""
    seen = select(Account.id).where(scope(Account, actor, Level.READ), Account.ref.in_(account_refs))
    return select(Account.id).where(scope(Account, actor, Level.READ), Account.parent_id.in_(seen))


def below(actor: Actor, account_refs: Sequence[str]) -> Keys:
    """Accounts below one of these at any depth, by way of accounts that the actor sees."""
    tree = right_below(actor, account_refs).cte("account_tree", recursive=True)
    further = select(Account.id).where(scope(Account, actor, Level.READ), Account.parent_id == tree.c.id)
    # A union that drops what it has already ends in a circle too, though none can be made.
    tree = tree.union(further)
    return select(tree.c.id)


def _keys_named(session: Session, model: Any, text: str) -> list[int]:
    rows = session.execute(select(model.id, model.ref, model.name))
    return [key for key, ref, name in rows if ref == text or fold(name) == fold(text)]


def _reasons_read_as(session: Session, text: str) -> tuple[list[int], list[int]]:
    """(reasons read so from the first account, those read so from the other)."""
    rows = session.scalars(select(RelationshipReason)).all()
    wanted = fold(text)
    first = [row.id for row in rows if row.ref == text or fold(row.name) == wanted]
    other = [row.id for row in rows if fold(row.inverse or row.name) == wanted]
    other += [row.id for row in rows if row.ref == text and row.is_symmetric and row.id not in other]
    return first, other


# Filters


def _interest(*, is_interested: bool) -> Make:
    return lambda session, _actor, values: Account.id.in_(
        with_interest(session, values, is_interested=is_interested)
    )


def _need(session: Session, _actor: Actor, values: Sequence[str]) -> Condition:
    parts: list[Condition] = []
    if any(value in YES for value in values):
        parts.append(Account.id.in_(with_open_need(session)))
    if any(value in NO for value in values):
        parts.append(Account.id.not_in(with_open_need(session)))
    areas = [value for value in values if value not in (*YES, *NO)]
    if areas:
        parts.append(Account.id.in_(with_open_need(session, areas)))
    return or_(*parts)


def _characteristic(session: Session, _actor: Actor, values: Sequence[str]) -> Condition:
    split = [value.partition(SEPARATOR) for value in values]
    return or_(
        *(
            Account.id.in_(with_characteristic(session, type_.strip(), value.strip() if mark else None))
            for type_, mark, value in split
        )
    )


def _responsible(_session: Session, actor: Actor, values: Sequence[str]) -> Condition:
    return Account.id.in_(answered_for_by(actor, values))


def _related_to(session: Session, actor: Actor, values: Sequence[str]) -> Condition:
    split = [value.partition(SEPARATOR) for value in values]
    return or_(
        *(
            Account.id.in_(related_to(session, actor, ref.strip(), reason.strip() if mark else None))
            for ref, mark, reason in split
        )
    )


def _parent(_session: Session, actor: Actor, values: Sequence[str]) -> Condition:
    seen = select(Account.id).where(scope(Account, actor, Level.READ), Account.ref.in_(values))
    return Account.parent_id.in_(seen)


def _below(_session: Session, actor: Actor, values: Sequence[str]) -> Condition:
    return Account.id.in_(below(actor, values))


ACCOUNT_SEGMENTS: dict[str, Make] = {
    "interest": _interest(is_interested=True),
    "disinterest": _interest(is_interested=False),
    "need": _need,
    "characteristic": _characteristic,
    "responsible": _responsible,
    "related_to": _related_to,
    "parent_id": _parent,
    "below": _below,
}


def _of_account(make: Make) -> Make:
    """Contacts of the accounts that meet a condition and that the actor sees."""

    def make_for_contacts(session: Session, actor: Actor, values: Sequence[str]) -> Condition:
        found = select(Account.id).where(
            and_(scope(Account, actor, Level.READ), make(session, actor, values))
        )
        return Contact.account_id.in_(found)

    return make_for_contacts


CONTACT_SEGMENTS: dict[str, Make] = {name: _of_account(make) for name, make in ACCOUNT_SEGMENTS.items()}
