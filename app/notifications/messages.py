"""A delivery as an e-mail: written when it is sent, in the recipient's language, as plain text and HTML.

The words of a kind are the blocks of `templates/mail/<kind>.txt`; both layouts are filled from them,
so that the two parts of a mail cannot say different things.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from css_inline import CSSInliner
from flask import current_app, g
from flask_babel import force_locale, ngettext
from sqlalchemy.orm import Session

from app.identity.models import User
from app.identity.queries import get_organisation
from app.notifications.letters import Envelope, Letter, write_letter
from app.notifications.models import Delivery, Notification
from app.notifications.plain import one_line, with_ascii_domain
from app.notifications.preferences import CHOOSABLE
from app.settings import current_settings

LONGEST_SUBJECT = 150
CHOICES_PATH = "/profile#mail"


@dataclass(frozen=True, slots=True)
class Mail:
    """A message as it goes over the wire, with the addresses of its envelope.  name: the delivery's public one."""

    name: str
    content: bytes
    sender: str
    recipient: str


def write_mail(session: Session, delivery_id: int, *, now: datetime) -> Mail:
    """The e-mail of a delivery as it stands now.  Reads only.

    Raises Withheld when it must not be sent to this person any more.
    """
    delivery = session.get_one(Delivery, delivery_id)
    notification = session.get_one(Notification, delivery.notification_id)
    user = session.get_one(User, notification.user_id)
    organisation = get_organisation(session)
    settings = current_settings()
    with _as_read_by(user, organisation):
        envelope = Envelope(session, delivery, notification, user, organisation, settings.base_url, now)
        letter = write_letter(envelope)
        subject, text, html = _word(letter, envelope)
    sender, recipient = parseaddr(settings.mail_from)[1], _address(delivery, notification, user)
    local, _at, domain = with_ascii_domain(recipient).rpartition("@")
    policy = SMTP if (sender + local).isascii() else SMTPUTF8
    message = EmailMessage(policy)
    message["From"] = settings.mail_from
    message["To"] = Address(one_line(user.name), local, domain)
    message["Subject"] = subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id(delivery, settings.base_url)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = user.language  # content headers given earlier would go into the parts
    if subject.isascii() and user.name.isascii():
        policy = policy.clone(max_line_length=998)  # the library folds right behind "Subject:" otherwise
    return Mail(delivery.ref, message.as_bytes(policy=policy), sender, recipient)


def message_id(delivery: Delivery, base_url: str) -> str:
    """The same for ever, so that a copy sent after a crash is recognised as one."""
    return f"<{delivery.ref}@{urlsplit(base_url).hostname}>"


def _address(delivery: Delivery, notification: Notification, user: User) -> str:
    """Where it goes: news follow the person to a new address, what concerns an address goes to that one."""
    return user.email if notification.kind in CHOOSABLE else delivery.recipient


@contextmanager
def _as_read_by(user: User, organisation: Any) -> Iterator[None]:
    """The recipient's language, and the organisation's names of things."""
    g.organisation = organisation
    with force_locale(user.language):
        yield


def _word(letter: Letter, envelope: Envelope) -> tuple[str, str, str]:
    """Subject, plain text and HTML."""
    vendor = one_line(envelope.organisation.name)
    template = current_app.jinja_env.get_template(f"mail/{letter.kind.value}.txt")
    words = {"vendor": vendor, "name": one_line(envelope.user.name), **letter.words}
    context = template.new_context(words)

    def block(name: str) -> str:
        return "".join(template.blocks[name](context)).strip()

    subject = one_line(block("subject"), LONGEST_SUBJECT)
    paragraphs = [" ".join(part.split()) for part in block("body").split("\n\n") if part.strip()]
    values = {
        "subject": subject,
        "heading": block("heading"),
        "paragraphs": paragraphs,
        "preheader": paragraphs[0],
        "button": block("button"),
        "why": block("why"),
        "url": letter.url,
        "facts": letter.facts,
        "items": letter.items,
        "more": letter.more,
        "more_text": ngettext("and %(num)s more", "and %(num)s more", letter.more) if letter.more else "",
        "choices_url": envelope.link(CHOICES_PATH) if letter.kind in CHOOSABLE else "",
        "vendor": vendor,
        "language": envelope.user.language,
    }
    env = current_app.jinja_env
    text = env.get_template("mail/layout.txt").render(values)
    html = _inliner().inline(env.get_template("mail/layout.html").render(values))
    return subject, text, html


@cache
def _inliner() -> CSSInliner:
    css = current_app.jinja_env.get_template("mail/mail.css").render()
    return CSSInliner(extra_css=css, load_remote_stylesheets=False, inline_style_tags=False)
