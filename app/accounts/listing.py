"""What the lists of accounts and contacts show around their rows: columns, filters, chips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.accounts.categories import category_name
from app.accounts.fields import ACCOUNT_FIELDS, CONTACT_FIELDS, KINDS
from app.accounts.queries import Person
from app.web.filters import country_name
from app.web.listing import ListAddress

# The filters that the pages offer; the API knows more.
ACCOUNT_FILTERS = (
    "q", "owner", "category", "kind", "partner", "industry", "billing_country", "billing_city", "type", "parent_id",
)  # fmt: skip
CONTACT_FILTERS = ("q", "owner", "account_id", "private", "title")

_LABELS: dict[str, Any] = {
    "q": _l("it starts with"),
    "kind": _l("it is"),
    "partner": _l("it is"),
    "private": _l("it is"),
    "parent_id": _l("it belongs to"),
    "account_id": _l("account is"),
    "owner": _l("owner is"),
    "billing_country": _l("country is"),
    "billing_city": _l("city is"),
}
_YES = ("true", "1", "yes")


@dataclass(frozen=True, slots=True)
class ListView:
    """address: of the list with its filters.  columns, chips: as `components/table.html` takes them."""

    address: ListAddress
    columns: Sequence[Mapping[str, Any]]
    chips: Sequence[Mapping[str, str]]

    def chosen(self, name: str) -> str:
        """The value that a filter of one value is set to."""
        return next(iter(self.address.given.get(name, ())), "")


def owner_choices(people: Sequence[Person]) -> list[tuple[str, str]]:
    """Whom a list can be narrowed to: oneself first."""
    return [("me", _("Mine")), *((person.ref, person.name) for person in people)]


def account_list(
    path: str,
    given: Mapping[str, Sequence[str]],
    sort: str,
    people: Sequence[Person],
    names: Mapping[str, str] | None = None,
) -> ListView:
    """The list of accounts.  names: public name → name, for accounts that a filter names."""
    address = ListAddress(path, given, sort if sort != "name" else None)
    sorting = ListAddress(path, given, sort)
    columns = [
        _sortable(sorting, _("Name"), "name", css="is-main"),
        {"label": _("Category")},
        {"label": _("Industry"), "css": "is-wide"},
        {"label": _("Where")},
        {"label": _("Owner")},
        {"label": _("Last activity"), "css": "is-wide"},
        _sortable(sorting, _("Changed"), "updated_at", descending=True),
    ]
    return ListView(address, columns, _chips(address, ACCOUNT_FIELDS, people, names or {}))


def contact_list(
    path: str,
    given: Mapping[str, Sequence[str]],
    sort: str,
    people: Sequence[Person],
    names: Mapping[str, str] | None = None,
) -> ListView:
    """The list of contacts.  names: public name → name of the accounts that a filter names."""
    address = ListAddress(path, given, sort if sort != "last_name" else None)
    sorting = ListAddress(path, given, sort)
    columns = [
        _sortable(sorting, _("Name"), "last_name", css="is-main"),
        {"label": _("Account")},
        {"label": _("E-mail")},
        {"label": _("Phone"), "css": "is-wide"},
        {"label": _("Owner")},
        {"label": _("Last activity"), "css": "is-wide"},
        _sortable(sorting, _("Changed"), "updated_at", descending=True),
    ]
    return ListView(address, columns, _chips(address, CONTACT_FIELDS, people, names or {}))


def _sortable(
    address: ListAddress, label: str, key: str, *, descending: bool = False, css: str = ""
) -> dict[str, Any]:
    return {
        "label": label,
        "css": css,
        "sort_url": address.sorted_by(key, first_descending=descending),
        "direction": address.direction(key),
    }


def _chips(
    address: ListAddress, fields: Mapping[str, Any], people: Sequence[Person], names: Mapping[str, str]
) -> list[dict[str, str]]:
    known = {person.ref: person.name for person in people} | dict(names)
    return [
        {
            "label": _label(name, fields),
            "value": _value(name, value, known),
            "remove_url": address.without(name, value),
        }
        for name, values in address.given.items()
        for value in values
    ]


def _label(name: str, fields: Mapping[str, Any]) -> str:
    if name in _LABELS:
        return str(_LABELS[name])
    label = str(fields[name].label)
    return _("%(field)s is", field=label[:1].lower() + label[1:])


def _value(name: str, value: str, known: Mapping[str, str]) -> str:
    match name:
        case "owner" if value == "me":
            return _("me")
        case "category":
            return category_name(value)
        case "kind":
            return str(KINDS.get(value, value)).lower()
        case "billing_country":
            return country_name(value)
        case "partner":
            return _("a partner") if value in _YES else _("no partner")
        case "private":
            return _("private") if value in _YES else _("of an account")
    return known.get(value, value)
