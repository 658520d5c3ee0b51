"""Setup > Users: invited, listed, given roles and limits, by those who may."""

import pytest

from app.events.models import Event
from app.identity.models import AccountScope, OneTimeLink, User, UserSession, UserState
from app.identity.operations import create_user, edit_user
from app.kernel import clock
from app.kernel.actor import Role
from app.kernel.db import db, transaction
from app.kernel.errors import Stale
from app.leads.models import Lead
from tests.factories import actor_of, make_lead, make_user, row_count, rows
from tests.identity.letters import last_link, mailed
from tests.people import make_token
from tests.races import together

INVITE = {
    "name": "Nil Roca", "email": "Nil.Roca@Vendor.example", "role": "sales", "account_scope": "all",
    "capacity": "", "language": "ca", "time_zone": "Europe/Madrid",
}  # fmt: skip


def invite(browser, **change):
    return browser.submit("/setup/users", {**INVITE, **change}, page="/setup/users/new")


def edit(browser, user, **change):
    values = {
        "name": user.name, "role": user.role.value, "account_scope": user.account_scope.value, "capacity": "",
        "language": "en", "time_zone": "UTC", "away_on": "", "version": str(user.version),
    }  # fmt: skip
    return browser.agree(f"/setup/users/{user.ref}/edit", {**values, **change})


def test_an_invited_user_gets_a_mail_and_signs_in_by_its_link(signed_in, new_client, session, ada):
    answer = invite(signed_in(ada), capacity="15")
    assert answer.status_code == 303
    [nil] = rows(session, User, User.email_key == "nil.roca@vendor.example")
    assert answer.location == f"/setup/users/{nil.ref}"
    assert (nil.state, nil.role, nil.capacity, nil.language) == (UserState.INVITED, Role.SALES, 15, "ca")
    assert nil.created_by_id == ada.id
    assert mailed(session, nil) == [("invitation", "Nil.Roca@vendor.example", "due")]
    assert [e.verb for e in rows(session, Event, Event.record_id == nil.id)] == ["created", "invited"]
    password = "winds turn before the rain"
    browser = new_client()
    browser.submit(last_link(session, nil), {"password": password, "password_again": password})
    assert browser.get("/profile").status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"email": "mara@vendor.example"},
        {"email": "MARA@VENDOR.EXAMPLE"},
        {"email": "no address"},
        {"email": ""},
        {"email": "a@b\x00.example"},
        {"email": "x" * 400 + "@vendor.example"},
        {"email": "nil@vendor.example\r\nBcc: all@vendor.example"},
        {"name": ""},
        {"name": "x" * 10_000},
        {"role": "manager"},
        {"role": "god"},
        {"account_scope": "half"},
        {"capacity": "-1"},
        {"capacity": "many"},
        {"capacity": "9" * 5000},
        {"time_zone": "Mars/Olympus"},
        {"language": ""},
    ],
)
def test_a_bad_invitation_is_refused_as_typed(signed_in, session, ada, mara, change):
    answer = invite(signed_in(ada), **change)
    assert answer.status_code == 422
    assert row_count(session, User) == 2
    assert row_count(session, OneTimeLink) == 0
    assert "Nil" in answer.text or "name" in change


def test_of_two_who_invite_one_address_at_once_one_is_told_it_is_taken(app, session, ada):
    actor = actor_of(session, ada)

    def create():
        with transaction() as own:
            return create_user(
                own, actor, email="nil@vendor.example", name="Nil", role=Role.SALES, now=clock.now()
            ).id

    answers = together(app, [create] * 3)
    assert sum(isinstance(a, int) for a in answers) == 1
    assert {type(a).__name__ for a in answers if not isinstance(a, int)} == {"AddressTaken"}


@pytest.mark.parametrize("who", ["mara", "sal", "vic", "pia", "pam"])
def test_only_administrators_invite(signed_in, session, request, who):
    user = request.getfixturevalue(who)
    browser = signed_in(user)
    assert browser.get("/setup/users/new").status_code == 403
    before = row_count(session, User)
    assert invite(browser).status_code == 403
    assert row_count(session, User) == before


def test_the_list_filters_and_searches(signed_in, session, ada, mara, pia, northwind):
    make_user(session, "Nil", state=UserState.INVITED)
    browser = signed_in(ada)
    page = browser.get("/setup/users").text
    assert all(name in page for name in ("Ada", "Mara", "Pia", "Nil", "Northwind"))
    for query, there, gone in [
        ("role=user", "Pia", "Nil"),
        ("state=invited", "Nil", "Pia"),
        ("q=NORTH", "Pia", "Nil"),
        ("q=mara", "mara@vendor", "pia@northwind"),
        ("q=%25", "Nothing matches", "pia@northwind"),
        ("role=user&state=invited", "Nothing matches", "pia@northwind"),
    ]:
        page = browser.get(f"/setup/users?{query}").text
        assert there in page, query
        assert f">{gone}<" not in page, query
    assert browser.get("/setup/users?role=god").status_code == 404
    assert browser.get("/setup/users?q=%00").status_code == 200
    assert browser.get("/setup/users?cursor=nonsense").status_code == 400


