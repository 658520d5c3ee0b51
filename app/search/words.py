"""From names, addresses and numbers to the texts that a record is found by, and back from what people type.

Pure.  Entries of different sorts never meet: a name's begins with a letter or digit, an e-mail domain's with
"@", a number's with "+" and goes from its end, a postal address's with "$", a name at an account with "#".
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from app.kernel.fold import company_key, domain_of, email_key, fold, is_free_mail, phone_key, words_of
from app.search.models import LONGEST

# A lead's entries are of three kinds, so that what is hidden from partners can be left out when they search.
KINDS = {"account": 1, "contact": 2, "lead": 3, "lead's person": 4, "lead's addresses": 5, "campaign": 6}
LEAD_KINDS = (KINDS["lead"], KINDS["lead's person"], KINDS["lead's addresses"])
MOST_WORDS = 8
MOST_STARTS = 8
FEWEST_DIGITS = 5
SHORTEST_MISSPELT = 4
LAST = "\U0010ffff"
# Scripts that leave no blank between words: any of their letters may begin one.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_DIGITS = re.compile(r"\d")


def kinds_of(table: str) -> tuple[int, ...]:
    """The kinds of the entries that records of a table have; none for one that has no entries."""
    if table == "lead":
        return LEAD_KINDS
    return (KINDS[table],) if table in KINDS else ()


def kinds_and_texts(table: str, values: Mapping[str, Any]) -> set[tuple[int, str]]:
    """(kind, text) of every entry of a record.  values: its columns, derived ones included."""
    if table == "lead":
        return _of_lead(values)
    if table == "campaign":
        texts = starts(values["name"]) | {typed_name(values.get("external_id") or "")} - {""}
    else:
        texts = entries_of(table, values)
    return {(KINDS[table], text) for text in texts}


def _of_lead(values: Mapping[str, Any]) -> set[tuple[int, str]]:
    """Fewer than an account's: leads are written by the thousand."""
    company, person, addresses = LEAD_KINDS
    key = values.get("company_key") or ""
    found = {(company, text) for text in {typed_name(values.get("company") or "")} | starts(key)}
    found |= {
        (person, text) for text in starts(f"{values.get('first_name') or ''} {values.get('last_name') or ''}")
    }
    email = values.get("email")
    found.add((addresses, (email_key(email) or "")[:LONGEST]))
    domain = domain_of(email) if email else None
    if domain and not is_free_mail(domain):
        found.add((addresses, f"@{domain}"[:LONGEST]))
    numbers = _numbers({**values, "billing_country": values.get("country")})
    found |= {(addresses, number_key(digits)) for digits in numbers}
    return {(kind, text) for kind, text in found if text}


def entries_of(kind: str, values: Mapping[str, Any]) -> set[str]:
    """Every text that an account or contact is found by.  values: its columns, derived ones included."""
    texts: set[str] = set()
    if kind == "account":
        texts |= starts(values["name"])
        key = values.get("company_key") or company_key(values["name"]) or ""
        texts |= {key.replace(" ", "")[:LONGEST]} | starts(key) | starts(values.get("site"))
        if values.get("account_number"):
            texts.add(" ".join(words_of(values["account_number"]))[:LONGEST])
        texts |= address_keys(values) | name_at_place(values, _names(values))
        domain = values.get("domain")
    else:
        texts |= starts(f"{values.get('first_name') or ''} {values['last_name']}")
        texts |= at_account(values)
        domain = domain_of(values.get("email"))
    if domain:
        texts.add(f"@{domain}"[:LONGEST])
    texts.add((email_key(values.get("email")) or "")[:LONGEST])
    texts |= {number_key(digits) for digits in _numbers(values)}
    texts.discard("")
    return texts


def starts(name: str | None) -> set[str]:
    """The name from each of its words on, the words before it at the end: what "any word of it" begins."""
    words = words_of(name)[:MOST_WORDS]
    found = {" ".join(words[at:] + words[:at])[:LONGEST].rstrip() for at in range(len(words))}
    for word in words:
        if _UNSPACED.search(word):
            found |= {
                word[at:][:LONGEST] for at in range(1, min(len(word), MOST_STARTS)) if _begins(word[at])
            }
    return found


def _begins(letter: str) -> bool:
    return not unicodedata.category(letter).startswith("M")


