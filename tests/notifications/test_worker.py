"""The worker as a process: killed in mid-send, stopped, several at once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from threading import Event, Thread

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel import clock
from app.notifications.delivery import PLACES
from app.notifications.models import Delivery
from app.settings import ROOT
from app.worker import Job, run_jobs
from tests.factories import make_lead, rows
from tests.notifications.mailing import mails_in, read_anew, states, tell
from tests.notifications.smtp_server import SmtpServer
from tests.worlds import SECRET

StartWorker = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start_worker(app: Flask, tmp_path: Path) -> Iterator[StartWorker]:
    """`start_worker(mail_url)`: a worker process on the test's database."""
    running: list[subprocess.Popen[bytes]] = []

    def start(mail_url: str = "file:") -> subprocess.Popen[bytes]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("CANAL_")}
        env |= {
            "CANAL_DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"],
            "CANAL_DATA": str(tmp_path),
            "CANAL_MAIL_URL": mail_url,
            "CANAL_MAIL_RETRY_SECONDS": "1",
            "CANAL_SECRET_KEY": SECRET,
        }
        command = [sys.executable, "-m", "flask", "--app", "app", "worker"]
        log = (tmp_path / f"worker{len(running)}.log").open("wb")
        with log:
            process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], bool], within: float = 90.0) -> None:
    give_up = time.monotonic() + within
    while not condition():
        assert time.monotonic() < give_up, "it did not happen in time"
        time.sleep(0.05)


def end(process: "subprocess.Popen[bytes]") -> int:
    process.terminate()
    return process.wait(60)


@pytest.mark.databases("sqlite")
def test_it_sends_into_the_folder_and_ends_in_order(
    session: Session, pia: User, now: datetime, start_worker: StartWorker, tmp_path: Path
) -> None:
    delivery = tell(session, pia, make_lead(session, owner=pia), "test:1", now)
    session.commit()
    worker = start_worker()
    wait_for(lambda: states(session) == {"sent": 1})
    assert end(worker) == 0
    (message,) = mails_in(tmp_path / "mail")
    assert message["Message-ID"].startswith(f"<{delivery.ref}@")
    assert [file.name for file in (tmp_path / "mail").iterdir()] == [f"{delivery.ref}.eml"]
    assert (tmp_path / "mail" / f"{delivery.ref}.eml").stat().st_mode & 0o777 == 0o600


@pytest.mark.databases("sqlite")
def test_asked_again_and_again_to_end_it_ends(
    session: Session, pia: User, now: datetime, start_worker: StartWorker
) -> None:
    tell(session, pia, make_lead(session, owner=pia), "test:1", now)
    session.commit()
    worker = start_worker()
    wait_for(lambda: states(session) == {"sent": 1})
    for _ in range(2000):  # a signal may come while the one before is being taken
        worker.send_signal(signal.SIGTERM)
        worker.send_signal(signal.SIGINT)
    assert worker.wait(60) == 0


@pytest.mark.databases("sqlite")
def test_killed_in_mid_send_another_takes_over_under_the_same_id(
    session: Session, pia: User, now: datetime, smtp: SmtpServer, start_worker: StartWorker
) -> None:
    take_over(session, pia, now, smtp, start_worker, "answer")


@pytest.mark.long
@pytest.mark.parametrize("stage", ["rcpt", "content", "answer"])
def test_killed_at_any_stage_another_takes_over(
    session: Session, pia: User, now: datetime, smtp: SmtpServer, start_worker: StartWorker, stage: str
) -> None:
    take_over(session, pia, now, smtp, start_worker, stage)


def take_over(
    session: Session, pia: User, now: datetime, smtp: SmtpServer, start_worker: StartWorker, stage: str
) -> None:
    """A worker is killed at that stage of sending; another sends it under the same id."""
    delivery = tell(session, pia, make_lead(session, owner=pia), "test:1", now)
    session.commit()
    smtp.break_at(stage, pia.email, stall=6, times=1)
    url = f"smtp://127.0.0.1:{smtp.port}?tls=none"
    first = start_worker(url)
    wait_for(lambda: smtp.faults[stage, pia.email].times == 0)
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = start_worker(url)
    wait_for(lambda: states(session) == {"sent": 1})
    assert end(second) == 0
    # A server that had the whole message when its sender died has kept it: that one copy cannot be helped.
    copies = len(smtp.to(pia.email))
    assert copies <= (1 if stage == "rcpt" else 2)
    assert set(smtp.ids_by_recipient()[pia.email]) == {f"<{delivery.ref}@127.0.0.1>"}
    read_anew(session)
    assert delivery.attempts == 2


