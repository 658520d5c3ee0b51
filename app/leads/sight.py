"""What lists of leads tell whom: for partner people some fields never, of some leads a preview.

For them a filter, search or sort on a field that they do not see before a claim leaves the previews out:
otherwise the answer would tell them what the field holds.  One on a field that they never see is not known to
them at all.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from app.fields.kinds import is_custom
from app.kernel.actor import Actor, Level
from app.leads.fields import FIELDS
from app.leads.filters import causes_of
from app.lists.catalogue import ListField, Sight

# Filters by the fields that they tell of, where these are not their own name.  What is looked for as a phone
# number may be the other of the two.
_TELLS = {"category": ("status",), "reached": ("status",), "phone": ("phone", "mobile")}
# What every preview tells; and what sorts previews too, though a filter on it would tell its value.
_ALWAYS_SHOWN = frozenset({"arrived_at", "owner", "box"})
_ALWAYS_SORTED = frozenset({"created_at", "arrived_at", "waiting_since"})
# Not of the lead's own fields, and known to partner people all the same.  The others tell who else has a lead,
# how it is placed, what else there is, or what the vendor's people keep about it.
_FOR_PARTNERS = frozenset(
    {"name", "owner", "category", "open", "waiting", "age_days", "created_at", "updated_at", "waiting_since",
     "last_activity_at", "touch_due_at", "converted_at", "next_step", "reached", "box", "q"}
)  # fmt: skip


def _tells(name: str) -> tuple[str, ...]:
    """The fields whose values a filter tells of."""
    return _TELLS.get(name, (name,))


def _knows(actor: Actor, name: str) -> bool:
    if actor.is_internal:
        return True
    is_own = name in FIELDS or name in _FOR_PARTNERS
    return is_own and not set(actor.hidden_fields) & set(_tells(name))


def _fields(actor: Actor, fields: Mapping[str, ListField]) -> Mapping[str, ListField]:
    if actor.is_internal:
        return fields
    return {
        name: _for_partners(actor, each)
        for name, each in fields.items()
        if is_custom(name) or name in _FOR_PARTNERS or (name in FIELDS and name not in actor.hidden_fields)
    }


def _for_partners(actor: Actor, field: ListField) -> ListField:
    # Of those that administrators added the hidden ones are not among the fields at all.  By none of them is sorted:
    # a list tells what it is sorted by of each row, and of a row that is hidden from partners that is not read.
    if is_custom(field.name):
        return replace(field, sort="", sort_column=None, edits="")
    is_known = _knows(actor, field.name)
    return replace(
        field, edits="", is_filter=field.is_filter and is_known, sort=field.sort if is_known else ""
    )


def _level(actor: Actor, names: Collection[str], sort: str) -> Level:
    if actor.is_internal:
        return Level.READ
    shown = _ALWAYS_SHOWN | (set(actor.preview_fields) - {"employees", "age_days"})
    told = {each for name in names for each in _tells(name)}
    return Level.PREVIEW if told <= shown and sort in shown | _ALWAYS_SORTED else Level.READ


def _shows(actor: Actor, field: ListField) -> bool:
    return field.name in actor.preview_fields and field.name != "employees"


SIGHT = Sight(_fields, _knows, _level, _shows, causes_of)
