"""Two people at the same moment, with real connections."""

import pytest

from app.accounts.models import Account, AccountResponsible
from app.accounts.operations import add_responsible, create_account, edit_account
from app.events.models import Event
from app.kernel import clock
from app.kernel.db import transaction
from app.kernel.errors import Conflict, Invalid, Stale
from app.partners.models import PartnerAccount
from app.partners.operations import enable_partner
from app.routing.models import Queue
from tests.factories import actor_of, make_account, open_portal, row_count, rows
from tests.races import together

pytestmark = pytest.mark.race


def run(actor, operation, *args, **kwargs):
    def call():
        with transaction() as session:
            return operation(session, actor, *args, now=clock.now(), **kwargs)

    return call


def test_of_two_edits_of_one_version_one_is_taken(app, session, ada, mara):
    account = make_account(session, "Forges", owner=mara)
    ref, people = account.ref, [actor_of(session, ada), actor_of(session, mara)]
    calls = [run(a, edit_account, ref, {"site": f"Site of {a.name}"}, version=1) for a in people]
    answers = together(app, calls)
    assert sorted(isinstance(a, Stale) for a in answers) == [False, True], answers
    session.expire_all()
    assert account.version == 2
    assert len(rows(session, Event, Event.verb == "edited")) == 1


def test_an_account_becomes_a_partner_once(app, session, mara, ada):
    open_portal(session)
    account = make_account(session, "Forges", owner=mara)
    ref, people = account.ref, [actor_of(session, ada), actor_of(session, mara)]
    answers = together(app, [run(a, enable_partner, ref) for a in people * 2])
    assert sorted(isinstance(a, Conflict) for a in answers) == [False, True, True, True], answers
    assert row_count(session, PartnerAccount) == 1
    assert row_count(session, Queue, Queue.partner_account_id.is_not(None)) == 1


def test_nobody_closes_a_circle_of_parents_together(app, session, ada):
    one, two = make_account(session, "One", owner=ada), make_account(session, "Two", owner=ada)
    refs, actor = (one.ref, two.ref), actor_of(session, ada)
    together(app, [run(actor, edit_account, a, {"parent_id": b}) for a, b in (refs, refs[::-1])])
    session.expire_all()
    assert None in (one.parent_id, two.parent_id)


def test_an_external_id_is_taken_once(app, session, sal):
    actor = actor_of(session, sal)
    calls = [run(actor, create_account, {"name": f"Forges {n}", "external_id": "F-1"}) for n in range(4)]
    answers = together(app, calls)
    assert sorted(isinstance(a, Invalid) for a in answers) == [False, True, True, True], answers
    assert row_count(session, Account) == 1


def test_somebody_is_made_answerable_once(app, session, ada, sal):
    account = make_account(session, "Forges", owner=ada)
    ref, user_ref, actor = account.ref, sal.ref, actor_of(session, ada)
    answers = together(app, [run(actor, add_responsible, ref, user_ref) for _ in range(3)])
    assert sorted(isinstance(a, Conflict) for a in answers) == [False, True, True], answers
    assert row_count(session, AccountResponsible) == 1
