"""Mail through a real SMTP server that refuses, stalls and drops: everything arrives, nothing twice by our doing."""

import socket
import time
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import User
from app.notifications import messages
from app.notifications.models import Delivery, DeliveryState
from tests.factories import make_lead, make_user, rows
from tests.notifications.mailing import read_anew, run_sender, smtp_sender, states, tell
from tests.notifications.smtp_server import SmtpServer


@pytest.fixture
def people(session: Session, northwind) -> list[User]:  # type: ignore[no-untyped-def]
    return [make_user(session, f"Reader {n}", partner=northwind) for n in range(5)]


def tell_all(session: Session, people: list[User], now: datetime, each: int = 1) -> list[Delivery]:
    """Each is given leads of their own."""
    told = [
        tell(session, user, make_lead(session, owner=user), f"test:{user.id}:{n}", now)
        for user in people
        for n in range(each)
    ]
    session.commit()
    return told


def expected_ids(deliveries: list[Delivery]) -> set[str]:
    return {f"<{delivery.ref}@127.0.0.1>" for delivery in deliveries}


def test_all_arrive_once_over_a_few_connections(
    app: Flask, session: Session, smtp: SmtpServer, people: list[User], now: datetime
) -> None:
    told = tell_all(session, people, now, each=6)
    run_sender(app, smtp_sender(app, smtp, places=2))
    assert states(session) == {"sent": 30}
    assert sorted(received.message_id for received in smtp.received) == sorted(expected_ids(told))
    assert smtp.connections <= 4
    for delivery in rows(session, Delivery):
        assert (delivery.attempts, delivery.lease, delivery.leased_until, delivery.error) == (
            1,
            None,
            None,
            None,
        )


@pytest.mark.parametrize("stage", ["connect", "helo", "mail", "rcpt", "data", "content"])
def test_a_connection_cut_before_the_message_is_taken_makes_no_copy(
    app: Flask, session: Session, smtp: SmtpServer, people: list[User], now: datetime, stage: str
) -> None:
    told = tell_all(session, people, now)
    smtp.break_at(stage, drop=True, times=4)
    run_sender(app, smtp_sender(app, smtp, places=2))
    assert states(session) == {"sent": 5}
    assert sorted(received.message_id for received in smtp.received) == sorted(expected_ids(told))


def test_a_lost_answer_makes_one_copy_with_the_same_id(
    app: Flask, session: Session, smtp: SmtpServer, people: list[User], now: datetime
) -> None:
    told = tell_all(session, people, now)
    smtp.break_at("answer", people[0].email, drop=True, times=1)
    run_sender(app, smtp_sender(app, smtp))
    assert states(session) == {"sent": 5}
    ids = smtp.ids_by_recipient()
    assert len(ids[people[0].email]) == 2
    assert len(set(ids[people[0].email])) == 1
    assert {only for user in people for only in ids[user.email]} == expected_ids(told)
    assert all(len(ids[user.email]) == 1 for user in people[1:])


@pytest.mark.parametrize("stage", ["helo", "mail", "rcpt", "data", "content"])
def test_a_temporary_refusal_is_tried_again(
    app: Flask, session: Session, smtp: SmtpServer, people: list[User], now: datetime, stage: str
) -> None:
    told = tell_all(session, people[:2], now)
    smtp.break_at(stage, reply="451 4.3.0 not now", times=3)
    run_sender(app, smtp_sender(app, smtp))
    assert states(session) == {"sent": 2}
    assert sorted(received.message_id for received in smtp.received) == sorted(expected_ids(told))


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "content", "answer"])
def test_a_server_that_stalls_is_given_up_and_tried_again(
    app: Flask,
    session: Session,
    smtp: SmtpServer,
    people: list[User],
    now: datetime,
    stage: str,
    impatient: None,
) -> None:
    told = tell_all(session, people[:2], now)
    smtp.break_at(stage, stall=1.5, reply="451 late", times=1)
    run_sender(app, smtp_sender(app, smtp))
    assert states(session) == {"sent": 2}
    assert {received.message_id for received in smtp.received} == expected_ids(told)
    copies = len(smtp.received) - 2
    assert copies == (1 if stage == "answer" else 0)


def test_a_refused_recipient_fails_visibly_and_delays_nobody(
    app: Flask, session: Session, smtp: SmtpServer, people: list[User], now: datetime
) -> None:
    bad = people[2]
    tell_all(session, people, now)
    smtp.break_at("rcpt", bad.email, reply="550 5.1.1 no such user")
    run_sender(app, smtp_sender(app, smtp, places=1))
    assert states(session) == {"sent": 4, "failed": 1}
    failed = session.scalars(select(Delivery).where(Delivery.state == DeliveryState.FAILED)).one()
    assert failed.recipient == bad.email
    assert failed.error == "550 5.1.1 no such user"
    assert smtp.attempts[bad.email] == 2, "a final refusal is believed the second time"