def test_the_list_pages_by_name_forth_and_back(signed_in, session, ada):
    for number in range(120):
        make_user(session, f"Person {number:03}", role=Role.VIEWER, password=None)
    browser = signed_in(ada)

    def names(page):
        import re

        return re.findall(r">(Person \d{3}|Ada)<", page)

    def link(page, rel):
        import re

        found = re.search(rf'href="([^"]+)" rel="{rel}"', page)
        return found and found.group(1).replace("&amp;", "&")

    first = browser.get("/setup/users").text
    second = browser.get(link(first, "next")).text
    third = browser.get(link(second, "next")).text
    assert len({*names(first), *names(second), *names(third)}) == 121
    assert link(third, "next") is None
    assert names(browser.get(link(third, "prev")).text) == names(second)
    back = browser.get(link(second, "prev")).text
    assert names(back) == names(first)
    assert link(back, "prev") is None


def test_the_list_asks_the_database_the_same_number_of_times_however_long_it_is(
    signed_in, session, ada, northwind, count_queries
):
    browser = signed_in(ada)
    with count_queries() as few:
        browser.get("/setup/users")
    for number in range(30):
        make_user(session, f"Person {number}", partner=northwind, password=None)
    with count_queries() as many:
        browser.get("/setup/users")
    assert len(few) == len(many) <= 8, many


def test_a_user_has_a_page(signed_in, session, ada, pia):
    page = signed_in(ada).get(f"/setup/users/{pia.ref}")
    assert page.status_code == 200
    assert f'data-ref="{pia.ref}"' in page.text
    assert "Northwind" in page.text


def test_an_unknown_user_is_not_there(signed_in, ada):
    browser = signed_in(ada)
    assert browser.get("/setup/users/user_0000000000000000000000").status_code == 404
    assert browser.get("/setup/users/lead_0000000000000000000000").status_code == 404


@pytest.mark.parametrize("who", ["sal", "vic", "pia", "pex"])
def test_others_do_not_see_the_users(signed_in, request, ada, who):
    browser = signed_in(request.getfixturevalue(who))
    assert browser.get("/setup/users").status_code == 403
    assert browser.get(f"/setup/users/{ada.ref}").status_code == 403


def test_role_scope_and_limits_are_changed(signed_in, session, ada, sal):
    browser = signed_in(ada)
    answer = edit(
        browser,
        sal,
        role="viewer",
        account_scope="portfolio",
        capacity="7",
        away_on="2100-05-01",
        name="Salva",
    )
    assert answer.status_code == 303
    assert (sal.role, sal.account_scope, sal.capacity, sal.name) == (
        Role.VIEWER,
        AccountScope.PORTFOLIO,
        7,
        "Salva",
    )
    assert sal.away_until.isoformat() == "2100-05-02T00:00:00+00:00"
    assert rows(session, Event)[-1].changes["role"] == ["sales", "viewer"]
    assert edit(browser, sal).status_code == 303
    assert (sal.capacity, sal.away_until) == (None, None)


def test_a_lowered_role_counts_on_the_next_request(signed_in, session, ada, mara):
    browser = signed_in(mara)
    assert browser.get("/setup/users").status_code == 200
    assert edit(signed_in(ada), mara, role="sales").status_code == 303
    assert browser.get("/setup/users").status_code == 403


def test_a_channel_manager_changes_partner_users_and_nobody_else(signed_in, session, mara, sal, pia):
    browser = signed_in(mara)
    assert edit(browser, pia, role="manager", capacity="3").status_code == 303
    assert (pia.role, pia.capacity) == (Role.MANAGER, 3)
    assert browser.get(f"/setup/users/{sal.ref}/edit").status_code == 403
    assert edit(browser, sal, role="administrator").status_code == 403
    assert sal.role is Role.SALES


def test_a_channel_manager_with_a_portfolio_changes_its_partner_users_alone(
    signed_in, session, mara, pia, northwind
):
    other = make_user(session, "Marc", role=Role.CHANNEL_MANAGER, account_scope=AccountScope.PORTFOLIO)
    browser = signed_in(other)
    assert browser.get(f"/setup/users/{pia.ref}/edit").status_code == 403
    assert edit(browser, pia, role="manager").status_code == 403
    leave = browser.submit(f"/setup/users/{pia.ref}/deactivate", {"open_records": "keep"}, page="/profile")
    assert leave.status_code == 403
    assert (pia.role, pia.state) == (Role.USER, UserState.ACTIVE)
    mara.account_scope = AccountScope.PORTFOLIO
    assert edit(signed_in(mara), pia, role="manager").status_code == 303


