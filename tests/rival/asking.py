"""Somebody who asks for everything, what they are answered, and the marks that must not be in it."""

import html
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote_plus

from flask import Flask
from werkzeug.test import TestResponse

from app.identity.models import User
from tests.people import Client, make_token, sign_in

REQUEST_ID = "asked-by-a-rival"
FRAGMENT = {"HX-Request": "true"}
_TOKENS = re.compile(
    r'((?<=[?&;])cursor=|"next_cursor":\s*"|name="(?:csrf_token|once)"[^>]*value="|X-CSRFToken&#34;: &#34;|"X-CSRFToken": ")'
    r'[^"&]+'
)
_PASSING = frozenset({"set-cookie", "content-length", "date"})
_NAME = re.compile(r"(?<![A-Za-z0-9])[a-z]+_[0-9A-Za-z]{22}(?![A-Za-z0-9])")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request.  body: fields of a form, or JSON for the API.  number: of several with other bodies."""

    method: str
    url: str
    body: Any = field(default=None, hash=False, compare=False)
    fragment: bool = False
    number: int = 0

    def __str__(self) -> str:
        return f"{self.method} {self.url}{' (fragment)' if self.fragment else ''}{f' {self.body}' if self.body else ''}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, without what differs from one answer to the next: form tokens, cookies, sealed cursors."""

    status: int
    headers: tuple[tuple[str, str], ...]
    text: str

    def unnamed(self) -> "Answer":
        """Without public names, to compare what is answered of one record with what is of another."""
        headers = tuple((name, _NAME.sub("…", value)) for name, value in self.headers)
        return Answer(self.status, headers, _NAME.sub("…", self.text))


def tidied(answer: TestResponse) -> Answer:
    """What is compared of an answer; what is packed in it is unpacked."""
    data = answer.get_data()
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            data = b"\n".join(file.read(name) for name in sorted(file.namelist()))
    headers = sorted((n.lower(), v) for n, v in answer.headers.items() if n.lower() not in _PASSING)
    return Answer(answer.status_code, tuple(headers), _TOKENS.sub(r"\1", data.decode("utf-8", "replace")))


class Walker:
    """A person with a browser for pages and a token for the API."""

    def __init__(self, app: Flask, user: User) -> None:
        self.app, self.user = app, user
        self.browser = Client(app, use_cookies=True)
        self.token = make_token(user)
        self.begin()

    def begin(self) -> None:
        """In a new session: signing out, for one, ends what there was."""
        sign_in(self.browser, self.user)
        self.form_token = self.browser.csrf("/profile")
        # What is done the first time only: being led to the first steps, noting that the token is used.
        for url in ("/", "/api/v1/users"):
            self.ask(Ask("GET", url))

    def ask(self, ask: Ask) -> Answer:
        headers = {"X-Request-ID": REQUEST_ID, **(FRAGMENT if ask.fragment else {})}
        given: dict[str, Any] = {"method": ask.method, "headers": headers}
        if ask.url.startswith("/api/"):
            headers["Authorization"] = f"Bearer {self.token}"
            if ask.method in ("POST", "PATCH", "PUT"):
                given["json"] = ask.body or {}
        elif ask.method != "GET":
            headers["X-CSRFToken"] = self.form_token
            given["data"] = ask.body or {}
        answer = tidied(self.browser.open(ask.url, **given))
        return answer if ask.method == "GET" or ask.url.startswith("/api/") else self._with_flashes(answer)

    def _with_flashes(self, answer: Answer) -> Answer:
        """With what the next page would say, which it then does not."""
        with self.browser.session_transaction() as kept:
            said = kept.pop("_flashes", [])
        return Answer(answer.status, answer.headers, f"{answer.text}\n{said}" if said else answer.text)


@dataclass(frozen=True, slots=True)
class Marks:
    """What somebody must not read: words in any spelling, numbers in any grouping, public names of records."""

    words: tuple[str, ...]
    names: frozenset[str]

    def in_answer(self, ask: Ask, answer: Answer) -> list[str]:
        """Those found in the body or a header that were not in the question."""
        told = "\n".join([*(f"{name}: {value}" for name, value in answer.headers), answer.text])
        asked = f"{ask.url} {ask.body if ask.body else ''}"
        found = [name for name in _NAME.findall(told) if name in self.names and name not in asked]
        return [*self.in_text(told, asked), *dict.fromkeys(found)]

    def in_text(self, told: str, asked: str = "") -> list[str]:
        """Words alone."""
        text = told.lower()
        for part in _spellings(asked):
            text = text.replace(part, "")
        plain = re.sub(r"(?<=\d)[.,\s\u00a0\u202f](?=\d)", "", text)
        return [word for word in self.words if word in text or word in plain]


def _spellings(asked: str) -> Iterator[str]:
    """What was asked for, as it may be given back."""
    parts = set(re.split(r"[\s?&=/'\",{}:\[\]]+", unquote_plus(asked).lower()))
    for part in sorted(parts, key=len, reverse=True):
        if len(part) > 5:
            yield from {part, html.escape(part), quote(part)}
