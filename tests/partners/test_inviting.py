"""Inviting a colleague: who may, whom, what an address that is taken is answered, what the link opens."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts.models import Contact
from app.events.models import Event
from app.identity.credentials import get_link, use_link
from app.identity.errors import LinkGone
from app.identity.links import token_of
from app.identity.models import OneTimeLink, User, UserState
from app.identity.operations import create_user, resend_invitation
from app.identity.passwords import hash_password
from app.identity.queries import get_organisation
from app.identity.signing_in import Browser
from app.kernel import clock
from app.kernel.actor import Role
from app.kernel.db import transaction
from app.kernel.errors import Invalid, NotAllowed
from app.notifications.models import Delivery, Notification, NotificationKind
from app.offboarding.choices import Keep
from app.offboarding.operations import deactivate_user, reactivate_user
from app.partners.inviting import InvitingIsOff
from app.partners.models import MayInvite, PartnerState
from app.sharing.shares import share_record
from tests.factories import (
    actor_of,
    dump,
    make_contact,
    make_user,
    row_count,
    rows,
)
from tests.partners.teams import NEW, account_of, invite, text_of
from tests.races import together


@pytest.fixture(autouse=True)
def inviting(session, northwind):
    """Northwind's managers and executives may invite."""
    northwind.may_invite = MayInvite.MANAGER
    session.flush()


def mailed(session):
    session.flush()
    return [(n.kind, n.user_id) for n in rows(session, Notification)]


# Inviting


@pytest.mark.parametrize(
    ("setting", "who", "may"),
    [
        (MayInvite.NOBODY, "pex", False),
        (MayInvite.EXECUTIVE, "pam", False),
        (MayInvite.EXECUTIVE, "pex", True),
        (MayInvite.MANAGER, "pam", True),
        (MayInvite.MANAGER, "pia", False),
    ],
)
def test_the_account_says_who_may_invite(request, session, northwind, setting, who, may):
    northwind.may_invite = setting
    person = request.getfixturevalue(who)
    if may:
        assert invite(session, person).partner_account_id == northwind.account_id
    else:
        with pytest.raises(NotAllowed):
            invite(session, person)


def test_nobody_may_invite_until_the_vendor_says_so(session, southwind):
    assert southwind.may_invite is MayInvite.NOBODY
    boss = make_user(session, partner=southwind, role=Role.EXECUTIVE)
    with pytest.raises(InvitingIsOff):
        invite(session, boss)


def test_an_invited_colleague_gets_a_link_a_contact_and_a_line_in_the_list(
    signed_in, session, mara, pam, northwind
):
    browser = signed_in(pam)
    answer = browser.submit("/team/invite", {**NEW, "account_id": "acct_0", "partner_account_id": "1"})
    assert answer.status_code == 303
    page = text_of(browser.get("/team"))
    assert "Nil Serra is invited at nil@northwind.example" in page
    assert "Invited" in page
    [user] = rows(session, User, User.name == "Nil Serra")
    assert (user.partner_account_id, user.role, user.state) == (
        northwind.account_id,
        Role.USER,
        UserState.INVITED,
    )
    assert (user.language, user.time_zone, user.created_by_id) == ("ca", pam.time_zone, pam.id)
    [contact] = rows(session, Contact)
    assert (contact.first_name, contact.last_name, contact.email) == ("Nil", "Serra", "nil@northwind.example")
    assert (contact.id, contact.account_id, contact.owner_user_id) == (
        user.contact_id,
        northwind.account_id,
        mara.id,
    )
    assert mailed(session) == [(NotificationKind.INVITATION, user.id)]
    assert [
        e.verb for e in rows(session, Event, Event.record_id == user.id, Event.record_kind == "user")
    ] == [
        "created",
        "invited",
    ]


def test_a_contact_with_the_address_becomes_the_users(session, pam, northwind):
    account = account_of(session, northwind)
    contact = make_contact(session, "Serra", account=account, email="NIL@northwind.example")
    assert invite(session, pam).contact_id == contact.id
    assert row_count(session, Contact) == 1


@pytest.mark.parametrize(
    ("who", "role", "may"),
    [
        ("pam", "user", True),
        ("pam", "manager", True),
        ("pam", "executive", False),
        ("pex", "executive", True),
        ("pam", "administrator", False),
        ("pam", "sales", False),
        ("pam", "", False),
    ],
)
def test_roles_are_given_up_to_ones_own(request, session, signed_in, who, role, may):
    person = request.getfixturevalue(who)
    answer = signed_in(person).submit("/team/invite", {**NEW, "role": role})
    assert answer.status_code == (303 if may else 422)
    assert row_count(session, User, User.name == "Nil Serra") == int(may)
    if not may:
        with pytest.raises(Invalid):
            invite(session, person, role=role)


