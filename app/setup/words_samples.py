"""A few sentences of the application as they read with certain words, to look at before they are kept."""

from collections.abc import Mapping
from typing import Any

from app.words.edition import Edition, nouns_of
from app.words.nouns import LANGUAGES, STANDARD
from app.words.translations import Renamed, standard_translations

# Texts of the catalogue; a pair is singular and plural.
SAMPLES: Mapping[str, tuple[str | tuple[str, str], ...]] = {
    "lead": ("New %(lead)s", "What becomes of the open leads?", "a lead is given to me", ("%(num)s open lead", "%(num)s open leads")),
    "account": ("Choose an account.", "There is no such account.", "An account is a business or a person."),
    "contact": ("New %(contact)s", "There is no such contact.", "This contact is not of that account."),
    "opportunity": ("New %(opportunity)s", "it has no open opportunity", ("%(num)s open opportunity", "%(num)s open opportunities")),
    "case": ("New %(case)s", "The case is closed.", "it has no open case", ("%(num)s open case", "%(num)s open cases")),
    "activity": ("No activity for", "deleted an activity", "Last activity"),
    "campaign": ("Add to a campaign", "There is no such campaign.", "This campaign is archived. Take it up again first."),
    "document": ("Whoever sees the record sees its documents.", "Only the vendor's people tag documents."),
    "partner": ("Enable a partner", "There is no such partner.", "Another partner has just taken this one."),
    "partner_account": ("Of a partner account", "A partner account stays a member of its own queue."),
    "partner_user": ("Every partner user", "Only partner users can be asked to accept."),
    "partner_level": ("There is no such partner level any more.",),
    "queue": ("There is no such queue.", "The default queue has internal members only.", "it waits in a queue"),
    "round_robin": ("There is no round robin yet.", "A colleague, a partner, a queue or a round robin."),
    "assignment_rule": ("By the assignment rules", "The assignment rules sent it to %(owner)s."),
    "user": ("This user is not active.", "There is no such user."),
    "saved_view": ("No saved views yet", "No rule and no saved view names it."),
}  # fmt: skip


class _Filled(dict[str, Any]):
    """What stands in a sentence; anything but an object is left open."""

    def __missing__(self, name: str) -> str:
        return "…"


def sentences(thing: str, names: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Language → sentences about an object.  names: all words, as the organisation has them."""
    nouns = {code: nouns_of(code, known) for code, known in names.items()}
    return {code: _in(code, thing, Edition("", nouns)) for code in LANGUAGES}


def _in(code: str, thing: str, edition: Edition) -> list[str]:
    said = Renamed(standard_translations(code), edition, code)
    one, many = (said.ugettext(form) for form in STANDARD[thing])
    filled = _Filled({thing: one, STANDARD[thing][1].replace(" ", "_"): many, "num": "3"})
    found = []
    for text in SAMPLES[thing]:
        form = said.ugettext(text) if isinstance(text, str) else said.ungettext(*text, 3)
        sentence = form % filled
        found.append(sentence[:1].upper() + sentence[1:])
    return found
