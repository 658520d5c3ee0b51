"""What partner people are told of an account or a contact that a grant gives them: facts about the company or person.

What the vendor keeps about it stays with the vendor: who looks after it, what it is to them, what they wrote, what it
is called in their systems.  A field that the administrator hides of leads is hidden here too, for a conversion writes
it into these.  Pages, lists, search, files and the API all ask here; what is not named is not told.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from app.fields.kinds import is_custom
from app.kernel.actor import Actor, Level
from app.lists.catalogue import ListField, Sight

# Field → the field of a lead that is written into it; "" for none.
_ADDRESS = ("street", "city", "postal_code", "state", "country")
_OF_ACCOUNTS: Mapping[str, str] = {
    **dict.fromkeys(("name", "kind", "parent_id", "account_number", "site"), ""),
    **{name: name for name in ("last_name", "first_name", "title", "email", "phone", "mobile", "website",
                               "industry", "employees", "annual_revenue")},
    **{f"{place}_{name}": name for place in ("billing", "shipping") for name in _ADDRESS},
}  # fmt: skip
_OF_CONTACTS: Mapping[str, str] = {
    **dict.fromkeys(("name", "account_id", "reports_to_id"), ""),
    **{name: name for name in ("last_name", "first_name", "title", "email", "phone", "mobile")},
}
TOLD: Mapping[str, Mapping[str, str]] = {"account": _OF_ACCOUNTS, "contact": _OF_CONTACTS}
# Of lists alone: the search, and when the record was made and changed.
_OF_LISTS = frozenset(
    {"q", "created_at", "updated_at", "last_activity_at", "opted_out_email", "opted_out_phone"}
)


@lru_cache(maxsize=256)
def _hidden(object_: str, hidden: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name for name, of_lead in TOLD[object_].items() if of_lead and of_lead in hidden)


def is_told(actor: Actor, object_: str, name: str) -> bool:
    """Whether the actor is told that field of an account or a contact which they may read."""
    if actor.is_internal:
        return True
    return name in TOLD[object_] and name not in _hidden(object_, actor.hidden_fields)


def sight_of(object_: str) -> Sight:
    """How lists of accounts or contacts treat partner people."""

    def knows(actor: Actor, name: str) -> bool:
        # Of those that administrators added the hidden ones are not among the fields at all.
        return is_custom(name) or name in _OF_LISTS or is_told(actor, object_, name)

    def fields(actor: Actor, known: Mapping[str, ListField]) -> Mapping[str, ListField]:
        if actor.is_internal:
            return known
        return {name: replace(each, edits="") for name, each in known.items() if knows(actor, name)}

    return Sight(
        fields,
        knows,
        lambda _actor, _names, _sort: Level.READ,
        lambda _actor, _field: True,
        lambda _values: None,
    )


def seen_values(actor: Actor, record: Any) -> dict[str, Any]:
    """What an account or a contact that the actor may read holds in plain fields; None where they are not told."""
    object_ = record.__tablename__
    columns = record.__table__.columns.keys()
    plain = [name for name in TOLD[object_] if name in columns]
    return {name: getattr(record, name) if is_told(actor, object_, name) else None for name in plain}
