"""Offers: accepted once, declined, expired, given back; where they go on to; and nothing is ever lost."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.events.models import Event
from app.kernel.actor import Level
from app.kernel.db import db, transaction
from app.kernel.errors import DomainError, Invalid, NotAllowed, NotFound
from app.leads.models import Assignment, AssignmentCause, Lead, LeadRefusal, Offer, OfferState
from app.leads.operations import claim_lead
from app.leads.queries import find_level
from app.notifications.models import Notification, NotificationKind
from app.routing.errors import OfferEnded
from app.routing.jobs import end_lapsed_offers
from app.routing.models import LedgerKind, Queue, RoutingAlert, Turn
from app.routing.offers import MOST_HOPS
from app.routing.operations import (
    Target,
    Wish,
    accept_offer,
    assign_lead,
    claim_next,
    decline_offer,
    expire_offers,
    release_lead,
)
from tests.factories import (
    actor_of,
    get_default_queue,
    make_lead,
    make_partner,
    make_queue,
    make_round_robin,
    make_user,
    row_count,
    rows,
)
from tests.races import together
from tests.routing.routing_worlds import assert_sound

DAY = timedelta(days=1)


@pytest.fixture
def group(session, pia, otto):
    """A round robin of Pia, then Otto."""
    return make_round_robin(session, "Partners", members=(pia, otto))


@pytest.fixture
def offer(session, mara, group, now):
    """A lead that waited in a queue and is now offered to Pia."""

    def make(queue=None):
        lead = make_lead(session, queue=queue or make_queue(session, members=(mara,)))
        wish = Wish(Target("round_robin", group.id, group.ref, group.name))
        return assign_lead(session, actor_of(session, mara), lead.ref, wish, now=now)

    return make


def test_accepting_gives_the_whole_lead_and_once_more_changes_nothing(session, offer, pia, now):
    lead, actor = offer(), actor_of(session, pia)
    assert find_level(session, actor, lead.ref) is Level.PREVIEW
    accept_offer(session, actor, lead.ref, now=now)
    assert find_level(session, actor, lead.ref) is Level.EDIT
    assert rows(session, Offer)[0].state is OfferState.ACCEPTED
    before = row_count(session, Event), row_count(session, Assignment)
    assert accept_offer(session, actor, lead.ref, now=now).id == lead.id
    assert (row_count(session, Event), row_count(session, Assignment)) == before
    assert_sound(session)


def test_an_offer_is_for_one_person(session, offer, pia, pam, otto, now):
    lead = offer()
    with pytest.raises(NotAllowed):  # her manager sees it, but it is hers to answer
        accept_offer(session, actor_of(session, pam), lead.ref, now=now)
    with pytest.raises(NotFound):
        accept_offer(session, actor_of(session, otto), lead.ref, now=now)


def test_an_offer_whose_time_is_over_cannot_be_accepted(session, offer, pia, now):
    lead = offer()
    with pytest.raises(OfferEnded):
        accept_offer(session, actor_of(session, pia), lead.ref, now=now + DAY)


def test_a_declined_offer_goes_to_the_next_member_and_not_back(session, offer, pia, otto, northwind, now):
    lead = offer()
    decline_offer(session, actor_of(session, pia), lead.ref, reason="no_capacity", note="In August", now=now)
    assert lead.owner_user_id == otto.id
    assert find_level(session, actor_of(session, pia), lead.ref) is None
    first, second = rows(session, Offer)
    assert (first.state, first.reason, first.note) == (OfferState.DECLINED, "no_capacity", "In August")
    assert (second.hops, second.origin_queue_id) == (1, first.origin_queue_id)
    assert [r.company_id for r in rows(session, LeadRefusal)] == [northwind.account_id]
    assert rows(session, Assignment)[-1].cause is AssignmentCause.DECLINE
    assert row_count(session, Turn, Turn.kind == LedgerKind.GIVEN_BACK) == 0
    assert_sound(session)


@pytest.mark.parametrize("reason", ["invalid", "duplicate"])
def test_a_lead_that_is_no_good_gives_its_turn_back(session, offer, pia, reason, now):
    lead = offer()
    decline_offer(session, actor_of(session, pia), lead.ref, reason=reason, now=now)
    assert row_count(session, Turn, Turn.kind == LedgerKind.GIVEN_BACK) == 1
    assert_sound(session)


@pytest.mark.parametrize("reason", [None, "", "because"])
def test_a_reason_must_be_one_of_the_list(session, offer, pia, reason, now):
    with pytest.raises(Invalid) as refused:
        decline_offer(session, actor_of(session, pia), offer().ref, reason=reason, now=now)
    assert "reason" in refused.value.errors


def test_after_the_last_refusal_it_goes_back_to_where_it_came_from(session, offer, pia, otto, now):
    queue = make_queue(session, "Origin", members=(pia, otto))
    lead = offer(queue)
    decline_offer(session, actor_of(session, pia), lead.ref, reason="other", now=now)
    decline_offer(session, actor_of(session, otto), lead.ref, reason="other", now=now)
    assert lead.owner_queue_id == queue.id
    # Neither company sees it there, or can claim it.
    for user in (pia, otto):
        assert find_level(session, actor_of(session, user), lead.ref) is None
        with pytest.raises(NotFound):
            claim_lead(session, actor_of(session, user), lead.ref, now=now)
        assert claim_next(session, actor_of(session, user), now=now) is None
    assert_sound(session)


def test_the_fallback_queue_of_the_round_robin_goes_before_the_queue_of_origin(
    session, offer, group, pia, otto, now
):
    spare = make_queue(session, "Spare")
    group.fallback_queue_id = spare.id
    lead = offer()
    for user in (pia, otto):
        decline_offer(session, actor_of(session, user), lead.ref, reason="other", now=now)
    assert lead.owner_queue_id == spare.id


def test_a_partners_own_queue_is_no_place_for_what_it_refused(session, mara, pia, northwind, now):
    lead = make_lead(session, queue=session.get_one(Queue, northwind.queue_id))
    wish = Wish(Target("user", pia.id, pia.ref, pia.name), ask_to_accept=True)
    assign_lead(session, actor_of(session, mara), lead.ref, wish, now=now)
    decline_offer(session, actor_of(session, pia), lead.ref, reason="other", now=now)
    assert lead.owner_queue_id == get_default_queue(session).id


def test_after_five_hops_it_stops_with_an_alert(session, mara, now):
    sellers = [make_user(session, partner=make_partner(session, owner=mara)) for _ in range(8)]
    group = make_round_robin(session, members=tuple(sellers))
    lead = make_lead(session)
    wish = Wish(Target("round_robin", group.id, group.ref, group.name))
    assign_lead(session, actor_of(session, mara), lead.ref, wish, now=now)
    for _ in range(MOST_HOPS + 1):
        assert lead.offer_id is not None
        owner = next(user for user in sellers if user.id == lead.owner_user_id)
        decline_offer(session, actor_of(session, owner), lead.ref, reason="other", now=now)
    assert lead.owner_queue_id == get_default_queue(session).id
    assert row_count(session, Offer) == MOST_HOPS + 1
    assert [a.kind for a in rows(session, RoutingAlert)] == ["too_many_hops"]
    assert_sound(session)


def test_what_is_not_accepted_in_time_goes_on_and_people_are_told(session, offer, pia, otto, mara, now):
    lead = offer()
    assert expire_offers(session, now=now + DAY - timedelta(seconds=1)) == 0
    assert expire_offers(session, now=now + DAY) == 1
    assert lead.owner_user_id == otto.id
    told = {
        n.user_id for n in rows(session, Notification, Notification.kind == NotificationKind.OFFER_LAPSED)
    }
    assert told == {pia.id, mara.id}
    assert rows(session, Assignment)[-1].cause is AssignmentCause.EXPIRY
    # Otto has a day of his own; a clock that steps back ends nothing twice.
    assert expire_offers(session, now=now + DAY) == 0
    assert expire_offers(session, now=now - DAY) == 0
    assert_sound(session)


def test_the_worker_ends_offers_one_by_one(session, offer, now):
    leads = [offer() for _ in range(3)]
    for row in rows(session, Offer):
        row.expires_at = now - timedelta(minutes=1)
    for lead in leads:
        lead.offer_expires_at = now - timedelta(minutes=1)
    session.commit()
    assert end_lapsed_offers() is False
    session.expire_all()
    assert [o.state for o in rows(session, Offer)][:3] == [OfferState.EXPIRED] * 3
    assert_sound(session)


def test_releasing_gives_it_back_to_its_queue_where_it_keeps_its_place(session, pia, now):
    queue = make_queue(session, members=(pia,))
    lead = make_lead(session, queue=queue)
    since = lead.waiting_since
    actor = actor_of(session, pia)
    claim_lead(session, actor, lead.ref, now=now)
    release_lead(session, actor, lead.ref, reason="no_capacity", now=now + DAY)
    assert (lead.owner_queue_id, lead.waiting_since) == (queue.id, since)
    assert rows(session, Assignment)[-1].cause is AssignmentCause.RELEASE
    # They may claim it again.
    assert claim_next(session, actor, now=now + DAY).id == lead.id
    assert_sound(session)


def test_releasing_as_a_duplicate_gives_the_turn_back(session, offer, pia, now):
    lead = offer()
    accept_offer(session, actor_of(session, pia), lead.ref, now=now)
    release_lead(session, actor_of(session, pia), lead.ref, reason="duplicate", now=now)
    assert row_count(session, Turn, Turn.kind == LedgerKind.GIVEN_BACK) == 1
    assert_sound(session)


def test_releasing_an_offer_is_declining_it(session, offer, pia, otto, now):
    lead = offer()
    release_lead(session, actor_of(session, pia), lead.ref, reason="other", now=now)
    assert lead.owner_user_id == otto.id


def test_only_the_owner_releases(session, pam, pia, now):
    lead = make_lead(session, owner=pia)
    with pytest.raises(NotAllowed):
        release_lead(session, actor_of(session, pam), lead.ref, reason="other", now=now)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_lead_is_lost_or_doubled_whatever_people_do(session, mara, pia, otto, pam, group, now, data):
    """Random acts on a few leads: each stays in exactly one place, for a reason, and the ledgers replay."""
    known = set(session)
    with session.begin_nested() as spot:
        queue = make_queue(session, members=(mara, pia, otto), accept_within_minutes=10)
        leads = [make_lead(session, queue=queue) for _ in range(3)]
        pia.capacity = data.draw(st.sampled_from([None, 1, 2]))
        people = [mara, pia, otto, pam]
        targets = [
            Target("round_robin", group.id, group.ref, group.name),
            Target("queue", queue.id, queue.ref, queue.name),
            *[Target("user", u.id, u.ref, u.name) for u in (pia, otto, mara)],
            None,
        ]
        moment = now
        for _ in range(data.draw(st.integers(4, 14))):
            moment += timedelta(minutes=data.draw(st.sampled_from([0, 1, 20, 3000])))
            lead = data.draw(st.sampled_from(leads))
            person = actor_of(session, data.draw(st.sampled_from(people)))
            reason = data.draw(st.sampled_from(["invalid", "other"]))
            wish = Wish(data.draw(st.sampled_from(targets)), ask_to_accept=data.draw(st.booleans()))
            acts = {
                "assign": lambda p=person, r=lead.ref, w=wish, m=moment: assign_lead(session, p, r, w, now=m),
                "claim": lambda p=person, r=lead.ref, m=moment: claim_lead(session, p, r, now=m),
                "next": lambda p=person, m=moment: claim_next(session, p, now=m),
                "accept": lambda p=person, r=lead.ref, m=moment: accept_offer(session, p, r, now=m),
                "decline": lambda p=person, r=lead.ref, m=moment, w=reason: decline_offer(
                    session, p, r, reason=w, now=m
                ),
                "release": lambda p=person, r=lead.ref, m=moment, w=reason: release_lead(
                    session, p, r, reason=w, now=m
                ),
                "expire": lambda m=moment: expire_offers(session, now=m),
            }
            act = data.draw(st.sampled_from([*acts, "assign", "assign", "decline", "accept", "expire"]))
            before = [(x.id, x.owner_user_id, x.owner_queue_id, x.offer_id) for x in rows(session, Lead)]
            try:
                with session.begin_nested():
                    acts[act]()
                    session.flush()
            except DomainError:
                session.expire_all()
                assert before == [
                    (x.id, x.owner_user_id, x.owner_queue_id, x.offer_id) for x in rows(session, Lead)
                ]
            assert_sound(session, leads)
            if pia.capacity is not None:
                held = row_count(session, Lead, Lead.owner_user_id == pia.id, Lead.is_open)
                allowed = pia.capacity
                assert held <= allowed, act
        spot.rollback()
    for record in set(session) - known:  # the next example has others with the same ids
        session.expunge(record)


@pytest.mark.race
def test_two_workers_end_each_offer_once(app, session, offer, now):
    leads = [offer() for _ in range(12)]
    late = now + DAY

    def work():
        done = 0
        for _ in range(3):
            with transaction() as own:
                done += expire_offers(own, now=late)
        return done

    answers = together(app, [work] * 3)
    assert all(isinstance(answer, int) for answer in answers), answers
    session.expire_all()
    expired = row_count(session, Offer, Offer.state == OfferState.EXPIRED)
    assert expired == row_count(session, Assignment, Assignment.cause == AssignmentCause.EXPIRY) >= len(leads)
    assert row_count(session, Notification, Notification.kind == NotificationKind.OFFER_LAPSED) == 2 * expired
    assert_sound(session, leads)


@pytest.mark.race
@pytest.mark.parametrize("round_number", range(3))
def test_accepting_declining_taking_back_and_expiring_at_once(
    app, session, offer, mara, pia, pam, now, round_number
):
    """Whatever comes first wins; the others are told, nothing is half done and nobody waits for ever."""
    leads = [offer() for _ in range(8)]
    refs = [lead.ref for lead in leads]
    late = now + DAY

    def each(act):
        def run():
            wins = 0
            for ref in refs:
                try:
                    with transaction() as own:
                        act(own, ref)
                    wins += 1
                except DomainError:
                    db.session.rollback()
            return wins

        return run

    to_mara = Wish(Target("user", mara.id, mara.ref, mara.name))
    acts = [
        lambda own, ref: accept_offer(own, actor_of(own, pia), ref, now=now),
        lambda own, ref: accept_offer(own, actor_of(own, pia), ref, now=now),
        lambda own, ref: decline_offer(own, actor_of(own, pia), ref, reason="invalid", now=now),
        lambda own, ref: assign_lead(own, actor_of(own, mara), ref, to_mara, now=now),
        lambda own, _ref: expire_offers(own, now=late, limit=1),
    ]
    answers = together(app, [each(act) for act in acts])
    assert all(isinstance(answer, int) for answer in answers), answers
    session.expire_all()
    assert_sound(session, leads)
