"""The daily digest: one mail a person and day, exactly once, with what they may still see."""

import email
import email.policy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import User, UserState
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.actor import Role
from app.kernel.db import transaction
from app.leads.listeners import partner_queue_listeners
from app.leads.models import AssignmentCause
from app.leads.placement import Move, Owner, place
from app.notifications.digests import people_due, write_digest, write_digests
from app.notifications.messages import write_mail
from app.notifications.models import Delivery, DeliveryState, Notification
from app.notifications.models import NotificationKind as Kind
from app.notifications.mornings import next_morning
from app.notifications.operations import Mail, suppress
from app.notifications.outcomes import Withheld
from app.notifications.told import list_told
from app.partners.models import PartnerAccount
from app.routing.alerts import Alert, raise_alerts
from app.routing.models import Queue
from tests.factories import actor_of, make_lead, make_queue, rows
from tests.notifications.mailing import read_anew, run_sender, smtp_sender, tell, text_of
from tests.notifications.smtp_server import SmtpServer
from tests.people import ApiClient, Client


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("moment", "zone", "expected"),
    [
        ("2026-03-28T12:00", "Europe/Madrid", "2026-03-29T05:00"),  # the night the clocks go forward
        ("2026-10-24T12:00", "Europe/Madrid", "2026-10-25T06:00"),  # and back
        ("2026-03-29T05:00", "Europe/Madrid", "2026-03-30T05:00"),  # strictly later
        ("2026-03-29T04:59", "Europe/Madrid", "2026-03-29T05:00"),
        ("2026-03-02T22:30", "America/Los_Angeles", "2026-03-03T15:00"),
        ("2026-03-02T20:00", "Pacific/Auckland", "2026-03-03T18:00"),
    ],
)
def test_a_morning_is_seven_where_the_person_is(moment: str, zone: str, expected: str) -> None:
    found = next_morning(datetime.fromisoformat(moment).replace(tzinfo=UTC), zone)
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.fixture
def daily(pia: User) -> User:
    """Pia, who reads what is given to her once a day."""
    pia.mail_preferences = {Kind.LEAD_ASSIGNED.value: "digest"}
    pia.time_zone = "Europe/Madrid"
    return pia


def due(now: datetime) -> datetime:
    """Nine in the morning of the day on which what is told now is due."""
    return next_morning(now, "Europe/Madrid") + timedelta(hours=2)


def digests(session: Session) -> list[Delivery]:
    of_kind = select(Notification.id).where(Notification.kind == Kind.DAILY_DIGEST)
    return rows(session, Delivery, Delivery.notification_id.in_(of_kind))


def test_a_day_in_one_mail(
    app: Flask,
    session: Session,
    smtp: SmtpServer,
    daily: User,
    mara: User,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    api: Callable[..., ApiClient],
    signed_in: Callable[[User], Client],
) -> None:
    """Three leads given: one taken away since, one undone, one theirs; told once, recorded one by one."""
    leads = [make_lead(session, owner=daily, company=f"Firm {n}") for n in range(3)]
    lines = [tell(session, daily, lead, f"test:{n}", now) for n, lead in enumerate(leads)]
    assert {(line.channel, line.state) for line in lines} == {("digest", DeliveryState.HELD)}
    assert lines[0].due_at == next_morning(now, "Europe/Madrid")
    quiet = tell(session, daily, leads[0], "test:quiet", now, mail=Mail.SUPPRESSED)
    at = due(now)
    assert people_due(session, now=now, limit=9) == []
    get_organisation(session).sending_held_at = now
    session.flush()
    assert list(people_due(session, now=at, limit=9)) == [], "nothing is gathered while sending is held"
    get_organisation(session).sending_held_at = None
    session.commit()
    monkeypatch.setattr(clock, "now", lambda: at)
    write_digests()
    write_digests()
    read_anew(session)
    (digest,) = digests(session)
    assert {line.digest_id for line in rows(session, Delivery, Delivery.channel == "digest")} == {
        digest.id,
        None,
    }
    # What becomes otherwise until the mail goes out.
    leads[1].owner_user_id, leads[1].partner_account_id, leads[1].owner_rank = mara.id, None, None
    suppress(session, "test:2")
    session.commit()
    run_sender(app, smtp_sender(app, smtp), until=lambda: bool(smtp.received))
    (mail,) = smtp.to(daily.email)
    assert "Firm 0" in text_of(mail)
    assert "Firm 1" not in text_of(mail)
    assert "Firm 2" not in text_of(mail)
    assert mail["Subject"].startswith("1 thing happened for you at ")
    assert mail["Message-ID"].startswith(f"<{digest.ref}@")
    read_anew(session)
    assert [session.get_one(Delivery, line.id).state.value for line in (*lines, quiet)] == [
        "sent", "withheld", "suppressed", "suppressed",
    ]  # fmt: skip
    assert "daily_digest" not in signed_in(daily).get("/notifications").text
    # The log of each record, for the vendor's people alone.
    told = list_told(session, actor_of(session, mara), leads[0]).items
    assert [(row.name, row.channel, row.state) for row in told if row.state is DeliveryState.SENT] == [
        ("Pia", "digest", DeliveryState.SENT)
    ]
    page = signed_in(mara).get(f"/leads/{leads[0].ref}/told").text
    assert "Pia" in page
    assert f"record={leads[0].ref}" in page
    part = signed_in(mara).get(f"/leads/{leads[0].ref}/told", headers={"HX-Request": "true"}).text
    assert "Daily digest" in part
    assert "<html" not in part
    for_pia = signed_in(daily)
    assert for_pia.get(f"/leads/{leads[0].ref}/told").status_code == 403
    assert "Who was told" not in for_pia.get(f"/leads/{leads[0].ref}").text
    listed = api(mara).get(f"/deliveries?record={leads[1].ref}").json["items"]
    assert {item["id"] for item in listed} == {lines[1].ref, digest.ref}
    assert api(mara).get(f"/deliveries?record=lead_{'0' * 22}").json["items"] == []
    assert api(mara).get("/deliveries?record=nonsense").json["items"] == []


