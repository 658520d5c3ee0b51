"""Sends what the outbox holds: leases a few deliveries, hands each to a transport, records what became of it.

No transaction is open while a message is handed over.  Several are sent side by side, so that a slow
recipient delays nobody else for long; those that were refused before never take all the places.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from threading import Event, Lock
from urllib.parse import urlsplit

import structlog
from flask import Flask
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.db import reading, transaction
from app.kernel.holders import holder_is_gone
from app.notifications import outbox
from app.notifications.messages import Mail, write_mail
from app.notifications.outbox import Lease
from app.notifications.outcomes import Outcome, Withheld
from app.notifications.transports import FolderTransport, NotTaken, SmtpTransport, Transport
from app.settings import Settings

log = structlog.get_logger("canal.delivery")

PLACES = 6
PLACES_FOR_RETRIES = 2
RENEW_EVERY_SECONDS = 6.0
LOOK_FOR_ABANDONED_EVERY_SECONDS = 2.0
# A worker that lives renews its lease many times within this.
ABANDONED_AFTER_SECONDS = 30.0
LONGEST_SEND_SECONDS = 240.0
IDLE_CONNECTION_SECONDS = 5.0
WAIT_SECONDS = 0.25
GATE_SECONDS = 1.0
RECORD_WITHIN_SECONDS = 600.0
RECORD_WITHIN_SECONDS_WHEN_STOPPING = 10.0


@dataclass(slots=True)
class _Sending:
    """One delivery at work.  began_at: of the monotonic clock, as all times here."""

    lease: Lease
    began_at: float
    transport: Transport | None = None


@dataclass(slots=True)
class _Idle:
    transport: Transport
    since: float


@dataclass(slots=True)
class Sender:
    """The delivering part of one worker process.  `step` is called again and again, by one thread."""

    app: Flask
    make_transport: Callable[[], Transport]
    first_wait_seconds: float
    places: int = PLACES
    abandoned_after_seconds: float = ABANDONED_AFTER_SECONDS
    sent: int = 0
    _pool: ThreadPoolExecutor = field(init=False)
    _at_work: dict[Future[None], _Sending] = field(default_factory=dict)
    _idle: list[_Idle] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)
    _gate: Lock = field(default_factory=Lock)
    _stopping: Event = field(default_factory=Event)
    _seen: dict[int, tuple[tuple[str, datetime], float]] = field(default_factory=dict)
    _renewed_at: float = 0.0
    _looked_at: float = 0.0

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.places, thread_name_prefix="delivery")

    def step(self) -> bool:
        """Start what is due and look after what is at work; whether there was anything to do."""
        self._reap()
        self._renew()
        self._release_abandoned()
        started = self._start()
        if self._at_work:
            wait(self._at_work, timeout=WAIT_SECONDS, return_when=FIRST_COMPLETED)
            return True
        self._close_idle(IDLE_CONNECTION_SECONDS)
        return started

    def stop(self) -> None:
        """Let the messages at work come to their end, then let go of everything."""
        self._stopping.set()
        while self._at_work:
            wait(self._at_work, timeout=1.0, return_when=FIRST_COMPLETED)
            self._reap()
            self._renew()
        self._pool.shutdown()
        self._close_idle(0)

    # What the leading thread does

    def _start(self) -> bool:
        free = self.places - len(self._at_work)
        retries = sum(sending.lease.attempts > 1 for sending in self._at_work.values())
        leases: list[Lease] = []
        if free and not self._stopping.is_set():
            room = min(free, PLACES_FOR_RETRIES - retries)
            if room > 0:
                leases = self._lease(room)
            if free > len(leases):
                leases += self._lease(free - len(leases), first_tries_only=True)
        for lease in leases:
            sending = _Sending(lease, time.monotonic())
            self._at_work[self._pool.submit(self._deliver, sending)] = sending
        return bool(leases)

    def _lease(self, limit: int, *, first_tries_only: bool = False) -> list[Lease]:
        now = clock.now()
        with reading() as session:
            if not outbox.is_any_due(session, now=now, first_tries_only=first_tries_only):
                return []
        with transaction() as session:
            return outbox.lease_due(session, now=now, limit=limit, first_tries_only=first_tries_only)

    def _renew(self) -> None:
        if not self._at_work or time.monotonic() - self._renewed_at < RENEW_EVERY_SECONDS:
            return
        self._renewed_at = time.monotonic()
        with transaction() as session:
            outbox.renew(session, [sending.lease for sending in self._at_work.values()], now=clock.now())
        for sending in self._at_work.values():
            if time.monotonic() - sending.began_at > LONGEST_SEND_SECONDS and sending.transport is not None:
                sending.transport.abort()

    def _release_abandoned(self) -> None:
        """Take over from workers that have died: their leases have stopped changing."""
        now = time.monotonic()
        if now - self._looked_at < min(LOOK_FOR_ABANDONED_EVERY_SECONDS, self.abandoned_after_seconds / 2):
            return
        self._looked_at = now
        own = [sending.lease.delivery_id for sending in self._at_work.values()]
        with reading() as session:
            present = outbox.leases_of_others(session, own)
        before = self._seen
        self._seen = {
            key: before[key] if key in before and before[key][0] == lease else (lease, now)
            for key, lease in present.items()
        }
        abandoned = {
            key: lease
            for key, (lease, since) in self._seen.items()
            if now - since >= self.abandoned_after_seconds or holder_is_gone(lease[0])
        }
        if abandoned:
            with transaction() as session:
                count = outbox.release_abandoned(session, abandoned, now=clock.now())
            log.warning("took over from a worker that stopped", deliveries=count)

    def _reap(self) -> None:
        for future in [f for f in self._at_work if f.done()]:
            sending = self._at_work.pop(future)
            error = future.exception()
            if error is not None:
                # The lease is renewed no more, so that the delivery is taken up again.
                log.error("delivery broke", delivery=sending.lease.delivery_id, exc_info=error)

    def _close_idle(self, after_seconds: float) -> None:
        now = time.monotonic()
        with self._lock:
            old = [idle for idle in self._idle if now - idle.since >= after_seconds]
            self._idle = [idle for idle in self._idle if idle not in old]
        for idle in old:
            idle.transport.close()

    # What happens to one delivery, in a thread of the pool

    def _deliver(self, sending: _Sending) -> None:
        with self.app.app_context():
            lease = sending.lease
            try:
                with reading() as session:
                    mail = write_mail(session, lease.delivery_id, now=clock.now())
            except Withheld as withheld:
                self._record(partial(outbox.record_withheld, lease=lease, reason=withheld.outcome.value))
                return
            except DBAPIError:
                raise  # the database's trouble, not this delivery's: it is taken up again
            except Exception:
                log.exception("a mail could not be written", delivery=lease.delivery_id)
                self._record(partial(outbox.record_failed, lease=lease, reason=Outcome.UNWRITABLE.value))
                return
            self._hand_over(sending, mail)

    def _hand_over(self, sending: _Sending, mail: Mail) -> None:
        lease = sending.lease
        sending.transport = transport = self._take_transport()
        try:
            _as_refusal(mail, lambda: transport.announce(mail.sender, mail.recipient))
            with self._gate_held():
                _as_refusal(mail, lambda: transport.hand_over(mail.content, mail.name))
                at = clock.now()
                self._record(
                    partial(
                        outbox.record_sent,
                        lease=lease,
                        recipient=mail.recipient,
                        now=at,
                        text_id=mail.text_id,
                        note=mail.note,
                        told=mail.told,
                    )
                )
            self.sent += 1
        except NotTaken as refusal:
            log.warning("mail refused", delivery=mail.name, reason=refusal.reason, attempt=lease.attempts)
            refused = partial(
                outbox.record_refused,
                lease=lease,
                reason=refusal.reason,
                is_final=refusal.is_final,
                first_wait_seconds=self.first_wait_seconds,
            )
            self._record(lambda session: refused(session, now=clock.now()))
        finally:
            sending.transport = None
            with self._lock:
                self._idle.append(_Idle(transport, time.monotonic()))

    @contextmanager
    def _gate_held(self) -> Iterator[None]:
        """From handing a message over until that is written down: one at a time, while the server is quick.

        Whoever is killed in between leaves a message that is sent again; so there is at most one of them.
        """
        is_held = self._gate.acquire(timeout=GATE_SECONDS)
        try:
            yield
        finally:
            if is_held:
                self._gate.release()

    def _take_transport(self) -> Transport:
        with self._lock:
            if self._idle:
                return self._idle.pop().transport
        return self.make_transport()

    def _record(self, change: Callable[[Session], bool]) -> None:
        """Write down what became of a delivery, however long the database is away: else it goes out twice."""
        began = time.monotonic()
        while True:
            try:
                with transaction() as session:
                    if not change(session):
                        log.warning("a delivery was taken over meanwhile")
                return
            except DBAPIError:
                limit = (
                    RECORD_WITHIN_SECONDS_WHEN_STOPPING if self._stopping.is_set() else RECORD_WITHIN_SECONDS
                )
                if time.monotonic() - began > limit:
                    raise
                log.warning("the database does not answer; what was sent is written down later")
                time.sleep(0.5)


def make_sender(app: Flask, settings: Settings) -> Sender:
    """The sender for these settings."""
    target = settings.mail

    def make_transport() -> Transport:
        if target.kind == "file":
            return FolderTransport(settings.data / "mail")
        return SmtpTransport(target, urlsplit(settings.base_url).hostname or "localhost")

    return Sender(app, make_transport, settings.mail_retry_seconds)


def _as_refusal(mail: Mail, act: Callable[[], None]) -> None:
    """Whatever goes wrong in a transport is a refusal.  Raises NotTaken."""
    try:
        act()
    except NotTaken:
        raise
    except Exception as error:
        log.exception("a transport broke", delivery=mail.name)
        raise NotTaken(f"The mail could not be handed over: {type(error).__name__}") from error
