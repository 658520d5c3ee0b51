"""What partners are compared by is what the definition says, in any months, looked at or kept, for all of them and for one."""

import random
from dataclasses import replace

import pytest
from sqlalchemy import delete, insert

from app.reports.asked import Asked
from app.reports.counting import KEY, counts_of, rebuild
from app.reports.cuts import CUTS
from app.reports.models import ReportCount, ReportFact
from app.reports.steps import MEASURES
from app.scorecards.fair import compare
from app.scorecards.mix import CONVERTED, read_mixes
from app.scorecards.operations import keep_mixes
from app.scorecards.queries import read_comparisons, read_totals
from tests.factories import make_account, make_lead, make_partner, make_source, rows

MONTHS = ((None, None), (202602, 202603), (202603, None), (None, 202601), (202602, 202602), (202512, 202604))


@pytest.fixture
def facts(session, otto, northwind):
    """Leads of three partners of some kinds and months, of which every other one is converted."""
    chance = random.Random(7)
    sources = [make_source(session, name).id for name in ("Fair", "Form")]
    partners = [northwind.account_id, otto.partner_account_id, make_partner(session).account_id]
    assert make_account(session).id not in partners
    for number in range(90):
        lead = make_lead(session, source_id=sources[number % 2], country="ES" if number % 3 else "FR")
        lead.partner_account_id = chance.choice(partners)
        lead.product_interest = None if number % 7 else "Router"
    session.flush()
    rebuild(session)
    found = rows(session, ReportFact)
    for fact in found:
        fact.stage, fact.month = chance.choice((1, 5)), chance.choice((202601, 202602, 202603))
    session.flush()
    session.execute(delete(ReportCount))
    for name in ("kind", "partner"):
        for is_ever in (False, True):
            counts = counts_of(CUTS[name], is_ever)
            session.execute(insert(ReportCount).from_select([*KEY, *MEASURES], counts))
    return found


def mix_of(facts, asked):
    """Partner → kind → (had, converted), lead by lead."""
    mix: dict = {}
    for fact in facts:
        if fact.partner and (asked.first or 0) <= fact.month <= (asked.last or 999_999):
            kinds = mix.setdefault(fact.partner, {})
            had, converted = kinds.get((fact.source, fact.country, fact.product), (0, 0))
            converted += fact.stage >= CONVERTED
            kinds[fact.source, fact.country, fact.product] = (had + 1, converted)
    return mix


def same(found, expected, at):
    assert found.keys() == expected.keys()
    for key, one in found.items():
        wanted = expected[key]
        assert (one.received, one.leads, one.actual, one.at) == (
            wanted.received, wanted.leads, wanted.actual, at,
        )  # fmt: skip
        assert (one.expected, one.spread) == pytest.approx((wanted.expected, wanted.spread))


def test_partners_are_compared_as_the_definition_says(session, northwind, facts, now):
    everybody = {fact.partner for fact in facts} - {""}
    assert len(everybody) == 3
    asked = [Asked("UTC", *months) for months in MONTHS]
    expected = [compare(mix_of(facts, each)) for each in asked]
    assert len({round(each[str(northwind.account_id)].expected, 6) for each in expected[:5]}) == 5
    for at in (None, now):
        for each, wanted in zip(asked, expected, strict=True):
            same(read_comparisons(session, each, [*everybody, "999999"]), wanted, at)
            key = str(northwind.account_id)
            same(read_comparisons(session, each, [key]), {key: wanted[key]}, at)
            totals = read_totals(session, each)
            assert {key: had for key, (had, _converted) in totals.items()} == {
                key: one.received for key, one in wanted.items()
            }
        keep_mixes(session, list(read_mixes(session, now=now)))
    later = Asked("UTC", 202701)
    assert read_comparisons(session, later, [*everybody]) == {}
    kept = read_comparisons(session, asked[0], [*everybody])
    for fact in facts:
        fact.stage = 5
    session.flush()
    assert read_comparisons(session, asked[0], [*everybody]) == kept, "as it was then"
    keep_mixes(session, [])
    assert read_comparisons(session, asked[0], [*everybody]) != {
        key: replace(one, at=None) for key, one in kept.items()
    }
