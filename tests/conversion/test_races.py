"""Leads converted at the same moment, each in a transaction of its own."""

from typing import Any

from app.accounts.models import Account, Contact
from app.conversion.models import Conversion
from app.conversion.operations import convert_lead
from app.conversion.wanted import read_wanted
from app.kernel import clock
from app.kernel.db import transaction
from app.opportunities.models import Opportunity
from tests.factories import actor_of, make_lead, rows
from tests.races import together


def test_two_leads_of_a_company_make_one_account_and_a_double_click_one_conversion(app, session, sal):
    leads = [
        make_lead(session, owner=sal, company=name).ref for name in ("Forges SA", "forges s.a.", "Forges")
    ]
    actor, wanted = actor_of(session, sal), read_wanted(opportunity={"name": "Gravel"})

    def convert(ref: str) -> Any:
        with transaction() as writing:
            result = convert_lead(writing, actor, ref, wanted, now=clock.now())
            return result.account.id, result.opportunity.id, result.is_new

    answers = together(app, [lambda ref=ref: convert(ref) for ref in (*leads, *leads)])
    assert all(isinstance(answer, tuple) for answer in answers), answers
    assert len(rows(session, Account, Account.company_key == "forges")) == 1
    assert (
        len(rows(session, Contact)) == len(rows(session, Opportunity)) == len(rows(session, Conversion)) == 3
    )
    for first, second in zip(answers[:3], answers[3:], strict=True):
        assert first[:2] == second[:2]
        assert first[2] is not second[2]
