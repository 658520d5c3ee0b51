"""Combined filters: written in the address, put together without JavaScript, said as a sentence, true to the language."""

import re
from dataclasses import replace

import pytest

from app.identity.models import AccountScope
from app.kernel.actor import Level
from app.kernel.errors import Invalid
from app.lists.catalogue import objects
from app.lists.filter_text import read_filter, write_filter
from app.lists.found import list_ids
from app.lists.page import count_text
from app.lists.query import parse_list
from app.lists.rows import count_near, count_rows, list_rows
from tests.factories import actor_of, make_account, make_contact, make_lead, make_queue, make_user


def names(session, user, thing="account", sort="", **given):
    actor = actor_of(session, user)
    query = parse_list(session, actor, objects()[thing], {k: [v] for k, v in given.items()}, sort=sort)
    page = list_rows(session, actor, query, [query.fields["name"]])
    assert count_rows(session, actor, query) == len(page.items)
    return [row.cells["name"] for row in page.items]


@pytest.fixture
def accounts(session, sal, mara):
    make_account(session, "Alder", owner=sal, industry="Retail", employees=700, billing_country="ES")
    make_account(session, "Birch", owner=sal, industry="retail", employees=20, billing_country="FR")
    make_account(session, "Cedar", owner=mara, industry="Metal", employees=900, billing_country="ES")
    make_account(session, "Dogwood", owner=mara, industry=None, employees=None, category="customer")
    session.commit()


FOUND = (
    ("industry.equals:RETAIL", "AB"),
    ("any(industry.equals:Metal,employees.lt:100)", "BC"),
    ("all(owner.equals:me,not(billing_country.equals:Spain))", "B"),
    # Empty values: what is not equal holds for them, what is not over a number too.
    ("industry.not_equals:Retail", "CD"),
    ("not(employees.gt:100)", "BD"),
    ("industry.is_empty", "D"),
    ("industry.in:Metal;retail", "ABC"),
    ("industry.not_in:Metal;retail", "D"),
    ("name.contains:ED", "C"),
    ("name.starts_with:bi", "B"),
    ("all()", "ABCD"),
    ('{"any": [{"field": "employees", "op": "gte", "value": 900}, {"field": "category", "op": "equals", "value": "customer"}]}', "CD"),
    ("created_at.gte:-1d", "ABCD"),
    ("created_at.lt:-1d", ""),
    ("partner.equals:true", ""),
    ("tag.is_empty", "ABCD"),
    ("no_activity_days.gte:60", "ABCD"),
    ("has_open_task.equals:true", ""),
    ("not(has_open_task.equals:true)", "ABCD"),
)  # fmt: skip


def test_a_filter_finds_what_the_language_says(session, accounts, sal):
    for text, found in FOUND:
        assert "".join(name[0] for name in names(session, sal, filter=text)) == found, text


def test_filters_by_name_and_a_combined_one_hold_together(session, accounts, sal):
    assert names(session, sal, owner="me", filter="employees.gt:100") == ["Alder"]
    assert names(session, sal, industry="retail", sort="-name") == ["Birch", "Alder"]


def test_contacts_are_found_by_their_account(session, accounts, sal):
    account = make_account(session, "Elm", owner=sal, industry="Wine")
    make_contact(session, "Puig", account=account, owner=sal, first_name="Marta")
    make_contact(session, "Vila", owner=sal)
    assert names(session, sal, "contact", filter="account_industry.equals:wine") == ["Marta Puig"]
    assert names(session, sal, "contact", filter=f"account_id.equals:{account.ref}") == ["Marta Puig"]


def test_a_filter_reads_as_it_was_written():
    for text in (
        'any(industry.equals:Retail,all(employees.gte:500,not(tag.in:VIP;"A, B")))',
        'name.equals:"say ""hi"""',
        "owner.equals:me",
    ):
        assert write_filter(read_filter(text)) == text


SENSELESS = (
    "any(", "industry", "shoe.equals:4", "industry.like:x", "employees.gt:many", "any()", "x" * 5000,
    "category.gt:customer", "no_activity_days.gte:0", "no_activity_days.equals:4", "all(" * 30 + "a.is_empty" + ")" * 30, "created_at.gte:yesterday",
)  # fmt: skip


