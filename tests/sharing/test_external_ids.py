"""An external id tells nothing of a record that one may not see: it is free, as if there were none."""

import pytest

from app.accounts.contact_operations import create_contact
from app.accounts.models import Account
from app.accounts.operations import create_account, edit_account
from app.cases.models import Case
from app.cases.operations import create_case
from app.identity.models import AccountScope
from app.kernel import clock
from app.kernel.errors import Invalid
from tests.factories import actor_of, make_account, make_case, make_contact, make_user, row_count


def test_what_one_may_not_see_has_no_external_id(session, mara):
    sal = make_user(session, "Sal", account_scope=AccountScope.PORTFOLIO)
    hidden = make_account(session, "Hidden", owner=mara, external_id="X-1")
    make_contact(session, "Hidden", account=hidden, owner=mara, external_id="X-1")
    make_case(session, "Hidden", account=hidden, owner=mara, external_id="X-1")
    session.commit()
    actor, now = actor_of(session, sal), clock.now()
    account = create_account(session, actor, {"name": "Mine", "external_id": "X-1"}, now=now)
    contact = {"last_name": "Mine", "account_id": account.ref, "external_id": "X-1"}
    create_contact(session, actor, contact, now=now)
    create_case(session, actor, {"subject": "Mine", "external_id": "X-1"}, now=now)
    session.flush()
    # One's own are taken, and so is what somebody sees who sees all.
    for create, values in (
        (create_account, {"name": "Again", "external_id": "X-1"}),
        (create_contact, {**contact, "last_name": "Again"}),
        (create_case, {"subject": "Again", "external_id": "X-1"}),
    ):
        for person in (actor, actor_of(session, mara)):
            with pytest.raises(Invalid) as refused:
                create(session, person, values, now=now)
            assert "external_id" in refused.value.errors
    other = create_account(session, actor, {"name": "Other"}, now=now)
    with pytest.raises(Invalid):
        edit_account(session, actor, other.ref, {"external_id": "X-1"}, now=now)
    assert (row_count(session, Account), row_count(session, Case)) == (3, 2)
