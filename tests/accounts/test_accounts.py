"""One account: made, with what it must not lack; who may, and what is probably the same."""

import pytest

from app.accounts.errors import ProbableDuplicate
from app.accounts.models import Account, AccountKind
from app.accounts.operations import create_account
from app.identity.models import AccountScope
from app.kernel import clock
from app.kernel.errors import Invalid
from tests.accounts.told import verbs
from tests.factories import actor_of, make_account, make_user, row_count, rows

FORGES = {
    "kind": "business", "name": "Forges del Ter, S.L.", "phone": "972 20 11 00", "website": "www.forges.example",
    "industry": "Manufacturing", "category": "prospect", "site": "Girona", "billing_street": "", "billing_city": "Salt",
    "billing_postal_code": "17190", "billing_state": "", "billing_country": "ES", "employees": "1.250",
    "annual_revenue": "2.500.000,50", "parent_id": "", "external_id": "", "description": "One\r\ntwo",
}  # fmt: skip


def create(browser, **change):
    return browser.submit("/accounts", {**FORGES, **change}, page="/accounts/new")


# Making one


def test_a_new_account_has_its_fields_its_keys_and_an_event(signed_in, session, sal):
    answer = create(signed_in(sal))
    assert answer.status_code == 303
    [account] = rows(session, Account, Account.name == "Forges del Ter, S.L.")
    assert answer.location == f"/accounts/{account.ref}"
    assert (account.employees, account.annual_revenue, account.description) == (1250, 2_500_000.5, "One\ntwo")
    assert (account.name_fold, account.company_key) == ("forges del ter, s.l.", "forges del ter")
    assert (account.domain, account.phone_key) == ("forges.example", "+34972201100")
    assert (account.owner_user_id, account.created_by_id, account.updated_by_id) == (sal.id, sal.id, sal.id)
    assert account.billing_street is None, "an empty value is none"
    assert verbs(session, account) == ["created"]


def test_save_and_new_leads_to_an_empty_form_with_a_link_to_what_was_saved(signed_in, session, sal):
    browser = signed_in(sal)
    answer = create(browser, save_and_new="1")
    assert answer.location == "/accounts/new"
    page = browser.get("/accounts/new").get_data(as_text=True)
    [account] = rows(session, Account)
    assert f"/accounts/{account.ref}" in page
    assert 'value="Forges' not in page


