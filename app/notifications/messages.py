"""A delivery as an e-mail: written when it is sent, in the recipient's language, as plain text and HTML.

The words of a kind are the blocks of `templates/mail/<kind>.txt`, or for subject and body the organisation's
own (`texts.wording`); both layouts are filled from them, so that the two parts of a mail cannot say different
things.  Heading, facts, button and footer are always Canal's.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from flask import current_app, g
from flask_babel import force_locale, ngettext
from sqlalchemy.orm import Session

from app.identity.models import Organisation, User
from app.identity.queries import get_organisation
from app.notifications import activity_letters, digest_letter, letters, people_letters
from app.notifications.envelope import Envelope, Letter
from app.notifications.models import Delivery, Notification
from app.notifications.models import NotificationKind as Kind
from app.notifications.outcomes import Outcome
from app.notifications.plain import one_line, with_ascii_domain
from app.notifications.preferences import CHOOSABLE
from app.notifications.texts import trying
from app.notifications.texts.language import LONGEST_SUBJECT
from app.notifications.texts.wording import OwnText, OwnWords, find_own_text, say
from app.settings import current_settings
from app.subscriptions import letter as report_letter

if TYPE_CHECKING:
    from css_inline import CSSInliner

log = structlog.get_logger("canal.mail")

CHOICES_PATH = "/profile#mail"
# News: they follow a person to a new address, and say where to choose what is mailed.
_NEWS = frozenset({*CHOOSABLE, Kind.DAILY_DIGEST, Kind.REPORT_MAIL})
_WRITERS: Mapping[Kind, Callable[[Envelope], Letter]] = {
    **letters.WRITERS,
    **people_letters.WRITERS,
    **activity_letters.WRITERS,
    Kind.DAILY_DIGEST: digest_letter.write,
    Kind.REPORT_MAIL: report_letter.write,
}


@dataclass(frozen=True, slots=True)
class Mail:
    """A message as it goes over the wire, with the addresses of its envelope.

    name: the delivery's public one.  text_id, note, told: for `outbox.record_sent`.
    """

    name: str
    content: bytes
    sender: str
    recipient: str
    text_id: int | None = None
    note: str | None = None
    told: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """What a letter says.  text_id: of the organisation's own text that says it, if one does.

    note: see `outcomes`, where its own text could not be used.
    """

    subject: str
    heading: str
    paragraphs: Sequence[str]
    button: str
    why: str
    text_id: int | None = None
    note: str | None = None


def write_mail(session: Session, delivery_id: int, *, now: datetime) -> Mail:
    """The e-mail of a delivery as it stands now.  Reads only.

    Raises Withheld when it must not be sent to this person any more.
    """
    delivery = session.get_one(Delivery, delivery_id)
    notification = session.get_one(Notification, delivery.notification_id)
    user = session.get_one(User, notification.user_id)
    organisation = get_organisation(session)
    settings = current_settings()
    trial = trying.find_trial(notification)
    language = trial.language if trial else user.language
    with read_in(language, organisation):
        envelope = Envelope(session, delivery, notification, user, organisation, settings.base_url, now)
        own: OwnText | None
        if trial:
            letter, own = trying.write(envelope, trial)
        else:
            letter = write_letter(envelope)
            own = find_own_text(session, delivery.template_id, letter.kind.value, language)
        words = word(letter, envelope, own)
        if trial:
            words = replace(words, why=trying.why())
        text, html = _lay_out(words, letter, envelope, language)
    sender, recipient = parseaddr(settings.mail_from)[1], _address(delivery, notification, user)
    local, _at, domain = with_ascii_domain(recipient).rpartition("@")
    policy = SMTP if (sender + local).isascii() else SMTPUTF8
    message = EmailMessage(policy)
    message["From"] = settings.mail_from
    message["To"] = Address(one_line(user.name), local, domain)
    message["Subject"] = words.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id(delivery, settings.base_url)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = language  # content headers given earlier would go into the parts
    if words.subject.isascii() and user.name.isascii():
        policy = policy.clone(max_line_length=998)  # the library folds right behind "Subject:" otherwise
    content = message.as_bytes(policy=policy)
    return Mail(delivery.ref, content, sender, recipient, words.text_id, words.note, letter.told)


def write_letter(envelope: Envelope) -> Letter:
    """What is to be said now.  Raises Withheld when it must not be said to this person any more."""
    return _WRITERS[envelope.notification.kind](envelope)


def message_id(delivery: Delivery, base_url: str) -> str:
    """The same for ever, so that a copy sent after a crash is recognised as one."""
    return f"<{delivery.ref}@{urlsplit(base_url).hostname}>"


def _address(delivery: Delivery, notification: Notification, user: User) -> str:
    """Where it goes: news follow the person to a new address, what concerns an address goes to that one."""
    return user.email if notification.kind in _NEWS else delivery.recipient


@contextmanager
def read_in(language: str, organisation: Organisation) -> Iterator[None]:
    """A language, and the organisation's names of things."""
    g.organisation = organisation
    with force_locale(language):
        yield


