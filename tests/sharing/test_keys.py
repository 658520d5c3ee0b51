"""Keys of records that are gone are not given again, so that nothing told of the one is told of the other."""

from app.accounts.models import Account
from app.activities.models import Activity
from app.activities.operations import delete_activity, log_activity
from app.conversion.operations import convert_lead
from app.conversion.undoing import unconvert_lead
from app.conversion.wanted import read_wanted
from app.events.models import Event
from app.notifications.models import Notification
from app.opportunities.models import Opportunity
from app.sharing.keys import reserve_keys
from tests.factories import actor_of, make_lead, rows


def test_what_is_made_after_a_conversion_is_undone_has_a_history_of_its_own(session, pia, otto, now):
    leads = [make_lead(session, owner=who, company="Forges") for who in (pia, otto)]
    sold = read_wanted(opportunity={"name": "Vans"})
    gone = convert_lead(session, actor_of(session, pia), leads[0].ref, sold, now=now)
    was = {"account": gone.account.id, "contact": gone.contact.id, "opportunity": gone.opportunity.id}
    unconvert_lead(session, actor_of(session, pia), leads[0].ref, now=now)
    assert rows(session, Opportunity) == []
    [reserved] = reserve_keys(session, Account, 1)  # as an import does
    assert reserved > was["account"]
    made = convert_lead(session, actor_of(session, otto), leads[1].ref, sold, now=now)
    for kind, key in was.items():
        row = getattr(made, kind)
        assert row.id > key
        told = rows(session, Event, Event.record_kind == kind, Event.record_id == row.id)
        assert {event.actor_id for event in told} == {otto.id}
    # Several at once are numbered in their order.
    columns = {c.name: getattr(made.account, c.name) for c in Account.__table__.columns}
    unconvert_lead(session, actor_of(session, otto), leads[1].ref, now=now)
    more = [Account(**columns | {"id": None, "ref": f"acct_{letter}"}) for letter in "abc"]
    session.add_all(more)
    session.flush()
    keys = [each.id for each in more]
    assert keys == sorted({*keys, columns["id"]})[1:]


def test_a_task_is_told_of_although_the_last_one_was_deleted(session, mara, sal, now):
    lead = make_lead(session, owner=sal)
    actor, told = actor_of(session, mara), 0
    for subject in ("Call", "Write", "Visit"):
        task = log_activity(
            session, actor, lead, kind="task", subject=subject, assignee=sal.ref, due_at=now, now=now
        )
        session.flush()
        notices = rows(session, Notification, Notification.user_id == sal.id)
        assert len(notices) == told + 1, subject
        told = len(notices)
        delete_activity(session, actor, task.ref, now=now)
        session.flush()
    assert rows(session, Activity) == []
