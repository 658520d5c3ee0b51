"""Running the sender in tests, and reading what it left."""

import email
import email.policy
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from threading import Thread

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel.db import db, set_reading
from app.leads.models import Lead
from app.notifications.delivery import Sender
from app.notifications.models import Delivery, DeliveryState, Notification, NotificationKind
from app.notifications.operations import Mail, notify
from app.notifications.transports import SmtpTransport, Transport
from app.settings import MailTarget
from tests.notifications.smtp_server import SmtpServer

WAITING = (DeliveryState.DUE, DeliveryState.HELD, DeliveryState.SENDING)


def tell(session: Session, user: User, lead: Lead, act: str, now, **given) -> Delivery:  # type: ignore[no-untyped-def]
    """Tell the person that the lead was given to them; its delivery."""
    kind = given.pop("kind", NotificationKind.LEAD_ASSIGNED)
    notification = notify(session, act=act, user=user, kind=kind, now=now, record=lead, **given)
    return session.scalars(select(Delivery).where(Delivery.notification_id == notification.id)).one()


def smtp_sender(app: Flask, server: SmtpServer, **given: object) -> Sender:
    """A sender that hands its mail to the server, with hardly a wait after a refusal."""

    def make_transport() -> Transport:
        return SmtpTransport(MailTarget("smtp", "127.0.0.1", server.port, tls="none"), "canal.example")

    return Sender(app, make_transport, first_wait_seconds=0.05, **given)  # type: ignore[arg-type]


def run_sender(
    app: Flask, *senders: Sender, within: float = 20.0, until: Callable[[], bool] | None = None
) -> None:
    """Let the senders work until nothing waits any more (or `until` says so), then stop them.

    Each has a thread, as in a worker, and none of the test's own database session.
    """
    deadline = time.monotonic() + within
    errors: list[BaseException] = []

    def work(sender: Sender) -> None:
        try:
            while time.monotonic() < deadline and not (until or (lambda: _is_drained(app)))():
                with app.app_context():
                    if not sender.step():
                        time.sleep(0.02)
            with app.app_context():
                sender.stop()
        except BaseException as error:
            errors.append(error)

    threads = [Thread(target=work, args=(sender,)) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _is_drained(app: Flask) -> bool:
    with app.app_context():
        set_reading(True)
        waiting = select(func.count()).select_from(Delivery).where(Delivery.state.in_(WAITING))
        try:
            return not db.session.scalar(waiting)
        finally:
            db.session.rollback()


def read_anew(session: Session) -> None:
    """Forget what the session holds: others have written meanwhile."""
    session.rollback()
    session.expire_all()


def states(session: Session) -> dict[str, int]:
    """How many deliveries there are in each state, read anew."""
    read_anew(session)
    rows = session.execute(select(Delivery.state, func.count()).group_by(Delivery.state)).all()
    session.rollback()  # on SQLite nobody else could write until this is asked again
    return {state.value: count for state, count in rows}


def mails_in(folder: Path) -> list[EmailMessage]:
    """The messages of a mail folder, in the order of their names."""
    files = sorted(folder.glob("*.eml"))
    return [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]  # type: ignore[misc]


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def html_of(message: EmailMessage) -> str:
    body = message.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def notification_of(session: Session, delivery: Delivery) -> Notification:
    return session.get_one(Notification, delivery.notification_id)


SUPPRESSED = Mail.SUPPRESSED
