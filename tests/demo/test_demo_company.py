"""The demo company, at whatever moment it is loaded: everybody one can sign in as has something to do."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.demo.company import is_empty, load, sign_ins
from app.identity.models import User
from app.identity.queries import get_organisation
from app.kernel import clock
from app.leads.models import Lead, Offer, OfferState
from app.leads.operations import claim_lead
from app.routing.models import Queue
from app.routing.verify import verify_routing
from app.sharing.building import build_step
from app.sharing.consequences import counts_of_rules
from app.sharing.models import GrantSet, GrantSetState, PublicGroup, SharingRule
from app.sharing.principals import reaches_partners
from app.sharing.scope import scope
from app.sharing.upkeep import settle
from app.sharing.verify import differences
from tests.factories import actor_of

PARTNERS = ("pia@northwest.example", "otto@rival.example", "montse@shop.example")


# Of one database only: the same seed gives the same names, and what is kept by name would be another's.
@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("moment", "leads", "seed"),
    [
        pytest.param(datetime(2026, 3, 29, 0, 30, tzinfo=UTC), 2400, 2, marks=pytest.mark.long),
        pytest.param(datetime(2026, 11, 22, 4, 17, tzinfo=UTC), 1500, 1, marks=pytest.mark.long),
        # A night in which all that waited had been claimed.
        pytest.param(datetime(2026, 11, 24, 2, 20, tzinfo=UTC), 1500, 1, marks=pytest.mark.long),
    ],
)
def test_people_can_take_more_at_any_moment(app, session, moment, leads, seed):
    assert is_empty(session)
    load(session, now=moment, leads=leads, seed=seed)
    assert get_organisation(session).is_demo  # so nobody must have a second factor
    assert {who.email for who in sign_ins(session)} > set(PARTNERS[:2])
    queue = session.scalars(select(Queue).where(Queue.name == "Northwest")).one()
    for email in PARTNERS:
        user = session.scalars(select(User).where(User.email == email)).one()
        pending = session.scalar(
            select(func.count()).where(Offer.user_id == user.id, Offer.state == OfferState.PENDING)
        )
        assert pending == 3
        actor = actor_of(session, user)
        ref = session.scalar(
            select(Lead.ref).where(scope(Lead, actor), Lead.owner_queue_id == queue.id).limit(1)
        )
        assert ref is not None
        assert claim_lead(session, actor, ref, now=moment).owner_user_id == user.id
    session.flush()
    assert verify_routing(session).differences == []
    check_sharing(session)


def check_sharing(session: Session) -> None:
    """One rule, which the worker builds, gives a group of colleagues large companies' leads and partners nothing."""
    settle(session)
    while session.scalar(select(GrantSet.id).where(GrantSet.state == GrantSetState.BUILDING)):
        build_step(session, now=clock.now())
    rule = session.scalars(select(SharingRule)).one()
    group = session.scalars(select(PublicGroup)).one()
    assert not reaches_partners(session, f"group:{group.id}")
    assert counts_of_rules(session, [rule.id])[rule.id].number > 0
    assert list(differences(session)) == []
