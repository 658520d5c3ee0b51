"""The lists that an administrator keeps, whatever they are of.  One set of verbs for all.

What is in use is retired, not removed: records that have it keep it, nobody chooses it anew.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
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
from app.kernel.text import NOTE, clean_text

LONGEST_NAME = 80
MOST_AT_ONCE = 500
Item = Any  # a row of a registry: ref, name, position and what its registry adds
Check = Callable[[Session, Item, Mapping[str, Any]], None]
Prepare = Callable[[Session, Item | None, dict[str, Any]], None]


def _together(_item: Item) -> Hashable:
    return None


def _as_kept(items: Sequence[Item]) -> Sequence[Item]:
    return items


def _one_a_line(lines: Sequence[str]) -> list[dict[str, Any]]:
    return [{"name": line} for line in lines]


@dataclass(frozen=True, slots=True)
class Registry:
    """One list.  fields: what an entry has beside its name: field → reader of its value.

    uses: select of something for every use of an entry.  name_uses: what uses it, in words, "" for nothing.
    check: refuses a change of an entry.  prepare: checks the columns of a new entry (None) or a changed one
    against the others, and completes them.
    arrange, group: of a tree, its order, and what is the same for entries that change places with each other.
    told: value → as events tell it, for columns that hold keys.  shown: likewise what integrators read.
    read_lines: entries of a list that was pasted.
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
    prepare: Prepare | None = None
    arrange: Callable[[Sequence[Item]], Sequence[Item]] = _as_kept
    group: Callable[[Item], Hashable] = _together
    told: Mapping[str, Callable[[Session, Any], Any]] = field(default_factory=dict)
    read_lines: Callable[[Sequence[str]], list[dict[str, Any]]] = _one_a_line
    shown: Callable[[Session, Sequence[Item]], Sequence[Mapping[str, Any]]] | None = None

    def show(self, session: Session, items: Sequence[Item]) -> Sequence[Mapping[str, Any]]:
        """What each entry has beside its name, as integrators read it."""
        if self.shown is not None:
            return self.shown(session, items)
        return [{name: getattr(item, name) for name in self.fields} for item in items]


def list_items(session: Session, registry: Registry) -> Sequence[Item]:
    """Every entry in its order, retired ones too."""
    model = registry.model
    return registry.arrange(session.scalars(select(model).order_by(model.position, model.id)).all())


def find_item(session: Session, registry: Registry, text: str) -> Item | None:
    """The entry of that public name, or that people call so, case and accents aside."""
    if refs.is_ref(registry.ref_kind, text):
        return session.scalar(select(registry.model).where(registry.model.ref == text))
    wanted = fold(text)
    rows = session.execute(select(registry.model.id, registry.model.name))
    found = next((key for key, name in rows if fold(name) == wanted), None)
    return session.get_one(registry.model, found) if found is not None else None


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
    if registry.prepare is not None:
        registry.prepare(session, None, columns)
    last = session.scalar(select(func.max(registry.model.position)))
    columns.pop("is_active", None)
    if registry.has_key:
        columns["key"] = _free_key(session, registry, columns["name"])
    if hasattr(registry.model, "name_fold"):
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
        if hasattr(registry.model, "name_fold"):
            columns["name_fold"] = fold(columns["name"], LONGEST_NAME)
    if registry.prepare is not None:
        registry.prepare(session, item, columns)
    changes = {n: (getattr(item, n), value) for n, value in columns.items() if getattr(item, n) != value}
    if not changes:
        return item
    if registry.check is not None:
        registry.check(session, item, {name: new for name, (_old, new) in changes.items()})
    for name, (_old, new) in changes.items():
        setattr(item, name, new)
    changes.pop("name_fold", None)
    for name, tell in registry.told.items():
        if name in changes:
            old, new = changes[name]
            changes[name] = (tell(session, old), tell(session, new))
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
    moved = get_item(session, registry, ref)
    refs_in_order = [item.ref for item in _beside(registry, list_items(session, registry), moved)]
    at = refs_in_order.index(moved.ref)
    to = min(max(at - 1 if up else at + 1, 0), len(refs_in_order) - 1)
    return place_item(session, actor, registry, ref, to=to, now=now)


def place_item(
    session: Session, actor: Actor, registry: Registry, ref: str, *, to: int, now: datetime
) -> Item:
    """Put an entry at a place of the list, of a tree among those beside it; 0 for the first, beyond the end the last.

    Writes an event unless it stands there already.  Raises NotAllowed, NotFound, Invalid.
    """
    actor.require(registry.permission)
    items = list(list_items(session, registry))
    item = get_item(session, registry, ref)
    if to < 0:
        raise Invalid({"to": [_l("There is no such place in the list.")]})
    beside = _beside(registry, items, item)
    at, to = beside.index(item), min(to, len(beside) - 1)
    if at == to:
        return item
    places = [items.index(entry) for entry in beside]
    beside.insert(to, beside.pop(at))
    for place, entry in zip(places, beside, strict=True):
        items[place] = entry
    for position, entry in enumerate(items):
        entry.position = position
    record(session, actor, verb="moved", subject=item, at=now, detail={"name": item.name, "to": to})
    return item


def _beside(registry: Registry, items: Sequence[Item], item: Item) -> list[Item]:
    """The entries that change places with it, itself among them, in their order."""
    return [entry for entry in items if registry.group(entry) == registry.group(item)]


def add_many(
    session: Session, actor: Actor, registry: Registry, text: str, *, now: datetime
) -> tuple[int, int]:
    """Add the entries of a list that was pasted, one a line; all of them or none.

    Answers (how many were added, how many were there already).
    Raises NotAllowed, Invalid (naming the line's entry, nothing in it, too many).
    """
    actor.require(registry.permission)
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise Invalid({"lines": [_l("Paste one entry a line.")]})
    if len(lines) > MOST_AT_ONCE:
        raise Invalid({"lines": [_l("Paste at most %(most)s lines at once.", most=MOST_AT_ONCE)]})
    known = {fold(name) for name in session.scalars(select(registry.model.name))}
    added = there = 0
    for values in registry.read_lines(lines):
        name = clean_text(values.get("name"), max_length=NOTE, field="lines") or ""
        if fold(name) in known:
            there += 1
            continue
        try:
            item = add_item(session, actor, registry, values, now=now)
        except Invalid as error:
            message = next(iter(error.errors.values()), [error.message])[0]
            told = _l("“%(entry)s”: %(message)s", entry=name[:60], message=message)
            raise Invalid({"lines": [told]}) from error
        known.add(fold(item.name))
        added += 1
    return added, there


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
