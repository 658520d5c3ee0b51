"""Home by role: what needs somebody today, each number with the list it counts; and what it costs."""

import re
from datetime import timedelta

import pytest

from app.activities.operations import log_activity
from app.identity.models import UserState
from app.intake.models import Import, ImportState
from app.kernel import refs
from app.leads.models import Offer, OfferState
from app.leads.operations import claim_lead
from app.notifications.models import Delivery, DeliveryState, NotificationKind
from app.notifications.operations import notify
from app.routing.models import RoutingAlert
from tests.factories import actor_of, make_account, make_case, make_lead, make_queue, open_portal, rows


def text_of(answer):
    return answer.get_data(as_text=True)


def needs(answer):
    """What stands under "Needs you today": (what, address)."""
    found = re.findall(r'<div class="todo-body"><a href="([^"]+)">([^<]+)</a>', text_of(answer))
    return {what: url.replace("&amp;", "&") for url, what in found}


def refused_offer(session, user, now, state, *, reason=None, **fields):
    lead = make_lead(session, **fields)
    session.add(
        Offer(
            lead_id=lead.id, user_id=user.id, company_id=user.partner_account_id, state=state, made_at=now,
            expires_at=now, answered_at=now, reason=reason, hops=0,
        )
    )  # fmt: skip
    session.flush()
    return lead


@pytest.fixture
def portal(session):
    open_portal(session)


# Channel managers and administrators


def test_nothing_to_do_says_so(signed_in, session, mara, pia, portal):
    assert needs(signed_in(mara).get("/")) == {}


def test_each_number_leads_to_the_list_it_counts(
    signed_in, session, ada, pia, pam, otto, sal, northwind, portal, now
):
    for number in range(2):
        make_lead(session, company=f"Unrouted {number}", waiting_since=now - timedelta(days=3))
    make_lead(session, owner=sal, company="Left behind")
    sal.state = UserState.DEACTIVATED
    refused_offer(
        session, pia, now, OfferState.DECLINED, reason="no_capacity", owner=otto, company="Declined one"
    )
    refused_offer(session, pia, now, OfferState.EXPIRED, owner=otto, company="Lapsed one")
    refused_offer(
        session, pia, now - timedelta(days=2), OfferState.EXPIRED, owner=otto, company="Lapsed before"
    )
    pam.first_web_sign_in_at, pam.state = None, UserState.INVITED
    notify(session, act="t:1", user=pia, kind=NotificationKind.LEAD_ASSIGNED, now=now)
    rows(session, Delivery)[-1].state = DeliveryState.FAILED
    session.add(
        Import(
            ref=refs.new_ref(refs.IMPORT), filename="fair.csv", path="x", digest="0", size_bytes=1, created_at=now,
            created_by_id=ada.id, state=ImportState.DONE, refused=3, accepted=7,
        )
    )  # fmt: skip
    browser = signed_in(ada)
    found = needs(browser.get("/"))
    expected = {
        "2 leads wait in Unassigned": ["Unrouted 0", "Unrouted 1"],
        "1 open lead needs an owner": ["Left behind"],
        "2 offers were declined or lapsed today": ["Declined one", "Lapsed one", "No capacity"],
        "1 partner user has never signed in": ["Pam", "Northwind"],
        "1 import has refused rows": ["fair.csv"],
        "1 e-mail could not be delivered": ["Pia"],
    }
    assert set(expected) <= set(found)
    for what, shown in expected.items():
        answer = browser.get(found[what])
        assert answer.status_code == 200
        for text in shown:
            assert text in text_of(answer), f"{what}: {text}"
    assert "Lapsed before" not in text_of(browser.get(found["2 offers were declined or lapsed today"]))


def test_alerts_of_routing_count_until_they_are_put_aside(app, signed_in, session, mara, portal, now):
    session.add(
        RoutingAlert(
            key="k", kind="nobody_eligible", at=now, last_at=now, count=4, detail={"name": "Catalan"}
        )
    )
    found = needs(signed_in(mara).get("/"))
    if "alerts.index" in app.view_functions:
        assert "Routing could not do as told in 1 case" in found
    rows(session, RoutingAlert)[0].resolved_at = now
    assert "Routing could not do as told in 1 case" not in needs(signed_in(mara).get("/"))


