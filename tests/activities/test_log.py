"""Logging calls, notes, tasks, meetings on a lead, an account, a contact."""

from datetime import timedelta

import pytest

from app.accounts.models import Account
from app.activities.models import Activity, ActivityKind
from app.activities.operations import ReadOnly, edit_activity, log_activity
from app.events.models import Event
from app.kernel import clock
from app.kernel.errors import Invalid, NotAllowed, NotFound, Stale
from app.leads.models import Offer
from app.sharing.shares import share_record
from tests.factories import actor_of, make_account, make_contact, make_lead, row_count, rows

HTMX = {"HX-Request": "true"}


def log(browser, path, **values):
    given = {"kind": "call", "text": "Asked for an offer.\nCalls back.", **values}
    htmx = given.pop("htmx", False)
    return browser.submit(f"{path}/activities", given, page=path, headers=HTMX if htmx else {})


@pytest.mark.parametrize("kind", ["lead", "account", "contact"])
def test_a_call_is_logged_on_every_kind_of_record(signed_in, session, sal, mara, kind):
    account = make_account(session, "Forges", owner=mara)
    record = {"lead": lambda: make_lead(session), "account": lambda: account,
              "contact": lambda: make_contact(session, "Puig", account=account)}[kind]()  # fmt: skip
    path = f"/{kind}s/{record.ref}"
    before = record.version
    answer = signed_in(sal).submit(
        f"{path}/activities", {"kind": "call", "text": "Asked.\nCalls back."}, page="/accounts"
    )
    assert answer.status_code == 303
    [activity] = rows(session, Activity)
    assert answer.location == f"{path}#{activity.ref}"
    assert (activity.subject, activity.text, activity.is_done) == ("Asked.", "Calls back.", True)
    assert getattr(activity, f"{kind}_id") == record.id
    assert (activity.created_by_id, activity.company_id) == (sal.id, None)
    assert record.last_activity_at == activity.at
    assert record.version == before, "a call makes nobody's edit stale"
    [event] = rows(session, Event, Event.verb == "logged")
    assert (event.record_ref, event.detail["on"]) == (activity.ref, record.ref)


def test_htmx_gets_the_feed_with_the_new_entry_in_focus(signed_in, session, sal, mara):
    account = make_account(session, "Forges", owner=mara)
    answer = log(signed_in(sal), f"/accounts/{account.ref}", htmx=True)
    assert answer.status_code == 200
    [activity] = rows(session, Activity)
    fragment = answer.get_data(as_text=True)
    assert "<html" not in fragment
    assert f'id="{activity.ref}" tabindex="-1" data-focus' in fragment
    assert "Sal</b> called" in fragment


@pytest.mark.parametrize("htmx", [True, False])
def test_nothing_to_say_is_refused_and_the_form_stays(signed_in, session, sal, mara, htmx):
    account = make_account(session, "Forges", owner=mara)
    answer = log(signed_in(sal), f"/accounts/{account.ref}", text=" ", kind="meeting", htmx=htmx)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "Say in a few words" in page
    assert ("<html" in page) is not htmx
    assert row_count(session, Activity) == 0


def test_a_task_is_planned_until_it_is_done(signed_in, session, sal, mara):
    account = make_account(session, "Forges", owner=mara)
    browser, path = signed_in(sal), f"/accounts/{account.ref}"
    log(browser, path, kind="task", text="Send the offer", due_at="2030-05-01T10:00")
    [task] = rows(session, Activity)
    assert (task.is_done, task.due_at.isoformat()) == (False, "2030-05-01T10:00:00+00:00")
    assert account.last_activity_at is None
    assert "feed-planned" in browser.get(path).get_data(as_text=True)
    assert browser.submit(f"/activities/{task.ref}/finish", {}, page=path).location == f"{path}#{task.ref}"
    assert task.is_done
    assert account.last_activity_at == task.at
    page = browser.get(path).get_data(as_text=True)
    assert "feed-planned" not in page
    assert "finished a task" in page
    assert browser.submit(f"/activities/{task.ref}/finish", {}, page=path).status_code == 303, (
        "again it stays done"
    )
    assert [e.verb for e in rows(session, Event, Event.record_ref == task.ref)] == ["logged", "finished"]


def test_times_are_those_of_the_writers_zone(signed_in, session, sal, mara):
    sal.time_zone = "Europe/Madrid"
    account = make_account(session, "Forges", owner=mara)
    log(signed_in(sal), f"/accounts/{account.ref}", at="2026-03-02T10:30")
    [activity] = rows(session, Activity)
    assert activity.at.isoformat() == "2026-03-02T09:30:00+00:00"


def test_what_lies_ahead_is_planned_for_then_with_what_comes_after(signed_in, session, sal, mara):
    account = make_account(session, "Forges", owner=mara)
    ahead = (clock.now() + timedelta(days=2)).replace(second=0, microsecond=0)
    log(
        signed_in(sal), f"/accounts/{account.ref}", kind="meeting", text="Visit", at=f"{ahead:%Y-%m-%dT%H:%M}", then="Report",
    )  # fmt: skip
    by_subject = {activity.subject: activity for activity in rows(session, Activity)}
    visit = by_subject["Visit"]
    assert (visit.is_done, visit.due_at) == (False, ahead)
    assert not by_subject["Report"].is_done


