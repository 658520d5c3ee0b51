"""What the database works out of a comparison is what the definition says, for all partners and for one."""

import random

import pytest
from sqlalchemy import delete, insert

from app.reports.asked import Asked
from app.reports.counting import KEY, counts_of, rebuild
from app.reports.cuts import CUTS
from app.reports.models import ReportCount, ReportFact
from app.reports.steps import MEASURES
from app.scorecards.fair import compare
from app.scorecards.queries import CONVERTED, read_comparisons, read_totals
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
    session.execute(delete(ReportCount).where(ReportCount.cut == "kind"))
    for is_ever in (False, True):
        kinds = counts_of(CUTS["kind"], is_ever)
        session.execute(insert(ReportCount).from_select([*KEY, *MEASURES], kinds))
    asked = Asked("UTC")
    mix: dict = {}
    for fact in rows(session, ReportFact):
        if fact.partner:
            kinds = mix.setdefault(fact.partner, {})
            had, converted = kinds.get((fact.source, fact.country, fact.product), (0, 0))
            converted += fact.stage >= CONVERTED
            kinds[fact.source, fact.country, fact.product] = (had + 1, converted)
    expected = compare(mix)
    assert len(expected) == 3
    found = read_comparisons(session, asked, list(expected))
    assert found.keys() == expected.keys()
    for key, wanted in expected.items():
        one = found[key]
        assert (one.received, one.leads, one.actual) == (wanted.received, wanted.leads, wanted.actual)
        assert (one.expected, one.spread) == pytest.approx((wanted.expected, wanted.spread))
    assert {key: counts[0] for key, counts in read_totals(session, asked).items()} == {
        key: wanted.received for key, wanted in expected.items()
    }
    key = str(northwind.account_id)
    assert read_comparisons(session, asked, [key]) == {key: found[key]}, "one alone is as among all"
