"""Search: what is found, of which kinds, by whom; what nobody finds; bad input; what it costs."""

import re

import pytest

from app.care.comparing import compare_some
from app.identity.models import AccountScope
from app.identity.queries import get_organisation
from app.search.quick import first_answer
from tests.factories import actor_of, make_account, make_contact, make_lead, make_queue, open_portal


@pytest.fixture(autouse=True)
def _portal(session):
    open_portal(session)


def text_of(answer):
    return answer.get_data(as_text=True)


def found(answer):
    """Kind → what its rows are called."""
    groups = re.findall(
        r'<section class="card is-flush" id="(\w+)">(.*?)</section>', text_of(answer), re.DOTALL
    )
    return {kind: re.findall(r'<a class="row-link" href="[^"]+">([^<]+)</a>', body) for kind, body in groups}


def search(browser, text):
    return browser.get("/search", query_string={"q": text})


@pytest.fixture
def records(session, mara):
    """A company that is a lead, an account and has a contact."""
    make_lead(
        session, company="Forges del Ter", last_name="Puig", first_name="Marta", email="marta@forges.example",
        phone="+34972201100",
    )  # fmt: skip
    account = make_account(session, "Forges Riera", owner=mara, phone="+34972201100")
    make_contact(
        session, "Puig", account=account, first_name="Pere", email="pere@forges.example", phone="+34972201100"
    )


def test_all_kinds_are_found_and_grouped(signed_in, mara, records):
    browser = signed_in(mara)
    assert found(search(browser, "forg")) == {"lead": ["Forges del Ter"], "account": ["Forges Riera"]}
    assert found(search(browser, "PUIG")) == {"lead": ["Forges del Ter"], "contact": ["Pere Puig"]}


@pytest.mark.parametrize(
    "number", ["+34972201100", "972 201 100", "972-20-11-00", "0034 972 20 11 00", "(972) 201100"]
)
def test_a_phone_number_is_found_in_any_notation(signed_in, session, mara, records, number):
    mara.time_zone = "Europe/Madrid"
    assert set(found(search(signed_in(mara), number))) == {"lead", "account", "contact"}


def test_ten_of_each_and_the_way_to_all(signed_in, session, mara):
    for number in range(12):
        make_lead(session, company=f"Forges {number}")
    answer = search(signed_in(mara), "forges")
    assert len(found(answer)["lead"]) == 10
    assert 'href="/leads?q=forges">Show all in the list' in text_of(answer)


def test_partners_find_their_leads_and_nothing_else(signed_in, session, pia, otto, records, northwind):
    make_lead(session, owner=pia, company="Forges of Pia")
    make_lead(session, owner=otto, company="Forges of Otto")
    make_lead(session, queue=make_queue(session, members=[northwind]), company="Forges waiting")
    assert found(search(signed_in(pia), "forges")) == {"lead": ["Forges of Pia"]}


def test_a_private_contact_is_found_by_its_owner(signed_in, session, sal, mara):
    make_contact(session, "Zyxprivate", owner=sal)
    assert found(search(signed_in(sal), "zyxpriv")) == {"contact": ["Zyxprivate"]}
    assert found(search(signed_in(mara), "zyxpriv")) == {}


def test_a_misspelling_tells_nobody_of_words_that_only_hidden_records_hold(
    signed_in, session, sal, mara, pia, now
):
    sal.account_scope = AccountScope.PORTFOLIO
    for owner in (sal, pia):
        make_lead(session, owner=owner, company="Zyxwerk")
    make_account(session, "Zyxwerkers", owner=sal)
    make_account(session, "Molina", owner=sal)
    make_account(session, "Zyxwerk Industrie", owner=mara)
    compare_some(session, now=now)
    session.commit()
    answer = search(signed_in(pia), "zyxwrek")
    assert (found(answer), "Also found" in text_of(answer)) == ({}, False)
    # What one sees is forgiven all the same, and nothing that holds the word in part.
    assert found(search(signed_in(sal), "zyxwrek")) == {"lead": ["Zyxwerk"]}
    assert found(search(signed_in(sal), "molnia")) == {"account": ["Molina"]}
    everything = found(search(signed_in(mara), "zyxwrek"))
    assert everything == {
        "lead": ["Zyxwerk", "Zyxwerk"], "account": ["Zyxwerk Industrie", "Zyxwerkers"],
    }  # fmt: skip


