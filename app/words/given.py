"""What an administrator gives as words, checked."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l

from app.kernel import labels
from app.kernel.errors import Invalid
from app.kernel.text import clean_text
from app.words.nouns import LANGUAGES, STANDARD, Gender

LONGEST = 40
# Words become part of the catalogue's sentences, which templates fill in and take for HTML as they are.
_NO_WORD = '%{}<>"'


def given_names(value: Any) -> dict[str, dict[str, list[str]]]:
    """Language → object → [singular, plural], in Spanish and Catalan perhaps with a gender.  Raises Invalid."""
    cleaned: dict[str, dict[str, list[str]]] = {}
    for language, objects in _by_language(value, "names"):
        for thing, words in objects.items():
            if thing not in STANDARD or not _is_list(words):
                raise Invalid({"names": [_l("Give a known object its singular and its plural.")]})
            cleaned.setdefault(language, {})[thing] = given_noun(language, words)
    return cleaned


def given_noun(language: str, words: Sequence[Any], field: str = "names") -> list[str]:
    """Singular, plural and, in languages that have it, gender.  field: whose errors these are.  Raises Invalid."""
    one, many = (clean_text(word, max_length=LONGEST, field=field) for word in words[:2])
    if not one or not many:
        raise Invalid({field: [_l("Give a known object its singular and its plural.")]})
    if any(sign in one + many for sign in _NO_WORD):
        raise Invalid({field: [_l("A word holds no percent signs, braces, quotation marks or < and >.")]})
    noun = [_uncapital(one), _uncapital(many)]
    if len(words) == 2 or (language == "en" and words[2] is None):
        return noun
    if language == "en" or words[2] not in tuple(Gender):
        raise Invalid({field: [_l("The gender is m or f, in Spanish and Catalan.")]})
    return [*noun, str(words[2])]


def given_field_names(value: Any) -> dict[str, dict[str, dict[str, str]]]:
    """Language → object → field → label.  Raises Invalid."""
    cleaned: dict[str, dict[str, dict[str, str]]] = {}
    for language, objects in _by_language(value, "field_names"):
        for thing, fields in objects.items():
            known = labels.fields_of(thing)
            if not isinstance(fields, Mapping) or set(fields) - set(known):
                raise Invalid({"field_names": [_l("Choose among the fields of a known object.")]})
            for name, label in fields.items():
                cleaned.setdefault(language, {}).setdefault(thing, {})[name] = given_label(label)
    return cleaned


def given_label(label: Any, field: str = "field_names") -> str:
    """What a field is called.  Raises Invalid."""
    cleaned = clean_text(label, max_length=LONGEST, field=field)
    if not cleaned:
        raise Invalid({field: [_l("Give the field a label.")]})
    if any(sign in cleaned for sign in "%{}"):
        raise Invalid({field: [_l("A word holds no percent signs or braces.")]})
    return cleaned


def _by_language(value: Any, field: str) -> list[tuple[str, Mapping[str, Any]]]:
    if not isinstance(value, Mapping) or not all(isinstance(objects, Mapping) for objects in value.values()):
        raise Invalid({field: [_l("This must be an object.")]})
    if set(value) - set(LANGUAGES):
        raise Invalid({field: [_l("Choose one of: %(known)s.", known=", ".join(LANGUAGES))]})
    return list(value.items())


def _is_list(words: Any) -> bool:
    return isinstance(words, list | tuple) and len(words) in (2, 3)


def _uncapital(word: str) -> str:
    """A noun as it stands within a sentence; RFQ and iPaaS stay as they are."""
    rest = word[1:]
    return word[:1].lower() + rest if word[:1].isupper() and rest[:1].islower() else word
