"""Who gets in, what is read of a request, and answers that are given again."""

import io
import json
import secrets
import threading
from datetime import timedelta

import pytest
from flask import has_request_context
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import ApiToken, IdempotencyKey
from app.identity.operations import edit_user
from app.kernel import clock
from app.kernel.actor import Actor, Role
from app.kernel.db import db
from app.leads.models import Lead
from app.notifications.models import Delivery
from tests.factories import row_count, rows
from tests.people import ApiClient, Client

# Tokens


def test_a_token_is_needed_and_only_one_in_the_header_counts(app, session, api, mara, signed_in):
    client = Client(app, use_cookies=False)
    token = api(mara).token
    for call in (
        {},
        {"headers": {"Authorization": "Bearer"}},
        {"headers": {"Authorization": "Bearer  "}},
        {"headers": {"Authorization": f"Basic {token}"}},
        {"headers": {"Authorization": token}},
        {"headers": {"Authorization": f"Bearer {token}x"}},
        {"headers": {"Authorization": "Bearer é\u00ff"}},
        {"query_string": {"access_token": token, "token": token, "authorization": f"Bearer {token}"}},
        {"headers": {"Cookie": f"token={token}"}},
        {"headers": {"X-Api-Key": token}},
    ):
        answer = client.get("/api/v1/leads", **call)
        assert answer.status_code == 401, call
        assert answer.mimetype == "application/problem+json"
        assert answer.json["type"].endswith("/unauthorized")
    assert signed_in(mara).get("/api/v1/leads").status_code == 401
    assert client.get("/api/v1/leads", headers={"Authorization": f"bearer {token}"}).status_code == 200


def test_tokens_that_are_expired_or_revoked_open_nothing(session, api, mara, now):
    for overrides in ({"expires_at": now - timedelta(seconds=1)}, {"revoked_at": now}):
        assert api(mara, **overrides).get("/leads").status_code == 401
    assert api(mara, expires_at=now + timedelta(days=1)).get("/leads").status_code == 200


def test_a_changed_role_counts_on_the_next_call(session, api, mara, pam, world):
    client = api(pam)
    assert client.get(f"/leads/{world.owned.ref}").status_code == 200
    edit_user(session, Actor.system("tests"), pam, {"role": Role.USER.value}, now=clock.now())
    session.commit()
    assert client.get(f"/leads/{world.owned.ref}").status_code == 404


def test_the_last_use_is_noted_at_most_once_a_minute(session, api, mara):
    client = api(mara)
    for _time in range(2):
        client.get("/leads")
    used = session.scalars(select(ApiToken.last_used_at)).all()
    assert used[0] is not None
    client.get("/leads")
    session.expire_all()
    assert session.scalars(select(ApiToken.last_used_at)).all() == used


# What a request may hold


def raw(client, data, content_type="application/json", path="/leads", method="POST"):
    return client.request(method, path, data=data, content_type=content_type)


@pytest.mark.parametrize(
    "data",
    [
        b"{", b"[1", b"nul", b'{"company": NaN}', b'{"employees": Infinity}', b"\xff\xfe", b'{"company": "\xff"}',
        b'{"company": "x"} x', b"[" * 100_000, b'{"a":' * 50_000, b'{"employees": ' + b"9" * 5000 + b"}",
    ],
)  # fmt: skip
def test_what_is_no_json_is_malformed(api, mara, data):
    answer = raw(api(mara), data)
    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (400, "malformed")


@pytest.mark.parametrize("data", [b"[]", b'"company"', b"1", b"null", b"true", b'[{"company": "x"}]'])
def test_what_is_no_object_is_not_valid(api, mara, data):
    assert raw(api(mara), data).status_code == 422


@pytest.mark.parametrize(
    "number",
    ["1e999", "-1e999", "1e400", "123456789012345678901234567890", "0.5", "-1", "1e-400", "true", '"1"'],
)
def test_no_number_is_too_odd(api, mara, number):
    for field in ("employees", "score"):
        answer = raw(api(mara), f'{{"company": "x", "{field}": {number}}}'.encode())
        assert answer.status_code == (201 if number == "1e-400" else 422), field


