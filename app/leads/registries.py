"""The lists of leads that an administrator keeps: statuses, sources, reasons to decline."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Permission
from app.kernel.errors import InUse, Invalid
from app.leads.models import (
    ANYWHERE,
    DeclineReason,
    Lead,
    LeadSource,
    LeadStatus,
    Offer,
    StatusCategory,
    UnqualifiedReason,
)
from app.registries.operations import (
    LONGEST_NAME,
    Registry,
    add_item,
    edit_item,
    get_item,
    list_items,
    move_item,
    place_item,
    read_flag,
    remove_item,
)
from app.sharing.scope import scope

__all__ = [
    "LASTING_REASONS",
    "LONGEST_NAME",
    "REASONS",
    "SOURCES",
    "STATUSES",
    "UNQUALIFIED_REASONS",
    "Registry",
    "add_item",
    "edit_item",
    "get_item",
    "list_items",
    "move_item",
    "place_item",
    "read_flag",
    "remove_item",
]

# Whether an entry is in use does not depend on who asks.
_COUNTING = Actor.system("registries")
# Reasons that integrators know; they may be called otherwise but not go away.
LASTING_REASONS = frozenset({"invalid", "duplicate", "no_capacity", "not_our_market", "other"})


def _read_category(value: Any) -> StatusCategory:
    if value not in set(StatusCategory):
        raise Invalid({"category": [_l("Choose one of the four categories.")]})
    return StatusCategory(value)


def _read_moves(value: Any) -> list[str]:
    """Where leads go on to, by keys; None for anywhere."""
    if value is None:
        return [ANYWHERE]
    if not isinstance(value, list) or not all(isinstance(key, str) for key in value):
        raise Invalid({"moves": [_l("This must be a list of keys of statuses, or nothing.")]})
    return value


def _prepare_status(session: Session, status: LeadStatus | None, columns: dict[str, Any]) -> None:
    """That a status leads to others that there are, each once."""
    converts = StatusCategory.CONVERTED
    if "category" in columns and (columns["category"] is converts) != (
        status is not None and status.category is converts
    ):
        raise Invalid({"category": [_l("Conversion has one status of its own.")]})
    moves = columns.get("moves")
    if moves is None or moves == [ANYWHERE]:
        return
    known = session.scalars(select(LeadStatus.key).order_by(LeadStatus.position, LeadStatus.id)).all()
    if any(key not in known for key in moves):
        raise Invalid({"moves": [_l("There is no such status.")]})
    own = status.key if status is not None else ""
    columns["moves"] = [key for key in known if key in moves and key != own]


def _show_statuses(_session: Session, statuses: Sequence[LeadStatus]) -> Sequence[Mapping[str, Any]]:
    return [
        {
            "category": status.category,
            "moves": None if ANYWHERE in status.moves else status.moves,
            "guidance": status.guidance,
            "matters": status.matters,
        }
        for status in statuses
    ]


def _check_status(session: Session, status: LeadStatus, changed: Mapping[str, Any]) -> None:
    """A first status must be left, and leads must not open or close by a change of the list."""
    if status.category is StatusCategory.CONVERTED and changed.get("is_active") is False:
        raise InUse(_l("Conversion sets “%(name)s”; it stays.", name=status.name))
    leaves_new = (
        changed.get("is_active") is False
        or changed.get("category", StatusCategory.NEW) is not StatusCategory.NEW
    )
    if status.category is StatusCategory.NEW and status.is_active and leaves_new:
        others = session.scalar(
            select(func.count()).where(
                LeadStatus.category == StatusCategory.NEW, LeadStatus.is_active, LeadStatus.id != status.id
            )
        )
        if not others:
            raise InUse(_l("One status of the category “new” must be left for leads that arrive."))
    category = changed.get("category", status.category)
    closes = StatusCategory.UNQUALIFIED
    if (category is closes) != (status.category is closes):
        used = session.scalar(_leads_of_status(status).limit(1))
        if used is not None:
            raise InUse(
                _l(
                    "Leads have “%(name)s”: it can neither open nor close them. Add another.",
                    name=status.name,
                )
            )


def _check_reason(_session: Session, reason: DeclineReason, changed: Mapping[str, Any]) -> None:
    if reason.key in LASTING_REASONS and changed.get("is_active") is False:
        raise InUse(_l("“%(name)s” is one that other systems know; it stays.", name=reason.name))


def _leads_of_status(status: LeadStatus) -> Select[Any]:
    return select(Lead.id).where(scope(Lead, _COUNTING), Lead.status_id == status.id)


STATUSES = Registry(
    "lead_statuses",
    LeadStatus,
    Permission.SETTING_MANAGE,
    _leads_of_status,
    {"category": _read_category, "moves": _read_moves},
    _check_status,
    has_key=True,
    prepare=_prepare_status,
    shown=_show_statuses,
)
SOURCES = Registry(
    "lead_sources",
    LeadSource,
    Permission.SOURCE_MANAGE,
    lambda source: select(Lead.id).where(scope(Lead, _COUNTING), Lead.source_id == source.id),
)
REASONS = Registry(
    "decline_reasons",
    DeclineReason,
    Permission.SETTING_MANAGE,
    lambda reason: select(Offer.id).where(Offer.reason == reason.key),
    {"gives_turn_back": read_flag},
    _check_reason,
    has_key=True,
)
UNQUALIFIED_REASONS = Registry(
    "unqualified_reasons",
    UnqualifiedReason,
    Permission.SETTING_MANAGE,
    lambda reason: select(Lead.id).where(scope(Lead, _COUNTING), Lead.unqualified_reason_id == reason.id),
    has_key=True,
)
