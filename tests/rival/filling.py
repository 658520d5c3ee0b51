"""What is asked: every route, its path filled with names of records that are hidden, one's own, or nowhere.

A route joins by itself: its path is filled by the kinds of its converters, its queries by the filters of the
page or the API's document, its form by the form on the page, its JSON by the document.  A kind of which
there is nothing fails the walk.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import islice
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Flask
from werkzeug.routing import Rule

from app.accounts.filters import ACCOUNT_SORTS, CONTACT_SORTS
from app.api.document import openapi
from app.api.routes import KINDS
from app.cases.filters import CASE_SORTS
from app.leads.fields import SORT_KEYS
from app.opportunities.filters import OPPORTUNITY_SORTS

Refs = Mapping[str, Sequence[str]]
LEFT_OUT = frozenset(
    {"static", "health.healthz", "health.readyz"}
)  # the same for everybody, without a record
# Parts of paths that name no record, or a record in another way.
PLAIN = {
    "number": ("1",),
    "registry": ("partner_levels", "lead_sources"),
    "thing": ("account", "contact"),
    "name": ("industry", "email"),
    "token": ("made-up",),
    "feed_token": ("made-up",),
    "key": ("lead_offered",),
    "report_name": ("funnel", "partners"),
}
NOBODY = "nobody@nowhere.example"
OFFERED = 1  # so many of the values that a filter offers
_REF = re.compile(r"\b([a-z]+)_[0-9A-Za-z]{22}\b")


class CannotFill(AssertionError):
    """A route whose path asks for something that the walk has no example of."""


def nowhere(ref: str) -> str:
    """A public name of the same kind that nothing has."""
    return _REF.sub(lambda found: f"{found.group(1)}_{'0' * 22}", ref)


# Paths


@dataclass(frozen=True, slots=True)
class Place:
    """A route with its path filled.  elsewhere: the same with what is hidden replaced by what is nowhere."""

    rule: Rule
    method: str
    url: str
    elsewhere: str

    @property
    def is_hidden(self) -> bool:
        return self.url != self.elsewhere

    @property
    def is_api(self) -> bool:
        return self.url.startswith("/api/")


def places(app: Flask, hidden: Refs, own: Refs, *, reading: bool) -> Iterator[Place]:
    """Every route with hidden names, with own ones, and with hidden ones below own ones.  Raises CannotFill."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in LEFT_OUT:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                if (method == "GET") is reading:
                    yield from _filled(rule, method, hidden, own)


def _filled(rule: Rule, method: str, hidden: Refs, own: Refs) -> Iterator[Place]:
    names = [name for is_dynamic, name in rule._trace if is_dynamic]
    foreign = [_values(rule, name, hidden) for name in names]
    mine = [_values(rule, name, own) for name in names]
    if not all(theirs or ours for theirs, ours in zip(foreign, mine, strict=True)):
        raise CannotFill(f"{rule.rule}: nothing hidden and nothing of one's own stands for {names}")
    for values in _combined([theirs or ours for theirs, ours in zip(foreign, mine, strict=True)], mine):
        absent = [nowhere(v) if v in f else v for v, f in zip(values, foreign, strict=True)]
        yield Place(rule, method, _path(rule, values), _path(rule, absent))


def _path(rule: Rule, values: list[str]) -> str:
    remaining = iter(values)
    return re.sub(r"<[^<>]+>", lambda _found: next(remaining), rule.rule)


def _combined(foreign: list[list[str]], mine: list[list[str]]) -> Iterator[list[str]]:
    """Each hidden and each own value of a lone part; of several, some of the last below one of each of the first."""
    if not foreign:
        yield []
    elif len(foreign) == 1:
        yield from ([value] for value in dict.fromkeys([*foreign[0], *mine[0]]))
    else:
        above = (
            [value[0] for value in foreign[:-1]],
            [(own or value)[0] for own, value in zip(mine[:-1], foreign[:-1], strict=True)],
        )
        for first in above if above[0] != above[1] else above[:1]:
            for last in islice(dict.fromkeys([*foreign[-1], *mine[-1]]), 3):
                yield [*first, last]


def _values(rule: Rule, name: str, refs: Refs) -> list[str]:
    converter = rule._converters[name]
    if type(converter).__name__ == "AnyConverter":
        return sorted(str(item) for item in converter.items)  # type: ignore[attr-defined]
    if name in PLAIN:
        return [*PLAIN[name], *refs.get("tmpl", ())][:2]
    kind = getattr(converter, "kind", None) or {
        "alert_id": "alert",
        "item_ref": "item",
        "item_id": "item",
        "record_ref": "acct",
        "job_ref": "exp",
        "export_id": "exp",
    }.get(name, KINDS.get(name))
    return list(refs.get(kind or "", ()))


def document_path(rule: Rule) -> str:
    """A rule as the API's document writes it."""
    return re.sub(r"<(?:[^<>:]+:)?(\w+)>", r"{\1}", rule.rule)


# Pages: links, filters, forms


@dataclass
class Form:
    """A form that changes something.  offered: name → the values it comes with."""

    action: str
    offered: dict[str, list[str]] = field(default_factory=dict)


