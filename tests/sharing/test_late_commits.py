"""That a set waits for whoever wrote before they could know of it, and has not committed yet."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel import clock
from app.kernel.db import db, transaction
from app.sharing import building
from app.sharing.models import GrantSet, GrantSetState, SharingGrant
from app.sharing.sharing_rules import create_rule, read_rule
from tests.factories import actor_of, make_lead


def _build() -> None:
    for _ in range(20):
        with transaction() as own:
            if not building.build_step(own, now=clock.now()):
                return


@pytest.mark.databases("postgresql")
def test_a_set_takes_effect_after_what_was_written_before_it_was_known(
    session: Session, mara: User, otto: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "GRACE", timedelta(0))
    lead = make_lead(session, owner=mara, industry="Retail")
    session.commit()
    lead_id, ref, actor = lead.id, otto.ref, actor_of(session, mara)
    given = {
        "object": "lead", "kind": "criteria", "level": "read", "share_with": {"type": "user", "id": ref},
        "criteria": {"field": "industry", "op": "equals", "value": "Retail"},
    }  # fmt: skip
    session.rollback()
    # Another process changes the lead, has settled it without knowing of the rule, and is slow to commit.
    with db.engine.connect() as late:
        written = text("UPDATE lead SET industry = 'Mining', updated_at = now() WHERE id = :id")
        late.execute(written, {"id": lead_id})
        with transaction() as own:
            create_rule(own, actor, read_rule(own, given), now=clock.now())
        _build()
        assert session.scalar(select(GrantSet.state)) is GrantSetState.BUILDING
        session.rollback()
        late.commit()
    _build()
    assert session.scalar(select(GrantSet.state)) is GrantSetState.ACTIVE
    assert session.scalars(select(SharingGrant.record_id)).all() == []
