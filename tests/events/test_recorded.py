"""What is on record beside the changes of records: keys, failed sign-ins, refusals, exports, settings."""

from datetime import timedelta

import pytest

from app.events.flood import Flood
from app.events.models import Event
from app.identity.models import UserState
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.errors import NotAllowed
from app.routing.alerts import resolve_alert
from app.routing.models import RoutingAlert
from tests.factories import PASSWORD, actor_of, make_lead, make_user, open_portal, password_hash, rows
from tests.identity.letters import last_link
from tests.people import Client

LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def told(session, verb):
    return rows(session, Event, Event.verb == verb)


def sign_in(client, email, password, **kwargs):
    return client.submit("/sign-in", {"email": email, "password": password}, **kwargs)


def test_a_sign_in_says_from_where(session, client, ada):
    sign_in(client, ada.email, PASSWORD, headers={"User-Agent": LINUX})
    event = told(session, "signed_in")[0]
    assert event.record_ref == ada.ref
    assert event.actor_id == ada.id
    assert event.detail == {"address": "127.0.0.1", "browser": "Firefox, Linux"}


def test_a_failed_sign_in_is_about_the_user_whose_password_was_guessed(session, client, ada):
    assert sign_in(client, ada.email, "not my password at all").status_code == 422
    event = told(session, "sign_in_failed")[0]
    assert (event.record_kind, event.record_ref) == ("user", ada.ref)
    assert event.actor_id is None
    assert event.detail["reason"] == "password"
    assert event.detail["address"] == "127.0.0.1"
    assert event.door == "web"


def test_what_was_typed_is_not_kept_where_nobody_has_the_address(session, client, ada):
    for typed in ("nobody@vendor.example", "my secret password"):
        assert sign_in(client, typed, "whatever it may be").status_code == 422
    unknown = told(session, "sign_in_failed")
    assert {event.record_kind for event in unknown} == {"organisation"}
    assert [event.detail["reason"] for event in unknown] == ["unknown"] * len(unknown)
    kept = str([(event.changes, event.detail, event.actor_name, event.record_ref) for event in unknown])
    assert "nobody@" not in kept
    assert "secret" not in kept


def test_the_reason_of_a_refusal_is_for_those_who_read_the_log(session, client, pia):
    gone = make_user(session, "Gone", state=UserState.DEACTIVATED)
    answers = [
        sign_in(client, gone.email, PASSWORD).get_data(as_text=True),
        sign_in(client, gone.email, "not my password at all").get_data(as_text=True),
    ]
    assert [event.detail["reason"] for event in told(session, "sign_in_failed")] == ["state", "state"]
    assert all("deactivated" not in answer for answer in answers)
    get_organisation(session).portal_published_at = None
    sign_in(client, pia.email, PASSWORD)
    assert told(session, "sign_in_failed")[-1].detail["reason"] == "portal"


def test_a_failed_sign_in_writes_one_row_whoever_it_was(session, client, ada, count_queries):
    def statements(email):
        token = client.csrf("/sign-in")
        with count_queries() as queries:
            client.post("/sign-in", data={"email": email, "password": "wrong", "csrf_token": token})
        return [query.split()[0] for query in queries].count("INSERT")

    assert statements(ada.email) == statements("nobody@vendor.example") == 1


def test_a_flood_of_failed_sign_ins_leaves_few_rows_and_says_how_many(worlds, app, session, ada, monkeypatch):
    from app.identity import refusals
    from app.web.limits import limiter

    monkeypatch.setattr(refusals, "_flood", Flood())
    session.commit()
    busy = worlds.another(app, rate_limits=True)  # made while limits are on: others are given the same one
    monkeypatch.setattr(limiter, "enabled", False)
    browser = Client(busy, use_cookies=True)
    token = browser.csrf("/sign-in")

    def fail(email):
        data = {"email": email, "password": "wrong", "csrf_token": token}
        assert browser.post("/sign-in", data=data).status_code == 422

    for _number in range(60):
        fail(ada.email)
    about_ada = told(session, "sign_in_failed")
    assert len(about_ada) <= refusals.OF_ONE_ACCOUNT + 3
    assert sum(1 + event.detail.get("left_out", 0) for event in about_ada) >= 50
    for number in range(60):
        fail(f"nobody{number}@vendor.example")
    assert len(told(session, "sign_in_failed")) <= refusals.FROM_ONE_ADDRESS + 8


