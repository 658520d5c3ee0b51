"""The timeline: activities and events in one order, in pages, and what partners do not read in it."""

from dataclasses import replace
from datetime import timedelta

from flask_babel import force_locale
from sqlalchemy import select

from app.accounts.operations import edit_account
from app.activities.facts import facts_of
from app.activities.operations import finish_activity, log_activity
from app.activities.queries import list_activities, planned, timeline
from app.events.operations import record
from app.identity.models import AccountScope, ApiToken
from app.intake.models import Import
from app.intake.take_in import take_in
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.refs import IMPORT, new_ref
from app.sharing.shares import share_record, unshare_record
from tests.factories import actor_of, make_account, make_case, make_lead, make_opportunity
from tests.people import make_token


def told(page):
    return [f"{row.who} {row.what}".strip() for row in page.items]


def test_events_and_activities_stand_in_one_order(session, sal, mara):
    account, now = make_account(session, "Forges", owner=mara), clock.now()
    actor = actor_of(session, sal)
    log_activity(session, actor, account, kind="call", subject="First", at=now - timedelta(hours=3), now=now)
    edit_account(
        session, actor, account.ref, {"site": "Vic", "industry": "Wine"}, now=now - timedelta(hours=2)
    )
    log_activity(session, actor, account, kind="note", subject="Last", at=now - timedelta(hours=1), now=now)
    log_activity(session, actor, account, kind="task", subject="To do", now=now)
    page = timeline(session, actor, account)
    assert told(page) == ["Sal noted", "Sal changed 2 fields", "Sal called"]
    assert page.items[1].details == (("Industry", "empty → Wine"), ("Site", "empty → Vic"))
    assert [row.text for row in planned(session, actor, account)] == ["To do"]


def test_the_system_has_no_name_in_it(session, sal, mara):
    account = make_account(session, "Forges", owner=mara)
    record(session, Actor.system("import"), verb="created", subject=account, at=clock.now())
    assert told(timeline(session, actor_of(session, sal), account)) == ["Created this"]


def test_it_says_by_which_door_a_record_came_as_far_as_one_may_know(session, ada, sal, vic, mara, now):
    make_token(sal, label="Website")
    token_id = session.scalars(select(ApiToken.id)).one()
    form, by_token = Actor.system("web form", door="form"), replace(actor_of(session, sal), door="api")
    by_token = replace(by_token, token_id=token_id)
    posted, _ = take_in(session, form, {"last_name": "Puig"}, now=now)
    posted.imported = {"Web form": "Ask us"}
    sent, _ = take_in(session, by_token, {"last_name": "Roca"}, now=now)
    file = Import(
        ref=new_ref(IMPORT), filename="fair.csv", path="x", digest="x", size_bytes=1, created_at=now,
        created_by_id=mara.id,
    )  # fmt: skip
    session.add(file)
    session.flush()
    taken, _ = take_in(
        session, replace(actor_of(session, mara), door="import"), {"last_name": "Vila"}, now=now
    )
    taken.import_id = file.id
    session.flush()

    def first(user, lead):
        return told(timeline(session, actor_of(session, user), lead))[-1]

    assert first(vic, posted) == "Came in by the web form “Ask us” and went to Unassigned"
    for user in (ada, sal):
        assert (
            first(user, sent) == "Sal created this over the API (token “Website”) and gave it to Unassigned"
        )
    assert first(mara, sent) == "Sal created this over the API and gave it to Unassigned"
    assert first(mara, taken) == "Mara created this by the import of “fair.csv” and gave it to Unassigned"
    assert first(sal, taken) == "Mara created this by an import and gave it to Unassigned"


def test_a_verb_that_nobody_knows_is_still_told(session, sal, mara):
    account = make_account(session, "Forges", owner=mara)
    record(session, actor_of(session, mara), verb="turned_around", subject=account, at=clock.now())
    assert told(timeline(session, actor_of(session, sal), account)) == ["Mara did this: turned around"]


