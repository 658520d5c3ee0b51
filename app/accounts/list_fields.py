"""What lists of accounts and contacts can show, filter by, sort by and edit."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import has_request_context, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app.accounts import filters
from app.accounts.categories import category_name, fourth_category
from app.accounts.contact_operations import edit_contact
from app.accounts.fields import (
    ACCOUNT_FIELDS,
    CATEGORIES,
    CONTACT_FIELDS,
    FOURTH_CATEGORY,
    KINDS,
    SECTIONS,
    Field,
)
from app.accounts.fields import FieldKind as Crm
from app.accounts.giving import contacts_along, give_account, unfit_for
from app.accounts.models import Account, Contact
from app.accounts.operations import edit_account
from app.accounts.queries import find_names, list_contacts, may_govern
from app.accounts.related import accounts_named, suggest_accounts
from app.accounts.sight import sight_of
from app.identity.forms import LANGUAGE_NAMES
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.among import among
from app.lists.catalogue import (
    RELATED,
    SAME,
    Condition,
    Kind,
    Link,
    ListField,
    ListObject,
    add_fields,
    describe,
)
from app.lists.conditions import condition_of
from app.lists.people import colleague_choices, user_names, users_by_key
from app.partners.models import PartnerAccount
from app.routing.criteria import Op
from app.sharing.scope import scope

_KINDS = {
    Crm.LONG_TEXT: Kind.LONG_TEXT,
    Crm.EMAIL: Kind.EMAIL,
    Crm.PHONE: Kind.PHONE,
    Crm.URL: Kind.URL,
    Crm.NUMBER: Kind.NUMBER,
    Crm.MONEY: Kind.MONEY,
    Crm.COUNTRY: Kind.COUNTRY,
    Crm.CHOICE: Kind.CHOICE,
    Crm.LANGUAGE: Kind.CHOICE,
}
# The names of people stand in the record's own, which leads to it.
_IN_THE_NAME = frozenset({"name", "last_name", "first_name"})


# Those with an index of their own, empty ones in it.
_SORTED: Mapping[Any, Collection[str]] = {
    Account: ("industry", "type", "billing_city", "billing_country", "employees", "annual_revenue"),
    Contact: ("title", "first_name"),
}


# What values are called


def _categories(_session: Session, _actor: Actor) -> Sequence[tuple[str, str]]:
    keys = [*CATEGORIES, *([FOURTH_CATEGORY] if fourth_category() else [])]
    return [(key, category_name(key)) for key in keys]


def _kinds(_session: Session, _actor: Actor) -> Sequence[tuple[str, str]]:
    return [(key, str(label)) for key, label in KINDS.items()]


def _languages(_session: Session, _actor: Actor) -> Sequence[tuple[str, str]]:
    return [(key, str(label)) for key, label in LANGUAGE_NAMES]


# So many records are offered that a typed name can mean.
MOST_MEANT = 8
_CHOICES = {"category": _categories, "language": _languages}


# Other records


def _record(model: Any, column: Any) -> Any:
    """The condition of a field that holds the key of an account or contact, which is named by its public name."""

    def make(_session: Session, actor: Actor, op: Op, value: Any) -> Condition:
        if op in (Op.IS_EMPTY, Op.IS_NOT_EMPTY):
            # One that the reader does not see looks empty to them.
            is_seen = column.in_(select(model.id).where(scope(model, actor, Level.READ)))
            return column.is_(None) | ~is_seen if op is Op.IS_EMPTY else is_seen  # type: ignore[no-any-return]
        wanted = value if isinstance(value, tuple) else (value,)
        found = select(model.id).where(scope(model, actor, Level.READ), model.ref.in_(wanted))
        is_one = column.in_(found)
        return column.is_(None) | ~is_one if op in (Op.NOT_EQUALS, Op.NOT_IN) else is_one  # type: ignore[no-any-return]

    return make


def accounts_named_by(session: Session, actor: Actor, values: Collection[str]) -> Mapping[str, str]:
    """Public name → name of accounts and contacts, as far as the reader may read them."""
    return find_names(session, actor, list(values))


def _accounts_meant(session: Session, actor: Actor, text: str) -> Sequence[tuple[str, str]]:
    found = accounts_named(session, actor, text, limit=MOST_MEANT) or suggest_accounts(
        session, actor, text, limit=MOST_MEANT
    )
    return [(account.ref, account.name) for account in found]


def _contacts_meant(session: Session, actor: Actor, text: str) -> Sequence[tuple[str, str]]:
    query = filters.parse_contact_query(session, actor, {"q": [text]}, "last_name")
    found = list_contacts(session, actor, query, limit=MOST_MEANT).items
    return [(row.contact.ref, row.contact.full_name) for row in found]


def account_links(session: Session, actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
    """Key of an account → its name, leading to its page, as far as the reader may read it."""
    if not actor.can(Permission.ACCOUNT_VIEW):
        return {}
    rows = session.execute(
        select(Account.id, Account.ref, Account.name).where(
            scope(Account, actor, Level.READ), among(session, Account.id, keys)
        )
    )
    root = _root("accounts.index")
    return {key: Link(name, f"{root}/{ref}") for key, ref, name in rows}


def _contact_links(session: Session, actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
    if not actor.can(Permission.CONTACT_VIEW):
        return {}
    rows = session.execute(
        select(Contact.id, Contact.ref, Contact.first_name, Contact.last_name).where(
            scope(Contact, actor, Level.READ), among(session, Contact.id, keys)
        )
    )
    root = _root("contacts.index")
    return {
        key: Link(" ".join(filter(None, (first, last))), f"{root}/{ref}") for key, ref, first, last in rows
    }


def _root(endpoint: str) -> str:
    """Address of a list; exports run where there are no addresses, and need none."""
    return url_for(endpoint) if has_request_context() else ""


def _is_partner(_session: Session, _actor: Actor, _op: Op, value: Any) -> Condition:
    partners = select(PartnerAccount.account_id)
    return Account.id.in_(partners) if value else Account.id.not_in(partners)


def _partner_cells(session: Session, _actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
    found = set(
        session.scalars(
            select(PartnerAccount.account_id).where(among(session, PartnerAccount.account_id, keys))
        )
    )
    return {key: key in found for key in keys}


def _says_partner(_op: Op, value: str) -> str:
    return _("it is a partner") if value == _("yes") else _("it is no partner")


# Fields


def _field(model: Any, field: Field, prefix: str) -> ListField:
    column = getattr(model, field.attribute)
    label = _l("%(field)s (shipping)", field=field.label) if field.section == "shipping" else field.label
    if field.kind is Crm.USER:
        return user_field(field.name, label, column, edits=field.name)
    if field.kind is Crm.ACCOUNT:
        return account_reference(field.name, label, column)
    if field.kind is Crm.CONTACT:
        return contact_reference(field.name, label, column)
    is_sorted = field.name in _SORTED[model]
    return ListField(
        field.name,
        label,
        _KINDS.get(field.kind, Kind.TEXT),
        column,
        choices=_CHOICES.get(field.name),
        edits=field.name if field.name not in _IN_THE_NAME else "",
        only_for=("kind", field.only_for) if field.only_for else None,
        sort=field.name if is_sorted else "",
        sort_column=_in_order(field, column) if is_sorted else None,
        sorts_empty=is_sorted,
    )


def _on_page(model: Any, field: Field, prefix: str) -> ListField:
    """A field under the heading that it has on the record's page."""
    return replace(_field(model, field, prefix), section=SECTIONS[field.section])


