"""Changing many records of a list, and one cell of one: asked first, evaluated in the act, refusals named."""

import re

import pytest

from app.accounts.models import Account, Contact
from app.events.models import Event
from app.identity.models import AccountScope
from app.kernel import clock
from app.kernel.actor import Role
from app.leads.models import Lead
from app.lists import jobs
from app.lists.jobs import run_waiting
from app.lists.models import JobRefusal, ListJob, RecordTag, Tag
from tests.factories import get_status, make_account, make_contact, make_lead, make_user, rows


def start(browser, page="/accounts", thing="account", **fields):
    return browser.submit(f"/lists/{thing}/change/start", fields, page=page)


def test_many_change_owner_with_their_contacts(signed_in, session, sal, mara, ada):
    mine = [make_account(session, f"Mine {n}", owner=sal) for n in range(3)]
    theirs = make_account(session, "Theirs", owner=mara)
    make_contact(session, "Puig", account=mine[0], owner=sal)
    make_contact(session, "Vila", account=mine[0], owner=mara)
    browser = signed_in(sal)
    refs = [account.ref for account in (*mine[:2], theirs)]
    asked = browser.submit("/lists/account/change", {"act": "owner", "ref": refs}, page="/accounts")
    assert "Change the owner of 3 accounts" in asked.get_data(as_text=True)
    answer = start(browser, act="owner", owner=mara.ref, along="1", ref=[*refs, "acct_" + "0" * 22])
    assert answer.status_code == 303
    page = browser.get(answer.location).get_data(as_text=True)
    # Two accounts and one contact; the third is Mara's already, the last one does not exist.
    assert "2 changed · and 1 that went along with them · 1 already so · 1 not changed" in page
    assert {a.name for a in rows(session, Account, Account.owner_user_id == mara.id)} >= {"Mine 0", "Mine 1"}
    assert {c.last_name for c in rows(session, Contact, Contact.owner_user_id == sal.id)} == set()
    [event] = rows(session, Event, Event.verb == "changed_many")
    assert [event.detail[name] for name in ("changed", "along", "refused")] == [2, 1, 1]
    assert signed_in(ada).get(answer.location).status_code == 404  # nobody else's


def test_a_change_is_looked_at_confirmed_and_taken_back(signed_in, session, sal, mara, ada):
    pol = make_user(session, "Pol", account_scope=AccountScope.PORTFOLIO)
    mine = [make_account(session, f"Mine {n}", owner=pol, industry="Retail") for n in range(4)]
    contact = make_contact(session, "Puig", account=mine[0], owner=pol)
    refs = [*(account.ref for account in mine), "acct_" + "0" * 22]
    browser = signed_in(pol)
    form = {"act": "owner", "owner": mara.ref, "along": "1", "ref": refs, "look": "1"}
    asked = browser.submit("/lists/account/change", form, page="/accounts").get_data(as_text=True)
    for words in ("Mara gains", "Pol loses", "and 1 that go along", "1: It does not exist"):
        assert words in asked
    assert {a.owner_user_id for a in rows(session, Account, Account.industry == "Retail")} == {pol.id}
    done = start(browser, **form).location
    assert {a.owner_user_id for a in rows(session, Account, Account.industry == "Retail")} == {mara.id}
    # Meanwhile somebody goes on with one of them.
    start(signed_in(mara), act="field", field="industry", value="Wine", ref=[refs[1]])
    assert signed_in(ada).submit(f"{done}/undo", {}, page="/accounts").status_code == 404
    browser = signed_in(pol)
    assert "Undo" in browser.get(done).get_data(as_text=True)
    back = browser.submit(f"{done}/undo", {}, page="/profile")
    page = browser.get(back.location).get_data(as_text=True)
    assert "3 changed · and 1 that went along with them · 1 not changed" in page
    assert "It has been changed since" in page
    session.expire_all()
    assert [a.owner_user_id for a in rows(session, Account)] == [pol.id, mara.id, pol.id, pol.id]
    assert rows(session, Contact)[0].owner_user_id == contact.owner_user_id == pol.id
    [event] = rows(session, Event, Event.verb == "undone")
    assert event.actor_id == pol.id
    assert browser.submit(f"{done}/undo", {}, page="/profile").status_code == 409


