"""What the worker does.  Each job acts as a named part of the system, in transactions of its own."""

from collections.abc import Sequence
from threading import Event

from flask import Flask
from sqlalchemy import exists, or_, select

from app.activities.reminders import give_reminders
from app.capture.taking import purge_posts
from app.care.comparing import compare_some
from app.care.models import DuplicateCheck
from app.care.purging import purge_some
from app.documents.collecting import adopt_strays, collect
from app.documents.scanning import scan_step
from app.fields.counting import count_due, count_step
from app.fields.work import waiting as fields_waiting
from app.fields.work import work_step
from app.health.operations import give_sign
from app.identity.tidy import delete_outdated
from app.intake.models import Import, ImportState
from app.intake.run import run_waiting
from app.intake.tidy import forget_uploads
from app.kernel import clock
from app.kernel.db import reading, transaction
from app.leads.steps import MOVING as LEAVING
from app.leads.steps import is_leaving, move_leads
from app.lists.jobs import OF_LISTS, forget_jobs
from app.lists.jobs import run_waiting as run_jobs_of_lists
from app.lists.leases import TO_DO
from app.lists.models import JobKind, ListJob
from app.notifications.delivery import make_sender
from app.notifications.digests import write_digests
from app.reports.counting import AT_ONCE, count_changes
from app.reports.models import ReportChange
from app.routing.jobs import end_lapsed_offers
from app.routing.recycling import recycle_step
from app.scorecards.operations import is_due, keep_mixes, rows_to_keep
from app.scores.routing import route_handed_over, routes_waiting
from app.scores.work import is_waiting as scores_waiting
from app.scores.work import work_step as score_step
from app.settings import Settings
from app.sharing.building import build_step, sweep
from app.sharing.models import GrantSet, GrantSetState, ManualShare
from app.sharing.shares import end_lapsed
from app.subscriptions.writing import write_report_mails
from app.worker import Job

TIDY_EVERY_SECONDS = 600.0
DIGESTS_EVERY_SECONDS = 20.0
SIGN_EVERY_SECONDS = 30.0
STRAYS_EVERY_SECONDS = 24 * 3600.0
REMINDERS_EVERY_SECONDS = 15.0
REPORTS_EVERY_SECONDS = 5.0
COMPARED_EVERY_SECONDS = 60.0
# Somebody who is given a lead is told within the second.
MAIL_AT_MOST_SECONDS = 0.8
MERGES = (JobKind.MERGE,)


def make_jobs(app: Flask, settings: Settings, stop: Event) -> Sequence[Job]:
    """The jobs of one worker process.  stop: set when they are to come to an end."""
    sender = make_sender(app, settings)
    return (
        Job("deliveries", sender.step, longest_idle_seconds=MAIL_AT_MOST_SECONDS, close=sender.stop),
        Job("sign of life", _give_sign, SIGN_EVERY_SECONDS),
        Job("digests", write_digests, DIGESTS_EVERY_SECONDS),
        Job("reports by mail", write_report_mails, DIGESTS_EVERY_SECONDS),
        Job("reminders", give_reminders, REMINDERS_EVERY_SECONDS),
        Job("offers", end_lapsed_offers),
        Job("first touches", recycle_step, REMINDERS_EVERY_SECONDS),
        Job("imports", lambda: _import(stop)),
        Job("sharing", _share),
        Job("scores", _score),
        Job("statuses", _leave_statuses),
        Job("reports", _count, REPORTS_EVERY_SECONDS),
        Job("comparisons", _compare_partners, COMPARED_EVERY_SECONDS),
        Job("scans", scan_step),
        Job("documents", lambda: collect(now=clock.now()) > 0, TIDY_EVERY_SECONDS),
        Job("purging", lambda: purge_some(now=clock.now()) > 0, TIDY_EVERY_SECONDS),
        Job("strays", lambda: adopt_strays(now=clock.now()) < 0, STRAYS_EVERY_SECONDS),
        Job("lists", lambda: _lists(OF_LISTS, stop)),
        Job("merges", lambda: _lists(MERGES, stop)),  # whose records nobody changes until they are done
        Job("exports", lambda: forget_jobs(now=clock.now()) > 0, TIDY_EVERY_SECONDS),
        Job("duplicates", _compare),
        Job("fields", _fields),
        Job("field counts", _count_fields, TIDY_EVERY_SECONDS),
        Job("tidy", _tidy, TIDY_EVERY_SECONDS),
        Job("uploads", lambda: forget_uploads(settings.data, now=clock.now()) > 0, TIDY_EVERY_SECONDS),
    )