def test_sharing_by_hand_is_told_with_whom(session, sal, mara):
    account, now = make_account(session, "Forges", owner=mara), clock.now()
    actor = actor_of(session, mara)
    share, _ = share_record(session, actor, account, {"type": "user", "id": sal.ref}, "edit", now=now)
    unshare_record(session, actor, account, share.ref, now=now)
    told_to_sal = told(timeline(session, actor_of(session, sal), account))
    assert told_to_sal == ["Mara ended a share of it", "Mara shared it with Sal"]


def test_pages_follow_on_each_other_without_a_gap(session, sal, mara):
    account, actor, now = make_account(session, "Forges", owner=mara), actor_of(session, sal), clock.now()
    for number in range(9):
        at = now - timedelta(hours=number)
        if number % 3 == 0:
            record(session, actor, verb=f"act_{number}", subject=account, at=at)
        else:
            log_activity(session, actor, account, kind="note", subject=f"note {number}", at=at, now=now)
    seen, cursor = [], None
    while True:
        page = timeline(session, actor, account, cursor=cursor, limit=2)
        seen += [row.text or row.what for row in page.items]
        cursor = page.older
        if cursor is None:
            break
    # Events come by key, which here runs against their times; still nothing is left out or told twice.
    assert sorted(seen) == sorted(f"note {n}" if n % 3 else f"did this: act {n}" for n in range(9)), (
        "each once"
    )


