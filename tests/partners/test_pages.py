"""The list of partners, a partner's page, a partner's own team: what they say, who sees them, what they cost."""

import re
from datetime import timedelta
from html import unescape

import pytest

from app.accounts.models import Account
from app.activities.operations import log_activity
from app.identity.models import AccountScope, UserState
from app.kernel import clock
from app.kernel.actor import Role
from app.kernel.errors import NotFound
from app.leads.models import Offer
from app.partners.models import PartnerLevel, PartnerState
from app.partners.queries import PartnerFilter, list_partners, open_partner
from app.partners.team import my_team
from app.routing.models import Queue
from tests.factories import actor_of, make_account, make_lead, make_partner, make_user, open_portal, rows


def account_of(session, partner):
    [account] = rows(session, Account, Account.id == partner.account_id)
    return account


def offer(session, user, **overrides):
    lead, now = make_lead(session, owner=user, **overrides), clock.now()
    row = Offer(lead_id=lead.id, user_id=user.id, company_id=user.partner_account_id, made_at=now,
                expires_at=now + timedelta(hours=1))  # fmt: skip
    session.add(row)
    session.flush()
    lead.offer_id, lead.offer_expires_at = row.id, row.expires_at
    session.flush()
    return lead


@pytest.fixture
def busy(session, northwind, pia, pam, pex):
    """Northwind with two leads of Pia, an offer to Pam, one waiting, one closed, one deleted."""
    open_portal(session)
    make_lead(session, owner=pia, last_activity_at=clock.now())
    make_lead(session, owner=pia)
    offer(session, pam)
    make_lead(session, queue=session.get(Queue, northwind.queue_id))
    make_lead(session, owner=pia, status="unqualified")
    make_lead(session, owner=pia, deleted_at=clock.now())
    pex.state = UserState.INVITED
    session.flush()
    return account_of(session, northwind)


def listed(session, user, **wanted):
    return list_partners(session, actor_of(session, user), PartnerFilter(**wanted)).items


def test_the_list_counts_people_leads_offers_and_what_waits(session, mara, busy, southwind):
    north, south = listed(session, mara)
    assert (north.account.name, south.account.name) == ("Northwind", "Southwind")
    figures = north.figures
    assert (figures.users, figures.active_users, figures.open_leads, figures.offers, figures.waiting) == (
        3,
        2,
        3,
        1,
        1,
    )
    assert figures.last_at is not None
    assert (south.figures.open_leads, south.figures.users, south.figures.last_at) == (0, 0, None)
    assert north.manager.name == "Mara"


def test_the_list_narrows_by_name_state_level_and_manager(session, mara, ada, northwind, southwind):
    [gold] = rows(session, PartnerLevel, PartnerLevel.name == "Gold")
    northwind.level_id, southwind.state = gold.id, PartnerState.SUSPENDED
    make_partner(session, "Eastwind", owner=ada)

    def names(**wanted):
        return [row.account.name for row in listed(session, mara, **wanted)]

    assert names() == ["Eastwind", "Northwind", "Southwind"]
    assert names(q="nórth") == ["Northwind"]
    assert names(state=PartnerState.SUSPENDED) == ["Southwind"]
    assert names(level=gold.ref) == ["Northwind"]
    assert names(mine=True) == ["Northwind", "Southwind"]


def test_pages_of_partners_go_on_and_back(session, mara):
    for number in range(5):
        make_partner(session, f"Partner {number}", owner=mara)
    actor, wanted = actor_of(session, mara), PartnerFilter()
    first = list_partners(session, actor, wanted, limit=2)
    second = list_partners(session, actor, wanted, cursor=first.older, limit=2)
    third = list_partners(session, actor, wanted, cursor=second.older, limit=2)
    assert [row.account.name[-1] for page in (first, second, third) for row in page.items] == list("01234")
    back = list_partners(session, actor, wanted, cursor=third.newer, limit=2)
    assert [row.account.name[-1] for row in back.items] == ["2", "3"]


def test_the_page_shows_people_leads_queue_and_what_happened(signed_in, session, mara, pia, busy, northwind):
    lead = make_lead(session, owner=pia, company="Prospect SA")
    log_activity(session, actor_of(session, pia), lead, kind="call", subject="Called", now=clock.now())
    log_activity(
        session, actor_of(session, mara), busy, kind="call", subject="Quarterly review", now=clock.now()
    )
    page = signed_in(mara).get(f"/partners/{busy.ref}").get_data(as_text=True)
    for text in ("Pia", "Pam", "Invited", "Prospect SA", "Quarterly review", "Suspend the partnership"):
        assert text in page
    assert f'data-ref="{busy.ref}"' in page
    offers = re.search(r'href="([^"]+)"><span class="stat-label">(?:(?!</span>).)*Offers not answered', page)
    assert offers
    listed_offers = signed_in(mara).get(unescape(offers[1])).get_data(as_text=True)
    assert listed_offers.count('class="row-link"') == 1  # of the four that are open
    detail = open_partner(session, actor_of(session, mara), busy.ref)
    members = {m.user.name: m for m in detail.members}
    assert (members["Pia"].open_leads, members["Pam"].offers, members["Pex"].open_leads) == (3, 1, 0)
    assert members["Pia"].last_at is not None
    assert members["Pam"].last_at is None


