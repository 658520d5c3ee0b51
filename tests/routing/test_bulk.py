"""Changing the owner of many at once: all or listed, one held mail for each recipient, undone within two minutes."""

from datetime import timedelta

import pytest

from app.kernel.actor import Role
from app.kernel.db import db, transaction
from app.kernel.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound
from app.leads.models import Assignment, AssignmentCause, BulkAct, Lead, LeadRefusal, Offer
from app.leads.operations import edit_lead
from app.notifications.models import Delivery, DeliveryState, Notification, NotificationKind
from app.routing.errors import TooLate
from app.routing.models import LedgerKind, Turn
from app.routing.operations import (
    Target,
    Wish,
    accept_offer,
    assign_lead,
    bulk_assign,
    decline_offer,
    find_target,
    undo_bulk_act,
)
from tests.factories import actor_of, make_lead, make_queue, make_round_robin, make_user, row_count, rows
from tests.races import together
from tests.routing.routing_worlds import activate, assert_sound, target

SOON = timedelta(seconds=90)


@pytest.fixture
def change(session, now):
    """`change(mara, leads, pia)`: as that person."""

    def act(user, leads, to, **wish):
        actor = actor_of(session, user)
        found = None
        if to is not None:
            named = target(to, session)
            found = find_target(session, actor, named["type"], named["id"])
        refs = [lead if isinstance(lead, str) else lead.ref for lead in leads]
        result = bulk_assign(session, actor, refs, Wish(found, **wish), now=now)
        session.flush()
        return result

    return act


def test_many_leads_change_hands_with_one_mail(session, change, mara, pia, now):
    leads = [make_lead(session) for _ in range(5)]
    result = change(mara, leads, pia)
    assert result.assigned == [lead.ref for lead in leads]
    assert result.refused == []
    assert {lead.owner_user_id for lead in leads} == {pia.id}
    causes = {a.cause for a in rows(session, Assignment, Assignment.bulk_act_id == result.act.id)}
    assert causes == {AssignmentCause.BULK}
    notices = rows(session, Notification)
    assert [(n.user_id, n.kind, n.record_id) for n in notices] == [
        (pia.id, NotificationKind.LEADS_ASSIGNED, result.act.id)
    ]
    mails = rows(session, Delivery)
    assert [(m.state, m.due_at) for m in mails] == [(DeliveryState.HELD, now + timedelta(minutes=2))]
    assert_sound(session, leads)


def test_what_cannot_be_changed_is_listed_with_its_reason(session, change, sal, mara, pia, now):
    pia.capacity = 2
    mine = [make_lead(session, owner=sal) for _ in range(3)]
    hers = make_lead(session, owner=mara)
    done = make_lead(session, owner=sal, converted_at=now, is_open=False)
    result = change(sal, [*mine, hers, done, "lead_nothing"], pia)
    assert result.assigned == [mine[0].ref, mine[1].ref]
    reasons = {refused.ref: refused.reason for refused in result.refused}
    assert list(reasons) == [mine[2].ref, hers.ref, done.ref, "lead_nothing"]
    assert "at capacity" in reasons[mine[2].ref]
    assert "You may not give" in reasons[hers.ref]
    assert "converted" in reasons[done.ref]
    assert "does not exist" in reasons["lead_nothing"]
    assert_sound(session)


def test_what_a_rival_holds_does_not_exist_for_partner_managers(session, change, pam, pia, otto):
    own, other = make_lead(session, owner=pia), make_lead(session, owner=otto)
    result = change(pam, [own, other], pam)
    assert (result.assigned, [r.ref for r in result.refused]) == ([own.ref], [other.ref])
    assert rows(session, Assignment)[-1].cause is AssignmentCause.TRANSFER


def test_a_round_robin_gives_each_its_turn_and_each_recipient_one_mail(session, change, mara, pia, otto):
    group = make_round_robin(session, members=(pia, otto))
    leads = [make_lead(session) for _ in range(6)]
    change(mara, leads, group)
    owners = [lead.owner_user_id for lead in leads]
    assert (owners.count(pia.id), owners.count(otto.id)) == (3, 3)
    assert all(lead.offer_id for lead in leads)
    assert sorted(n.user_id for n in rows(session, Notification)) == sorted([pia.id, otto.id])
    assert_sound(session, leads)


