"""Reading accounts and contacts, with the names that stand beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from app.accounts.errors import BeingMerged
from app.accounts.models import Account, Contact
from app.identity.models import User
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import NotAllowed, NotFound
from app.kernel.paging import COUNT_CAP, PAGE_SIZE, Page, make_cursor
from app.lists.found import window_at
from app.lists.query import ListQuery
from app.partners.models import PartnerAccount, PartnerState
from app.sharing.levels import get_with_level, given_level
from app.sharing.merge import Window, merged_ids, order_of
from app.sharing.scope import scope


@dataclass(frozen=True, slots=True)
class Person:
    """A user as a name beside a record; what `ui.owner` draws."""

    ref: str
    name: str
    kind: str = "user"
    url: str = ""
    company_name: str = ""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account in a list."""

    account: Account
    owner: Person
    partner_state: PartnerState | None
    given: Level


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A contact in a list.  account_ref, account_name: None when it has none or it may not be seen."""

    contact: Contact
    owner: Person
    account_ref: str | None
    account_name: str | None
    given: Level


@dataclass(frozen=True, slots=True)
class AccountDetail:
    """An account with what its page shows beside it.  parent: only if it may be seen too."""

    account: Account
    given: Level
    owner: Person
    created_by: str | None
    updated_by: str | None
    parent: tuple[str, str] | None
    partner: PartnerAccount | None

    def may_edit(self, actor: Actor) -> bool:
        return _is_open(self.account, self.given) and actor.can(Permission.ACCOUNT_EDIT)

    def may_govern(self, actor: Actor) -> bool:
        """Whether the actor may change the owner and the responsibles, and delete."""
        return self.account.merging is None and may_govern(actor, self.given)


@dataclass(frozen=True, slots=True)
class ContactDetail:
    """A contact with what its page shows beside it.

    user: the partner user made of it, deactivated ones too.  is_of_partner: its account is an active partner.
    """

    contact: Contact
    given: Level
    owner: Person
    created_by: str | None
    updated_by: str | None
    account: Account | None
    reports_to: tuple[str, str] | None
    user: User | None
    is_of_partner: bool

    def may_edit(self, actor: Actor) -> bool:
        return _is_open(self.contact, self.given) and actor.can(Permission.CONTACT_EDIT)

    def may_govern(self, actor: Actor) -> bool:
        is_free = self.contact.merging is None
        return is_free and may_govern(actor, self.given) and actor.can(Permission.CONTACT_EDIT)


def _is_open(record: Account | Contact, given: Level) -> bool:
    """Whether that much is enough to change it, and it is not being merged."""
    return given >= Level.EDIT and record.merging is None


def may_govern(actor: Actor, given: Level) -> bool:
    """Owners of a record, administrators and channel managers who may edit it."""
    return given >= Level.FULL or (given >= Level.EDIT and actor.can(Permission.ACCOUNT_DELETE))


# One record


def get_account(
    session: Session, actor: Actor, ref: str, level: Level = Level.READ, *, for_update: bool = False
) -> Account:
    """The account.  Raises NotFound, alike for hidden and absent; NotAllowed when it is seen at less.

    for_update: held against changes until the transaction ends; then BeingMerged is raised too.
    """
    account: Account = _get(session, actor, Account, refs.ACCOUNT, ref, level, for_update)[0]
    return account


def get_contact(
    session: Session, actor: Actor, ref: str, level: Level = Level.READ, *, for_update: bool = False
) -> Contact:
    """The contact.  Raises NotFound, alike for hidden and absent; NotAllowed when it is seen at less.

    for_update: as above.
    """
    contact: Contact = _get(session, actor, Contact, refs.CONTACT, ref, level, for_update)[0]
    return contact


def get_account_and_level(
    session: Session, actor: Actor, ref: str, *, for_update: bool = False
) -> tuple[Account, Level]:
    """The account, with how much of it the actor has.  Raises NotFound, BeingMerged where it is to be changed."""
    return _get(session, actor, Account, refs.ACCOUNT, ref, Level.READ, for_update)


def get_contact_and_level(
    session: Session, actor: Actor, ref: str, *, for_update: bool = False
) -> tuple[Contact, Level]:
    """The contact, with how much of it the actor has.  Raises NotFound, BeingMerged where it is to be changed."""
    return _get(session, actor, Contact, refs.CONTACT, ref, Level.READ, for_update)


def _get(
    session: Session, actor: Actor, model: Any, kind: str, ref: str, level: Level, for_update: bool
) -> tuple[Any, Level]:
    record, given = get_with_level(session, actor, model, kind, ref, for_update=for_update)
    if given < level:
        raise NotAllowed
    if for_update and record.merging is not None:
        raise BeingMerged
    return record, given


def open_account(session: Session, actor: Actor, ref: str) -> AccountDetail:
    """The account with the names beside it.  Raises NotFound."""
    owner, creator, changer = aliased(User), aliased(User), aliased(User)
    row = session.execute(
        select(
            Account,
            given_level(Account, actor),
            owner.ref,
            owner.name,
            creator.name,
            changer.name,
            PartnerAccount,
        )
        .join(owner, owner.id == Account.owner_user_id)
        .outerjoin(creator, creator.id == Account.created_by_id)
        .outerjoin(changer, changer.id == Account.updated_by_id)
        .outerjoin(PartnerAccount, PartnerAccount.account_id == Account.id)
        .where(scope(Account, actor, Level.READ), Account.ref == ref)
    ).first()
    if row is None:
        raise NotFound("account", ref)
    account, given, owner_ref, owner_name, created_by, updated_by, partner = row
    above = None
    if account.parent_id is not None:
        above = session.execute(
            select(Account.ref, Account.name).where(
                scope(Account, actor, Level.READ), Account.id == account.parent_id
            )
        ).first()
    return AccountDetail(
        account,
        Level(given),
        Person(owner_ref, owner_name),
        created_by,
        updated_by,
        (above.ref, above.name) if above else None,
        partner,
    )


def open_contact(session: Session, actor: Actor, ref: str) -> ContactDetail:
    """The contact with the names beside it.  Raises NotFound."""
    owner, creator, changer = aliased(User), aliased(User), aliased(User)
    row = session.execute(
        select(
            Contact,
            given_level(Contact, actor),
            owner.ref,
            owner.name,
            creator.name,
            changer.name,
            Account,
            User,
            PartnerAccount.state,
        )
        .join(owner, owner.id == Contact.owner_user_id)
        .outerjoin(creator, creator.id == Contact.created_by_id)
        .outerjoin(changer, changer.id == Contact.updated_by_id)
        .outerjoin(Account, and_(Account.id == Contact.account_id, scope(Account, actor, Level.READ)))
        .outerjoin(PartnerAccount, PartnerAccount.account_id == Account.id)
        .outerjoin(User, User.contact_id == Contact.id)
        .where(scope(Contact, actor, Level.READ), Contact.ref == ref)
        .order_by(User.id.desc())
    ).first()
    if row is None:
        raise NotFound("contact", ref)
    contact, given, owner_ref, owner_name, created_by, updated_by, account, user, partner_state = row
    superior = None
    if contact.reports_to_id is not None:
        superior = session.scalar(
            select(Contact).where(scope(Contact, actor, Level.READ), Contact.id == contact.reports_to_id)
        )
    return ContactDetail(
        contact,
        Level(given),
        Person(owner_ref, owner_name),
        created_by,
        updated_by,
        account,
        (superior.ref, superior.full_name) if superior else None,
        user,
        partner_state is PartnerState.ACTIVE,
    )


def find_names(
    session: Session, actor: Actor, refs_wanted: Sequence[str], *, keys: Mapping[str, int] | None = None
) -> dict[str, str]:
    """Public name → name of those accounts and contacts that the actor may read, in the order of their kind.

    keys: "account" or "contact" → key, for records known by key.
    """
    names: dict[str, str] = {}
    keys = keys or {}
    accounts = [ref for ref in refs_wanted if refs.is_ref(refs.ACCOUNT, ref)]
    if (accounts or "account" in keys) and actor.can(Permission.ACCOUNT_VIEW):
        wanted = or_(Account.ref.in_(accounts), Account.id == keys.get("account", 0))
        rows = session.execute(
            select(Account.ref, Account.name).where(scope(Account, actor, Level.READ), wanted)
        )
        names.update((ref, name) for ref, name in rows)
    contacts = [ref for ref in refs_wanted if refs.is_ref(refs.CONTACT, ref)]
    if (contacts or "contact" in keys) and actor.can(Permission.CONTACT_VIEW):
        wanted = or_(Contact.ref.in_(contacts), Contact.id == keys.get("contact", 0))
        found = session.scalars(select(Contact).where(scope(Contact, actor, Level.READ), wanted))
        names.update((contact.ref, contact.full_name) for contact in found)
    return names


# Lists


def list_accounts(
    session: Session, actor: Actor, query: ListQuery, *, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[AccountRow]:
    """A page of the accounts that the actor may read.  Two statements, whatever the rows.

    Raises BadCursor.
    """
    window, back = window_at(actor, query, cursor, limit)
    if query.is_void:
        return Page([])
    ids = merged_ids(Account, actor, window, query.conditions, level=Level.READ).subquery("page")
    statement = (
        select(Account, User.ref, User.name, PartnerAccount.state, ids.c.given, ids.c.sort_value)
        .join(ids, ids.c.id == Account.id)
        .join(User, User.id == Account.owner_user_id)
        .outerjoin(PartnerAccount, PartnerAccount.account_id == Account.id)
        .order_by(*order_of(window, ids))
        .limit(limit + 1)
    )
    found = [
        (AccountRow(account, Person(ref, name), state, Level(given)), value, account.id)
        for account, ref, name, state, given, value in session.execute(statement)
    ]
    return page_of(actor, query, found, limit, back, cursor is not None)


def list_contacts(
    session: Session, actor: Actor, query: ListQuery, *, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[ContactRow]:
    """A page of the contacts that the actor may read.  Raises BadCursor."""
    window, back = window_at(actor, query, cursor, limit)
    if query.is_void:
        return Page([])
    ids = merged_ids(Contact, actor, window, query.conditions, level=Level.READ).subquery("page")
    statement = (
        select(Contact, User.ref, User.name, Account.ref, Account.name, ids.c.given, ids.c.sort_value)
        .join(ids, ids.c.id == Contact.id)
        .join(User, User.id == Contact.owner_user_id)
        .outerjoin(Account, and_(Account.id == Contact.account_id, scope(Account, actor, Level.READ)))
        .order_by(*order_of(window, ids))
        .limit(limit + 1)
    )
    found = [
        (ContactRow(contact, Person(ref, name), account_ref, account_name, Level(given)), value, contact.id)
        for contact, ref, name, account_ref, account_name, given, value in session.execute(statement)
    ]
    return page_of(actor, query, found, limit, back, cursor is not None)


def count_accounts(session: Session, actor: Actor, query: ListQuery, *, cap: int = COUNT_CAP) -> int:
    """How many match, at most `cap` + 1: nobody waits for an exact count above it."""
    return _count(session, actor, Account, query, cap)


def count_contacts(session: Session, actor: Actor, query: ListQuery, *, cap: int = COUNT_CAP) -> int:
    """How many match, at most `cap` + 1."""
    return _count(session, actor, Contact, query, cap)


def _count(session: Session, actor: Actor, model: Any, query: ListQuery, cap: int) -> int:
    window = Window(query.sort_column, query.descending, cap)
    ids = merged_ids(model, actor, window, query.conditions, level=Level.READ).subquery()
    return min(session.scalar(select(func.count()).select_from(ids)) or 0, cap + 1)


def page_of(
    actor: Actor, query: Any, found: list[tuple[Any, Any, int]], limit: int, back: bool, is_later: bool
) -> Page[Any]:
    """The page with its cursors.  found: (row, sort value, key), one more than wanted if there is more."""
    more = len(found) > limit
    found = found[:limit]
    if back:
        found.reverse()
    if not found:
        return Page([])

    def at(entry: tuple[Any, Any, int], *, back: bool) -> str:
        return make_cursor(actor.user_id, query.shape, entry[1], entry[2], back=back)

    older = at(found[-1], back=False) if (back or more) else None
    newer = at(found[0], back=True) if (more if back else is_later) else None
    return Page([row for row, _value, _key in found], older, newer)
