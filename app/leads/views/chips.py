"""The filters of a list in words: "Leads where status is Working and owner is me"."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.fields.catalogue import Definition
from app.fields.filters import filter_names
from app.fields.kinds import Kind
from app.kernel.countries import country_code, country_name
from app.leads.choices import LeadLists
from app.leads.fields import FIELDS
from app.web.listing import ListAddress

Chip = dict[str, str]

_LABELS: dict[str, Any] = {
    "q": _l("it starts with"),
    "status": _l("status is"),
    "category": _l("status is"),
    "source": _l("source is"),
    "country": _l("country is"),
    "owner": _l("owner is"),
    "partner": _l("partner is"),
    "import": _l("it came with"),
    "open": _l("it is"),
    "waiting": _l("it is"),
    "needs_owner": _l("its owner"),
    "duplicates": _l("it is"),
    "box": _l("it is"),
    "score_from": _l("score is at least"),
    "score_to": _l("score is at most"),
    "employees_from": _l("employees are at least"),
    "employees_to": _l("employees are at most"),
    "created_at_from": _l("added since"),
    "created_at_to": _l("added up to"),
    "arrived_at_from": _l("arrived since"),
    "arrived_at_to": _l("arrived up to"),
    "updated_at_from": _l("changed since"),
    "updated_at_to": _l("changed up to"),
    "waiting_since_from": _l("waiting since"),
    "waiting_since_to": _l("waiting from before"),
}
_YES = ("true", "1", "yes")


def make_chips(
    given: Mapping[str, Sequence[str]],
    address: ListAddress,
    lists: LeadLists,
    names: Mapping[str, str],
    own: Mapping[str, Definition] | None = None,
) -> list[Chip]:
    """One chip for each value: label, value, remove_url.  names: of the records that are referred to.

    own: the fields that administrators added.
    """
    added = filter_names(own or {})
    return [
        {
            "label": _own_label(*added[name]) if name in added else _label(name),
            "value": _own_value(added[name][0], value, names)
            if name in added
            else _value(name, value, lists, names),
            "remove_url": address.without(name, value),
        }
        for name, values in given.items()
        for value in values
    ]


def _own_label(field: Definition, side: str) -> str:
    name = str(field.label)
    name = name[:1].lower() + name[1:]
    if side == "from":
        return _("%(field)s is at least", field=name)
    return _("%(field)s is at most", field=name) if side == "to" else _("%(field)s is", field=name)


def _own_value(field: Definition, value: str, names: Mapping[str, str]) -> str:
    if field.kind is Kind.YES_NO:
        return _("yes") if value in _YES else _("no")
    choice = field.choice(value)
    return choice.label if choice is not None else names.get(value, value)


def _label(name: str) -> str:
    if name in _LABELS:
        return str(_LABELS[name])
    label = str(FIELDS[name].label) if name in FIELDS else name.replace("_", " ")
    return _("%(field)s is", field=label[:1].lower() + label[1:])


def _value(name: str, value: str, lists: LeadLists, names: Mapping[str, str]) -> str:
    words = _WORDS.get(name)
    if words is not None:
        return words(value, lists)
    if name == "owner" and value == "me":
        return _("me")
    return names.get(value, value)


def _status(value: str, lists: LeadLists) -> str:
    return lists.status_name(value)


def _source(value: str, lists: LeadLists) -> str:
    return dict(lists.sources).get(value, value)


def _country(value: str, _lists: LeadLists) -> str:
    code = country_code(value)
    return country_name(code, str(get_locale() or "en")) if code else value


def _open(value: str, _lists: LeadLists) -> str:
    return _("open") if value in _YES else _("closed")


def _waiting(value: str, _lists: LeadLists) -> str:
    return _("waiting in a queue") if value in _YES else _("with a person")


def _needs_owner(value: str, _lists: LeadLists) -> str:
    return _("has left") if value in _YES else _("is there")


def _duplicates(value: str, _lists: LeadLists) -> str:
    return _("a probable duplicate") if value in _YES else _("like no other")


def _box(value: str, _lists: LeadLists) -> str:
    return {"available": _("free to claim"), "offered": _("offered to me")}.get(value, _("mine"))


_WORDS: dict[str, Callable[[str, LeadLists], str]] = {
    "status": _status,
    "category": _status,
    "source": _source,
    "country": _country,
    "open": _open,
    "waiting": _waiting,
    "needs_owner": _needs_owner,
    "duplicates": _duplicates,
    "box": _box,
}
