"""Giving a lead to somebody by hand, and moving one within a partner account."""

from datetime import timedelta

import pytest

from app.identity.models import UserState
from app.kernel import clock
from app.kernel.errors import Invalid, NotAllowed, NotFound
from app.leads.errors import AlreadyConverted, AtCapacity, NotAssignable
from app.leads.models import Assignment, AssignmentCause, LeadRefusal, Offer, OfferState
from app.notifications.models import Delivery, DeliveryState, Notification, NotificationKind
from app.routing.errors import RefusedBefore
from app.routing.models import LedgerKind, Turn
from app.routing.operations import Wish, accept_offer, assign_lead, find_target, route_lead
from app.routing.targets import Target
from tests.factories import actor_of, make_lead, make_queue, make_round_robin, make_user, row_count, rows
from tests.routing.routing_worlds import activate, assert_sound, target


@pytest.fixture
def give(session, now):
    """`give(mara, lead, to=pia)`: as that person, with the wish's further keywords."""

    def assign(user, lead, to=None, at=None, **wish):
        actor = actor_of(session, user)
        found = None
        if to is not None:
            named = target(to, session)
            found = find_target(session, actor, named["type"], named["id"])
        assign_lead(session, actor, lead.ref, Wish(found, **wish), now=at or now)
        session.flush()
        return lead

    return assign


def test_a_channel_manager_gives_a_lead_to_a_partner_user_outright(session, give, mara, pia):
    lead = give(mara, make_lead(session), pia)
    assert (lead.owner_user_id, lead.offer_id, lead.is_owner_chosen) == (pia.id, None, True)
    last = rows(session, Assignment)[-1]
    assert (last.cause, last.actor_id) == (AssignmentCause.MANUAL, mara.id)
    assert [(n.user_id, n.kind) for n in rows(session, Notification)] == [
        (pia.id, NotificationKind.LEAD_ASSIGNED)
    ]
    assert [d.state for d in rows(session, Delivery)] == [DeliveryState.DUE]
    assert_sound(session)


def test_unticked_nothing_is_mailed_but_the_bell_shows_it(session, give, mara, pia):
    give(mara, make_lead(session), pia, notify=False)
    assert [d.state for d in rows(session, Delivery)] == [DeliveryState.SUPPRESSED]
    assert row_count(session, Notification) == 1


def test_asked_to_accept_it_is_an_offer(session, give, mara, pia, now):
    queue = make_queue(session, members=(mara,), accept_within_minutes=45)
    lead = give(mara, make_lead(session, queue=queue), pia, ask_to_accept=True)
    assert lead.offer_expires_at == now + timedelta(minutes=45)
    assert session.get_one(Offer, lead.offer_id).origin_queue_id == queue.id
    assert_sound(session)


def test_colleagues_are_not_asked_to_accept(session, give, mara, sal):
    with pytest.raises(Invalid):
        give(mara, make_lead(session), sal, ask_to_accept=True)


def test_to_a_partner_account_is_to_its_queue(session, give, mara, northwind, pia):
    lead = give(mara, make_lead(session), northwind)
    assert (lead.owner_queue_id, lead.partner_account_id) == (northwind.queue_id, northwind.account_id)
    assert [n.kind for n in rows(session, Notification)] == [NotificationKind.LEAD_IN_QUEUE]


def test_to_a_round_robin_takes_a_turn(session, give, mara, pia, otto):
    group = make_round_robin(session, members=(pia, otto))
    first, second = (give(mara, make_lead(session), group) for _ in range(2))
    assert [first.owner_user_id, second.owner_user_id] == [pia.id, otto.id]
    assert first.offer_id is not None
    assert row_count(session, Turn, Turn.kind == LedgerKind.TURN) == 2
    assert_sound(session)


def test_to_a_round_robin_in_which_nobody_can_take_a_turn(session, give, mara, pia, sal):
    pia.capacity = 0
    group = make_round_robin(session, members=(pia,))
    lead = make_lead(session)
    with pytest.raises(NotAssignable):
        give(mara, lead, group)
    spare = make_queue(session, members=(sal,))
    group.fallback_queue_id = spare.id
    assert give(mara, lead, group).owner_queue_id == spare.id