def test_by_the_rules_again(session, change, mara, sal, now):
    activate(session, actor_of(session, mara), {"target": target(sal)}, now=now)
    leads = [make_lead(session, owner=mara) for _ in range(3)]
    change(mara, leads, None)
    assert {lead.owner_user_id for lead in leads} == {sal.id}
    assert_sound(session, leads)


def test_unticked_the_mail_is_suppressed_from_the_start(session, change, mara, pia):
    change(mara, [make_lead(session)], pia, notify=False)
    assert [d.state for d in rows(session, Delivery)] == [DeliveryState.SUPPRESSED]


def test_leads_that_are_there_already_count_as_done_without_an_event(session, change, mara, pia):
    lead = make_lead(session, owner=pia)
    before = row_count(session, Assignment)
    assert change(mara, [lead], pia).assigned == [lead.ref]
    assert row_count(session, Assignment) == before


def test_undoing_puts_everything_back_and_sends_nothing(session, change, mara, sal, pia, now):
    queue = make_queue(session, members=(mara,))
    leads = [make_lead(session, queue=queue), make_lead(session, owner=sal), make_lead(session)]
    before = [(x.owner_user_id, x.owner_queue_id, x.waiting_since) for x in leads]
    act = change(mara, leads, pia).act
    result = undo_bulk_act(session, actor_of(session, mara), act.ref, now=now + SOON)
    assert (result.undone, result.refused) == ([lead.ref for lead in leads], [])
    assert [(x.owner_user_id, x.owner_queue_id, x.waiting_since) for x in leads] == before
    assert [d.state for d in rows(session, Delivery)] == [DeliveryState.SUPPRESSED]
    with pytest.raises(Conflict):
        undo_bulk_act(session, actor_of(session, mara), act.ref, now=now + SOON)
    assert_sound(session, leads)


def test_undoing_gives_turns_back_and_lets_offers_stand_again(session, change, mara, pia, otto, now):
    group = make_round_robin(session, members=(pia, otto))
    offered = make_lead(session)
    wish = Wish(Target("user", otto.id, otto.ref, otto.name), ask_to_accept=True)
    assign_lead(session, actor_of(session, mara), offered.ref, wish, now=now)
    until = offered.offer_expires_at
    act = change(mara, [offered, make_lead(session)], group).act
    undo_bulk_act(session, actor_of(session, mara), act.ref, now=now + SOON)
    assert (offered.owner_user_id, offered.offer_expires_at) == (otto.id, until)
    assert row_count(session, Turn, Turn.kind == LedgerKind.GIVEN_BACK) == 2
    assert accept_offer(session, actor_of(session, otto), offered.ref, now=now + SOON).offer_id is None
    assert_sound(session)


def test_undoing_remembers_who_had_refused(session, change, mara, pia, northwind, now):
    lead = make_lead(session)
    session.add(LeadRefusal(lead_id=lead.id, company_id=northwind.account_id, at=now, cause="decline"))
    session.flush()
    act = change(mara, [lead], pia).act
    assert row_count(session, LeadRefusal) == 0
    undo_bulk_act(session, actor_of(session, mara), act.ref, now=now + SOON)
    assert [r.company_id for r in rows(session, LeadRefusal)] == [northwind.account_id]


def test_a_lead_to_which_something_happened_since_stays(session, change, mara, pia, now):
    leads = [make_lead(session), make_lead(session)]
    act = change(mara, leads, pia).act
    edit_lead(
        session, actor_of(session, pia), leads[0].ref, {"city": "Olot"}, now=now + timedelta(seconds=20)
    )
    result = undo_bulk_act(session, actor_of(session, mara), act.ref, now=now + SOON)
    assert (result.undone, [r.ref for r in result.refused]) == ([leads[1].ref], [leads[0].ref])
    assert leads[0].owner_user_id == pia.id
    # What stays is still told.
    assert [d.state for d in rows(session, Delivery)] == [DeliveryState.HELD]
    assert_sound(session, leads)


