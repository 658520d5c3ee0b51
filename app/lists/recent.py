"""Noting what somebody opened or made, after the page is made, so that reading never waits for it."""

from typing import Any

from flask import Response, after_this_request, current_app
from sqlalchemy.exc import DBAPIError

from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.db import db, transaction
from app.lists.models import RecentRecord
from app.lists.operations import NOTED_EVERY, note_opened


class _Opened:
    """The record as it is noted, for the object itself is read anew once its page is made."""

    def __init__(self, record: Any) -> None:
        self.__tablename__, self.id = record.__tablename__, record.id


def remember_opened(actor: Actor, record: Any) -> None:
    """Put the record among those that the actor opened lately, once the answer is ready; one statement before.

    Whoever sees Canal as somebody else leaves no trace of theirs.
    """
    if actor.user_id is None or actor.viewer_ref:
        return
    now, opened = clock.now(), _Opened(record)
    last = db.session().get(RecentRecord, (actor.user_id, opened.__tablename__, opened.id))
    if last is not None and now - last.at < NOTED_EVERY:
        return

    @after_this_request
    def note(response: Response) -> Response:
        try:
            with transaction() as session:
                note_opened(session, actor, opened, now=now)
        except DBAPIError:
            # Two windows opened it at once, or the database is busy: the page was made all the same.
            current_app.logger.info("what was opened could not be noted")
        return response
