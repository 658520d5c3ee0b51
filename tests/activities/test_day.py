"""My day: what is mine to do, done with one press; people, reminders, and whom activities are given to."""

import csv
import html
import io
import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from app.activities.day import list_day, read_day_query
from app.activities.models import Activity, ActivityKind
from app.activities.operations import edit_activity, finish_activity, log_activity
from app.activities.reminders import remind_due
from app.events.models import Event
from app.identity.models import UserState
from app.kernel import clock
from app.kernel.errors import Invalid, NotFound
from app.notifications.models import Delivery, Notification, NotificationKind
from tests.factories import actor_of, make_account, make_contact, make_lead, row_count, rows

HTMX = {"HX-Request": "true"}


def plan(session, person, record, subject, due_at=None, **more):
    given = {"kind": "task", "done": False, **more}
    return log_activity(
        session, actor_of(session, person), record, subject=subject, due_at=due_at, now=clock.now(), **given
    )


@pytest.mark.databases("sqlite")
def test_a_day_from_the_first_look_to_the_last_press(signed_in, session, sal, mara, pia):
    sal.time_zone = "Europe/Madrid"
    account = make_account(session, "Forges", owner=mara)
    local = clock.now().astimezone(ZoneInfo("Europe/Madrid")).replace(hour=12, minute=0)
    for subject, days in (
        ("Late thing", -2),
        ("Thing of today", 0),
        ("Thing of the week", 3),
        ("Far thing", 30),
    ):
        plan(session, sal, account, subject, local + timedelta(days=days))
    plan(session, sal, account, "Thing without a day")
    plan(session, sal, account, "Board meeting", local, kind="meeting", place="Girona")
    plan(session, mara, account, "Thing of Mara", local)
    session.commit()
    browser = signed_in(sal)
    page = browser.get("/my-day").get_data(as_text=True)
    heads = ["Overdue", "Late thing", "Today", "Thing of today", "Next seven days", "Thing of the week", "Later",
             "Far thing", "Without a date", "Thing without a day"]  # fmt: skip
    listed = page.partition('id="day"')[2]
    places = [listed.index(f">{head}<") for head in heads]
    assert places == sorted(places)
    assert "Girona" in page
    assert "Thing of Mara" not in page
    assert "Nothing to do" in signed_in(pia).get("/my-day").get_data(as_text=True)
    only = browser.get("/my-day?when=today&kind=meeting").get_data(as_text=True)
    assert "Board meeting" in only
    assert "Thing of today" not in only
    assert browser.get("/my-day?when=never").status_code == 422
    late = rows(session, Activity, Activity.subject == "Late thing")[0]
    of_today = rows(session, Activity, Activity.subject == "Thing of today")[0]
    following = {"next": of_today.ref}
    answer = browser.submit(f"/my-day/{late.ref}/finish", following, page="/my-day", headers=HTMX)
    fragment = answer.get_data(as_text=True)
    assert "<html" not in fragment
    assert f'id="{late.ref}"' not in fragment
    assert late.is_done
    assert f'name="next" value="{of_today.ref}"' in page
    undo = f"/my-day/{late.ref}/undo"
    assert undo in fragment
    assert "data-focus" in fragment.partition(f'id="{of_today.ref}"')[2].partition("</li>")[0]
    browser.submit(undo, {}, page="/my-day", headers=HTMX)
    assert (late.is_done, late.at) == (False, late.created_at)
    browser.submit(f"/my-day/{late.ref}/finish", {}, page="/my-day")
    due = of_today.due_at
    fragment = browser.submit(
        f"/my-day/{of_today.ref}/put-off", {"until": "tomorrow"}, page="/my-day", headers=HTMX
    ).get_data(as_text=True)
    assert of_today.due_at == (local + timedelta(days=1)).replace(second=0, microsecond=0)
    undo = re.search(rf'action="(/my-day/{of_today.ref}/undo[^"]+)"', fragment)
    browser.submit(html.unescape(undo[1]), {}, page="/my-day")
    assert of_today.due_at == due
    assert (
        browser.submit(f"/my-day/{of_today.ref}/put-off", {"until": "tomorrow"}, page="/my-day").status_code
        == 303
    )
    sent = browser.submit("/my-day/export?when=next", {}, page="/my-day")
    lines = list(csv.reader(io.StringIO(sent.get_data(as_text=True).lstrip("\ufeff"))))
    assert [line[1] for line in lines[1:]] == ["Thing of today", "Thing of the week"]
    assert lines[1][6] == "Forges"
    [event] = rows(session, Event, Event.verb == "exported")
    assert event.detail == {"object": "activity", "filter": {"when": "next"}}


