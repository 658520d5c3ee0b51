"""What people set about themselves, where they are signed in, and their tokens."""

import re
from datetime import UTC, datetime

import pytest

from app.events.models import Event
from app.identity.models import ApiToken, UserSession
from app.identity.passwords import is_right
from app.identity.queries import digest, find_actor_by_token
from app.kernel import clock
from app.notifications.models import NotificationKind
from app.notifications.preferences import wants_mail, way_of
from tests.factories import PASSWORD, row_count, rows
from tests.identity.letters import mailed
from tests.people import make_token, sign_in

NEW = "winds turn before the rain"
DETAILS = {"name": "Mara Soler", "language": "ca", "time_zone": "Europe/Madrid", "away_on": ""}


def test_details_are_kept(signed_in, session, mara):
    answer = signed_in(mara).submit("/profile", {**DETAILS, "away_on": "2100-01-31"})
    assert answer.status_code == 303
    assert (mara.name, mara.language, mara.time_zone) == ("Mara Soler", "ca", "Europe/Madrid")
    assert mara.away_until == datetime(2100, 1, 31, 23, tzinfo=UTC)
    assert mara.version == 2
    assert rows(session, Event)[-1].changes["name"] == ["Mara", "Mara Soler"]


def test_the_day_of_absence_is_shown_as_it_was_entered(signed_in, session, mara):
    browser = signed_in(mara)
    browser.submit("/profile", {**DETAILS, "time_zone": "America/Los_Angeles", "away_on": "2100-01-31"})
    assert 'value="2100-01-31"' in browser.get("/profile").text


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"name": ""}, 422),
        ({"name": "   "}, 422),
        ({"name": "x" * 201}, 422),
        ({"name": "x" * 10_000}, 422),
        ({"name": "a\x00b"}, 422),
        ({"language": "xx"}, 422),
        ({"time_zone": "Mars/Olympus"}, 422),
        ({"away_on": "soon"}, 422),
        ({"away_on": "9999-12-31"}, 422),
        ({"away_on": "0001-01-01"}, 422),
        ({"name": "\u202eMara\u200f נתן"}, 303),
    ],
)
def test_odd_details_are_refused_with_the_form_as_typed(signed_in, session, mara, change, status):
    answer = signed_in(mara).submit("/profile", {**DETAILS, **change})
    assert answer.status_code == status
    if status == 422:
        assert mara.name == "Mara"
        assert mara.version == 1


def test_nobody_sets_more_than_is_theirs(signed_in, session, mara):
    signed_in(mara).submit(
        "/profile", {**DETAILS, "role": "administrator", "capacity": "5", "email": "x@y.example"}
    )
    assert (mara.role.value, mara.capacity, mara.email) == ("channel_manager", None, "mara@vendor.example")


@pytest.mark.parametrize(
    ("theme", "kept"), [("dark", "dark"), ("light", "light"), ("neon", "auto"), ("", "auto")]
)
def test_the_theme_is_kept_and_the_page_stays(signed_in, session, pia, theme, kept):
    answer = signed_in(pia).submit(
        "/profile/theme", {"theme": theme, "next": "/profile?x=1"}, page="/profile"
    )
    assert (answer.status_code, answer.location) == (303, "/profile?x=1")
    assert pia.theme == kept


def test_the_theme_sends_nobody_elsewhere(signed_in, pia):
    answer = signed_in(pia).submit(
        "/profile/theme", {"theme": "dark", "next": "//evil.example"}, page="/profile"
    )
    assert answer.location == "/profile"


def change_password(browser, old=PASSWORD, new=NEW, again=None):
    data = {"current_password": old, "password": new, "password_again": new if again is None else again}
    return browser.submit("/profile/password", data, page="/profile")


def test_a_new_password_ends_what_the_old_one_opened(signed_in, session, mara):
    browser, other = signed_in(mara), signed_in(mara)
    make_token(mara)
    assert change_password(browser).status_code == 303
    assert is_right(NEW, mara.password_hash)
    assert browser.get("/profile").status_code == 200
    assert other.get("/profile").status_code == 303
    assert rows(session, ApiToken)[0].revoked_at is not None
    assert mailed(session, mara) == [("password_changed", mara.email, "due")]
    assert rows(session, Event)[-1].verb == "changed_password"


@pytest.mark.parametrize(
    "given",
    [{"old": "not the password"}, {"new": "short"}, {"new": "password1234"}, {"again": "other"}, {"old": ""}],
)
def test_a_new_password_asks_for_the_old_one_and_is_checked(signed_in, session, mara, given):
    other = signed_in(mara)
    assert change_password(signed_in(mara), **given).status_code == 422
    assert is_right(PASSWORD, mara.password_hash)
    assert other.get("/profile").status_code == 200
    assert mailed(session) == []


def test_mail_can_be_muted_per_kind_but_not_for_security(signed_in, session, pia):
    browser = signed_in(pia)
    assert wants_mail(pia, NotificationKind.LEAD_ASSIGNED)
    ways = {"way-lead_assigned": "portal", "way-lead_offered": "now", "way-leads_assigned": "digest"}
    assert browser.submit("/profile/mail", ways, page="/profile").status_code == 303
    assert way_of(pia, NotificationKind.LEADS_ASSIGNED) == "digest"
    assert not wants_mail(pia, NotificationKind.LEAD_ASSIGNED)
    assert wants_mail(pia, NotificationKind.LEAD_OFFERED)
    assert wants_mail(pia, NotificationKind.PASSWORD_CHANGED)
    assert "lead_offered" not in pia.mail_preferences  # as usual is no choice
    browser.submit("/profile/mail", {"way-lead_assigned": "now", "way-lead_in_queue": "now"}, page="/profile")
    assert wants_mail(pia, NotificationKind.LEAD_ASSIGNED)
    assert pia.mail_preferences["lead_in_queue"] == "now"


