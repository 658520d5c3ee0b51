"""Segments: accounts, and contacts by their account, told apart by what hangs on the account.

How a list plugs in: `ACCOUNT_SEGMENTS` and `CONTACT_SEGMENTS` map a filter's name to a function

    make(session, actor, values) -> a condition of Account or Contact

the same shape as `accounts.filters.Make`: any of the values may match, and the statement that the
condition goes into carries `scope` itself.  A condition that reads other accounts carries theirs.  Each is answered from an index, see `among`.

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

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union
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
# Likewise, on a column that holds keys of accounts: the accounts' own, or the contacts'.
MakeOn = Callable[[Session, Actor, Sequence[str], Any], Condition]
Keys = Any  # a select of one column, keys of accounts
# Up to so many accounts a segment is few.
MOST_LISTED = 500
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


# Conditions


def among(session: Session, column: Any, keys: Keys) -> Condition:
    """That `column`, a key of an account, is among these keys.  Never null where the column is not.

    Few keys are looked up in a list's order of their own; where there are many, the list walks its own order
    and asks for each row, which costs the same however many there are.
    """
    if not isinstance(keys, Select):
        return column.in_(keys)  # type: ignore[no-any-return]
    few = select(func.count()).select_from(keys.limit(MOST_LISTED + 1).subquery())
    if (session.scalar(few) or 0) <= MOST_LISTED:
        return column.in_(keys)  # type: ignore[no-any-return]
    [key] = keys.selected_columns
    return keys.where(key == column).correlate(column.table).exists()


def _interest(*, is_interested: bool) -> MakeOn:
    def make(session: Session, _actor: Actor, values: Sequence[str], column: Any) -> Condition:
        return among(session, column, with_interest(session, values, is_interested=is_interested))

    return make


def _need(session: Session, _actor: Actor, values: Sequence[str], column: Any) -> Condition:
    parts: list[Condition] = []
    if any(value in YES for value in values):
        parts.append(among(session, column, with_open_need(session)))
    if any(value in NO for value in values):
        parts.append(~among(session, column, with_open_need(session)))
    areas = [value for value in values if value not in (*YES, *NO)]
    if areas:
        parts.append(among(session, column, with_open_need(session, areas)))
    return or_(*parts)


def _characteristic(session: Session, _actor: Actor, values: Sequence[str], column: Any) -> Condition:
    split = [value.partition(SEPARATOR) for value in values]
    return or_(
        *(
            among(
                session,
                column,
                with_characteristic(session, type_.strip(), value.strip() if mark else None),
            )
            for type_, mark, value in split
        )
    )


def _responsible(session: Session, actor: Actor, values: Sequence[str], column: Any) -> Condition:
    return among(session, column, answered_for_by(actor, values))


def _related_to(session: Session, actor: Actor, values: Sequence[str], column: Any) -> Condition:
    split = [value.partition(SEPARATOR) for value in values]
    return or_(
        *(
            column.in_(related_to(session, actor, ref.strip(), reason.strip() if mark else None))
            for ref, mark, reason in split
        )
    )


def _parent(_session: Session, actor: Actor, values: Sequence[str], column: Any) -> Condition:
    if column is not Account.id:
        return column.in_(right_below(actor, values))  # type: ignore[no-any-return]
    seen = select(Account.id).where(scope(Account, actor, Level.READ), Account.ref.in_(values))
    return Account.parent_id.in_(seen)


def _below(_session: Session, actor: Actor, values: Sequence[str], column: Any) -> Condition:
    return column.in_(below(actor, values))  # type: ignore[no-any-return]


_SEGMENTS: dict[str, MakeOn] = {
    "interest": _interest(is_interested=True),
    "disinterest": _interest(is_interested=False),
    "need": _need,
    "characteristic": _characteristic,
    "responsible": _responsible,
    "related_to": _related_to,
    "parent_id": _parent,
    "below": _below,
}


def of_seen_account(actor: Actor) -> Condition:
    """That a contact is of an account which the actor sees: else it tells of that account."""
    seen = select(Account.id).where(scope(Account, actor, Level.READ), Account.id == Contact.account_id)
    return Contact.account_id.is_not(None) & seen.correlate(Contact.__table__).exists()


def _on_accounts(make: MakeOn) -> Make:
    return lambda session, actor, values: make(session, actor, values, Account.id)


def _on_contacts(make: MakeOn) -> Make:
    return lambda session, actor, values: and_(
        of_seen_account(actor), make(session, actor, values, Contact.account_id)
    )


ACCOUNT_SEGMENTS: dict[str, Make] = {name: _on_accounts(make) for name, make in _SEGMENTS.items()}
CONTACT_SEGMENTS: dict[str, Make] = {name: _on_contacts(make) for name, make in _SEGMENTS.items()}
