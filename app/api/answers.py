"""What API answers have in common: times, owners, pages, entity tags."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from flask import Response, g, jsonify, request
from flask_babel import lazy_gettext as _l

from app.kernel.errors import Invalid, Stale
from app.kernel.paging import LARGEST_PAGE, PAGE_SIZE, Page
from app.leads.rows import OwnerLink

T = TypeVar("T")


def moment(value: datetime | None) -> str | None:
    """RFC 3339 in UTC with a Z; None stays None."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value is not None else None


def owner_json(owner: OwnerLink) -> dict[str, Any]:
    """An owner: a user (partner people too) or a queue."""
    return {"type": "queue" if owner.kind == "queue" else "user", "id": owner.ref, "name": owner.name}


def page_json(page: Page[T], show: Callable[[T], Any]) -> dict[str, Any]:
    """A page of a list."""
    return {"items": [show(item) for item in page.items], "next_cursor": page.older}


def whole_list(items: Sequence[Any]) -> dict[str, Any]:
    """A list that is always whole, in the shape of every list."""
    return {"items": list(items), "next_cursor": None}


def list_arguments() -> tuple[int, str | None, str | None, dict[str, list[str]]]:
    """(limit, cursor, sort, filters) of the request.  Raises Invalid for a limit out of range."""
    given = {name: request.args.getlist(name) for name in request.args}
    limit_text = (given.pop("limit", None) or [str(PAGE_SIZE)])[0]
    if not limit_text.isascii() or not limit_text.isdigit() or not 1 <= int(limit_text[:9]) <= LARGEST_PAGE:
        raise Invalid({"limit": [_l("Give a whole number from 1 to %(most)s.", most=LARGEST_PAGE)]})
    cursor = (given.pop("cursor", None) or [None])[0]
    sort = (given.pop("sort", None) or [None])[0]
    return int(limit_text), cursor or None, sort or None, given


def refuse_filters(given: Mapping[str, Sequence[str]]) -> None:
    """Raises Invalid when a list that has no filters is given some."""
    if given:
        raise Invalid({name: [_l("This filter is not known. There is none here.")] for name in given})


def version_of(body: Mapping[str, Any], version: int) -> str:
    """The opaque version: for partner people a digest of what they see, so that it tells nothing else."""
    if g.actor.is_internal:
        return str(version)
    text = json.dumps({k: v for k, v in body.items() if k != "version"}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def check_version(current: Mapping[str, Any]) -> None:
    """Raises Stale when `If-Match` names another version than the record's present one."""
    asked = request.headers.get("If-Match")
    if asked is None or asked.strip() == "*":
        return
    known = str(current.get("version"))
    if known not in [part.strip().removeprefix("W/").strip('"') for part in asked.split(",")]:
        raise Stale(_l("The record has changed since you read it."), current=dict(current))


def record_answer(body: Mapping[str, Any], status: int = 200) -> Response:
    """One record, with its version as the entity tag."""
    response = jsonify(body)
    response.status_code = status
    if body.get("version") is not None:
        response.headers["ETag"] = f'"{body["version"]}"'
    return response


def no_content() -> Response:
    """204."""
    return Response(status=204)