def test_an_unknown_kind_of_mail_is_refused(signed_in, session, pia):
    for given in ({"way-invitation": "portal"}, {"way-lead_assigned": "never"}):
        assert signed_in(pia).submit("/profile/mail", given, page="/profile").status_code == 422
    assert pia.mail_preferences == {}


def test_sessions_are_listed_and_ended(signed_in, session, pia):
    here, phone = signed_in(pia), signed_in(pia)
    for row in rows(session, UserSession):
        row.user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    page = here.get("/profile").text
    assert page.count("Firefox, Linux") >= 2
    assert "This one" in page
    other = rows(session, UserSession)[1]
    answer = here.submit(f"/profile/sessions/{other.ref}/end", page="/profile")
    assert answer.status_code == 303
    assert phone.get("/profile").status_code == 303
    assert here.get("/profile").status_code == 200
    assert here.submit(f"/profile/sessions/{other.ref}/end", page="/profile").status_code == 404


def test_all_others_are_ended_at_once(signed_in, session, pia):
    here, others = signed_in(pia), [signed_in(pia) for _ in range(3)]
    assert here.submit("/profile/sessions/end-others", page="/profile").status_code == 303
    assert [b.get("/profile").status_code for b in others] == [303] * 3
    assert here.get("/profile").status_code == 200


def test_somebody_elses_session_is_not_there(signed_in, session, pia, otto):
    rival = signed_in(otto)
    row = rows(session, UserSession)[0]
    assert signed_in(pia).submit(f"/profile/sessions/{row.ref}/end", page="/profile").status_code == 404
    assert rival.get("/profile").status_code == 200


@pytest.mark.parametrize("column", ["expires_at", "last_seen_at"])
def test_a_session_ends_by_itself(signed_in, session, pia, column):
    from datetime import timedelta

    browser = signed_in(pia)
    row = rows(session, UserSession)[0]
    past = clock.now() - (timedelta(seconds=1) if column == "expires_at" else timedelta(hours=24, seconds=1))
    setattr(row, column, past)
    assert browser.get("/profile").status_code == 303


def test_a_token_is_shown_once_and_works(signed_in, session, pia):
    browser = signed_in(pia)
    page = browser.submit("/profile/tokens", {"label": "Reports", "days": "30"}, page="/profile")
    secret = re.search(r"canal_[A-Za-z0-9_-]{43}", page.text).group()
    assert page.headers["Cache-Control"] == "no-store"
    [row] = rows(session, ApiToken)
    assert row.token_hash == digest(secret)
    assert secret.startswith(row.prefix)
    assert (row.expires_at - row.created_at).days == 30
    assert secret not in browser.get("/profile").text
    assert secret not in repr(rows(session, Event)[-1].__dict__)
    actor, *_ = find_actor_by_token(session, secret, now=clock.now())
    assert actor.user_id == pia.id
    assert "canal_" not in "".join(page.headers.getlist("Set-Cookie"))


@pytest.mark.parametrize("given", [{"label": ""}, {"label": "x" * 101}, {"days": "7000"}, {"label": "a\x00"}])
def test_a_token_without_sense_is_refused(signed_in, session, pia, given):
    answer = signed_in(pia).submit("/profile/tokens", {"label": "Ok", "days": "30", **given}, page="/profile")
    assert answer.status_code == 422
    assert row_count(session, ApiToken) == 0


def test_a_revoked_or_expired_token_opens_nothing(signed_in, session, pia, otto):
    from datetime import timedelta

    secret = make_token(pia)
    [row] = rows(session, ApiToken)
    rival = signed_in(otto)
    assert rival.submit(f"/profile/tokens/{row.ref}/revoke", page="/profile").status_code == 404
    assert find_actor_by_token(session, secret, now=clock.now()) is not None
    assert signed_in(pia).submit(f"/profile/tokens/{row.ref}/revoke", page="/profile").status_code == 303
    assert find_actor_by_token(session, secret, now=clock.now()) is None
    expired = make_token(pia, expires_at=clock.now() - timedelta(seconds=1))
    assert find_actor_by_token(session, expired, now=clock.now()) is None


def test_nobody_has_more_than_fifty_tokens(signed_in, session, pia):
    for _ in range(50):
        make_token(pia)
    answer = signed_in(pia).submit("/profile/tokens", {"label": "One more", "days": "30"}, page="/profile")
    assert answer.status_code == 409


def test_every_change_asks_for_the_form_token(signed_in, session, pia):
    browser = signed_in(pia)
    for path in ("/profile", "/profile/password", "/profile/mail", "/profile/theme", "/profile/tokens",
                 "/profile/sessions/end-others", "/sign-out"):  # fmt: skip
        assert browser.post(path, data={}).status_code == 400, path
    assert browser.get("/profile").status_code == 200


def test_the_profile_asks_the_database_the_same_number_of_times_however_long_it_is(
    signed_in, session, pia, count_queries
):
    browser = signed_in(pia)
    with count_queries() as few:
        browser.get("/profile")
    for _ in range(20):
        make_token(pia)
        sign_in(signed_in(pia), pia)
    with count_queries() as many:
        browser.get("/profile")
    assert len(few) == len(many) <= 10, few