@pytest.mark.databases("sqlite")
def test_a_filter_that_makes_no_sense_is_refused(session, sal):
    for text in SENSELESS:
        with pytest.raises(Invalid):
            names(session, sal, filter=text)


def test_the_page_says_what_is_wrong_and_shows_the_rest(signed_in, accounts, sal):
    answer = signed_in(sal).get("/accounts?filter=employees.gt:many")
    assert answer.status_code == 422
    assert "This must be a number" in answer.get_data(as_text=True)


def test_chips_read_as_a_sentence_and_go_one_by_one(signed_in, accounts, sal):
    page = signed_in(sal).get(
        "/accounts?owner=me&filter=all(any(industry.equals:Retail,employees.gte:500),created_at.gte:-30d)"
    ).get_data(as_text=True)  # fmt: skip
    for words in (
        "owner is me",
        "industry is Retail or employees at least 500",
        "created on or after 30 days ago",
    ):
        assert words in page
    assert 'href="/accounts?owner=me&amp;filter=created_at.gte:-30d"' in page
    nothing = signed_in(sal).get("/accounts?industry=Wine&owner=me").get_data(as_text=True)
    assert "Nothing matches these filters" in nothing


def test_a_filter_is_put_together_without_javascript(signed_in, accounts, sal):
    browser = signed_in(sal)
    page = browser.get("/lists/account/filter?owner=me").get_data(as_text=True)
    headings = re.findall(r'<optgroup label="([^"]+)"', page)[:7]
    assert headings == [
        "Essentials",
        "Billing address",
        "Shipping address",
        "More",
        "Dates",
        "People",
        "Related",
    ]
    assert 'value="me" selected' in page
    row = "&field=industry&op=equals&value=Metal&group=1&field=employees&op=gt&value=100&group=1"
    more = browser.get(
        f"/lists/account/filter?join=all&join=any&field=owner&op=equals&value=me&group=0{row}&add=1"
    )
    assert more.get_data(as_text=True).count('name="field"') == 4
    done = browser.get(
        f"/lists/account/filter?join=all&join=any&field=owner&op=equals&value=me&group=0{row}&do=show"
    )
    assert done.location == (
        "/accounts?filter=all(owner.equals:me,any(industry.equals:Metal,employees.gt:100))"
    )
    again = browser.get("/lists/account/filter?" + done.location.partition("?")[2]).get_data(as_text=True)
    assert again.count('name="field"') == 3
    wrong = browser.get("/lists/account/filter?join=all&field=employees&op=gt&value=many&group=0&do=show")
    assert wrong.status_code == 422
    assert 'value="many"' in wrong.get_data(as_text=True)


def test_what_a_name_typed_in_a_filter_means(signed_in, session, accounts, sal):
    parent = make_account(session, "Holding", owner=sal)
    session.commit()
    ask = "/lists/account/filter?join=all&field=parent_id&op=equals&group=0&do=show&value="
    assert signed_in(sal).get(ask + "holding").location == f"/accounts?filter=parent_id.equals:{parent.ref}"
    assert signed_in(sal).get(ask + "nobody").status_code == 422


def test_a_hidden_record_is_not_told_by_a_filter(session, mara):
    pol = make_user(session, "Pol", account_scope=AccountScope.PORTFOLIO)
    hidden = make_account(session, "Hidden", owner=mara, industry="Secret")
    make_contact(session, "Mine", account=hidden, owner=pol)
    make_account(session, "Child", owner=pol, parent_id=hidden.id)
    assert names(session, pol, filter=f"parent_id.equals:{hidden.ref}") == []
    assert names(session, pol, "contact", filter="account_industry.equals:Secret") == []


def test_a_count_above_the_cap_says_so(app):
    with app.test_request_context():
        assert (count_text(1000), count_text(1001)) == ("1,000", "1,000+")


