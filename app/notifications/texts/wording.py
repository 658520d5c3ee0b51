"""The organisation's own words for a mail: which text counts, and what it says to one reader."""

from dataclasses import dataclass

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from app.notifications.envelope import Envelope, Letter
from app.notifications.models import MailTemplate, MailText
from app.notifications.plain import one_line
from app.notifications.texts.kinds import ASSIGNED, ASSIGNMENT, PLACEHOLDERS
from app.notifications.texts.language import LONGEST_SUBJECT, fill, fill_line


@dataclass(frozen=True, slots=True)
class OwnText:
    """A text as an administrator wrote it.  id: None for one that is not stored (yet)."""

    id: int | None
    kind: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class OwnWords:
    """What a text says to one reader; "" and () where it has nothing to say, and the built-in text does."""

    subject: str
    paragraphs: tuple[str, ...]


def find_own_text(session: Session, template_id: int | None, kind: str, language: str) -> OwnText | None:
    """The newest text in the language: of the template that was chosen, else of the kind; None for the built-in."""
    wanted = MailTemplate.key == kind
    if template_id is not None and kind in ASSIGNED:
        wanted = or_(wanted, and_(MailTemplate.id == template_id, MailTemplate.kind == ASSIGNMENT))
    newer = aliased(MailText)
    newest = (
        select(func.max(newer.number))
        .where(newer.template_id == MailText.template_id, newer.language == language)
        .correlate(MailText)
        .scalar_subquery()
    )
    row = session.execute(
        select(MailText.id, MailTemplate.kind, MailText.subject, MailText.body)
        .join(MailTemplate, MailTemplate.id == MailText.template_id)
        .where(wanted, MailText.language == language, MailText.number == newest)
        .where(MailText.subject.is_not(None), MailText.body.is_not(None))
        .order_by(case((MailTemplate.kind == ASSIGNMENT, 0), else_=1))
        .limit(1)
    ).first()
    if row is None or row.subject is None or row.body is None:
        return None
    return OwnText(row.id, row.kind, row.subject, row.body)


def values_of(letter: Letter, envelope: Envelope, kind: str) -> dict[str, str]:
    """Every placeholder of the kind with what it says to this reader: plain text, "" for nothing.

    It holds what the letter holds, which was read as its recipient may see it, and no record.
    """
    said = {
        "name": one_line(envelope.user.name),
        "vendor": one_line(envelope.organisation.name),
        **{name: value for name, (_label, value) in letter.fields.items()},
        **{name: one_line(value) for name, value in letter.words.items() if _is_plain(value)},
        "link": letter.url,
    }
    return {name: said.get(name, "") for name in PLACEHOLDERS[kind]}


def _is_plain(value: object) -> bool:
    """Text and counts are put in; nothing at all, and what only chooses between sentences, is not."""
    return isinstance(value, str | int) and not isinstance(value, bool) and value not in ("", 0)


def say(text: OwnText, letter: Letter, envelope: Envelope) -> OwnWords:
    """What the text says to this reader.  Raises CannotFill when it names what there is not (any more)."""
    values = values_of(letter, envelope, text.kind)
    subject = fill_line(text.subject, values) or ""
    return OwnWords(one_line(subject, LONGEST_SUBJECT) if subject else "", tuple(fill(text.body, values)))
