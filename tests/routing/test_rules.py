"""Assignment rules at work: the first entry that matches, fallbacks, closed failure, and why it went there."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.leads.models import AssignmentCause, LeadRefusal
from app.notifications.models import Delivery, DeliveryState, Notification, NotificationKind
from app.partners.models import PartnerLevel
from app.routing.alerts import resolve_alert
from app.routing.models import RoutingAlert, RuleEntry, RuleSet
from app.routing.operations import route_lead, route_many
from app.routing.rule_operations import deactivate_rules
from app.routing.trace import alert_words
from app.routing.trace_queries import explain_traces
from tests.factories import (
    actor_of,
    get_default_queue,
    get_status,
    make_lead,
    make_queue,
    make_round_robin,
    make_source,
    row_count,
    rows,
)
from tests.routing.routing_worlds import activate, arrive, assert_sound, target

SPAIN = {"field": "country", "op": "equals", "value": "ES"}


@pytest.fixture
def actor(session, mara):
    return actor_of(session, mara)


def test_without_rules_everything_goes_to_the_default_queue(session, actor, now):
    lead, assignment = arrive(session, actor, now=now)
    assert lead.owner_queue_id == get_default_queue(session).id
    assert assignment.cause is AssignmentCause.DEFAULT_QUEUE
    assert assignment.trace[0]["step"] == "no_rules"
    assert_sound(session, [lead])


def test_the_first_entry_that_matches_wins(session, actor, now, sal, mara):
    first, second = (
        make_queue(session, "First", members=(sal,)),
        make_queue(session, "Second", members=(sal,)),
    )
    activate(
        session, actor,
        {"criteria": SPAIN, "target": target(first)},
        {"criteria": {"any": [SPAIN, {"field": "employees", "op": "gt", "value": 10}]}, "target": target(second)},
        now=now,
    )  # fmt: skip
    assert arrive(session, actor, now=now, country="ES", employees=50)[0].owner_queue_id == first.id
    assert arrive(session, actor, now=now, country="FR", employees=50)[0].owner_queue_id == second.id
    elsewhere, assignment = arrive(session, actor, now=now, country="FR")
    assert elsewhere.owner_queue_id == get_default_queue(session).id
    assert assignment.cause is AssignmentCause.DEFAULT_QUEUE
    assert assignment.rule_entry_id is None
    assert_sound(session)


def test_each_kind_of_target(session, actor, now, sal, pia, northwind):
    group = make_round_robin(session, "Partners", members=(pia,))
    queue = make_queue(session, "Key accounts", members=(sal,))
    places = {"ES": sal, "FR": pia, "DE": northwind, "IT": queue, "PT": group}
    activate(
        session, actor,
        *[
            {"criteria": {"field": "country", "op": "equals", "value": code}, "target": target(place, session)}
            for code, place in places.items()
        ],
        now=now,
    )  # fmt: skip
    got = {code: arrive(session, actor, now=now, country=code) for code in places}
    assert got["ES"][0].owner_user_id == sal.id
    assert got["ES"][0].offer_id is None
    assert (got["FR"][0].owner_user_id, got["PT"][0].owner_user_id) == (pia.id, pia.id)
    assert got["DE"][0].owner_queue_id == northwind.queue_id
    assert got["IT"][0].owner_queue_id == queue.id
    causes = [assignment.cause.value for _lead, assignment in got.values()]
    assert causes == ["rule", "rule", "rule", "rule", "round_robin"]
    # What rules and turns give to a partner user is an offer.
    assert got["FR"][0].offer_expires_at == got["PT"][0].offer_expires_at == now + timedelta(days=1)
    kinds = {
        n.user_id: n.kind for n in rows(session, Notification, Notification.record_id == got["FR"][0].id)
    }
    assert kinds == {pia.id: NotificationKind.LEAD_OFFERED}
    assert_sound(session)


def test_the_time_to_accept_comes_from_the_entry_then_the_round_robin_then_the_level(
    session, actor, now, pia, northwind
):
    level = rows(session, PartnerLevel)[0]
    level.accept_within_minutes, northwind.level_id = 30, level.id
    group = make_round_robin(session, members=(pia,), accept_within_minutes=20)
    entry = {"target": target(group)}
    for minutes, expected in ((10, 10), (None, 20)):
        activate(session, actor, {**entry, "accept_within_minutes": minutes}, now=now)
        assert arrive(session, actor, now=now)[0].offer_expires_at == now + timedelta(minutes=expected)
    activate(session, actor, {"target": target(pia)}, now=now)
    assert arrive(session, actor, now=now)[0].offer_expires_at == now + timedelta(minutes=30)


def test_a_target_that_is_not_eligible_sends_to_the_fallback_with_an_alert(session, actor, now, pia, sal):
    spare = make_queue(session, "Spare", members=(sal,))
    pia.away_until = now + timedelta(days=2)
    activate(session, actor, {"target": target(pia), "fallback_queue_id": spare.ref}, now=now)
    lead, assignment = arrive(session, actor, now=now)
    assert lead.owner_queue_id == spare.id
    assert assignment.cause is AssignmentCause.RULE
    arrive(session, actor, now=now)
    alerts = rows(session, RoutingAlert)
    assert [(a.kind, a.count) for a in alerts] == [("not_eligible", 2)]
    assert "Pia" in alert_words(alerts[0].kind, alerts[0].detail)
    # The second of the same kind adds no second notice.
    assert row_count(session, Notification, Notification.kind == NotificationKind.ROUTING_ALERT) == 1
    activate(session, actor, {"target": target(pia)}, now=now)
    assert arrive(session, actor, now=now)[0].owner_queue_id == get_default_queue(session).id
    assert_sound(session)


def test_a_round_robin_without_anybody_uses_its_own_fallback_first(session, actor, now, pia, sal):
    own, spare = make_queue(session, "Own", members=(sal,)), make_queue(session, "Spare", members=(sal,))
    group = make_round_robin(session, members=(pia,), fallback_queue_id=own.id)
    pia.capacity = 0
    activate(session, actor, {"target": target(group), "fallback_queue_id": spare.ref}, now=now)
    lead, assignment = arrive(session, actor, now=now)
    assert (lead.owner_queue_id, assignment.cause) == (own.id, AssignmentCause.ROUND_ROBIN)
    group.fallback_queue_id = None
    lead, assignment = arrive(session, actor, now=now)
    assert (lead.owner_queue_id, assignment.cause) == (spare.id, AssignmentCause.RULE)
    assert [a.kind for a in rows(session, RoutingAlert)] == ["nobody_eligible"]
    assert_sound(session)


def test_an_entry_that_cannot_be_evaluated_is_skipped_with_an_alert(session, actor, now, sal, ada):
    queue, other = make_queue(session, "A", members=(sal,)), make_queue(session, "B", members=(sal,))
    rules = activate(
        session, actor, {"criteria": SPAIN, "target": target(queue)}, {"target": target(other)}, now=now
    )
    broken = {"field": "shoe_size", "op": "equals", "value": 43}
    session.execute(
        update(RuleEntry)
        .where(RuleEntry.rule_set_id == rules.id, RuleEntry.position == 1)
        .values(criteria=broken)
    )
    session.execute(update(RuleSet).values(version=RuleSet.version + 1))
    session.expire_all()
    lead, assignment = arrive(session, actor, now=now, country="ES")
    assert lead.owner_queue_id == other.id
    assert assignment.trace[0]["skipped"][0][0] == 1
    assert [a.kind for a in rows(session, RoutingAlert)] == ["cannot_evaluate"]
    assert_sound(session)


def test_a_resolved_alert_makes_room_for_a_new_one(session, actor, now, pia):
    pia.capacity = 0
    activate(session, actor, {"target": target(pia)}, now=now)
    arrive(session, actor, now=now)
    resolve_alert(session, actor, rows(session, RoutingAlert)[0].id, now=now)
    session.flush()
    arrive(session, actor, now=now)
    assert [(a.count, a.resolved_at is None) for a in rows(session, RoutingAlert)] == [(1, False), (1, True)]


def test_who_was_chosen_by_a_person_is_never_overwritten(session, actor, now, sal, mara):
    queue = make_queue(session, members=(sal,))
    activate(session, actor, {"target": target(queue)}, now=now)
    lead = make_lead(session, owner=mara, is_owner_chosen=True)
    assert route_lead(session, actor, lead, now=now) is None
    assert lead.owner_user_id == mara.id


def test_deactivated_rules_send_to_the_default_queue(session, actor, now, sal):
    rules = activate(session, actor, {"target": target(sal)}, now=now)
    assert arrive(session, actor, now=now)[0].owner_user_id == sal.id
    deactivate_rules(session, actor, rules.ref, now=now)
    assert arrive(session, actor, now=now)[0].owner_queue_id == get_default_queue(session).id


def test_unticked_mail_is_on_record_as_suppressed(session, actor, now, sal):
    activate(session, actor, {"target": target(sal), "notify": False}, now=now)
    arrive(session, actor, now=now)
    assert [d.state for d in rows(session, Delivery)] == [DeliveryState.SUPPRESSED]


def test_statuses_are_compared_by_key_and_sources_by_name(session, actor, now, sal, mara):
    fair = make_source(session, "Trade Fair Girona")
    activate(
        session, actor,
        {"criteria": {"field": "source", "op": "contains", "value": "girona"}, "target": target(sal)},
        {"criteria": {"field": "status", "op": "equals", "value": "working"}, "target": target(mara)},
        now=now,
    )  # fmt: skip
    assert arrive(session, actor, now=now, source_id=fair.id)[0].owner_user_id == sal.id
    working = get_status(session, "working")
    assert arrive(session, actor, now=now, status_id=working.id)[0].owner_user_id == mara.id


def test_a_batch_goes_where_single_leads_would(session, actor, now, sal, pia, pam, northwind):
    group = make_round_robin(session, members=((pia, 2), pam))
    northwind.capacity = 25
    activate(
        session, actor,
        {"criteria": SPAIN, "target": target(group)},
        {"criteria": {"field": "employees", "op": "gte", "value": 100}, "target": target(sal)},
        now=now,
    )  # fmt: skip
    values = [{"country": "ES" if n % 2 else "FR", "employees": n * 10} for n in range(60)]
    with session.begin_nested() as spot:
        single = [arrive(session, actor, now=now, **fields)[0] for fields in values]
        expected = [(lead.owner_user_id, lead.owner_queue_id) for lead in single]
        spot.rollback()
    routed = route_many(session, values, now=now)
    assert [
        (r.to.user.id if r.to.user else None, r.to.queue.id if r.to.queue else None) for r in routed
    ] == expected
    assert sum(r.to.user is pia or r.to.user is pam for r in routed) == 25
    assert all(r.move.turn_id for r in routed if r.move.offer)


def test_a_batch_takes_a_number_of_statements_that_does_not_grow(
    session, actor, now, sal, pia, count_queries
):
    group = make_round_robin(session, members=(pia,))
    activate(session, actor, {"criteria": SPAIN, "target": target(group)}, {"target": target(sal)}, now=now)
    route_many(session, [{"country": "ES"}], now=now)
    counts = []
    for size in (30, 300):
        with count_queries() as queries:
            route_many(session, [{"country": "ES" if n % 2 else "FR"} for n in range(size)], now=now)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12


def test_why_is_said_in_words_and_to_the_vendor_alone(session, actor, now, pia, otto, northwind, mara):
    otto.away_until = now + timedelta(days=2)
    group = make_round_robin(session, "Catalan partners", members=(pia, otto))
    criteria = {"all": [SPAIN, {"field": "industry", "op": "equals", "value": "Manufacturing"}]}
    activate(
        session, actor,
        {"criteria": {"field": "country", "op": "equals", "value": "FR"}, "target": target(mara)},
        {"name": "Catalonia, industry", "criteria": criteria, "target": target(group)},
        now=now,
    )  # fmt: skip
    _lead, assignment = arrive(session, actor, now=now, country="ES", industry="manufacturing")
    said = explain_traces(session, actor, [assignment.trace, None])
    assert (
        said[0][0] == "Rule 2 “Catalonia, industry” matched: Country is Spain and Industry is Manufacturing."
    )
    assert said[0][1].startswith(
        "Round robin “Catalan partners”: the turn of Pia (1 of 1 turns, exact share 1.0)"
    )
    assert said[0][2].startswith("Passed over: Otto (away until ")
    assert said[0][3] == "It was offered, to be accepted within 24 hours."
    assert said[1] == []
    assert explain_traces(session, actor_of(session, pia), [assignment.trace]) == [[]]


def test_a_queue_without_members_is_no_target(session, actor, now, sal):
    empty = make_queue(session, "Empty")
    activate(session, actor, {"target": target(empty)}, now=now)
    assert arrive(session, actor, now=now)[0].owner_queue_id == get_default_queue(session).id


def test_the_rival_is_not_offered_what_it_refused(session, actor, now, pia, otto, northwind):
    lead = make_lead(session)
    session.add(LeadRefusal(lead_id=lead.id, company_id=northwind.account_id, at=now, cause="decline"))
    group = make_round_robin(session, members=(pia, otto))
    activate(session, actor, {"criteria": SPAIN, "target": target(group)}, now=now)
    route_lead(session, actor, lead, now=now)
    assert lead.owner_user_id == otto.id
    assert_sound(session)