def test_passwords_links_sessions_and_tokens_are_on_record(session, client, new_client, ada):
    sign_in(client, ada.email, PASSWORD)
    client.submit("/profile/tokens", {"label": "For the shop", "days": "30"}, page="/profile")
    token = told(session, "token_created")[0]
    assert token.detail["label"] == "For the shop"
    client.submit(f"/profile/tokens/{token.detail['token']}/revoke", {}, page="/profile")
    other = new_client()
    sign_in(other, ada.email, PASSWORD)
    client.submit("/profile/sessions/end-others", {}, page="/profile")
    new = "another boat altogether"
    client.submit(
        "/profile/password", {"current_password": PASSWORD, "password": new, "password_again": new}, page="/profile"
    )  # fmt: skip
    client.submit("/sign-out", {}, page="/profile")
    client.submit("/forgot-password", {"email": ada.email})
    client.submit(last_link(session, ada), {"password": PASSWORD, "password_again": PASSWORD})
    verbs = [event.verb for event in rows(session, Event)]
    for verb in (
        "token_created",
        "token_revoked",
        "sessions_ended",
        "changed_password",
        "signed_out",
        "link_asked",
    ):
        assert verb in verbs, verb
    assert verbs.count("changed_password") == 2
    assert told(session, "link_asked")[0].detail["address"] == "127.0.0.1"


def test_a_refused_attempt_names_the_act_and_the_record(session, signed_in, api, vic, sal, otto):
    lead = make_lead(session, owner=sal)
    browser = signed_in(vic)
    assert browser.submit(f"/leads/{lead.ref}/delete", {}, page="/profile").status_code == 403
    event = told(session, "refused")[0]
    assert (event.actor_id, event.record_ref) == (vic.id, vic.ref)
    assert event.detail == {"method": "POST", "act": "/leads/…/delete", "on": lead.ref}
    assert api(vic).post("/leads", {"company": "x"}).status_code == 403
    assert told(session, "refused")[-1].door == "api"


def test_an_attempt_refused_within_an_idempotent_call_is_on_record(session, api, vic):
    answer = api(vic).post("/leads", {"company": "x"}, headers={"Idempotency-Key": "once"})
    assert answer.status_code == 403
    assert len(told(session, "refused")) == 1


def test_what_is_refused_to_nobody_in_person_leaves_no_row(session, client):
    assert client.get("/leads").status_code == 303
    assert told(session, "refused") == []


def test_a_refusal_is_answered_although_it_cannot_be_recorded(session, signed_in, vic, monkeypatch):
    from sqlalchemy.exc import OperationalError

    def broken(*_args, **_kwargs):
        raise OperationalError("INSERT", None, Exception("disk full"))

    browser = signed_in(vic)
    monkeypatch.setattr("app.web.refusals.record", broken)
    assert browser.submit(f"/leads/{make_lead(session).ref}/delete", {}, page="/profile").status_code == 403
    assert told(session, "refused") == []


def test_a_page_that_is_refused_changes_nothing(session, signed_in, vic):
    assert signed_in(vic).get("/setup/organisation").status_code == 403
    assert told(session, "refused") == []


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/lists/lead/export", "lead"),
        ("/lists/account/export", "account"),
        ("/lists/contact/export", "contact"),
        ("/setup/audit-log/export", "audit_log"),
    ],
)
def test_each_export_is_on_record_before_its_first_row(session, signed_in, ada, path, what):
    answer = signed_in(ada).submit(path, {}, page="/profile")
    assert answer.status_code == (303 if path.startswith("/lists/") else 200)
    event = told(session, "exported")[0]
    assert (event.detail["object"], event.actor_id) == (what, ada.id)


def test_settings_and_lists_are_on_record(session, signed_in, ada):
    browser = signed_in(ada)
    browser.submit("/setup/capture", {"strict_capture": "y"})
    event = told(session, "edited")[0]
    assert event.record_kind == "organisation"
    assert event.changes["strict_capture"] == [False, True]
    browser.submit("/setup/sources", {"name": "Fair"})
    assert told(session, "created")[-1].record_kind == "lead_source"
    browser.submit("/setup/deliveries/hold", {}, page="/profile")
    browser.submit("/setup/deliveries/release", {}, page="/profile")
    assert told(session, "sending_held")
    assert told(session, "sending_released")


