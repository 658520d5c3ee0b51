"""Letting partners in, in random worlds: nobody sees more than before, and what is narrowed stays with one's own people."""

import random
from dataclasses import replace

import pytest
from sqlalchemy import select

from app.identity.queries import find_actor, get_organisation
from app.kernel import clock
from app.leads.models import Lead
from app.sharing.audience import Audience
from app.sharing.enabling import Answers, enable_prm
from app.sharing.levels import given_level
from app.sharing.reaching import Fate, Kind, what_reaches_partners
from app.sharing.scope import scope
from app.sharing.verify import differences
from tests.factories import actor_of
from tests.sharing.shared_worlds import add_rule, build_shared, settle_all

pytestmark = pytest.mark.usefixtures("at_once")


def leads_of(session, actor):
    """Lead → level."""
    given = select(Lead.id, given_level(Lead, actor)).where(scope(Lead, actor))
    return {row[0]: row[1] for row in session.execute(given)}


def everybody(session, people):
    """Person → what they see of leads, and what they would see if nothing were shared with them."""
    actors = {person.id: find_actor(session, person.id) for person in people}
    return {
        key: (actor.is_partner, leads_of(session, actor), leads_of(session, replace(actor, shared=())))
        for key, actor in actors.items()
        if actor is not None
    }


@pytest.mark.long_on("postgresql")
@pytest.mark.parametrize("fate", [None, Fate.KEEP, Fate.REMOVE])
def test_in_random_worlds_nobody_gets_more_and_ones_own_people_keep_what_is_narrowed(app, session, fate):
    for seed in (5, 12):
        shared = build_shared(session, seed)
        add_rule(session, shared, random.Random(seed))
        settle_all(session)
        organisation = get_organisation(session)
        organisation.prm_enabled_at = None
        private = {"internal": "private", "external": "private"}
        organisation.defaults = dict.fromkeys(organisation.defaults, private)
        session.flush()
        people, actor = shared.world.people, actor_of(session, shared.administrator)
        before = everybody(session, people)
        items = what_reaches_partners(session, Audience(session))
        assert len(items) > 2
        fates = {} if fate is None else {item.key: fate for item in items if item.kind is not Kind.GROUP}
        assert enable_prm(session, actor, Answers(fates), now=clock.now())
        for moment in ("at once", "when all is built"):
            for key, (is_partner, leads, without) in everybody(session, people).items():
                had = before[key][1]
                if fate is Fate.KEEP or (fate is None and not is_partner):
                    assert leads == had, (seed, moment, key)
                elif is_partner:
                    assert leads == without, (seed, moment, key)
                assert all(level <= had.get(lead, 0) for lead, level in leads.items()), (seed, moment, key)
            settle_all(session)
        assert list(differences(session)) == []
        session.rollback()
