"""What hangs on an account, on its pages: shown in short, changed on a page of its own."""

import pytest

from app.accounts.models import Account, AccountKind, Contact
from app.accounts.relations.models import AccountCharacteristic, AccountInterest, AccountRelationship
from app.accounts.relations.relationships import relationships_of
from app.care.merging import merge_records
from app.identity.models import AccountScope
from app.kernel import clock
from tests.accounts.hanging import interest, make_answerable, make_area, make_type, reason_named, relate
from tests.factories import actor_of, make_account, make_contact, rows

pytestmark = pytest.mark.databases("sqlite")


def test_the_story_of_an_account_that_becomes_known(signed_in, session, sal, ada):
    forge = make_account(session, "Forges", owner=sal)
    make_account(session, "Mina Nord", owner=ada)
    make_account(session, "Mina Sud", owner=ada)
    bikes = make_area(session, "Bikes")
    road = make_area(session, "Road", below=bikes)
    make_type(session, "Fleet", "Small", "Large")
    session.commit()
    browser, page = signed_in(sal), f"/accounts/{forge.ref}/relations"
    shown = browser.get(f"/accounts/{forge.ref}").get_data(as_text=True)
    assert f"{page}?add=interest#interests" in shown
    # A relationship: the name can mean two accounts, and what was typed stays.
    reason = reason_named(session, "Supplier of")
    values = {"reason": f"{reason.ref}~", "account_id": "Mina", "note": "Ore", "since_on": "2024-05-01"}
    asked = browser.submit(f"/accounts/{forge.ref}/relationships", values, page=page)
    text = asked.get_data(as_text=True)
    assert asked.status_code == 422
    assert all(part in text for part in ("Mina Nord", "Mina Sud", 'value="Ore"', 'value="2024-05-01"'))
    assert f'selected value="{reason.ref}~"' in text
    values["account_id"] = "Mina Sud"
    assert browser.submit(f"/accounts/{forge.ref}/relationships", values, page=page).status_code == 303
    again = browser.submit(f"/accounts/{forge.ref}/relationships", values, page=page)
    assert (again.status_code, "They are related so already." in again.get_data(as_text=True)) == (409, True)
    # An interest with a need that is met later.
    url = f"/accounts/{forge.ref}/interests"
    bad = browser.submit(url, {"area": road.ref, "interest": "yes", "need": "x" * 2001}, page=page)
    assert (bad.status_code, "x" * 2001 in bad.get_data(as_text=True)) == (422, True)
    browser.submit(url, {"area": road.ref, "interest": "yes", "need": "A lighter frame"}, page=page)
    [held] = rows(session, AccountInterest)
    text = browser.get(f"/accounts/{forge.ref}").get_data(as_text=True)
    assert all(
        part in text
        for part in ("Bikes › Road", "need not yet met", "A lighter frame", "Mina Sud", "Supplied by")
    )
    browser.submit(f"{url}/{held.ref}", {"act": "met"}, page=page)
    assert "Need met" in browser.get(page).get_data(as_text=True)
    assert browser.submit(f"{url}/{held.ref}", {"act": "nonsense"}, page=page).status_code == 404
    # A characteristic.
    type_ = browser.get(page).get_data(as_text=True)
    assert '<option value="Small">Fleet</option>' in type_
    url = f"/accounts/{forge.ref}/characteristics"
    huge = browser.submit(url, {"type": "Fleet", "value": "Huge"}, page=page)
    assert (huge.status_code, 'value="Huge"' in huge.get_data(as_text=True)) == (422, True)
    assert browser.submit(url, {"type": "Fleet", "value": "large"}, page=page).status_code == 303
    # All of it goes again.
    [link], [characteristic] = rows(session, AccountRelationship), rows(session, AccountCharacteristic)
    for path, data in (
        (f"relationships/{link.ref}/remove", {}), (f"characteristics/{characteristic.ref}/remove", {}),
        (f"interests/{held.ref}", {"act": "remove"}),
    ):  # fmt: skip
        assert browser.submit(f"/accounts/{forge.ref}/{path}", data, page=page).status_code == 303
    assert not rows(session, AccountRelationship)
    assert not rows(session, AccountInterest)
    assert "removed Fleet: Large" in browser.get(f"/accounts/{forge.ref}").get_data(as_text=True)


def test_related_lists_count_and_link_to_what_the_reader_sees(signed_in, session, sal, ada, vic):
    forge = make_account(session, "Forges", owner=sal)
    for number in range(8):
        relate(session, make_account(session, f"Other {number}", owner=(sal, ada)[number % 2]), forge)
        make_account(session, f"Branch {number}", owner=(sal, ada)[number % 2], parent_id=forge.id)
    session.commit()
    for person, count in ((vic, "8"), (sal, "4")):
        if person is sal:
            sal.account_scope = AccountScope.PORTFOLIO
            session.commit()
        text = signed_in(person).get(f"/accounts/{forge.ref}").get_data(as_text=True)
        for panel in ("relationships-panel", "children"):
            part = text.partition(f'id="{panel}"')[2].partition("</section>")[0]
            assert f'<span class="count">{count}</span>' in part, (person.name, panel)
            assert part.count("<li>") == min(int(count), 5)
    listed = signed_in(sal).get(f"/accounts?related_to={forge.ref}").get_data(as_text=True)
    assert listed.count("Other ") >= 4
    assert "Other 1" not in listed
    assert "?add=interest" not in signed_in(vic).get(f"/accounts/{forge.ref}").get_data(as_text=True)
    assert signed_in(vic).get(f"/accounts/{forge.ref}/relations").status_code == 200


