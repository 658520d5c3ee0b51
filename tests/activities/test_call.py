"""Logging a call with whom and what comes next; accounts and contacts know when they were last worked with."""

from datetime import timedelta

import pytest

from app.accounts.contact_operations import delete_contact, edit_contact, restore_contact
from app.activities.models import Activity, Participant
from app.activities.operations import delete_activity, edit_activity, log_activity
from app.activities.queries import list_activities, planned, timeline
from app.cases.operations import delete_case, edit_case, restore_case
from app.events.models import Event
from app.identity.models import AccountScope
from app.kernel import clock
from app.kernel.errors import NotAllowed
from tests.factories import actor_of, make_account, make_case, make_contact, make_lead, row_count, rows


@pytest.mark.databases("sqlite")
def test_a_call_and_what_comes_next_are_one_form_and_one_act(signed_in, session, sal, mara):
    sal.time_zone = "Europe/Madrid"
    account = make_account(session, "Get Cloudy", owner=mara, phone="775-555-5309")
    alan = make_contact(session, "Johnson", first_name="Alan", account=account)
    make_contact(
        session, "Johnson", first_name="Alan", account=account, title="Buyer", email="aj@cloudy.example"
    )
    make_contact(
        session, "Chan", first_name="Leung", account=account, title="Cook", email="chan@cloudy.example"
    )
    session.commit()
    browser, path = signed_in(sal), f"/accounts/{account.ref}"
    page = browser.get(path).get_data(as_text=True)
    assert f'value="{alan.ref}"' in page
    # Two of one name are told apart where one picks whom one spoke with.
    assert "Alan Johnson <small>Buyer · aj@cloudy.example</small>" in page
    assert f"Alan Johnson <small>{alan.email}</small>" in page
    assert "Leung Chan <small>Cook</small>" in page
    assert 'href="tel:7755555309"' in page
    assert 'href="#log-text"' in page
    assert 'id="log"' in page
    call = {"kind": "call", "text": "Wants two.\nBudget is there.", "people": [alan.ref]}
    refused = browser.submit(f"{path}/activities", {**call, "then": "x" * 256}, page=path)
    assert refused.status_code == 422
    assert "Wants two." in refused.get_data(as_text=True)
    assert "checked" in refused.get_data(as_text=True).partition(alan.ref)[2][:20]
    assert row_count(session, Activity) == 0, "neither or both"
    assert (
        browser.submit(f"{path}/activities", {**call, "then_on": "2030-01-07"}, page=path).status_code == 422
    )
    then = {"then": "Send the offer", "then_on": "2030-01-07", "then_remind": "y"}
    assert browser.submit(f"{path}/activities", {**call, **then}, page=path).status_code == 303
    done, task = rows(session, Activity)
    assert (done.subject, done.text, done.is_done) == ("Wants two.", "Budget is there.", True)
    assert (task.subject, task.is_done, task.due_at.isoformat()) == (
        "Send the offer",
        False,
        "2030-01-07T08:00:00+00:00",
    )
    assert task.remind_at == task.due_at
    assert row_count(session, Participant) == 2
    assert account.last_activity_at == alan.last_activity_at == done.at
    for where in (path, f"/contacts/{alan.ref}"):
        page = browser.get(where).get_data(as_text=True)
        assert "Send the offer" in page
        assert "Wants two." in page
        assert f"/contacts/{alan.ref}" in page


@pytest.mark.databases("sqlite")
def test_an_activity_has_a_page_and_is_changed_and_deleted_there(signed_in, session, sal, mara, vic, ada):
    account = make_account(session, "Forges", owner=mara)
    act = log_activity(
        session, actor_of(session, sal), account, kind="call", subject="Asked", now=clock.now()
    )
    session.commit()
    path, browser = f"/activities/{act.ref}", signed_in(sal)
    assert "Asked" in browser.get(path).get_data(as_text=True)
    form = {
        "version": "1",
        "kind": "call",
        "subject": "Asked again",
        "text": "",
        "place": "",
        "outcome": "Fine",
    }
    assert browser.submit(f"{path}/edit", form, page=f"{path}/edit").status_code == 303
    assert (act.subject, act.outcome, act.version) == ("Asked again", "Fine", 2)
    stale = browser.submit(f"{path}/edit", {**form, "subject": "Mine"}, page=f"{path}/edit")
    assert stale.status_code == 409
    assert 'value="Mine"' in stale.get_data(as_text=True)
    assert browser.submit(f"{path}/edit", {**form, "subject": " "}, page=f"{path}/edit").status_code == 422
    reader = signed_in(vic)
    assert reader.get(path).status_code == 200
    assert reader.get(f"{path}/edit").status_code == 403
    assert browser.get(f"{path}/delete").status_code == 200
    answer = browser.submit(f"{path}/delete", {}, page=f"{path}/delete")
    assert answer.location == f"/accounts/{account.ref}"
    assert row_count(session, Activity) == 0
    session.refresh(account)
    assert account.last_activity_at is None
    verbs = {event.verb: event for event in rows(session, Event, Event.actor_id == sal.id)}
    assert verbs["deleted"].changes["subject"] == ["Asked again", None]
    assert "deleted an activity" in browser.get(f"/accounts/{account.ref}").get_data(as_text=True)
    assert browser.get(path).status_code == 404