def test_by_the_rules_again_even_when_a_person_chose_the_owner(session, give, mara, sal, now):
    activate(session, actor_of(session, mara), {"target": target(sal)}, now=now)
    lead = give(mara, make_lead(session), mara)
    assert route_lead(session, actor_of(session, mara), lead, now=now) is None
    assert give(mara, lead).owner_user_id == sal.id
    assert rows(session, Assignment)[-1].cause is AssignmentCause.RULE
    assert_sound(session)


@pytest.mark.parametrize(
    "change", [{"state": UserState.INVITED}, {"state": UserState.DEACTIVATED}, {"first_web_sign_in_at": None}]
)
def test_who_is_not_assignable_is_refused_with_the_reason(session, give, mara, pia, change):
    for name, value in change.items():
        setattr(pia, name, value)
    with pytest.raises(NotAssignable) as refused:
        give(mara, make_lead(session), pia)
    assert "Pia cannot be given it" in str(refused.value.errors["owner"][0])


def test_what_does_not_exist_is_refused_alike(session, mara):
    for kind, ref in (
        ("user", "user_nobody"),
        ("queue", "queue_x"),
        ("robot", "rr_1"),
        ("user", None),
        (None, 3),
    ):
        with pytest.raises(NotAssignable):
            find_target(session, actor_of(session, mara), kind, ref)


def test_somebody_away_can_still_be_given_a_lead_by_hand(session, give, mara, pia, now):
    pia.away_until = now + timedelta(days=3)
    assert give(mara, make_lead(session), pia).owner_user_id == pia.id


def test_a_full_person_is_exceeded_on_purpose_only(session, give, mara, pia):
    pia.capacity = 1
    make_lead(session, owner=pia)
    lead = make_lead(session)
    with pytest.raises(AtCapacity):
        give(mara, lead, pia)
    give(mara, lead, pia, over_capacity=True)
    assert rows(session, Assignment)[-1].trace[0]["step"] == "over_capacity"
    # It is theirs now; giving it again changes nothing.
    before = row_count(session, Assignment)
    give(mara, lead, pia)
    assert row_count(session, Assignment) == before
    assert_sound(session)


def test_a_company_that_refused_gets_it_by_hand_after_a_warning(session, give, mara, pia, northwind, now):
    lead = make_lead(session)
    session.add(LeadRefusal(lead_id=lead.id, company_id=northwind.account_id, at=now, cause="decline"))
    session.flush()
    with pytest.raises(RefusedBefore):
        give(mara, lead, pia, despite_refusal=False)
    give(mara, lead, pia)
    assert row_count(session, LeadRefusal) == 0
    assert rows(session, Assignment)[-1].trace[0]["step"] == "despite_refusal"


def test_the_vendor_taking_an_offer_back_gives_its_turn_back(session, give, mara, pia, otto):
    group = make_round_robin(session, members=(pia, otto))
    lead = give(mara, make_lead(session), group)
    offer_id = lead.offer_id
    give(mara, lead, mara)
    assert session.get_one(Offer, offer_id).state is OfferState.WITHDRAWN
    assert [t.kind for t in rows(session, Turn)] == [LedgerKind.EPOCH, LedgerKind.TURN, LedgerKind.GIVEN_BACK]
    assert_sound(session)


def test_moving_an_accepted_lead_gives_no_turn_back(session, give, mara, pia, now):
    group = make_round_robin(session, members=(pia,))
    lead = give(mara, make_lead(session), group)
    accept_offer(session, actor_of(session, pia), lead.ref, now=now)
    give(mara, lead, mara)
    assert row_count(session, Turn, Turn.kind == LedgerKind.GIVEN_BACK) == 0


def test_a_converted_lead_stays_where_it_is(session, give, mara, pia, now):
    with pytest.raises(AlreadyConverted):
        give(mara, make_lead(session, converted_at=now, is_open=False), pia)


def test_a_full_person_can_be_given_a_closed_lead(session, give, mara, pia):
    pia.capacity = 0
    lead = make_lead(session, status="unqualified")
    assert give(mara, lead, pia).owner_user_id == pia.id


# Who may


def test_sales_people_give_away_what_they_own_and_nothing_else(session, give, sal, mara, pia):
    assert give(sal, make_lead(session, owner=sal), pia).owner_user_id == pia.id
    with pytest.raises(NotAllowed):
        give(sal, make_lead(session, owner=mara), pia)


