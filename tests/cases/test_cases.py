"""A case from the call to its end: made, worked on, closed, opened again, deleted, restored; and what pages show."""

import re

import pytest

from app.accounts.operations import delete_account
from app.activities.models import Activity
from app.cases import numbers
from app.cases.models import Case
from app.cases.operations import close_case, create_case, edit_case
from app.events.models import Event
from app.kernel import clock
from app.kernel.errors import InUse, Invalid, NotAllowed
from app.offboarding.plans import plan_user_leaving
from tests.factories import actor_of, make_account, make_case, make_contact, make_user, rows

LEAK = {
    "subject": "The pump leaks",
    "priority": "high",
    "type": "problem",
    "origin": "phone",
    "status": "new",
}


def text(answer):
    return answer.get_data(as_text=True)


def test_a_case_from_a_call_to_its_end(signed_in, session, sal, mara):
    account = make_account(session, "Forges", owner=mara)
    contact = make_contact(session, "Puig", first_name="Marta", account=account)
    browser = signed_in(sal)
    form = text(browser.get(f"/cases/new?contact={contact.ref}"))
    assert 'value="Marta Puig"' in form
    assert 'value="Forges"' in form
    # Choosing the contact is enough: the account is theirs.
    answer = browser.submit(
        "/cases", {**LEAK, "contact_id": "Marta Puig", "account_id": ""}, page="/cases/new"
    )
    [case] = rows(session, Case)
    assert answer.location == f"/cases/{case.ref}"
    assert (case.contact_id, case.account_id, case.owner_user_id) == (contact.id, account.id, sal.id)
    assert re.fullmatch(r"[1-9]\d{7}", case.number)
    for page in (
        f"/accounts/{account.ref}",
        f"/contacts/{contact.ref}",
        f"/cases?q={case.number[:4]}",
        "/search?q=the+pump",
    ):
        assert f"/cases/{case.ref}" in text(browser.get(page)), page
    browser.submit(
        f"/cases/{case.ref}/activities",
        {"kind": "call", "text": "Sends a mechanic"},
        page=f"/cases/{case.ref}",
    )
    [call] = rows(session, Activity)
    assert call.case_id == case.id
    # Closing asks why, and the reason stands on the page and in the timeline.
    assert browser.submit(f"/cases/{case.ref}/close", {"reason": " "}).status_code == 422
    browser.submit(f"/cases/{case.ref}/close", {"reason": "A new gasket.", "status": "closed"})
    [case] = rows(session, Case)
    assert (case.is_open, case.closed_at is not None, case.resolution) == (False, True, "A new gasket.")
    shown = text(browser.get(f"/cases/{case.ref}"))
    assert "closed it: A new gasket." in shown
    assert "Sends a mechanic" in shown
    assert case.ref not in text(browser.get("/cases?open=true&q=the"))
    browser.submit(f"/cases/{case.ref}/reopen", {"reason": "It leaks again."})
    [case] = rows(session, Case)
    assert (case.is_open, case.closed_at, case.resolution) == (True, None, None)
    assert "opened it again: It leaks again." in text(browser.get(f"/cases/{case.ref}"))
    verbs = [event.verb for event in rows(session, Event, Event.record_kind == "case")]
    assert verbs == ["created", "closed", "reopened"]


def test_nothing_typed_is_lost_when_it_is_refused(signed_in, session, sal, mara):
    for name in ("Forges", "Molins"):
        make_contact(session, "Puig", account=make_account(session, name, owner=mara))
    stranger = make_contact(session, "Roca", account=make_account(session, "Serra", owner=mara))
    browser = signed_in(sal)
    answer = browser.submit(
        "/cases",
        {**LEAK, "subject": "", "description": "Long story", "contact_id": "Puig"},
        page="/cases/new",
    )
    assert answer.status_code == 422
    assert "Several contacts can be meant" in text(answer)
    assert "Puig · Forges" in text(answer)
    assert "Long story" in text(answer)
    answer = browser.submit(
        "/cases", {**LEAK, "contact_id": "Roca", "account_id": "Forges"}, page="/cases/new"
    )
    assert "This contact is not of that account." in text(answer)
    answer = browser.submit("/cases", {**LEAK, "contact_id": "Nobody"}, page="/cases/new")
    assert "There is no contact called “Nobody”." in text(answer)
    assert rows(session, Case) == []
    browser.submit("/cases", {**LEAK, "contact_id": stranger.ref}, page="/cases/new")
    [case] = rows(session, Case)
    assert case.contact_id == stranger.id