def test_a_role_that_is_no_member_of_the_portal_is_not_offered(session, signed_in, pex):
    get_organisation(session).portal_roles = ["manager", "executive"]
    browser = signed_in(pex)
    assert 'value="user"' not in text_of(browser.get("/team/invite"))
    assert browser.submit("/team/invite", NEW).status_code == 422
    with pytest.raises(Invalid):
        invite(session, pex, role="user")


@pytest.mark.parametrize(
    "given",
    [
        {"email": "nobody"},
        {"email": ""},
        {"name": ""},
        {"name": "x" * 130},
        {"name": "a\x00b"},
        {"language": "xx"},
    ],
)
def test_odd_input_is_refused_and_leaves_nothing(session, signed_in, pam, given):
    before = dump(session, User, Contact, Notification)
    assert signed_in(pam).submit("/team/invite", {**NEW, **given}).status_code == 422
    assert dump(session, User, Contact, Notification) == before


def test_a_leader_makes_users_of_no_other_company(session, pam, southwind):
    values = {"email": "x@y.example", "name": "X", "role": Role.USER, "now": clock.now()}
    with pytest.raises(NotAllowed):
        create_user(session, actor_of(session, pam), partner_account=southwind, **values)
    with pytest.raises((NotAllowed, Invalid)):
        create_user(session, actor_of(session, pam), **{**values, "role": Role.SALES})


# Addresses that are taken


@pytest.mark.parametrize(
    "address", ["otto@southwind.example", "OTTO@Southwind.example", "mara@vendor.example"]
)
def test_an_address_of_somebody_elses_gets_the_same_answer_and_the_channel_manager_is_told(
    signed_in, api, session, mara, pam, pia, otto, address
):
    browser = signed_in(pam)
    free = browser.submit("/team/invite", NEW)
    free_page = text_of(browser.get("/team"))
    taken = browser.submit("/team/invite", {**NEW, "name": "Ot To", "email": address})
    taken_page = text_of(browser.get("/team"))
    assert (taken.status_code, taken.location) == (free.status_code, free.location)
    assert (
        "Nil Serra is invited at nil@northwind.example. The link in the mail works for 72 hours." in free_page
    )
    assert "Ot To is invited at" in taken_page
    new, standing = (rows(session, User, User.name == name)[0] for name in ("Nil Serra", "Ot To"))
    for part in ("/edit", "/invite", "/deactivate"):
        assert f"/team/{standing.ref}{part}" in taken_page
        assert f"/team/{new.ref}{part}" in taken_page
    # The API tells the two apart no better.
    shapes = [api(pam).get(f"/users/{user.ref}").json for user in (new, standing)]
    assert shapes[0].keys() == shapes[1].keys()
    assert {shape["state"] for shape in shapes} == {"invited"}
    # Nothing goes to the address; whoever looks after the partner knows.
    assert mailed(session) == [
        (NotificationKind.INVITATION, new.id),
        (NotificationKind.ADDRESS_TAKEN, mara.id),
    ]
    notice = rows(session, Notification)[-1]
    assert notice.detail["who"] == "Pam"
    assert row_count(session, OneTimeLink) == 1
    assert "in use" in text_of(signed_in(mara).get("/notifications"))


def test_contacts_of_ones_own_account_are_no_way_to_find_out(
    api, session, ada, mara, pam, otto, northwind, now
):
    account = account_of(session, northwind)
    company = {"type": "partner_account", "id": account.ref}
    share_record(session, actor_of(session, ada), account, company, "read", now=now)
    for email in (NEW["email"], otto.email):
        invite(session, pam, email=email)
    session.commit()
    listed = api(pam).get("/contacts").json["items"]
    assert sorted(each["email"] for each in listed) == [NEW["email"], otto.email]


def test_sending_it_again_is_no_way_to_find_out(signed_in, session, pam, otto):
    standing = invite(session, pam, email=otto.email)
    browser = signed_in(pam)
    answer = browser.submit(f"/team/{standing.ref}/invite", page="/team")
    assert answer.status_code == 303
    assert "A new invitation is on its way" in text_of(browser.get("/team"))
    assert row_count(session, OneTimeLink) == 0
    assert row_count(session, Delivery) == 1, "the channel manager's"


