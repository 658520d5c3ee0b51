"""Comparing accounts and contacts that were written with all others: the worker's part of the care of data.

Of leads and campaigns it keeps the words alone, for misspellings: leads are compared as they arrive.

Each piece takes a few rows of the queue away in one transaction with what it found, so that it can be
interrupted anywhere.  It looks at everything; who may see what is asked when pairs are shown and when
somebody is told.
"""

from collections.abc import Collection, Mapping, Sequence, Set
from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from app.accounts.likeness import account_reasons, contact_reasons
from app.accounts.lookalikes import find_candidates
from app.accounts.models import Account, Contact
from app.campaigns.models import Campaign
from app.care.models import DuplicateCheck, DuplicatePair, PairState
from app.care.telling import tell_owners
from app.kernel import refs
from app.kernel.actor import Actor
from app.kernel.db import is_sqlite
from app.leads.models import Lead
from app.search.models import SearchEntry
from app.search.near import learn
from app.search.upkeep import COLUMNS, enter, enter_values, values_of
from app.search.words import entries_of, kinds_and_texts, kinds_of, spellable
from app.sharing.scope import scope

AT_ONCE = 100
MODELS: Mapping[str, Any] = {"account": Account, "contact": Contact}
SPELT: Mapping[str, Any] = {"lead": Lead, "campaign": Campaign}
_COMPARING = Actor.system("comparing")


def compare_some(session: Session, *, now: datetime, limit: int = AT_ONCE) -> bool:
    """Compare the next records that were written; False when none wait.  Does not commit.

    Writes entries that are missing, pairs, takes back those that are alike no more, keeps the words for misspellings, and tells the
    owner of a record of which somebody made a second without being able to see it.
    """
    queue = select(DuplicateCheck).order_by(DuplicateCheck.id).limit(limit)
    if not is_sqlite(session):
        queue = queue.with_for_update(skip_locked=True)
    waiting = list(session.scalars(queue))
    for kind in MODELS:
        of_kind = [each for each in waiting if each.kind == kind]
        if of_kind:
            _compare(session, kind, of_kind, now)
    for kind in SPELT:
        of_kind = [each for each in waiting if each.kind == kind]
        if of_kind:
            busy = _learn(session, kind, of_kind)
            waiting = [each for each in waiting if each.kind != kind or each.record_id not in busy]
    if waiting:
        keys = [each.id for each in waiting]
        session.execute(delete(DuplicateCheck).where(DuplicateCheck.id.in_(keys)), execution_options=_QUIETLY)
    return bool(waiting)


_QUIETLY = {"synchronize_session": False}


def _compare(session: Session, kind: str, waiting: Sequence[DuplicateCheck], now: datetime) -> None:
    model = MODELS[kind]
    ids = sorted({each.record_id for each in waiting})
    records = session.scalars(select(model).where(scope(model, _COMPARING), model.id.in_(ids))).all()
    _enter_new(session, kind, records)
    learn(session, spellable(t for r in records for t in entries_of(kind, values_of(r))))
    old = {each.record_id for each in waiting if each.is_old}
    for record in records:
        found = {} if record.deleted_at is not None else _alike(session, kind, record)
        fresh = _keep_pairs(session, kind, record.id, found, now)
        if fresh and record.id not in old:
            tell_owners(session, kind, record, fresh, now=now)


def _learn(session: Session, kind: str, waiting: Sequence[DuplicateCheck]) -> Set[int]:
    """Keep the words of records, and enter those that were there before there were entries of their kind.

    The keys of those that somebody else is writing at this moment: they are left for the next time.
    """
    model = SPELT[kind]
    old = {each.record_id for each in waiting if each.is_old}
    wanted = {each.record_id for each in waiting}
    columns = [getattr(model, name) for name in COLUMNS[model]]
    statement = select(model.id, *columns).where(scope(model, _COMPARING)).order_by(model.id)
    rows = list(session.execute(statement.where(model.id.in_(wanted - old)))) if wanted - old else []
    busy: Set[int] = frozenset()
    if old:
        locked = statement.where(model.id.in_(old))
        if not is_sqlite(session):
            # So that nobody changes a lead between its being read and its being entered.
            locked = locked.with_for_update(skip_locked=True)
        fresh = session.execute(locked).all()
        there = session.scalars(select(model.id).where(scope(model, _COMPARING), model.id.in_(old)))
        busy = set(there) - {row[0] for row in fresh}
        rows += fresh
    found = {row[0]: dict(zip(COLUMNS[model], row[1:], strict=True)) for row in rows}
    if old:
        missing = (found.keys() & old) - _entered(session, kind, old)
        enter_values(session, ((kind, key, found[key]) for key in sorted(missing)))
    texts = (text for values in found.values() for _kind, text in kinds_and_texts(kind, values))
    learn(session, spellable(texts))
    return busy