def test_a_whole_number_may_be_written_with_a_point(api, mara):
    assert raw(api(mara), b'{"company": "x", "employees": 12.0}').json["employees"] == 12


def test_other_kinds_of_content_are_not_taken(api, mara):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml", "", "nonsense"):
        assert raw(api(mara), b'{"company": "x"}', kind).status_code == 415, kind
    for kind in ("application/json; charset=utf-8", "application/merge-patch+json"):
        assert raw(api(mara), b'{"company": "x"}', kind).status_code == 201, kind
    data = {"company": (io.BytesIO(b"x"), "x")}
    answer = api(mara).post("/leads", data=data, content_type="multipart/form-data")
    assert answer.status_code == 415


def test_bodies_beyond_any_use_are_refused(api, mara):
    assert raw(api(mara), b'{"description": "' + b"x" * (5 * 1024 * 1024) + b'"}').status_code == 413
    many = json.dumps({"lead_ids": ["x"] * 200_000, "owner": {"type": "user", "id": "x"}}).encode()
    assert raw(api(mara), many, path="/leads/bulk-assign").status_code == 422


def test_what_is_not_there_and_what_cannot_be_done_are_problems(app, api, mara):
    for method, path, status in (
        ("GET", "/nonsense", 404), ("GET", "/leads/x/y/z", 404), ("PUT", "/leads", 405), ("DELETE", "/leads", 405),
        ("POST", "/openapi.json", 405), ("GET", "/inbox/claim-next", 405),
    ):  # fmt: skip
        answer = api(mara).request(method, path)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), path
    assert "POST" in api(mara).request("PUT", "/leads").headers["Allow"]
    stranger = Client(app, use_cookies=False)
    for path in ("/api/", "/api/v2/leads", "/api/v1/nonsense"):
        assert stranger.get(path).mimetype == "application/problem+json"


def test_a_bug_is_a_problem_without_its_traceback(app, session, api, mara, monkeypatch):
    from app.api import leads

    def broken(*_args, **_kwargs):
        raise RuntimeError("secret detail")

    token = api(mara).token
    monkeypatch.setattr(leads, "lead_or_id", broken)
    monkeypatch.setitem(app.config, "PROPAGATE_BUGS", False)
    answer = ApiClient(app, token).post("/leads", {"company": "Forges"})
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert "secret" not in answer.get_data(as_text=True)
    assert row_count(session, Lead) == 0


def test_problems_are_in_the_callers_language(session, api, pia):
    pia.language = "ca"
    session.commit()
    answer = api(pia).get("/leads/lead_0000000000000000000000").json
    assert answer["type"].endswith("/not-found")
    assert answer["status"] == 404


def test_answers_stay_out_of_caches(api, mara):
    answer = api(mara).get("/leads")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.databases("sqlite")  # the counters are in memory
def test_too_many_calls_with_a_token_are_held_back(session, worlds, app, api, mara, pia, engine):
    token, other = api(mara).token, api(pia).token
    limited = worlds.another(app, rate_limits=True)
    client = ApiClient(limited, token)
    answers = [client.get("/users?limit=1").status_code for _call in range(605)]
    assert answers[:600] == [200] * 600
    assert 429 in answers[600:]
    refused = client.get("/users")
    assert (refused.status_code, refused.mimetype) == (429, "application/problem+json")
    assert int(refused.headers["Retry-After"]) > 0
    assert ApiClient(limited, other).get("/users").status_code == 200


# The same again


def test_the_same_key_gives_the_first_answer_again(session, api, mara):
    client, key = api(mara), {"Idempotency-Key": "order 7"}
    first = client.post("/leads", {"company": "Forges"}, headers=key)
    again = client.post("/leads", {"company": "Forges"}, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.data == first.data
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert row_count(session, Lead) == 1


def test_another_body_under_the_same_key_is_refused(session, api, mara):
    client, key = api(mara), {"Idempotency-Key": "k"}
    client.post("/leads", {"company": "Forges"}, headers=key)
    for path, body in (
        ("/leads", {"company": "Molins"}),
        ("/accounts", {"name": "x"}),
        ("/leads?x=1", {"company": "Forges"}),
    ):
        answer = client.post(path, body, headers=key)
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["Idempotency-Key"])
    assert row_count(session, Lead) == 1


