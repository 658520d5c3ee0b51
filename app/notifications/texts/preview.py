"""What a mail text says to each sort of reader, as the editor shows it beside the text."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.identity.models import User
from app.identity.queries import get_organisation
from app.kernel.actor import Actor, Permission
from app.kernel.errors import Invalid
from app.notifications.envelope import Letter
from app.notifications.messages import Words, read_in, word
from app.notifications.texts.builtin import builtin_text
from app.notifications.texts.kinds import placeholders
from app.notifications.texts.language import clean_texts
from app.notifications.texts.trying import (
    READER_WORDS,
    READERS,
    Reader,
    needs_lead,
    read_sample,
    sample_letter,
    stand_in,
)
from app.notifications.texts.wording import OwnText, values_of
from app.settings import current_settings


@dataclass(frozen=True, slots=True)
class Preview:
    """The mail for one sort of reader.  examples: what each placeholder says to them."""

    reader: Reader
    title: Any
    words: Words
    letter: Letter
    examples: dict[str, str]


@dataclass(frozen=True, slots=True)
class Previews:
    """All of them, none where there is no lead to try it on; or what is wrong with the text."""

    shown: Sequence[Preview] = ()
    faults: Sequence[Any] = ()


def preview_text(
    session: Session, actor: Actor, kind: str, language: str, *, subject: object, body: object, lead: str,
    now: datetime,
) -> Previews:  # fmt: skip
    """The text as typed, about that lead, to each sort of reader.  Reads only.  Raises NotAllowed."""
    actor.require(Permission.SETTING_MANAGE)
    try:
        texts = clean_texts(subject, body, placeholders(kind))
    except Invalid as error:
        return Previews(faults=[message for messages in error.errors.values() for message in messages])
    organisation = get_organisation(session)
    envelope = stand_in(
        session, session.get_one(User, actor.user_id), organisation, current_settings().base_url, now
    )
    own = OwnText(None, kind, *texts)
    found = []
    for reader in READERS[kind]:
        with read_in(language, organisation):
            row = read_sample(session, actor, organisation, lead, reader)
            if row is None and needs_lead(kind):
                continue
            letter = sample_letter(envelope, kind, reader, row)
            words, examples = word(letter, envelope, own), values_of(letter, envelope, kind)
        found.append(Preview(reader, READER_WORDS[reader], words, letter, examples))
    return Previews(found)


def text_to_begin_from(session: Session, kind: str, language: str) -> tuple[str, str]:
    """The built-in subject and body in the language, with placeholders."""
    with read_in(language, get_organisation(session)):
        return builtin_text(kind)
