"""How rows of accounts and contacts meet what is there: by what they are known again, and what becomes of them then."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l

from app.kernel.actor import Actor, Permission
from app.kernel.errors import Invalid

LEAD, ACCOUNT, CONTACT, PAIR = "lead", "account", "contact", "account_contact"
KINDS = (LEAD, ACCOUNT, CONTACT, PAIR)
# In a file of both, fields of the account have this before their name; those of the contact have nothing.
OF_ACCOUNT = "account."


class Match(StrEnum):
    """What a row is known by, beside the public name of its record."""

    EXTERNAL_ID = "external_id"
    EMAIL = "email"
    NAME = "name"


class Mode(StrEnum):
    BOTH = "both"
    CREATE = "create"
    UPDATE = "update"


class Unknown(StrEnum):
    """What becomes of a contact whose row names an account that is not found."""

    REFUSE = "refuse"
    CREATE = "create"
    PRIVATE = "private"


def permission_of(kind: str) -> Permission:
    """What somebody needs to import rows of that kind."""
    return Permission.LEAD_IMPORT if kind == LEAD else Permission.ACCOUNT_IMPORT


def kinds_for(actor: Actor) -> list[str]:
    """What the actor may import."""
    return [kind for kind in KINDS if actor.can(permission_of(kind))]


MATCHES: Mapping[str, tuple[Match, ...]] = {
    LEAD: (Match.EXTERNAL_ID,),
    ACCOUNT: (Match.EXTERNAL_ID, Match.NAME),
    CONTACT: (Match.EXTERNAL_ID, Match.EMAIL, Match.NAME),
    PAIR: (Match.EXTERNAL_ID, Match.EMAIL, Match.NAME),
}


@dataclass(frozen=True, slots=True)
class Manner:
    """clears: an empty cell empties the field of a record that is known; else it leaves it.

    unknown: what becomes of a contact at an account that is not found.
    goes_on: a row that does not hold what records are known by is looked for by the next surest it holds.
    """

    match: Match = Match.EXTERNAL_ID
    mode: Mode = Mode.BOTH
    clears: bool = False
    unknown: Unknown = Unknown.REFUSE
    goes_on: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Manner":
        """As an import's options keep it."""
        return cls(
            Match(options.get("match") or Match.EXTERNAL_ID),
            Mode(options.get("mode") or Mode.BOTH),
            bool(options.get("clears")),
            Unknown(options.get("unknown") or Unknown.REFUSE),
        )


def checked_manner(kind: str, given: Mapping[str, Any], fields: Collection[str | None]) -> dict[str, Any]:
    """`match`, `mode`, `clears` and `unknown` of what was given, fit to keep.  fields: those that have a column.

    Raises Invalid: unknown, nothing that a record could be known by.
    """
    found: dict[str, Any] = {}
    if given.get("match") is not None:
        found["match"] = _one_of(MATCHES[kind], "match", given["match"])
    if given.get("mode") is not None:
        found["mode"] = _one_of((Mode.BOTH,) if kind == LEAD else tuple(Mode), "mode", given["mode"])
    if given.get("clears") is not None:
        found["clears"] = bool(given["clears"]) and kind != LEAD
    if given.get("unknown") is not None:
        found["unknown"] = _one_of(
            tuple(Unknown) if kind == CONTACT else (Unknown.REFUSE,), "unknown", given["unknown"]
        )
    match = found.get("match", Match.EXTERNAL_ID)
    if found.get("mode") == Mode.UPDATE and not is_known_by(kind, match, fields):
        raise Invalid({"match": [_l("No column holds what records are to be known by.")]})
    if match in (Match.EMAIL, Match.NAME) and not is_known_by(kind, match, fields):
        raise Invalid({"match": [_l("No column holds what records are to be known by.")]})
    return found


def _one_of(known: tuple[Any, ...], name: str, given: object) -> str:
    if given not in [each.value for each in known]:
        values = ", ".join(each.value for each in known)
        raise Invalid({name: [_l("Known here: %(known)s.", known=values)]})
    return str(given)


def is_known_by(kind: str, match: str, fields: Collection[str | None]) -> bool:
    """Whether any column holds what rows are to be known by."""
    if "id" in fields:
        return True
    if match == Match.EXTERNAL_ID:
        return "external_id" in fields
    if match == Match.EMAIL and "email" in fields:
        return True
    name = "name" if kind == ACCOUNT else "last_name"
    if kind != ACCOUNT and not {"full_name", "full_name_two"}.isdisjoint(fields):
        return True
    return name in fields or (kind == ACCOUNT and "last_name" in fields)


def best_match(kind: str, fields: Collection[str | None]) -> Match:
    """The surest that the columns allow; what the page suggests, and what files of both take unless told."""
    for match in MATCHES[kind]:
        if match == Match.EMAIL and "email" not in fields:
            continue
        if is_known_by(kind, match, fields):
            return match
    return Match.EXTERNAL_ID


def match_labels(kind: str) -> dict[str, Any]:
    """What rows can be known by, in words."""
    labels = {
        Match.EXTERNAL_ID: _l("External id"),
        Match.EMAIL: _l("E-mail address, or name where there is none"),
        Match.NAME: _l("Name, with the site where the file has one")
        if kind == ACCOUNT
        else _l("First and last name, at their account"),
    }
    return {match.value: labels[match] for match in MATCHES[kind]}


def mode_labels() -> dict[str, Any]:
    return {
        Mode.BOTH.value: _l("Update them, and create the others"),
        Mode.CREATE.value: _l("Leave them as they are, and create the others"),
        Mode.UPDATE.value: _l("Update them, and refuse the others"),
    }


def unknown_labels() -> dict[str, Any]:
    return {
        Unknown.REFUSE.value: _l("Refuse the row"),
        Unknown.CREATE.value: _l("Create the account, with its name alone"),
        Unknown.PRIVATE.value: _l("Take the contact without one: only its owner and administrators see it"),
    }