def test_nothing_asked_and_nothing_found_say_what_to_do(signed_in, mara):
    browser = signed_in(mara)
    assert "What are you looking for?" in text_of(browser.get("/search"))
    assert "Nothing is called “nobody”" in text_of(search(browser, "nobody"))


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "x" * 10_000])
def test_what_cannot_be_searched_for_is_said(signed_in, mara, text):
    assert search(signed_in(mara), text).status_code == 422


@pytest.mark.parametrize(
    "text", ["%", "_", "'", '"', "\\", "*", "\u202eabc", "🤖", "<b>", "' OR 1=1 --", "lead_x", "…"]
)
def test_odd_text_is_only_text(signed_in, session, mara, records, text):
    answer = search(signed_in(mara), text)
    assert answer.status_code == 200
    assert found(answer) == {}
    assert "<b>" not in re.sub(r"<b[ >]|</b>", "", text_of(answer))


def test_the_number_of_statements_does_not_grow(signed_in, session, mara, count_queries):
    browser = signed_in(mara)
    counts = []
    for number in (2, 10):
        for _ in range(number):
            make_lead(session, company="Forges")
            make_contact(session, "Forges", account=make_account(session, "Forges"))
        search(browser, "forges")
        with count_queries() as queries:
            search(browser, "forges")
        counts.append(len(queries))
    assert counts[0] == counts[1], queries
    assert counts[1] <= 15, queries  # three for each of five objects


def test_the_first_answer_is_one_statement(app, session, sal, count_queries):
    account = make_account(session, "Forges Riera", owner=sal)
    make_contact(session, "Riera", first_name="Pere", account=account)
    make_lead(session, company="Riera & Fills", last_name="Riera")
    actor = actor_of(session, sal)
    with app.test_request_context("/"), count_queries() as queries:
        groups = first_answer(session, actor, "RIÉRA", limit=5)
    assert [(group.kind, [hit.name for hit in group.hits]) for group in groups] == [
        ("lead", ["Riera & Fills"]), ("account", ["Forges Riera"]), ("contact", ["Pere Riera"]),
    ]  # fmt: skip
    assert len([query for query in queries if "search_entry" in query]) == 1


@pytest.mark.parametrize("is_given_much", [True, False])
def test_a_partners_first_answer_is_theirs_by_either_way(
    app, session, pia, otto, northwind, monkeypatch, is_given_much
):
    monkeypatch.setattr("app.search.quick.sees_much", lambda *_: is_given_much)
    make_lead(session, owner=otto, company="Forges of Otto", last_name="Forges")
    make_lead(session, queue=make_queue(session, members=[northwind]), company="Forges waiting")
    make_lead(session, owner=pia, company="Forges", first_name="Marta", last_name="Forges", city="Girona")
    make_lead(session, owner=pia, company="Riera", first_name="Pere", last_name="Forges", city=None)

    def names():
        actor = actor_of(session, pia)
        with app.test_request_context("/"):
            groups = first_answer(session, actor, "FORGES", limit=5)
        return {(hit.name, hit.note) for group in groups for hit in group.hits}

    assert names() == {("Forges", "Marta Forges · Girona"), ("Riera", "Pere Forges")}
    get_organisation(session).hidden_fields = ["company", "city"]
    assert names() == {("Marta Forges", ""), ("Pere Forges", "")}
    get_organisation(session).hidden_fields = ["first_name", "last_name"]
    assert names() == {("Forges", "Girona")}
    get_organisation(session).hidden_fields = ["company", "last_name"]
    assert names() == set()