def word(letter: Letter, envelope: Envelope, own: OwnText | None) -> Words:
    """What the letter says, in the language at hand: in the organisation's own words as far as they go.

    A text that cannot be used is logged and noted, and the built-in one said instead: no mail is lost by it.
    """
    template = current_app.jinja_env.get_template(f"mail/{letter.kind.value}.txt")
    vendor, name = one_line(envelope.organisation.name), one_line(envelope.user.name)
    context = template.new_context({"vendor": vendor, "name": name, **letter.words})

    def block(name: str) -> str:
        return "".join(template.blocks[name](context)).strip()

    paragraphs = [" ".join(part.split()) for part in block("body").split("\n\n") if part.strip()]
    subject = one_line(block("subject"), LONGEST_SUBJECT)
    words = Words(subject, block("heading"), paragraphs, block("button"), block("why"))
    if own is None or letter.is_overtaken:
        return words
    try:
        said = say(own, letter, envelope)
    except Exception as problem:  # whatever it is, the mail goes out
        log.warning("an own mail text cannot be used", text=own.id, kind=own.kind, problem=repr(problem))
        return replace(words, note=Outcome.TEXT_UNUSABLE.value)
    return _in_own(words, said, own)


def _in_own(words: Words, said: OwnWords, own: OwnText) -> Words:
    """Subject and body as the organisation says them, each where it has anything to say to this reader."""
    if not said.subject and not said.paragraphs:
        return words
    return replace(
        words,
        subject=said.subject or words.subject,
        paragraphs=said.paragraphs or words.paragraphs,
        text_id=own.id,
    )


def _lay_out(words: Words, letter: Letter, envelope: Envelope, language: str) -> tuple[str, str]:
    """Plain text and HTML."""
    values = {
        "subject": words.subject,
        "heading": words.heading,
        "paragraphs": words.paragraphs,
        "preheader": words.paragraphs[0],
        "button": words.button,
        "why": words.why,
        "url": letter.url,
        "facts": letter.facts,
        "items": letter.items,
        "more": letter.more,
        "more_text": ngettext("and %(num)s more", "and %(num)s more", letter.more) if letter.more else "",
        "choices_url": letter.choices_url or (envelope.link(CHOICES_PATH) if letter.kind in _NEWS else ""),
        "vendor": one_line(envelope.organisation.name),
        "language": language,
    }
    env = current_app.jinja_env
    text = env.get_template("mail/layout.txt").render(values)
    html = _inliner().inline(env.get_template("mail/layout.html").render(values))
    return text, html


@cache
def _inliner() -> "CSSInliner":
    from css_inline import CSSInliner  # for those who write mails, which the web process hardly does

    css = current_app.jinja_env.get_template("mail/mail.css").render()
    return CSSInliner(extra_css=css, load_remote_stylesheets=False, inline_style_tags=False)