def test_above_stand_the_accounts_that_the_reader_sees(signed_in, session, sal, ada):
    top = make_account(session, "Group", owner=ada)
    middle = make_account(session, "Holding", owner=sal, parent_id=top.id)
    shop = make_account(session, "Shop", owner=sal, parent_id=middle.id)
    sal.account_scope = AccountScope.PORTFOLIO
    session.commit()
    crumbs = signed_in(ada).get(f"/accounts/{shop.ref}").get_data(as_text=True).partition("<h1")[0]
    assert crumbs.index("Group") < crumbs.index("Holding")
    crumbs = signed_in(sal).get(f"/accounts/{shop.ref}").get_data(as_text=True)
    assert "Holding" in crumbs
    assert "Group" not in crumbs


def test_a_contact_shows_who_reports_to_them(signed_in, session, sal):
    forge = make_account(session, "Forges", owner=sal)
    boss = make_contact(session, "Boss", account=forge)
    for number in range(7):
        make_contact(session, f"Clerk {number}", account=forge, reports_to_id=boss.id)
    session.commit()
    browser = signed_in(sal)
    text = browser.get(f"/contacts/{boss.ref}").get_data(as_text=True)
    part = text.partition('id="reports"')[2].partition("</section>")[0]
    assert '<span class="count">7</span>' in part
    assert part.count("Clerk") == 5
    assert browser.get(f"/contacts?reports_to_id={boss.ref}").get_data(as_text=True).count("Clerk ") >= 7


def test_somebody_answerable_gets_another_role(signed_in, session, sal, vic):
    forge = make_account(session, "Forges", owner=sal)
    held = make_answerable(session, forge, vic, "Support")
    session.commit()
    browser, page = signed_in(sal), f"/accounts/{forge.ref}"
    text = browser.get(page).get_data(as_text=True)
    assert '<option value="Technical contact">' in text, "suggested"
    url = f"{page}/responsibles/{held.ref}/role"
    assert browser.submit(url, {"role": "Mechanic"}, page=page).status_code == 303
    assert "Mechanic" in browser.get(page).get_data(as_text=True)
    assert signed_in(vic).submit(url, {"role": "x"}, page="/").status_code == 403


def test_a_business_becomes_a_person_and_back(signed_in, session, sal):
    forge = make_account(session, "Marta Puig", owner=sal, site="Salt")
    contact = make_contact(session, "Roca", account=forge)
    session.commit()
    browser, page = signed_in(sal), f"/accounts/{forge.ref}/kind"
    values = {"last_name": "Puig", "first_name": "Marta", "email": "m@puig.example", "version": "1"}
    refused = browser.submit(page, values, page=page)
    assert (refused.status_code, "It has contacts" in refused.get_data(as_text=True)) == (409, True)
    assert 'value="m@puig.example"' in refused.get_data(as_text=True)
    browser.submit(f"/contacts/{contact.ref}/delete", {}, page=f"/contacts/{contact.ref}")
    shown = browser.get(page).get_data(as_text=True)
    assert "The site “Salt” is dropped." in shown
    assert 'value="Puig"' in shown
    assert browser.submit(page, {**values, "email": "nonsense"}, page=page).status_code == 422
    assert browser.submit(page, values, page=page).status_code == 303
    assert browser.submit(page, {"name": "Forja", "version": "1"}, page=page).status_code == 409, "stale"
    assert browser.submit(page, {"name": "Forja"}, page=page).status_code == 303
    [account] = rows(session, Account)
    assert (account.kind, account.name) == (AccountKind.BUSINESS, "Forja")
    assert [c.full_name for c in rows(session, Contact, Contact.deleted_at.is_(None))] == ["Marta Puig"]
    shown = browser.get(f"/accounts/{forge.ref}").get_data(as_text=True)
    assert "business → person" in shown.lower()


def test_statements_of_the_page_do_not_grow(signed_in, session, ada, count_queries):
    forge = make_account(session, "Forges", owner=ada)
    browser = signed_in(ada)

    def hang(number):
        area = make_area(session, f"Area {number}")
        interest(session, forge, area, need="x")
        relate(session, forge, make_account(session, f"Other {number}", owner=ada))
        make_account(session, f"Below {number}", owner=ada, parent_id=forge.id)

    def asked(path):
        session.commit()
        browser.get(path)
        with count_queries() as queries:
            assert browser.get(path).status_code == 200
        return len(queries)

    for number in range(7):
        hang(number)
    paths = (f"/accounts/{forge.ref}", f"/accounts/{forge.ref}/relations")
    few = [asked(path) for path in paths]
    for number in range(7, 20):
        hang(number)
    assert [asked(path) for path in paths] == few


def test_a_merge_leaves_each_relationship_once(session, ada):
    """Also those that read the same from both sides, whichever account is older."""
    survivor, rival, loser = (make_account(session, name, owner=ada) for name in ("One", "Rival", "Two"))
    for account in (survivor, loser):
        relate(session, account, rival, "Competitor of")
        relate(session, rival, account)
    relate(session, survivor, loser, "Customer of")
    area = make_area(session, "Bikes")
    for account in (survivor, loser):
        interest(session, account, area)
    session.commit()
    actor = actor_of(session, ada)
    both = [survivor.ref, loser.ref]
    merge_records(session, actor, "account", survivor.ref, both, {}, now=clock.now())
    session.commit()
    seen = [(r.reason, r.other.name) for r in relationships_of(session, actor, survivor)]
    assert sorted(seen) == [("Competitor of", "Rival"), ("Supplied by", "Rival")]
    [link] = [
        r
        for r in rows(session, AccountRelationship)
        if r.reason_id == reason_named(session, "Competitor of").id
    ]
    assert link.account_id < link.other_id
    assert len(rows(session, AccountInterest)) == 1
    assert relationships_of(session, actor, rival)[0].other.id == survivor.id
