"""A sentence of the application with an object called otherwise: the noun is replaced, and what belongs to it agrees.

It works on texts before anything is put into them, so that names which people gave are never touched: a placeholder
stays where it is, and counts as a noun where it stands for one (`%(lead)s`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from app.words.inflection import after, an, before, determines, elides, joined, links, says
from app.words.nouns import STANDARD, Gender, Noun
from app.words.senses import ALSO_MEANT, MEANT_OTHERWISE, corrected, idioms_hidden, idioms_shown

# A placeholder, what is code, an elided word, a word, or a single sign.
_TOKEN = re.compile(
    r"%\(\w+\)[a-z]|`[^`]*`|\w*[_/={]\S*|[ldsnmtLDSNMT]['’](?=\w|%)|[^\W\d_]+(?:-[^\W\d_]+)*|.", re.DOTALL
)
_PLACEHOLDER = re.compile(r"%\((\w+)\)[a-z]")
_APART = {"del": ("de", "el"), "dels": ("de", "els"), "al": ("a", "el"), "als": ("a", "els"), "pel": ("per", "el"),
          "pels": ("per", "els")}  # fmt: skip
_PREPOSITIONS = frozenset({"de", "a", "per"})
_UNDER = frozenset(
    [
        "sin",
        "sense",
        "con",
        "amb",
        "en",
        "por",
        "para",
        "per",
        "desde",
        "entre",
        "sobre",
        "bajo",
        "hasta",
        "según",
        "segons",
    ]
)
# Stand for an object in general, whichever the page is about, or for its name.
_GENERAL = frozenset({"account", "accounts"})


@dataclass(frozen=True, slots=True)
class Renaming:
    """An object's standard word in a language, and what it is called instead."""

    thing: str
    old: Noun
    new: Noun

    @property
    def changes_gender(self) -> bool:
        return self.old.gender is not self.new.gender


@cache
def _speaks_of(thing: str) -> re.Pattern[str]:
    forms = "|".join(STANDARD[thing][::-1])
    places = "|".join(form.replace(" ", "_") for form in STANDARD[thing])
    return re.compile(rf"(?<![\w%(-])(?:{forms})(?![\w-])|%\((?:{places})\)s", re.IGNORECASE)


def is_about(text: str, thing: str) -> bool:
    """Whether a text of the catalogue, in English, speaks of an object."""
    if text.startswith(ALSO_MEANT.get(thing, ())) and thing in ALSO_MEANT:
        return True
    if _speaks_of(thing).search(text) is None:
        return False
    return not any(phrase in text for phrase in MEANT_OTHERWISE.get(thing, ()))


def rewritten(language: str, text: str, renamings: list[Renaming]) -> str:
    """The text with all of them, those with the longest words first."""
    for each in renamings:
        if each.changes_gender:
            text = corrected(language, each.thing, text)
    tokens = _TOKEN.findall(idioms_hidden(text))
    wanted = sorted(
        ((form.split(" "), number, each) for each in renamings
         for number, form in enumerate((each.old.one, each.old.many))),
        key=lambda known: (-len(known[0]), -len(" ".join(known[0]))),
    )  # fmt: skip
    places = {form.replace(" ", "_"): (number, each) for each in renamings
              for number, form in enumerate(STANDARD[each.thing])}  # fmt: skip
    done: list[str] = []
    at = 0
    while at < len(tokens):
        found = _noun_at(tokens, at, wanted, places)
        if found is None:
            done.append(tokens[at])
            at += 1
            continue
        end, number, renaming, place = found
        word = renaming.new.many if number else renaming.new.one
        shown = place or _capital_of(tokens[at], word)
        if language == "en":
            _article(done, word)
            done.append(shown)
        else:
            is_subject = _agree_before(language, done, renaming, shown, word, place)
            if renaming.changes_gender:
                _agree_after(language, tokens, end, renaming.new.gender, is_subject=is_subject)
        at = end
    return idioms_shown("".join(done))


def _noun_at(
    tokens: list[str],
    at: int,
    wanted: list[tuple[list[str], int, Renaming]],
    places: Mapping[str, tuple[int, Renaming]],
) -> tuple[int, int, Renaming, str] | None:
    """Where the noun that begins here ends, its number, whose it is, and the placeholder if it is one."""
    placeholder = _PLACEHOLDER.fullmatch(tokens[at])
    if placeholder is not None:
        known = places.get(placeholder[1])
        return None if known is None else (at + 1, known[0], known[1], tokens[at])
    for words, number, renaming in wanted:
        end = at + 2 * len(words) - 1
        span = tokens[at:end]
        if [token.lower() for token in span[::2]] == words and all(space == " " for space in span[1::2]):
            return end, number, renaming, ""
    return None


