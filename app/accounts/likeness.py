"""Whether two records are probably the same, and by what: decisions on plain values.

What is compared is read as people would: legal forms, case, accents and small slips aside, names in either
order.  One name alone tells persons apart badly (there are many called García), so that a person's name
counts with something beside it.  Numbers are never slips: Store 12 is not Store 13.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import Any

from app.kernel.fold import company_key, email_key, is_free_mail, words_of

# Share of letters that stay where one text is made of the other by leaving out, putting in, changing or
# swapping letters.  The same for every record; measured against the ground truth in `bench.care`.
NAME_ALIKE = 0.75
COMPANY_ALIKE = 0.86
PLACE_ALIKE = 0.75
STREET_ALIKE = 80  # per cent of words in common
_DIGITS = re.compile(r"\d+")

Values = Mapping[str, Any]


# Brought in when records are first compared: many processes never do, and it is larger than it looks.
@cache
def _osa() -> ModuleType:
    from rapidfuzz.distance import OSA

    return OSA


@cache
def _fuzz() -> ModuleType:
    from rapidfuzz import fuzz

    return fuzz


def account_reasons(one: Values, other: Values) -> tuple[str, ...]:
    """By what two accounts are probably one: of "name", "domain", "email", "phone", "address"; empty if not.

    Two that say different sites are two shops of one company: neither its name nor its website counts then.
    """
    same = set(_same_keys(one, other))
    if one["kind"] == other["kind"] == "person":
        return _ordered(same | set(_of_persons(one, other)))
    if one["kind"] != other["kind"]:
        return _ordered(same - {"domain"} | ({"name"} if _same_company(one, other) else set()))
    if _same_company(one, other):
        same.add("name")
    sites = [words_of(each.get("site")) for each in (one, other)]
    if all(sites) and sites[0] != sites[1]:
        same -= {"name", "domain"}
    return _ordered(same)


def contact_reasons(one: Values, other: Values) -> tuple[str, ...]:
    """By what two contacts are probably one: of "email", "phone", and "name" at one account."""
    same = set()
    if _equal(one, other, "email_key"):
        same.add("email")
    if _equal(one, other, "phone_key"):
        same.add("phone")
    if one.get("account_id") is not None and one["account_id"] == other.get("account_id"):
        if _same_person(one, other):
            same.add("name")
    elif same and _same_person(one, other):
        same.add("name")
    return _ordered(same)


def _ordered(reasons: set[str]) -> tuple[str, ...]:
    return tuple(each for each in ("name", "address", "domain", "email", "phone") if each in reasons)


def _equal(one: Values, other: Values, name: str) -> bool:
    return bool(one.get(name)) and one[name] == other.get(name)


def _same_keys(one: Values, other: Values) -> Iterator[str]:
    if _equal(one, other, "domain") and not is_free_mail(one["domain"]):
        yield "domain"
    if _equal(one, other, "phone_key"):
        yield "phone"
    email = email_key(one.get("email"))
    if email and email == email_key(other.get("email")):
        yield "email"


def name_likeness(one: str, other: str) -> int:
    """How much of two names is the same, in per cent; 100 only for those that read alike, in whichever order."""
    texts = [company_key(name) or " ".join(words_of(name)) for name in (one, other)]
    if texts[0] == texts[1] or sorted(texts[0].split()) == sorted(texts[1].split()):
        return 100
    share: float = _osa().normalized_similarity(*texts)
    return min(99, round(100 * share))


# Companies


def _same_company(one: Values, other: Values) -> bool:
    first, second = (each.get("company_key") or company_key(each["name"]) or "" for each in (one, other))
    if not first or not second:
        return False
    if first == second or first.replace(" ", "") == second.replace(" ", ""):
        return True
    if _DIGITS.findall(first) != _DIGITS.findall(second) or min(len(first), len(second)) < 5:
        return False
    return _osa().normalized_similarity(first, second) >= COMPANY_ALIKE and _word_by_word(first, second)


def _word_by_word(first: str, second: str) -> bool:
    """That no word differs by more than a slip: "Air France" is no misspelt "Air Grance", nor "East" "West"."""
    one, other = first.split(), second.split()
    if len(one) != len(other):
        return True  # a blank more or less
    return all(
        a == b or (len(a) > 3 and _osa().distance(a, b) <= (2 if min(len(a), len(b)) >= 8 else 1))
        for a, b in zip(one, other, strict=True)
    )


# Persons


def _of_persons(one: Values, other: Values) -> Iterator[str]:
    alike, whole = _name_parts(one, other)
    parts = _address_parts(one, other)
    if parts is None:
        # Nothing to tell two of one name apart by.
        if (whole and _same_names(one, other) and not _is_contradicted(one, other)) or (
            alike and any(_same_keys(one, other))
        ):
            yield "name"
        return
    street, places = parts
    if (whole and street + places >= 2) or (alike and street and places):
        yield "name"
        yield "address"
    elif whole and any(_same_keys(one, other)):
        yield "name"


def _is_contradicted(one: Values, other: Values) -> bool:
    """Whether both have an address of one sort that differs: then they are two people of one name."""
    return any(
        one.get(name) and other.get(name) and one[name] != other[name] for name in ("phone_key", "email")
    )


def _names(record: Values) -> tuple[str, str]:
    first, last = (" ".join(words_of(record.get(name))) for name in ("first_name", "last_name"))
    return first, last


def _same_names(one: Values, other: Values) -> bool:
    return _names(one) in (_names(other), _names(other)[::-1])


def _name_parts(one: Values, other: Values) -> tuple[bool, bool]:
    """(one of first and last name is alike, both are), in whichever order they stand."""
    (first, last), (first2, last2) = _names(one), _names(other)
    best = max(((_alike(first, a), _alike(last, b)) for a, b in ((first2, last2), (last2, first2))), key=sum)
    return any(best), all(best)


def _alike(one: str, other: str, least: float = NAME_ALIKE) -> bool:
    return bool(one and other) and _osa().normalized_similarity(one, other) >= least


def _same_person(one: Values, other: Values) -> bool:
    """That first and last name are alike, an initial standing for the first; brothers have only the last."""
    (first, last), (first2, last2) = _names(one), _names(other)
    if first == first2 and not first:
        return last == last2
    if _alike(last, last2) and first and first2:
        return _alike(first, first2) or (1 in (len(first), len(first2)) and first[0] == first2[0])
    return bool(first and first2) and (first, last) == (last2, first2)


def _address_parts(one: Values, other: Values) -> tuple[bool, int] | None:
    """(the street is alike, how many of town and postal code are); None where one has no address."""
    street, street2 = (" ".join(words_of(each.get("billing_street"))) for each in (one, other))
    place = [
        [" ".join(words_of(each.get(name))) for name in ("billing_city", "billing_postal_code")]
        for each in (one, other)
    ]
    if not (street or any(place[0])) or not (street2 or any(place[1])):
        return None
    alike = bool(street and street2) and _streets_alike(street, street2)
    return alike, sum(_alike(a, b, PLACE_ALIKE) for a, b in zip(*place, strict=True))


def _streets_alike(one: str, other: str) -> bool:
    share: float = max(_fuzz().token_sort_ratio(one, other), _fuzz().token_set_ratio(one, other))
    return share >= STREET_ALIKE