def test_two_people_editing_lose_nothing(signed_in, session, sal, mara):
    case = make_case(session, "The pump leaks", owner=sal)
    browser = signed_in(sal)
    began = {**LEAK, "priority": "normal", "version": "1", "owner": sal.ref}
    edit_case(
        session,
        actor_of(session, mara),
        case.ref,
        {"priority": "urgent", "subject": "The valve leaks"},
        now=clock.now(),
    )
    session.commit()
    answer = browser.submit(f"/cases/{case.ref}/edit", {**began, "subject": "Both leak"})
    assert answer.status_code == 409
    page = text(answer)
    assert "Mara changed this while you were editing" in page
    assert "The valve leaks" in page
    assert 'value="Both leak"' in page
    assert 'selected value="urgent"' in page  # theirs, for the edit left it alone
    answer = browser.submit(
        f"/cases/{case.ref}/edit", {**began, "subject": "Both leak", "priority": "urgent", "version": "2"}
    )
    assert answer.status_code == 303
    [case] = rows(session, Case)
    assert (case.subject, case.priority, case.priority_rank, case.version) == ("Both leak", "urgent", 3, 3)


def test_a_private_contact_is_not_told_and_not_lost(signed_in, session, sal, mara):
    contact = make_contact(session, "Secret", account=None, owner=mara)
    case = make_case(session, "Between us", contact=contact, owner=mara)
    session.commit()
    browser = signed_in(sal)
    for page in (
        f"/cases/{case.ref}",
        f"/cases/{case.ref}/edit",
        "/cases",
        "/cases?q=between",
        f"/cases/{case.ref}/activities",
    ):
        assert "Between us" in text(browser.get(page))
        assert "Secret" not in text(browser.get(page)), page
    assert case.ref not in text(browser.get(f"/cases?contact_id={contact.ref}"))
    answer = browser.submit(
        f"/cases/{case.ref}/edit", {**LEAK, "contact_id": "", "account_id": "", "version": "1"}
    )
    assert answer.status_code == 303
    [case] = rows(session, Case)
    assert (case.subject, case.contact_id) == ("The pump leaks", contact.id)
    edit_case(session, actor_of(session, mara), case.ref, {"contact_id": None}, now=clock.now())
    assert case.contact_id is None


def test_who_may_do_what(signed_in, session, ada, mara, sal, vic, otto):
    case = make_case(session, owner=mara)
    session.commit()
    assert signed_in(vic).get(f"/cases/{case.ref}").status_code == 200
    assert signed_in(vic).get(f"/cases/{case.ref}/edit").status_code == 403
    assert signed_in(otto).get(f"/cases/{case.ref}").status_code == 403
    assert signed_in(sal).submit(f"/cases/{case.ref}/delete", page="/cases").status_code == 403
    with pytest.raises(NotAllowed):  # it is not Sal's to give away
        edit_case(session, actor_of(session, sal), case.ref, {"owner": ada.ref}, now=clock.now())
    browser = signed_in(mara)
    assert "It can be restored for 30 days" in text(browser.get(f"/cases/{case.ref}/delete"))
    browser.submit(f"/cases/{case.ref}/delete")
    for path in ("", "/edit", "/access", "/activities", "/delete"):
        assert browser.get(f"/cases/{case.ref}{path}").status_code == 404
    assert f"/cases/{case.ref}/restore" in text(browser.get("/cases/deleted"))
    assert browser.submit(f"/cases/{case.ref}/restore", page="/cases").status_code == 303
    assert f"/cases/{case.ref}/restore" not in text(browser.get("/cases/deleted"))
    assert browser.get(f"/cases/{case.ref}").status_code == 200