@pytest.mark.parametrize("role", ["sales", "administrator", "god", ""])
def test_a_partner_user_never_gets_an_internal_role(signed_in, session, mara, pia, role):
    assert edit(signed_in(mara), pia, role=role).status_code == 422
    assert pia.role is Role.USER


def test_a_change_of_role_changes_the_rank_on_the_leads(signed_in, session, mara, pia, pam, otto):
    mine, done = make_lead(session, owner=pia), make_lead(session, owner=pia, status="unqualified")
    pams, ottos = make_lead(session, owner=pam), make_lead(session, owner=otto)
    edit(signed_in(mara), pia, role="executive")
    assert [x.owner_rank for x in (mine, done, pams, ottos)] == [2, 2, 1, 0]
    seen = {lead.id for lead in rows(session, Lead)}
    assert len(seen) == 4


def test_the_last_administrator_keeps_the_role(signed_in, session, ada):
    other = make_user(session, "Adrià", role=Role.ADMINISTRATOR)
    browser = signed_in(other)
    other.state = UserState.ACTIVE
    assert edit(browser, ada, role="sales").status_code == 303
    assert edit(browser, ada, role="administrator").status_code == 303
    ada.state = UserState.INVITED
    lone = edit(browser, other, role="sales")
    assert lone.status_code == 409
    assert "own user" in lone.text


def test_two_administrators_cannot_take_each_others_role_at_once(app, session, ada):
    other = make_user(session, "Adrià", role=Role.ADMINISTRATOR)
    pairs = [(actor_of(session, ada), other.id), (actor_of(session, other), ada.id)]

    def demote(actor, user_id):
        with transaction() as own:
            edit_user(own, actor, own.get(User, user_id), {"role": "sales"}, now=clock.now())

    answers = together(app, [lambda a=a, u=u: demote(a, u) for a, u in pairs])
    db.session.expire_all()
    left = rows(session, User, User.role == Role.ADMINISTRATOR)
    assert len(left) == 1, answers


def test_nobody_changes_their_own_role(signed_in, session, ada):
    make_user(session, "Adrià", role=Role.ADMINISTRATOR)
    assert edit(signed_in(ada), ada, role="viewer").status_code == 409
    assert ada.role is Role.ADMINISTRATOR
    assert edit(signed_in(ada), ada, capacity="4").status_code == 303


def test_a_stale_edit_is_refused(signed_in, session, ada, sal):
    browser = signed_in(ada)
    version = sal.version
    edit(browser, sal, capacity="3")
    late = edit(browser, sal, capacity="4", version=str(version))
    assert late.status_code == 409
    assert sal.capacity == 3
    with pytest.raises(Stale):
        edit_user(session, actor_of(session, ada), sal, {"capacity": 4}, now=clock.now(), version=version)


def test_a_deactivated_user_is_not_edited(signed_in, session, ada, sal):
    sal.state = UserState.DEACTIVATED
    assert edit(signed_in(ada), sal, capacity="3").status_code == 409


def test_an_invitation_is_sent_again_to_the_invited_only(signed_in, session, ada, mara, northwind):
    ivo = make_user(session, "Ivo", partner=northwind, state=UserState.INVITED, password=None)
    browser = signed_in(mara)
    url = f"/setup/users/{ivo.ref}/invite"
    assert browser.submit(url, page="/setup/users").status_code == 303
    assert [k for k, *_ in mailed(session, ivo)] == ["invitation"]
    ivo.state = UserState.ACTIVE
    assert browser.submit(url, page="/setup/users").status_code == 409
    nil = make_user(session, "Nil", state=UserState.INVITED, password=None)
    assert browser.submit(f"/setup/users/{nil.ref}/invite", page="/setup/users").status_code == 403


def test_an_administrator_ends_sessions_and_tokens_of_others(signed_in, session, ada, mara, pia):
    theirs, browser = signed_in(pia), signed_in(ada)
    make_token(pia)
    assert signed_in(mara).submit(f"/setup/users/{pia.ref}/sessions/end", page="/profile").status_code == 403
    assert theirs.get("/profile").status_code == 200
    assert browser.submit(f"/setup/users/{pia.ref}/sessions/end", page="/profile").status_code == 303
    assert theirs.get("/profile").status_code == 303
    assert row_count(session, UserSession, UserSession.ended_at.is_(None)) == 2
    from app.identity.models import ApiToken

    [token] = rows(session, ApiToken)
    url = f"/setup/users/{pia.ref}/tokens/{token.ref}/revoke"
    assert signed_in(mara).submit(url, page="/profile").status_code == 403
    assert browser.submit(url, page="/profile").status_code == 303
    assert token.revoked_at is not None
