"""What the worker does.  Each job acts as a named part of the system, in transactions of its own."""

from collections.abc import Sequence

from flask import Flask

from app.identity.tidy import delete_outdated
from app.kernel import clock
from app.kernel.db import transaction
from app.notifications.delivery import make_sender
from app.settings import Settings
from app.worker import Job

TIDY_EVERY_SECONDS = 600.0


def make_jobs(app: Flask, settings: Settings) -> Sequence[Job]:
    """The jobs of one worker process."""
    sender = make_sender(app, settings)
    return (
        Job("deliveries", sender.step, close=sender.stop),
        Job("tidy", _tidy, TIDY_EVERY_SECONDS),
    )


def _tidy() -> bool:
    with transaction() as session:
        return delete_outdated(session, now=clock.now()) > 0
