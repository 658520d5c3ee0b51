"""Enabling a contact of a partner as a partner user."""

import pytest

from app.accounts.models import Account
from app.events.models import Event
from app.identity.models import User, UserState
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.actor import Role
from app.kernel.errors import Invalid, NotFound, WrongOrder
from app.partners.errors import NoAccount, NotAPartner, PartnerAlready, Suspended
from app.partners.models import PartnerState
from app.partners.operations import enable_partner_user
from tests.factories import actor_of, make_account, make_contact, open_portal, row_count, rows
from tests.identity.letters import last_link, mailed


@pytest.fixture
def marta(session, northwind):
    """A contact of Northwind, in Catalan."""
    open_portal(session)
    [account] = rows(session, Account, Account.id == northwind.account_id)
    return make_contact(
        session, "Puig", account=account, first_name="Marta", email="Marta@northwind.example", language="ca",
        time_zone="Europe/Madrid",
    )  # fmt: skip


def enable(session, user, contact, **more):
    return enable_partner_user(session, actor_of(session, user), contact.ref, now=clock.now(), **more)


def test_the_page_is_filled_from_the_contact_and_sends_the_invitation(
    signed_in, new_client, session, mara, marta, northwind
):
    browser, page = signed_in(mara), f"/contacts/{marta.ref}/enable-partner-user"
    assert page in browser.get(f"/contacts/{marta.ref}").get_data(as_text=True)
    shown = browser.get(page).get_data(as_text=True)
    assert 'value="Marta Puig"' in shown
    assert 'value="Marta@northwind.example"' in shown
    assert '<option selected value="ca">' in shown
    values = {"name": "Marta Puig", "email": "Marta@northwind.example", "role": "manager", "language": "ca",
              "time_zone": "Europe/Madrid"}  # fmt: skip
    answer = browser.submit(page, values)
    [user] = rows(session, User, User.contact_id == marta.id)
    [account] = rows(session, Account, Account.id == northwind.account_id)
    assert answer.location == f"/partners/{account.ref}"
    assert (user.role, user.state, user.partner_account_id) == (
        Role.MANAGER,
        UserState.INVITED,
        northwind.account_id,
    )
    assert (user.language, user.time_zone, user.password_hash) == ("ca", "Europe/Madrid", None)
    assert mailed(session, user) == [("invitation", "Marta@northwind.example", "due")]
    password = "winds turn before the rain"
    guest = new_client()
    guest.submit(last_link(session, user), {"password": password, "password_again": password})
    assert guest.get("/team").status_code == 200
    [event] = rows(session, Event, Event.verb == "partner_user_enabled")
    assert (event.record_ref, event.detail["name"]) == (account.ref, "Marta Puig")


def test_what_is_not_given_comes_from_the_contact_and_the_organisation(session, mara, marta, northwind):
    user = enable(session, mara, marta)
    assert (user.name, user.email, user.role, user.language) == (
        "Marta Puig",
        "Marta@northwind.example",
        Role.USER,
        "ca",
    )
    [account] = rows(session, Account, Account.id == northwind.account_id)
    other = enable(session, mara, make_contact(session, "Vila", account=account))
    assert (other.language, other.time_zone) == ("en", "UTC")


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("email", {"email": "no address"}),
        ("email", {"email": "pia@northwind.example"}),
        ("email", {"email": "PIA@northwind.example"}),
        ("email", {"email": "mara@vendor.example"}),
        ("role", {"role": "administrator"}),
        ("role", {"role": "king"}),
        ("language", {"language": "xx"}),
        ("time_zone", {"time_zone": "Mars/Olympus"}),
        ("name", {"name": "x" * 201}),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(session, mara, marta, pia, field, values):
    before = row_count(session, User)
    with pytest.raises(Invalid) as refused:
        enable(session, mara, marta, **values)
    assert field in refused.value.errors
    assert row_count(session, User) == before
    assert mailed(session) == []


def test_a_taken_address_is_said_beside_its_field(signed_in, session, mara, marta, pia):
    page = f"/contacts/{marta.ref}/enable-partner-user"
    values = {"name": "Marta", "email": pia.email, "role": "user", "language": "en", "time_zone": "UTC"}
    answer = signed_in(mara).submit(page, values)
    assert answer.status_code == 422
    assert "exists already" in answer.get_data(as_text=True)
    assert mailed(session) == []


def test_a_contact_without_address_needs_one(session, mara, marta):
    marta.email = None
    with pytest.raises(Invalid) as refused:
        enable(session, mara, marta)
    assert "email" in refused.value.errors


# What must come first


def test_contacts_that_cannot_become_partner_users(session, mara, northwind, marta, pia):
    outside = make_contact(session, "Out", account=make_account(session, "No partner", owner=mara))
    private = make_contact(session, "Private", owner=mara)
    for contact, error in ((outside, NotAPartner), (private, NoAccount)):
        with pytest.raises(error):
            enable(session, mara, contact)
    enable(session, mara, marta)
    with pytest.raises(PartnerAlready):
        enable(session, mara, marta, email="other@northwind.example")
    northwind.state = PartnerState.SUSPENDED
    [account] = rows(session, Account, Account.id == northwind.account_id)
    with pytest.raises(Suspended):
        enable(session, mara, make_contact(session, "Late", account=account))


def test_a_deactivated_user_can_be_enabled_anew_under_another_address(session, mara, marta):
    first = enable(session, mara, marta)
    first.state = UserState.DEACTIVATED
    session.flush()
    second = enable(session, mara, marta, email="new@northwind.example")
    assert second.contact_id == first.contact_id


def test_nobody_is_enabled_before_prm_is_on(signed_in, session, mara, northwind):
    get_organisation(session).prm_enabled_at = None
    [account] = rows(session, Account, Account.id == northwind.account_id)
    contact = make_contact(session, "Puig", account=account)
    with pytest.raises(WrongOrder):
        enable(session, mara, contact)
    assert signed_in(mara).get(f"/contacts/{contact.ref}/enable-partner-user").status_code == 409


def test_a_private_contact_of_another_is_not_there(session, mara, sal, marta):
    with pytest.raises(NotFound):
        enable(session, mara, make_contact(session, "Private", owner=sal))


@pytest.mark.parametrize("who", ["sal", "vic", "pia", "pex"])
def test_others_enable_nobody(request, signed_in, session, marta, who):
    browser = signed_in(request.getfixturevalue(who))
    page, before = f"/contacts/{marta.ref}/enable-partner-user", row_count(session, User)
    assert browser.get(page).status_code == 403
    assert browser.submit(page, {"name": "x", "email": "x@y.example"}, page="/profile").status_code == 403
    assert row_count(session, User) == before
