"""The lists that an administrator keeps: statuses, sources, reasons to decline.  One set of verbs for all.

What is in use is retired, not removed: records that have it keep it, nobody chooses it anew.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.events.operations import record
from app.kernel import refs
from app.kernel.actor import Actor, Permission
from app.kernel.errors import InUse, Invalid, NotFound
from app.kernel.fold import fold
from app.kernel.text import clean_text
from app.leads.models import DeclineReason, Lead, LeadSource, LeadStatus, Offer, StatusCategory
from app.sharing.scope import scope

LONGEST_NAME = 80
# Whether an entry is in use does not depend on who asks.
_COUNTING = Actor.system("registries")
# Reasons that integrators know; they may be called otherwise but not go away.
LASTING_REASONS = frozenset({"invalid", "duplicate", "no_capacity", "not_our_market", "other"})

Item = Any  # a row of a registry: ref, name, position and what its registry adds
Check = Callable[[Session, Item, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Registry:
    """One list.  fields: what an entry has beside its name: field → reader of its value.

    uses: select of something for every use of an entry.  name_uses: what uses it, in words, "" for nothing.
    check: refuses a change of an entry.
    has_key: entries have a lasting name for integrators beside the one that people read.
    """

    name: str
    model: Any
    permission: Permission
    uses: Callable[[Item], Select[Any]]
    fields: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    check: Check | None = None
    has_key: bool = False
    ref_kind: str = refs.ITEM
    can_retire: bool = True
    name_uses: Callable[[Session, Item], str] | None = None


def list_items(session: Session, registry: Registry) -> Sequence[Item]:
    """Every entry in its order, retired ones too."""
    model = registry.model
    return session.scalars(select(model).order_by(model.position, model.id)).all()


def get_item(session: Session, registry: Registry, ref: str) -> Item:
    """The entry.  Raises NotFound."""
    known = refs.is_ref(registry.ref_kind, ref)
    item = session.scalar(select(registry.model).where(registry.model.ref == ref)) if known else None
    if item is None:
        raise NotFound(registry.name, ref)
    return item


def add_item(
    session: Session, actor: Actor, registry: Registry, values: Mapping[str, Any], *, now: datetime
) -> Item:
    """Add an entry at the end.  Raises NotAllowed, Invalid (no name, a name that is taken, a wrong value)."""
    actor.require(registry.permission)
    columns = _clean(registry, values)
    if "name" not in columns:
        raise Invalid({"name": [_l("Give it a name.")]})
    _refuse_taken(session, registry, columns["name"], None)
    last = session.scalar(select(func.max(registry.model.position)))
    columns.pop("is_active", None)
    if registry.has_key:
        columns["key"] = _free_key(session, registry, columns["name"])
    if registry.model is LeadSource:
        columns["name_fold"] = fold(columns["name"], LONGEST_NAME)
    item = registry.model(
        ref=refs.new_ref(registry.ref_kind), position=0 if last is None else last + 1, **columns
    )
    session.add(item)
    try:
        session.flush()  # its id goes into the event
    except IntegrityError as error:  # of two who add it at the same moment the second is told so
        raise Invalid({"name": [_l("“%(name)s” is there already.", name=item.name)]}) from error
    record(session, actor, verb="created", subject=item, at=now, detail={"name": item.name})
    return item


def edit_item(
    session: Session, actor: Actor, registry: Registry, ref: str, values: Mapping[str, Any], *, now: datetime
) -> Item:
    """Change an entry: its name, what its registry adds, or `is_active`.  Writes an event if anything changes.

    Raises NotAllowed, NotFound, Invalid, InUse.
    """
    actor.require(registry.permission)
    item = get_item(session, registry, ref)
    columns = _clean(registry, values)
    if "name" in columns:
        _refuse_taken(session, registry, columns["name"], item.id)
        if registry.model is LeadSource:
            columns["name_fold"] = fold(columns["name"], LONGEST_NAME)
    changes = {n: (getattr(item, n), value) for n, value in columns.items() if getattr(item, n) != value}
    if not changes:
        return item
    if registry.check is not None:
        registry.check(session, item, {name: new for name, (_old, new) in changes.items()})
    for name, (_old, new) in changes.items():
        setattr(item, name, new)
    changes.pop("name_fold", None)
    record(session, actor, verb="edited", subject=item, at=now, changes=changes, detail={"name": item.name})
    return item


def remove_item(session: Session, actor: Actor, registry: Registry, ref: str, *, now: datetime) -> None:
    """Remove an entry that nothing uses.  Raises NotAllowed, NotFound, InUse (retire it instead)."""
    actor.require(registry.permission)
    item = get_item(session, registry, ref)
    if registry.check is not None:
        registry.check(session, item, {"is_active": False})
    if registry.name_uses is not None and (used_by := registry.name_uses(session, item)):
        raise InUse(_l("“%(name)s” is in use: %(uses)s.", name=item.name, uses=used_by))
    if session.scalar(registry.uses(item).limit(1)) is not None:
        if registry.can_retire:
            raise InUse(_l("“%(name)s” is in use. Retire it: what has it keeps it.", name=item.name))
        raise InUse(_l("“%(name)s” is in use.", name=item.name))
    record(session, actor, verb="deleted", subject=item, at=now, detail={"name": item.name})
    session.delete(item)
    session.flush()


def move_item(
    session: Session, actor: Actor, registry: Registry, ref: str, *, up: bool, now: datetime
) -> Item:
    """Change places with the neighbour above or below; at the end it stays.  Raises NotAllowed, NotFound."""
    actor.require(registry.permission)
    refs_in_order = [item.ref for item in list_items(session, registry)]
    at = refs_in_order.index(get_item(session, registry, ref).ref)
    to = min(max(at - 1 if up else at + 1, 0), len(refs_in_order) - 1)
    return place_item(session, actor, registry, ref, to=to, now=now)


def place_item(
    session: Session, actor: Actor, registry: Registry, ref: str, *, to: int, now: datetime
) -> Item:
    """Put an entry at a place of the list, 0 for the first; beyond the end it is the last.

    Writes an event unless it stands there already.  Raises NotAllowed, NotFound, Invalid.
    """
    actor.require(registry.permission)
    items = list(list_items(session, registry))
    item = get_item(session, registry, ref)
    if to < 0:
        raise Invalid({"to": [_l("There is no such place in the list.")]})
    at, to = items.index(item), min(to, len(items) - 1)
    if at == to:
        return item
    items.insert(to, items.pop(at))
    for position, entry in enumerate(items):
        entry.position = position
    record(session, actor, verb="moved", subject=item, at=now, detail={"name": item.name, "to": to})
    return item


def _clean(registry: Registry, values: Mapping[str, Any]) -> dict[str, Any]:
    readers = {"name": _read_name, **registry.fields}
    if registry.can_retire:
        readers["is_active"] = read_flag
    columns: dict[str, Any] = {}
    errors: dict[str, list[Any]] = {}
    for name, value in values.items():
        try:
            if name not in readers:
                raise Invalid({name: [_l("There is no such field.")]})
            columns[name] = readers[name](value)
        except Invalid as error:
            errors[name] = [message for messages in error.errors.values() for message in messages]
    if errors:
        raise Invalid(errors)
    return columns


def _read_name(value: Any) -> str:
    name = clean_text(value, max_length=LONGEST_NAME, field="name")
    if name is None:
        raise Invalid({"name": [_l("Give it a name.")]})
    return name


def read_flag(value: Any) -> bool:
    """A yes or no.  Raises Invalid."""
    if not isinstance(value, bool):
        raise Invalid({"": [_l("This is yes or no.")]})
    return value


def _read_category(value: Any) -> StatusCategory:
    if value not in set(StatusCategory):
        raise Invalid({"category": [_l("Choose one of the four categories.")]})
    return StatusCategory(value)


def _refuse_taken(session: Session, registry: Registry, name: str, except_id: int | None) -> None:
    wanted = fold(name)
    rows = session.execute(select(registry.model.id, registry.model.name))
    if any(key != except_id and fold(taken) == wanted for key, taken in rows):
        raise Invalid({"name": [_l("“%(name)s” is there already.", name=name)]})


def _free_key(session: Session, registry: Registry, name: str) -> str:
    """A lasting name made from the one that people read: "Wrong town" gives wrong_town."""
    plain = (
        "_".join("".join(c if c.isascii() and c.isalnum() else " " for c in fold(name)).split())[:50]
        or "entry"
    )
    taken = set(session.scalars(select(registry.model.key)))
    key, number = plain, 1
    while key in taken or key == "converted":  # conversion alone sets that
        number += 1
        key = f"{plain}_{number}"
    return key


def _check_status(session: Session, status: LeadStatus, changed: Mapping[str, Any]) -> None:
    """A first status must be left, and leads must not open or close by a change of the list."""
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
    {"category": _read_category},
    _check_status,
    has_key=True,
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