def _entered(session: Session, kind: str, ids: Collection[int]) -> set[int]:
    """Which of the records have entries."""
    wanted = (SearchEntry.kind.in_(kinds_of(kind)), SearchEntry.record_id.in_(ids))
    return set(session.scalars(select(SearchEntry.record_id).where(*wanted).distinct()))


def _enter_new(session: Session, kind: str, records: Sequence[Any]) -> None:
    """Enter records that were there before there were entries."""
    entered = _entered(session, kind, [record.id for record in records])
    enter(session, [record for record in records if record.id not in entered])


def _alike(session: Session, kind: str, record: Any) -> dict[int, tuple[str, ...]]:
    """Key → reasons of the live records that are probably the same."""
    values = compared_values(record)
    judge = account_reasons if kind == "account" else contact_reasons
    found = find_candidates(session, _COMPARING, MODELS[kind], values, except_id=record.id)
    live = _live(session, kind, [other["id"] for other in found])
    alike = ((other["id"], judge(values, other)) for other in found if other["id"] in live)
    return {key: reasons for key, reasons in alike if reasons}


def _live(session: Session, kind: str, ids: Sequence[int]) -> set[int]:
    if not ids:
        return set()
    model = MODELS[kind]
    statement = select(model.id).where(
        scope(model, _COMPARING), model.id.in_(ids), model.deleted_at.is_(None)
    )
    return set(session.scalars(statement))


def compared_values(record: Any) -> dict[str, Any]:
    """The columns of an account or contact that duplicates are found by."""
    values = {name: getattr(record, name) for name in ("first_name", "last_name")}
    return values | values_of(record) | {"kind": getattr(record, "kind", None), "id": record.id}


def _keep_pairs(
    session: Session, kind: str, key: int, found: Mapping[int, tuple[str, ...]], now: datetime
) -> dict[int, tuple[str, ...]]:
    """Bring the record's pairs up to date; key → reasons of those that were not known yet.

    What somebody has called no duplicate stays so, and what was merged.
    """
    of_record = or_(DuplicatePair.one_id == key, DuplicatePair.other_id == key)
    pairs = session.scalars(select(DuplicatePair).where(DuplicatePair.kind == kind, of_record)).all()
    known = {pair.other_id if pair.one_id == key else pair.one_id: pair for pair in pairs}
    for other, pair in known.items():
        if pair.state is PairState.OPEN and other not in found:
            pair.state = PairState.GONE
        elif pair.state in (PairState.OPEN, PairState.GONE) and other in found:
            pair.state, pair.reasons, pair.weight = PairState.OPEN, list(found[other]), len(found[other])
    fresh = {other: reasons for other, reasons in found.items() if other not in known}
    for other, reasons in fresh.items():
        session.add(
            DuplicatePair(
                ref=refs.new_ref(refs.DUPLICATE),
                kind=kind,
                one_id=min(key, other),
                other_id=max(key, other),
                reasons=list(reasons),
                weight=len(reasons),
                state=PairState.OPEN,
                found_at=now,
            )
        )
        session.flush()
    return fresh


def end_pairs(session: Session, kind: str, keys: Sequence[int], state: PairState) -> None:
    """Say what became of the open pairs of these records.  Does not commit."""
    of_them = or_(DuplicatePair.one_id.in_(keys), DuplicatePair.other_id.in_(keys))
    session.execute(
        update(DuplicatePair)
        .where(DuplicatePair.kind == kind, of_them, DuplicatePair.state == PairState.OPEN)
        .values(state=state),
        execution_options=_QUIETLY,
    )