def test_a_key_is_one_tokens_own(session, api, mara, ada):
    for client in (api(mara), api(mara), api(ada)):
        assert (
            client.post("/leads", {"company": "Forges"}, headers={"Idempotency-Key": "k"}).status_code == 201
        )
    assert row_count(session, Lead) == 3


def test_a_key_is_forgotten_after_a_day(session, api, mara, now):
    client, key = api(mara), {"Idempotency-Key": "k"}
    first = client.post("/leads", {"company": "Forges"}, headers=key).json
    rows(session, IdempotencyKey)[0].created_at = now - timedelta(hours=25)
    session.commit()
    assert client.post("/leads", {"company": "Molins"}, headers=key).json["id"] != first["id"]


def test_a_refusal_is_not_remembered(session, api, mara):
    client, key = api(mara), {"Idempotency-Key": "k"}
    assert client.post("/leads", {"city": "Girona"}, headers=key).status_code == 422
    assert row_count(session, IdempotencyKey) == 0
    assert client.post("/leads", {"company": "Forges"}, headers=key).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb"])
def test_a_key_is_short_printable_text(api, mara, key):
    assert api(mara).post("/leads", {"company": "x"}, headers={"Idempotency-Key": key}).status_code == 422


def test_a_crash_before_the_commit_leaves_nothing_and_the_retry_makes_one(
    app, session, api, mara, monkeypatch
):
    """The act and its answer are one commit: whatever dies before it, the retry finds a clean slate."""
    token, key = api(mara).token, {"Idempotency-Key": "k"}
    monkeypatch.setitem(app.config, "PROPAGATE_BUGS", False)
    commit, crashes = Session.commit, []

    def dying(self):
        if has_request_context() and not crashes:
            crashes.append(1)
            self.rollback()
            raise RuntimeError("the power went")
        commit(self)

    monkeypatch.setattr(Session, "commit", dying)
    client = ApiClient(app, token)
    assert client.post("/leads", {"company": "Forges"}, headers=key).status_code == 500
    assert crashes
    assert (row_count(session, Lead), row_count(session, IdempotencyKey)) == (0, 0)
    answer = client.post("/leads", {"company": "Forges"}, headers=key)
    assert answer.status_code == 201
    assert client.post("/leads", {"company": "Forges"}, headers=key).json == answer.json
    assert row_count(session, Lead) == 1


def test_an_answer_lost_after_the_commit_is_given_again(session, api, mara, pia, world):
    """What was committed is there with its answer, mails included, and is not done twice."""
    client, key = api(mara), {"Idempotency-Key": "k"}
    body = {"owner": {"type": "user", "id": pia.ref}}
    path = f"/leads/{world.sals.ref}/assign"
    answers = [client.post(path, body, headers=key).data for _time in range(3)]
    assert len(set(answers)) == 1
    assert row_count(session, Delivery) == 1


@pytest.mark.race
def test_many_at_once_under_one_key_make_one_record(app, session, api, mara):
    client, key = api(mara), {"Idempotency-Key": secrets.token_hex(8)}
    start, found = threading.Barrier(6), []

    def call():
        start.wait()
        answer = ApiClient(app, client.token).post("/leads", {"company": "Forges"}, headers=key)
        found.append((answer.status_code, answer.json))

    threads = [threading.Thread(target=call) for _caller in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _json in found} <= {201, 409}
    made = {answer["id"] for status, answer in found if status == 201}
    assert len(made) == 1
    refused = [answer for status, answer in found if status == 409]
    assert all(answer["type"].endswith("/in-progress") for answer in refused)
    session.expire_all()
    assert row_count(session, Lead) == 1
    db.session.rollback()
