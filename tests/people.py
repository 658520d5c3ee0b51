"""A browser and an API client that behave as people's do: session cookies, form tokens, bearer tokens."""

import contextvars
import re
import secrets
from datetime import timedelta
from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from app.identity.models import ApiToken, User, UserSession
from app.identity.queries import digest
from app.kernel import clock, refs
from app.kernel.db import db

_TOKEN = re.compile(
    r'name="csrf_token" value="([^"]+)"|X-CSRFToken&#34;: &#34;([^&]+)&#34;|"X-CSRFToken": "([^"]+)"'
)


def is_told(word: str, text: str) -> bool:
    """Whether a word stands in a text by itself: the letters of a short name may stand in a random key as well."""
    return re.search(rf"\b{re.escape(word)}\b", text) is not None


class Client(FlaskClient):
    """Flask's client as a browser: a form is sent with the token of the page it stands on.

    What the test has written is committed before each request, and what it holds is read anew after.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The secret of a session's tokens and a page on which such a token stood.
        self._seen: set[tuple[str, str]] = set()

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        _settle()
        # A streamed answer is read to its end here: its context must not end within the test's.
        kwargs.setdefault("buffered", True)
        try:
            # An empty context: the request gets an application context and a session of its own.
            answer = contextvars.Context().run(super().open, *args, **kwargs)
        finally:
            _forget()
        if answer.mimetype == "text/html" and _TOKEN.search(answer.text):
            self._seen.add((self._secret(), answer.request.path))
        return answer

    def csrf(self, page: str) -> str:
        """The form token of a page; of the sign-in page where that one has none.  "/profile" stands for any page.

        What was asked for in this session is before the person's eyes and not asked for again.
        """
        secret = self._secret()
        if secret and (page == "/profile" or (secret, page.partition("?")[0]) in self._seen):
            return self._signed(secret)
        for url in (page, "/profile", "/sign-in"):
            found = _TOKEN.search(self.get(url, follow_redirects=True).get_data(as_text=True))
            if found:
                return next(group for group in found.groups() if group)
        raise AssertionError(f"no form token on {page}")

    def _secret(self) -> str:
        """What this session's tokens are made of, if it has any: another one after signing in or out."""
        app = self.application
        cookie = self.get_cookie(app.config["SESSION_COOKIE_NAME"]) if self._cookies is not None else None
        signing = SecureCookieSessionInterface().get_signing_serializer(app)
        assert signing is not None
        return str(signing.loads(cookie.value).get("csrf_token", "")) if cookie else ""

    def _signed(self, secret: str) -> str:
        """A token as a page would have it."""
        return str(URLSafeTimedSerializer(self.application.secret_key or "", "wtf-csrf-token").dumps(secret))

    def submit(
        self, url: str, data: dict[str, Any] | None = None, *, page: str = "", **kwargs: Any
    ) -> TestResponse:
        """Post a form as the page does.  page: where the form stands, `url` itself unless given."""
        token = self.csrf(page or url.partition("?")[0])
        return self.post(url, data={**(data or {}), "csrf_token": token}, **kwargs)

    def agree(
        self, url: str, data: dict[str, Any] | None = None, *, page: str = "", **kwargs: Any
    ) -> TestResponse:
        """Post a form, and once more with agreement to what it would do to what people see, where that is asked."""
        answer = self.submit(url, data, page=page, **kwargs)
        mark = re.search(r'name="confirmed" value="([^"]+)"', answer.get_data(as_text=True))
        if mark is None:
            return answer
        return self.submit(url, {**(data or {}), "confirmed": mark[1]}, page=page, **kwargs)


class ApiClient:
    """Calls the JSON API with one bearer token; answers are Werkzeug's, with `.json`."""

    def __init__(self, app: Flask, token: str, base: str = "/api/v1") -> None:
        self.token = token
        self._client = Client(app, use_cookies=False)
        self._base = base

    def request(self, method: str, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", **kwargs.pop("headers", {})}
        if json is not None:
            kwargs["json"] = json
        url = path if path.startswith("/api/") else self._base + path
        return self._client.open(url, method=method, headers=headers, **kwargs)

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.request("GET", path, **kwargs)

    def post(self, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        return self.request("POST", path, json, **kwargs)

    def patch(self, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        return self.request("PATCH", path, json, **kwargs)

    def put(self, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        return self.request("PUT", path, json, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> TestResponse:
        return self.request("DELETE", path, **kwargs)


def sign_in(client: FlaskClient, user: User) -> str:
    """Sign the person in as a browser would be; returns the session's token.

    Writes the session directly: the form itself is tested in `tests/identity`.
    """
    now = clock.now()
    token = secrets.token_urlsafe(32)
    session = db.session()
    session.add(
        UserSession(
            ref=refs.new_ref(refs.SESSION), token_hash=digest(token), user_id=user.id, created_at=now,
            last_seen_at=now, expires_at=now + timedelta(hours=12), address="127.0.0.1", user_agent="Tests",
        )
    )  # fmt: skip
    session.commit()
    with client.session_transaction() as cookie:
        cookie.clear()
        cookie["_user_id"] = token
        cookie["_fresh"] = True
        cookie["csrf_token"] = secrets.token_hex(20)
    return token


def make_token(user: User, **overrides: Any) -> str:
    """A bearer token of the person, committed."""
    token = f"canal_{secrets.token_urlsafe(24)}"
    session = db.session()
    values = {
        "ref": refs.new_ref(refs.TOKEN), "user_id": user.id, "label": "Tests", "prefix": token[:12],
        "token_hash": digest(token), "created_at": clock.now(),
    }  # fmt: skip
    session.add(ApiToken(**{**values, **overrides}))
    session.commit()
    return token


def _settle() -> None:
    """Commit what the test has written and end its transaction, which would keep SQLite's lock."""
    if _in_test():
        db.session.commit()


def _forget() -> None:
    if _in_test():
        db.session.rollback()
        db.session.expire_all()


def _in_test() -> bool:
    from flask import has_app_context

    return has_app_context()
