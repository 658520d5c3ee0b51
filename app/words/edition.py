"""The words in force: what an administrator called objects and fields, read once and kept until they change.

The organisation's row, which every request reads anyway, says by its `words_key` which edition is in force; an edition
is kept by that key, which is never used for two.  So they cost no statement, and every process follows at once.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import g
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.identity.models import Organisation
from app.kernel.db import aside, db
from app.words.nouns import STANDARD, Gender, Noun, standard_gender

_KEPT = 20
_UNREAD = object()


@dataclass(frozen=True, slots=True, eq=False)
class Edition:
    """names: language → object → noun.  fields: language → object → field → label.  Renamed ones alone.

    translations: by language, filled by `words.translations`.
    """

    key: str
    names: Mapping[str, Mapping[str, Noun]] = field(default_factory=dict)
    fields: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    translations: dict[str, Any] = field(default_factory=dict)


_editions: OrderedDict[str, Edition] = OrderedDict()


def in_force() -> Edition | None:
    """The edition of the organisation at hand; None where nothing is called otherwise, or no database answers."""
    # Asked for every word of a page, so without the proxy, by the way that Werkzeug documents.
    here = g._get_current_object().__dict__  # noqa: SLF001
    if "words_are_standard" in here:
        return None
    organisation: Organisation | None = here.get("organisation")
    try:
        if organisation is not None:
            if not organisation.words_key:
                return None
            return _edition(organisation.words_key, organisation.names, organisation.field_names)
        kept = here.get("words", _UNREAD)
        if kept is _UNREAD:
            kept = g.words = _read()
    except SQLAlchemyError:
        kept = g.words = None  # a page that says so is said in the standard words
    found: Edition | None = kept
    return found


@contextmanager
def standard_words() -> Iterator[None]:
    """Say everything as if nothing were called otherwise."""
    if "words_are_standard" in g:
        yield
        return
    g.words_are_standard = True
    try:
        yield
    finally:
        g.pop("words_are_standard")


def _read() -> Edition | None:
    """For whoever has no organisation at hand: workers, and pages for strangers."""
    statement = select(Organisation.words_key, Organisation.names, Organisation.field_names)
    session: Session = db.session()
    if session.in_transaction():
        with session.no_autoflush:
            row = session.execute(statement).one_or_none()
    else:
        with aside() as other:
            row = other.execute(statement).one_or_none()
    return None if row is None else _edition(*row)


def _edition(key: str, names: Mapping[str, Any], fields: Mapping[str, Any]) -> Edition | None:
    if not key:
        return None
    found = _editions.get(key)
    if found is None:
        found = _editions[key] = Edition(
            key,
            {language: nouns_of(language, known) for language, known in (names or {}).items()},
            fields or {},
        )
        while len(_editions) > _KEPT:
            _editions.popitem(last=False)
    return found


def nouns_of(language: str, known: Mapping[str, Any]) -> dict[str, Noun]:
    """The nouns of a language as they are stored, by object."""
    return {thing: noun_of(language, thing, words) for thing, words in known.items() if thing in STANDARD}


def noun_of(language: str, thing: str, words: Any) -> Noun:
    """A noun as it is stored: singular, plural and, where the language has them, gender."""
    one, many, *gender = words
    return Noun(one, many, Gender(gender[0]) if gender else standard_gender(language, thing))