def test_a_stand_in_never_becomes_somebody(client, signed_in, session, ada, mara, pam, otto):
    standing = invite(session, pam, email=otto.email)
    otto_before = dump(session, OneTimeLink)
    for person in (ada, mara):
        refused = signed_in(person).submit(f"/setup/users/{standing.ref}/invite", page="/profile")
        assert refused.status_code == 422
    with pytest.raises(Invalid):
        resend_invitation(session, actor_of(session, mara), standing, now=clock.now())
    deactivate_user(session, actor_of(session, mara), standing, Keep(), now=clock.now())
    session.commit()
    with pytest.raises(Invalid):
        reactivate_user(session, actor_of(session, mara), standing, now=clock.now())
    session.rollback()
    assert dump(session, OneTimeLink) == otto_before
    client.submit("/forgot-password", {"email": otto.email})
    [link] = rows(session, OneTimeLink)
    assert link.user_id == otto.id, "the address is its holder's alone"


def test_the_vendor_reads_that_nothing_was_sent(signed_in, session, mara, pam, otto):
    standing = invite(session, pam, email=otto.email)
    page = text_of(signed_in(mara).get(f"/setup/users/{standing.ref}"))
    assert "another user" in page


def test_a_colleagues_address_is_named_for_it_is_seen_anyway(signed_in, session, pam, pia):
    answer = signed_in(pam).submit("/team/invite", {**NEW, "email": "PIA@northwind.example"})
    assert answer.status_code == 422
    assert "Pia of your team has this address" in text_of(answer)
    pia.state = UserState.DEACTIVATED
    session.flush()
    assert invite(session, pam, email=pia.email).is_stand_in, "one who left is nobody of the team"


def test_inviting_an_address_twice_does_not_tell_either(signed_in, session, pam, otto):
    browser, answers = signed_in(pam), []
    for name, email in (("Nil Serra", "nil@northwind.example"), ("Ot To", "otto@southwind.example")):
        given = {**NEW, "name": name, "email": email}
        assert browser.submit("/team/invite", given).status_code == 303
        again = browser.submit("/team/invite", {**given, "email": email.upper()})
        answers.append((again.status_code, f"{name} of your team has this address" in text_of(again)))
        [user] = rows(session, User, User.name == name)
        deactivate_user(session, actor_of(session, pam), user, Keep(), now=clock.now())
        answers.append(browser.submit("/team/invite", given).status_code)
    assert answers == [(422, True), 303] * 2


@pytest.mark.race
def test_two_companies_invite_one_address_at_the_same_moment(app, session, southwind, pam):
    southwind.may_invite = MayInvite.MANAGER
    rival = make_user(session, "Riv", partner=southwind, role=Role.MANAGER)
    session.commit()

    def call(ref):
        def act():
            with transaction() as inner:
                who = inner.scalars(select(User).where(User.ref == ref)).one()
                return invite(inner, who, email="nil@x.example").is_stand_in

        return act

    assert sorted(together(app, [call(pam.ref), call(rival.ref)])) == [False, True]


# The link


def link_of(session, user):
    return rows(session, OneTimeLink, OneTimeLink.user_id == user.id)[-1]


def accept(session, link, now):
    return use_link(
        session,
        token_of(link.purpose, link.nonce),
        hash_password("slow boats are safe"),
        now=now,
        browser=Browser(),
    )


def test_an_invitation_opens_once_and_makes_somebody_who_can_be_given_leads(session, pam):
    user = invite(session, pam)
    link = link_of(session, user)
    assert accept(session, link, clock.now()) is not None
    assert (user.state, user.first_web_sign_in_at is not None) == (UserState.ACTIVE, True)
    with pytest.raises(LinkGone):
        accept(session, link, clock.now())


def test_an_expired_or_replaced_invitation_opens_nothing(signed_in, session, pam):
    user = invite(session, pam)
    first = link_of(session, user)
    with pytest.raises(LinkGone):
        accept(session, first, clock.now() + timedelta(hours=72, seconds=1))
    assert signed_in(pam).submit(f"/team/{user.ref}/invite", page="/team").status_code == 303
    with pytest.raises(LinkGone):
        get_link(session, token_of(first.purpose, first.nonce), now=clock.now())
    assert accept(session, link_of(session, user), clock.now()) is not None
    # Whoever has accepted is not invited again.
    assert signed_in(pam).submit(f"/team/{user.ref}/invite", page="/team").status_code == 409


def test_an_invitation_of_a_company_suspended_since_opens_nothing(session, pam, northwind):
    link = link_of(session, invite(session, pam))
    northwind.state = PartnerState.SUSPENDED
    session.flush()
    with pytest.raises(LinkGone):
        accept(session, link, clock.now())
