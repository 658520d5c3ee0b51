"""Which sets of grants there are: what each says for ever, compiled.

Processes know them from a list that is at most `KNOWN_FOR` old.
"""

import json
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    select,
)
from sqlalchemy.orm import Session

from app.fields.catalogue import catalogue
from app.kernel.db import db
from app.kernel.errors import Invalid
from app.routing.criteria import All, CannotEvaluate, Criteria, FieldType, Leaf, Op, parse
from app.sharing.models import (
    GrantSet,
    GrantSetState,
    SharingRuleKind,
)
from app.sharing.subjects import SUBJECTS

KNOWN_FOR = 2.0  # seconds
LIVE = (GrantSetState.BUILDING, GrantSetState.ACTIVE)


@dataclass(frozen=True, slots=True)
class Ready:
    """A set of a rule, compiled.  owned_by: the principal that owns what it gives; None for criteria.

    criteria: None also where what is stored cannot be understood any more; then it gives nothing.
    """

    id: int
    object: str
    principal_id: int
    level: int
    owned_by: int | None
    criteria: Criteria | None

    def gives(self, record: dict[str, Any], owner: Collection[int]) -> bool:
        """Whether a record belongs to it.  owner: the principals that its owner is."""
        if self.owned_by is not None:
            return self.owned_by in owner
        try:
            return self.criteria is not None and self.criteria.matches(record)
        except CannotEvaluate:
            return False

    @property
    def fields(self) -> frozenset[str]:
        return self.criteria.fields if self.criteria is not None else frozenset()


class Sets:
    """Compiled sets, those of criteria by a value that a record must have: few are looked at for each record."""

    def __init__(self, found: Iterable[Ready]) -> None:
        self.all = tuple(found)
        self.ids = frozenset(each.id for each in self.all)
        self.fields = tuple(sorted({name for each in self.all for name in each.fields}))
        self.by_owner = any(each.owned_by is not None for each in self.all)
        self._rest: list[Ready] = []
        self._by_value: dict[str, dict[str, list[Ready]]] = {}
        for each in self.all:
            leaf = _needed(each.criteria)
            if leaf is None:
                self._rest.append(each)
            else:
                value = str(leaf.value).casefold()
                self._by_value.setdefault(leaf.field, {}).setdefault(value, []).append(each)

    def that_give(self, record: dict[str, Any], owner: Collection[int]) -> Iterator[Ready]:
        """Those that the record belongs to.  owner: the principals that its owner is."""
        for each in self._rest:
            if each.gives(record, owner):
                yield each
        for field, by_value in self._by_value.items():
            value = record.get(field)
            if isinstance(value, str):
                yield from (each for each in by_value.get(value.casefold(), ()) if each.gives(record, owner))


def _needed(criteria: Criteria | None) -> Leaf | None:
    """A text that a record must hold to meet the criteria; None where there is no such."""
    if criteria is None:
        return None
    root = criteria.root
    parts = root.parts if isinstance(root, All) else (root,)
    texts = (FieldType.TEXT, FieldType.CHOICE)
    fitting = (p for p in parts if isinstance(p, Leaf) and p.op is Op.EQUALS and p.type in texts)
    return next(fitting, None)


# Which sets there are

_known: tuple[float, dict[str, Sets]] = (0.0, {})


def forget_known() -> None:
    """Read anew which sets exist, the next time that anybody asks."""
    global _known  # noqa: PLW0603 - a list for all threads, replaced as a whole
    _known = (0.0, {})


def live_sets(session: Session, object_: str) -> Sets | None:
    """The sets of rules for that object which are in force or being built, if any."""
    global _known  # noqa: PLW0603
    read_at, known = _known
    if not read_at or time.monotonic() - read_at > KNOWN_FOR:
        now = time.monotonic()
        found: dict[str, list[Ready]] = {}
        rows = session.scalars(
            select(GrantSet).where(GrantSet.state.in_(LIVE), GrantSet.rule_id.is_not(None))
        )
        for row in rows:
            found.setdefault(row.object, []).append(ready(row))
        known = {name: Sets(sets) for name, sets in found.items()}
        _known = (now, known)
    return known.get(object_)


def ready(row: GrantSet) -> Ready:
    """A set, compiled."""
    criteria = None
    if row.kind is SharingRuleKind.CRITERIA:
        criteria = _compiled(row.object, _frozen(row.criteria), catalogue(db.session()).key)
    return Ready(row.id, row.object, row.principal_id, row.level or 0, row.owned_by_id, criteria)


def _frozen(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@lru_cache(maxsize=1024)
def _compiled(object_: str, criteria: str, _edition: str) -> Criteria | None:
    """_edition: of the fields that administrators added, by which the same criteria may mean something or nothing."""
    try:
        return parse(json.loads(criteria) or None, SUBJECTS[object_].fields)
    except Invalid:
        return None
