"""The first touch: until when, who is warned, what counts, and what becomes of leads that nobody touched."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.activities.operations import log_activity
from app.events.models import Event
from app.kernel.actor import Actor
from app.kernel.db import transaction
from app.kernel.errors import DomainError, NotFound
from app.leads.models import Assignment, AssignmentCause, Lead, LeadRefusal
from app.leads.operations import claim_lead, edit_lead
from app.leads.queries import find_level
from app.notifications.models import Notification, NotificationKind
from app.partners.models import PartnerLevel
from app.routing.models import Turn
from app.routing.operations import Target, Wish, accept_offer, assign_lead, claim_next
from app.routing.recycling import due_leads, recycle_lead, recycle_step, warn_owners
from app.sharing.scope import scope
from tests.factories import actor_of, get_default_queue, get_status, make_lead, make_queue, row_count, rows
from tests.races import together
from tests.routing.routing_worlds import assert_sound

HOUR = timedelta(hours=1)
LOOKING = Actor.system("test")


@pytest.fixture
def queue(session, pia, otto):
    """Whoever claims from it has eight hours."""
    return make_queue(session, "Inbound", members=(pia, otto), touch_within_hours=8)


def recycle(session, now):
    return [recycle_lead(session, key, now=now) for key in due_leads(session, now=now)]


def told(session, kind):
    return sorted(n.user_id for n in rows(session, Notification, Notification.kind == kind))


def test_a_claim_that_nothing_follows_is_warned_of_and_goes_back_once(
    session, queue, mara, pia, pam, otto, northwind, now
):
    arrived = now - timedelta(days=3)
    lead = make_lead(session, queue=queue, waiting_since=arrived)
    claim_lead(session, actor_of(session, pia), lead.ref, now=now)
    assert (lead.touch_due_at, lead.touch_warn_at) == (now + 8 * HOUR, now + 6 * HOUR)
    # What the vendor's people do on it is no touch of the partner's.
    log_activity(session, actor_of(session, mara), lead, kind="note", text="Did they call?", now=now)
    edit_lead(session, actor_of(session, mara), lead.ref, {"city": "Girona"}, now=now)
    assert warn_owners(session, now=now + 6 * HOUR - timedelta(seconds=1)) == 0
    assert [warn_owners(session, now=now + 6 * HOUR) for _ in range(2)] == [1, 0]
    assert told(session, NotificationKind.TOUCH_DUE) == [pia.id]
    assert recycle(session, now + 8 * HOUR - timedelta(seconds=1)) == []
    turns = row_count(session, Turn)
    assert recycle(session, now + 8 * HOUR) == [True]
    session.refresh(lead)
    assert (lead.owner_queue_id, lead.partner_account_id) == (queue.id, None)
    assert (lead.waiting_since, lead.touch_due_at, lead.touch_warn_at) == (arrived, None, None)
    assert row_count(session, Turn) == turns
    assert rows(session, Assignment)[-1].cause is AssignmentCause.RECYCLE
    event = rows(session, Event, Event.verb == "recycled")[0]
    assert (event.company_id, event.changes["owner"]) == (None, [pia.name, queue.name])
    assert told(session, NotificationKind.LEAD_RECYCLED) == sorted((pia.id, mara.id))
    assert recycle(session, now + 99 * HOUR) == []
    # As after an offer that lapsed: their company sees it no more, until a person gives it there.
    assert [(r.company_id, r.cause) for r in rows(session, LeadRefusal)] == [
        (northwind.account_id, "recycle")
    ]
    for user in (pia, pam):
        assert find_level(session, actor_of(session, user), lead.ref) is None
    with pytest.raises(NotFound):
        claim_lead(session, actor_of(session, pia), lead.ref, now=now + 9 * HOUR)
    claim_lead(session, actor_of(session, otto), lead.ref, now=now + 9 * HOUR)
    assert lead.touch_due_at == now + 17 * HOUR
    wish = Wish(Target("user", pia.id, pia.ref, pia.name), despite_refusal=True)
    assign_lead(session, actor_of(session, mara), lead.ref, wish, now=now + 10 * HOUR)
    assert (lead.owner_user_id, lead.touch_due_at) == (pia.id, None)
    assert recycle(session, now + 99 * HOUR) == []
    assert_sound(session)


def test_whatever_is_done_on_it_ends_the_matter(session, queue, mara, pia, pam, now):
    def claimed():
        lead = make_lead(session, queue=queue)
        return claim_lead(session, actor_of(session, pia), lead.ref, now=now)

    logged, planned, edited, moved = (claimed() for _ in range(4))
    log_activity(session, actor_of(session, pam), logged, kind="call", text="Rang", now=now)
    due = now + timedelta(days=30)
    log_activity(session, actor_of(session, pia), planned, kind="task", text="Ring", due_at=due, now=now)
    edit_lead(session, actor_of(session, pia), edited.ref, {"need": "Pumps"}, now=now)
    working = get_status(session, "working").id
    edit_lead(session, actor_of(session, mara), moved.ref, {"status": working}, now=now)
    session.flush()
    session.expire_all()
    assert [lead.touch_due_at for lead in (logged, planned, edited, moved)] == [None] * 4
    assert warn_owners(session, now=due) == len(recycle(session, due)) == 0
    assert told(session, NotificationKind.LEAD_RECYCLED) == []


def test_the_queue_says_how_long_else_the_level_and_an_own_queue_is_a_dead_end(
    session, queue, mara, pia, northwind, now
):
    level = rows(session, PartnerLevel)[0]
    northwind.level_id, level.touch_within_hours = level.id, 2
    actor = actor_of(session, pia)
    of_queue = make_lead(session, queue=queue)
    own = session.get_one(type(queue), northwind.queue_id)
    of_own = make_lead(session, queue=own)
    claim_lead(session, actor, of_queue.ref, now=now)
    assert claim_next(session, actor, now=now, queue_ref=own.ref) is of_own
    offered = make_lead(session)
    wish = Wish(Target("user", pia.id, pia.ref, pia.name), ask_to_accept=True)
    assign_lead(session, actor_of(session, mara), offered.ref, wish, now=now)
    assert offered.touch_due_at is None
    accept_offer(session, actor, offered.ref, now=now + HOUR)
    hours = [(lead.touch_due_at - now) / HOUR for lead in (of_queue, of_own, offered)]
    assert hours == [8, 2, 3]
    assert recycle(session, now + 3 * HOUR) == [True, True]
    default = get_default_queue(session).id
    session.expire_all()
    assert (of_own.owner_queue_id, offered.owner_queue_id) == (default, default)
    assert of_queue.owner_user_id == pia.id
    assert_sound(session)


@pytest.mark.race
def test_recycling_claiming_and_touching_at_once(app, session, queue, pia, otto, now):
    """Two workers, the owner and somebody who claims: nothing touched is lost, nothing is recycled twice."""
    actor, other = actor_of(session, pia), actor_of(session, otto)
    leads = [make_lead(session, queue=queue) for _ in range(10)]
    refs = [lead.ref for lead in leads]
    for ref in refs:
        claim_lead(session, actor, ref, now=now - 9 * HOUR)

    def touch():
        done = set()
        for number, ref in enumerate(reversed(refs)):
            try:
                with transaction() as own:
                    if number % 2:
                        edit_lead(own, actor, ref, {"need": "Pumps"}, now=now)
                    else:
                        lead = own.scalar(select(Lead).where(scope(Lead, LOOKING), Lead.ref == ref))
                        log_activity(own, actor, lead, kind="call", text="Rang", now=now)
                    done.add(ref)
            except DomainError:
                pass
        return done

    def claim():
        done = set()
        for ref in refs * 2:
            try:
                with transaction() as own:
                    claim_lead(own, other, ref, now=now)
                    done.add(ref)
            except DomainError:
                pass
        return done

    touched, claimed, *steps = together(app, [touch, claim, recycle_step, recycle_step])
    assert isinstance(touched, set), touched
    assert isinstance(claimed, set), claimed
    assert not [step for step in steps if not isinstance(step, bool)], steps
    recycle_step()
    session.expire_all()
    of = select(Assignment.lead_id).where(Assignment.cause == AssignmentCause.RECYCLE)
    back = set(session.scalars(select(Lead.ref).where(scope(Lead, LOOKING), Lead.id.in_(of))))
    assert row_count(session, Assignment, Assignment.cause == AssignmentCause.RECYCLE) == len(back)
    assert touched.isdisjoint(back)
    assert touched | back == set(refs)
    assert claimed <= back
    assert_sound(session, leads)