def _capital_of(old: str, new: str) -> str:
    if len(old) > 1 and old.isupper():
        return new.upper()
    return new[:1].upper() + new[1:] if old[:1].isupper() else new


def _article(done: list[str], word: str) -> None:
    if len(done) > 1 and done[-1] == " " and done[-2].lower() in ("a", "an"):
        done[-2] = an(word).capitalize() if done[-2][:1].isupper() else an(word)


def _agree_before(
    language: str, done: list[str], renaming: Renaming, shown: str, word: str, place: str
) -> bool:
    """Take the words that belong to the noun back from what is written, and write them again with it.

    Answers whether the noun can be what something is said of, which it is not after a preposition.
    """
    chain: list[str] = []  # from the noun backwards
    gender = renaming.new.gender or Gender.MASCULINE
    turns = renaming.changes_gender
    settled = False
    spread = len(done)
    while spread:
        step = _word_before(done, spread)
        if step is None:
            break
        spread_to, token = step
        low = token.lower()
        if language == "es" and not chain and low in ("y", "e", "o", "u"):
            chain.append(_and(low, word))
            spread = spread_to
            break
        if low in _PREPOSITIONS or low in ("d'", "d’"):
            if place and place[2:-2] in _GENERAL and not chain:
                break
            chain.append(low.replace("d'", "de").replace("d’", "de"))
            spread = spread_to
            break
        if low in _APART and (language == "ca" or low in ("del", "al")):
            article = _APART[low][1]
            chain += [before(language, article, gender) or article if turns else article, _APART[low][0]]
            spread = spread_to
            break
        if low in ("l'", "l’"):
            low = "la" if renaming.old.gender is Gender.FEMININE else "el"
        agreed = token if token.startswith("%") else before(language, low, gender) if turns else None
        if agreed is None and low in ("el", "la"):
            agreed = low
        # «ha abierto un lead»: before an article there is nothing of the noun's but «todos».
        counted = bool(chain) and chain[-1].startswith("%")
        may_follow = low.startswith(("tod", "tot")) or (counted and determines(language, low))
        if agreed is None or (settled and not may_follow):
            break
        chain.append(agreed)
        settled = settled or determines(language, low) or token.startswith("%")
        spread = spread_to
    first = next((token for token in done[spread:] if token.strip()), "")
    capital = first[:1].isupper()
    step = _word_before(done, spread) if spread else None
    is_subject = step is None or step[1].lower() not in _UNDER
    if not chain:
        done.append(shown)
        return is_subject
    del done[spread:]
    phrase = _composed(language, chain[::-1], gender, shown, word)
    done.append(phrase[:1].upper() + phrase[1:] if capital else phrase)
    return is_subject and chain[-1] not in _PREPOSITIONS


def _word_before(done: list[str], spread: int) -> tuple[int, str] | None:
    """The word that stands right before, and where it begins."""
    if done[spread - 1] != " ":
        token = done[spread - 1]
        return (spread - 1, token) if token[-1:] in "'’" and len(token) == 2 else None
    if spread < 2:
        return None
    token = done[spread - 2]
    return (spread - 2, token) if token[:1].isalpha() or token.startswith("%(") else None


def _and(conjunction: str, word: str) -> str:
    """Spanish «y» and «o» before a word."""
    plain = {"e": "y", "u": "o"}.get(conjunction, conjunction)
    start = word.lower().removeprefix("h")
    if plain == "y" and start[:1] in "ií" and not re.match("i[aeo]", start):
        return "e"
    return "u" if plain == "o" and start[:1] in "oó" else plain


def _composed(language: str, words: list[str], gender: Gender, shown: str, word: str) -> str:
    """The words and the noun as one writes them.  word: what is read where `shown` stands, a placeholder perhaps."""
    text = ""
    for index, each in enumerate(words):
        following = words[index + 1] if index + 1 < len(words) else word
        if language == "ca" and each in ("el", "la") and elides(following, gender):
            text += "l'"
        elif language == "ca" and each == "de" and following not in ("el", "els") and elides(following, None):
            text += "d'"
        else:
            text += each + " "
    return joined(language, text + shown)


def _agree_after(
    language: str, tokens: list[str], end: int, gender: Gender | None, *, is_subject: bool
) -> None:
    """Make the adjectives and participles that follow agree, in place."""
    linked = said = agreed = False
    at = end
    while gender is not None and at + 1 < len(tokens):
        if tokens[at] == "," and agreed and tokens[at + 1] == " ":
            at += 1
            continue
        if tokens[at] != " ":
            return
        low = tokens[at + 1].lower()
        other = after(language, low, gender) if not linked or said else None
        if other is not None:
            tokens[at + 1], agreed = _capital_of(tokens[at + 1], other), True
        elif is_subject and links(language, low):
            linked, said = True, said or says(language, low)
        elif not (agreed and low in ("y", "o", "i", "ni", "e")):
            return
        at += 2
