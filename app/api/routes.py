"""How an endpoint is declared, so that what it does and what its document says are one thing.

    leads = Area("Leads", "What arrives, and who works on it.")

    @leads.patch("/leads/<lead_id>", "Change a lead", {200: Lead}, takes_version=True)
    @needs(Permission.LEAD_EDIT)
    def change_lead(lead_id: str, body: LeadChanges) -> Response: ...

A call is read in this order: who calls, the ids of the path, whether the role may, the body.  What a role
may not do to a record that the caller cannot see answers as if the record were not there.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar, get_type_hints

from flask import Response, request
from flask_openapi.models.request_body import RequestBody
from flask_openapi.models.tag import Tag
from pydantic import BaseModel, Field, create_model

from app.api.door import bp
from app.api.reading import read_body, refuse_unstorable
from app.api.schemas.common import Nothing
from app.api.visibility import is_seen
from app.kernel import refs
from app.kernel.db import db
from app.kernel.errors import NotAllowed, NotFound
from app.web.access import current_actor

View = TypeVar("View", bound=Callable[..., Response])
Answers = Mapping[int, type[BaseModel] | None]

# What the names in paths stand for; None where any text is a name.
KINDS: dict[str, str | None] = {
    "lead_id": refs.LEAD,
    "account_id": refs.ACCOUNT,
    "contact_id": refs.CONTACT,
    "case_id": refs.CASE,
    "user_id": refs.USER,
    "queue_id": refs.QUEUE,
    "round_robin_id": refs.ROUND_ROBIN,
    "rule_id": refs.RULE,
    "member_id": refs.MEMBER,
    "responsible_id": refs.MEMBER,
    "relationship_id": refs.RELATIONSHIP,
    "characteristic_id": refs.CHARACTERISTIC,
    "interest_id": refs.INTEREST,
    "activity_id": refs.ACTIVITY,
    "import_id": refs.IMPORT,
    "export_id": refs.EXPORT,
    "bulk_act_id": refs.BULK,
    "delivery_id": refs.DELIVERY,
    "group_id": refs.GROUP,
    "sharing_rule_id": refs.SHARING_RULE,
    "share_id": refs.SHARE,
    "document_id": refs.DOCUMENT,
    "item_id": None,
    "registry": None,
}
_NAME = re.compile(r"[A-Za-z0-9_]{1,40}\Z")


@dataclass(frozen=True, slots=True)
class Declared:
    """What the document says of an endpoint beyond what flask-openapi collects."""

    method: str
    has_path: bool
    takes_body: bool
    needs_body: bool
    takes_version: bool
    takes_key: bool
    problems: frozenset[int]


# (method, path as the document writes it) → what was declared.
DECLARED: dict[tuple[str, str], Declared] = {}


@dataclass(frozen=True, slots=True)
class Area:
    """A group of endpoints in the document."""

    name: str
    description: str
    tag: Tag = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tag", Tag(name=self.name, description=self.description))

    def get(
        self,
        rule: str,
        summary: str,
        answers: Answers | dict[int, Any],
        *,
        query: type[BaseModel] | None = None,
        problems: Iterable[int] = (),
    ) -> Callable[[View], View]:
        """An endpoint that reads.  query: the parameters that its address may have, for the document."""
        return self._declare("GET", rule, summary, answers, query=query, problems=problems)

    def post(
        self,
        rule: str,
        summary: str,
        answers: Answers | dict[int, Any],
        *,
        query: type[BaseModel] | None = None,
        takes_version: bool = False,
        body: RequestBody | None = None,
        problems: Iterable[int] = (),
    ) -> Callable[[View], View]:
        """An endpoint that makes or changes something, repeatable with an Idempotency-Key."""
        return self._declare(
            "POST",
            rule,
            summary,
            answers,
            query=query,
            takes_version=takes_version,
            body=body,
            problems=problems,
        )

    def patch(
        self,
        rule: str,
        summary: str,
        answers: Answers | dict[int, Any],
        *,
        query: type[BaseModel] | None = None,
        takes_version: bool = True,
    ) -> Callable[[View], View]:
        """An endpoint that changes fields; those left out stay."""
        return self._declare("PATCH", rule, summary, answers, query=query, takes_version=takes_version)

    def delete(
        self,
        rule: str,
        summary: str,
        answers: Answers | dict[int, Any] | None = None,
        *,
        query: type[BaseModel] | None = None,
        takes_version: bool = True,
    ) -> Callable[[View], View]:
        """An endpoint that takes something away.  answers: what it may say beside nothing."""
        every = {204: None, **(answers or {})}
        return self._declare("DELETE", rule, summary, every, query=query, takes_version=takes_version)

    def _declare(
        self,
        method: str,
        rule: str,
        summary: str,
        answers: Answers | dict[int, Any],
        *,
        query: type[BaseModel] | None = None,
        takes_version: bool = False,
        body: RequestBody | None = None,
        problems: Iterable[int] = (),
    ) -> Callable[[View], View]:
        def decorate(view: View) -> View:
            names = re.findall(r"<(\w+)>", rule)
            model = get_type_hints(view).get("body")
            DECLARED[method, _uri(rule)] = Declared(
                method=method,
                has_path=bool(names),
                takes_body=method in ("POST", "PATCH"),
                needs_body=body is not None or (model is not None and _needs_something(model)),
                takes_version=takes_version,
                takes_key=method == "POST",
                problems=frozenset(problems),
            )
            guarded = _guarded(view, model, takes_nothing=method == "POST" and model is None and body is None)
            guarded.__annotations__ = _annotations(view.__name__, names, query, model)
            options: dict[str, Any] = {} if body is None else {"request_body": body}
            register = getattr(bp, method.lower())
            declare = register(
                rule,
                tags=[self.tag],
                summary=summary,
                description=" ".join((view.__doc__ or "").split()),
                operation_id=view.__name__,
                responses=dict(answers),
                **options,
            )
            declare(guarded)
            return guarded

        return decorate


def _guarded(view: View, model: type[BaseModel] | None, *, takes_nothing: bool) -> View:
    @wraps(view)
    def guarded(**path: str) -> Response:
        actor = current_actor()
        for name, value in path.items():
            _require_kind(name, value)
        try:
            # Before the body is read, so that nobody learns what a call that is not theirs would take.
            actor.require(view.access)  # type: ignore[attr-defined]  # set by `needs`
            refuse_unstorable({name: request.args.getlist(name) for name in request.args})
            if takes_nothing:
                read_body(Nothing)
            return view(**path) if model is None else view(**path, body=read_body(model))
        except NotAllowed:
            if not is_seen(db.session(), actor, path):
                raise NotFound from None
            raise

    guarded.__delay_validate_request__ = True  # type: ignore[attr-defined]  # flask-openapi only collects
    return guarded  # type: ignore[return-value]


def _require_kind(name: str, value: str) -> None:
    """That a name in the path has the shape of its kind's.  Raises NotFound."""
    kind = KINDS[name]
    if not _NAME.match(value) or (kind is not None and not refs.is_ref(kind, value)):
        raise NotFound(name.removesuffix("_id"), value)


def _uri(rule: str) -> str:
    return (bp.url_prefix or "") + re.sub(r"<(\w+)>", r"{\1}", rule)


def _needs_something(model: type[BaseModel]) -> bool:
    return any(info.is_required() for info in model.model_fields.values())


def _annotations(
    view_name: str, names: Iterable[str], query: type[BaseModel] | None, body: type[BaseModel] | None
) -> dict[str, Any]:
    """The models that flask-openapi reads the document's parameters from."""
    found: dict[str, Any] = {"return": Response}
    fields: dict[str, Any] = {name: (str, Field(title=None, description=_WORDS.get(name))) for name in names}
    if fields:
        found["path"] = create_model(f"{view_name}_path", **fields)
    if query is not None:
        found["query"] = query
    if body is not None:
        found["body"] = body
    return found


_WORDS: dict[str, str] = {
    "registry": "One of lead_statuses, lead_sources, decline_reasons, partner_levels, relationship_reasons, "
    "characteristic_types, interest_areas, responsible_roles.",
    "item_id": "An entry of the list.",
}
