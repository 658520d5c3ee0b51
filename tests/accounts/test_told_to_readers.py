"""What a record tells of others that its reader does not see: when it was worked with, what is open on it, who made it twice."""

from datetime import timedelta

import pytest

from app.accounts.operations import create_account, delete_account, edit_account
from app.activities.operations import log_activity
from app.activities.told import last_activity
from app.care.comparing import compare_some
from app.identity.models import AccountScope
from app.identity.queries import get_organisation
from app.kernel.actor import Role
from app.kernel.errors import InUse
from app.notifications.models import Notification, NotificationKind
from app.notifications.operations import Mail, notify
from app.notifications.queries import unread_notifications
from tests.factories import actor_of, make_account, make_case, make_contact, make_lead, make_user, rows

DAY = timedelta(days=1)


@pytest.fixture
def porta(session):
    """A channel manager who sees her own portfolio alone."""
    return make_user(session, "Porta", role=Role.CHANNEL_MANAGER, account_scope=AccountScope.PORTFOLIO)


def test_the_last_activity_tells_nothing_of_what_one_does_not_see(signed_in, session, ada, sal, porta, now):
    ada_ = actor_of(session, ada)
    account = make_account(session, "Forges Riera", owner=porta)
    contact, shared = (
        make_contact(session, "Puig", account=account),
        make_account(session, "Of Ada", owner=ada),
    )
    steps = [
        (account, (), 9), (contact, (), 7), (make_lead(session, owner=ada), (contact.ref,), 3),
        (make_case(session, account=shared, owner=ada), (), 2), (make_contact(session, account=shared), (), 5),
    ]  # fmt: skip
    for record, people, days in steps:
        log_activity(
            session, ada_, record, kind="call", subject="Rang", at=now - days * DAY, people=people, now=now
        )
    for each in (account, contact, shared):
        session.refresh(each)

    def told(user):
        actor = actor_of(session, user)
        moments = (last_activity(each, actor) for each in (account, contact, shared))
        return [None if moment is None else (now - moment).days for moment in moments]

    assert told(ada) == told(sal) == [7, 3, 2]
    assert told(porta) == [7, 7, 5]
    session.commit()
    browser = signed_in(porta)
    for path, name in (("contacts", "Puig"), ("accounts", "Forges Riera")):
        assert name in browser.get(f"/{path}").get_data(as_text=True)
        since = f"/{path}?last_activity_at_from={(now - 4 * DAY).date().isoformat()}"
        assert name not in browser.get(since).get_data(as_text=True)
        assert name in browser.get(since.replace("at_from", "at_to")).get_data(as_text=True)
    assert "Puig" in signed_in(ada).get(since.replace("accounts", "contacts")).get_data(as_text=True)
    # Where the default gives accounts without their contacts, their calls are told to nobody else.
    organisation = get_organisation(session)
    private = {"internal": "private", "external": "private"}
    organisation.defaults = {**organisation.defaults, "contact": private}
    session.commit()
    assert told(sal)[0] is None
    assert told(ada) == [7, 3, 2]


def test_open_work_that_one_does_not_see_is_said_without_a_number(session, ada, porta, now):
    account = make_account(session, "Forges", owner=porta)
    make_account(session, "Below", owner=ada, parent_id=account.id)
    with pytest.raises(InUse) as refusal:
        delete_account(session, actor_of(session, porta), account.ref, now=now)
    assert "that you do not see" in str(refusal.value.message)
    with pytest.raises(InUse) as refusal:
        delete_account(session, actor_of(session, ada), account.ref, now=now)
    assert "1 account stands below it" in str(refusal.value.message)


def test_the_bell_counts_what_may_be_opened(session, ada, sal, now):
    contact = make_contact(session, owner=ada)  # private: nobody else's
    account, mine = make_account(session, owner=ada, deleted_at=now), make_account(session)
    for number, record in enumerate((contact, account, mine)):
        notify(
            session, act=f"pair:{number}", user=sal, kind=NotificationKind.DUPLICATE_FOUND, now=now,
            record=record, detail={"reasons": []}, mail=Mail.NONE,
        )  # fmt: skip
    session.flush()
    assert len(session.scalars(unread_notifications(actor_of(session, sal))).all()) == 1


def test_whoever_makes_a_record_again_is_never_told_of_the_hidden_one(session, ada, porta, now):
    def compare():
        while compare_some(session, now=now):
            session.flush()
        return {
            user.name for user in (ada, porta) for n in rows(session, Notification) if n.user_id == user.id
        }

    make = {"name": "Forges Riera", "website": "https://forges.example"}
    hidden = create_account(session, actor_of(session, ada), make, now=now - DAY)
    compare()
    create_account(session, actor_of(session, porta), make, now=now)
    # Before the worker comes by, the hidden one is changed.
    edit_account(session, actor_of(session, ada), hidden.ref, {"description": "x"}, now=now + DAY)
    assert compare() == set()
    create_account(session, actor_of(session, porta), make, allow_duplicate=True, now=now + 2 * DAY)
    assert compare() == {"Ada"}