def test_fields_and_tags_are_taken_back_for_a_day(signed_in, session, sal):
    one = make_account(session, "One", owner=sal, industry="Retail", employees=5)
    two = make_account(session, "Two", owner=sal, industry="Wine")
    browser, refs = signed_in(sal), [one.ref, two.ref]
    look = {"act": "field", "field": "industry", "value": "Wine", "ref": refs, "look": "1"}
    asked = browser.submit("/lists/account/change", look, page="/accounts").get_data(as_text=True)
    assert "<b>1</b>" in asked  # the other is so already
    made = [
        start(browser, **look).location,
        start(browser, act="field", field="employees", value="", ref=refs).location,
        start(browser, act="tag", tag="Fair", ref=refs).location,
    ]
    assert [a.employees for a in rows(session, Account)] == [None, None]
    late = rows(session, ListJob)[0]
    late.undo_until = clock.now()
    session.commit()
    answers = [browser.submit(f"{each}/undo", {}, page="/accounts") for each in made]
    assert [answer.status_code for answer in answers] == [409, 303, 303]
    session.expire_all()
    assert (one.industry, one.employees, rows(session, RecordTag)) == ("Wine", 5, [])


def test_many_leads_are_closed_with_one_reason_and_opened_again(signed_in, session, mara):
    leads = [make_lead(session, status=status) for status in ("new", "working")]
    browser, refs = signed_in(mara), [lead.ref for lead in leads]
    change = {"act": "field", "field": "status", "ref": refs}
    asked = browser.submit("/lists/lead/change", change, page="/leads").get_data(as_text=True)
    assert '<option value="unqualified:no_budget"' in asked
    assert '<option value="unqualified"' not in asked
    done = start(browser, "/leads", "lead", **change, value="unqualified:no_budget").location
    assert "2 changed" in browser.get(done).get_data(as_text=True)
    session.expire_all()
    assert {lead.status_id for lead in leads} == {get_status(session, "unqualified").id}
    assert None not in {lead.unqualified_reason_id for lead in leads}
    browser.submit(f"{done}/undo", {}, page="/profile")
    session.expire_all()
    assert [lead.status_id for lead in leads] == [get_status(session, key).id for key in ("new", "working")]
    assert {lead.unqualified_reason_id for lead in leads} == {None}


def test_leads_of_a_wrong_list_are_deleted_at_once_and_brought_back(signed_in, session, mara, sal):
    leads = [make_lead(session, owner=sal, company=f"Wrong {n}") for n in range(3)]
    converted = make_lead(session, owner=sal, company="Wrong 4", status="converted")
    converted.converted_at = clock.now()
    session.commit()
    refs = [lead.ref for lead in (*leads, converted)]
    form = {"act": "delete", "ref": refs}
    browser = signed_in(mara)
    asked = browser.submit("/lists/lead/change", form, page="/leads").get_data(as_text=True)
    for words in ("Will be deleted", "<b>3</b>", "1: It has been converted"):
        assert words in asked, words
    assert all(lead.deleted_at is None for lead in rows(session, Lead))
    done = start(browser, thing="lead", page="/leads", **form).location
    told = browser.get(done).get_data(as_text=True)
    assert "3 deleted · 1 not changed" in told
    assert [browser.get(f"/leads/{ref}").status_code for ref in refs] == [404, 404, 404, 200]
    back = browser.submit(f"{done}/undo", {}, page="/profile")
    assert "3 brought back" in browser.get(back.location).get_data(as_text=True)
    assert {browser.get(f"/leads/{ref}").status_code for ref in refs} == {200}
    # Who may not delete one may not delete many, and is not offered it.
    other = signed_in(sal)
    assert 'value="delete"' not in other.get("/leads").get_data(as_text=True)
    assert other.submit("/lists/lead/change", form, page="/leads").status_code == 403
    assert other.submit("/lists/lead/change/start", form, page="/leads").status_code == 403
    session.expire_all()
    assert all(lead.deleted_at is None for lead in rows(session, Lead))
    # Nor is there a way to delete many of what lists do not delete.
    account = make_account(session, "Stays", owner=mara)
    form = {"act": "delete", "ref": [account.ref]}
    assert signed_in(mara).submit("/lists/account/change/start", form, page="/accounts").status_code == 422