def test_what_an_account_or_a_leaver_leaves_behind(signed_in, session, ada, mara, sal):
    account = make_account(session, owner=mara)
    leaver = make_user(session, "Leo")
    for status in ("new", "working", "closed"):
        make_case(session, account=account, owner=leaver, status=status)
    session.flush()
    with pytest.raises(InUse) as refused:
        delete_account(session, actor_of(session, ada), account.ref, now=clock.now())
    assert "2 cases are still open" in str(refused.value.message)
    assert plan_user_leaving(session, leaver, now=clock.now()).cases == 2
    session.commit()
    browser = signed_in(ada)
    page = f"/setup/users/{leaver.ref}/deactivate"
    assert "2 open cases" in text(browser.get(page))
    browser.submit(page, {"open_records": "give", "owner": f"user:{sal.ref}"})
    owners = [case.owner_user_id for case in rows(session, Case)]
    assert owners == [sal.id, sal.id, leaver.id]
    told = rows(session, Event, Event.record_kind == "case", Event.verb == "edited")
    assert [event.changes for event in told] == [{"owner": ["Leo", "Sal"]}] * 2


def test_statuses_are_an_administrators(signed_in, session, ada, sal):
    browser = signed_in(ada)
    browser.submit("/setup/case-statuses", {"name": "Solved", "category": "closed"})
    case = make_case(session, owner=sal)
    session.commit()
    actor = actor_of(session, sal)
    closed = close_case(session, actor, case.ref, status="solved", reason="Done", now=clock.now())
    assert (closed.is_open, closed.resolution) == (False, "Done")
    with pytest.raises(Invalid):  # open: it does not close
        close_case(session, actor, make_case(session, owner=sal).ref, status="waiting", now=clock.now())
    with pytest.raises(Invalid):
        create_case(session, actor, {"subject": "x", "status": "nonsense"}, now=clock.now())
    session.commit()
    shown = text(browser.get("/setup/case-statuses"))
    refs = re.findall(r'id="(item_\w+)"', shown)
    refused = browser.submit(
        f"/setup/case-statuses/{refs[-1]}",
        {"name": "Solved", "category": "open"},
        page="/setup/case-statuses",
    )
    assert "it can neither open nor close them" in text(refused)


@pytest.mark.databases("sqlite")
def test_a_list_and_a_related_list_cost_the_same_whatever_there_is(
    signed_in, session, sal, mara, count_queries
):
    account = make_account(session, owner=mara)
    contact = make_contact(session, account=account)
    browser = signed_in(sal)
    counts = []
    for more in (2, 8):
        for _ in range(more):
            make_case(session, contact=contact, status="closed" if _ % 2 else "new")
        session.commit()
        browser.get("/cases")
        found = []
        for page in ("/cases?sort=-priority&open=true", f"/accounts/{account.ref}", "/cases?q=case"):
            with count_queries() as queries:
                assert browser.get(page).status_code == 200
            found.append(len(queries))
        counts.append(found)
    assert all(later <= first for first, later in zip(*counts, strict=True)), counts
    page = text(browser.get(f"/accounts/{account.ref}"))
    assert "Show all 10" in page


def test_a_number_is_found_as_it_is_said():
    assert numbers.read("#4827 1935") == numbers.read("4827-1935") == "48271935"
    assert numbers.read("4827") == "4827"
    assert numbers.read("482") is None
    assert numbers.read("48271") == "48271"
    assert numbers.read("pump 48271935") is None


def test_the_list_is_one_of_the_lists(signed_in, session, sal, mara):
    account = make_account(session, "Forges", owner=mara)
    quiet = make_account(session, "Molins", owner=mara)
    cases = [
        make_case(session, f"Case {n}", account=account, owner=sal, priority=p)
        for n, p in enumerate(("low", "high"))
    ]
    make_case(session, account=quiet, owner=mara, status="closed")
    session.commit()
    browser = signed_in(sal)
    browser.get(f"/cases/{cases[0].ref}")
    assert cases[0].ref in text(browser.get("/cases?view=recent"))
    high = text(browser.get("/cases?priority=high&columns=number,status,account_id&sort=-number"))
    assert cases[1].ref in high
    assert cases[0].ref not in high
    busy = text(browser.get("/accounts?has_open_case=true&columns=has_open_case"))
    assert account.ref in busy
    assert quiet.ref not in busy
    fields = {"act": "owner", "owner": mara.ref, "ref": [case.ref for case in cases]}
    assert browser.submit("/lists/case/change/start", fields, page="/cases").status_code == 303
    owners = {case.owner_user_id for case in rows(session, Case, Case.is_open)}
    assert owners == {mara.id}
