"""The grants of some records, computed from sets and stored: what changes and what is built anew alike."""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    Delete,
    Insert,
    Select,
    String,
    bindparam,
    cast,
    delete,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.kernel.db import is_sqlite
from app.sharing.grant_sets import LIVE, Sets
from app.sharing.models import (
    GrantSet,
    SharingGrant,
)
from app.sharing.people import principals_of_owners
from app.sharing.scope import scope
from app.sharing.subjects import SUBJECTS, Subject

BATCH = 2000
CHUNK = 500  # of records settled with one statement

# What a rule gives must be computed for records that nobody in particular may see.
COMPUTING = Actor.system("sharing rules")


def refresh(
    session: Session, subject: Subject, ids: Sequence[int], sets: Sets, *, lock: bool = False
) -> None:
    """Make the stored grants of these records what the sets say.  Does not commit.

    lock: nobody changes them until the transaction ends.
    """
    for start in range(0, len(ids), CHUNK):
        _refresh(session, subject, ids[start : start + CHUNK], sets, lock)


def _refresh(session: Session, subject: Subject, ids: Sequence[int], sets: Sets, lock: bool = False) -> None:
    rows = _to_settle(session, subject, ids, sets, lock)
    wanted = grants_of(session, subject, rows, sets)
    stored = ((int(set_id), row.id) for row in rows for set_id in (row.held or "").split(",") if set_id)
    held = {key for key in stored if key[0] in sets.ids}
    connection = session.connection()
    gone = [{"one_set": set_id, "one_record": record_id} for set_id, record_id in sorted(held - set(wanted))]
    if gone:
        connection.execute(_taking_away(), gone)
    new = [row for key, row in sorted(wanted.items()) if key not in held]
    if new:
        # The list may be older than the end of a set, which may even have been swept away.
        standing = set(
            session.scalars(_standing(is_sqlite(session)), {"ids": {row["set_id"] for row in new}})
        )
        new = [row for row in new if row["set_id"] in standing]
    if new:
        connection.execute(giving(is_sqlite(session)), new)


# Made once, since making them costs more than running them.


@cache
def _taking_away() -> Delete:
    table: Any = SharingGrant.__table__
    return delete(table).where(
        table.c.set_id == bindparam("one_set"), table.c.record_id == bindparam("one_record")
    )


@cache
def _standing(on_sqlite: bool) -> Select[int]:
    """Which of these sets are live; on PostgreSQL none of them is swept away until the transaction ends."""
    wanted = GrantSet.id.in_(bindparam("ids", expanding=True))
    statement = select(GrantSet.id).where(wanted, GrantSet.state.in_(LIVE)).order_by(GrantSet.id)
    return statement if on_sqlite else statement.with_for_update(read=True, key_share=True)


@cache
def giving(on_sqlite: bool) -> Insert:
    table: Any = SharingGrant.__table__
    insert: Any = sqlite.insert(table) if on_sqlite else postgresql.insert(table)
    statement: Insert = insert.on_conflict_do_nothing()
    return statement


@lru_cache(maxsize=64)
def _judged(object_: str, names: tuple[str, ...], lock: bool) -> Select[Any]:
    """What is needed to judge certain records, deleted ones too, and which sets they belong to now."""
    model = SUBJECTS[object_].model
    held = (
        select(func.aggregate_strings(cast(SharingGrant.set_id, String), ","))
        .where(SharingGrant.object == object_, SharingGrant.record_id == model.id)
        .correlate(model)
        .scalar_subquery()
    )
    statement = (
        _to_judge(object_, names)
        .add_columns(held.label("held"))
        .where(model.id.in_(bindparam("ids", expanding=True)))
    )
    return statement.with_for_update(read=True, of=model) if lock else statement


@lru_cache(maxsize=64)
def next_in_line(object_: str, names: tuple[str, ...]) -> Select[Any]:
    """What is needed to judge the next batch of records, in the order of their keys."""
    model = SUBJECTS[object_].model
    key = model.id
    return _to_judge(object_, names).where(key > bindparam("after")).order_by(key).limit(BATCH)


def _to_judge(object_: str, names: tuple[str, ...]) -> Select[Any]:
    subject = SUBJECTS[object_]
    model = subject.model
    columns = [model.id, model.created_at, model.deleted_at, *subject.owner_columns, *subject.columns(names)]
    return select(*columns).where(scope(model, COMPUTING))


def _to_settle(
    session: Session, subject: Subject, ids: Sequence[int], sets: Sets, lock: bool = False
) -> Sequence[Any]:
    statement = _judged(subject.object, sets.fields, lock and not is_sqlite(session))
    return session.execute(statement, {"ids": list(ids)}).all()


def wanted_grants(
    session: Session, subject: Subject, ids: Sequence[int], sets: Sets
) -> dict[tuple[int, int], dict[str, Any]]:
    """(set, record) → the grant, of those that the records belong to."""
    return grants_of(session, subject, _to_settle(session, subject, ids, sets), sets)


def grants_of(
    session: Session, subject: Subject, rows: Sequence[Any], sets: Sets
) -> dict[tuple[int, int], dict[str, Any]]:
    """(set, record) → the grant.  rows: records with all columns that judging them needs.

    What is deleted is granted to nobody; brought back, it is settled anew.
    """
    users: dict[int, frozenset[int]] = {}
    queues: dict[int, frozenset[int]] = {}
    if sets.by_owner:
        users, queues = principals_of_owners(
            session,
            {row.owner_user_id for row in rows if row.owner_user_id is not None},
            {key for row in rows if (key := getattr(row, "owner_queue_id", None)) is not None},
        )
    read = subject.reader(session, sets.fields)
    found = {}
    nobody: frozenset[int] = frozenset()
    for row in rows:
        if row.deleted_at is not None:
            continue
        owner = nobody
        if sets.by_owner:
            queue_id: Any = getattr(row, "owner_queue_id", None)
            owner = users.get(row.owner_user_id, nobody) | queues.get(queue_id, nobody)
        for each in sets.that_give(read(row), owner):
            found[each.id, row.id] = {
                "set_id": each.id,
                "record_id": row.id,
                "object": subject.object,
                "principal_id": each.principal_id,
                "level": each.level,
                "record_created_at": row.created_at,
                "until": None,
            }
    return found