def test_a_long_day_pages_by_key_at_the_same_cost(session, count_queries, sal, mara):
    account, now = make_account(session, "Forges", owner=mara), clock.now()
    for number in range(7):
        plan(session, sal, account, f"T{number}", now + timedelta(hours=number // 2) if number < 5 else None)
    actor = actor_of(session, sal)
    query = read_day_query(actor, kinds=(), when="", now=now)
    found, cursor, costs = [], None, []
    while True:
        with count_queries() as queries:
            page = list_day(session, actor, query, cursor=cursor, limit=2)
        costs.append(len(queries))
        found += [item.activity.subject for item in page.items]
        cursor = page.older
        if cursor is None:
            break
    assert found == [f"T{number}" for number in range(7)]
    assert set(costs) == {2}


def test_a_task_is_given_only_to_colleagues_who_see_the_record(session, sal, mara, vic, pia, pam, otto):
    account = make_account(session, "Forges", owner=mara)
    private = make_contact(session, "Alone", account=None, owner=sal)
    lead = make_lead(session, owner=pia)
    task = plan(session, sal, account, "Send the offer", assignee=mara.ref)
    assert task.assignee_id == mara.id
    [notice] = rows(session, Notification, Notification.kind == NotificationKind.ACTIVITY_GIVEN)
    assert (notice.user_id, notice.detail) == (mara.id, {"who": "Sal"})
    assert [
        item.activity.id for item in list_day(session, actor_of(session, mara), today(session, mara)).items
    ] == [task.id]
    assert not list_day(session, actor_of(session, sal), today(session, sal)).items
    for person, record, whom in (
        (sal, private, mara), (sal, account, vic), (sal, account, pia), (pia, lead, otto), (pia, lead, mara), (pam, lead, otto),
    ):  # fmt: skip
        with pytest.raises(Invalid) as refused:
            plan(session, person, record, "Not for them", assignee=whom.ref)
        assert list(refused.value.errors) == ["assignee"]
    assert plan(session, pia, lead, "For Pam", assignee=pam.ref).assignee_id == pam.id
    with pytest.raises(Invalid):
        plan(session, pia, lead, "With an unseen contact", people=[private.ref])
    edit_activity(session, actor_of(session, mara), task.ref, {"assignee": sal.ref}, now=clock.now())
    assert [event.changes for event in rows(session, Event, Event.verb == "edited")] == [
        {"assignee": ["Mara", "Sal"]}
    ]


def today(session, person):
    return read_day_query(actor_of(session, person), kinds=(), when="", now=clock.now())


def test_a_meeting_has_people_an_end_and_a_place(session, sal, mara, otto):
    account, now = make_account(session, "Forges", owner=mara), clock.now()
    ann, bea = make_contact(session, "Ann", account=account), make_contact(session, "Bea", account=account)
    begins = now + timedelta(hours=2)
    meeting = plan(
        session, sal, account, "Kick-off", begins, kind="meeting", ends_at=begins + timedelta(hours=1),
        place="Girona", people=[mara.ref, ann.ref, ann.ref], remind_at=begins - timedelta(minutes=15),
    )  # fmt: skip
    assert [
        item.whose for item in list_day(session, actor_of(session, mara), today(session, mara)).items
    ] == ["Sal"]
    actor = actor_of(session, sal)
    for broken in (
        {"ends_at": begins - timedelta(minutes=1)},
        {"people": [otto.ref]},
        {"people": ["cont_none"]},
    ):
        with pytest.raises(Invalid):
            edit_activity(session, actor, meeting.ref, broken, now=now)
    edit_activity(session, actor, meeting.ref, {"due_at": begins + timedelta(days=1)}, now=now)
    assert meeting.ends_at == begins + timedelta(days=1, hours=1)
    assert meeting.remind_at == begins + timedelta(days=1, minutes=-15)
    edit_activity(session, actor, meeting.ref, {"people": [mara.ref, bea.ref], "due_at": begins}, now=now)
    later = begins + timedelta(hours=5)
    finish_activity(session, actor, meeting.ref, outcome="They sign", now=later)
    assert (meeting.at, meeting.outcome) == (begins, "They sign")
    for record, moment in ((account, begins), (bea, begins), (ann, None)):
        session.refresh(record)
        assert record.last_activity_at == moment


def test_the_worker_reminds_once_of_what_is_due_and_again_after_it_was_put_off(session, sal, mara, pia):
    account, now = make_account(session, "Forges", owner=mara), clock.now()
    task = plan(
        session, sal, account, "Call back", now + timedelta(hours=1), remind_at=now, people=[mara.ref]
    )
    done = plan(session, sal, account, "Done already", now, remind_at=now)
    finish_activity(session, actor_of(session, sal), done.ref, now=now)
    plan(session, sal, account, "Later", now, remind_at=now + timedelta(hours=1))
    assert remind_due(session, now=now) == 2
    assert remind_due(session, now=now) == 0
    told = rows(session, Notification, Notification.kind == NotificationKind.ACTIVITY_DUE)
    assert sorted(notice.user_id for notice in told) == sorted([sal.id, mara.id])
    assert row_count(session, Delivery, Delivery.notification_id.in_([notice.id for notice in told])) == 2
    edit_activity(session, actor_of(session, sal), task.ref, {"due_at": now + timedelta(hours=2)}, now=now)
    mara.state = UserState.DEACTIVATED
    assert remind_due(session, now=now + timedelta(hours=1)) == 2
    told = rows(session, Notification, Notification.kind == NotificationKind.ACTIVITY_DUE)
    assert sorted(notice.user_id for notice in told) == sorted([sal.id, sal.id, sal.id, mara.id])


def test_what_is_mine_is_gone_with_the_record(session, pia, otto):
    lead = make_lead(session, owner=pia)
    task = plan(session, pia, lead, "Call", clock.now())
    assert [item.on.ref for item in list_day(session, actor_of(session, pia), today(session, pia)).items] == [
        lead.ref
    ]
    lead.owner_user_id, lead.partner_account_id = otto.id, otto.partner_account_id
    session.flush()
    assert list_day(session, actor_of(session, pia), today(session, pia)).items == []
    for person in (pia, otto):
        with pytest.raises(NotFound):
            finish_activity(session, actor_of(session, person), task.ref, now=clock.now())
    assert task.kind == ActivityKind.TASK
    assert not task.is_done
