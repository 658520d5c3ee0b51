"""For which leads a member of a round robin takes turns: by country, language, product and partner level.  Pure.

A member without a match takes turns for every lead.  Of what is named each must hold, by any of its values; what a lead
does not say matches nothing.  A member that does not match is passed over for that one lead: it accrues nothing by
it, so that fairness counts among those who could have had the lead.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from babel import Locale
from babel.languages import get_official_languages
from flask_babel import lazy_gettext as _l

from app.fields.kinds import PREFIX
from app.kernel.countries import country_code
from app.kernel.errors import Invalid
from app.kernel.fold import fold

# A field that an administrator may add to leads; where it is filled in, it goes before the country's languages.
LANGUAGE_FIELD = f"{PREFIX}language"
MOST_VALUES, LONGEST_VALUE = 300, 120
# Languages that may be given by their own names, too; reading every locale there is would take seconds.
_OWN_NAMES = ("da", "de", "eu", "fr", "gl", "it", "nl", "pl", "pt", "ro", "sv")
_SPOKEN_HERE = ("en", "es", "ca")


@dataclass(frozen=True, slots=True)
class LeadFacts:
    """What a match compares of one lead."""

    country: str | None = None
    product: str = ""
    languages: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Match:
    """countries: codes of two letters.  languages: codes as in BCP 47.  products: words that the product interest
    contains, folded.  levels: public names of partner levels, one of which the member's company has.
    """

    countries: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    products: tuple[str, ...] = ()
    levels: frozenset[str] = frozenset()

    def misses(self, lead: LeadFacts, level: str | None) -> str | None:
        """What of it does not match, the first in this order; None when the member takes part in the lead's turn."""
        if self.countries and lead.country not in self.countries:
            return "country"
        if self.languages and not self.languages & lead.languages:
            return "language"
        if self.products and not any(word in lead.product for word in self.products):
            return "product"
        if self.levels and level not in self.levels:
            return "level"
        return None


NO_FACTS = LeadFacts()


def facts_of_lead(lead: Any) -> LeadFacts:
    """The facts of a loaded lead."""
    return facts_of(lambda name: getattr(lead, name))


def facts_of(get: Callable[[str], Any]) -> LeadFacts:
    """The facts of a lead.  get: attribute of Lead → its value, None for none."""
    country = get("country")
    said = (get("custom") or {}).get(LANGUAGE_FIELD)
    own = frozenset(code for text in _each(said) if (code := language_code(text)) is not None)
    return LeadFacts(country, fold(get("product_interest") or "", 500), own or languages_of(country))


def _each(value: Any) -> Iterable[str]:
    values = value if isinstance(value, (list, tuple)) else (value,)
    return (str(one) for one in values if one)


@cache
def languages_of(country: str | None) -> frozenset[str]:
    """The languages that are official in a country or in a region of it, or used as if they were."""
    if not country:
        return frozenset()
    found = get_official_languages(country, regional=True, de_facto=True)
    return frozenset(code.split("_")[0] for code in found)


def language_code(text: str) -> str | None:
    """The code of a language that is given by it, or by its name in English, Spanish, Catalan or itself."""
    return _language_codes().get(fold(text.strip(), LONGEST_VALUE))


def language_name(code: str, locale: str) -> str:
    return str(Locale.parse(locale).languages.get(code, code))


@cache
def _language_codes() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for spoken in _SPOKEN_HERE:
        for code, name in Locale.parse(spoken).languages.items():
            if "_" not in code and len(code) <= 3:
                found.setdefault(fold(name, LONGEST_VALUE), code)
    for code in _OWN_NAMES:
        found.setdefault(fold(Locale.parse(code).languages.get(code, code), LONGEST_VALUE), code)
    return found | {code: code for code in found.values()}


def read_match(given: object, levels: Mapping[str, str]) -> dict[str, list[str]]:
    """What somebody gives as a match, as it is stored; {} for none.

    levels: folded name or public name of a partner level → its public name.
    Raises Invalid, naming all that is not known under the part that names it ("match.countries").
    """
    if given is None or given == {}:
        return {}
    if not isinstance(given, Mapping):
        raise Invalid({"match": [_l("A match names countries, languages, products or levels.")]})
    unknown = sorted(str(name) for name in given.keys() - _READERS.keys())
    if unknown:
        message = _l("There is no “%(name)s” in a match.", name=unknown[0])
        raise Invalid({"match": [message]})
    found: dict[str, list[str]] = {}
    errors: dict[str, list[Any]] = {}
    for name, read in _READERS.items():
        values = given.get(name) or ()
        if not isinstance(values, (list, tuple)) or len(values) > MOST_VALUES:
            raise Invalid({"match": [_l("Each part of a match is a list.")]})
        kept = []
        for value in values:
            code = read(value.strip(), levels) if isinstance(value, str) and value.strip() else None
            if code is None or len(code) > LONGEST_VALUE:
                message = _l("“%(value)s” is not known.", value=str(value)[:60])
                errors.setdefault(f"match.{name}", []).append(message)
            else:
                kept.append(code)
        if kept:
            found[name] = sorted(dict.fromkeys(kept))
    if errors:
        raise Invalid(errors)
    return found


PARTS = ("countries", "languages", "products", "levels")
_READERS: Mapping[str, Callable[[str, Mapping[str, str]], str | None]] = {
    "countries": lambda text, _levels: country_code(text),
    "languages": lambda text, _levels: language_code(text),
    "products": lambda text, _levels: text,
    "levels": lambda text, levels: levels.get(text) or levels.get(fold(text, LONGEST_VALUE)),
}


def match_of(stored: Mapping[str, Any] | None) -> Match | None:
    """A stored match, ready to be asked; None for none."""
    if not stored:
        return None
    return Match(
        frozenset(stored.get("countries", ())),
        frozenset(stored.get("languages", ())),
        tuple(fold(word, LONGEST_VALUE) for word in stored.get("products", ())),
        frozenset(stored.get("levels", ())),
    )
