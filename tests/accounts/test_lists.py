"""Lists of accounts and contacts: who sees what, filters, search, pages, what they cost, what is taken out."""

import pytest

from app.accounts.contact_operations import create_contact
from app.accounts.filters import parse_account_query, parse_contact_query
from app.accounts.operations import create_account
from app.accounts.queries import count_accounts, list_accounts, list_contacts
from app.identity.models import AccountScope
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.paging import BadCursor
from tests.factories import actor_of, make_account, make_contact, make_user


def names(session, user, given=None, sort="name", **more):
    actor = actor_of(session, user)
    query = parse_account_query(session, actor, given or {}, sort)
    return [row.account.name for row in list_accounts(session, actor, query, **more).items]


def people(session, user, given=None, sort="last_name"):
    actor = actor_of(session, user)
    query = parse_contact_query(session, actor, given or {}, sort)
    return [row.contact.last_name for row in list_contacts(session, actor, query).items]


def add(session, user, **values):
    return create_account(session, actor_of(session, user), values, allow_duplicate=True, now=clock.now())


def test_accounts_come_by_name_without_regard_to_case_and_accents(session, sal):
    for name in ("Zinc", "àlber", "Banc"):
        add(session, sal, name=name)
    assert names(session, sal) == ["àlber", "Banc", "Zinc"]
    assert names(session, sal, sort="-name") == ["Zinc", "Banc", "àlber"]
    assert names(session, sal, sort="-created_at") == ["Banc", "àlber", "Zinc"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("forg", ["Forges"]),
        ("FÒRG", ["Forges"]),
        ("c-77", ["Forges"]),
        ("salt", ["Forges"]),
        ("www.forges.example", ["Forges"]),
        ("forges.ex", ["Forges"]),
        ("marta@puig.ex", ["Marta Puig"]),
        ("+34 972 20 11 00", ["Forges"]),
        ("972201100", ["Forges"]),
        ("orges", []),
        ("%", []),
        ("_orges", []),
        ("'", []),
    ],
)
def test_search_finds_what_begins_with_the_text(session, text, found):
    sal = make_user(session, "Sal", time_zone="Europe/Madrid")
    add(session, sal, name="Forges", account_number="C-770", site="Salt", website="forges.example",
        phone="972 20 11 00", billing_country="ES")  # fmt: skip
    add(session, sal, kind="person", last_name="Puig", first_name="Marta", email="Marta@puig.example")
    add(session, sal, name="Delta")
    assert names(session, sal, {"q": [text]}) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("pui", ["Puig"]),
        ("marta", ["Puig"]),
        ("Marta Pu", ["Puig"]),
        ("puig marta", ["Puig"]),
        ("m@f.ex", ["Puig"]),
        ("x", []),
    ],
)
def test_contacts_are_found_by_either_name(session, sal, text, found):
    actor = actor_of(session, sal)
    create_contact(
        session, actor, {"last_name": "Puig", "first_name": "Marta", "email": "m@f.example"}, now=clock.now()
    )
    create_contact(session, actor, {"last_name": "Vila", "first_name": "Joan"}, now=clock.now())
    assert people(session, sal, {"q": [text]}) == found


def test_filters_narrow_and_any_value_of_one_will_do(session, sal, mara, northwind):
    add(session, sal, name="A", category="customer", industry="Wine", billing_country="ES")
    add(session, sal, name="B", category="prospect", industry="wine", billing_country="FR")
    add(session, mara, name="C", category="customer", industry="Metal")
    assert names(session, sal, {"category": ["customer"]}) == ["A", "C"]
    assert names(session, sal, {"category": ["customer", "prospect"]}) == ["A", "B", "C"]
    assert names(session, sal, {"category": ["customer"], "owner": ["me"]}) == ["A"]
    assert names(session, sal, {"industry": ["WINE"]}) == ["A", "B"]
    assert names(session, sal, {"billing_country": ["Spain", "fr"]}) == ["A", "B"]
    assert names(session, sal, {"partner": ["true"]}) == ["Northwind"]
    assert names(session, sal, {"owner": [mara.ref], "partner": ["false"]}) == ["C"]


def test_an_unknown_filter_or_sort_names_the_known_ones(session, sal):
    for given, sort in (({"shoe_size": ["43"]}, "name"), ({}, "shoe_size")):
        with pytest.raises(Invalid) as refused:
            names(session, sal, given, sort)
        [messages] = refused.value.errors.values()
        assert "name" in str(messages[0])


