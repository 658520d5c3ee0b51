"""The blueprint of lists' own pages, and what these pages read from a request."""

from collections.abc import Mapping

from flask import Blueprint, request, url_for
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.kernel.errors import NotFound
from app.lists.catalogue import ListObject, objects
from app.lists.found import count_rows
from app.lists.page import query_of
from app.lists.query import ListQuery
from app.lists.words import is_said, sentence_of, value_names
from app.web.listing import ListAddress

bp = Blueprint("lists", __name__, url_prefix="/lists")

# A form that carries a list on has its parameters under this prefix.
PREFIX = "p."
_NOT_FILTERS = frozenset({"view", "columns", "cursor", "count", "back"})


def object_named(actor: Actor, name: str) -> ListObject:
    """The object of that name.  Raises NotFound, NotAllowed."""
    found = objects().get(name)
    if found is None:
        raise NotFound("list", name)
    actor.require(found.view)
    return found


def params_sent() -> dict[str, list[str]]:
    """Filters and order of the list that a form carries on."""
    return {
        name.removeprefix(PREFIX): request.form.getlist(name)
        for name in request.form
        if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in _NOT_FILTERS
    }


def params_asked(*without: str) -> dict[str, list[str]]:
    """Filters and order in the address of a page about a list."""
    names = [name for name in request.args if name not in _NOT_FILTERS and name not in without]
    return {name: kept for name in names if (kept := [v for v in request.args.getlist(name) if v.strip()])}


def list_url(object_: ListObject, params: Mapping[str, list[str]], *, view: str = "") -> str:
    """Address of a list with these filters and order."""
    given = {name: values for name, values in params.items() if name != "sort"}
    sort = next(iter(params.get("sort", ())), None)
    fixed = {"view": [view]} if view else {}
    empty = {"filter": ["all()"]} if view else {"view": ["all"]}
    return ListAddress(url_for(object_.root), given, sort, fixed, empty).url


def sentences(session: Session, actor: Actor, query: ListQuery) -> list[str]:
    """The filters of a list in words, one for each thing that must hold."""
    names = value_names(session, actor, query)
    return [sentence_of(part, query, names) for part in query.parts if is_said(part)]


def counted(session: Session, actor: Actor, object_: ListObject, params: Mapping[str, list[str]]) -> int:
    """How many records the list has, at most one more than lists count to."""
    return count_rows(session, actor, query_of(session, actor, object_, params))
