"""The states of a delivery: leased, sent, refused, withheld, failed.  Each change is one conditional UPDATE.

A worker owns a delivery while its lease stands in the row and renews it as a sign of life.  Another
takes over (`release_abandoned`) when the process is gone, or when its lease stops changing.  It never
goes by the time of day: a clock that jumps makes nothing be sent twice.
"""

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Integer, Select, exists, literal_column, select, text, update
from sqlalchemy.orm import Session

from app.identity.models import Organisation
from app.kernel.db import Moment, is_sqlite
from app.kernel.holders import new_holder
from app.notifications.models import Delivery, DeliveryState
from app.notifications.outcomes import Outcome

LEASE = timedelta(seconds=30)
LONGEST_WAIT_SECONDS = 3600
GIVE_UP_AFTER = timedelta(days=4)
# A server that says "never" is asked once more, for greylisting and full relays say it by mistake.
FINAL_REFUSALS = 2
_READY = (DeliveryState.DUE, DeliveryState.HELD)


@dataclass(frozen=True, slots=True)
class Lease:
    """One delivery that a worker holds.  attempts: this one included."""

    delivery_id: int
    token: str
    attempts: int


def lease_due(session: Session, *, now: datetime, limit: int, first_tries_only: bool = False) -> list[Lease]:
    """Take up to `limit` deliveries that are due, the longest waiting first; none while sending is held."""
    due = _due(session, now, first_tries_only).limit(limit)
    # A CTE, so that PostgreSQL picks and locks the rows exactly once.
    picked = due.with_for_update(skip_locked=True).cte("picked")
    token = new_holder()
    rows = session.execute(
        update(Delivery)
        .where(Delivery.id.in_(select(picked.c.id)), Delivery.state.in_(_READY))
        .values(
            state=DeliveryState.SENDING, lease=token, leased_until=now + LEASE, attempts=Delivery.attempts + 1
        )
        .returning(Delivery.id, Delivery.attempts)
        .execution_options(synchronize_session=False)
    )
    return [Lease(delivery_id, token, attempts) for delivery_id, attempts in sorted(rows.all())]


def is_any_due(session: Session, *, now: datetime, first_tries_only: bool = False) -> bool:
    """Whether `lease_due` would find something; reads only, so that an idle worker takes no lock."""
    return bool(session.scalar(select(_due(session, now, first_tries_only).limit(1).exists())))


def _due(session: Session, now: datetime, first_tries_only: bool) -> Select[int]:
    """Select of the ids of what may be sent now, the longest due first.

    Written so that both databases walk `ix_delivery_due`: its condition stands here word for word,
    and SQLite, which would rather read and sort all that is due for every lease, is told so.
    """
    index = " INDEXED BY ix_delivery_due" if is_sqlite(session) else ""
    held = exists().where(Organisation.id == 1, Organisation.sending_held_at.is_not(None))
    due = (
        select(literal_column("delivery.id", Integer).label("id"))
        .select_from(text("delivery" + index))
        .where(text("delivery.state IN ('due','held','sending')"), text("delivery.state <> 'sending'"))
        .where(text("delivery.channel = 'email'"))  # the lines of a digest are mailed with it
        .where(literal_column("delivery.due_at", Moment) <= now, ~held)
        .order_by(text("delivery.due_at"), text("delivery.id"))
    )
    return due.where(text("delivery.attempts = 0")) if first_tries_only else due


def renew(session: Session, leases: Collection[Lease], *, now: datetime) -> None:
    """Show that the deliveries are still being worked on."""
    session.execute(
        update(Delivery)
        .where(
            Delivery.id.in_([lease.delivery_id for lease in leases]),
            Delivery.lease.in_({lease.token for lease in leases}),
        )
        .values(leased_until=now + LEASE)
        .execution_options(synchronize_session=False)
    )


def leases_of_others(session: Session, own: Collection[int]) -> dict[int, tuple[str, datetime]]:
    """Deliveries that some other worker holds: id → its lease as it stands."""
    rows = session.execute(
        select(Delivery.id, Delivery.lease, Delivery.leased_until).where(
            Delivery.state == DeliveryState.SENDING, Delivery.id.not_in(own)
        )
    )
    return {key: (lease or "", until) for key, lease, until in rows if until is not None}


