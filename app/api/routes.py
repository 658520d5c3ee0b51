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
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast, get_type_hints

from flask import Response, current_app, g, request
from pydantic import BaseModel

from app.api.again import answer_again
from app.api.door import bp
from app.api.reading import read_body, refuse_unstorable
from app.api.schemas.common import Nothing
from app.api.schemas.leads import LeadOrId
from app.api.visibility import SECRET, is_seen
from app.identity.models import IdempotencyKey
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
    "opportunity_id": refs.OPPORTUNITY,
    "part_id": refs.CONTACT_ROLE,
    "target_id": refs.TARGET,
    "case_id": refs.CASE,
    "campaign_id": refs.CAMPAIGN,
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
    "lead_form_id": refs.LEAD_FORM,
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
    """What the document says of an endpoint; `app.api.collected` makes it when somebody asks for it.

    form: what a body that is no JSON holds, as the document writes it.
    """

    method: str
    rule: str
    area: "Area"
    name: str
    summary: str
    words: str
    answers: Answers | dict[int, Any]
    query: type[BaseModel] | None
    body: type[BaseModel] | None
    form: dict[str, Any] | None
    takes_version: bool
    problems: frozenset[int]

    @property
    def path(self) -> tuple[str, ...]:
        """The names in the path."""
        return tuple(re.findall(r"<(\w+)>", self.rule))

    @property
    def takes_body(self) -> bool:
        return self.method in ("POST", "PATCH")

    @property
    def needs_body(self) -> bool:
        if self.body is None:
            return self.form is not None
        return any(info.is_required() for info in self.body.model_fields.values())

    @property
    def takes_key(self) -> bool:
        return self.method == "POST"


# (method, path as the document writes it) → what was declared.
DECLARED: dict[tuple[str, str], Declared] = {}


@dataclass(frozen=True, slots=True)
class Area:
    """A group of endpoints in the document."""

    name: str
    description: str

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
        body: dict[str, Any] | None = None,
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
        body: dict[str, Any] | None = None,
        problems: Iterable[int] = (),
    ) -> Callable[[View], View]:
        def decorate(view: View) -> View:
            model = get_type_hints(view).get("body")
            DECLARED[method, _uri(rule)] = Declared(
                method=method,
                rule=rule,
                area=self,
                name=view.__name__,
                summary=summary,
                words=" ".join((view.__doc__ or "").split()),
                answers=answers,
                query=query,
                body=model,
                form=body,
                takes_version=takes_version,
                problems=frozenset(problems),
            )
            takes_nothing = method == "POST" and model is None and body is None
            guarded = _guarded(view, model, answers, takes_nothing=takes_nothing)
            bp.add_url_rule(rule, view_func=guarded, methods=[method])
            return guarded

        return decorate


def _guarded(
    view: View, model: type[BaseModel] | None, answers: Answers | dict[int, Any], *, takes_nothing: bool
) -> View:
    @wraps(view)
    def guarded(**path: str) -> Response:
        actor = current_actor()
        for name, value in path.items():
            _require_kind(name, value)
        try:
            # Before the body is read, so that nobody learns what a call that is not theirs would take.
            actor.require(view.access)  # type: ignore[attr-defined]  # set by `needs`
            refuse_unstorable({name: request.args.getlist(name) for name in request.args})
            before: IdempotencyKey | None = g.pop("answered_before", None)
            if before is not None:
                is_path_seen = is_seen(db.session(), actor, path)
                return answer_again(
                    before, _read_now, is_path_seen=is_path_seen, says_id_alone=LeadOrId in answers.values()
                )
            if takes_nothing:
                read_body(Nothing)
            return view(**path) if model is None else view(**path, body=read_body(model))
        except NotAllowed:
            if not is_seen(db.session(), actor, path):
                raise NotFound from None
            raise

    return guarded  # type: ignore[return-value]


def _read_now(ref: str) -> Any:
    """A record as its own endpoint tells it to the caller, see `app.api.again.Reader`."""
    kind = ref.rpartition("_")[0]
    name = next((name for name in SECRET if KINDS[name] == kind), None)
    if name is None:
        return None
    found = next(
        d for d in DECLARED.values() if (d.method, d.path) == ("GET", (name,)) and d.rule.endswith(">")
    )
    try:
        answer = current_app.view_functions[f"{bp.name}.{found.name}"](**{name: ref})
    except NotAllowed:
        raise NotFound from None
    return cast("Response", answer).get_json()


def _require_kind(name: str, value: str) -> None:
    """That a name in the path has the shape of its kind's.  Raises NotFound."""
    kind = KINDS[name]
    if not _NAME.match(value) or (kind is not None and not refs.is_ref(kind, value)):
        raise NotFound(name.removesuffix("_id"), value)


def _uri(rule: str) -> str:
    return (bp.url_prefix or "") + re.sub(r"<(\w+)>", r"{\1}", rule)
