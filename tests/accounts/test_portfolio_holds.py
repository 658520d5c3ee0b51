"""Somebody whose account scope is their portfolio sees what they own and answer for, and nothing else, by any way in."""

from datetime import timedelta

import pytest

from app.accounts.contact_operations import edit_contact
from app.accounts.models import Account
from app.accounts.operations import edit_account
from app.activities.operations import log_activity
from app.identity.models import AccountScope
from app.identity.organisation import edit_organisation
from app.kernel import clock
from app.kernel.actor import Role
from app.kernel.db import transaction
from app.routing.models import Queue
from tests.accounts.hanging import interest, make_answerable, make_area, relate
from tests.factories import actor_of, make_account, make_contact, make_lead, make_partner, make_user, rows
from tests.lists.test_exports import read, take_out

pytestmark = pytest.mark.databases("sqlite")

# Pages that list or find records, with a part that can hold names.
PAGES = (
    "/accounts", "/contacts", "/leads", "/cases", "/documents", "/search?q=Zq", "/search?q=Zqhid", "/accounts/suggest?q=Zq",
    "/accounts?interest=Bikes", "/accounts?q=Zq", "/contacts?q=Zq", "/", "/accounts/{seen}", "/accounts/{seen}/relations",
    "/contacts/{person}",
)  # fmt: skip
CALLS = (
    "/accounts", "/contacts", "/leads", "/cases", "/accounts?q=Zq", "/contacts?q=Zq", "/accounts?interest=Bikes",
    "/accounts?related_to={hidden}", "/accounts?below={hidden}", "/contacts?account_id={hidden}", "/events",
    "/accounts/{seen}/relationships", "/accounts/{seen}/interests", "/accounts/{seen}/activities", "/accounts/{seen}/responsibles",
)  # fmt: skip
NOT_THERE = (
    "/accounts/{hidden}", "/accounts/{hidden}/relationships", "/accounts/{hidden}/interests", "/accounts/{hidden}/responsibles",
    "/accounts/{hidden}/activities", "/contacts/{stranger}", "/leads/{lead}", "/leads/{partner_lead}",
)  # fmt: skip


@pytest.fixture
def world(session, mara, ada):
    """Mara owns one account, answers for another and for a partner; everything else is Ada's."""
    now = clock.now() - timedelta(hours=1)
    ada_ = actor_of(session, ada)
    area = make_area(session, "Bikes")
    own = make_account(session, "Zqseen Own", owner=mara)
    held = make_account(session, "Zqseen Held", owner=ada, parent_id=own.id)
    hidden = make_account(
        session, "Zqhidden", owner=ada, parent_id=held.id, website="https://zqhidden.example"
    )
    seen_partner = make_partner(session, "Zqseen Partner", owner=ada)
    other_partner = make_partner(session, "Zqhidden Partner", owner=ada)
    make_answerable(session, held, mara, "Support")
    make_answerable(session, _account(session, seen_partner), mara)
    person = make_contact(session, "Zqseen", account=held, owner=ada)
    stranger = make_contact(session, "Zqhidden", account=hidden, owner=ada)
    make_contact(session, "Zqhidden Lonely", owner=ada)
    for account in (own, held, hidden):
        interest(session, account, area, need=f"{account.name} need")
    relate(session, hidden, held)
    relate(session, own, held, "Competitor of")
    for record in (hidden, stranger, person):
        log_activity(
            session, ada_, record, kind="call", subject=f"{getattr(record, 'name', record.ref)} rang", now=now
        )
    seen_user = make_user(session, "Zqseen Pia", partner=seen_partner)
    other_user = make_user(session, "Zqhidden Otto", partner=other_partner)
    make_lead(session, company="Zqseen Lead", owner=seen_user)
    make_lead(session, company="Zqseen Mine", owner=mara)
    lead = make_lead(session, company="Zqhidden Lead", owner=ada)
    partner_lead = make_lead(session, company="Zqhidden Theirs", owner=other_user)
    make_lead(session, company="Zqhidden Waiting", queue=session.get_one(Queue, other_partner.queue_id))
    mara.account_scope = AccountScope.PORTFOLIO
    session.commit()
    return {
        "seen": held.ref, "hidden": hidden.ref, "person": person.ref, "stranger": stranger.ref, "lead": lead.ref,
        "partner_lead": partner_lead.ref,
    }  # fmt: skip


def _account(session, partner):
    return rows(session, Account, Account.id == partner.account_id)[0]


def test_a_portfolio_holds_everywhere(session, signed_in, api, world, mara, ada):
    browser, call = signed_in(mara), api(mara)
    told = []
    for page in PAGES:
        answer = browser.get(page.format(**world))
        assert answer.status_code in (200, 302), page
        told += [page] * ("Zqhidden" in answer.get_data(as_text=True))
    for path in CALLS:
        answer = call.get(path.format(**world))
        assert answer.status_code == 200, path
        told += [path] * ("Zqhidden" in answer.text)
    for path in NOT_THERE:
        told += [path] * (call.get(path.format(**world)).status_code != 404)
    assert told == []
    names = {i["name"] for i in call.get("/accounts").json["items"]}
    assert names == {"Zqseen Own", "Zqseen Held", "Zqseen Partner"}
    assert {i["company"] for i in call.get("/leads").json["items"]} == {"Zqseen Lead", "Zqseen Mine"}
    assert [i["last_name"] for i in call.get("/contacts").json["items"]] == ["Zqseen"]
    [related] = call.get(f"/accounts/{world['seen']}/relationships").json["items"]
    assert related["account"]["name"] == "Zqseen Own"
    # And all of it is there for somebody whose scope is all.
    everything = {i["name"] for i in api(ada).get("/accounts").json["items"]}
    assert everything == names | {"Zqhidden", "Zqhidden Partner"}
    # A default that is wider or narrower changes nothing for her.
    private = {"account": {"internal": "private", "external": "private"}}
    edit_organisation(session, actor_of(session, ada), {"defaults": private}, now=clock.now())
    session.commit()
    assert {i["name"] for i in call.get("/accounts").json["items"]} == names


def test_a_file_of_a_list_holds_the_portfolio_too(signed_in, world, mara):
    browser = signed_in(mara)
    found = {row["name"] for row in read(browser, take_out(browser))}
    assert found == {"Zqseen Own", "Zqseen Held", "Zqseen Partner"}


def test_a_reference_that_the_editor_does_not_see_stays(session, ada):
    """A form shows it as empty; sent back so, it takes nothing away, and the contact stays with its account."""
    pol = make_user(session, "Pol", role=Role.SALES)
    pol.account_scope = AccountScope.PORTFOLIO
    hidden = make_account(session, name="Hidden", owner=ada)
    contact = make_contact(session, account=hidden, owner=pol, title="Buyer")
    own = make_account(session, name="Own", owner=pol)
    own.parent_id = hidden.id
    session.commit()
    refs = contact.ref, own.ref
    actor = actor_of(session, pol)
    with transaction() as changing:
        edit_contact(
            changing, actor, refs[0], {"title": "Head of buying", "account_id": None}, now=clock.now()
        )
        edit_account(changing, actor, refs[1], {"parent_id": None, "site": "North"}, now=clock.now())
    session.expire_all()
    assert (contact.account_id, contact.title) == (hidden.id, "Head of buying")
    assert (own.parent_id, own.site) == (hidden.id, "North")
