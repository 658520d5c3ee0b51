"""The tree of market and product areas, and the other lists of this room, read as plain values."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.relations.models import InterestArea
from app.kernel.fold import fold

# A tree is read whole: areas are what a vendor keeps by hand.
PATH = " › "


@dataclass(frozen=True, slots=True)
class Area:
    """An area with its place in the tree.  path: its name after those above it.  depth: 0 at the top."""

    id: int
    ref: str
    name: str
    parent_id: int | None
    path: str
    depth: int
    is_active: bool


def list_areas(session: Session) -> Sequence[Area]:
    """Every area, each after the one above it, retired ones too."""
    rows = session.scalars(select(InterestArea).order_by(InterestArea.position, InterestArea.id)).all()
    found: list[Area] = []
    by_key: dict[int, Area] = {}
    for row in in_tree_order(rows):
        above = by_key.get(row.parent_id or 0)
        path = f"{above.path}{PATH}{row.name}" if above else row.name
        depth = above.depth + 1 if above else 0
        by_key[row.id] = Area(row.id, row.ref, row.name, row.parent_id, path, depth, row.is_active)
        found.append(by_key[row.id])
    return found


def in_tree_order(items: Sequence[Any]) -> list[Any]:
    """Rows with `id` and `parent_id`, each followed by those below it; among each other as they came."""
    below: dict[int | None, list[Any]] = defaultdict(list)
    for item in items:
        below[item.parent_id].append(item)
    found: list[Any] = []
    pending = below[None][::-1]
    while pending:
        item = pending.pop()
        found.append(item)
        pending += below[item.id][::-1]
    return found


def areas_and_below(session: Session, named: Iterable[str]) -> list[int]:
    """Keys of the areas of these public names or names, and of all areas below them."""
    refs_or_names = set(named)
    folds = {fold(text) for text in refs_or_names}
    wanted: set[int] = set()
    for area in list_areas(session):  # parents come first
        if area.parent_id in wanted or area.ref in refs_or_names or fold(area.name) in folds:
            wanted.add(area.id)
    return sorted(wanted)


def keys_below(session: Session, area_id: int) -> set[int]:
    """Keys of the areas below one, itself included."""
    wanted = {area_id}
    for area in list_areas(session):
        if area.parent_id in wanted:
            wanted.add(area.id)
    return wanted
