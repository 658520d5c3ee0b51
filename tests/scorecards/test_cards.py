"""Scorecards as the vendor reads them: most leads first, each with its months; compared beforehand where leads are very many."""

import re

import pytest

from app.partners.models import PartnerAccount
from app.reports.asked import Asked
from app.reports.counting import count_changes
from app.scorecards import operations
from app.scorecards.cards import with_months
from app.scorecards.models import ScorecardMix
from app.scorecards.operations import is_due, keep_mixes, rows_to_keep
from app.scorecards.queries import read_comparisons
from tests.factories import make_account, make_lead, make_partner, make_user, rows


@pytest.fixture
def partners(session, mara, now):
    """The accounts of three companies with 1, 2 and 3 leads of one kind, and of a fourth with 9, of which a third is converted."""
    found = [make_account(session, f"Partner {number}", owner=mara) for number in range(4)]
    for number, account in enumerate(found):
        person = make_user(session, f"Person {number}", partner=make_partner(session, account=account))
        for lead in range(9 if number == 3 else number + 1):
            converted = {"converted_at": now, "is_open": False} if number == 3 and lead % 3 == 0 else {}
            make_lead(session, owner=person, **converted)
    count_changes(session)
    session.commit()
    return found


def names(page):
    return re.findall(r">(Partner \d)</a></th>", page)


def test_most_leads_stand_first_and_each_card_shows_its_months(signed_in, mara, partners):
    browser = signed_in(mara)
    page = browser.get("/reports/partners").get_data(as_text=True)
    assert names(page) == ["Partner 3", "Partner 2", "Partner 1", "Partner 0"]
    card = browser.get(f"/scorecards/{partners[3].ref}").get_data(as_text=True)
    assert "Nothing came in these months." not in card
    assert re.search(r'class="chart-value"[^>]*>9<', card), "the nine that came this month"
    assert re.search(r'class="chart-value"[^>]*>3<', card), "and the three of them that were converted"


def test_the_first_rows_are_shown_and_all_where_they_are_asked_for(signed_in, mara, partners, monkeypatch):
    monkeypatch.setattr("app.reports.views.FIRST_SHOWN", 2)
    browser = signed_in(mara)
    page = browser.get("/reports/partners?from=2020-01").get_data(as_text=True)
    assert names(page) == ["Partner 3", "Partner 2"]
    (url,) = re.findall(r'<a href="(/reports/partners\?[^"]*rows=all[^"]*)"', page)
    assert len(names(browser.get(url.replace("&amp;", "&")).get_data(as_text=True))) == 4


def keep(session, now):
    """As the worker does it."""
    keep_mixes(session, rows_to_keep(session, now=now))


def test_where_leads_are_very_many_they_are_counted_beforehand(session, partners, now, monkeypatch):
    assert not is_due(session, now=now), "so few are looked at one by one"
    monkeypatch.setattr(operations, "MOST_AT_ONCE", 14)
    assert is_due(session, now=now)
    keep(session, now)
    assert not is_due(session, now=now)
    assert is_due(session, now=now + operations.EVERY)
    asked = with_months(session, Asked("UTC"), now)
    one = read_comparisons(session, asked, [str(partners[0].id)])[str(partners[0].id)]
    assert (one.received, one.leads, one.actual, one.at) == (1, 1, 0, now)
    assert one.expected == pytest.approx(3 / 14)
    monkeypatch.setattr(operations, "MOST_AT_ONCE", 50)
    assert is_due(session, now=now)
    keep(session, now)
    assert rows(session, ScorecardMix) == []


def test_what_is_kept_is_told_as_of_then(signed_in, session, mara, partners, now, monkeypatch):
    monkeypatch.setattr(operations, "MOST_AT_ONCE", 14)
    keep(session, now)
    person = make_user(session, partner=session.get(PartnerAccount, partners[0].id))
    make_lead(session, owner=person)
    count_changes(session)
    session.commit()
    browser = signed_in(mara)
    card = f"/scorecards/{partners[0].ref}"
    assert "As it was on" in browser.get("/reports/partners").get_data(as_text=True)
    for months in ("", f"?from={now:%Y}-01&to={now:%Y}-12"):
        page = browser.get(card + months).get_data(as_text=True)
        assert "As it was on" in page
        assert "1 of its 1" in page
    monkeypatch.setattr(operations, "MOST_AT_ONCE", 50)
    keep(session, now)
    session.commit()
    page = browser.get(card).get_data(as_text=True)
    assert "2 of its 2" in page
    assert "As it was on" not in page
