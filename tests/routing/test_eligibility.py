"""Who can be given leads now, and the reason when somebody cannot: one statement for all of them."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.identity.models import Organisation, UserState
from app.kernel.actor import Role
from app.partners.models import PartnerState
from app.routing.candidates import PARTNER_ACCOUNT, QUEUE, USER
from app.routing.eligibility import Wanted, members_of, take_snapshot
from app.routing.reasons import Reason
from tests.factories import get_default_queue, make_lead, make_queue, make_round_robin, make_user


@pytest.fixture
def why(session, now):
    """`why(user)`: the reason for which somebody is not eligible, or None."""

    def ask(record, kind=USER):
        session.flush()
        key = record.account_id if kind == PARTNER_ACCOUNT else record.id
        snapshot = take_snapshot(session, Wanted.of(kind, [key]), now=now)
        refusal = snapshot.refusal(snapshot.by_principal[kind, key])
        return refusal.reason if refusal else None

    return ask


def test_a_partner_user_is_eligible_when_everything_is_in_order(why, pia):
    assert why(pia) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"state": UserState.INVITED}, Reason.INVITED),
        ({"state": UserState.DEACTIVATED}, Reason.DEACTIVATED),
        ({"first_web_sign_in_at": None}, Reason.NEVER_SIGNED_IN),
        ({"capacity": 0}, Reason.AT_CAPACITY),
    ],
)
def test_a_partner_user_is_not_eligible(why, pia, change, reason):
    for name, value in change.items():
        setattr(pia, name, value)
    assert why(pia) is reason


def test_absence_lasts_until_its_moment(why, pia, now):
    pia.away_until = now + timedelta(seconds=1)
    assert why(pia) is Reason.AWAY
    pia.away_until = now
    assert why(pia) is None


def test_partner_management_and_the_portal_must_be_open(session, why, pia):
    session.execute(update(Organisation).values(portal_published_at=None))
    assert why(pia) is Reason.PORTAL_CLOSED
    session.execute(update(Organisation).values(prm_enabled_at=None))
    assert why(pia) is Reason.PRM_OFF


def test_a_suspended_company_has_nobody(why, pia, northwind):
    northwind.state = PartnerState.SUSPENDED
    assert why(pia) is Reason.COMPANY_SUSPENDED
    assert why(northwind, PARTNER_ACCOUNT) is Reason.COMPANY_SUSPENDED


def test_capacity_counts_open_leads_and_offers_but_not_closed_or_waiting_ones(session, why, pia, northwind):
    pia.capacity, northwind.capacity = 2, 3
    make_lead(session, owner=pia)
    make_lead(session, owner=pia, status="unqualified")
    make_lead(session, owner=pia, deleted_at=pia.created_at)
    assert why(pia) is None
    make_lead(session, owner=pia)
    assert why(pia) is Reason.AT_CAPACITY
    pia.capacity = None
    assert why(pia) is None
    make_lead(session, owner=pia)
    assert why(pia) is Reason.COMPANY_AT_CAPACITY
    assert why(northwind, PARTNER_ACCOUNT) is Reason.COMPANY_AT_CAPACITY


def test_internal_people_are_eligible_when_active_but_viewers_only_read(why, sal, vic):
    assert why(sal) is None
    assert why(vic) is Reason.READS_ONLY
    sal.state = UserState.DEACTIVATED
    assert why(sal) is Reason.DEACTIVATED


def test_a_partner_account_needs_somebody_who_is_there(why, northwind, pia, now):
    assert why(northwind, PARTNER_ACCOUNT) is None
    pia.away_until = now + timedelta(days=1)
    assert why(northwind, PARTNER_ACCOUNT) is Reason.NOBODY_PRESENT
    pia.first_web_sign_in_at = None
    assert why(northwind, PARTNER_ACCOUNT) is Reason.NOBODY_THERE


def test_a_queue_needs_a_member_who_can_claim(session, why, sal, vic, northwind, pia):
    assert why(make_queue(session), QUEUE) is Reason.NO_MEMBER
    assert why(make_queue(session, members=(vic,)), QUEUE) is Reason.NO_MEMBER
    assert why(make_queue(session, members=(sal,)), QUEUE) is None
    assert why(make_queue(session, members=(pia,)), QUEUE) is None
    assert why(make_queue(session, members=(northwind,)), QUEUE) is None
    leaders = make_queue(session, members=((northwind, Role.MANAGER),))
    assert why(leaders, QUEUE) is Reason.NO_MEMBER
    make_user(session, partner=northwind, role=Role.EXECUTIVE)
    assert why(leaders, QUEUE) is None


def test_queues_never_fill(session, why, northwind, pia):
    northwind.capacity = pia.capacity = 0
    assert why(make_queue(session, members=(pia,)), QUEUE) is None


def test_one_statement_for_all_members(session, now, count_queries, northwind, southwind, pia, otto):
    members = [pia, otto, northwind, southwind, get_default_queue(session)]
    members += [make_user(session, partner=northwind) for _ in range(20)]
    group = make_round_robin(session, members=tuple(members))
    session.flush()
    with count_queries() as queries:
        snapshot = take_snapshot(session, members_of([group.id]), now=now)
    assert len(queries) == 1, queries
    assert len(snapshot.by_key) == len(members)


def test_a_snapshot_keeps_count_by_itself(session, now, pia, pam, northwind):
    pia.capacity, northwind.capacity = 2, 3
    make_lead(session, owner=pia)
    session.flush()
    snapshot = take_snapshot(session, Wanted.of(USER, [pia.id, pam.id]), now=now)
    first, second = (snapshot.by_principal[USER, user.id] for user in (pia, pam))
    snapshot.take_seat(first)
    assert snapshot.full(first).reason is Reason.AT_CAPACITY
    assert snapshot.full(second) is None
    snapshot.take_seat(second)
    assert snapshot.full(second).reason is Reason.COMPANY_AT_CAPACITY
    # A lead that the company holds already takes no further room there.
    assert snapshot.full(second, in_company=False) is None
