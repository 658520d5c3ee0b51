"""What an object and its fields are called: set for one object at a time, in all languages at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.identity.models import Organisation
from app.identity.organisation import edit_organisation
from app.identity.queries import get_organisation
from app.kernel.actor import Actor
from app.kernel.errors import Invalid
from app.words.given import given_label, given_noun
from app.words.nouns import LANGUAGES, STANDARD


def set_words(
    session: Session,
    actor: Actor,
    thing: str,
    nouns: Mapping[str, Sequence[str]],
    labels: Mapping[str, Mapping[str, str]],
    *,
    version: int,
    now: datetime,
) -> bool:
    """Call an object and its fields otherwise; False when nothing is different.

    nouns: language → singular, plural and, where there is one, gender; languages left out have the standard words.
    labels: language → field → label, likewise.  Writes an event through `edit_organisation`; does not commit.
    Raises NotAllowed, Invalid (by the name of the field of the form), Stale.
    """
    organisation = get_organisation(session)
    before = organisation.version
    wanted = with_words(organisation, thing, nouns, labels)
    edit_organisation(session, actor, wanted, version=version, now=now)
    return organisation.version != before


def with_words(
    organisation: Organisation,
    thing: str,
    nouns: Mapping[str, Sequence[str]],
    labels: Mapping[str, Mapping[str, str]],
) -> dict[str, Any]:
    """All words, those of the object replaced, as `edit_organisation` takes them.  Raises Invalid."""
    names = {
        code: {known: noun for known, noun in kept.items() if known in STANDARD}
        for code, kept in organisation.names.items()
    }
    fields = {language: dict(known) for language, known in organisation.field_names.items()}
    errors: dict[str, list[Any]] = {}
    for language in LANGUAGES:
        names.setdefault(language, {}).pop(thing, None)
        fields.setdefault(language, {}).pop(thing, None)
        if language in nouns:
            field = f"{language}-one"
            try:
                if not all(word.strip() for word in nouns[language][:2]):
                    raise Invalid({field: [_l("Give both, the singular and the plural, or neither.")]})
                names[language][thing] = given_noun(language, nouns[language], field)
            except Invalid as error:
                errors.update(error.errors)
        for name, label in labels.get(language, {}).items():
            try:
                own = given_label(label, f"{language}-{name}-label")
                fields[language].setdefault(thing, {})[name] = own
            except Invalid as error:
                errors.update(error.errors)
    if errors:
        raise Invalid(errors)
    return {
        "names": {language: known for language, known in names.items() if known},
        "field_names": {language: known for language, known in fields.items() if known},
    }
