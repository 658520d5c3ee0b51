"""What the worker does.  Each job acts as a named part of the system, in transactions of its own."""

from collections.abc import Sequence
from threading import Event

import structlog
from flask import Flask
from sqlalchemy import exists, select

from app.identity.tidy import delete_outdated
from app.intake.models import Import, ImportState
from app.intake.run import run_waiting
from app.intake.tidy import forget_uploads
from app.kernel import clock
from app.kernel.db import reading, transaction
from app.leads.errors import LeadMoved
from app.notifications.delivery import make_sender
from app.routing.offers import due_offers, expire_offer
from app.settings import Settings
from app.worker import Job

TIDY_EVERY_SECONDS = 600.0
OFFERS_AT_ONCE = 20

log = structlog.get_logger("canal.worker")


def make_jobs(app: Flask, settings: Settings, stop: Event) -> Sequence[Job]:
    """The jobs of one worker process.  stop: set when they are to come to an end."""
    sender = make_sender(app, settings)
    return (
        Job("deliveries", sender.step, close=sender.stop),
        Job("offers", _expire_offers),
        Job("imports", lambda: _import(stop)),
        Job("tidy", _tidy, TIDY_EVERY_SECONDS),
        Job("uploads", lambda: forget_uploads(settings.data, now=clock.now()) > 0, TIDY_EVERY_SECONDS),
    )


def _expire_offers() -> bool:
    """End what was not accepted in time, each in a transaction of its own: one that fails stops no other."""
    with reading() as session:
        due = due_offers(session, now=clock.now(), limit=OFFERS_AT_ONCE)
    done = 0
    for offer_id in due:
        try:
            with transaction() as session:
                done += expire_offer(session, offer_id, now=clock.now())
        except LeadMoved:
            continue  # accepted, declined or taken back at this very moment
        except Exception:
            log.exception("an offer could not be ended", offer=offer_id)
    return done > 0


def _import(stop: Event) -> bool:
    with reading() as session:
        to_do = (ImportState.WAITING, ImportState.RUNNING)
        if not session.scalar(select(exists().where(Import.state.in_(to_do)))):
            return False  # without asking for SQLite's write lock
    return run_waiting(clock.now(), should_stop=stop.is_set)


def _tidy() -> bool:
    with transaction() as session:
        return delete_outdated(session, now=clock.now()) > 0