def test_what_a_filter_lets_through_is_counted_no_further_than_a_few_thousand(
    session, accounts, sal, monkeypatch
):
    actor = actor_of(session, sal)

    def count(**given):
        query = parse_list(session, actor, objects()["account"], {k: [v] for k, v in given.items()})
        return count_near(session, actor, query)

    assert count(industry="retail") == (2, False)
    monkeypatch.setattr("app.lists.rows.LOOKED_AT", 2)
    assert count(industry="metal") == (0, True)  # the third by name
    assert count() == (4, False)  # nothing is filtered: an index says it
    assert count(q="dogw") == (1, False)  # what a text finds is known by its keys


def test_a_page_has_what_a_text_finds_first_and_everything_else_has_all_of_it(
    signed_in, api, session, sal, monkeypatch
):
    monkeypatch.setattr("app.search.narrowing.MOST", 10)  # entries
    for name in [f"Marlin {number}" for number in range(52)] + ["Marlin Marine", "Plain"]:
        make_account(session, name, owner=sal)
    session.commit()
    browser = signed_in(sal)

    def look(ask):
        page = browser.get(ask).text
        older = re.search(r'href="([^"]+)" rel="next"', page)
        count = re.search(r'<h1[^>]*>.*?class="count">([^<]+)<', page, re.S)[1]
        return count, page.count('id="acct_'), older and older[1].replace("&amp;", "&")

    assert look("/accounts?q=mar") == ("10+", 10, None)
    assert look("/accounts?q=marine")[0] == "1"
    assert 'href="/accounts?q=mar&amp;count=all"' in browser.get("/accounts?q=mar").text
    count, shown, older = look("/accounts?q=mar&count=all")
    assert (count, shown) == ("53", 50)
    assert look(older)[1:] == (3, None)
    form = {"act": "tag", "everything": "1", "p.q": "mar"}
    assert "Tag 53 accounts" in browser.submit("/lists/account/change", form, page="/accounts").text
    assert len(api(sal).get("/api/v1/accounts?q=mar&limit=200").json["items"]) == 53


def test_all_that_a_text_finds_is_found_by_what_one_reads_alone(
    session, northwind, ada, pia, otto, monkeypatch
):
    for number, owner in enumerate((ada, pia, pia, otto)):
        values = {"first_name": "Nora", "last_name": f"Ora{number}", "email": f"nora@ora{number}.example"}
        make_lead(session, owner, company=f"Orange {number}", phone=f"+34 600 123 00{number}", **values)
    waiting = make_queue(session, members=(northwind,))  # pia has previews of its leads, found by no name
    make_lead(session, queue=waiting, company="Orange Waits", first_name="Nora", last_name="Ora")
    session.commit()

    def keys(actor, text):
        query = parse_list(session, actor, objects()["lead"], {"q": [text]})
        query = replace(query, level=Level.PREVIEW)
        return query.finds_more, sorted(found.id for found in list_ids(session, actor, query).items)

    for person in (ada, pia):
        actor = actor_of(session, person)
        for text in (
            "nora",
            "orange nora",
            "ora1",
            "600 123 001",
            "nora@ora2.example",
            "@ora2.example",
            "nil",
        ):
            _more, found = keys(actor, text)
            with monkeypatch.context() as patch:
                patch.setattr("app.search.narrowing.MOST", max(len(found), 1))
                assert keys(actor, text) == (bool(found), found), text
            assert bool(found) == (text != "nil"), text


def test_a_select_above_a_list_shows_few_and_says_where_the_rest_is(signed_in, session, accounts, mara):
    browser = signed_in(mara)
    assert "More with Filter" not in browser.get("/accounts").get_data(as_text=True)
    people = [make_user(session, f"Person {number:02}") for number in range(30)]
    session.commit()
    page = browser.get("/accounts").get_data(as_text=True)
    assert "<option disabled>More with Filter</option>" in page
    last = f'<option value="{people[-1].ref}"'
    assert last not in page
    chosen = browser.get(f"/accounts?owner={people[-1].ref}").get_data(as_text=True)
    assert f"{last} selected>" in chosen, "the one that is chosen is there"
