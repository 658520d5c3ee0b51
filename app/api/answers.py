"""What API answers have in common: times, owners, pages, entity tags."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from flask import Response, jsonify, request
from flask_babel import lazy_gettext as _l

from app.kernel.actor import Actor
from app.kernel.errors import Invalid, Stale
from app.kernel.paging import LARGEST_PAGE, PAGE_SIZE, BadCursor, Page, make_cursor, read_cursor
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


def sliced(
    actor: Actor,
    shape: object,
    items: Sequence[T],
    key: Callable[[T], int],
    *,
    limit: int,
    cursor: str | None,
) -> Page[T]:
    """A page of a short list that has been read whole.  key: a number of its own for each item.

    Raises BadCursor, also when the last item of the page before has gone meanwhile.
    """
    begin = 0
    if cursor is not None:
        _value, after, _back = read_cursor(actor.user_id, shape, cursor)
        keys = [key(item) for item in items]
        if after not in keys:
            raise BadCursor
        begin = keys.index(after) + 1
    shown = items[begin : begin + limit]
    more = begin + limit < len(items)
    return Page(shown, make_cursor(actor.user_id, shape, None, key(shown[-1])) if more else None)


def list_arguments() -> tuple[int, str | None, str | None, dict[str, list[str]]]:
    """(limit, cursor, sort, filters) of the request.  Raises Invalid for a limit out of range."""
    given = {name: request.args.getlist(name) for name in request.args}
    limit_text = (given.pop("limit", None) or [str(PAGE_SIZE)])[0]
    if not limit_text.isascii() or not limit_text.isdigit() or not 1 <= int(limit_text[:9]) <= LARGEST_PAGE:
        raise Invalid({"limit": [_l("Give a whole number from 1 to %(most)s.", most=LARGEST_PAGE)]})
    cursor = (given.pop("cursor", None) or [""])[0]
    sort = (given.pop("sort", None) or [""])[0]
    return int(limit_text), cursor or None, sort or None, given


def plain_list_arguments(*known: str) -> tuple[int, str | None, dict[str, list[str]]]:
    """(limit, cursor, filters) of a list that cannot be sorted and has these filters.

    Raises Invalid naming the filters that are known.
    """
    limit, cursor, sort, given = list_arguments()
    unknown = sorted(set(given) - set(known))
    if unknown:
        names = ", ".join(known) or "-"
        raise Invalid(
            {name: [_l("This filter is not known. Known: %(known)s.", known=names)] for name in unknown}
        )
    if sort is not None:
        raise Invalid({"sort": [_l("This list cannot be sorted otherwise.")]})
    return limit, cursor, {name: values for name, values in given.items() if any(values)}


def version_of(actor: Actor, body: Mapping[str, Any], version: int) -> str:
    """The opaque version: for partner people a digest of what they see, so that it tells nothing else."""
    if actor.is_internal:
        return str(version)
    told = {name: _as_compared(value) for name, value in body.items() if name != "version"}
    text = json.dumps(told, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _as_compared(value: Any) -> Any:
    """Numbers that are the same are told the same: SQLite gives back as 100 what was written as 100.0."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {name: _as_compared(each) for name, each in value.items()}
    return value


def expects_version() -> bool:
    """Whether the call names the version it began from."""
    return request.headers.get("If-Match", "*").strip() != "*"


def check_version(read: Callable[[], Mapping[str, Any]]) -> None:
    """Raises Stale when `If-Match` names another version than the record's present one.

    read: the record as the caller sees it now, asked only if there is something to compare.  The caller
    has locked the record, so that it stays so until the transaction ends.
    """
    if not expects_version():
        return
    current = read()
    asked = request.headers["If-Match"].split(",")
    if str(current.get("version")) not in [part.strip().removeprefix("W/").strip('"') for part in asked]:
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
