"""What is told apart of leads, and how one lead is told, whichever way they are counted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    case,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
)

from app.kernel.actor import Actor
from app.lists.catalogue import Condition
from app.reports.asked import Asked
from app.reports.cuts import fact_columns, is_held, measures_of
from app.reports.steps import KEYS, MEASURES

# More leads than these nobody counts one by one; who sees all has them as they were counted last, which is faster.
MOST_LIVE = 50_000
BETWEEN = ","
Cells = dict[tuple[str, str], list[int]]


@dataclass(frozen=True, slots=True)
class TooMany:
    """There are more leads than are counted one by one; counted are none.  most: how many would be."""

    most: int = MOST_LIVE


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is told apart: columns of facts, "" for nothing.  needs: the column without which a lead is left out.

    days: where b is a day, (first day, key) of what is told apart instead, the latest first; "" for what is before.
    keys: values of a that are told alone; () for all.  is_bare: how many there are is told alone, as always with `needs`.
    is_packed: for `count_classes`.
    """

    a: str = ""
    b: str = ""
    needs: str = ""
    days: tuple[tuple[int, str], ...] = ()
    keys: tuple[str, ...] = ()
    is_bare: bool = False
    is_packed: bool = False

    @property
    def is_number(self) -> bool:
        return self.is_bare or bool(self.needs)

    @property
    def measures(self) -> Sequence[str]:
        return MEASURES[:1] if self.is_number else MEASURES

    def key_b(self, column: Any) -> ColumnElement[Any]:
        """SQL of the second key.  Written out, for a parameter would be another one where it is grouped by."""
        if not self.days:
            return column  # type: ignore[no-any-return]
        text = literal_column
        return case(
            *((column >= text(f"'{day}'"), text(f"'{key}'")) for day, key in self.days), else_=text("''")
        )


@dataclass(slots=True)
class Classes:
    """How many leads of one value of a are in each class: those counted, packed as "300,300 4,900"; and by how many they are more or fewer since.

    count: of all of them.
    """

    count: int = 0
    packed: list[str] = field(default_factory=list)
    since: dict[str, int] = field(default_factory=dict)

    @classmethod
    def together(cls, some: Iterable["Classes"]) -> "Classes":
        """All of these as one."""
        found = cls()
        for each in some:
            found.count += each.count
            found.packed += each.packed
            for b, count in each.since.items():
                found.since[b] = found.since.get(b, 0) + count
        return found

    def unpacked(self) -> dict[str, int]:
        """Class → how many."""
        found = dict(self.since)
        for text in self.packed:
            for each, times in Counter(text.split(BETWEEN)).items():
                class_, _space, count = each.partition(" ")
                found[class_] = found.get(class_, 0) + times * int(count or 1)
        return found


def columns_of(wanted: Wanted) -> list[str]:
    """The columns of facts by which a lead is told."""
    told = () if wanted.is_number else ("stage", "handed_over", "unqualified")
    return [name for name in dict.fromkeys((wanted.a, wanted.b, wanted.needs, *told)) if name]


def live_columns(actor: Actor, asked: Asked, wanted: Wanted) -> dict[str, ColumnElement[Any]]:
    """What is selected of a lead; when leads were handed over is the vendor's to know."""
    found = fact_columns(actor, asked.zone, columns_of(wanted))
    return {**found, "handed_over": literal(0)} if actor.is_partner and "handed_over" in found else found


def told_of(columns: Any, wanted: Wanted) -> list[ColumnElement[Any]]:
    """(a, b, stage, handed over, unqualified) of one lead."""
    key_a, key_b = (cast(columns[name], String) if name else literal("") for name in (wanted.a, wanted.b))
    further = ("stage", "handed_over", "unqualified")
    return [
        key_a,
        wanted.key_b(key_b),
        *(literal(0) if wanted.is_number else columns[name] for name in further),
    ]


def needed_of(columns: Any, wanted: Wanted) -> list[Condition]:
    """What must hold of a lead with these columns for it to be told at all."""
    found = [columns[wanted.needs] != ""] if wanted.needs else []
    if wanted.keys:
        is_key = columns[wanted.a].in_(wanted.keys)
        is_nobody = wanted.a == "owner" and "" in wanted.keys
        found.append(or_(is_key, is_held(columns["owner"])) if is_nobody else is_key)
    return found


def measured(row: Sequence[int], wanted: Wanted) -> Sequence[int]:
    """The measures of one lead.  row: (stage, handed over, unqualified)."""
    if wanted.is_number:
        return (1,)
    return measures_of({"stage": row[0], "handed_over": row[1], "unqualified": row[2]})


def pack(b: Any, count: Any) -> ColumnElement[str]:
    """SQL of all values of b with how many of each, as `Classes.unpacked` reads them: one stands alone, as most do in months."""
    more = b.concat(" ").concat(cast(count, String))
    return func.aggregate_strings(case((count == 1, b), else_=more), BETWEEN)


def summed(told: Any, wanted: Wanted) -> Select[*tuple[Any, ...]]:
    """Select of what is counted, as `reading` has it, of leads that are told as `told_of` has it with how many there are of each."""
    a, b, stage, handed_over, unqualified, n = told.c
    reached = (case((stage >= place, n), else_=0) for place in range(len(KEYS)))
    measures = [n] if wanted.is_number else [*reached, handed_over * n, unqualified * n]
    sums = [cast(func.coalesce(func.sum(each), 0), Integer) for each in measures]
    if wanted.is_packed:
        return select(literal(0), a, func.aggregate_strings(b, BETWEEN), *[literal(0)] * 3, *sums).group_by(a)
    return select(literal(0), a, b, *[literal(0)] * 3, *sums).group_by(a, b)