def test_partner_people_who_are_suspended_or_gone_are_no_invitation_to_chase(
    signed_in, session, mara, pia, pam, otto, southwind, portal
):
    from app.partners.models import PartnerState

    for user in (pia, pam, otto):
        user.first_web_sign_in_at = None
    pam.state = UserState.DEACTIVATED
    southwind.state = PartnerState.SUSPENDED
    assert "1 partner user has never signed in" in needs(signed_in(mara).get("/"))


def test_what_partners_did_today_is_summed_by_company(
    signed_in, session, mara, pia, otto, northwind, portal, now
):
    queue = make_queue(session, members=[northwind])
    for _ in range(3):
        lead = make_lead(session, queue=queue)
        claim_lead(session, actor_of(session, pia), lead.ref, now=now)
    log_activity(session, actor_of(session, pia), lead, kind="call", text="Called", now=now)
    page = text_of(signed_in(mara).get("/"))
    assert re.search(r">Northwind</a><span>3 claimed, 1 logged</span>", page)


def test_new_leads_stand_below(signed_in, session, mara, portal):
    make_lead(session, company="Forges del Ter")
    assert "Forges del Ter" in text_of(signed_in(mara).get("/"))


def test_before_partner_management_is_on_home_shows_the_next_step(signed_in, session, ada, mara, now):
    from app.identity.queries import get_organisation

    page = text_of(signed_in(ada).get("/"))
    assert "Switch partner management on" in page
    assert 'href="/setup/prm"' in page
    assert "Your organisation has no name of its own yet" in page
    assert "An administrator does this." in text_of(signed_in(mara).get("/"))
    organisation = get_organisation(session)
    organisation.name, organisation.prm_enabled_at = "Wheels", now
    page = text_of(signed_in(ada).get("/"))
    assert "Make a company your first partner" in page
    assert "no name of its own" not in page


def test_then_the_portal_and_the_rules(signed_in, session, ada, pia, now):
    from app.identity.queries import get_organisation
    from app.routing.models import RuleSet, RuleState

    organisation = get_organisation(session)
    organisation.prm_enabled_at, organisation.portal_published_at = now, None
    browser = signed_in(ada)
    assert "Publish the portal" in text_of(browser.get("/"))
    get_organisation(session).portal_published_at = now
    assert "Say where new leads go" in text_of(browser.get("/"))
    session.add(
        RuleSet(
            ref=refs.new_ref(refs.RULE),
            name="R",
            number=1,
            state=RuleState.ACTIVE,
            created_at=now,
            updated_at=now,
        )
    )
    assert "setup-step" not in text_of(browser.get("/"))


# Sales and viewers


def test_sales_find_their_leads_and_tasks(signed_in, session, sal, mara, now):
    mine = make_lead(session, owner=sal, company="Mine")
    make_lead(session, owner=sal, company="Closed one", status="unqualified")
    late = now - timedelta(days=1)
    log_activity(
        session, actor_of(session, sal), mine, kind="task", text="Send the offer", due_at=late, now=now
    )
    page = text_of(signed_in(sal).get("/"))
    assert re.search(r'id="tasks".*Send the offer.*Mine', page, re.DOTALL)
    my_leads = re.search(r"My open leads.*?</section>", page, re.DOTALL).group(0)
    assert "Mine" in my_leads
    assert "Closed one" not in my_leads


def test_a_task_on_what_one_may_not_see_any_more_is_gone(signed_in, session, pia, otto, portal, now):
    lead = make_lead(session, owner=pia, company="Zyxcompany")
    log_activity(session, actor_of(session, pia), lead, kind="task", text="Call Zyxperson", now=now)
    browser = signed_in(pia)
    assert "Call Zyxperson" in text_of(browser.get("/"))
    lead.owner_user_id, lead.partner_account_id = otto.id, otto.partner_account_id
    assert "Zyx" not in text_of(browser.get("/"))


