"""Building what a sharing rule gives, in the background, batch by batch, each a transaction of its own.

What was changed meanwhile is looked at once more; then the set takes effect as a whole.  Since other
processes learn of it within `grant_sets.KNOWN_FOR`, it waits longer than that before it takes effect, and
looks again at everything changed since a minute before it was made, which no transaction outlasts.
"""

from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.db import is_sqlite
from app.routing.criteria import named_fields
from app.sharing.grant_sets import LIVE, Sets, forget_known, ready
from app.sharing.granting import BATCH, COMPUTING, giving, grants_of, next_in_line, refresh
from app.sharing.models import (
    GrantSet,
    GrantSetState,
    Principal,
    SharingGrant,
    SharingRule,
    SharingRuleKind,
    SharingRuleState,
)
from app.sharing.scope import scope
from app.sharing.subjects import SUBJECTS, Subject

GRACE = timedelta(seconds=3)
OUTLASTED = timedelta(seconds=60)

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
        .where(GrantSet.rule_id == rule.id, GrantSet.state.in_(LIVE))
        .values(state=GrantSetState.ENDED)
        .execution_options(synchronize_session="fetch")
    )
    rule.state, rule.detail = SharingRuleState.FAILED, detail
    session.flush()
    forget_known()


def rebuild_owned(session: Session) -> None:
    """Build owner-based rules anew whose owners may be others now: roles, levels, teams or groups changed."""
    people = Principal.key.not_like("user:%") & Principal.key.not_like("queue:%")
    rebuild(session, SharingRule.owned_by_id.in_(select(Principal.id).where(people)))


def rebuild(session: Session, *which: ColumnElement[bool]) -> None:
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
    rows = session.execute(next_in_line(subject.object, sets.fields), {"after": after}).all()
    wanted = grants_of(session, subject, rows, sets)
    if wanted:
        session.connection().execute(giving(is_sqlite(session)), list(wanted.values()))
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
