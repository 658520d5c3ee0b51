"""Keeping the grants of sharing rules right: built in the background, then kept with every change of a record.

A set says for ever what it was made to say.  It is built batch by batch, each a transaction of its own;
what was changed meanwhile is looked at once more; then it takes effect as a whole.  From the moment it
exists, every transaction that changes a record settles that record's grants before it commits.

Processes know which sets exist from a list that is at most `KNOWN_FOR` old.  A set therefore waits
longer than that before it takes effect, and looks again at everything changed since a minute before it
was made, which no transaction outlasts.
"""

import json
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Delete,
    Insert,
    Select,
    String,
    bindparam,
    cast,
    delete,
    func,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.accounts.models import Account, AccountResponsible
from app.fields.catalogue import catalogue
from app.identity.models import User
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.db import db, is_sqlite
from app.kernel.errors import Invalid
from app.leads.models import LeadSource
from app.partners.models import PartnerAccount
from app.routing.criteria import All, CannotEvaluate, Criteria, FieldType, Leaf, Op, named_fields, parse
from app.sharing.models import (
    GrantSet,
    GrantSetState,
    Principal,
    SharingGrant,
    SharingRule,
    SharingRuleKind,
    SharingRuleState,
)
from app.sharing.people import principals_of_owners
from app.sharing.scope import scope
from app.sharing.subjects import SUBJECTS, Subject
from app.sharing.touched import TOUCHED, touch

OWNERS_CHANGED, RENAMED = "owners_changed", "renamed"
KNOWN_FOR = 2.0  # seconds
GRACE = timedelta(seconds=3)
OUTLASTED = timedelta(seconds=60)
BATCH = 2000
CHUNK = 500  # of records settled with one statement

# What a rule gives must be computed for records that nobody in particular may see.
COMPUTING = Actor.system("sharing rules")
_LIVE = (GrantSetState.BUILDING, GrantSetState.ACTIVE)


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
            select(GrantSet).where(GrantSet.state.in_(_LIVE), GrantSet.rule_id.is_not(None))
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


# One batch of records


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
        connection.execute(_giving(is_sqlite(session)), new)


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
    statement = select(GrantSet.id).where(wanted, GrantSet.state.in_(_LIVE)).order_by(GrantSet.id)
    return statement if on_sqlite else statement.with_for_update(read=True, key_share=True)


@cache
def _giving(on_sqlite: bool) -> Insert:
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
def _next_in_line(object_: str, names: tuple[str, ...]) -> Select[Any]:
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


# With every change


def note_flushed(session: Session, _context: Any) -> None:
    """Listener of `after_flush`: what the session itself has written."""
    for each in (*session.new, *session.dirty):
        name = getattr(each, "__tablename__", "")
        if name in SUBJECTS:
            touch(session, name, (each.id,))
        if _changes_owners(each):
            session.info[OWNERS_CHANGED] = True
        if isinstance(each, LeadSource) and inspect(each).attrs.name.history.deleted:
            session.info[RENAMED] = True
    if any(isinstance(each, AccountResponsible) for each in session.deleted):
        session.info[OWNERS_CHANGED] = True


def _changes_owners(each: Any) -> bool:
    """Whether it changes which principals somebody is who may own records."""
    if isinstance(each, AccountResponsible):
        return True
    watched = {User: "role", PartnerAccount: "level_id", Account: "owner_user_id"}.get(type(each))
    return watched is not None and bool(inspect(each).attrs[watched].history.deleted)


def settle(session: Session) -> None:
    """Listener of `before_commit`: bring the grants of everything touched in the transaction up to date."""
    if session.in_nested_transaction():
        return  # the whole is settled at its end
    session.flush()
    touched = session.info.pop(TOUCHED, {})
    for object_, ids in touched.items():
        sets = live_sets(session, object_)
        if sets and ids:
            refresh(session, SUBJECTS[object_], sorted(ids), sets)
    if session.info.pop(OWNERS_CHANGED, False):
        rebuild_owned(session)
    if session.info.pop(RENAMED, False):
        _rebuild(session, SharingRule.object == "lead", SharingRule.kind == SharingRuleKind.CRITERIA)