def test_the_page_shows_more_on_request(signed_in, session, sal, mara):
    account, actor, now = make_account(session, "Forges", owner=mara), actor_of(session, sal), clock.now()
    for number in range(70):
        log_activity(
            session,
            actor,
            account,
            kind="note",
            subject=f"note-{number:02}",
            at=now - timedelta(hours=number),
            now=now,
        )
    browser = signed_in(sal)
    page = browser.get(f"/accounts/{account.ref}").get_data(as_text=True)
    assert "note-00" in page
    assert "note-40" not in page
    whole = browser.get(f"/accounts/{account.ref}/activities").get_data(as_text=True)
    assert "note-40" in whole
    assert "note-60" not in whole
    more = next(part for part in whole.split('"') if "activities?cursor=" in part)
    rest = browser.get(more, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "<html" not in rest
    assert "note-60" in rest
    assert browser.get(f"/accounts/{account.ref}/activities?cursor=none").status_code == 400


def test_partners_read_what_their_own_company_did_and_nothing_else(session, pia, pam, otto, mara):
    lead, now = make_lead(session, owner=otto), clock.now()
    actors = {person.name: actor_of(session, person) for person in (pia, pam, otto, mara)}
    log_activity(session, actors["Otto"], lead, kind="call", subject="secret of the rival", now=now)
    record(session, actors["Otto"], verb="claimed", subject=lead, at=now)
    log_activity(session, actors["Mara"], lead, kind="note", subject="secret of the vendor", now=now)
    record(session, actors["Mara"], verb="assigned", subject=lead, at=now, detail={"to": "Otto"})
    lead.owner_user_id, lead.partner_account_id, lead.owner_rank = pia.id, pia.partner_account_id, 0
    session.flush()
    log_activity(session, actors["Pia"], lead, kind="call", subject="ours", now=now + timedelta(minutes=1))
    for who in ("Pia", "Pam"):
        page = timeline(session, actors[who], lead)
        assert told(page) == ["Pia called"]
        assert [a.subject for a, _name in list_activities(session, actors[who], lead).items] == ["ours"]
    everything = told(timeline(session, actors["Mara"], lead))
    assert sorted(everything) == [
        "Mara gave it to Otto",
        "Mara noted",
        "Otto called",
        "Otto claimed it",
        "Pia called",
    ]


def test_a_timeline_costs_the_same_for_three_entries_and_thirty(session, count_queries, sal, mara):
    actor, now = actor_of(session, sal), clock.now()
    small, large = make_account(session, "Small", owner=mara), make_account(session, "Large", owner=mara)
    for account, number in ((small, 3), (large, 30)):
        for n in range(number):
            log_activity(session, actor, account, kind="note", subject=f"{n}", now=now)
            record(session, actor, verb="edited", subject=account, at=now)
            make_case(session, f"{n}", account=account, owner=mara)
            make_opportunity(session, f"{n}", account=account, owner=mara, stage="won")
    session.flush()
    timeline(
        session, actor, small
    )  # which knows the words of the organisation from then on, as every request does
    costs = []
    for account in (small, large):
        with count_queries() as queries:
            timeline(session, actor, account, limit=200)
        costs.append(queries)
    assert [len(queries) for queries in costs] == [6, 6], costs


def test_activities_page_by_key(session, sal, mara):
    account, actor, now = make_account(session, "Forges", owner=mara), actor_of(session, sal), clock.now()
    for number in range(5):
        log_activity(session, actor, account, kind="note", subject=str(number), at=now, now=now)
    first = list_activities(session, actor, account, limit=2)
    second = list_activities(session, actor, account, cursor=first.older, limit=2)
    third = list_activities(session, actor, account, cursor=second.older, limit=2)
    assert [a.subject for page in (first, second, third) for a, _name in page.items] == [
        "4",
        "3",
        "2",
        "1",
        "0",
    ]
    assert third.older is None


def test_a_task_is_told_by_who_finished_it_where_one_may_know(session, sal, mara, pia):
    lead, now = make_lead(session, owner=pia), clock.now()
    task = log_activity(session, actor_of(session, pia), lead, kind="task", subject="Call", now=now)
    assert [row.who for row in planned(session, actor_of(session, pia), lead)] == ["Pia"]
    finish_activity(session, actor_of(session, mara), task.ref, now=now)
    assert told(timeline(session, actor_of(session, sal), lead)) == ["Mara finished a task"]
    assert told(timeline(session, actor_of(session, pia), lead)) == ["Finished a task"]


def test_statuses_are_called_in_the_language_of_the_reader(session, mara):
    lead, actor = make_lead(session), actor_of(session, mara)
    changes = {"status": ("New", "Ours alone")}
    record(session, actor, verb="edited", subject=lead, at=clock.now(), changes=changes)
    with force_locale("ca"):
        assert timeline(session, actor, lead).items[0].details == (("Estat", "Nou → Ours alone"),)


def test_what_is_hidden_is_passed_over_however_much_it_is(session, sal, mara, vic, monkeypatch):
    """A reader of the account and of one of its cases alone, with more than a stretch of what was done on another."""
    monkeypatch.setattr("app.activities.on_page.STRETCH", 3)
    account, now = make_account(session, "Forges", owner=mara), clock.now()
    seen, hidden = (make_case(session, account=account, owner=mara) for _ in range(2))
    vic.account_scope = AccountScope.PORTFOLIO
    for record_ in (account, seen):
        share_record(
            session, actor_of(session, mara), record_, {"type": "user", "id": vic.ref}, "read", now=now
        )

    def done(on, days, **more):
        kind = "task" if more else "note"
        at = now - timedelta(days=days)
        log_activity(
            session, actor_of(session, mara), on, kind=kind, subject=f"{days}", at=at, now=now, **more
        )

    for days in range(8):
        done(hidden, days)
        done(hidden, 0, due_at=now + timedelta(hours=1))
    for days in (8, 10):
        done(account, days)
        done(seen, days + 1)
        done(seen, days, due_at=now + timedelta(days=days))
    reader = actor_of(session, vic)
    listed = [activity.subject for activity, _name in list_activities(session, reader, account).items]
    assert listed == ["8", "8", "9", "10", "10", "11"]
    page = timeline(session, reader, account, limit=3)
    further = timeline(session, reader, account, limit=3, cursor=page.older)
    notes = [row.text for row in (*page.items, *further.items) if row.text.isdecimal()]
    assert notes == ["8", "9", "10", "11"]
    assert [row.text for row in planned(session, reader, account)] == ["8", "10"]
    facts = facts_of(session, reader, account)
    assert (facts.last.text, facts.next.text) == ("8", "8")
