"""What partners aim at: set by the channel manager, seen by that partner alone, each number the list it leads to."""

import re
from datetime import UTC, date, datetime

import pytest

from app.accounts.models import Account
from app.events.models import Event
from app.kernel import clock
from app.kernel.actor import Role
from app.kernel.errors import Invalid, NotAllowed, Stale
from app.targets.models import PartnerTarget, Period
from app.targets.operations import delete_target, edit_target, set_target
from app.targets.periods import bounds, first_day, next_first_day, period_key, read_period
from app.targets.progress import today_of
from tests.factories import actor_of, make_lead, make_opportunity, make_user, open_portal, rows


def text_of(answer):
    return answer.get_data(as_text=True)


@pytest.fixture
def quarter(session):
    return period_key(Period.QUARTER, first_day(Period.QUARTER, today_of(session, clock.now())))


@pytest.fixture
def account(session, northwind):
    open_portal(session)
    return rows(session, Account, Account.id == northwind.account_id)[0]


def test_periods_begin_at_midnight_of_the_organisation_also_where_the_clocks_change():
    begins, ends = bounds(Period.QUARTER, date(2026, 10, 1), "Europe/Madrid")
    assert begins == datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert ends == datetime(2026, 12, 31, 22, 59, 59, 999999, tzinfo=UTC)
    assert next_first_day(Period.MONTH, date(2026, 12, 1)).isoformat() == "2027-01-01"
    assert read_period("quarter:2026-11-01") is None, "no quarter begins in November"
    assert read_period("week:2026-11-01") is read_period("month:soon") is None


def test_a_target_is_set_changed_and_taken_back_each_with_its_event(
    session, mara, pia, otto, account, quarter, now
):
    actor = actor_of(session, mara)
    given = {"period": quarter, "converted": "20", "amount": "1500.5", "currency": "eur"}
    target = set_target(session, actor, account.ref, given, now=now)
    assert (target.converted, target.won_amount, target.currency) == (20, 1500.5, "EUR")
    with pytest.raises(Invalid, check=lambda error: list(error.errors) == ["period"]):
        set_target(session, actor, account.ref, given, now=now)
    set_target(session, actor, account.ref, {**given, "person": pia.ref}, now=now)
    with pytest.raises(Invalid) as refused:
        set_target(session, actor, account.ref, {**given, "person": otto.ref}, now=now)
    assert list(refused.value.errors) == ["person"], "somebody else's"
    edit_target(session, actor, account.ref, target.ref, {"converted": "25"}, version=1, now=now)
    assert (target.converted, target.won_amount, target.version) == (25, None, 2)
    with pytest.raises(Stale):
        edit_target(session, actor, account.ref, target.ref, {"converted": "30"}, version=1, now=now)
    with pytest.raises(NotAllowed):
        delete_target(session, actor_of(session, pia), account.ref, target.ref, now=now)
    delete_target(session, actor, account.ref, target.ref, now=now)
    assert len(rows(session, PartnerTarget)) == 1
    told = [e for e in rows(session, Event, Event.record_ref == account.ref) if e.verb.startswith("target_")]
    assert [e.verb for e in told] == ["target_set", "target_set", "target_changed", "target_removed"]
    assert told[2].changes == {"converted": [20, 25], "won_amount": [1500.5, None], "currency": ["EUR", None]}


@pytest.mark.databases("sqlite")
def test_the_first_period_that_has_no_target_is_offered(signed_in, session, mara, account, quarter, now):
    set_target(session, actor_of(session, mara), account.ref, {"period": quarter, "converted": "20"}, now=now)
    session.commit()
    page = signed_in(mara).get(f"/partners/{account.ref}/targets").text
    [chosen] = re.findall(r'<option selected value="(quarter:[^"]+)"', page)
    assert chosen > quarter


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"converted": "many"}, "converted"),
        ({"converted": "0"}, "converted"),
        ({}, "converted"),
        ({"amount": "12", "currency": "XXX"}, "currency"),
        ({"amount": "-12", "currency": "EUR"}, "amount"),
        ({"converted": "1", "period": "month:1999-13-01"}, "period"),
    ],
)
def test_what_cannot_be_aimed_at_is_refused_with_its_field(
    session, mara, account, quarter, now, given, named
):
    with pytest.raises(Invalid) as refused:
        set_target(session, actor_of(session, mara), account.ref, {"period": quarter, **given}, now=now)
    assert named in refused.value.errors


def test_each_side_sees_its_own_and_every_number_is_the_list_that_it_leads_to(
    signed_in, session, mara, pia, pam, otto, northwind, account, quarter, now
):
    nil = make_user(session, "Nil Serra", partner=northwind, role=Role.USER)
    early = bounds(Period.QUARTER, first_day(Period.QUARTER, today_of(session, now)), "UTC")[0]
    for owner, number in ((pia, 2), (nil, 1), (pam, 1), (otto, 4)):
        for _ in range(number):
            make_lead(session, owner=owner, status="converted", converted_at=now, is_open=False)
    make_lead(
        session, owner=pia, status="converted", converted_at=early.replace(year=early.year - 1), is_open=False
    )
    make_opportunity(session, owner=pia, stage="won", amount=1000, currency="EUR")
    make_opportunity(session, owner=pia, stage="won", amount=70, currency="USD")
    make_opportunity(session, owner=nil, stage="won", amount=500, currency="EUR")
    aims = {"converted": "8", "amount": "3000", "currency": "EUR"}
    path = f"/partners/{account.ref}/targets"
    channel = signed_in(mara)
    assert channel.submit(path, {"period": quarter, "person": "", **aims}).location == path
    assert channel.submit(path, {"period": quarter, "person": nil.ref, **aims}).status_code == 303
    wrong = channel.submit(path, {"period": quarter, "person": "", "converted": "x"})
    assert (wrong.status_code, 'value="x"' in text_of(wrong)) == (422, True)

    def reached(browser, page):
        """(number, how many the list behind it shows) of each link to leads; what was won, in words."""
        part = text_of(browser.get(page)).partition('id="targets"')[2].partition("</section>")[0]
        links = re.findall(r'<a href="(/leads[^"]+)"><b>(\d+)</b>', part)
        listed = [
            len(set(re.findall(r'<tr id="(lead_\w+)"', text_of(browser.get(url.replace("&amp;", "&"))))))
            for url, _number in links
        ]
        assert [int(number) for _url, number in links] == listed
        return listed, re.findall(r'<a href="/opportunities[^"]+"><b>([^<]+)</b>', part)

    assert reached(channel, f"/partners/{account.ref}") == ([4, 1], ["€1,500", "€500"])
    assert reached(signed_in(pam), "/") == ([4, 1], ["€1,500", "€500"]), "a manager leads the users"
    assert reached(signed_in(pia), "/") == ([2], ["€1,000"]), (
        "not a colleague's, and of the company's what is hers"
    )
    rival = signed_in(otto)
    assert reached(rival, "/") == ([], [])
    assert "No targets yet" in text_of(rival.get("/targets"))
    assert rival.get(path).status_code == 403
    [first, *_rest] = rows(session, PartnerTarget)
    assert channel.get(f"/partners/{account.ref}/targets/{first.ref[:-4]}0000").status_code == 404
    assert channel.submit(f"{path}/{first.ref}/delete", page=f"{path}/{first.ref}").status_code == 303