def test_pages_go_on_and_back_without_a_gap(session, sal):
    for number in range(7):
        add(session, sal, name=f"Account {number}")
    actor = actor_of(session, sal)
    query = parse_account_query(session, actor, {}, "name")

    def page(cursor=None):
        found = list_accounts(session, actor, query, cursor=cursor, limit=3)
        return [row.account.name[-1] for row in found.items], found

    first, one = page()
    second, two = page(one.older)
    third, three = page(two.older)
    assert (first, second, third) == (["0", "1", "2"], ["3", "4", "5"], ["6"])
    assert (one.newer, three.older) == (None, None)
    back, again = page(three.newer)
    assert back == second
    assert page(again.newer)[0] == first
    assert page(again.newer)[1].newer is None


def test_a_cursor_fits_only_its_list_and_its_person(session, sal, mara):
    for number in range(3):
        add(session, sal, name=f"Account {number}")
    actor = actor_of(session, sal)
    query = parse_account_query(session, actor, {}, "name")
    older = list_accounts(session, actor, query, limit=1).older
    other_list = parse_account_query(session, actor, {"owner": ["me"]}, "name")
    with pytest.raises(BadCursor):
        list_accounts(session, actor, other_list, cursor=older)
    with pytest.raises(BadCursor):
        list_accounts(session, actor_of(session, mara), query, cursor=older)


def test_a_cursor_that_is_none_answers_400(signed_in, sal):
    assert signed_in(sal).get("/accounts?cursor=abc").status_code == 400
    assert signed_in(sal).get("/contacts?cursor=%00").status_code == 400


def test_counts_stop_at_their_cap(session, sal):
    for number in range(5):
        add(session, sal, name=f"Account {number}")
    actor = actor_of(session, sal)
    query = parse_account_query(session, actor, {}, "name")
    assert count_accounts(session, actor, query) == 5
    assert count_accounts(session, actor, query, cap=3) == 4


def test_a_portfolio_holds_what_one_owns_and_answers_for(session, mara):
    pol = make_user(session, "Pol", account_scope=AccountScope.PORTFOLIO)
    own, other = make_account(session, "Own", owner=pol), make_account(session, "Other", owner=mara)
    make_contact(session, "Puig", account=own, owner=mara)
    make_contact(session, "Vila", account=other)
    make_contact(session, "Private", owner=pol)
    assert names(session, pol) == ["Own"]
    assert people(session, pol) == ["Private", "Puig"]
    assert people(session, pol, {"account_id": [other.ref]}) == []


def test_partners_list_what_they_are_given_and_make_none(signed_in, session, pia, sal):
    make_contact(session, "Amada", account=make_account(session, "Acme", owner=sal))
    browser = signed_in(pia)
    for page in ("/accounts", "/contacts", "/accounts/suggest?q=a"):
        text = browser.get(page).get_data(as_text=True)
        assert "Acme" not in text
        assert "Amada" not in text
    for page in ("/accounts/new", "/contacts/new", "/accounts/deleted"):
        assert browser.get(page).status_code == 403


def test_suggestions_hold_what_one_may_see(signed_in, session, sal, mara):
    make_account(session, "Forges", owner=mara, site="Girona")
    pol = make_user(session, "Pol", account_scope=AccountScope.PORTFOLIO)
    assert 'value="Forges"' in signed_in(sal).get("/accounts/suggest?parent_id=for").get_data(as_text=True)
    assert "Forges" not in signed_in(pol).get("/accounts/suggest?parent_id=for").get_data(as_text=True)
    assert "option" not in signed_in(sal).get("/accounts/suggest").get_data(as_text=True)


@pytest.mark.parametrize("path", ["/accounts", "/contacts"])
def test_a_list_costs_the_same_for_three_rows_and_thirty(signed_in, session, count_queries, sal, mara, path):
    def cost():
        browser = signed_in(sal)
        with count_queries() as queries:
            assert browser.get(path).status_code == 200
        return queries

    def fill(number):
        for n in range(number):
            account = make_account(session, owner=make_user(session))
            make_contact(session, f"Puig {n}", account=account)

    fill(3)
    few = cost()
    fill(27)
    many = cost()
    assert len(few) == len(many), f"{few}\n--\n{many}"
    assert len(many) <= 12, many


def test_a_record_page_costs_the_same_for_few_and_many_relations(
    signed_in, session, count_queries, sal, mara
):
    small, large = make_account(session, "Small", owner=mara), make_account(session, "Large", owner=mara)
    for account, number in ((small, 1), (large, 20)):
        for n in range(number):
            make_contact(session, f"Puig {n}", account=account)
            make_account(session, f"Child {n}", owner=mara, parent_id=account.id)
    browser = signed_in(mara)
    browser.get("/accounts")  # the one that renews the session
    costs = []
    for account in (small, large):
        with count_queries() as queries:
            assert browser.get(f"/accounts/{account.ref}").status_code == 200
        costs.append(queries)
    assert len(costs[0]) == len(costs[1]), f"{costs[0]}\n--\n{costs[1]}"
    assert len(costs[1]) <= 32, costs[1]
