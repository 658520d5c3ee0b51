"""When a record was last worked with, and the account that a record's activities belong to, kept right.

`last_activity_at` of a record is the moment of the latest thing done on it: of an account also on its contacts,
of a contact also that it took part in.  `told_activity_at` leaves out what somebody who reads the record need not
read: of an account all but what was done on it and its contacts, of a contact what it took part in (`activities.told`).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import func, inspect, or_, select, update
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.activities.models import Activity, Participant
from app.activities.places import PLACES, Record, is_on, place_of, place_of_activity
from app.kernel.actor import Actor
from app.kernel.among import among
from app.leads.models import Lead
from app.leads.touching import TOUCHED, first_touch_columns, is_touch_of
from app.sharing.scope import scope
from app.sharing.touched import note_work

# A call on a contact counts for its account too, whether or not the caller may change either.
_KEEPING = Actor.system("last activities")
_QUIETLY = {"synchronize_session": False}
Target = tuple[Any, int]  # model and key


def targets_of(session: Session, activity: Activity) -> set[Target]:
    """The records whose last activity it can be."""
    place, key = place_of_activity(activity)
    found: set[Target] = {(place.model, key)}
    if activity.of_account_id is not None:
        found.add((Account, activity.of_account_id))
    contacts = session.scalars(
        select(Participant.contact_id).where(
            Participant.activity_id == activity.id, Participant.contact_id.is_not(None)
        )
    )
    return found | {(Contact, contact_id) for contact_id in contacts if contact_id is not None}


def raise_last(session: Session, activity: Activity) -> None:
    """Note that something was done.  Whatever others note meanwhile, the latest stays."""
    for model, key in _in_order(targets_of(session, activity)):
        columns = [model.last_activity_at]
        if (model, key) in _told_of(activity):
            columns.append(model.told_activity_at)
        for column in columns:
            _write(
                session, model, key, {column.key: activity.at}, or_(column.is_(None), column < activity.at)
            )


def begin_touch(session: Session, actor: Actor, record: Any, *, now: datetime) -> bool:
    """Note that a lead's owner, or somebody of the same partner, does something on it; False where it was just taken away.

    To be called before what is done is written: from here on nobody recycles it (`leads.touching`).
    """
    if not isinstance(record, Lead) or not is_touch_of(actor, record):
        return True
    first = first_touch_columns(record, now)
    if record.touch_due_at is None and not first:
        return True
    kept = (
        Lead.owner_queue_id.is_(None),
        Lead.partner_account_id.is_not_distinct_from(record.partner_account_id),
    )
    touched = session.execute(
        update(Lead).where(scope(Lead, _KEEPING), Lead.id == record.id, *kept).values({**TOUCHED, **first}),
        execution_options=_QUIETLY,
    )
    session.expire(record, [*TOUCHED, *first])
    return bool(touched.rowcount)  # type: ignore[attr-defined]  # an UPDATE has a count


def recount(session: Session, targets: Iterable[Target]) -> None:
    """Read anew when these records were last worked with, after something was taken back or moved."""
    session.flush()
    for model, key in _in_order(targets):
        moments = {"last_activity_at": _latest(model, key)}
        if model in _TOLD:
            moments["told_activity_at"] = _latest_told(model, key)
        _write(session, model, key, moments)


def follow_record(session: Session, record: Record) -> None:
    """Let the activities of a record go along to the account that it has moved to, or left.

    To be called after a contact or a case was given another account, was deleted, restored or merged.
    """
    session.flush()
    before = set(session.scalars(select(Activity.of_account_id).where(is_on(record)).distinct()))
    account_id = place_of(record).account_id(record)
    session.execute(
        update(Activity)
        .where(is_on(record), Activity.of_account_id.is_distinct_from(account_id))
        .values(of_account_id=account_id),
        execution_options=_QUIETLY,
    )
    _forget(session)
    recount(session, [(Account, key) for key in before | {account_id} if key is not None])


def follow_some(session: Session, contact_id: int, account_id: int | None, *, most: int) -> int:
    """Let some of a contact's activities that belong to another account go along to this one; how many."""
    elsewhere = (Activity.contact_id == contact_id, Activity.of_account_id.is_distinct_from(account_id))
    found = session.execute(select(Activity.id, Activity.of_account_id).where(*elsewhere).limit(most)).all()
    if found:
        session.execute(
            update(Activity)
            .where(among(session, Activity.id, [row.id for row in found]))
            .values(of_account_id=account_id),
            execution_options=_QUIETLY,
        )
        _forget(session)
        accounts = {row.of_account_id for row in found} | {account_id}
        recount(session, [(Account, key) for key in accounts if key is not None])
    return len(found)


def _in_order(targets: Iterable[Target]) -> list[Target]:
    """Always the same order, so that two transactions never wait for each other."""
    return sorted(targets, key=lambda target: (target[0].__tablename__, target[1]))


def _latest(model: Any, key: int) -> Any:
    """The moment of the latest thing done on the record, as a part of a statement."""
    if model is Account:
        of_record: Any = Activity.of_account_id == key
    elif model is Contact:
        taking_part = select(Participant.activity_id).where(Participant.contact_id == key)
        of_record = or_(Activity.contact_id == key, Activity.id.in_(taking_part))
    else:
        of_record = next(place.column for place in PLACES if place.model is model) == key
    return select(func.max(Activity.at)).where(of_record, Activity.is_done).scalar_subquery()


# Models that tell less to those who do not read everything → what of an activity they tell.
_TOLD: dict[Any, Any] = {
    Account: or_(Activity.account_id.is_not(None), Activity.contact_id.is_not(None)),
    Contact: Activity.contact_id.is_not(None),
}


def _told_of(activity: Activity) -> set[Target]:
    """The records of which the activity is told to all who read them."""
    found: set[Target] = set()
    if activity.contact_id is not None:
        found.add((Contact, activity.contact_id))
    if activity.of_account_id is not None and (activity.account_id or activity.contact_id):
        found.add((Account, activity.of_account_id))
    return found


def _latest_told(model: Any, key: int) -> Any:
    of_record = (Activity.of_account_id if model is Account else Activity.contact_id) == key
    return select(func.max(Activity.at)).where(of_record, _TOLD[model], Activity.is_done).scalar_subquery()


def _write(session: Session, model: Any, key: int, moments: dict[str, Any], *conditions: Any) -> None:
    statement = update(model).where(scope(model, _KEEPING), model.id == key, *conditions)
    session.execute(statement.values(moments), execution_options=_QUIETLY)
    note_work(session, model.__tablename__, (key,))
    loaded = session.identity_map.get(inspect(model).identity_key_from_primary_key((key,)))
    if loaded is not None:
        session.expire(loaded, list(moments))


def _forget(session: Session) -> None:
    """Activities that are at hand are read anew: a statement has changed them."""
    for loaded in list(session.identity_map.values()):
        if isinstance(loaded, Activity):
            session.expire(loaded, ["of_account_id"])