def test_viewers_get_the_overview(signed_in, session, vic, mara):
    for status in ("new", "new", "working"):
        make_lead(session, owner=mara, status=status)
    page = text_of(signed_in(vic).get("/"))
    stats = re.findall(
        r'href="/leads\?status=(\w+)&amp;count=all"><span class="stat-label">[^<]*</span><b class="stat-number">(\d+)',
        page,
    )
    assert stats == [("new", "2"), ("working", "1"), ("qualified", "0"), ("unqualified", "0")]
    assert "My tasks" not in page
    assert "New lead</a>" not in page


# Partner people


def test_a_partner_finds_offers_first_then_the_queue_then_what_is_untouched(
    signed_in, session, pia, northwind, portal, now
):
    queue = make_queue(session, members=[northwind])
    waiting = make_lead(session, queue=queue, company="Zyxwaiting")
    touched = make_lead(session, owner=pia, company="Touched")
    make_lead(session, owner=pia, company="Untouched")
    log_activity(session, actor_of(session, pia), touched, kind="call", text="Called", now=now)
    held_out = make_lead(session, owner=pia, company="Zyxoffered")
    offer = Offer(
        lead_id=held_out.id, user_id=pia.id, company_id=pia.partner_account_id, state=OfferState.PENDING, made_at=now,
        expires_at=now + timedelta(hours=1), hops=0,
    )  # fmt: skip
    session.add(offer)
    session.flush()
    held_out.offer_id, held_out.offer_expires_at = offer.id, offer.expires_at
    page = text_of(signed_in(pia).get("/"))
    places = [
        page.index(mark)
        for mark in (
            "Offered to you",
            held_out.ref,
            "Next in your queues",
            waiting.ref,
            "Not called yet",
            "Untouched",
        )
    ]
    assert places == sorted(places)
    assert ">Touched<" not in page
    assert "Zyx" not in page


def test_what_was_opened_or_made_last_stands_on_the_home_page(signed_in, session, sal, mara):
    account, case = make_account(session, "Forges", owner=mara), make_case(session, "Bent frame", owner=sal)
    browser = signed_in(sal)
    assert 'id="recent"' not in text_of(browser.get("/"))
    lead = make_lead(session, owner=sal, company="Opened lead")
    for path in (f"/accounts/{account.ref}", f"/cases/{case.ref}", f"/leads/{lead.ref}"):
        browser.get(path)
    given = {"company": "Made lead", "save_and_new": "1"}
    assert browser.submit("/leads", given, page="/leads/new").location == "/leads/new"
    given = {"last_name": "Puig", "account_id": "Forges"}
    made = browser.submit("/contacts", given, page="/contacts/new").location
    card = text_of(browser.get("/")).partition('id="recent"')[2].partition("</section>")[0]
    places = [
        card.index(text)
        for text in (
            made,
            "Made lead",
            f"/leads/{lead.ref}",
            f"/cases/{case.ref}",
            f"/accounts/{account.ref}",
        )
    ]
    assert places == sorted(places)
    lists = text_of(browser.get("/leads?view=recent"))
    assert 0 < lists.index("Made lead") < lists.index("Opened lead")
    assert "Bent frame" in text_of(browser.get("/search/suggest"))


# What it costs


@pytest.mark.parametrize("who", ["ada", "mara", "sal", "vic", "pia", "pam"])
def test_the_number_of_statements_does_not_grow(
    request, signed_in, session, northwind, portal, now, count_queries, who
):
    person, pia = request.getfixturevalue(who), request.getfixturevalue("pia")
    queue = make_queue(session, members=[northwind])
    browser = signed_in(person)

    def add(number):
        for _ in range(number):
            make_lead(session)
            make_lead(session, queue=queue)
            lead = make_lead(session, owner=person if who != "vic" else pia)
            refused_offer(session, pia, now, OfferState.DECLINED, owner=pia)
            log_activity(
                session, actor_of(session, pia), make_lead(session, owner=pia), kind="task", text="T", now=now
            )
            if who not in ("vic",):
                log_activity(session, actor_of(session, person), lead, kind="task", text="T", now=now)

    counts = []
    for number in (3, 30):
        add(number)
        browser.get("/")
        with count_queries() as queries:
            assert browser.get("/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1], queries
    # Administrators are told of the installation beside what channel managers are.
    assert counts[1] <= {"ada": 17, "mara": 16}.get(who, 12), queries