def test_a_refused_content_fails_too(
    app: Flask, session: Session, smtp: SmtpServer, people: list[User], now: datetime
) -> None:
    tell_all(session, people[:2], now)
    smtp.break_at("content", people[0].email, reply="554 5.7.1 looks like spam")
    run_sender(app, smtp_sender(app, smtp))
    assert states(session) == {"sent": 1, "failed": 1}


def test_a_sender_that_is_refused_is_our_matter_and_keeps_being_tried(
    app: Flask, session: Session, smtp: SmtpServer, people: list[User], now: datetime
) -> None:
    tell_all(session, people[:2], now)
    smtp.break_at("mail", reply="553 5.7.1 sender not allowed", times=6)
    run_sender(app, smtp_sender(app, smtp))
    assert states(session) == {"sent": 2}


def test_slow_recipients_do_not_hold_up_the_others(
    app: Flask, session: Session, smtp: SmtpServer, people: list[User], now: datetime
) -> None:
    slow = people[:3]
    tell_all(session, people, now, each=4)
    for user in slow:
        smtp.break_at("rcpt", user.email, stall=0.8, times=1)
    began = time.monotonic()
    quick = {user.email for user in people[3:]}

    def quick_ones_are_there() -> bool:
        return sum(received.recipient in quick for received in smtp.received) == 8

    run_sender(app, smtp_sender(app, smtp), until=quick_ones_are_there)
    run_sender(app, smtp_sender(app, smtp))
    assert states(session) == {"sent": 20}
    assert time.monotonic() - began < 10


def test_those_refused_before_never_take_all_the_places(
    app: Flask, session: Session, smtp: SmtpServer, people: list[User], now: datetime, impatient: None
) -> None:
    """Four mails whose recipient always stalls come due again before a new one: it goes out at once."""
    stuck = tell_all(session, people[:4], now)
    for delivery in stuck:
        delivery.attempts = 3
    late = tell(session, people[4], make_lead(session, owner=people[4]), "late", now)
    session.commit()
    for user in people[:4]:
        smtp.break_at("rcpt", user.email, stall=5)
    began = time.monotonic()
    run_sender(app, smtp_sender(app, smtp, places=3), until=lambda: bool(smtp.to(people[4].email)), within=8)
    assert time.monotonic() - began < 4
    assert smtp.to(people[4].email)[0]["Message-ID"] == f"<{late.ref}@127.0.0.1>"


def test_one_that_cannot_be_written_blocks_nothing(
    app: Flask,
    session: Session,
    smtp: SmtpServer,
    people: list[User],
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = tell_all(session, people, now)
    poison = told[0].ref
    write_letter = messages.write_letter

    def write(envelope: messages.Envelope) -> object:
        if envelope.delivery.ref == poison:
            raise ZeroDivisionError
        return write_letter(envelope)

    monkeypatch.setattr(messages, "write_letter", write)
    run_sender(app, smtp_sender(app, smtp, places=1))
    assert states(session) == {"sent": 4, "failed": 1}
    session.refresh(told[0])
    assert told[0].error == "unwritable"


def test_nobody_listens(app: Flask, session: Session, people: list[User], now: datetime) -> None:
    """No server at all: due again, with the reason to be seen, and sent once there is one."""
    told = tell_all(session, people[:1], now)
    closed = SmtpServer(port=1)
    run_sender(app, smtp_sender(app, closed), within=1)
    read_anew(session)
    assert told[0].state in (DeliveryState.DUE, DeliveryState.SENDING)
    assert "mail server" in (told[0].error or "")


def test_a_port_that_never_greets(
    app: Flask, session: Session, people: list[User], now: datetime, impatient: None
) -> None:
    told = tell_all(session, people[:1], now)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        run_sender(app, smtp_sender(app, SmtpServer(port=silent.getsockname()[1])), within=1)
    read_anew(session)
    assert told[0].error == "The mail server did not answer in time."


def test_two_workers_share_the_work_and_send_nothing_twice(
    app: Flask, session: Session, smtp: SmtpServer, people: list[User], now: datetime
) -> None:
    told = tell_all(session, people, now, each=20)
    run_sender(app, smtp_sender(app, smtp), smtp_sender(app, smtp), smtp_sender(app, smtp))
    assert states(session) == {"sent": 100}
    assert sorted(received.message_id for received in smtp.received) == sorted(expected_ids(told))


def test_addresses_beyond_ascii(
    app: Flask,
    session: Session,
    smtp: SmtpServer,
    northwind,
    now: datetime,  # type: ignore[no-untyped-def]
) -> None:
    accents = make_user(session, "Núria Güell", email="núria@example.com", partner=northwind)
    domain = make_user(session, "Jürgen", email="juergen@bücher.example", partner=northwind)
    tell_all(session, [accents, domain], now)
    run_sender(app, smtp_sender(app, smtp))
    assert states(session) == {"sent": 2}
    assert {received.recipient for received in smtp.received} == {
        "núria@example.com",
        "juergen@xn--bcher-kva.example",
    }