def _in_order(field: Field, column: Any) -> Any:
    """What the field is sorted by, as its index has it: text whatever its case."""
    return func.lower(column) if field.kind is Crm.TEXT else column


def account_reference(name: str, label: Any, column: Any) -> ListField:
    """A field that holds the key of an account."""
    return ListField(
        name, label, Kind.REFERENCE, column, _record(Account, column), SAME, names=accounts_named_by, picks="account",
        resolve=account_links, text=_text_of_link,
    )  # fmt: skip


def contact_reference(name: str, label: Any, column: Any) -> ListField:
    """A field that holds the key of a contact."""
    return ListField(
        name, label, Kind.REFERENCE, column, _record(Contact, column), SAME, names=accounts_named_by, picks="contact",
        resolve=_contact_links, text=_text_of_link,
    )  # fmt: skip


def _text_of_link(link: Any) -> str:
    return str(link.text)


def user_field(name: str, label: Any, column: Any, *, edits: str = "") -> ListField:
    """A field that holds the key of a colleague."""
    return ListField(
        name, label, Kind.USER, column, choices=colleague_choices, names=user_names, resolve=users_by_key,
        text=lambda person: person.name, edits=edits,
    )  # fmt: skip


def _stamps(model: Any) -> list[ListField]:
    return [
        ListField("last_activity_at", _l("Last activity"), Kind.MOMENT, model.last_activity_at),
        ListField("created_at", _l("Created"), Kind.MOMENT, model.created_at, sort="created_at"),
        ListField("updated_at", _l("Changed"), Kind.MOMENT, model.updated_at, sort="updated_at"),
        user_field("created_by", _l("Created by"), model.created_by_id),
        user_field("updated_by", _l("Changed by"), model.updated_by_id),
    ]