def test_all_that_match_are_asked_for_in_the_act(signed_in, session, sal, mara, monkeypatch):
    monkeypatch.setattr("app.lists.change_run.FIRST", 2)
    monkeypatch.setattr("app.lists.change_views.AT_ONCE", 2)
    for n in range(5):
        make_account(session, f"Shop {n}", owner=mara, industry="Retail")
    make_account(session, "Mill", owner=mara, industry="Metal")
    browser = signed_in(mara)
    fields = {
        "act": "field",
        "field": "category",
        "value": "customer",
        "everything": "1",
        "p.industry": "Retail",
    }
    asked = browser.submit("/lists/account/change", {**fields, "value": ""}, page="/accounts")
    assert "Change a field of 5 accounts" in asked.get_data(as_text=True)
    answer = start(browser, **fields)
    assert rows(session, ListJob)[0].state == "waiting"
    # Meanwhile one leaves the list and one joins it.
    moved = rows(session, Account, Account.name == "Shop 1")[0]
    moved.industry = "Metal"
    rows(session, Account, Account.name == "Mill")[0].industry = "retail"
    session.commit()
    while run_waiting(seconds=0):
        pass
    found = {a.name for a in rows(session, Account, Account.category == "customer")}
    assert found == {"Shop 0", "Shop 2", "Shop 3", "Shop 4", "Mill"}
    assert "5 changed" in browser.get(answer.location).get_data(as_text=True)


def test_a_change_that_is_interrupted_goes_on_and_doubles_nothing(signed_in, session, mara, monkeypatch):
    monkeypatch.setattr("app.lists.change_run.FIRST", 2)
    monkeypatch.setattr("app.lists.change_views.AT_ONCE", 0)
    for n in range(5):
        make_account(session, f"Shop {n}", owner=mara)
    start(signed_in(mara), act="tag", tag="Fair", everything="1", **{"p.owner": "me"})
    run_waiting(seconds=0)
    assert len(rows(session, RecordTag)) == 2
    monkeypatch.setattr(jobs, "_present", {})  # the process is gone, and its lease with it
    rows(session, ListJob)[0].leased_until = mara.created_at
    session.commit()
    while run_waiting(seconds=0):
        pass
    assert len(rows(session, RecordTag)) == 5
    assert len(rows(session, Event, Event.verb == "tagged")) == 5


def test_tags_are_put_on_taken_off_and_found(signed_in, session, sal):
    one, two = make_account(session, "One", owner=sal), make_account(session, "Two", owner=sal)
    browser = signed_in(sal)
    start(browser, act="tag", tag="Trade fair", ref=[one.ref, two.ref])
    start(browser, act="tag", tag="TRADE FAIR", off="1", ref=[two.ref])
    assert [tag.name for tag in rows(session, Tag)] == ["Trade fair"]
    page = browser.get("/accounts?filter=tag.equals:trade fair").get_data(as_text=True)
    assert "it is tagged trade fair" in page
    assert ">One</a>" in page
    assert ">Two</a>" not in page
    assert start(browser, act="tag", tag=" ", ref=[one.ref]).status_code == 422