def _numbers(values: Mapping[str, Any]) -> Iterable[str]:
    """The digits of each number, with the country's where it is known."""
    country = values.get("billing_country")
    known = values.get("phone_key")
    for at, name in enumerate(("phone", "mobile")):
        number = values.get(name)
        if number:
            first = at == 0 or not values.get("phone")
            key = known if known and first else phone_key(number, country)
            if key:
                yield key


def number_key(number: str) -> str:
    """A number from its end, so that it is found with and without what is dialled before it."""
    digits = "".join(_DIGITS.findall(number)).lstrip("0")
    return f"+{digits[::-1]}"[:LONGEST] if digits else ""


def address_keys(values: Mapping[str, Any]) -> set[str]:
    """What the same postal address gives, however it is written: by street, and by postal code and number."""
    street = words_of(values.get("billing_street"))
    if not street:
        return set()
    keys = {f"$s {' '.join(street)}"[:LONGEST].rstrip()}
    number = next((word for word in street if word[0].isdigit()), "")
    place = "".join(words_of(values.get("billing_postal_code")))
    if place:
        keys.add(f"$p {place} {number}"[:LONGEST].rstrip())
    return keys


def _names(values: Mapping[str, Any]) -> list[str]:
    """First and last name of a person account; of a business none."""
    if not values.get("last_name"):
        return []
    return [" ".join(words_of(values.get(name))) for name in ("first_name", "last_name")]


def name_at_place(values: Mapping[str, Any], names: Iterable[str]) -> set[str]:
    """One name of a person with the town, and with the postal code: whichever of the others is misspelt."""
    places = {
        "".join(words_of(values.get("billing_postal_code"))),
        " ".join(words_of(values.get("billing_city"))),
    }
    return {f"$n {place} {name}"[:LONGEST].rstrip() for place in places if place for name in names if name}


def at_account(values: Mapping[str, Any]) -> set[str]:
    """What a contact is called at its account: whole, and by the last name."""
    at, last = values.get("account_id"), " ".join(words_of(values.get("last_name")))
    if at is None or not last:
        return set()
    first = " ".join(words_of(values.get("first_name")))
    return {f"#{at} {last}"[:LONGEST].rstrip(), f"#{at} {first} {last}".replace("  ", " ")[:LONGEST].rstrip()}


# What people type


def typed_name(text: str) -> str:
    """What the typed words begin as an entry; "" for text without a letter or digit."""
    return " ".join(words_of(text))[:LONGEST]


def typed_address(text: str) -> list[str]:
    """What an e-mail or web address, or the beginning of one, begins as an entry."""
    plain = fold(text)
    if " " in plain or not ("@" in plain or "." in plain) or len(plain.strip("@.")) < 2:
        return []
    domain = domain_of(text) or plain.removeprefix("www.")
    found = [f"@{domain}"] if not plain.partition("@")[0] or "@" not in plain else []
    return [*found, plain][:2] if "@" in plain else found


def typed_numbers(text: str, country: str | None) -> tuple[list[str], list[str]]:
    """(beginnings, whole texts) of the entries of a phone number, in any notation.

    country: the one that a number without a country code is most likely of.
    """
    digits = "".join(str(unicodedata.decimal(c)) for c in text if c.isdecimal())
    if len(digits) < FEWEST_DIGITS or re.search(r"[^\d\s()+./-]", text):
        return [], []
    abroad = text.lstrip().startswith("+") or digits.startswith("00")
    if not abroad:
        return [number_key(national(phone_key(text, country) or digits))], []
    key = phone_key(text) or digits
    return [number_key(key)], [number_key(national(key))]


def national(number: str) -> str:
    """The digits of an international number without those of its country."""
    if not number.startswith("+"):
        return number
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    return str(parsed.national_number)


# Misspellings


def variants(word: str) -> set[str]:
    """The word, and the word less each of its letters; only itself where it is too short to be misspelt."""
    if not is_spellable(word):
        return {word}
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def spellable(texts: Iterable[str]) -> set[str]:
    """The words among entries that are worth keeping variants of: first words of names."""
    return {word for word in (text.partition(" ")[0] for text in texts) if is_spellable(word)}


def is_spellable(word: str) -> bool:
    """Whether it is a word of letters, of a length at which people slip."""
    return SHORTEST_MISSPELT <= len(word) <= 24 and all(
        unicodedata.category(letter)[0] in "LM" for letter in word
    )