def _account_fields() -> list[ListField]:
    name = ListField("name", _l("Name"), Kind.TEXT, Account.name, sort="name")
    plain = [_on_page(Account, f, refs.ACCOUNT) for f in ACCOUNT_FIELDS.values() if f.name != "name"]
    main = SECTIONS["main"]
    return [
        replace(name, section=main),
        ListField("kind", _l("Kind"), Kind.CHOICE, Account.kind, ops=SAME[:4], choices=_kinds, section=main),
        *plain,
        *_stamps(Account),
        ListField(
            "partner", _l("Partner"), Kind.YES_NO, Account.id, _is_partner, resolve=_partner_cells,
            says=_says_partner, section=RELATED,
        ),
    ]  # fmt: skip


def _contact_fields() -> list[ListField]:
    full_name = case(
        (Contact.first_name.is_(None), Contact.last_name),
        else_=Contact.first_name + " " + Contact.last_name,
    )
    return [
        ListField(
            "name",
            _l("Name"),
            Kind.TEXT,
            full_name,
            sort="last_name",
            is_export=False,
            section=SECTIONS["main"],
        ),
        *(_on_page(Contact, field, refs.CONTACT) for field in CONTACT_FIELDS.values()),
        *_stamps(Contact),
        *(
            _of_account(name)
            for name in ("category", "industry", "type", "billing_country", "billing_city", "owner")
        ),
    ]


def _of_account(name: str) -> ListField:
    """A field of the account that a contact belongs to, as a field of the contact."""
    theirs = _field(Account, ACCOUNT_FIELDS[name], refs.ACCOUNT)

    def make(session: Session, actor: Actor, op: Op, value: Any) -> Condition:
        inner = condition_of(session, actor, theirs, op, value)
        found = select(Account.id).where(scope(Account, actor, Level.READ), inner)
        return Contact.account_id.is_not(None) & Contact.account_id.in_(found)

    def cells(session: Session, actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
        rows = session.execute(
            select(Account.id, theirs.column).where(
                scope(Account, actor, Level.READ), among(session, Account.id, keys)
            )
        ).all()
        values: dict[Any, Any] = dict(tuple(row) for row in rows)
        if theirs.resolve is None:
            return values
        shown = theirs.resolve(session, actor, set(values.values()))
        return {key: shown.get(value) for key, value in values.items()}

    return ListField(
        f"account_{name}", _l("%(field)s of the account", field=theirs.label), theirs.kind, Contact.account_id,
        make, theirs.operators, theirs.choices, theirs.names, theirs.picks, cells, theirs.text,
        section=RELATED, is_export=False,
    )  # fmt: skip


describe(
    ListObject(
        name="account",
        model=Account,
        prefix=refs.ACCOUNT,
        root="accounts.index",
        view=Permission.ACCOUNT_VIEW,
        edit=Permission.ACCOUNT_EDIT,
        export=Permission.ACCOUNT_EXPORT,
        title="name",
        note="site",
        columns=("category", "partner", "industry", "billing_city", "owner", "last_activity_at"),
        headings=tuple(SECTIONS.values()),
        sorts=filters.ACCOUNT_SORTS,
        sort="name",
        simple=filters.ACCOUNT_FILTERS,
        quick=("owner", "category", "kind", "partner"),
        write=edit_account,
        give=give_account,
        along=_l("Its contacts that have the same owner go along"),
        goes_along=contacts_along,
        governs=may_govern,
        unfit=unfit_for,
        suggest=_accounts_meant,
        sight=sight_of("account"),
        aside=("kind",),
    )
)
add_fields("account", *_account_fields())
describe(
    ListObject(
        name="contact",
        model=Contact,
        prefix=refs.CONTACT,
        root="contacts.index",
        view=Permission.CONTACT_VIEW,
        edit=Permission.CONTACT_EDIT,
        export=Permission.ACCOUNT_EXPORT,
        title="name",
        note="title",
        columns=("account_id", "email", "phone", "owner", "last_activity_at"),
        headings=tuple(SECTIONS.values()),
        sorts=filters.CONTACT_SORTS,
        sort="last_name",
        simple=filters.CONTACT_FILTERS,
        quick=("owner", "account_category"),
        write=edit_contact,
        governs=may_govern,
        suggest=_contacts_meant,
        sight=sight_of("contact"),
    )
)
add_fields("contact", *_contact_fields())
