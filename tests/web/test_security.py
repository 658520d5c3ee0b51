"""The headers of every answer, the session cookie's properties, and which proxy is believed."""

import pytest
from flask import Flask, request, session

from app.settings import Settings
from app.web.assets import init_assets
from app.web.security import init_security


def make_app(tmp_path, **settings):
    app = Flask("app", root_path=str(tmp_path), static_folder=str(tmp_path))
    app.secret_key = "k" * 40
    init_security(app, Settings(data=tmp_path, **settings))
    init_assets(app)

    @app.get("/")
    def index():
        return f"{request.remote_addr} {request.scheme} {request.host}"

    @app.get("/enter")
    def enter():
        session["id"] = "x"
        return "in"

    return app


@pytest.fixture
def client(tmp_path):
    return make_app(tmp_path).test_client()


def policy(answer):
    return dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))


@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_the_policy_allows_the_sites_own_files_alone(client, path):
    rules = policy(client.get(path))
    for name in ("default-src", "object-src", "base-uri", "frame-ancestors"):
        assert rules[name] == "'none'"
    for name in ("script-src", "style-src", "form-action", "connect-src", "font-src"):
        assert rules[name] == "'self'"
    assert "unsafe" not in str(rules)


@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_every_answer_carries_the_other_headers(client, path):
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers


def test_anonymous_answers_may_be_kept_but_asked_for_again(client):
    answer = client.get("/")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert {"Cookie", "HX-Request"} <= set(answer.vary)


def test_answers_to_someone_with_a_session_or_token_are_not_stored(client):
    assert client.get("/", headers={"Authorization": "Bearer x"}).headers["Cache-Control"] == "no-store"
    client.get("/enter")
    assert client.get("/").headers["Cache-Control"] == "no-store"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client):
    cookie = client.get("/enter").headers["Set-Cookie"]
    assert cookie.startswith("canal=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


def test_behind_https_the_cookie_and_the_browser_insist_on_it(tmp_path):
    client = make_app(tmp_path, public_url="https://canal.example.com").test_client()
    answer = client.get("/enter", base_url="https://canal.example.com")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert answer.headers["Set-Cookie"].startswith("__Host-canal=")
    assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(answer.headers["Set-Cookie"].split("; "))


FORWARDED = {
    "X-Forwarded-For": "1.1.1.1, 2.2.2.2",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "h.example",
}


def test_no_proxy_is_believed_unless_told(client):
    assert client.get("/", headers=FORWARDED).text == "127.0.0.1 http localhost"


def test_as_many_proxies_are_believed_as_told(tmp_path):
    client = make_app(tmp_path, trusted_proxies=1).test_client()
    assert client.get("/", headers=FORWARDED).text == "2.2.2.2 https h.example"
