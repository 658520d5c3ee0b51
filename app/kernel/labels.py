"""What objects and fields are called on screen.  One place, so that an administrator can rename them per language.

The names here go through the catalogue like every other text, and it says them in the words in force (`app.words`).
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from flask_babel import get_translations
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

F = TypeVar("F", bound=Any)

_STANDARD = {
    "account": (_l("account"), _l("accounts")),
    "contact": (_l("contact"), _l("contacts")),
    "lead": (_l("lead"), _l("leads")),
    "opportunity": (_l("opportunity"), _l("opportunities")),
    "case": (_l("case"), _l("cases")),
    "activity": (_l("activity"), _l("activities")),
    "campaign": (_l("campaign"), _l("campaigns")),
    "queue": (_l("queue"), _l("queues")),
    "round_robin": (_l("round robin"), _l("round robins")),
    "assignment_rule": (_l("assignment rule"), _l("assignment rules")),
    "partner": (_l("partner"), _l("partners")),
    "partner_account": (_l("partner account"), _l("partner accounts")),
    "partner_user": (_l("partner user"), _l("partner users")),
    "partner_level": (_l("partner level"), _l("partner levels")),
    "user": (_l("user"), _l("users")),
    "document": (_l("document"), _l("documents")),
    "saved_view": (_l("saved view"), _l("saved views")),
}

# Object → field → standard label, filled as the rooms declare their fields.
_OF_FIELDS: dict[str, dict[str, Any]] = {}

# Objects that an administrator may call otherwise.
RENAMEABLE = frozenset(_STANDARD)


def one(kind: str, *, title: bool = False) -> str:
    """The singular, in lower case, or with a capital at the start of a sentence or heading."""
    return _name(kind, 0, title)


def many(kind: str, *, title: bool = False) -> str:
    """The plural."""
    return _name(kind, 1, title)


def of_field(thing: str, name: str, standard: Any) -> Any:
    """The label of an object's field, said when it is read: what an administrator calls it, or the standard one."""
    return LazyString(_field, thing, name, standard)


def named(thing: str, fields: Iterable[F]) -> dict[str, F]:
    """An object's table of fields, by name, each with a label that can be renamed.  fields: dataclasses with `name` and `label`."""
    found = {}
    for each in fields:
        _OF_FIELDS.setdefault(thing, {})[each.name] = each.label
        found[each.name] = replace(each, label=of_field(thing, each.name, each.label))
    return found


def field(thing: str, name: str) -> str:
    """What a standard field of an object is called, for pages that show it outside of a form."""
    return _field(thing, name, _OF_FIELDS[thing][name])


def fields_of(thing: str) -> dict[str, Any]:
    """Field → standard label of an object's fields that can be renamed."""
    return _OF_FIELDS.get(thing, {})


def _field(thing: str, name: str, standard: Any) -> str:
    find = getattr(get_translations(), "field", None)
    return (find(thing, name) if find is not None else None) or str(standard)


def _name(kind: str, number: int, title: bool) -> str:
    name = str(_STANDARD[kind][number])
    return name[:1].upper() + name[1:] if title else name
