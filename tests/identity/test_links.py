"""Invitations and resets: one use, for a limited time, nothing by opening; and what a new password ends."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.identity.credentials import send_invitation, use_link
from app.identity.errors import LinkGone
from app.identity.links import link_token, link_url
from app.identity.models import ApiToken, OneTimeLink, User, UserSession, UserState
from app.identity.passwords import hash_password, is_right
from app.identity.queries import digest, get_organisation
from app.identity.signing_in import Browser, Entry
from app.kernel import clock
from app.kernel.db import db, transaction
from app.notifications.models import Notification
from app.partners.models import PartnerState
from tests.factories import PASSWORD, dump, make_user, row_count, rows
from tests.identity.letters import last_link, mailed
from tests.people import make_token, sign_in
from tests.races import together

NEW = "winds turn before the rain"


@pytest.fixture
def ivo(session, northwind):
    """Somebody who has been invited to Northwind."""
    user = make_user(
        session, "Ivo", partner=northwind, state=UserState.INVITED, password=None,
        first_web_sign_in_at=None, last_sign_in_at=None,
    )  # fmt: skip
    send_invitation(session, user, now=clock.now())
    session.commit()
    return user


def ask_for_reset(client, user):
    return client.submit("/forgot-password", {"email": user.email})


def set_password(client, path, password=NEW, again=None):
    data = {"password": password, "password_again": password if again is None else again}
    return client.submit(path, data)


def test_an_invitation_sets_a_password_and_signs_in(client, session, ivo):
    assert mailed(session, ivo) == [("invitation", ivo.email, "due")]
    page = client.get(last_link(session, ivo))
    assert page.status_code == 200
    assert ivo.email in page.text
    answer = set_password(client, last_link(session, ivo))
    assert (answer.status_code, answer.location) == (303, "/")
    assert ivo.state is UserState.ACTIVE
    assert is_right(NEW, ivo.password_hash)
    assert ivo.first_web_sign_in_at is not None
    assert client.get("/profile").status_code == 200


def test_before_the_portal_is_open_it_sets_the_password_and_says_so(client, session, ivo):
    get_organisation(session).portal_published_at = None
    answer = set_password(client, last_link(session, ivo))
    assert (answer.status_code, answer.location) == (303, "/not-open")
    assert "not open yet" in client.get("/not-open").text
    assert ivo.state is UserState.ACTIVE
    assert ivo.first_web_sign_in_at is None
    assert row_count(session, UserSession) == 0


def test_opening_a_link_changes_nothing(client, session, ivo):
    path = last_link(session, ivo)
    before = dump(session, User, OneTimeLink, UserSession, Notification)
    for method in ("GET", "HEAD"):
        assert client.open(path, method=method).status_code == 200
    assert dump(session, User, OneTimeLink, UserSession, Notification) == before


def test_a_link_works_once(client, new_client, session, ivo):
    path = last_link(session, ivo)
    token = client.csrf(path)
    assert set_password(client, path).status_code == 303
    again = new_client()
    assert again.get(path).status_code == 410
    replay = again.submit(path, {"password": "another one of mine", "password_again": "another one of mine"})
    assert replay.status_code == 410
    assert is_right(NEW, ivo.password_hash)
    assert token


@pytest.mark.parametrize(("purpose", "hours"), [("invitation", 72), ("reset", 1)])
def test_a_link_expires(client, session, ivo, pia, purpose, hours):
    user = ivo if purpose == "invitation" else pia
    if purpose == "reset":
        ask_for_reset(client, pia)
    path = last_link(session, user)
    link = rows(session, OneTimeLink, OneTimeLink.user_id == user.id)[-1]
    assert link.expires_at - link.created_at == timedelta(hours=hours)
    assert client.get(path).status_code == 200
    link.expires_at = clock.now() - timedelta(seconds=1)
    gone = client.get(path)
    assert gone.status_code == 410
    assert "/forgot-password" in gone.text
    assert set_password(client, path).status_code == 410


def test_a_newer_link_replaces_the_older_one(client, session, ivo):
    older = last_link(session, ivo)
    send_invitation(session, ivo, now=clock.now())
    assert client.get(older).status_code == 410
    assert client.get(last_link(session, ivo)).status_code == 200


def test_what_was_never_a_link_is_answered_like_one_that_is_gone(client, session, ivo):
    used = last_link(session, ivo)
    set_password(client, used)
    stranger = client.get("/welcome/never-was-a-link")
    assert stranger.status_code == client.get(used).status_code == 410
    for odd in ("/welcome/%00", "/welcome/" + "x" * 4000, "/welcome/é"):
        assert client.get(odd).status_code == 410


@pytest.mark.parametrize(
    ("password", "again", "message"),
    [
        ("short", "short", "at least 12 characters"),
        ("password1234", "password1234", "Many people use this password"),
        ("ivo2026ivo2026", None, None),
        (NEW, "something else than it", "not the same"),
        ("", "", "needed"),
        ("x" * 300, "x" * 300, "at most 256"),
        ("nul\x00in the middle of it", "other", "not the same"),
    ],
)
def test_a_bad_password_leaves_the_link_usable(client, session, ivo, password, again, message):
    path = last_link(session, ivo)
    answer = set_password(client, path, password, again)
    if message is None:
        assert answer.status_code == 303
        return
    assert answer.status_code == 422
    assert message in answer.text
    assert ivo.state is UserState.INVITED
    assert set_password(client, path).status_code == 303


def test_the_database_holds_nothing_that_opens_a_link(app, session, ivo):
    link = rows(session, OneTimeLink)[0]
    token = link_token(link)
    assert digest(token) == link.token_hash
    assert token not in repr(dump(session, OneTimeLink, Notification))
    assert link_url(link).endswith(f"/welcome/{token}")
    app.config["SECRET_KEY"], kept = "another key altogether, as long", app.config["SECRET_KEY"]
    try:
        assert link_token(link) != token
    finally:
        app.config["SECRET_KEY"] = kept


def test_asking_for_a_reset_mails_a_link(client, session, mara):
    answer = ask_for_reset(client, mara)
    assert (answer.status_code, answer.location) == (303, "/forgot-password?sent=1")
    assert mailed(session, mara) == [("password_reset", mara.email, "due")]


def test_a_reset_ends_everything_the_old_password_opened_and_says_so(client, new_client, app, session, mara):
    old = new_client()
    sign_in(old, mara)
    make_token(mara)
    ask_for_reset(client, mara)
    path = last_link(session, mara)
    assert set_password(client, path).status_code == 303
    assert old.get("/profile").status_code == 303
    assert rows(session, ApiToken)[0].revoked_at is not None
    assert client.get("/profile").status_code == 200
    assert [s.ended_at is None for s in rows(session, UserSession)] == [False, True]
    assert mailed(session, mara)[1:] == [
        ("password_changed", mara.email, "due"),
        ("new_device", mara.email, "due"),
    ]
    refused = new_client().submit("/sign-in", {"email": mara.email, "password": PASSWORD})
    assert refused.status_code == 422


def test_whoever_was_invited_gets_a_new_invitation(client, session, ivo):
    older = last_link(session, ivo)
    ask_for_reset(client, ivo)
    assert [kind for kind, *_ in mailed(session, ivo)] == ["invitation", "invitation"]
    assert client.get(older).status_code == 410


@pytest.mark.parametrize("who", ["deactivated", "suspended", "unknown", "nonsense"])
def test_nobody_else_gets_a_mail_and_the_answer_is_the_same(client, session, pia, northwind, who):
    if who == "deactivated":
        pia.state = UserState.DEACTIVATED
    if who == "suspended":
        northwind.state = PartnerState.SUSPENDED
    email = {"unknown": "nobody@vendor.example", "nonsense": "no address"}.get(who, pia.email)
    answer = client.submit("/forgot-password", {"email": email})
    assert (answer.status_code, answer.location) == (303, "/forgot-password?sent=1")
    assert mailed(session) == []
    assert row_count(session, OneTimeLink) == 0


def test_an_empty_address_is_said_to_be_needed(client, app):
    assert client.submit("/forgot-password", {"email": ""}).status_code == 422


@pytest.mark.parametrize("change", ["deactivated", "suspended"])
def test_a_link_dies_with_the_right_to_sign_in(client, session, pia, northwind, change):
    ask_for_reset(client, pia)
    path = last_link(session, pia)
    if change == "deactivated":
        pia.state = UserState.DEACTIVATED
    else:
        northwind.state = PartnerState.SUSPENDED
    assert client.get(path).status_code == 410
    assert set_password(client, path).status_code == 410


def test_of_two_who_use_a_link_at_once_one_wins(app, session, ivo):
    token = last_link(session, ivo).rpartition("/")[2]
    kept = hash_password(NEW)

    def use():
        with transaction() as own:
            return use_link(own, token, kept, now=clock.now(), browser=Browser())

    answers = together(app, [use] * 4)
    assert sorted(isinstance(a, Entry) for a in answers) == [False, False, False, True]
    assert all(isinstance(a, LinkGone) for a in answers if not isinstance(a, Entry))
    db.session.expire_all()
    assert row_count(session, UserSession) == 1


def test_an_invitation_left_over_from_before_does_not_reset_a_password(client, session, ivo):
    """Active by another way meanwhile: the old invitation is no way in."""
    path = last_link(session, ivo)
    session.execute(update(User).where(User.id == ivo.id).values(state=UserState.ACTIVE))
    assert client.get(path).status_code == 410


def test_a_link_without_a_form_token_is_refused(client, session, ivo):
    data = {"password": NEW, "password_again": NEW}
    assert client.post(last_link(session, ivo), data=data).status_code == 400
    assert ivo.state is UserState.INVITED
