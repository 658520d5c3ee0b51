"""Counting what rules grant: never more than is there, and nothing that was deleted."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel import clock
from app.kernel.db import transaction
from app.leads.asking import parse_lead_query
from app.leads.operations import delete_lead, restore_lead
from app.leads.queries import count_leads, list_leads
from app.sharing import building
from app.sharing.models import SharingGrant
from app.sharing.sharing_rules import create_rule, read_rule
from app.sharing.verify import differences
from tests.factories import actor_of, make_lead


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "GRACE", timedelta(0))


def test_what_is_deleted_is_granted_to_nobody_until_it_comes_back(
    session: Session, ada: User, otto: User
) -> None:
    leads = [make_lead(session, owner=ada, industry="Retail").ref for _ in range(4)]
    session.commit()
    given = {
        "object": "lead", "kind": "criteria", "level": "read", "share_with": {"type": "user", "id": otto.ref},
        "criteria": {"field": "industry", "op": "equals", "value": "Retail"},
    }  # fmt: skip
    boss = actor_of(session, ada)
    with transaction() as own:
        create_rule(own, boss, read_rule(own, given), now=clock.now())
    for _ in range(9):
        with transaction() as own:
            building.build_step(own, now=clock.now())

    def seen(cap: int) -> int:
        session.rollback()
        actor = actor_of(session, otto)
        query = parse_lead_query(session, actor, {})
        counted = count_leads(session, actor, query, cap=cap)
        listed = len(list_leads(session, actor, query).items)
        assert counted == min(listed, cap + 1)
        granted = session.scalars(select(SharingGrant.record_id)).all()
        assert len(granted) == listed
        assert list(differences(session)) == []
        return counted

    assert (seen(3), seen(4), seen(9)) == (4, 4, 4)
    with transaction() as own:
        delete_lead(own, boss, leads[0], now=clock.now())
    assert (seen(2), seen(3), seen(9)) == (3, 3, 3)
    with transaction() as own:
        restore_lead(own, boss, leads[0], now=clock.now())
    assert seen(9) == 4
