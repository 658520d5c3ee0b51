"""Pairs of probable duplicates, as far as the reader may see both."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, and_, cast, exists, literal, select, tuple_
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from app.accounts.errors import REASONS
from app.accounts.models import Account, Contact
from app.care.models import DuplicatePair, PairState
from app.kernel.actor import Actor, Level
from app.kernel.errors import Invalid, NotFound
from app.kernel.paging import PAGE_SIZE, Page, make_cursor, read_cursor
from app.search.queries import Hit, account_hits, contact_hits
from app.sharing.scope import scope

MODELS: Mapping[str, Any] = {"account": Account, "contact": Contact}
SORTS: Mapping[str, Any] = {"weight": DuplicatePair.weight, "found_at": DuplicatePair.found_at}
STATES = {PairState.OPEN: _l("to be looked at"), PairState.DISMISSED: _l("not the same")}


@dataclass(frozen=True, slots=True)
class PairQuery:
    """Which pairs are wanted.  sort: of `SORTS`, with "-" in front for the highest first."""

    kind: str = "account"
    state: str = PairState.OPEN.value
    reason: str = ""
    sort: str = "-weight"

    @property
    def shape(self) -> list[str]:
        return [self.kind, self.state, self.reason, self.sort]


@dataclass(frozen=True, slots=True)
class PairRow:
    """One pair in the list; one was made before the other."""

    ref: str
    one: Hit
    other: Hit
    reasons: Sequence[str]
    found_at: datetime


def parse_pair_query(given: Mapping[str, str]) -> PairQuery:
    """The list that is asked for; empty values count as absent.  Raises Invalid for what is not known."""
    wanted = {
        name: value for name, value in given.items() if value and name in PairQuery.__dataclass_fields__
    }
    query = PairQuery(**wanted)
    known = (
        ("kind", query.kind in MODELS),
        ("state", query.state in {state.value for state in STATES}),
        ("reason", not query.reason or query.reason in REASONS),
        ("sort", query.sort.removeprefix("-") in SORTS),
    )
    wrong = {name: [_l("Choose one of those listed.")] for name, is_known in known if not is_known}
    if wrong:
        raise Invalid(wrong)
    return query


def list_pairs(
    session: Session, actor: Actor, query: PairQuery, *, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[PairRow]:
    """A page of the pairs of which the actor may read both.  Raises BadCursor."""
    column, falling, back = SORTS[query.sort.removeprefix("-")], query.sort.startswith("-"), False
    statement = _visible(actor, query)
    if cursor:
        value, key, back = read_cursor(actor.user_id, query.shape, cursor)
        here = tuple_(column, DuplicatePair.id)
        there = tuple_(literal(value, column.type), literal(key, DuplicatePair.id.type))
        statement = statement.where(here < there if falling != back else here > there)
    down = falling != back
    order = (column.desc(), DuplicatePair.id.desc()) if down else (column, DuplicatePair.id)
    found = list(session.scalars(statement.order_by(*order).limit(limit + 1)))
    more, found = len(found) > limit, found[:limit]
    if back:
        found.reverse()

    def at(pair: DuplicatePair, *, backwards: bool) -> str:
        return make_cursor(actor.user_id, query.shape, getattr(pair, column.key), pair.id, back=backwards)

    older = at(found[-1], backwards=False) if found and (back or more) else None
    newer = at(found[0], backwards=True) if found and (more if back else bool(cursor)) else None
    return Page(_rows(session, actor, query.kind, found), older, newer)


def every_pair(session: Session, actor: Actor, query: PairQuery) -> Iterator[PairRow]:
    """All of them, page by page, so that memory stays flat."""
    cursor: str | None = None
    while True:
        page = list_pairs(session, actor, query, cursor=cursor, limit=200)
        yield from page.items
        session.expunge_all()
        cursor = page.older
        if cursor is None:
            return


def get_pair(session: Session, actor: Actor, ref: str) -> DuplicatePair:
    """The pair.  Raises NotFound where the actor may not read both."""
    for kind in MODELS:
        statement = select(DuplicatePair).where(
            DuplicatePair.ref == ref, DuplicatePair.kind == kind, *_both(actor, kind)
        )
        pair = session.scalar(statement)
        if pair is not None:
            return pair
    raise NotFound("pair", ref)


def _visible(actor: Actor, query: PairQuery) -> Select[DuplicatePair]:
    statement = select(DuplicatePair).where(
        DuplicatePair.kind == query.kind, DuplicatePair.state == query.state, *_both(actor, query.kind)
    )
    if query.reason:
        statement = statement.where(cast(DuplicatePair.reasons, Text).contains(f'"{query.reason}"'))
    return statement


def _both(actor: Actor, kind: str) -> list[ColumnElement[bool]]:
    model = MODELS[kind]
    return [
        exists().where(and_(model.id == key, scope(model, actor, Level.READ))).correlate(DuplicatePair)
        for key in (DuplicatePair.one_id, DuplicatePair.other_id)
    ]


def _rows(session: Session, actor: Actor, kind: str, pairs: Sequence[DuplicatePair]) -> list[PairRow]:
    ids = sorted({key for pair in pairs for key in (pair.one_id, pair.other_id)})
    find = account_hits if kind == "account" else contact_hits
    hits = {hit.key: hit for hit in find(session, actor, ids)}
    return [
        PairRow(pair.ref, hits[pair.one_id], hits[pair.other_id], pair.reasons, pair.found_at)
        for pair in pairs
        if pair.one_id in hits and pair.other_id in hits
    ]
