"""What a partner is told of the others: one share of many, of the usual months, and of none that could be set apart."""

import re
from html import unescape

import pytest

from app.reports.counting import count_changes
from app.sharing.shares import share_record
from tests.factories import actor_of, make_lead, make_partner, make_user


def beside(browser, address="/scorecard"):
    answer = browser.get(address)
    assert answer.status_code == 200
    return "the other partners converted" in answer.get_data(as_text=True)


def test_others_are_told_of_as_one_of_many_and_of_the_usual_months(signed_in, session, mara, pia, now):
    people = []
    for number in range(5):
        partner = make_partner(session, f"Partner {number}", owner=mara)
        people.append(make_user(session, f"Person {number}", partner=partner))
    for number, person in enumerate(people):
        for lead in range(5 if number else 4):
            converted = {"converted_at": now, "is_open": False} if lead == 1 else {}
            make_lead(session, owner=person, **converted)
    make_lead(session, owner=pia)
    count_changes(session)
    session.commit()
    browser = signed_in(pia)
    assert not beside(browser), "of one the leads are too few"
    make_lead(session, owner=people[0])
    count_changes(session)
    session.commit()
    assert beside(browser)
    page = browser.get("/scorecard").get_data(as_text=True)
    assert "the other partners converted 20 % on average" in page.replace("\xa0", " ")
    assert "Partner 1" not in page
    month = f"{now:%Y-%m}"
    assert not beside(browser, f"/scorecard?from={month}")
    assert not beside(browser, f"/scorecard?from=2020-01&to={month}")


@pytest.mark.parametrize("is_kept", [True, False])
def test_what_is_shared_with_a_partner_is_not_what_it_received(
    signed_in, session, ada, pia, pex, otto, now, monkeypatch, is_kept
):
    monkeypatch.setattr("app.reports.owned.MANY", -1 if is_kept else 1_000)
    for owner in (pia, pia, pex, otto):
        lead = make_lead(session, owner=owner)
    share_record(session, actor_of(session, ada), lead, {"type": "user", "id": pia.ref}, "read", now=now)
    count_changes(session)
    session.commit()

    def received(user):
        browser = signed_in(user)
        page = browser.get("/scorecard").get_data(as_text=True)
        url, number = re.search(r'href="([^"]+)">(?:(?!</a>).)*Received</span><b[^>]*>(\d+)', page).groups()
        assert len(re.findall(r'class="row-link"', browser.get(unescape(url)).get_data(as_text=True))) == int(
            number
        )
        return int(number)

    assert [received(user) for user in (pia, pex, otto)] == [2, 3, 1]