def test_viewers_give_nothing_away(session, give, vic, sal):
    with pytest.raises(NotAllowed):
        give(vic, make_lead(session), sal)


def test_partner_managers_transfer_to_their_own_people(session, give, pam, pia, northwind, mara):
    peer = make_user(session, "Pit", partner=northwind)
    lead = give(pam, make_lead(session, owner=pia), peer)
    assert lead.owner_user_id == peer.id
    assert rows(session, Assignment)[-1].cause is AssignmentCause.TRANSFER
    assert_sound(session)


def test_to_partner_managers_everybody_else_does_not_exist(session, give, pam, pia, otto, mara, southwind):
    lead = make_lead(session, owner=pia)
    group, queue = make_round_robin(session, members=(pia,)), make_queue(session, members=(pia,))
    said = set()
    for outsider in (otto, mara, southwind, group, queue):
        with pytest.raises(NotAssignable) as refused:
            give(pam, lead, outsider)
        said.add(str(refused.value.errors["owner"][0]))
    with pytest.raises(NotAssignable) as absent:
        find_target(session, actor_of(session, pam), "user", "user_0000000000000000000000")
    assert said == {str(absent.value.errors["owner"][0])}


def test_an_operation_lets_no_partner_send_a_lead_out_of_the_company(session, pam, pia, otto, mara):
    lead = make_lead(session, owner=pia)
    group, queue = make_round_robin(session, members=(pia, otto)), make_queue(session, members=(pia,))
    foreign = [Target("user", otto.id, otto.ref, otto.name, otto.partner_account_id)]
    foreign += [Target("queue", queue.id, queue.ref, "Q"), Target("round_robin", group.id, group.ref, "G")]
    for one in foreign:
        with pytest.raises(NotAssignable):
            assign_lead(session, actor_of(session, pam), lead.ref, Wish(one), now=clock.now())
    with pytest.raises(NotAllowed):
        assign_lead(session, actor_of(session, pam), lead.ref, Wish(None), now=clock.now())
    assert lead.owner_user_id == pia.id


def test_partner_users_do_not_transfer(session, give, pia, pam):
    with pytest.raises(NotAllowed):
        give(pia, make_lead(session, owner=pia), pam)


def test_a_rivals_lead_is_not_there(session, give, pam, pia, otto):
    with pytest.raises(NotFound):
        give(pam, make_lead(session, owner=otto), pia)


def test_what_waits_in_a_queue_is_claimed_not_transferred(session, give, pam, pia, northwind):
    waiting = make_lead(session, queue=session.get_one(type(make_queue(session)), northwind.queue_id))
    with pytest.raises(NotAllowed):
        give(pam, waiting, pia)


def test_a_transferred_offer_stays_the_same_offer(session, give, mara, pam, pia, northwind):
    group = make_round_robin(session, members=(pia,))
    lead = give(mara, make_lead(session), group)
    until, first = lead.offer_expires_at, session.get_one(Offer, lead.offer_id)
    peer = make_user(session, "Pit", partner=northwind)
    give(pam, lead, peer)
    second = session.get_one(Offer, lead.offer_id)
    assert (lead.owner_user_id, lead.offer_expires_at) == (peer.id, until)
    assert (second.turn_id, second.round_robin_id) == (first.turn_id, group.id)
    assert row_count(session, Turn, Turn.kind == LedgerKind.GIVEN_BACK) == 0
    assert_sound(session)


def test_partner_managers_never_exceed_a_capacity(session, give, pam, pia, northwind):
    peer = make_user(session, "Pit", partner=northwind, capacity=0)
    northwind.capacity = 1
    lead = make_lead(session, owner=pia)
    with pytest.raises(AtCapacity):
        give(pam, lead, peer, over_capacity=True)
    peer.capacity = None
    # The company is full, but holds this one already.
    assert give(pam, lead, peer).owner_user_id == peer.id


def test_an_assignment_takes_few_statements(session, give, mara, pia, count_queries):
    group = make_round_robin(session, members=(pia,))
    give(mara, make_lead(session), group)
    lead = make_lead(session)
    actor = actor_of(session, mara)
    wish = Wish(find_target(session, actor, "round_robin", group.ref))
    with count_queries() as queries:
        assign_lead(session, actor, lead.ref, wish, now=lead.created_at + timedelta(minutes=2))
        session.flush()
    assert len(queries) <= 22, queries