def test_what_one_may_not_change_is_left_and_named(signed_in, session, mara, vic):
    sue = make_user(session, "Sue", role=Role.SALES)
    other = make_account(session, "Other", owner=mara)
    browser = signed_in(sue)
    start(browser, act="owner", owner=sue.ref, ref=[other.ref])
    [refusal] = rows(session, JobRefusal)
    assert (refusal.record_name, other.owner_user_id) == ("Other", mara.id)
    assert "owner" in refusal.reason
    assert start(signed_in(vic), page="/profile", act="tag", tag="x", ref=[other.ref]).status_code == 403
    start(browser, act="field", field="email", value="no address", ref=[other.ref])
    assert len(rows(session, JobRefusal)) == 2


def test_a_cell_is_changed_in_its_place(signed_in, session, sal, vic):
    account = make_account(session, "Alder", owner=sal, industry="Retail")
    browser, htmx = signed_in(sal), {"HX-Request": "true"}
    address = f"/lists/account/cell/{account.ref}/industry"
    form = browser.get(address, headers=htmx).get_data(as_text=True)
    assert form.startswith('<td class="is-editing"')
    saved = browser.submit(address, {"value": "Wine", "version": "1"}, page=address, headers=htmx)
    assert "Wine" in saved.get_data(as_text=True)
    stale = browser.submit(address, {"value": "Metal", "version": "1"}, page=address)
    assert stale.status_code == 409
    assert "Somebody changed it a moment ago" in stale.get_data(as_text=True)
    assert rows(session, Account)[0].industry == "Wine"
    # Meanwhile somebody changed another field, as routing does by itself: that is no conflict about this one.
    other = f"/lists/account/cell/{account.ref}/employees"
    assert browser.submit(other, {"value": "7", "version": "2"}, page=other).status_code == 303
    asked = {"value": "Wool", "version": "2", "was": "Wine"}
    assert browser.submit(address, asked, page=address, headers=htmx).status_code == 200
    assert browser.submit(address, {**asked, "value": "Silk"}, page=address).status_code == 409
    assert rows(session, Account)[0].industry == "Wool"
    wrong = f"/lists/account/cell/{account.ref}/employees"
    assert browser.submit(wrong, {"value": "many", "version": "4"}, page=wrong).status_code == 422
    assert browser.submit(address, {"value": "Metal", "version": "4"}, page=address).status_code == 303
    assert browser.get(f"/lists/account/cell/{account.ref}/created_at").status_code == 404
    assert browser.get(f"/lists/account/cell/acct_{'0' * 22}/industry").status_code == 404
    assert signed_in(vic).get(address).status_code == 403


def test_a_business_has_no_cells_of_a_person(signed_in, session, sal):
    business = make_account(session, "Forges", owner=sal)
    person = make_account(session, "Puig", owner=sal, kind="person", last_name="Puig")
    page = signed_in(sal).get("/accounts?view=all&columns=mobile,site").text
    rows_of = {
        ref: part.split("</tr>")[0] for ref, part in re.findall(r'<tr id="([^"]+)"(.+?</tr>)', page, re.S)
    }
    opens = {ref: re.findall(r'is-blank" data-label="([^"]+)"', row) for ref, row in rows_of.items()}
    assert opens == {business.ref: ["Site"], person.ref: ["Mobile"]}


@pytest.mark.databases("sqlite")
def test_a_list_costs_the_same_however_long(signed_in, session, count_queries, sal):
    def cost(path):
        browser = signed_in(sal)
        with count_queries() as queries:
            assert browser.get(path).status_code == 200
        return queries

    paths = ("/accounts?filter=any(employees.gt:5,tag.equals:x)&columns=tag,owner,parent_id,partner",
             "/contacts?filter=account_industry.equals:x", "/accounts?view=recent")  # fmt: skip
    make_account(session, "First", owner=sal, employees=9)
    before = [cost(path) for path in paths]
    for n in range(30):
        parent = make_account(session, f"Account {n}", owner=make_user(session), employees=9)
        make_contact(session, f"Puig {n}", account=parent)
    for path, few in zip(paths, before, strict=True):
        many = cost(path)
        assert len(many) <= len(few) + 3, f"{path}: {many}"
        assert len(many) <= 16, many