def forget_touched(session: Session) -> None:
    """Listener of `after_rollback`: nothing of it happened.

    Where only a savepoint was rolled back, what was touched before it still counts.
    """
    if session.in_nested_transaction():
        return
    session.info.pop(TOUCHED, None)
    session.info.pop(OWNERS_CHANGED, None)
    session.info.pop(RENAMED, None)


# Building

# What reads only, a long export for one, has no transaction id.
_WRITTEN_SINCE = text(
    "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND backend_xid IS NOT NULL"
    " AND xact_start < clock_timestamp() - CAST(:ago AS interval))"
)


def begin_set(session: Session, rule: SharingRule, *, now: datetime) -> GrantSet:
    """Begin to build what the rule says now, in place of what is being built.  Does not commit."""
    session.execute(
        update(GrantSet)
        .where(GrantSet.rule_id == rule.id, GrantSet.state == GrantSetState.BUILDING)
        .values(state=GrantSetState.ENDED)
        .execution_options(synchronize_session="fetch")
    )
    model = SUBJECTS[rule.object].model
    row = GrantSet(
        object=rule.object,
        principal_id=rule.share_with_id,
        rule_id=rule.id,
        kind=rule.kind,
        owned_by_id=rule.owned_by_id,
        criteria=rule.criteria,
        level=rule.level,
        state=GrantSetState.BUILDING,
        began_at=now,
        reached=0,
        looked_at=0,
        total=session.scalar(select(func.max(model.id)).where(scope(model, COMPUTING))) or 0,
    )
    session.add(row)
    rule.state, rule.detail = SharingRuleState.BUILDING, ""
    session.flush()
    forget_known()
    return row


def naming_field(session: Session, object_: str, name: str) -> list[SharingRule]:
    """The rules whose criteria compare this field of an object."""
    statement = select(SharingRule).where(
        SharingRule.object == object_,
        SharingRule.deleted_at.is_(None),
        SharingRule.kind == SharingRuleKind.CRITERIA,
    )
    return [rule for rule in session.scalars(statement) if name in named_fields(rule.criteria)]


def close_rule(session: Session, rule: SharingRule, detail: str) -> None:
    """Let a rule that cannot be understood any more give nothing, from the commit on.  Does not commit."""
    session.execute(
        update(GrantSet)
        .where(GrantSet.rule_id == rule.id, GrantSet.state.in_(_LIVE))
        .values(state=GrantSetState.ENDED)
        .execution_options(synchronize_session="fetch")
    )
    rule.state, rule.detail = SharingRuleState.FAILED, detail
    session.flush()
    forget_known()


def rebuild_owned(session: Session) -> None:
    """Build owner-based rules anew whose owners may be others now: roles, levels, teams or groups changed."""
    people = Principal.key.not_like("user:%") & Principal.key.not_like("queue:%")
    _rebuild(session, SharingRule.owned_by_id.in_(select(Principal.id).where(people)))


def _rebuild(session: Session, *which: ColumnElement[bool]) -> None:
    """Build these rules anew, as they are written at this moment."""
    statement = select(SharingRule).where(SharingRule.deleted_at.is_(None), *which).order_by(SharingRule.id)
    if not is_sqlite(session):
        statement = statement.with_for_update()  # so that none is deleted or changed meanwhile
    for rule in session.scalars(statement.execution_options(populate_existing=True)).all():
        begin_set(session, rule, now=clock.now())
    session.flush()