def test_partner_management_and_portal_are_on_record(app, session, ada):
    runner = app.test_cli_runner()
    session.commit()
    assert runner.invoke(args=["prm", "enable", "--confirm"]).exit_code == 0
    assert runner.invoke(args=["portal", "publish"]).exit_code == 0
    for verb in ("prm_enabled", "portal_published"):
        event = told(session, verb)[0]
        assert (event.door, event.actor_id) == ("command", None)


def test_an_alert_that_is_put_aside_is_on_record(session, mara, sal, now):
    alert = RoutingAlert(key="x:1", kind="x", at=now, last_at=now, lead_ref="", detail={})
    session.add(alert)
    session.flush()
    with pytest.raises(NotAllowed):
        resolve_alert(session, actor_of(session, sal), alert.id, now=now)
    resolve_alert(session, actor_of(session, mara), alert.id, now=now)
    resolve_alert(session, actor_of(session, mara), alert.id, now=now + timedelta(minutes=1))
    assert len(told(session, "alert_resolved")) == 1


def test_a_first_password_set_by_invitation_signs_in_with_a_place(session, client, mara):
    open_portal(session)
    user = make_user(session, "New", state=UserState.INVITED, password=None)
    from app.identity.credentials import send_invitation

    send_invitation(session, user, now=clock.now())
    client.submit(last_link(session, user), {"password": PASSWORD, "password_again": PASSWORD})
    assert told(session, "accepted_invitation")
    assert told(session, "signed_in")[0].detail["address"] == "127.0.0.1"
    assert password_hash(PASSWORD) not in str([event.detail for event in rows(session, Event)])


def test_whoever_looks_as_somebody_else_is_the_one_who_tried(session, signed_in, ada, vic):
    browser = signed_in(ada)
    browser.submit(f"/setup/users/{vic.ref}/view-as", {}, page="/profile")
    assert browser.submit("/leads", {"company": "x"}, page="/leads").status_code == 403
    event = told(session, "refused")[-1]
    assert (event.actor_id, event.record_ref, event.door) == (ada.id, ada.ref, "web")


def test_who_came_and_went_is_named_and_asking_twice_changes_nothing(session, api, mara, sal, pia):
    made = {
        "/queues": {"name": "Iberia", "members": []},
        "/round-robins": {"name": "Turns", "members": []},
        "/groups": {"name": "Friends", "members": []},
    }
    sals = {"type": "user", "id": sal.ref}
    for path, body in made.items():
        ref = api(mara).post(path, body).json["id"]
        given = {"principal": {"type": "user", "id": pia.ref}} if path == "/round-robins" else sals
        answer = api(mara).post(f"{path}/{ref}/members", given)
        assert answer.status_code == 201, (path, answer.json)
        member = answer.json["id"]
        before = api(mara).get(f"{path}/{ref}").json.get("version"), len(rows(session, Event))
        if path != "/round-robins":
            assert api(mara).post(f"{path}/{ref}/members", given).json["id"] == member
            assert (api(mara).get(f"{path}/{ref}").json.get("version"), len(rows(session, Event))) == before
        assert api(mara).delete(f"{path}/{ref}/members/{member}").status_code == 204
        for verb in ("member_added", "member_removed"):
            name = "Pia" if path == "/round-robins" else "Sal"
            assert told(session, verb)[-1].detail["member"] == name, (path, verb)


def test_the_start_of_an_import_tells_its_columns_and_going_on_is_told_too(session, ada, now):
    from app.intake.models import Import, ImportState
    from app.intake.operations import resume_import
    from tests.intake.importing import take

    done = take(session, "Last name,Shoe size\nPuig,39\n", ada)
    event = told(session, "import_started")[0]
    assert event.detail["columns"] == {"Last name": "last_name"}
    assert event.detail["filename"] == "leads.csv"
    done.state = ImportState.FAILED
    resume_import(session, actor_of(session, ada), session.get_one(Import, done.id), now=now)
    assert [e.record_ref for e in told(session, "import_started")] == [done.ref, done.ref]