@pytest.mark.databases("sqlite")
def test_terminated_in_mid_send_it_finishes_what_it_began(
    session: Session, pia: User, now: datetime, smtp: SmtpServer, start_worker: StartWorker
) -> None:
    tell(session, pia, make_lead(session, owner=pia), "test:1", now)
    session.commit()
    smtp.break_at("content", pia.email, stall=1.5, times=1)
    worker = start_worker(f"smtp://127.0.0.1:{smtp.port}?tls=none")
    wait_for(lambda: smtp.faults["content", pia.email].times == 0)
    assert end(worker) == 0
    assert states(session) == {"sent": 1}
    assert len(smtp.received) == 1


@pytest.mark.long
@pytest.mark.databases("postgresql")
def test_three_at_once_send_everything_once(
    session: Session, pia: User, pam: User, now: datetime, smtp: SmtpServer, start_worker: StartWorker
) -> None:
    told = [
        tell(session, user, make_lead(session, owner=user), f"test:{n}", now)
        for n in range(30)
        for user in (pia, pam)
    ]
    session.commit()
    url = f"smtp://127.0.0.1:{smtp.port}?tls=none"
    workers = [start_worker(url) for _ in range(3)]
    wait_for(lambda: states(session) == {"sent": 60})
    assert [end(worker) for worker in workers] == [0, 0, 0]
    assert sorted(r.message_id for r in smtp.received) == sorted(f"<{d.ref}@127.0.0.1>" for d in told)


def kill_in_a_row(
    session: Session, pia: User, smtp: SmtpServer, start_worker: StartWorker, kills: int
) -> None:
    """Workers killed while they work lose nothing, and leave at most one copy for each kill."""
    number = kills * 40
    told = [
        tell(session, pia, make_lead(session, owner=pia), f"test:{n}", clock.now()) for n in range(number)
    ]
    session.commit()
    url = f"smtp://127.0.0.1:{smtp.port}?tls=none"
    for _ in range(kills):
        enough = min(len(smtp.received) + 8, number)
        worker = start_worker(url)
        wait_for(lambda enough=enough: len(smtp.received) >= enough)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    last = start_worker(url)
    wait_for(lambda: states(session) == {"sent": number}, within=90 + number / 10)
    end(last)
    ids = [received.message_id for received in smtp.received]
    assert set(ids) == {f"<{delivery.ref}@127.0.0.1>" for delivery in told}
    assert all(not delivery.lease for delivery in rows(session, Delivery))
    return len(ids) - len(set(ids))


@pytest.mark.long
@pytest.mark.databases("sqlite")
def test_kills_in_a_row_lose_nothing(
    session: Session, pia: User, smtp: SmtpServer, start_worker: StartWorker
) -> None:
    # One copy for a kill, see `test_one_at_a_time`, unless the machine is too busy for the gate.
    assert kill_in_a_row(session, pia, smtp, start_worker, kills=2) <= 2 * PLACES


@pytest.mark.long
def test_fifty_kills_lose_nothing(
    session: Session, pia: User, smtp: SmtpServer, start_worker: StartWorker
) -> None:
    assert kill_in_a_row(session, pia, smtp, start_worker, kills=50) <= 50


@pytest.mark.long
def test_a_backlog_of_a_thousand_is_drained_within_a_minute(
    session: Session, pia: User, now: datetime, smtp: SmtpServer, start_worker: StartWorker
) -> None:
    for number in range(1000):
        tell(session, pia, make_lead(session, owner=pia), f"test:{number}", now)
    session.commit()
    worker = start_worker(f"smtp://127.0.0.1:{smtp.port}?tls=none")
    wait_for(lambda: states(session) == {"sent": 1000}, within=60)
    assert end(worker) == 0
    assert len(smtp.received) == 1000


def test_a_job_that_fails_ends_no_other(app: Flask) -> None:
    stop, steps = Event(), {"good": 0, "bad": 0}

    def good() -> bool:
        steps["good"] += 1
        if steps["good"] >= 5 and steps["bad"] >= 2:
            stop.set()
        return False

    def bad() -> bool:
        steps["bad"] += 1
        raise ZeroDivisionError

    closed: list[str] = []
    jobs = (
        Job("good", good, 0.01, 0.01, close=lambda: closed.append("good")),
        Job("bad", bad, 0.01, 0.01, close=lambda: closed.append("bad")),
    )
    thread = Thread(target=run_jobs, args=(app, jobs, stop))
    thread.start()
    thread.join(20)
    stop.set()
    assert not thread.is_alive()
    assert steps["bad"] >= 2
    assert sorted(closed) == ["bad", "good"]