def test_a_call_is_logged_on_the_partners_page_and_leads_back_to_it(signed_in, session, mara, busy):
    browser, page = signed_in(mara), f"/partners/{busy.ref}"
    values = {"kind": "call", "text": "Agreed on ten more", "next": page}
    answer = browser.submit(f"/accounts/{busy.ref}/activities", values, page=page)
    assert answer.location.startswith(f"{page}#act_")
    assert "Agreed on ten more" in browser.get(page).get_data(as_text=True)
    elsewhere = browser.submit(
        f"/accounts/{busy.ref}/activities", {**values, "next": "//evil.example"}, page=page
    )
    assert elsewhere.location.startswith(f"/accounts/{busy.ref}#")


@pytest.mark.parametrize("who", ["sal", "vic", "pia", "pam", "pex", "otto"])
def test_partners_are_there_for_administrators_and_channel_managers_only(
    request, signed_in, northwind, session, who
):
    browser = signed_in(request.getfixturevalue(who))
    ref = account_of(session, northwind).ref
    for page in ("/partners", f"/partners/{ref}", f"/partners/{ref}/edit"):
        assert browser.get(page).status_code == 403
    assert 'href="/partners' not in browser.get("/profile").get_data(as_text=True)


def test_an_account_that_is_no_partner_has_no_partners_page(signed_in, session, mara):
    account = make_account(session, "Plain", owner=mara)
    assert signed_in(mara).get(f"/partners/{account.ref}").status_code == 404


def test_a_portfolio_holds_ones_own_partners(signed_in, session, busy, southwind):
    cam = make_user(session, "Cam", role=Role.CHANNEL_MANAGER, account_scope=AccountScope.PORTFOLIO)
    account_of(session, southwind).owner_user_id = cam.id
    session.flush()
    assert [row.account.name for row in listed(session, cam)] == ["Southwind"]
    with pytest.raises(NotFound):
        open_partner(session, actor_of(session, cam), busy.ref)
    assert signed_in(cam).get(f"/partners/{busy.ref}").status_code == 404


def test_the_list_costs_the_same_for_three_partners_and_thirty(signed_in, session, count_queries, mara):
    open_portal(session)
    browser = signed_in(mara)

    def fill(number):
        for _ in range(number):
            partner = make_partner(session, owner=mara)
            make_lead(session, owner=make_user(session, partner=partner))

    costs = []
    for number in (3, 27):
        fill(number)
        browser.get("/accounts")
        with count_queries() as queries:
            assert browser.get("/partners").status_code == 200
        costs.append(queries)
    assert len(costs[0]) == len(costs[1]), f"{costs[0]}\n--\n{costs[1]}"
    assert len(costs[1]) <= 12, costs[1]


def test_the_page_costs_the_same_for_few_and_many_people(signed_in, session, count_queries, mara, northwind):
    open_portal(session)
    account, browser, costs = account_of(session, northwind), signed_in(mara), []
    for number in (2, 25):
        for _ in range(number):
            make_lead(session, owner=make_user(session, partner=northwind))
        browser.get("/accounts")
        with count_queries() as queries:
            assert browser.get(f"/partners/{account.ref}").status_code == 200
        costs.append(queries)
    assert len(costs[0]) == len(costs[1]), f"{costs[0]}\n--\n{costs[1]}"


# A partner's own team


def test_a_manager_sees_colleagues_and_the_leads_of_lower_ranks(signed_in, session, pia, pam, pex, otto):
    make_lead(session, owner=pia)
    make_lead(session, owner=pex)
    make_lead(session, owner=pam)
    team = {m.user.name: (m.open_leads, m.is_seen) for m in my_team(session, actor_of(session, pam)).members}
    assert team == {"Pia": (1, True), "Pam": (1, True), "Pex": (None, False)}
    assert {m.user.name: m.open_leads for m in my_team(session, actor_of(session, pex)).members} == {
        "Pia": 1,
        "Pam": 1,
        "Pex": 1,
    }
    page = signed_in(pam).get("/team").get_data(as_text=True)
    assert "Pia" in page
    assert "Otto" not in re.sub(r"<nav.*?</nav>", "", page, flags=re.S)


@pytest.mark.parametrize("who", ["pia", "sal", "mara", "ada", "vic"])
def test_the_team_is_for_partner_managers_and_executives(request, signed_in, who):
    assert signed_in(request.getfixturevalue(who)).get("/team").status_code == 403
