"""Rules that name an added field."""

from datetime import timedelta

import pytest

from app.fields.operations import (
    restore_field,
    retire_field,
)
from app.kernel import clock
from app.kernel.errors import Invalid
from app.routing.models import RoutingAlert
from app.routing.rule_operations import activate_rules, create_rules
from app.sharing.building import build_step
from app.sharing.models import GrantSet, GrantSetState, SharingRule
from app.sharing.sharing_rules import create_rule, read_rule
from tests.factories import (
    actor_of,
    get_default_queue,
    make_queue,
    rows,
)
from tests.fields.making import make_field


def test_rules_compare_it_and_fail_closed_when_it_is_gone(session, ada, sal, api):
    segment = make_field(session, ada, "lead", "choices", "Segments", choices=("Gold", "Golden"))
    kind = make_field(session, ada, "account", "choice", "Kind", choices=("Big", "Small"))
    actor, now, queue = actor_of(session, ada), clock.now(), make_queue(session, "Gold leads", (sal,))
    criteria = {"field": segment.name, "op": "contains", "value": "Gold"}
    entry = {"criteria": criteria, "target": {"type": "queue", "id": queue.ref}}
    rules = create_rules(session, actor, name="By segment", entries=[entry], now=now)
    activate_rules(session, actor, rules.ref, now=now)
    with pytest.raises(Invalid):
        create_rules(
            session, actor, name="", entries=[{**entry, "criteria": {**criteria, "op": "gt"}}], now=now
        )
    wrong = {"all": [criteria, {**criteria, "value": "Silver"}]}
    with pytest.raises(Invalid) as refused:
        create_rules(session, actor, name="", entries=[{**entry, "criteria": wrong}], now=now)
    assert "entries[0].criteria.all[1].value" in refused.value.errors
    given = {
        "object": "account",
        "name": "Big ones",
        "kind": "criteria",
        "criteria": {"field": kind.name, "op": "equals", "value": "Big"},
        "share_with": {"type": "user", "id": sal.ref},
        "level": "edit",
    }
    rule = create_rule(session, actor, read_rule(session, given), now=now)
    session.commit()
    for minutes in range(1, 6):
        build_step(session, now=now + timedelta(minutes=minutes))
        session.commit()
    client = api(ada)

    def arrives(value):
        body = {"company": "Acme", "custom": {segment.name: value}}
        return client.post("/api/v1/leads", json=body).json["owner"]["id"]

    default = get_default_queue(session).ref
    assert (arrives(["gold"]), arrives(["golden"]), arrives(None)) == (queue.ref, default, default)
    assert rows(session, GrantSet)[0].state == GrantSetState.ACTIVE
    for field in (segment, kind):
        retire_field(session, actor_of(session, ada), field.ref, now=clock.now())
    session.commit()
    assert rows(session, GrantSet)[0].state == GrantSetState.ENDED
    assert rows(session, SharingRule)[0].detail
    assert client.post("/api/v1/leads", json={"company": "Bolt"}).json["owner"]["id"] == default
    assert {alert.kind for alert in rows(session, RoutingAlert)} == {"cannot_evaluate", "field_gone"}
    restore_field(session, actor_of(session, ada), kind.ref, now=clock.now())
    restore_field(session, actor_of(session, ada), segment.ref, now=clock.now())
    session.commit()
    assert rows(session, GrantSet)[-1].state == GrantSetState.BUILDING
    assert arrives(["gold"]) == queue.ref
    assert rule.ref == rows(session, SharingRule)[0].ref