class Page(HTMLParser):
    """The links of a page, its filters, and its forms."""

    def __init__(self, url: str, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.filters: dict[str, list[str]] = {}  # of forms that ask for this page again
        self.forms: list[Form] = []
        self._url, self._into, self._select = url, self.filters, ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.links += [given[name] for name in ("href", "hx-get") if given.get(name, "").startswith("/")]
        if tag == "form":
            is_own = given.get("action") in (None, "", urlsplit(self._url).path)
            self._into = self.filters if is_own else {}
            if given.get("method") == "post":
                self.forms.append(Form(given.get("action") or self._url))
                self._into = self.forms[-1].offered
        name = given.get("name", "")
        if tag == "option" and self._select and given.get("value"):
            self._into[self._select].append(given["value"])
        if tag in ("input", "select", "textarea", "button") and name and name not in ("csrf_token", "once"):
            offered = self._into.setdefault(name, [])
            if given.get("type") not in ("text", "search", "email", "password") and given.get("value"):
                offered.append(given["value"])
            self._select = name if tag == "select" else ""


def queries(page: Page, path: str, words: Sequence[str]) -> Iterator[str]:
    """Addresses of a page with each filter, sort and tab that it offers, and with hidden words in each."""
    for link in dict.fromkeys(page.links):
        if urlsplit(link).path == path and urlsplit(link).query:
            yield link
    searched = {"q": []} if path == "/search" else {}
    for name, offered in sorted({**searched, **page.filters}.items()):
        for value in dict.fromkeys([*offered[:OFFERED], *(words if not offered else words[-1:])]):
            yield f"{path}?{name}={quote(value)}"


def tampered(form: Form, hidden: Refs) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The form with a hidden record in the place of each that it names, and the same with one that is nowhere."""
    sent: dict[str, Any] = {name: values[0] if values else "x" for name, values in form.offered.items()}
    # The form of one field would keep what was typed on their own lead, where they read it from then on.
    if "email" in sent and not {"began", "where"} <= set(sent):
        yield {**sent, "email": hidden["email"][0]}, {**sent, "email": NOBODY}
    for name, values in form.offered.items():
        named = next((found for value in values if (found := _REF.search(value))), None)
        if named is not None:
            example = next(value for value in values if _REF.search(value))
            for ref in hidden.get(named.group(1), ())[:2]:
                yield {**sent, name: _REF.sub(ref, example)}, {**sent, name: nowhere(example)}


# The API


def api_queries(app: Flask, path: str, refs: Refs, words: Sequence[str]) -> Iterator[str]:
    """Addresses of an API list with each parameter of its document."""
    with app.app_context():
        operation = openapi()["paths"].get(path, {}).get("get", {})
    for parameter in operation.get("parameters", ()):
        name = parameter.get("name")
        if parameter.get("in") != "query" or name == "cursor":
            continue
        known = [*_examples(parameter.get("schema", {})), *named(name, refs)[:2]]
        if name in ("sort", "limit"):
            known = ["1"] if name == "limit" else [sign + key for key in _sorts(path) for sign in ("", "-")]
        if not known and name != "sort":
            known = list(words if name == "q" else words[:1])
        for value in dict.fromkeys(known):
            yield f"{path}?{name}={quote(str(value))}"


def _sorts(path: str) -> Sequence[str]:
    sorts = {
        "accounts": tuple(ACCOUNT_SORTS),
        "cases": tuple(CASE_SORTS),
        "contacts": tuple(CONTACT_SORTS),
        "leads": SORT_KEYS,
        "opportunities": tuple(OPPORTUNITY_SORTS),
    }
    return sorts.get(path.rpartition("/")[2], ())


def _examples(schema: Mapping[str, Any]) -> list[Any]:
    if "enum" in schema:
        return list(schema["enum"])[:OFFERED]
    if schema.get("type") == "boolean":
        return ["true", "false"]
    parts = [*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else [])]
    return [value for part in parts for value in _examples(part)]


_KINDS = {
    "account": "acct", "contact": "cont", "owner": "user", "person": "user", "actor": "user", "round_robin": "rr",
    "import": "imp", "partner": "acct", "case": "case", "opportunity": "opp", "ref": "lead", "parent": "acct", "reports_to": "cont",
    "record": "lead", "level": "item", "source": "item", "target": "user", "to": "user", "lead": "lead", "user": "user",
    "queue": "queue", "group": "group", "bulk_act": "bulk",
}  # fmt: skip


def named(name: str, refs: Refs) -> list[str]:
    """Hidden records that a field of that name may mean."""
    stem = name.removesuffix("s").removesuffix("_id").removesuffix("_ref")
    return list(refs.get(_KINDS.get(stem, ""), ()))


def bodies(app: Flask, place: Place, refs: Refs, word: str) -> Iterator[Any]:
    """JSON for an operation: what it needs alone, then with each further field that names a record, then with all."""
    with app.app_context():
        document = openapi()
    operation = document["paths"].get(document_path(place.rule), {}).get(place.method.lower(), {})
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        yield None
        return
    least, whole = (_json(document, schema, "", refs, word, everything) for everything in (False, True))
    yield least
    if isinstance(whole, dict):
        for name, value in whole.items():
            if name not in least and _REF.search(str(value)):
                yield {**least, name: value}
        if whole != least:
            yield whole


def _json(
    document: Any, schema: Mapping[str, Any], name: str, refs: Refs, word: str, everything: bool
) -> Any:
    if "$ref" in schema:
        found = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return _json(document, found, name, refs, word, everything)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            parts = [part for part in schema[key] if part.get("type") != "null"]
            return _json(document, parts[0], name, refs, word, everything) if parts else None
    if "enum" in schema or "const" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    match schema.get("type"):
        case "object":
            needed = schema.get("required", ())
            return {
                key: _json(document, part, name if key == "id" else key, refs, word, everything)
                for key, part in schema.get("properties", {}).items()
                if everything or key in needed
            }
        case "array":
            return [_json(document, schema.get("items", {}), name, refs, word, everything)]
        case "boolean":
            return True
        case "integer" | "number":
            return 1
    records = named(name, refs)
    return records[0] if records else word
