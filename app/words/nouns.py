"""Nouns: a word with its plural and gender, and the objects that can be called otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

LANGUAGES = ("en", "es", "ca")


class Gender(StrEnum):
    MASCULINE = "m"
    FEMININE = "f"


@dataclass(frozen=True, slots=True)
class Noun:
    """What an object is called in a language.  gender: None where the language has none."""

    one: str
    many: str
    gender: Gender | None = None


# The standard words as the catalogues have them, in the order of the page, with the genders of Spanish and Catalan.
STANDARD: Mapping[str, tuple[str, str]] = {
    "lead": ("lead", "leads"),
    "account": ("account", "accounts"),
    "contact": ("contact", "contacts"),
    "opportunity": ("opportunity", "opportunities"),
    "case": ("case", "cases"),
    "activity": ("activity", "activities"),
    "campaign": ("campaign", "campaigns"),
    "document": ("document", "documents"),
    "partner": ("partner", "partners"),
    "partner_account": ("partner account", "partner accounts"),
    "partner_user": ("partner user", "partner users"),
    "partner_level": ("partner level", "partner levels"),
    "queue": ("queue", "queues"),
    "round_robin": ("round robin", "round robins"),
    "assignment_rule": ("assignment rule", "assignment rules"),
    "user": ("user", "users"),
    "saved_view": ("saved view", "saved views"),
}
_FEMININE = frozenset(
    {
        "opportunity", "activity", "campaign", "queue", "assignment_rule", "saved_view",
    }
)  # fmt: skip
_FEMININE_IN: Mapping[str, frozenset[str]] = {
    "es": _FEMININE | {"account", "partner_account"},
    "ca": _FEMININE,
}


def standard_gender(language: str, thing: str) -> Gender | None:
    """The gender of the standard word; None in English."""
    feminine = _FEMININE_IN.get(language)
    if feminine is None:
        return None
    return Gender.FEMININE if thing in feminine else Gender.MASCULINE
