"""Leads converted at the same moment, each in a transaction of its own."""

import threading
import time
from typing import Any

from app.accounts.contact_operations import create_contact
from app.accounts.models import Account, Contact
from app.accounts.queries import get_account
from app.conversion.models import Conversion
from app.conversion.operations import convert_lead
from app.conversion.undoing import unconvert_lead
from app.conversion.wanted import read_wanted
from app.kernel import clock
from app.kernel.db import transaction
from app.kernel.errors import Invalid, NotFound
from app.opportunities.models import Opportunity
from app.sharing.models import ManualShare
from app.sharing.shares import share_record
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


def test_what_comes_while_a_conversion_is_undone_finds_nothing_that_goes(app, session, ada, sal):
    first, second = (make_lead(session, owner=sal, company=name).ref for name in ("Forges SA", "Forges"))
    actor, admin, wanted = actor_of(session, sal), actor_of(session, ada), read_wanted()
    account = convert_lead(session, actor, first, wanted, now=clock.now()).account.ref
    is_undone = threading.Event()

    def undo() -> None:
        with transaction() as writing:
            unconvert_lead(writing, actor, first, now=clock.now())
            is_undone.set()
            time.sleep(0.3)  # the others read what is still there, and wait for it

    def add(what: Any) -> Any:
        is_undone.wait(30)
        with transaction() as writing:
            return what(writing)

    def convert(writing: Any) -> str:
        return convert_lead(writing, actor, second, wanted, now=clock.now()).account.ref

    def share(writing: Any) -> Any:
        subject = get_account(writing, admin, account)
        return share_record(writing, admin, subject, {"type": "all_internal"}, "edit", now=clock.now())

    def hire(writing: Any) -> Any:
        return create_contact(writing, admin, {"last_name": "Roca", "account_id": account}, now=clock.now())

    undone, converted, shared, hired = together(
        app, [undo, *(lambda what=what: add(what) for what in (convert, share, hire))]
    )
    assert undone is None
    assert isinstance(shared, NotFound), shared
    assert isinstance(hired, Invalid), hired
    assert [each.ref for each in rows(session, Account, Account.company_key == "forges")] == [converted]
    assert converted != account
    assert rows(session, ManualShare) == []
