"""The states of a delivery: leasing, refusing, giving up, taking over, holding."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.events.models import Event
from app.identity.models import User
from app.kernel import clock
from app.kernel.db import transaction
from app.kernel.errors import NotAllowed, NotFound
from app.notifications import delivery as delivery_module
from app.notifications import outbox
from app.notifications.delivery import Sender
from app.notifications.models import Delivery, DeliveryState
from app.notifications.operations import Mail, suppress
from app.notifications.outbox import Lease
from app.notifications.outbox_acts import NotFailed, hold_sending, release_sending, retry_delivery
from app.notifications.transports import FolderTransport
from tests.factories import actor_of, make_lead, rows
from tests.notifications.mailing import mails_in, read_anew, run_sender, states, tell
from tests.races import together

SOON = timedelta(seconds=1)


@pytest.fixture
def make_due(session: Session, pia: User, now: datetime) -> Callable[..., Delivery]:
    def make(number: int = 1, **given: object) -> Delivery:
        return tell(session, pia, make_lead(session, owner=pia), f"test:{number}", now, **given)

    return make


def take_one(session: Session, now: datetime) -> Lease:
    (lease,) = outbox.lease_due(session, now=now, limit=1)
    return lease


def test_a_lease_is_taken_once(session: Session, make_due: Callable[..., Delivery], now: datetime) -> None:
    for number in range(3):
        make_due(number)
    assert outbox.is_any_due(session, now=now)
    first = outbox.lease_due(session, now=now, limit=2)
    second = outbox.lease_due(session, now=now, limit=5)
    assert [lease.delivery_id for lease in first + second] == [
        delivery.id for delivery in rows(session, Delivery)
    ]
    assert outbox.lease_due(session, now=now, limit=5) == []
    assert not outbox.is_any_due(session, now=now)


@pytest.mark.race
def test_workers_at_the_same_moment_take_different_ones(
    app: Flask, session: Session, make_due: Callable[..., Delivery], now: datetime
) -> None:
    for number in range(40):
        make_due(number)

    def take() -> list[int]:
        with transaction() as own:
            return [lease.delivery_id for lease in outbox.lease_due(own, now=now, limit=5)]

    taken = [key for keys in together(app, [take] * 8) for key in keys]
    assert len(taken) == len(set(taken)) == 40


def test_a_held_one_becomes_due_by_itself(
    session: Session, make_due: Callable[..., Delivery], now: datetime
) -> None:
    make_due(mail=Mail.HELD)
    assert outbox.lease_due(session, now=now + timedelta(seconds=119), limit=1) == []
    assert len(outbox.lease_due(session, now=now + timedelta(seconds=121), limit=1)) == 1


def test_suppressed_ones_are_never_taken(
    session: Session, make_due: Callable[..., Delivery], now: datetime
) -> None:
    make_due(mail=Mail.SUPPRESSED)
    assert outbox.lease_due(session, now=now + timedelta(days=1), limit=1) == []


def test_refusals_wait_twice_as_long_each_time_and_an_hour_at_most() -> None:
    for attempts in range(1, 60):
        waits = [outbox.wait_before(attempts, 60).total_seconds() for _ in range(50)]
        planned = min(60 * 2 ** (attempts - 1), 3600)
        assert all(planned * 0.74 <= wait <= min(planned * 1.26, 3600) for wait in waits)
        assert len(set(waits)) > 1


def test_it_is_given_up_after_four_days(
    session: Session, make_due: Callable[..., Delivery], now: datetime
) -> None:
    delivery = make_due()
    at, tries = now, 0
    while delivery.state is not DeliveryState.FAILED:
        lease = take_one(session, at)
        outbox.record_refused(session, lease, "451 later", is_final=False, first_wait_seconds=60, now=at)
        session.refresh(delivery)
        at, tries = max(delivery.due_at, at), tries + 1
    assert timedelta(days=4) <= at - now < timedelta(days=4, hours=2)
    assert 90 < tries < 140
    assert delivery.error == "451 later"


def test_a_final_refusal_is_believed_the_second_time(
    session: Session, make_due: Callable[..., Delivery], now: datetime
) -> None:
    delivery = make_due()
    for expected in (DeliveryState.DUE, DeliveryState.FAILED):
        lease = take_one(session, now + timedelta(hours=2))
        outbox.record_refused(session, lease, "550 no", is_final=True, first_wait_seconds=60, now=now)
        session.refresh(delivery)
        assert delivery.state is expected


def test_what_was_sent_is_recorded_as_sent_even_if_suppressed_meanwhile(
    session: Session, make_due: Callable[..., Delivery], now: datetime
) -> None:
    delivery = make_due()
    lease = take_one(session, now)
    assert suppress(session, "test:1") == 1
    assert outbox.record_sent(session, lease, "pia@northwind.example", now=now)
    session.refresh(delivery)
    assert delivery.state is DeliveryState.SENT


def test_what_was_refused_while_it_was_suppressed_stays_suppressed(
    session: Session, make_due: Callable[..., Delivery], now: datetime
) -> None:
    delivery = make_due()
    lease = take_one(session, now)
    suppress(session, "test:1")
    outbox.record_refused(session, lease, "451", is_final=False, first_wait_seconds=60, now=now)
    session.refresh(delivery)
    assert delivery.state is DeliveryState.SUPPRESSED


def test_a_lost_lease_writes_nothing(
    session: Session, make_due: Callable[..., Delivery], now: datetime
) -> None:
    delivery = make_due()
    lost = take_one(session, now)
    outbox.release_abandoned(session, outbox.leases_of_others(session, []), now=now)
    kept = take_one(session, now)
    assert not outbox.record_failed(session, lost, "late")
    assert outbox.record_sent(session, kept, "pia@northwind.example", now=now)
    session.refresh(delivery)
    assert (delivery.state, delivery.attempts) == ("sent", 2)


def test_a_living_worker_keeps_its_lease_whatever_the_clock_says(
    session: Session, make_due: Callable[..., Delivery], now: datetime
) -> None:
    """The lease that another worker saw is no longer the one in the row: nothing is released."""
    make_due()
    lease = take_one(session, now)
    seen = outbox.leases_of_others(session, [])
    outbox.renew(session, [lease], now=now - timedelta(hours=1))  # a clock that was set back
    assert outbox.release_abandoned(session, seen, now=now + timedelta(days=30)) == 0
    assert outbox.leases_of_others(session, [lease.delivery_id]) == {}


def test_nothing_goes_out_while_sending_is_held(
    app: Flask, session: Session, ada: User, make_due: Callable[..., Delivery], now: datetime, tmp_path: Path
) -> None:
    make_due()
    assert hold_sending(session, actor_of(session, ada), now=now)
    assert not hold_sending(session, actor_of(session, ada), now=now)
    session.commit()
    sender = Sender(app, lambda: FolderTransport(tmp_path), 1)
    run_sender(app, sender, within=1)
    assert states(session) == {"due": 1}
    assert release_sending(session, actor_of(session, ada), now=now)
    assert not release_sending(session, actor_of(session, ada), now=now)
    session.commit()
    run_sender(app, Sender(app, lambda: FolderTransport(tmp_path), 1))
    assert states(session) == {"sent": 1}
    assert len(mails_in(tmp_path)) == 1
    assert [event.verb for event in rows(session, Event)] == ["sending_held", "sending_released"]


def test_the_commands_hold_and_release(app: Flask, session: Session) -> None:
    session.commit()
    runner = app.test_cli_runner()
    said = [runner.invoke(args=["outbox", verb]).output for verb in ("hold", "hold", "release", "release")]
    assert said == [
        "Sending is on hold.\n",
        "Sending was on hold already.\n",
        "Sending is resumed.\n",
        "Sending was not on hold.\n",
    ]


def test_only_administrators_hold(session: Session, mara: User, now: datetime) -> None:
    with pytest.raises(NotAllowed):
        hold_sending(session, actor_of(session, mara), now=now)
    with pytest.raises(NotAllowed):
        release_sending(session, actor_of(session, mara), now=now)


def test_a_failed_one_is_tried_again_from_the_beginning(
    session: Session, mara: User, make_due: Callable[..., Delivery], now: datetime
) -> None:
    delivery = make_due()
    actor = actor_of(session, mara)
    with pytest.raises(NotFailed):
        retry_delivery(session, actor, delivery.ref, now=now)
    delivery.give_up_at, delivery.attempts = now, 7
    session.flush()
    outbox.record_failed(session, take_one(session, now), "550 no")
    retry_delivery(session, actor, delivery.ref, now=now + SOON)
    session.refresh(delivery)
    assert (delivery.state, delivery.attempts, delivery.give_up_at, delivery.error) == ("due", 0, None, None)
    assert rows(session, Event)[-1].verb == "retried"
    with pytest.raises(NotFound):
        retry_delivery(session, actor, "dlv_nothing", now=now)


def test_partner_people_cannot_retry(
    session: Session, pia: User, make_due: Callable[..., Delivery], now: datetime
) -> None:
    with pytest.raises(NotAllowed):
        retry_delivery(session, actor_of(session, pia), make_due().ref, now=now)


def test_a_worker_that_fell_silent_is_relieved(
    app: Flask, session: Session, make_due: Callable[..., Delivery], tmp_path: Path
) -> None:
    """Its process may still be there: what counts is that its lease does not change any more."""
    delivery = make_due()
    session.commit()
    with transaction() as own:
        outbox.lease_due(own, now=clock.now(), limit=1)
    run_sender(app, Sender(app, lambda: FolderTransport(tmp_path), 1, abandoned_after_seconds=0.4), within=10)
    read_anew(session)
    assert (delivery.state, delivery.attempts) == ("sent", 2)
    assert len(mails_in(tmp_path)) == 1


@dataclass
class Counted:
    """A way out that notes how many messages were handed over at the same time."""

    tally: dict[str, int]
    lock: Lock
    seconds: float

    def announce(self, sender: str, recipient: str) -> None:
        """Anybody may come."""

    def hand_over(self, content: bytes, name: str) -> None:
        with self.lock:
            self.tally["now"] += 1
            self.tally["most"] = max(self.tally["most"], self.tally["now"])
        time.sleep(self.seconds)
        with self.lock:
            self.tally["now"] -= 1

    def abort(self) -> None:
        """It ends by itself."""

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(("seconds", "is_alone"), [(0.01, True), (0.6, False)])
def test_one_at_a_time_is_handed_over_while_the_server_is_quick(
    app: Flask,
    session: Session,
    make_due: Callable[..., Delivery],
    seconds: float,
    is_alone: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So that a kill costs one copy at most; a slow server is given several at a time."""
    monkeypatch.setattr(delivery_module, "GATE_SECONDS", 30.0 if is_alone else 0.1)
    for number in range(12):
        make_due(number)
    session.commit()
    tally, lock = {"now": 0, "most": 0}, Lock()
    run_sender(app, Sender(app, lambda: Counted(tally, lock, seconds), 1), within=60)
    assert states(session) == {"sent": 12}
    assert (tally["most"] == 1) is is_alone
