"""Writing notifications and their deliveries: with the act, once for each person and kind."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel import clock
from app.kernel.errors import DomainError
from app.leads.models import Assignment, AssignmentCause
from app.leads.operations import claim_lead
from app.leads.placement import Move, Owner, place
from app.notifications.models import Delivery, DeliveryState, Notification
from app.notifications.models import NotificationKind as Kind
from app.notifications.operations import HELD_FOR, Mail, Notice, notify, notify_many, suppress
from app.partners.models import PartnerAccount
from app.routing.models import Queue
from tests.factories import actor_of, make_lead, row_count, rows


def test_a_notification_and_its_delivery_are_written_together(
    session: Session, pia: User, now: datetime
) -> None:
    lead = make_lead(session, owner=pia)
    note = notify(
        session, act="test:1", user=pia, kind=Kind.LEAD_ASSIGNED, now=now, record=lead, detail={"a": 1}
    )
    (delivery,) = rows(session, Delivery)
    assert (note.user_id, note.record_kind, note.record_id, note.detail) == (
        pia.id,
        "lead",
        lead.id,
        {"a": 1},
    )
    assert note.read_at is None
    assert delivery.notification_id == note.id
    assert (delivery.state, delivery.recipient, delivery.due_at) == (DeliveryState.DUE, pia.email, now)
    assert delivery.ref.startswith("dlv_")


def test_nothing_is_left_of_an_act_that_did_not_happen(session: Session, pia: User, now: datetime) -> None:
    session.commit()
    notify(session, act="test:1", user=pia, kind=Kind.LEAD_ASSIGNED, now=now)
    session.rollback()
    assert row_count(session, Notification) == row_count(session, Delivery) == 0


def test_the_same_act_person_and_kind_is_told_once(session: Session, pia: User, now: datetime) -> None:
    notify(session, act="test:1", user=pia, kind=Kind.LEAD_ASSIGNED, now=now)
    notify(session, act="test:1", user=pia, kind=Kind.LEAD_OFFERED, now=now)
    with pytest.raises(IntegrityError):
        notify(session, act="test:1", user=pia, kind=Kind.LEAD_ASSIGNED, now=now)
    session.rollback()


@pytest.mark.parametrize(
    ("mail", "state", "wait"),
    [
        (Mail.NOW, "due", timedelta(0)),
        (Mail.HELD, "held", HELD_FOR),
        (Mail.SUPPRESSED, "suppressed", timedelta(0)),
    ],
)
def test_how_the_mail_goes(
    session: Session, pia: User, now: datetime, mail: Mail, state: str, wait: timedelta
) -> None:
    notify(session, act="test:1", user=pia, kind=Kind.LEAD_ASSIGNED, now=now, mail=mail)
    (delivery,) = rows(session, Delivery)
    assert (delivery.state, delivery.due_at) == (state, now + wait)


def test_no_mail_at_all_still_rings_the_bell(session: Session, pia: User, now: datetime) -> None:
    notify(session, act="test:1", user=pia, kind=Kind.LEAD_ASSIGNED, now=now, mail=Mail.NONE)
    assert row_count(session, Notification) == 1
    assert row_count(session, Delivery) == 0


def test_who_chose_the_portal_gets_no_mail_but_security_mail(
    session: Session, pia: User, now: datetime
) -> None:
    pia.mail_preferences = {kind.value: "portal" for kind in Kind}
    told = set(Kind) - {Kind.DAILY_DIGEST, Kind.REPORT_MAIL, Kind.MAIL_TEST}
    for number, kind in enumerate(told):
        notify(session, act=f"test:{number}", user=pia, kind=kind, now=now)
    mailed = session.scalars(
        select(Notification.kind).join(Delivery, Delivery.notification_id == Notification.id)
    )
    assert set(mailed) == {
        Kind.INVITATION,
        Kind.PASSWORD_RESET,
        Kind.PASSWORD_CHANGED,
        Kind.SECOND_FACTOR,
        Kind.NEW_DEVICE,
    }
    assert row_count(session, Notification) == len(told)


def test_many_at_once_keep_their_order(session: Session, pia: User, pam: User, now: datetime) -> None:
    notices = [
        Notice(f"test:{n}", user, Kind.LEAD_ASSIGNED, "lead", n) for n in range(500) for user in (pia, pam)
    ]
    ids = notify_many(session, notices, now=now)
    found = {note.id: (note.act, note.user_id) for note in rows(session, Notification)}
    assert [found[key] for key in ids] == [(notice.act, notice.user.id) for notice in notices]
    assert row_count(session, Delivery) == 1000
    assert notify_many(session, [], now=now) == []


def test_suppressing_an_act_spares_what_was_sent(
    session: Session, pia: User, pam: User, now: datetime
) -> None:
    for user in (pia, pam):
        notify(session, act="bulk:7", user=user, kind=Kind.LEADS_ASSIGNED, now=now, mail=Mail.HELD)
    notify(session, act="bulk:8", user=pia, kind=Kind.LEADS_ASSIGNED, now=now, mail=Mail.HELD)
    first = rows(session, Delivery)[0]
    first.state = DeliveryState.SENT
    session.flush()
    assert suppress(session, "bulk:7") == 1
    session.expire_all()
    assert [delivery.state for delivery in rows(session, Delivery)] == ["sent", "suppressed", "held"]
    assert [note.read_at is None for note in rows(session, Notification)] == [False, False, True]


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["give", "claim", "queue"]),
        st.integers(0, 2),
        st.sampled_from([Mail.NOW, Mail.HELD, Mail.SUPPRESSED]),
    ),
    max_size=12,
)


@given(moves=MOVES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_assignment_tells_each_of_its_people_exactly_once(
    app: Flask,
    session: Session,
    mara: User,
    pia: User,
    pam: User,
    northwind: PartnerAccount,
    moves: list[tuple[str, int, Mail]],
) -> None:
    """Random moves; an independent count of who must have been told says the same as the tables."""
    session.commit()
    people = [mara, pia, pam]
    queue = session.get_one(Queue, northwind.queue_id)
    lead = make_lead(session, queue=queue)
    expected: set[tuple[str, int, str]] = set()
    for verb, who, mail in moves:
        user, now = people[who], clock.now()
        by = actor_of(session, mara)
        before = session.scalar(select(Assignment.id).order_by(Assignment.id.desc()).limit(1))
        told: list[tuple[User, str]] = []
        try:
            if verb == "give":
                place(session, by, lead, Owner(user=user), Move(AssignmentCause.MANUAL, mail=mail), now=now)
                told = [(user, "lead_assigned")] if user is not mara else []
            elif verb == "queue":
                place(session, by, lead, Owner(queue=queue), Move(AssignmentCause.MANUAL, mail=mail), now=now)
                told = [(pam, "lead_in_queue")]  # the manager, by default
            else:
                claim_lead(session, actor_of(session, user), lead.ref, now=now)
        except DomainError:
            continue
        latest = session.scalar(select(Assignment.id).order_by(Assignment.id.desc()).limit(1))
        if latest != before:
            expected |= {(f"assignment:{latest}", person.id, kind) for person, kind in told}
    found: list[Any] = [(note.act, note.user_id, note.kind.value) for note in rows(session, Notification)]
    assert sorted(found) == sorted(expected)
    assert row_count(session, Delivery) == len(found)
    session.rollback()