def test_an_older_call_does_not_put_the_last_activity_back(session, sal, mara):
    account, actor, now = make_account(session, "Forges", owner=mara), actor_of(session, sal), clock.now()
    log_activity(session, actor, account, kind="call", subject="New", now=now)
    log_activity(session, actor, account, kind="call", subject="Old", at=now - timedelta(days=3), now=now)
    assert account.last_activity_at == now


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("kind", {"kind": "visit"}),
        ("subject", {"subject": "x" * 256}),
        ("subject", {"subject": "a\x00b"}),
        ("text", {"text": "\ud800"}),
        ("text", {"text": "x" * 32_001}),
        ("at", {"at": timedelta(days=1)}),
        ("at", {"at": timedelta(days=400_000)}),
        ("due_at", {"due_at": timedelta(days=400_000)}),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_field(session, sal, mara, field, values):
    account, now = make_account(session, "Forges", owner=mara), clock.now()
    given = {k: now + v if isinstance(v, timedelta) else v for k, v in values.items()}
    with pytest.raises(Invalid) as refused:
        log_activity(
            session, actor_of(session, sal), account, now=now, **{"kind": "call", "subject": "Hello", **given}
        )
    assert field in refused.value.errors
    assert row_count(session, Activity) == 0


def test_a_first_line_that_is_too_long_for_a_subject_is_kept_whole(session, sal, mara):
    account = make_account(session, "Forges", owner=mara)
    text = "word " * 100
    activity = log_activity(session, actor_of(session, sal), account, kind="note", text=text, now=clock.now())
    assert (len(activity.subject), activity.text) == (255, text.strip())


def test_a_date_that_is_none_is_refused(signed_in, session, sal, mara):
    account = make_account(session, "Forges", owner=mara)
    assert log(signed_in(sal), f"/accounts/{account.ref}", at="yesterday").status_code == 422
    assert row_count(session, Activity) == 0


# Who may


def test_viewers_log_nothing(signed_in, session, vic, mara):
    account = make_account(session, "Forges", owner=mara)
    answer = signed_in(vic).submit(
        f"/accounts/{account.ref}/activities", {"kind": "note", "text": "x"}, page="/profile"
    )
    assert answer.status_code == 403
    assert row_count(session, Activity) == 0


def test_a_partner_logs_on_own_leads_only(signed_in, session, pia, otto, northwind):
    own, rivals = make_lead(session, owner=pia), make_lead(session, owner=otto)
    [account] = rows(session, Account, Account.id == northwind.account_id)
    browser = signed_in(pia)
    assert (
        browser.submit(
            f"/leads/{own.ref}/activities", {"kind": "call", "text": "Hello"}, page="/profile"
        ).status_code
        == 303
    )
    for path in (f"/leads/{rivals.ref}", f"/accounts/{account.ref}"):
        answer = browser.submit(f"{path}/activities", {"kind": "call", "text": "Hello"}, page="/profile")
        assert answer.status_code == 404
    [activity] = rows(session, Activity)
    assert (activity.lead_id, activity.company_id) == (own.id, northwind.account_id)


def test_a_partner_who_may_only_read_is_offered_no_form(signed_in, session, ada, pia):
    lead = make_lead(session)
    for level, is_offered in (("read", False), ("edit", True)):
        user = {"type": "user", "id": pia.ref}
        share_record(session, actor_of(session, ada), lead, user, level, now=clock.now())
        session.commit()
        page = signed_in(pia).get(f"/leads/{lead.ref}")
        assert page.status_code == 200
        assert (f"/leads/{lead.ref}/activities" in page.text) is is_offered, level


def test_nobody_logs_on_an_offer_before_it_is_accepted(session, pia, northwind):
    lead, now = make_lead(session, owner=pia), clock.now()
    offer = Offer(
        lead_id=lead.id, user_id=pia.id, company_id=northwind.account_id, made_at=now, expires_at=now
    )
    session.add(offer)
    session.flush()
    lead.offer_id, lead.offer_expires_at = offer.id, offer.expires_at
    session.flush()
    with pytest.raises(NotAllowed):
        log_activity(session, actor_of(session, pia), lead, kind="note", subject="Mine", now=now)


def test_a_converted_lead_is_only_read(session, sal):
    lead = make_lead(session, converted_at=clock.now())
    with pytest.raises(ReadOnly):
        log_activity(session, actor_of(session, sal), lead, kind="note", subject="Late", now=clock.now())


def test_a_rivals_activity_is_not_there(signed_in, session, pia, otto, mara):
    lead, now = make_lead(session, owner=otto), clock.now()
    task = log_activity(session, actor_of(session, otto), lead, kind="task", subject="Call", now=now)
    lead.owner_user_id, lead.partner_account_id = pia.id, pia.partner_account_id
    session.flush()
    with pytest.raises(NotFound):
        edit_activity(session, actor_of(session, pia), task.ref, {"done": True}, now=now)
    assert signed_in(pia).submit(f"/activities/{task.ref}/finish", {}, page="/profile").status_code == 404
    assert edit_activity(session, actor_of(session, mara), task.ref, {"done": True}, now=now).is_done


# Changing one


def test_an_activity_changes_and_says_what(session, sal, mara):
    account, actor, now = make_account(session, "Forges", owner=mara), actor_of(session, sal), clock.now()
    activity = log_activity(session, actor, account, kind="call", subject="Hello", now=now)
    values = {"kind": "meeting", "subject": "Met", "text": "At the fair", "at": now - timedelta(days=1)}
    edit_activity(session, actor, activity.ref, values, version=1, now=now)
    assert (activity.kind, activity.subject, activity.version) == (ActivityKind.MEETING, "Met", 2)
    with pytest.raises(Stale):
        edit_activity(session, actor, activity.ref, {"subject": "Late"}, version=1, now=now)
    with pytest.raises(Invalid):
        edit_activity(session, actor, activity.ref, {"colour": "red"}, now=now)
    edit_activity(session, actor, activity.ref, {"subject": "Met"}, version=1, now=now)
    assert activity.version == 2
