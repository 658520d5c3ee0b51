"""People are told by mail of a sign-in from a browser that they had not used for that account before."""

import pytest
from sqlalchemy import select

from app.identity.browsers import browser_and_system
from app.notifications.models import Notification, NotificationKind
from tests.factories import PASSWORD
from tests.identity.letters import last_link, mailed
from tests.identity.second_factors import code_of, give_code, give_factor, give_password, wrong_code

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def told(session, user):
    return [kind for kind, _to, _state in mailed(session, user) if kind == "new_device"]


def detail(session):
    return session.scalars(select(Notification).order_by(Notification.id.desc()).limit(1)).one().detail


def test_a_browser_never_seen_before_is_told_of(client, session, mara):
    give_password(client, mara, headers={"User-Agent": FIREFOX})
    assert mailed(session, mara) == [("new_device", mara.email, "due")]
    assert detail(session) == {"browser": "Firefox", "system": "Linux", "address": "127.0.0.1"}


def test_the_same_browser_is_told_of_once(client, session, mara):
    for _ in range(3):
        give_password(client, mara)
        client.submit("/sign-out", page="/profile")
    assert told(session, mara) == ["new_device"]


def test_each_new_browser_is_told_of(new_client, session, mara):
    for _ in range(3):
        give_password(new_client(), mara)
    assert told(session, mara) == ["new_device"] * 3


def test_the_very_first_sign_in_is_no_news(client, session, mara):
    mara.first_web_sign_in_at = mara.last_sign_in_at = None
    give_password(client, mara)
    assert mailed(session, mara) == []


def test_an_account_is_known_by_its_own_browsers_only(client, session, mara, ada):
    for user in (mara, ada, mara, ada):
        give_password(client, user)
        client.submit("/sign-out", page="/profile")
    assert told(session, mara) == ["new_device"]
    assert told(session, ada) == ["new_device"]


def test_a_cookie_of_the_first_release_is_still_known(app, client, session, mara):
    from itsdangerous import URLSafeTimedSerializer

    signer = URLSafeTimedSerializer(str(app.config["SECRET_KEY"]), salt="known device")
    client.set_cookie("canal_device", signer.dumps([mara.email, "known-since-long"]))
    give_password(client, mara)
    assert told(session, mara) == []


@pytest.mark.parametrize("cookie", ["made-up", "WyJhIiwiYiJd.x.y", ""])
def test_a_made_up_cookie_is_not_known(client, session, mara, cookie):
    client.set_cookie("canal_device", cookie)
    give_password(client, mara)
    assert told(session, mara) == ["new_device"]


def test_with_a_second_factor_it_is_told_after_the_code_alone(client, session, mara):
    give_factor(session, mara)
    give_password(client, mara)
    give_code(client, wrong_code(mara))
    assert told(session, mara) == []
    give_code(client, code_of(mara))
    assert told(session, mara) == ["new_device"]


def test_a_refused_sign_in_is_not_told(client, session, mara):
    give_password(client, mara, "not the password")
    assert mailed(session, mara) == []


def test_it_cannot_be_muted(client, session, mara):
    mara.mail_preferences = {kind.value: "portal" for kind in NotificationKind}
    give_password(client, mara)
    assert told(session, mara) == ["new_device"]


def test_an_invitation_is_the_first_sign_in(client, session, ada):
    from app.identity.operations import invite_user
    from app.kernel import clock
    from app.kernel.actor import Role
    from tests.factories import actor_of

    ivo = invite_user(
        session,
        actor_of(session, ada),
        now=clock.now(),
        email="ivo@vendor.example",
        name="Ivo",
        role=Role.SALES,
    )
    session.commit()
    new = "winds turn at dawn"
    client.submit(last_link(session, ivo), {"password": new, "password_again": new})
    assert told(session, ivo) == []


def test_the_bell_says_it_too(signed_in, client, session, mara):
    home = signed_in(mara)
    give_password(client, mara, headers={"User-Agent": FIREFOX})
    page = home.get("/notifications").text
    assert "New sign-in" in page
    assert "Firefox on Linux" in page
    give_password(client, mara, PASSWORD, headers={"User-Agent": "<script>alert(1)</script>"})


@pytest.mark.parametrize(
    ("agent", "known"),
    [
        (FIREFOX, ("Firefox", "Linux")),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            ("Edge", "Windows"),
        ),
        ("curl/8.5", ("", "")),
        ("http://evil.example/", ("", "")),
    ],
)
def test_only_names_that_are_known_go_into_a_mail(agent, known):
    assert browser_and_system(agent) == known