def test_once_a_day_whatever_clocks_and_workers_do(
    app: Flask, session: Session, daily: User, now: datetime
) -> None:
    lead = make_lead(session, owner=daily, company="Firm")
    tell(session, daily, lead, "test:1", now)
    session.commit()
    at = due(now)
    barrier, written, errors = Barrier(3), [], []

    def work() -> None:
        barrier.wait()
        try:
            with app.app_context(), transaction() as own:
                written.append(write_digest(own, daily.id, now=at))
        except BaseException as error:
            errors.append(error)

    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    read_anew(session)
    assert errors == []
    assert sorted(key is None for key in written) == [False, True, True]
    assert len(digests(session)) == 1
    # A clock that steps back an hour and lives the morning again: what came meanwhile waits for the next day.
    line = tell(session, daily, lead, "test:2", at - timedelta(days=1))
    assert write_digest(session, daily.id, now=at - timedelta(hours=1)) is None
    session.refresh(line)
    assert len(digests(session)) == 1
    assert line.due_at > at
    assert line.digest_id is None
    # Without news there is none, and the next day's is another.
    assert write_digest(session, daily.id, now=at) is None
    assert write_digest(session, daily.id, now=line.due_at) is not None
    assert len(digests(session)) == 2


def test_who_left_gets_none(
    app: Flask, session: Session, smtp: SmtpServer, daily: User, now: datetime
) -> None:
    line = tell(session, daily, make_lead(session, owner=daily), "test:1", now)
    daily.state = UserState.DEACTIVATED
    session.flush()
    key = write_digest(session, daily.id, now=due(now))
    digest = session.get_one(Delivery, key)
    digest.due_at = now
    session.commit()
    run_sender(app, smtp_sender(app, smtp))
    read_anew(session)
    assert smtp.received == []
    found = [session.get_one(Delivery, which).state for which in (digest.id, line.id)]
    assert found == [DeliveryState.WITHHELD, DeliveryState.WITHHELD]


def test_a_queue_tells_who_reads_it_once_a_day(
    session: Session, pia: User, pam: User, northwind: PartnerAccount
) -> None:
    queue = session.get_one(Queue, northwind.queue_id)
    assert list(partner_queue_listeners(session, queue)) == [pam]
    pia.mail_preferences = {Kind.LEAD_IN_QUEUE.value: "digest"}
    session.flush()
    assert list(partner_queue_listeners(session, queue)) == [pia]


def test_a_queue_of_the_vendors_tells_those_who_asked(
    session: Session, mara: User, sal: User, pia: User, northwind: PartnerAccount, now: datetime
) -> None:
    """Members who chose so: never who did not, and nobody of what they put there themselves."""
    queue = make_queue(session, "Key accounts", members=(mara, sal, northwind))
    sal.mail_preferences = {Kind.LEAD_IN_QUEUE.value: "digest"}
    pia.mail_preferences = {Kind.LEAD_IN_QUEUE.value: "portal"}
    mara.mail_preferences = {Kind.LEAD_OFFERED.value: "digest"}
    lead = make_lead(session, owner=sal, company="Firm")
    moved = Move(AssignmentCause.MANUAL)
    place(session, actor_of(session, mara), lead, Owner(queue=queue), moved, now=now)
    assert [(n.user_id, n.kind) for n in rows(session, Notification)] == [(sal.id, Kind.LEAD_IN_QUEUE)]
    (line,) = rows(session, Delivery)
    assert line.channel == "digest"
    place(session, actor_of(session, mara), lead, Owner(user=mara), moved, now=now)
    place(session, actor_of(session, sal), lead, Owner(queue=queue), moved, now=now)
    assert len(rows(session, Delivery)) == 1


def test_an_alert_is_mailed_to_whom_chose_it_and_looks_after_routing(
    session: Session, ada: User, mara: User, now: datetime
) -> None:
    mara.mail_preferences = {Kind.ROUTING_ALERT.value: "digest"}
    raise_alerts(session, [Alert("cannot_evaluate", "1.3", {"rules": 1, "entry": 3, "reason": "x"})], now=now)
    assert len(rows(session, Notification)) == 2
    (line,) = rows(session, Delivery)
    assert session.get_one(Notification, line.notification_id).user_id == mara.id
    key = write_digest(session, mara.id, now=line.due_at)
    assert key is not None
    content = write_mail(session, key, now=line.due_at).content
    said = text_of(email.message_from_bytes(content, policy=email.policy.default))
    reason = session.get_one(Notification, line.notification_id).detail["reason"]
    assert f"- {reason}" in said
    assert "/setup/routing-alerts" in said
    mara.role = Role.VIEWER
    session.flush()
    with pytest.raises(Withheld):
        write_mail(session, key, now=line.due_at)
