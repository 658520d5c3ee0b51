"""`routing verify` finds every ledger and trace that does not follow from the rules, and nothing else."""

import pytest
from sqlalchemy import text, update

from app.kernel.db import is_sqlite
from app.leads.models import Assignment
from app.routing.models import RoundRobin, RuleEntry, RuleSet
from app.routing.operations import decline_offer
from app.routing.verify import verify_routing
from tests.factories import actor_of, make_queue, make_round_robin, rows
from tests.routing.routing_worlds import activate, arrive, target


@pytest.fixture
def history(session, mara, pia, otto, sal, now):
    """Some leads that rules and turns have sent on their way."""
    actor = actor_of(session, mara)
    group = make_round_robin(session, members=((pia, 2), otto))
    queue = make_queue(session, members=(sal,))
    moment = {"field": "arrived_at", "op": "gte", "value": "2020-01-01"}
    activate(
        session, actor,
        {"criteria": {"all": [{"field": "country", "op": "equals", "value": "ES"}, moment]}, "target": target(group)},
        {"criteria": {"field": "employees", "op": "gt", "value": 10}, "target": target(queue)},
        now=now,
    )  # fmt: skip
    leads = [
        arrive(session, actor, now=now, country="ES" if n % 2 else "FR", employees=n)[0] for n in range(20)
    ]
    first = next(lead for lead in leads if lead.owner_user_id == pia.id)
    decline_offer(session, actor_of(session, pia), first.ref, reason="invalid", now=now)
    session.commit()
    return leads


def run(app):
    return app.test_cli_runner().invoke(args=["routing", "verify"])


def test_what_was_done_by_the_rules_replays(app, session, history):
    result = run(app)
    assert result.exit_code == 0
    assert result.stdout.strip() == "0 differences"
    report = verify_routing(session)
    assert (report.round_robins, report.turns, report.traces) == (1, 11, 21)


def differences(app, session):
    session.commit()
    session.expire_all()
    result = run(app)
    assert result.exit_code == 1
    lines = result.stdout.strip().splitlines()
    assert lines[-1].endswith(("difference", "differences"))
    return lines[:-1]


def test_a_state_that_was_tampered_with(app, session, history):
    state = rows(session, RoundRobin)[0].state
    state = {**state, "members": [[*row[:3], row[3] + 1, *row[4:]] for row in state["members"]]}
    session.execute(update(RoundRobin).values(state=state))
    assert "its state is not the one" in differences(app, session)[0]


def test_a_turn_that_went_to_somebody_else(app, session, history):
    """The ledger refuses to be rewritten; somebody who takes the trigger away is found out."""
    off = (
        "DROP TRIGGER turn_no_update"
        if is_sqlite(session)
        else "SET LOCAL session_replication_role = replica"
    )
    session.execute(text(off))
    turn = text("UPDATE turn SET record = :record, member_id = :member WHERE id = :id")
    row = next(r for r in session.execute(text("SELECT id, member_id, record FROM turn WHERE kind = 'turn'")))
    import json

    record = row.record if isinstance(row.record, dict) else json.loads(row.record)
    other = next(
        m for m in (1, 2, *record["eligible"]) if m != record["receiver"] and m in record["eligible"]
    )
    changed = json.dumps({**record, "receiver": other})
    if not is_sqlite(session):
        turn = text("UPDATE turn SET record = CAST(:record AS jsonb), member_id = :member WHERE id = :id")
    session.execute(turn, {"record": changed, "member": other, "id": row.id})
    found = differences(app, session)
    assert any("by the rule to" in line for line in found)


def test_the_ledger_refuses_to_be_rewritten(session, history):
    from sqlalchemy.exc import DBAPIError

    for statement in ("UPDATE turn SET member_id = 1", "DELETE FROM turn"):
        with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
            session.execute(text(statement))


def test_rules_that_were_rewritten_after_the_fact(app, session, history):
    session.execute(update(RuleEntry).where(RuleEntry.position == 2).values(criteria={}))
    session.execute(update(RuleSet).values(version=RuleSet.version + 1))
    found = differences(app, session)
    assert found
    assert all("leads to entry 2" in line for line in found)


def test_an_assignment_that_says_another_place_than_its_trace(app, session, history, sal):
    other = make_queue(session)
    placed = next(a for a in rows(session, Assignment) if a.trace[-1].get("step") == "target")
    session.execute(update(Assignment).where(Assignment.id == placed.id).values(to_queue_id=other.id))
    assert differences(app, session) == [f"assignment {placed.id}: its trace ends at another target"]