def release_abandoned(
    session: Session, abandoned: Mapping[int, tuple[str, datetime]], *, now: datetime
) -> int:
    """Make deliveries due again whose worker has stopped; how many.

    abandoned: id → the lease that has not changed for longer than a living worker would leave it.
    """
    count = 0
    for key, (lease, until) in abandoned.items():
        result = session.execute(
            update(Delivery)
            .where(
                Delivery.id == key,
                Delivery.state == DeliveryState.SENDING,
                Delivery.lease == lease,
                Delivery.leased_until == until,
            )
            .values(state=DeliveryState.DUE, due_at=now, lease=None, leased_until=None)
            .execution_options(synchronize_session=False)
        )
        count += result.rowcount  # type: ignore[attr-defined]
    return count


def record_sent(
    session: Session,
    lease: Lease,
    recipient: str,
    *,
    now: datetime,
    text_id: int | None = None,
    note: str | None = None,
    told: Collection[int] | None = None,
) -> bool:
    """It was handed over.  Recorded even where it has been suppressed meanwhile: it did go out.

    text_id: the organisation's own text that it said.  note: what else is to be known, see `outcomes`.
    told: of a digest, the deliveries that it told of; its others may not be seen any more.
    False when the lease was lost.
    """
    values = {
        "state": DeliveryState.SENT,
        "sent_at": now,
        "recipient": recipient,
        "error": note,
        "text_id": text_id,
    }
    is_ours = _end(session, lease, values, any_state=True)
    if is_ours and told is not None:
        told_values = {"state": DeliveryState.SENT, "sent_at": now, "recipient": recipient}
        _end_lines(session, lease, told_values, Delivery.id.in_(told))
        _end_lines(session, lease, _NOT_SEEN)
    return is_ours


def record_withheld(session: Session, lease: Lease, reason: str) -> bool:
    """It must not go to this person any more; nor the lines of a digest."""
    withheld = {"state": DeliveryState.WITHHELD, "error": reason}
    is_ours = _end(session, lease, withheld)
    if is_ours:
        _end_lines(session, lease, withheld)
    return is_ours


_NOT_SEEN = {"state": DeliveryState.WITHHELD, "error": Outcome.NO_ACCESS.value}


def _end_lines(
    session: Session, lease: Lease, values: Mapping[str, object], *conditions: ColumnElement[bool]
) -> None:
    """What becomes of the lines of a digest that no mail has told yet."""
    session.execute(
        update(Delivery)
        .where(Delivery.digest_id == lease.delivery_id, Delivery.state == DeliveryState.HELD, *conditions)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def record_failed(session: Session, lease: Lease, reason: str) -> bool:
    """It is not tried again by itself; shown to administrators, who can retry it."""
    return _end(session, lease, {"state": DeliveryState.FAILED, "error": reason})


def record_refused(
    session: Session, lease: Lease, reason: str, *, is_final: bool, first_wait_seconds: float, now: datetime
) -> bool:
    """The server did not take it: due again after a wait that doubles, or failed in the end.

    is_final: the server refuses it for good; believed the second time.
    """
    delivery = session.get_one(Delivery, lease.delivery_id)
    give_up_at = delivery.give_up_at or now + GIVE_UP_AFTER
    if now >= give_up_at or (is_final and lease.attempts >= FINAL_REFUSALS):
        return record_failed(session, lease, reason)
    values = {
        "state": DeliveryState.DUE,
        "due_at": now + wait_before(lease.attempts, first_wait_seconds),
        "give_up_at": give_up_at,
        "error": reason,
    }
    return _end(session, lease, values)


def give_back(session: Session, lease: Lease) -> bool:
    """It was not tried after all: due at once, as if it had never been taken."""
    return _end(session, lease, {"state": DeliveryState.DUE, "attempts": Delivery.attempts - 1})


def wait_before(attempts: int, first_wait_seconds: float) -> timedelta:
    """How long to wait after that many refusals: doubling, a quarter up or down by chance, an hour at most."""
    doubled = min(first_wait_seconds * 2 ** min(attempts - 1, 20), LONGEST_WAIT_SECONDS)
    jittered = doubled * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, guards nothing
    return timedelta(seconds=min(jittered, LONGEST_WAIT_SECONDS))


def _end(session: Session, lease: Lease, values: Mapping[str, object], *, any_state: bool = False) -> bool:
    conditions: list[ColumnElement[bool]] = [
        Delivery.id == lease.delivery_id,
        Delivery.lease == lease.token,
    ]
    if not any_state:
        conditions.append(Delivery.state == DeliveryState.SENDING)
    result = session.execute(
        update(Delivery)
        .where(*conditions)
        .values(**values, lease=None, leased_until=None)
        .execution_options(synchronize_session=False)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]
