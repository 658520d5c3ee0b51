"""After the commit nothing that opened something opens it any more: seven keys, each tried at once."""

from datetime import timedelta

import pytest

from app.identity.credentials import make_link
from app.identity.links import link_token
from app.identity.models import LinkPurpose
from app.kernel import clock
from app.leads.models import AssignmentCause
from app.notifications.messages import write_mail
from app.notifications.models import Delivery, NotificationKind
from app.notifications.operations import notify
from app.notifications.outcomes import Withheld
from app.partners.models import PartnerState
from tests.factories import PASSWORD, make_lead, rows
from tests.people import ApiClient, make_token


@pytest.fixture
def keys(app, session, signed_in, new_client, pia):
    """What Pia holds, each as a call that says whether it still opens something."""
    desk, phone = signed_in(pia), signed_in(pia)
    tokens = [
        ApiClient(app, make_token(pia)),
        ApiClient(app, make_token(pia, expires_at=clock.now() + timedelta(1))),
    ]
    reset = link_token(make_link(session, pia, LinkPurpose.RESET, now=clock.now()))
    form = desk.csrf("/profile")
    session.commit()
    return {
        "a session": lambda: desk.get("/profile").status_code == 200,
        "another session": lambda: phone.get("/inbox").status_code == 200,
        "a form that was open": lambda: _posts(desk, form),
        "a token": lambda: tokens[0].get("/leads").status_code == 200,
        "a token that would expire": lambda: tokens[1].get("/inbox").status_code == 200,
        "a reset link": lambda: new_client().get(f"/welcome/{reset}").status_code == 200,
        "the password": lambda: _signs_in(new_client(), pia),
    }


def _posts(browser, form_token):
    answer = browser.post("/profile/theme", data={"theme": "dark", "csrf_token": form_token})
    return answer.status_code == 303 and "/sign-in" not in answer.location


def _signs_in(browser, user):
    return browser.submit("/sign-in", {"email": user.email, "password": PASSWORD}).status_code == 303


def test_all_seven_work_before(keys):
    assert {name: key() for name, key in keys.items()} == dict.fromkeys(keys, True)


@pytest.mark.parametrize("change", ["deactivated", "suspended"])
def test_none_of_the_seven_works_on_the_first_try_after(
    keys, signed_in, session, mara, pia, northwind, change
):
    browser = signed_in(mara)
    if change == "deactivated":
        url = f"/setup/users/{pia.ref}/deactivate"
    else:
        url = f"/partners/{_account_ref(session, northwind)}/suspend"
    assert browser.submit(url, {"open_records": "keep"}, page="/profile").status_code == 303
    assert {name: key() for name, key in keys.items()} == dict.fromkeys(keys, False)


@pytest.mark.parametrize("change", ["deactivated", "suspended"])
def test_they_would_not_work_even_if_they_had_not_been_ended(keys, session, pia, northwind, change):
    """The state alone decides, on every request: a key that was overlooked opens nothing either."""
    from app.identity.models import UserState

    if change == "deactivated":
        pia.state = UserState.DEACTIVATED
    else:
        northwind.state = PartnerState.SUSPENDED
    session.commit()
    assert {name: key() for name, key in keys.items()} == dict.fromkeys(keys, False)


def test_mail_that_waits_is_withheld(session, signed_in, mara, pia):
    lead = make_lead(session, owner=pia, cause=AssignmentCause.MANUAL)
    notify(
        session,
        act="assignment:1",
        user=pia,
        kind=NotificationKind.LEAD_ASSIGNED,
        now=clock.now(),
        record=lead,
    )
    session.commit()
    [delivery] = rows(session, Delivery)
    assert write_mail(session, delivery.id, now=clock.now()).recipient == pia.email
    url = f"/setup/users/{pia.ref}/deactivate"
    assert signed_in(mara).submit(url, {"open_records": "keep"}, page="/profile").status_code == 303
    with pytest.raises(Withheld):
        write_mail(session, delivery.id, now=clock.now())


def _account_ref(session, partner):
    from app.accounts.models import Account

    [account] = rows(session, Account, Account.id == partner.account_id)
    return account.ref
