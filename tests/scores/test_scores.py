"""Score rules from draft to force, and scores kept right: by every change, by the worker, day by day."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.activities.operations import log_activity
from app.events.models import Event
from app.intake.take_in import take_in
from app.kernel import clock
from app.kernel.errors import Conflict, Invalid
from app.leads.models import Assignment
from app.leads.operations import edit_lead
from app.routing.models import RoutingAlert
from app.scores.models import ScoreSet, Work
from app.scores.operations import activate_scores, ask_preview, create_scores, edit_scores, hand_over
from app.scores.routing import route_handed_over, routes_waiting
from app.scores.upkeep import settle_scores
from app.scores.verify import Report, differences
from app.scores.work import is_waiting, work_step
from tests.factories import actor_of, get_default_queue, make_lead, make_queue, rows

SPAIN = {"field": "country", "op": "equals", "value": "ES"}
BIG = {"field": "employees", "op": "gte", "value": 100}
RECENT = {"field": "last_activity_at", "days": 10}


def rule(name, points, criteria=None, each=None, decay=None):
    return {"name": name, "points": points, "criteria": criteria, "each": each, "decay": decay}


def rules(*lines, **more):
    return {"name": "Our score", "lines": list(lines), "threshold": 60, **more}


def work(session, now):
    for _ in range(50):
        session.flush()
        if not is_waiting(session, now=now) or not work_step(session, now=now):
            break
        settle_scores(session, now=now)
    now += timedelta(minutes=1)
    while session.scalar(select(ScoreSet.work).where(ScoreSet.work != Work.NONE)):
        work_step(session, now=now)  # the second round, on PostgreSQL


def in_force(session, actor, given, now):
    scores = create_scores(session, actor, given, now=now)
    activate_scores(session, actor, scores.ref, now=now)
    work(session, now)
    return scores


def are_equal(session, day):
    report = Report()
    return list(differences(session, day, report)) == [] and report.leads > 0


def test_rules_are_tried_then_put_in_force_and_scores_follow_every_change(session, ada, sal):
    now, actor, seller = clock.now(), actor_of(session, ada), actor_of(session, sal)
    first = make_lead(session, employees=250, country="ES")
    other = make_lead(session, employees=250, country="FR", score=70)
    gone = make_lead(session, country="ES", deleted_at=now)
    scores = create_scores(
        session,
        actor,
        rules(rule("Spain", 40, SPAIN), rule("Large", 30, BIG), rule("Active", 16, decay=RECENT)),
        now=now,
    )
    ask_preview(session, actor, scores.ref, now=now)
    work(session, now)
    assert {n: scores.preview[n] for n in ("looked_at", "up", "down", "same", "over", "under", "failed")} == {
        "looked_at": 2, "up": 1, "down": 1, "same": 0, "over": 1, "under": 0, "failed": 0,
    }  # fmt: skip
    assert scores.preview["examples"] == [["over", first.id, 0, 70]]
    assert (first.score, other.score) == (0, 70), "nothing was written"

    activate_scores(session, actor, scores.ref, now=now)
    work(session, now)
    assert (first.score, other.score, gone.score) == (70, 30, 0)
    assert first.marketing_qualified_at == now
    assert other.marketing_qualified_at is None
    [told] = rows(session, Event, Event.verb == "marketing_qualified")
    assert (told.record_ref, told.actor_name, told.detail["threshold"]) == (first.ref, "score rules", 60)
    assert are_equal(session, now.date())
    version = other.version

    edit_lead(session, seller, other.ref, {"country": "ES"}, now=now)
    settle_scores(session, now=now)
    assert (other.score, other.version) == (70, version + 1), "the score is no change of its own"
    log_activity(session, seller, first, kind="call", subject="Called", at=now, now=now)
    settle_scores(session, now=now)
    assert (first.score, first.score_due_on) == (86, (now + timedelta(days=10)).date())
    lead, _is_new = take_in(session, seller, {"company": "Forges", "country": "ES"}, now=now)
    assert lead.score == 40
    assert are_equal(session, now.date())

    changed = rules(
        rule("Spain", 50, SPAIN),
        rule("Ratio", 1, each={"field": "annual_revenue", "by": {"field": "employees"}}),
    )
    following = edit_scores(session, actor, scores.ref, changed, now=now)
    assert (following.number, scores.state) == (2, "active"), "what was in force stays as it was"
    lead.employees, lead.annual_revenue = 0, 10.0
    activate_scores(session, actor, following.ref, now=now)
    session.flush()
    assert not are_equal(session, now.date()), "until the worker has been there"
    work(session, now)
    assert are_equal(session, now.date())
    [alert] = rows(session, RoutingAlert)
    assert (alert.detail["reason"], alert.lead_ref) == ("divides_by_zero", lead.ref)
    assert (first.score, first.marketing_qualified_at) == (50, now), "what was handed over stays so"
    with pytest.raises(Conflict):
        ask_preview(session, actor, following.ref, now=now)
    with pytest.raises(Invalid):
        create_scores(
            session, actor, rules(rule("Half", 10, decay={"field": "arrived_at", "days": 0})), now=now
        )


def test_days_pass_and_only_scores_that_change_are_written(session, ada):
    now, actor = clock.now(), actor_of(session, ada)
    old = make_lead(session, arrived_at=now - timedelta(days=9))
    small = make_lead(session, arrived_at=now - timedelta(days=9), country="FR")
    decay = {"field": "arrived_at", "days": 10}
    in_force(session, actor, rules(rule("New", 40, SPAIN, decay=decay), rule("All", -1, decay=decay)), now)
    assert (old.score, small.score) == (39, 0)
    assert small.score_due_on is None, "below zero it stays zero"
    later = now + timedelta(days=1)
    report = Report()
    assert (list(differences(session, later.date(), report)), report.waiting) == ([], 1)
    written = old.updated_at
    work(session, later)
    assert (old.score, old.score_due_on) == (20, (now + timedelta(days=11)).date())
    assert old.updated_at == written
    assert not is_waiting(session, now=later)
    old.score = 21
    session.flush()
    assert list(differences(session, later.date(), Report())) == [f"{old.ref}: stored 21, computed 20"]


def test_what_crosses_the_threshold_is_routed_again_unless_somebody_chose_its_owner(session, ada, sal):
    now, actor = clock.now(), actor_of(session, ada)
    queue = make_queue(session, "Not yet")
    waits, elsewhere = make_lead(session, queue=queue), make_lead(session)
    chosen, owned = make_lead(session, queue=queue, is_owner_chosen=True), make_lead(session, owner=sal)
    in_force(session, actor, rules(rule("Large", 60, BIG), routes_again=True, route_queue_id=queue.ref), now)
    for lead in (waits, elsewhere, chosen, owned):
        edit_lead(session, actor, lead.ref, {"employees": 500}, now=now)
    settle_scores(session, now=now)
    assert all(lead.marketing_qualified_at for lead in (waits, elsewhere, chosen, owned))
    assert [lead.route_due_at for lead in (waits, elsewhere, chosen, owned)] == [now, None, None, None]
    route_handed_over(session, now=now)
    assert not routes_waiting(session)
    assert waits.owner_queue_id == get_default_queue(session).id
    [*_first, placed] = rows(session, Assignment, Assignment.lead_id == waits.id)
    assert (placed.actor_name, placed.from_queue_id) == ("score rules", queue.id)
    by_hand = make_lead(session, queue=queue)
    hand_over(session, actor_of(session, sal), by_hand.ref, now=now)
    hand_over(session, actor_of(session, sal), by_hand.ref, now=now)
    assert (by_hand.marketing_qualified_by_id, by_hand.route_due_at) == (sal.id, now)
    assert (
        len([e for e in rows(session, Event, Event.verb == "marketing_qualified") if e.actor_id == sal.id])
        == 1
    )