def test_a_person_account_is_called_by_its_parts(signed_in, session, sal):
    values = {"kind": "person", "last_name": "Puig", "first_name": "Marta", "email": "Marta@Puig.example"}
    assert signed_in(sal).submit("/accounts", values, page="/accounts/new").status_code == 303
    [account] = rows(session, Account)
    assert (account.kind, account.name, account.domain) == (AccountKind.PERSON, "Marta Puig", "puig.example")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "   \t"),
        ("name", "x" * 256),
        ("name", "Nul\x00"),
        ("name", "\ud800"),
        ("description", "\udfff"),
        ("employees", "many"),
        ("employees", "-1"),
        ("employees", "1,5"),
        ("annual_revenue", "NaN"),
        ("annual_revenue", "9" * 30),
        ("billing_country", "Atlantis"),
        ("category", "friend"),
        ("website", "javascript:alert(1)"),
        ("website", "two words"),
        ("parent_id", "No such company"),
        ("owner", "user_nobody"),
        ("kind", "robot"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_field(session, sal, field, value):
    with pytest.raises(Invalid) as refused:
        create_account(session, actor_of(session, sal), {"name": "Acme", field: value}, now=clock.now())
    assert field in refused.value.errors
    assert row_count(session, Account) == 0


def test_a_refused_form_comes_back_as_typed(signed_in, session, sal):
    answer = create(signed_in(sal), name="", site="Olot", employees="<b>")
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert 'value="Olot"' in page
    assert "&lt;b&gt;" in page
    assert "Give a value." in page
    assert "Give a number." in page
    assert row_count(session, Account) == 0


@pytest.mark.parametrize(
    "name",
    ["\u202eEvil", "שלום בע״מ", "\u200eMark", "한국 주식회사", "Ñandú & Cía.", "'; DROP TABLE account;--"],
)
def test_names_of_all_the_world_are_kept_and_shown(signed_in, session, sal, name):
    browser = signed_in(sal)
    answer = create(browser, name=name)
    assert answer.status_code == 303
    assert browser.get(answer.location).status_code == 200
    assert browser.get("/accounts").status_code == 200


def test_a_field_that_does_not_exist_is_refused(session, sal):
    with pytest.raises(Invalid) as refused:
        create_account(session, actor_of(session, sal), {"name": "Acme", "shoe_size": 43}, now=clock.now())
    assert list(refused.value.errors) == ["shoe_size"]


def test_business_accounts_have_no_fields_of_persons(session, sal):
    with pytest.raises(Invalid):
        create_account(session, actor_of(session, sal), {"name": "Acme", "first_name": "Jo"}, now=clock.now())


def test_an_external_id_belongs_to_one_account(session, sal):
    actor, now = actor_of(session, sal), clock.now()
    create_account(session, actor, {"name": "One", "external_id": "A-1"}, now=now)
    with pytest.raises(Invalid) as refused:
        create_account(session, actor, {"name": "Two", "external_id": "A-1"}, now=now)
    assert "external_id" in refused.value.errors


@pytest.mark.parametrize("who", ["vic", "pia"])
def test_viewers_and_partners_make_no_accounts(request, signed_in, session, who):
    browser = signed_in(request.getfixturevalue(who))
    before = row_count(session, Account)
    assert browser.get("/accounts/new").status_code == 403
    assert browser.submit("/accounts", FORGES, page="/profile").status_code == 403
    assert row_count(session, Account) == before


# Probable duplicates


@pytest.mark.parametrize(
    ("again", "reason"),
    [
        ({"name": "FORGES DEL TER SA"}, "name"),
        ({"name": "Other", "website": "https://forges.example/contact"}, "domain"),
        ({"name": "Other", "phone": "+34 972 20 11 00"}, "phone"),
    ],
)
def test_a_probable_duplicate_is_shown_before_it_is_saved(session, sal, again, reason):
    actor, now = actor_of(session, sal), clock.now()
    first = {"name": "Forges del Ter", "website": "www.forges.example", "phone": "+34972201100"}
    account = create_account(session, actor, first, now=now)
    with pytest.raises(ProbableDuplicate) as doubt:
        create_account(session, actor, again, now=now)
    assert [(m.ref, m.reasons) for m in doubt.value.matches] == [(account.ref, (reason,))]
    assert doubt.value.details["matches"] == [{"type": "account", "id": account.ref, "reasons": [reason]}]
    create_account(session, actor, again, allow_duplicate=True, now=now)
    assert row_count(session, Account) == 2


def test_the_page_shows_the_match_and_saves_all_the_same(signed_in, session, sal):
    browser = signed_in(sal)
    create(browser)
    answer = create(browser, name="Forges del Ter")
    assert answer.status_code == 409
    page = answer.get_data(as_text=True)
    assert "same name" in page
    assert 'value="Forges del Ter"' in page
    assert create(browser, name="Forges del Ter", allow_duplicate="1").status_code == 303


def test_a_duplicate_one_may_not_see_is_not_told(session, ada):
    make_account(session, "Forges del Ter")
    pol = make_user(session, "Pol", account_scope=AccountScope.PORTFOLIO)
    create_account(session, actor_of(session, pol), {"name": "Forges del Ter"}, now=clock.now())
    assert row_count(session, Account) == 2


def test_free_mail_is_nobodys_company(session, sal):
    actor, now = actor_of(session, sal), clock.now()
    for name, email in (("Puig", "a@gmail.com"), ("Vila", "b@gmail.com")):  # neither is refused
        create_account(session, actor, {"kind": "person", "last_name": name, "email": email}, now=now)
    assert [account.domain for account in rows(session, Account)] == [None, None]