def _give_sign() -> bool:
    with transaction() as session:
        give_sign(session, now=clock.now())
    return False


def _import(stop: Event) -> bool:
    with reading() as session:
        to_do = (ImportState.WAITING, ImportState.RUNNING)
        if not session.scalar(select(exists().where(Import.state.in_(to_do)))):
            return False  # without asking for SQLite's write lock
    return run_waiting(clock.now(), should_stop=stop.is_set)


def _lists(kinds: Sequence[JobKind], stop: Event) -> bool:
    with reading() as session:
        if not session.scalar(select(exists().where(ListJob.state.in_(TO_DO), ListJob.kind.in_(kinds)))):
            return False  # without asking for SQLite's write lock
    return run_jobs_of_lists(kinds, should_stop=stop.is_set)


def _share() -> bool:
    """A batch of what a sharing rule gives; shares by hand whose time is up; what gives nothing any more."""
    with reading() as session:
        waiting = exists().where(GrantSet.state != GrantSetState.ACTIVE)
        lapsed = exists().where(ManualShare.until <= clock.now(), ManualShare.ended_at.is_(None))
        if not session.scalar(select(or_(waiting, lapsed))):
            return False  # without asking for SQLite's write lock
    did = False
    for act in (build_step, sweep, end_lapsed):
        with transaction() as session:
            did = bool(act(session, now=clock.now())) or did
    return did


def _compare() -> bool:
    with reading() as session:
        if not session.scalar(select(exists(select(DuplicateCheck.id)))):
            return False  # without asking for SQLite's write lock
    with transaction() as session:
        return compare_some(session, now=clock.now())


def _fields() -> bool:
    """A batch of what is to be done to all records after a field was marked, unmarked or deleted."""
    with reading() as session:
        if not session.scalar(select(exists().where(fields_waiting()))):
            return False  # without asking for SQLite's write lock
    with transaction() as session:
        return work_step(session, now=clock.now())


def _score() -> bool:
    """A batch of scores to write, or of a version's preview; leads that were handed over go on."""
    now = clock.now()
    with reading() as session:
        to_write, to_route = scores_waiting(session, now=now), routes_waiting(session)
    did = False
    if to_write:
        with transaction() as session:
            did = score_step(session, now=now)
    if to_route:
        with transaction() as session:
            did = route_handed_over(session, now=now) or did
    return did


def _count() -> bool:
    """Some hundred leads that changed, counted anew for reports."""
    with reading() as session:
        if not session.scalar(select(exists(select(ReportChange.id)))):
            return False  # without asking for SQLite's write lock
    with transaction() as session:
        return count_changes(session) == AT_ONCE


def _compare_partners() -> bool:
    """What partners are compared by, where that is kept and has become old; read before, so that nobody waits who saves."""
    now = clock.now()
    with reading() as session:
        if not is_due(session, now=now):
            return False
        rows = rows_to_keep(session, now=now)
    with transaction() as session:
        keep_mixes(session, rows)
    return False


def _leave_statuses() -> bool:
    """Some hundred leads of a status that is being removed."""
    with reading() as session:
        if is_leaving(session) is None:
            return False
    with transaction() as session:
        status = is_leaving(session)
        return status is not None and not move_leads(session, LEAVING, status, now=clock.now())


def _count_fields() -> bool:
    with reading() as session:
        if not count_due(session, now=clock.now()):
            return False
    with transaction() as session:
        return count_step(session, now=clock.now())


def _tidy() -> bool:
    with transaction() as session:
        return delete_outdated(session, now=clock.now()) + purge_posts(session, now=clock.now()) > 0
