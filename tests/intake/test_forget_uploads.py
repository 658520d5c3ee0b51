"""Uploads that nobody comes back to are forgotten, files included."""

import io
import os
from datetime import timedelta

from flask import Flask
from sqlalchemy.orm import Session

from app.identity.models import User
from app.intake.models import Import, ImportState
from app.intake.tidy import forget_uploads
from app.intake.uploads import path_of, receive_file
from app.kernel import clock
from tests.factories import actor_of
from tests.intake.importing import submit


def test_a_draft_of_a_week_ago_goes_and_what_waits_stays(app: Flask, session: Session, mara: User) -> None:
    data = app.extensions["canal.settings"].data
    forget_uploads(data, now=clock.now() + timedelta(days=400))  # what other tests have left
    now = clock.now()
    actor = actor_of(session, mara)
    session.commit()
    old = receive_file(actor, io.BytesIO(b"Last name\nPuig\n"), "old.csv", now=now - timedelta(days=8))
    new = receive_file(actor, io.BytesIO(b"Last name\nRoca\n"), "new.csv", now=now - timedelta(days=6))
    waiting = submit(session, "Last name\nSoler\n", by=mara)
    stray = data / "imports" / "imp_0000.csv"
    stray.write_text("Last name\nVila\n")
    for path in (stray, path_of(waiting)):
        os.utime(path, (0, 0))
    assert forget_uploads(data, now=now) == 2
    assert [path.exists() for path in (path_of(old), path_of(new), path_of(waiting), stray)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert session.get_one(Import, old.id, populate_existing=True).state is ImportState.CANCELLED
    assert forget_uploads(data, now=now) == 0