def test_an_account_counts_what_is_done_with_its_people_through_deletes_and_moves(session, sal, mara):
    actor, now = actor_of(session, mara), clock.now()
    here, there = make_account(session, "Here", owner=mara), make_account(session, "There", owner=mara)
    ann = make_contact(session, "Ann", account=here, owner=mara)
    session.flush()

    def call(record, days, **more):
        at = now - timedelta(days=days)
        return log_activity(session, actor, record, kind="call", subject="Rang", at=at, now=now, **more)

    def last(*records):
        for record in records:
            session.refresh(record)
        return [None if r.last_activity_at is None else (now - r.last_activity_at).days for r in records]

    call(here, 9)
    third = call(ann, 3)
    assert last(here, ann, there) == [3, 3, None]
    edit_activity(session, actor, third.ref, {"at": now - timedelta(days=12)}, now=now)
    assert last(here, ann) == [9, 12]
    fresh = call(ann, 1)
    edit_contact(session, actor, ann.ref, {"account_id": there.ref}, now=now)
    assert last(here, ann, there) == [9, 1, 1]
    assert [a.id for a, _ in list_activities(session, actor, there).items] == [fresh.id, third.id]
    delete_contact(session, actor, ann.ref, now=now)
    assert last(there) == [None]
    restore_contact(session, actor, ann.ref, now=now)
    assert last(there) == [1]
    delete_activity(session, actor, fresh.ref, now=now)
    assert last(ann, there) == [12, 12]
    beside = call(here, 0, people=[ann.ref])
    assert last(here, ann, there) == [0, 0, 12]
    edit_activity(session, actor, beside.ref, {"done": False}, now=now)
    assert last(here, ann) == [9, 12]


def test_a_case_counts_for_its_account_as_long_as_it_is_there(session, mara):
    actor, now = actor_of(session, mara), clock.now()
    here, there = make_account(session, "Here", owner=mara), make_account(session, "There", owner=mara)
    case = make_case(session, account=here, owner=mara)
    log_activity(session, actor, case, kind="call", subject="Rang", now=now)
    for act, last in (
        (None, [now, None]),
        (lambda: edit_case(session, actor, case.ref, {"account_id": there.ref}, now=now), [None, now]),
        (lambda: delete_case(session, actor, case.ref, now=now), [None, None]),
        (lambda: restore_case(session, actor, case.ref, now=now), [None, now]),
    ):
        if act is not None:
            act()
        session.refresh(here)
        session.refresh(there)
        assert [here.last_activity_at, there.last_activity_at] == last
    assert [a.case_id for a, _ in list_activities(session, actor, there).items] == [case.id]


def test_a_reader_finds_on_an_account_what_they_see_at_the_same_cost(session, count_queries, sal, mara):
    actor, now = actor_of(session, mara), clock.now()
    account = make_account(session, "Forges", owner=mara)
    ann, bea = (make_contact(session, name, account=account, owner=mara) for name in ("Ann", "Bea"))
    for number in range(3):
        log_activity(
            session,
            actor,
            (account, ann, bea)[number],
            kind="call",
            subject=f"C{number}",
            now=now,
            people=[bea.ref],
        )
    timeline(session, actor, account)  # which knows the words of the organisation from then on
    with count_queries() as few:
        page = timeline(session, actor, account, limit=50)
    said = {
        row.text: (row.on.name if row.on else "", [p.name for p in row.people])
        for row in page.items
        if row.ref
    }
    assert said == {"C0": ("", ["Bea"]), "C1": ("Ann", ["Bea"]), "C2": ("Bea", [])}
    for number in range(27):
        log_activity(
            session,
            actor,
            (account, ann, bea)[number % 3],
            kind="call",
            subject="X",
            now=now,
            people=[bea.ref],
        )
    with count_queries() as many:
        assert len(timeline(session, actor, account, limit=50).items) >= 30
    assert len(few) == len(many)
    lead = make_lead(session, owner=mara)
    log_activity(session, actor, lead, kind="task", subject="On a lead", people=[ann.ref], now=now)
    assert [row.on.ref for row in planned(session, actor, ann) if row.on] == [lead.ref]
    sal.account_scope = AccountScope.PORTFOLIO
    lead.owner_user_id = mara.id
    session.flush()
    ann.account_id, ann.owner_user_id = None, sal.id
    session.flush()
    assert planned(session, actor_of(session, sal), ann) == [], "the lead is not theirs to read"


def test_only_who_wrote_it_or_has_the_record_in_full_deletes(session, sal, mara, ada, pia, pam):
    account, lead, now = (
        make_account(session, "Forges", owner=mara),
        make_lead(session, owner=pia),
        clock.now(),
    )
    for writer, record, stranger, holder in ((mara, account, sal, ada), (pia, lead, pam, mara)):
        act = log_activity(session, actor_of(session, writer), record, kind="note", subject="x", now=now)
        with pytest.raises(NotAllowed):
            delete_activity(session, actor_of(session, stranger), act.ref, now=now)
        delete_activity(session, actor_of(session, holder), act.ref, now=now)
        own = log_activity(session, actor_of(session, writer), record, kind="note", subject="x", now=now)
        delete_activity(session, actor_of(session, writer), own.ref, now=now)
    assert row_count(session, Activity) == 0
