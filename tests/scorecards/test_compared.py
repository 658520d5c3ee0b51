"""What the database works out of a comparison is what the definition says, for all partners and for one."""

import random

import pytest

from app.reports.asked import Asked
from app.reports.counting import rebuild
from app.reports.models import ReportFact
from app.scorecards.fair import compare, compare_one
from app.scorecards.queries import read_comparisons, read_kinds, read_mix, read_totals
from tests.factories import make_account, make_lead, make_partner, make_source, rows


def test_the_database_compares_as_the_definition_does(session, pia, otto, northwind):
    chance = random.Random(7)
    sources = [make_source(session, name).id for name in ("Fair", "Form")]
    partners = [northwind.account_id, otto.partner_account_id, make_partner(session).account_id]
    assert make_account(session).id not in partners
    for number in range(60):
        lead = make_lead(session, source_id=sources[number % 2], country="ES" if number % 3 else "FR")
        lead.partner_account_id = chance.choice(partners)
        lead.product_interest = None if number % 7 else "Router"
    session.flush()
    rebuild(session)
    for fact in rows(session, ReportFact):
        fact.stage = chance.choice((1, 5))
    session.flush()
    asked = Asked("UTC")
    mix = read_mix(session, asked)
    expected = compare(mix)
    found = read_comparisons(session, asked)
    assert len(found) == 3
    assert found.keys() == expected.keys()
    for key, wanted in expected.items():
        one = found[key]
        assert (one.received, one.leads, one.actual) == (wanted.received, wanted.leads, wanted.actual)
        assert (one.expected, one.spread) == pytest.approx((wanted.expected, wanted.spread))
    # What is counted beforehand of kinds is what the partners have together.
    had = {kind: counts[0] for kind, counts in read_kinds(session, asked).items()}
    assert had == {
        kind: sum(kinds.get(kind, (0, 0))[0] for kinds in mix.values())
        for kinds in mix.values()
        for kind in kinds
    }
    assert {key: counts[0] for key, counts in read_totals(session, asked).items()} == {
        key: wanted.received for key, wanted in expected.items()
    }
    key = str(northwind.account_id)
    every = {kind: [had[kind], sum(k.get(kind, (0, 0))[1] for k in mix.values())] for kind in had}
    assert compare_one(mix[key], every).expected == pytest.approx(expected[key].expected)
