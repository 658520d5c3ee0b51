"""One person's round through the whole application: everything that is read, everything that is written."""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.identity.roles import PERMISSIONS
from app.web.access import access_of
from tests.rival.asking import Answer, Ask, Marks, Walker
from tests.rival.filling import (
    NOBODY,
    Form,
    Page,
    Place,
    Refs,
    api_queries,
    bodies,
    places,
    queries,
    tampered,
)

_CURSOR = re.compile(r'"next_cursor":\s*"([^"]+)"')
MOST_WRITTEN = 2  # so many hidden records of a kind are written to
TAKES = re.compile(r"/(claim|accept|claim-next)\Z")
ENDS_SESSIONS = frozenset({"/sign-out", "/profile/password", "/profile/sessions/end-others"})


@dataclass(frozen=True, slots=True)
class Round:
    """words: to search for.  is_brief: without the parameters of lists."""

    walker: Walker
    hidden: Refs
    own: Refs
    marks: Marks
    words: tuple[str, ...]
    is_brief: bool = False

    def read(self) -> dict[Ask, Answer]:
        """Ask for every page, its part for htmx, every list with each of its parameters."""
        answers: dict[Ask, Answer] = {}
        closed: set[str] = set()
        drawn: set[str] = set()
        for place in places(self.walker.app, self.hidden, self.own, reading=True):
            if place.rule.rule in closed or self._is_told_elsewhere(place):
                continue
            # The part for htmx is drawn faster; the whole page of what is hidden is drawn once.
            is_drawn = place.is_hidden and not place.is_api and place.rule.rule in drawn
            drawn.add(place.rule.rule)
            ask = Ask("GET", place.url, fragment=is_drawn)
            answer = answers[ask] = self.walker.ask(ask)
            if answer.status == 403:
                closed.add(place.rule.rule)  # to the role, whatever the record
            if answer.status == 200:
                answers |= {more: self.walker.ask(more) for more in self._more(place, answer)}
        return answers

    def _is_told_elsewhere(self, place: Place) -> bool:
        """Whether a brief round leaves it out: what a role may not call at all is asked by the access matrix."""
        access = access_of(self.walker.app, place.rule.endpoint)
        return self.is_brief and access != "public" and access not in PERMISSIONS[self.walker.user.role]

    def _more(self, place: Place, answer: Answer) -> Iterator[Ask]:
        if not place.is_api and not self.is_brief:
            yield Ask("GET", place.url, fragment=True)
        if self.is_brief or place.is_hidden:
            return
        if place.is_api:
            asked = api_queries(self.walker.app, place.url, self.hidden, self.words)
            yield from (Ask("GET", url) for url in asked)
            if '"next_cursor"' in answer.text:
                yield from self._second_page(place)
        elif "html" in dict(answer.headers).get("content-type", ""):
            found = queries(Page(place.url, answer.text), place.url, self.words)
            yield from (Ask("GET", url) for url in found)

    def _second_page(self, place: Place) -> Iterator[Ask]:
        raw = self.walker.browser.get(
            f"{place.url}?limit=1", headers={"Authorization": f"Bearer {self.walker.token}"}
        )
        cursor = _CURSOR.search(raw.text)
        if cursor:
            yield Ask("GET", f"{place.url}?limit=1&cursor={cursor[1]}")

    def read_again(self, before: dict[Ask, Answer]) -> list[str]:
        """Ask for the same once more: what is different now, and what has marks in it."""
        wrong = []
        for ask, first in before.items():
            if first.status == 403:
                continue  # to the role: see `read`
            answer = self.walker.ask(ask)
            if answer != first:
                wrong.append(difference(ask, first, answer))
            wrong += self.complaints(ask, answer)
        return wrong

    def write(self, forms: Sequence[Form] = (), *, only_hidden: bool = False) -> list[str]:
        """Try every change, of what is hidden and with what is hidden; each must fail as it does with what is nowhere.

        only_hidden: leave out what is one's own.
        """
        wrong: list[str] = []
        absent: dict[tuple[str, str], list[Answer]] = {}
        closed: set[tuple[str, str]] = set()
        hidden = {kind: refs[:MOST_WRITTEN] for kind, refs in self.hidden.items()}
        for place in places(self.walker.app, hidden, self.own, reading=False):
            if (place.rule.rule, place.method) in closed or self._is_told_elsewhere(place):
                continue
            key = (place.elsewhere, place.method)
            known = absent.get(key)
            if not place.is_hidden and (only_hidden or TAKES.search(place.url)):
                continue  # theirs to take, and to read from then on
            asks = [
                Ask(place.method, place.url, body) for body in self._bodies(place, is_first=known is None)
            ]
            if known is None and place.is_hidden and not self.is_brief:
                known = absent[key] = [self._ask(replace(ask, url=place.elsewhere)).unnamed() for ask in asks]
            for number, ask in enumerate(asks):
                answer = self._ask(ask)
                wrong += self.complaints(ask, answer)
                if answer.status == 403:
                    closed.add((place.rule.rule, place.method))  # to the role, whatever the record
                expected = known[number] if known and place.is_hidden else None
                if expected is not None and answer.unnamed() != expected:
                    wrong.append(difference(ask, expected, answer.unnamed()))
        for form in forms:
            wrong += self._tamper(form)
        return wrong

    def _bodies(self, place: Place, *, is_first: bool) -> list[Any]:
        """What is sent there: for the first of many records everything, for the others what is needed."""
        if not place.is_api:
            return [{}]
        given = list(bodies(self.walker.app, place, self.hidden, "typed"))
        return given if is_first and not self.is_brief else given[:1]

    def _ask(self, ask: Ask) -> Answer:
        answer = self.walker.ask(ask)
        if ask.url in ENDS_SESSIONS:
            self.walker.begin()
        return answer

    def _tamper(self, form: Form) -> list[str]:
        wrong = []
        for with_hidden, with_nowhere in tampered(form, self.hidden):
            asks = [Ask("POST", form.action, given) for given in (with_nowhere, with_hidden)]
            absent, answer = (self._without_address(self._ask(ask)) for ask in asks)
            if absent != answer:
                wrong.append(difference(asks[1], absent, answer))
            wrong += self.complaints(asks[1], answer)
        return wrong

    def _without_address(self, answer: Answer) -> Answer:
        """An address that somebody has and one that nobody has are given back alike."""
        text = answer.unnamed().text
        for address in (*self.hidden.get("email", ()), NOBODY):
            text = text.replace(address, "…")
        return replace(answer.unnamed(), text=text)

    def complaints(self, ask: Ask, answer: Answer) -> list[str]:
        found = self.marks.in_answer(ask, answer)
        wrong = [f"{ask}: {answer.status} with {found}"] if found else []
        return wrong + ([f"{ask}: {answer.status}"] if answer.status >= 500 else [])


def forms_of(answers: dict[Ask, Answer]) -> list[Form]:
    """The forms that were shown, each action once."""
    found: dict[str, Form] = {}
    for ask, answer in answers.items():
        if answer.status == 200 and not ask.fragment and "?" not in ask.url and "<form" in answer.text:
            for form in Page(ask.url, answer.text).forms:
                known = found.setdefault(form.action, form)
                known.offered = {**form.offered, **known.offered}
    return list(found.values())


def difference(ask: Ask, before: Answer, after: Answer) -> str:
    """What is not the same, in few lines."""
    lines = [f"{ask}: {before.status}, then {after.status}"]
    lines += [f"{name}: {value}" for name, value in sorted({*before.headers} ^ {*after.headers})]
    old, new = (re.sub(r"(<|,\")", r"\n\1", answer.text).splitlines() for answer in (before, after))
    changed = [
        line
        for line in difflib.unified_diff(old, new, lineterm="", n=0)
        if line[:2] not in ("--", "++", "@@")
    ]
    return "\n    ".join(line[:160] for line in [*lines, *changed[:6]])
