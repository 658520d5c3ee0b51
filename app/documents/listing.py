"""What the list of documents shows around its rows: columns, filters, chips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from app.accounts.queries import Person
from app.documents.file_types import TYPES
from app.documents.filters import DEFAULT_SORT, YES
from app.documents.records import LIBRARY, kinds
from app.kernel import labels
from app.kernel.actor import Actor
from app.web.listing import ListAddress

FILTERS = ("q", "on", "type", "tag", "internal", "by", "created_at_from", "created_at_to")


@dataclass(frozen=True, slots=True)
class DocumentList:
    """address: of the list with its filters.  columns, chips: as `components/table.html` takes them."""

    address: ListAddress
    columns: Sequence[Mapping[str, Any]]
    chips: Sequence[Mapping[str, str]]

    def chosen(self, name: str) -> str:
        return next(iter(self.address.given.get(name, ())), "")


def document_list(
    path: str,
    given: Mapping[str, Sequence[str]],
    sort: str,
    people: Sequence[Person] = (),
    *,
    with_record: bool = True,
) -> DocumentList:
    """The list.  people: who may be named by the filter.  with_record: whether rows say what they are on."""
    address = ListAddress(path, given, sort if sort != DEFAULT_SORT else None)
    sorting = ListAddress(path, given, sort)

    def sortable(label: str, key: str, *, descending: bool = True, css: str = "") -> dict[str, Any]:
        url = sorting.sorted_by(key, first_descending=descending)
        return {"label": label, "css": css, "sort_url": url, "direction": sorting.direction(key)}

    columns = [
        sortable(_("Name"), "name", descending=False, css="is-main"),
        *([{"label": _("Attached to")}] if with_record else []),
        {"label": _("Tags"), "css": "is-wide"},
        {"label": _("Type")},
        sortable(_("Size"), "size", css="is-number"),
        {"label": _("By"), "css": "is-wide"},
        sortable(_("Added"), "created_at"),
    ]
    known = {person.ref: person.name for person in people}
    chips = [
        {
            "label": _label(name),
            "value": _value(name, value, known),
            "remove_url": address.without(name, value),
        }
        for name, values in given.items()
        for value in values
    ]
    return DocumentList(address, columns, chips)


def kind_choices(actor: Actor) -> list[tuple[str, str]]:
    """What documents can be on, as far as the actor sees such records."""
    shown = [kind for kind in kinds() if kind != LIBRARY and (actor.is_internal or kind != "case")]
    return [*((kind, labels.many(kind, title=True)) for kind in shown), (LIBRARY, _("Library"))]


def type_choices() -> list[tuple[str, str]]:
    """The kinds of file."""
    return [(key, str(each.label)) for key, each in TYPES.items()]


def _label(name: str) -> str:
    return {
        "q": _("it has"),
        "on": _("it is on"),
        "type": _("type is"),
        "tag": _("tag is"),
        "internal": _("it is"),
        "by": _("added by"),
        "created_at_from": _("added since"),
        "created_at_to": _("added until"),
    }.get(name, name)


def _value(name: str, value: str, people: Mapping[str, str]) -> str:
    if name == "type" and value in TYPES:
        return str(TYPES[value].label)
    if name == "on":
        return _("Library") if value == LIBRARY else labels.many(value)
    if name == "internal":
        return _("not for partners") if value in YES else _("for partners too")
    if name == "by":
        return _("me") if value == "me" else people.get(value, value)
    return value