def build_step(session: Session, *, now: datetime) -> bool:
    """One batch of what is to be built; whether there was anything to do.  Does not commit."""
    statement = (
        select(GrantSet).where(GrantSet.state == GrantSetState.BUILDING).order_by(GrantSet.id).limit(1)
    )
    if not is_sqlite(session):
        statement = statement.with_for_update(skip_locked=True)
    building = session.scalar(statement.execution_options(populate_existing=True))
    if building is None:
        return False
    subject, sets = SUBJECTS[building.object], Sets([ready(building)])
    if building.caught_up_to is None:
        if not building.looked_at:
            # Not before now could others know of it: the transaction that began it may have taken its time.
            building.began_at = now
        looked_at, reached = _look_through(session, subject, sets, building.reached)
        building.looked_at += looked_at
        building.reached = reached
        if looked_at < BATCH:
            building.caught_up_to = building.began_at - OUTLASTED
        return True
    return _catch_up(session, building, subject, sets, now)


def _look_through(session: Session, subject: Subject, sets: Sets, after: int) -> tuple[int, int]:
    """Store what the sets give of the next batch of records; how many there were, and the last one's key.

    A new set has no grants that could be wrong: those stored since it began are right already.
    """
    rows = session.execute(_next_in_line(subject.object, sets.fields), {"after": after}).all()
    wanted = grants_of(session, subject, rows, sets)
    if wanted:
        session.connection().execute(_giving(is_sqlite(session)), list(wanted.values()))
    return len(rows), rows[-1].id if rows else after


def _catch_up(session: Session, building: GrantSet, subject: Subject, sets: Sets, now: datetime) -> bool:
    """Look again at what was changed meanwhile; with the last of it the set takes effect."""
    known_to_all = building.began_at + GRACE
    if now < known_to_all or _is_written_since_before(session, now - known_to_all):
        return False
    model = subject.model
    changed = session.execute(
        select(model.id, model.updated_at)
        .where(scope(model, COMPUTING), model.updated_at >= building.caught_up_to)
        .order_by(model.updated_at, model.id)
        .limit(BATCH + 1)
    ).all()
    if len(changed) > BATCH and changed[-1].updated_at > building.caught_up_to:
        refresh(session, subject, [key for key, _at in changed], sets)
        building.caught_up_to = changed[-1].updated_at
        return True
    refresh(session, subject, [key for key, _at in changed], sets, lock=True)
    activate(session, building)
    return True


def _is_written_since_before(session: Session, ago: timedelta) -> bool:
    """Whether a transaction that began so long ago or longer has written and is not over.

    It may have settled what it changed before it could know of a set, and commits when it likes: until then
    nobody else sees the change.  On SQLite there is one writer at a time, and here that is us.
    """
    if is_sqlite(session):
        return False
    return bool(session.scalar(_WRITTEN_SINCE, {"ago": ago}))


def activate(session: Session, building: GrantSet) -> None:
    """Let the set take effect in place of the rule's former one.  Does not commit."""
    session.execute(
        update(GrantSet)
        .where(GrantSet.rule_id == building.rule_id, GrantSet.state == GrantSetState.ACTIVE)
        .values(state=GrantSetState.ENDED)
        .execution_options(synchronize_session="fetch")
    )
    rule = session.get_one(SharingRule, building.rule_id, populate_existing=True)
    building.state = GrantSetState.ACTIVE if rule.deleted_at is None else GrantSetState.ENDED
    rule.state = SharingRuleState.ACTIVE
    session.flush()
    forget_known()


def sweep(session: Session, *, now: datetime, limit: int = 5000) -> bool:
    """Delete grants of sets that have ended; whether there were any.  Does not commit."""
    ended = session.scalars(select(GrantSet.id).where(GrantSet.state == GrantSetState.ENDED).limit(1)).first()
    if ended is None:
        return False
    ids = session.scalars(
        select(SharingGrant.record_id)
        .where(SharingGrant.set_id == ended)
        .order_by(SharingGrant.record_id)
        .limit(limit)
    ).all()
    quietly = {"synchronize_session": False}
    session.execute(
        delete(SharingGrant).where(
            SharingGrant.set_id == ended, SharingGrant.record_id <= (ids[-1] if ids else 0)
        ),
        execution_options=quietly,
    )
    if len(ids) < limit:
        session.execute(delete(GrantSet).where(GrantSet.id == ended), execution_options=quietly)
    return True
