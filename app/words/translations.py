"""The catalogue of a language in the vendor's words: the one place through which every text goes.

Flask-Babel asks its domain for the translations of the page's language, for texts, lazy texts, plurals and templates
alike; this domain gives them as they are, or with the words in force.
"""

from typing import Any

from flask_babel import Domain, force_locale, get_locale, get_translations

from app.kernel import labels
from app.words.edition import Edition, in_force, standard_words
from app.words.grammar import Renaming, is_about, rewritten
from app.words.nouns import STANDARD, Noun, standard_gender

_MOST_KEPT = 20_000


class WordsDomain(Domain):
    """The application's texts."""

    def get_translations(self) -> Any:
        standard = super().get_translations()  # type: ignore[no-untyped-call]  # Flask-Babel has no types
        edition = in_force() if get_locale() is not None else None
        return standard if edition is None else renamed(standard, edition, str(get_locale())[:2])


def renamed(standard: Any, edition: Edition, language: str) -> Any:
    """The translations with an edition's words, kept with it."""
    known = edition.translations.get(language)
    if known is None:
        known = edition.translations[language] = Renamed(standard, edition, language)
    return known


class Renamed:
    """Translations with objects called otherwise.  Each text is rewritten once, before anything is put into it."""

    def __init__(self, standard: Any, edition: Edition, language: str) -> None:
        self.standard = standard
        self.language = language
        self.fields = edition.fields.get(language, {})
        self.renamings = [
            Renaming(thing, standard_noun(standard, language, thing), noun)
            for thing, noun in edition.names.get(language, {}).items()
        ]
        self._kept: dict[tuple[str, str], str] = {}

    def field(self, thing: str, name: str) -> str | None:
        """What a field of an object is called; None for its standard label."""
        return self.fields.get(thing, {}).get(name)

    def said(self, english: str, text: str) -> str:
        """A text of the catalogue in these words.  english: what it is a translation of."""
        if not self.renamings:
            return text
        key = (english, text)
        known = self._kept.get(key)
        if known is None:
            wanted = [each for each in self.renamings if is_about(english, each.thing)]
            known = rewritten(self.language, text, wanted) if wanted else text
            if len(self._kept) < _MOST_KEPT:
                self._kept[key] = known
        return known

    def ugettext(self, message: str) -> str:
        return self.said(message, self.standard.ugettext(message))

    def ungettext(self, one: str, many: str, number: int) -> str:
        return self.said(one, self.standard.ungettext(one, many, number))

    def upgettext(self, context: str, message: str) -> str:
        return self.said(message, self.standard.upgettext(context, message))

    def unpgettext(self, context: str, one: str, many: str, number: int) -> str:
        return self.said(one, self.standard.unpgettext(context, one, many, number))

    gettext, ngettext = ugettext, ungettext


def standard_noun(standard: Any, language: str, thing: str) -> Noun:
    """What an object is called where nobody calls it otherwise."""
    one, many = STANDARD[thing]
    return Noun(standard.ugettext(one), standard.ugettext(many), standard_gender(language, thing))


def standard_translations(language: str) -> Any:
    """The catalogue of a language in the standard words, whatever is in force."""
    with force_locale(language), standard_words():
        return get_translations()


def standard_labels(thing: str, language: str) -> dict[str, str]:
    """Field → its standard label in a language, of an object's fields."""
    with force_locale(language), standard_words():
        return {name: str(label) for name, label in labels.fields_of(thing).items()}
