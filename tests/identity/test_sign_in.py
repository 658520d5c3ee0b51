"""Signing in and out: a session of its own each time, one answer for whoever may not."""

import pytest

from app.events.models import Event
from app.identity.models import UserSession, UserState
from app.identity.passwords import is_outdated
from app.identity.queries import digest, get_organisation
from app.kernel.actor import Role
from app.partners.models import PartnerState
from tests.factories import PASSWORD, make_partner, make_user, row_count, rows

REFUSED = "do not open an account"


def sign_in(client, email, password=PASSWORD, **kwargs):
    return client.submit("/sign-in", {"email": email, "password": password}, **kwargs)


def token_in(client):
    with client.session_transaction() as cookie:
        return cookie.get("_user_id")


def test_signing_in_opens_a_session_and_goes_home(client, session, mara):
    mara.first_web_sign_in_at = None
    answer = sign_in(client, "Mara@Vendor.example ")
    assert (answer.status_code, answer.location) == (303, "/")
    [row] = rows(session, UserSession)
    assert row.user_id == mara.id
    assert row.token_hash == digest(token_in(client))
    assert row.address == "127.0.0.1"
    assert mara.first_web_sign_in_at is not None
    assert [e.verb for e in rows(session, Event)] == ["signed_in"]
    assert client.get("/profile").status_code == 200


def test_a_partner_user_signs_in_when_the_portal_is_open(client, pia):
    assert sign_in(client, pia.email).status_code == 303


@pytest.mark.parametrize("email", ["nobody@vendor.example", "mara@vendor.example", "", "\x00", "x" * 5000])
def test_a_wrong_password_or_address_is_refused(client, session, mara, email):
    answer = sign_in(client, email, "not the password")
    assert answer.status_code == 422
    assert "not the password" not in answer.text
    assert row_count(session, UserSession) == 0


def states(session, northwind):
    """Everybody who may not sign in, each with the right password."""
    suspended = make_partner(session, "Westwind", state=PartnerState.SUSPENDED)
    return {
        "deactivated": make_user(session, "Dee", state=UserState.DEACTIVATED),
        "invited": make_user(session, "Ivo", state=UserState.INVITED),
        "without a password": make_user(session, "Noa", state=UserState.INVITED, password=None),
        "of a suspended company": make_user(session, "Sue", partner=suspended),
        "deactivated partner user": make_user(
            session, "Dan", partner=northwind, state=UserState.DEACTIVATED, role=Role.MANAGER
        ),
    }


def test_the_answer_is_the_same_whatever_the_reason(client, session, mara, northwind):
    people = states(session, northwind)
    session.commit()
    answers = {name: sign_in(client, user.email) for name, user in people.items()}
    answers["unknown"] = sign_in(client, "nobody@vendor.example")
    answers["wrong password"] = sign_in(client, mara.email, "a wrong password")
    assert {a.status_code for a in answers.values()} == {422}
    typed = [*(u.email for u in people.values()), "nobody@vendor.example", mara.email]
    bodies = set()
    for answer in answers.values():
        body = answer.text
        assert REFUSED in body
        for email in typed:
            body = body.replace(email, "EMAIL")
        bodies.add(client_free(body))
    assert len(bodies) == 1
    assert row_count(session, UserSession) == 0


def client_free(body):
    """The page without what differs from request to request."""
    import re

    return re.sub(r'value="[^"]{40,}"|name="once" value="[^"]+"|X-CSRFToken[^}]*', "", body)


def test_partner_people_are_told_that_the_portal_is_not_open_after_the_right_password_only(
    client, session, pia
):
    get_organisation(session).portal_published_at = None
    assert "not open yet" in sign_in(client, pia.email).text
    wrong = sign_in(client, pia.email, "a wrong password")
    assert REFUSED in wrong.text
    assert "not open yet" not in wrong.text
    assert row_count(session, UserSession) == 0


def test_internal_people_sign_in_before_the_portal_is_open(client, session, mara):
    assert sign_in(client, mara.email).status_code == 303


def test_every_sign_in_has_a_token_of_its_own_and_none_from_before_it_works(client, session, mara):
    """A token planted in the browser beforehand opens nothing after the sign-in (session fixation)."""
    planted = "planted-token-of-somebody-else"
    with client.session_transaction() as cookie:
        cookie["_user_id"] = planted
        cookie["left_over"] = "from before"
    sign_in(client, mara.email)
    first = token_in(client)
    assert first not in (None, planted)
    with client.session_transaction() as cookie:
        assert "left_over" not in cookie
    client.submit("/sign-out", page="/profile")
    sign_in(client, mara.email)
    assert token_in(client) not in (None, planted, first)


def test_signing_out_ends_the_session_on_the_server(client, new_client, session, mara):
    sign_in(client, mara.email)
    token = token_in(client)
    answer = client.submit("/sign-out", page="/profile")
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    [row] = rows(session, UserSession)
    assert row.ended_at is not None
    kept = new_client()  # a cookie kept from before, put back
    with kept.session_transaction() as cookie:
        cookie["_user_id"] = token
    assert kept.get("/profile").status_code == 303


def test_signing_out_works_for_whoever_is_not_signed_in(client, app):
    assert client.submit("/sign-out", page="/sign-in").status_code == 303


@pytest.mark.parametrize(
    ("target", "goes_to"),
    [
        ("/leads?status=new&sort=-score", "/leads?status=new&sort=-score"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("leads", "/"),
        ("http:///evil.example", "/"),
        ("", "/"),
    ],
)
def test_the_way_on_stays_on_this_site(client, mara, target, goes_to):
    from urllib.parse import urlencode

    answer = sign_in(client, mara.email, query_string=urlencode({"next": target}))
    assert answer.location == goes_to


def test_a_page_asks_to_sign_in_and_comes_back(client, mara):
    asked = client.get("/profile?x=1")
    assert (asked.status_code, asked.location) == (303, "/sign-in?next=/profile?x%3D1")
    answer = client.submit(asked.location, {"email": mara.email, "password": PASSWORD})
    assert answer.location in ("/profile?x=1", "/")


def test_whoever_is_signed_in_is_sent_on(signed_in, mara):
    assert signed_in(mara).get("/sign-in").status_code == 303


def test_a_form_without_its_token_is_refused(client, mara, session):
    data = {"email": mara.email, "password": PASSWORD}
    assert client.post("/sign-in", data=data).status_code == 400
    assert client.post("/sign-in", data={**data, "csrf_token": "made up"}).status_code == 400
    assert row_count(session, UserSession) == 0


def test_a_form_with_another_browsers_token_is_refused(client, new_client, mara):
    token = new_client().csrf("/sign-in")
    client.get("/sign-in")
    answer = client.post("/sign-in", data={"email": mara.email, "password": PASSWORD, "csrf_token": token})
    assert answer.status_code == 400


def test_a_hash_of_other_costs_is_renewed(client, session, mara):
    from argon2 import PasswordHasher

    mara.password_hash = old = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    assert sign_in(client, mara.email).status_code == 303
    assert mara.password_hash != old
    assert not is_outdated(mara.password_hash)
    client.submit("/sign-out", page="/profile")
    assert sign_in(client, mara.email).status_code == 303


def test_the_cookie_is_kept_from_scripts_and_other_sites(client, mara):
    answer = sign_in(client, mara.email)
    cookies = answer.headers.getlist("Set-Cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Path=/" in cookie
