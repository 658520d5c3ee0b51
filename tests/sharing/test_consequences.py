"""What a rule would give, counted before it is saved: as the builder gives it, and nothing is stored."""

import random

import pytest
from sqlalchemy import select

from app.kernel import clock
from app.sharing.consequences import Count, count_given, counts_of_rules
from app.sharing.models import GrantSet, Principal, SharingGrant, SharingRule
from app.sharing.sharing_rules import create_rule, read_rule
from tests.factories import actor_of, make_account, make_contact, make_lead, make_queue, row_count
from tests.sharing.shared_worlds import add_rule, build_shared, settle_all

pytestmark = pytest.mark.usefixtures("at_once")


def _rule(session, **given):
    standard = {"object": "lead", "kind": "criteria", "share_with": {"type": "all_internal"}, "level": "read"}
    return read_rule(session, {**standard, **given})


GIRONA = {"field": "city", "op": "equals", "value": "Girona"}


def test_criteria_are_counted_and_nothing_is_stored(session, ada, sal):
    for city in ("Girona", "Girona", "Vic"):
        make_lead(session, owner=sal, city=city)
    make_lead(session, owner=sal, city="Girona").deleted_at = clock.now()
    session.flush()
    before = [row_count(session, table) for table in (Principal, SharingRule, GrantSet, SharingGrant)]
    written = _rule(session, criteria=GIRONA)
    assert count_given(session, written) == Count(2)
    assert count_given(session, _rule(session)) == Count(3)
    assert count_given(session, written, batch=1) == Count(2)
    assert [row_count(session, t) for t in (Principal, SharingRule, GrantSet, SharingGrant)] == before


def test_a_count_stops_at_its_cap_and_says_so(session, ada, sal):
    for _ in range(5):
        make_lead(session, owner=sal)
    assert count_given(session, _rule(session), most=5) == Count(5)
    assert count_given(session, _rule(session), most=4) == Count(4, is_more=True)
    assert count_given(session, _rule(session), batch=2, seconds=-1.0) == Count(2, is_more=True)


def test_owners_are_counted_whether_the_principal_was_referred_to_before_or_not(
    session, ada, sal, mara, pia, northwind
):
    make_lead(session, owner=sal)
    make_lead(session, owner=pia)
    queue = make_queue(session)
    make_lead(session, queue=queue)

    def given(**principal):
        return count_given(session, _rule(session, kind="owner", owned_by=principal)).number

    def all_of_them():
        return [
            given(type="user", id=sal.ref),
            given(type="internal_role", id="sales"),
            given(type="all_partners"),
            given(type="queue", id=queue.ref),
            given(type="user", id=mara.ref),
        ]

    assert all_of_them() == [1, 1, 1, 1, 0]
    for key in (
        f"user:{sal.id}",
        "internal_role:sales",
        "all_partners",
        f"queue:{queue.id}",
        f"user:{mara.id}",
    ):
        session.add(Principal(key=key))
    session.flush()
    assert all_of_them() == [1, 1, 1, 1, 0]


def test_contacts_without_an_account_are_given_to_nobody(session, ada, sal):
    make_contact(session, account=make_account(session))
    make_contact(session, account=None, owner=sal)
    assert count_given(session, _rule(session, object="contact")) == Count(1)


def test_a_count_says_what_the_built_rule_gives_in_random_worlds(app, session):
    for seed in (3, 11):
        shared = build_shared(session, seed)
        for _ in range(4):
            add_rule(session, shared, random.Random(seed))
        settle_all(session)
        rules = session.scalars(select(SharingRule).where(SharingRule.ref.in_(list(shared.rules)))).all()
        built = counts_of_rules(session, [rule.id for rule in rules])
        assert len(rules) >= 7
        for rule in rules:
            assert count_given(session, read_rule(session, shared.rules[rule.ref])) == built[rule.id]
        session.rollback()


def test_what_rules_give_is_counted_to_the_cap_and_not_before_they_are_in_force(session, ada, sal):
    for _ in range(3):
        make_lead(session, owner=sal, city="Girona")
    rule = create_rule(session, actor_of(session, ada), _rule(session, criteria=GIRONA), now=clock.now())
    assert counts_of_rules(session, [rule.id]) == {}
    settle_all(session)
    assert counts_of_rules(session, [rule.id]) == {rule.id: Count(3)}
    assert counts_of_rules(session, [rule.id], most=2) == {rule.id: Count(2, is_more=True)}
    assert counts_of_rules(session, []) == {}