def test_after_two_minutes_it_is_too_late(session, change, mara, pia, now):
    act = change(mara, [make_lead(session)], pia).act
    with pytest.raises(TooLate):
        undo_bulk_act(session, actor_of(session, mara), act.ref, now=now + timedelta(minutes=2, seconds=1))


def test_others_do_not_find_the_act(session, change, mara, sal, ada, pia, now):
    act = change(mara, [make_lead(session)], pia).act
    with pytest.raises(NotFound):
        undo_bulk_act(session, actor_of(session, sal), act.ref, now=now)
    assert undo_bulk_act(session, actor_of(session, ada), act.ref, now=now).undone


def test_who_may_give_nothing_away_any_more_undoes_nothing(session, change, sal, pam, pia, now):
    given = make_lead(session, owner=sal)
    act = change(sal, [given], pia).act
    moved = make_lead(session, owner=pia)
    transfer = change(pam, [moved], pam).act
    sal.role, pam.role = Role.VIEWER, Role.USER
    session.flush()
    for person, theirs in ((sal, act), (pam, transfer)):
        with pytest.raises(NotAllowed):
            undo_bulk_act(session, actor_of(session, person), theirs.ref, now=now + SOON)
    assert (given.owner_user_id, moved.owner_user_id) == (pia.id, pam.id)


def test_an_offer_that_a_partner_passed_on_and_took_back_keeps_its_turn(
    session, change, mara, pam, pia, otto, northwind, now
):
    group = make_round_robin(session, members=(pia, otto))
    lead, peer = make_lead(session), make_user(session, "Pit", partner=northwind)
    change(mara, [lead], group)
    assert lead.owner_user_id == pia.id
    turn = rows(session, Offer)[-1].turn_id
    act = change(pam, [lead], peer).act
    undo_bulk_act(session, actor_of(session, pam), act.ref, now=now + SOON)
    assert (lead.owner_user_id, rows(session, Offer)[-1].turn_id) == (pia.id, turn)
    decline_offer(session, actor_of(session, pia), lead.ref, reason="invalid", now=now + SOON)
    (given_back,) = rows(session, Turn, Turn.kind == LedgerKind.GIVEN_BACK)
    assert given_back.returns_turn_id == turn
    assert_sound(session, [lead])


def test_nothing_or_too_much_is_refused(session, change, mara, pia, vic):
    with pytest.raises(Invalid):
        change(mara, [], pia)
    with pytest.raises(Invalid):
        change(mara, [f"lead_{n}" for n in range(1001)], pia)
    with pytest.raises(NotAllowed):
        change(vic, [make_lead(session)], vic)


@pytest.mark.race
def test_two_bulk_acts_and_claims_at_once(app, session, mara, ada, pia, otto, sal, now):
    """Nobody waits for ever, and every lead ends up in one place that its last assignment names."""
    from app.leads.operations import claim_lead

    pia.capacity = 8
    queue = make_queue(session, members=(pia, otto))
    leads = [make_lead(session, queue=queue) for _ in range(24)]
    refs = [lead.ref for lead in leads]
    group = make_round_robin(session, members=(pia, otto))

    def bulk(user, target, order):
        def run():
            with transaction() as own:
                return len(bulk_assign(own, actor_of(own, user), order, Wish(target), now=now).assigned)

        return run

    def claims():
        won = 0
        for ref in reversed(refs):
            try:
                with transaction() as own:
                    claim_lead(own, actor_of(own, pia), ref, now=now)
                won += 1
            except DomainError:
                db.session.rollback()
        return won

    answers = together(
        app,
        [
            bulk(mara, Target("user", pia.id, pia.ref, pia.name), refs),
            bulk(ada, Target("round_robin", group.id, group.ref, group.name), refs[::-1]),
            claims,
        ],
    )
    assert all(isinstance(answer, int) for answer in answers), answers
    session.expire_all()
    assert row_count(session, Lead, Lead.owner_user_id == pia.id) <= 8
    assert row_count(session, BulkAct) == 2
    assert_sound(session, leads)
