"""What somebody who is signed in tried and may not do, put on record: which act, on which record.

The act is named by its route and the record by its public name: an address as it was asked for may hold
anything.
"""

import re
from dataclasses import dataclass

from flask import current_app, g, request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.events.flood import Flood
from app.events.operations import record
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.db import db, set_reading

# So many an hour are written one by one: of one person, in all.
OF_ONE_PERSON, IN_ALL = 20, 200
_CONVERTER = re.compile(r"<(?:[^<>]*:)?(\w+)>")
_PUBLIC_NAME = re.compile(r"[a-z]{2,5}_[0-9A-Za-z]{22}")
_flood = Flood()


@dataclass(frozen=True, slots=True)
class _Person:
    """The one who tried, as the subject of the event."""

    __tablename__ = "user"
    id: int
    ref: str


def note_refused_attempt() -> None:
    """Write an event about the request that is being refused, unless the person causes too many.

    A request that only reads changes nothing, not even by being refused: the log of requests has it.
    The request's own transaction has been rolled back; this is one by itself.  That it cannot be written
    changes nothing of the answer.
    """
    actor: Actor | None = g.get("actor")
    if actor is None or actor.user_id is None or request.method in ("GET", "HEAD", "OPTIONS"):
        return
    now = clock.now()
    left_out = _flood.note({actor.user_id: OF_ONE_PERSON, "all": IN_ALL}, now)
    if left_out is None:
        return
    detail = _what_was_tried()
    if left_out:
        detail["left_out"] = left_out
    set_reading(False)
    try:
        with Session(db.engine) as session, session.begin():
            record(
                session,
                actor,
                verb="refused",
                subject=_Person(actor.user_id, actor.ref),
                at=now,
                detail=detail,
            )
    except SQLAlchemyError as error:
        current_app.logger.warning("a refused attempt could not be recorded: %s", type(error).__name__)
    finally:
        set_reading(True)


def _what_was_tried() -> dict[str, object]:
    rule = request.url_rule.rule if request.url_rule is not None else ""
    detail: dict[str, object] = {"method": request.method, "act": _CONVERTER.sub(r"…", rule)}
    named = [str(value) for value in (request.view_args or {}).values()]
    records = [name for name in named if _PUBLIC_NAME.fullmatch(name)]
    if records:
        detail["on"] = records[0]
    return detail
