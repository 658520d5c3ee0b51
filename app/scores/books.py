"""The version of the score rules in force, compiled once, and leads as its lines read them."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from app.fields.catalogue import catalogue
from app.fields.kinds import is_custom
from app.kernel.actor import Actor
from app.leads.fields import FIELDS
from app.leads.models import Lead
from app.routing.criteria import FieldType
from app.routing.rules import LeadReader, criteria_fields
from app.scores.lines import Line, Part, changes_on, total, weigh
from app.scores.models import ScoreSet, ScoreState
from app.scores.reading import MOMENTS, compile_lines
from app.sharing.scope import scope

# The score of every lead is made, whoever may see it.
SCORING = Actor.system("score rules")
_KEPT = 50
_books: "OrderedDict[tuple[str, int, str], Book]" = OrderedDict()


@dataclass(frozen=True, slots=True)
class Book:
    """A version, ready to be asked.  fields: what its lines read; number: of the version."""

    id: int
    ref: str
    number: int
    name: str
    lines: tuple[Line, ...]
    threshold: int | None
    routes_again: bool
    route_queue_id: int | None
    fields: tuple[str, ...]

    def reaches(self, score: int) -> bool:
        """Whether that is enough to be marketing-qualified."""
        return self.threshold is not None and score >= self.threshold


@dataclass(frozen=True, slots=True)
class Score:
    """What a version says of a lead.  due_on: when it will say something else, if nothing happens."""

    parts: Sequence[Part]
    value: int
    due_on: date | None


def find_active_book(session: Session) -> Book | None:
    """The version in force; None when there is none yet."""
    active = session.execute(_ACTIVE).one_or_none()
    if active is None:
        return None
    # Asked with every change of a lead, which the whole version is not read for.
    known = _books.get((active.ref, active.version, catalogue(session).key))
    return known or open_book(
        session, session.scalars(select(ScoreSet).where(ScoreSet.id == active.id)).one()
    )


_ACTIVE = select(ScoreSet.id, ScoreSet.ref, ScoreSet.version).where(ScoreSet.state == ScoreState.ACTIVE)


def open_book(session: Session, scores: ScoreSet) -> Book:
    """A version, compiled; a draft rises in version with each edit."""
    key = (scores.ref, scores.version, catalogue(session).key)
    book = _books.get(key)
    if book is None:
        book = _books[key] = compile_book(scores, criteria_fields(session))
        while len(_books) > _KEPT:
            _books.popitem(last=False)
    return book


def compile_book(scores: ScoreSet, known: Mapping[str, FieldType]) -> Book:
    """A version made ready."""
    lines = compile_lines(scores.lines, known)
    fields: set[str] = set()
    for line in lines:
        fields |= line.criteria.fields if line.criteria is not None else frozenset()
        if line.each is not None:
            fields |= {line.each.field, line.each.by_field} - {""}
        if line.decay is not None:
            fields.add(line.decay.field)
    return Book(
        scores.id, scores.ref, scores.number, scores.name, lines, scores.threshold, scores.routes_again,
        scores.route_queue_id, tuple(sorted(fields)),
    )  # fmt: skip


class Scorer:
    """Asks one version about many leads; the names of statuses and sources are looked up once."""

    def __init__(self, session: Session, book: Book) -> None:
        self.book = book
        self._reader = LeadReader(session, book.fields)
        self._moments = [name for name in MOMENTS if name in book.fields]
        own = any(is_custom(name) for name in book.fields)
        names = {FIELDS[name].attribute for name in book.fields if name in FIELDS} | set(self._moments)
        self._attributes = sorted(names | ({"custom"} if own else set()))

    def columns(self) -> list[ColumnElement[Any]]:
        """What is to be selected of a lead."""
        return [getattr(Lead, name).label(name) for name in self._attributes]

    def of_row(self, row: Any, day: date) -> Score:
        """row: has `columns`."""
        return self._score(row._mapping.get, day)  # noqa: SLF001 - SQLAlchemy's public name for it

    def of_values(self, values: Mapping[str, Any], day: date) -> Score:
        """Of a lead that is not stored yet.  values: attribute of Lead → value; absent is empty."""
        return self._score(values.get, day)

    def of_lead(self, lead: Lead, day: date) -> Score:
        """Of a lead at hand, all of whose fields were read."""
        return self._score(lambda name: getattr(lead, name, None), day)

    def _score(self, get: Callable[[str], Any], day: date) -> Score:
        record = self._reader.read(get)
        record.update((name, get(name)) for name in self._moments)
        parts = weigh(self.book.lines, record)
        return Score(parts, total(parts, day), changes_on(parts, day))


def leads_to_score(scorer: Scorer, *more: Any) -> Select[Any]:
    """Leads whose score is kept: neither deleted nor converted."""
    return select(Lead.id, Lead.score, Lead.score_due_on, *more, *scorer.columns()).where(
        scope(Lead, SCORING), Lead.deleted_at.is_(None), Lead.converted_at.is_(None)
    )


def of_ids(statement: Select[Any], ids: Collection[int]) -> Select[Any]:
    """The same of these leads, in the order of their keys."""
    return statement.where(Lead.id.in_(ids)).order_by(Lead.id)
