"""Which fields of a lead partners see, and when: the administrator's setting, and what it comes to at a level.

Kept as the organisation's two lists for all partners (`preview_fields`, `hidden_fields`; the rest comes with
the claim) and, on each partner level, as what is otherwise there.  An actor carries the outcome for their
level (`Actor.preview_fields`, `Actor.hidden_fields`); whatever reads leads for somebody asks there.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from flask_babel import gettext as _

from app.fields.catalogue import Definition, catalogue
from app.fields.kinds import Kind, is_custom
from app.kernel.db import db
from app.leads.fields import FIELDS


class Visibility(StrEnum):
    """When a partner sees a field: never, before the lead is theirs, or from then on."""

    HIDDEN = "hidden"
    PREVIEW = "preview"
    AFTER_CLAIM = "after_claim"


# Every preview tells when its lead arrived; the age in days stands for it among the fields.
SETTABLE = (*(name for name in FIELDS if name != "arrived_at"), "age_days")
# Whoever works on a lead sets its status and must know that somebody does not want to be called.
NEVER_HIDDEN = frozenset({"status", "unqualified_reason", "opted_out_email", "opted_out_phone", "age_days"})
# With one of these before the claim, anybody could reach the person without claiming.
REVEALING = frozenset(
    {
        "last_name", "first_name", "company", "email", "phone", "mobile", "website", "street", "description",
        "authority", "need", "external_id",
    }
)  # fmt: skip


def visibility_of(name: str, preview: Iterable[str], hidden: Iterable[str]) -> Visibility:
    """What all partners have of a field."""
    if name in preview:
        return Visibility.PREVIEW
    return Visibility.HIDDEN if name in hidden else Visibility.AFTER_CLAIM


def seen_at_level(
    preview: Iterable[str], hidden: Iterable[str], own: Mapping[str, str] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(preview fields, hidden fields) of a partner.  own: what their level says otherwise, by field."""
    if not own:
        return tuple(preview), tuple(hidden)
    names = dict.fromkeys([*SETTABLE, *preview, *hidden, *own])  # with those that administrators added
    shown = {name: own.get(name) or visibility_of(name, preview, hidden) for name in names}
    return (
        tuple(name for name, when in shown.items() if when == Visibility.PREVIEW),
        tuple(name for name, when in shown.items() if when == Visibility.HIDDEN),
    )


def field_label(name: str) -> str:
    """What a field is called where partners' view of it is chosen: size and age are shown as less than is kept."""
    if name == "age_days":
        return _("Age in days")
    if name == "employees":
        return _("Employees, as a range")
    if is_custom(name):
        return catalogue(db.session()).label("lead", name) or name
    return str(FIELDS[name].label)


def reveals(name: str, field: Definition | None = None) -> bool:
    """Whether it may tell whom to call.  field: of those that administrators added, where any text may stand."""
    return name in REVEALING or (field is not None and field.kind in (Kind.TEXT, Kind.LINK))


def visibility_words() -> dict[str, str]:
    """What the choices are called."""
    return {
        Visibility.HIDDEN: _("Hidden"),
        Visibility.PREVIEW: _("Before the claim"),
        Visibility.AFTER_CLAIM: _("After the claim"),
    }
