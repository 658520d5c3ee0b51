"""`flask worker`: does what was left for later until it is stopped.  Any number may run side by side.

Each job has a thread of its own, so that a long import or a slow mail server keeps nothing else
waiting.  A job that fails is logged and tried again; it never ends the others.
"""

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event, Thread

import click
import structlog
from flask import Flask, current_app
from flask.cli import with_appcontext

from app.settings import current_settings
from app.starting import share_freed_memory
from app.supervisor import STOPPING
from app.web.logs import configure_logs

log = structlog.get_logger("canal.worker")

# How long a job rests that found nothing, and how long at most after it found nothing again and again.
IDLE_SECONDS, LONGEST_IDLE_SECONDS = 0.5, 2.0
HEARTBEAT_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Job:
    """Something done again and again.

    step: one piece of it in transactions of its own; true when there may be more to do at once.
    idle_seconds: the rest after a step that found nothing; each further one doubles it, up to longest_idle_seconds.  close: called once, after the last step.
    """

    name: str
    step: Callable[[], bool]
    idle_seconds: float = IDLE_SECONDS
    longest_idle_seconds: float = LONGEST_IDLE_SECONDS
    close: Callable[[], None] | None = None


def run_jobs(app: Flask, jobs: Sequence[Job], stop: Event) -> None:
    """Run the jobs side by side until `stop` is set and each has finished what it was doing."""
    threads = [
        Thread(target=_run_job, args=(app, job, stop), name=f"job-{job.name}", daemon=True) for job in jobs
    ]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    while not stop.wait(HEARTBEAT_SECONDS):
        alive = [thread.name.removeprefix("job-") for thread in threads if thread.is_alive()]
        log.info("worker at work", jobs=alive, minutes=round((time.monotonic() - began) / 60))
    for thread in threads:
        thread.join()


def _run_job(app: Flask, job: Job, stop: Event) -> None:
    failures, idle = 0, job.idle_seconds
    while not stop.is_set():
        try:
            with app.app_context():  # with a database session of its own, which ends with it
                is_busy = job.step()
            failures = 0
        except Exception:
            failures += 1
            log.exception("job failed", job=job.name, times=failures)
            stop.wait(min(2.0 ** (failures - 1), LONGEST_PAUSE_SECONDS))
            continue
        if is_busy:
            idle = job.idle_seconds
            continue
        stop.wait(idle)
        idle = max(job.idle_seconds, min(2 * idle, job.longest_idle_seconds))
    if job.close is not None:
        with app.app_context():
            job.close()


def _stop_by_signal() -> Event:
    """An event that is set when the process is asked to stop, however often.  Call it before threads start.

    A thread waits for the signals, for a handler must not set an event: it may run while this very thread
    is inside that event's lock, and would wait for itself.
    """
    stop = Event()
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)

    def wait() -> None:
        signal.sigwait(STOPPING)
        stop.set()

    Thread(target=wait, name="signals", daemon=True).start()
    return stop


@click.command("worker")
@with_appcontext
def worker_command() -> None:
    """Send mail, let offers lapse, run imports and tidy up, until stopped."""
    from app.jobs import make_jobs  # what the jobs need is loaded by the worker alone

    settings = current_settings()
    configure_logs(settings.log_level, "stdout")
    share_freed_memory()
    stop = _stop_by_signal()
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined] # noqa: SLF001 - werkzeug's documented way
    log.info("worker began")
    run_jobs(app, make_jobs(app, settings, stop), stop)
    log.info("worker ended")
