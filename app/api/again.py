"""The first answer to a POST that is repeated under its key, as far as its caller may still read what it tells."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, make_response

from app.api.answers import record_answer
from app.identity.models import IdempotencyKey
from app.kernel.errors import NotFound

# A record as the caller reads it now by its public name, None for kinds that are no secret.  Raises NotFound.
Reader = Callable[[str], Any]


def answer_again(first: IdempotencyKey, read: Reader, *, is_path_seen: bool, says_id_alone: bool) -> Response:
    """The answer to the letter while the caller reads all of it, else what of it they read now.

    is_path_seen: whether they see the records that the path names, on which what has no reader of its own depends.
    says_id_alone: whether the endpoint answers with the id of a record that is seen no more.

    Raises NotFound where they do not see any more what was told, and the endpoint does not answer so.
    """
    status, body = first.status or 200, first.body or b""
    told = json.loads(body) if body and "json" in (first.content_type or "") else None
    now = told
    if isinstance(told, dict):
        try:
            now = _again(told, read, is_path_seen)
        except NotFound:
            if not says_id_alone:
                raise
            now = {"id": told["id"]}
    if isinstance(now, dict) and now is not told:
        response = record_answer(now, status)
    else:
        response = make_response(body, status)
        response.headers["Content-Type"] = first.content_type or "application/json"
        if isinstance(told, dict) and told.get("version") is not None:
            response.headers["ETag"] = f'"{told["version"]}"'
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _again(told: dict[str, Any], read: Reader, is_path_seen: bool) -> dict[str, Any]:
    """What was told, the same object where nothing of it is lost.  Raises NotFound."""
    ref = told.get("id")
    if not isinstance(ref, str):
        parts = {name: _part(name, each, read, is_path_seen) for name, each in told.items()}
        return told if all(parts[name] is told[name] for name in told) else parts
    now = read(ref)
    if now is None:
        if not is_path_seen:
            raise NotFound("record", ref)
        _require_named(told, read)
        return told
    if told.keys() == {"id", "name"}:
        return told  # whoever sees a record is told what it is called
    return now if _is_less(now, told) else told


def _part(name: str, told: Any, read: Reader, is_path_seen: bool) -> Any:
    if isinstance(told, dict):
        return _again(told, read, is_path_seen)
    if name == "items":
        kept = [each for each in told if _are_named(each, read)]
        return told if len(kept) == len(told) else kept
    return told


def _are_named(told: Any, read: Reader) -> bool:
    try:
        _require_named(told, read)
    except NotFound:
        return False
    return True


def _require_named(told: Any, read: Reader) -> None:
    """That every record is still read that is named in what has no reader of its own, as a member of a campaign.

    Lists of names alone are what the caller asked for.  Raises NotFound.
    """
    if not isinstance(told, dict):
        return
    for name, each in told.items():
        if isinstance(each, dict):
            _require_named(each, read)
        elif isinstance(each, str) and (name == "id" or name.endswith("_id")):
            read(each)


def _is_less(now: Any, told: Any) -> bool:
    """Whether something that was told is not to be read any more.  What has another value now is."""
    if isinstance(told, Mapping):
        return not isinstance(now, Mapping) or any(
            name not in now or _is_less(now[name], value) for name, value in told.items()
        )
    if isinstance(told, list):
        return not isinstance(now, list) or any(item not in now for item in told)
    return told is not None and now is None
