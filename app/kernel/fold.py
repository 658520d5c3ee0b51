"""Text made comparable: for searching, sorting and finding probable duplicates.  Never for showing.

Two spellings that a person would take for the same give the same result.  Keys answer None when there
is nothing to compare by, so that two empty values are never duplicates of each other.
"""

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

_DATA = Path(__file__).parent / "data"

# Marks that are accents on letters.  Others (Devanagari vowels, Thai tones) are part of the word.
_ACCENTS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")
_LETTERS = str.maketrans(
    {
        "ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ŧ": "t", "ı": "i",
        "æ": "ae", "œ": "oe", "þ": "th", "ŋ": "n", "ə": "a",
        "’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": "'", "“": '"', "”": '"',
        "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-",
        "·": "", "\u00ad": "", "\u200b": "", "\u200c": "", "\u200d": "", "\u2060": "", "\ufeff": "",
        "\u200e": "", "\u200f": "", "\u061c": "",
    }
)  # fmt: skip


def fold(text: str | None, limit: int | None = None) -> str:
    """The text in lower case, without accents, runs of white space as one blank; "" for None.

    limit: longest result in characters (folding may lengthen: ß becomes ss).  fold(fold(x)) == fold(x).
    """
    if not text:
        return ""
    if text.isascii():
        folded = text.lower().replace("`", "'")
    else:
        folded, before = text, ""
        while folded != before:  # twice for nearly everything; a few letters take a third round to settle
            before = folded
            folded = unicodedata.normalize("NFKD", folded.casefold())
            folded = _ACCENTS.sub("", folded).translate(_LETTERS)
            if folded.isascii():
                folded = folded.lower()
                break
            folded = unicodedata.normalize("NFKC", folded)
    folded = " ".join(folded.split())
    return folded if limit is None else folded[:limit].rstrip()


# E-mail and web addresses

_SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//|^mailto:", re.ASCII)
_HOST = re.compile(
    r"(?=.{4,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])\Z", re.ASCII
)


def email_key(address: str | None, limit: int = 320) -> str | None:
    """The whole address in lower case, an international domain in its ASCII form; None without an @."""
    local, at, domain = unicodedata.normalize("NFC", address or "").strip().casefold().rpartition("@")
    if not at or not local or not domain:
        return None
    return f"{local}@{_ascii_host(domain)}"[:limit]


def domain_of(address: str | None) -> str | None:
    """The host of an e-mail or web address: lower case, ASCII, without "www."; None if there is none."""
    text = unicodedata.normalize("NFC", address or "").strip().casefold()
    text = _SCHEME.sub("", text)
    host = re.split(r"[/?#\\]", text, maxsplit=1)[0].rpartition("@")[2]
    host = _ascii_host(re.sub(r":\d*\Z", "", host)).removeprefix("www.")
    return host if _HOST.match(host) else None


def is_free_mail(address: str | None) -> bool:
    """Whether the e-mail address, or the domain, is one where anybody gets a mailbox: it names no company."""
    return domain_of(address) in _free_mail_domains()


@lru_cache(maxsize=1)
def _free_mail_domains() -> frozenset[str]:
    lines = (_DATA / "free-mail.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def _ascii_host(host: str) -> str:
    host = host.rstrip(".")
    if host.isascii():
        return host
    import idna

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return host


# Companies

_FORMS = frozenset(
    tuple(form.split())
    for form in (
        # Spain, Latin America, Portugal, Brazil
        "sl|slu|sll|slp|slne|sa|sau|sal|sad|scp|sccl|scoop|coop|cb|aie|ute|sas|sac|saa|eirl|cia|srl|spa|"
        "sa de cv|sapi de cv|s de rl|s de rl de cv|sc|ltda|lda|eireli|me|epp|sociedad limitada|"
        "sociedad anonima|societat limitada|societat anonima|"
        # English-speaking
        "inc|incorporated|corp|corporation|co|company|ltd|limited|llc|llp|lp|lllp|plc|pllc|pc|pty|pvt|private|"
        "pty ltd|pvt ltd|cic|unlimited|na|nl|"
        # German-speaking, Benelux, France, Italy
        "gmbh|mbh|ggmbh|ag|kg|kgaa|ohg|ug|gbr|ek|ev|eg|se|gmbh co kg|ug haftungsbeschrankt|"
        "bv|nv|vof|cv|bvba|cvba|sprl|asbl|sarl|sasu|eurl|sci|snc|sca|scop|sapa|"
        # Nordic, Baltic, central and eastern Europe, Turkey
        "oy|oyj|ab|ab publ|publ|asa|as|aps|a s|hf|ehf|ou|uab|sia|kft|zrt|nyrt|bt|sro|s r o|spol sro|spzoo|"
        "sp zoo|sp z o o|sp z oo|spolka z oo|doo|dd|ad|ood|eood|ead|srl d|as ve tic|"
        # Asia
        "kk|gk|bhd|sdn bhd|sdn|pte|pte ltd|tbk|jsc|pjsc|ooo|oao|zao|ооо|оао|зао|пао|ао"
    )
    .replace("\n", "")
    .split("|")
)
_LONGEST_FORM = max(len(form) for form in _FORMS)
_JOINERS = frozenset({"and", "y", "und", "et"})
_STATE_OF_REGISTRATION = re.compile(r"[/\\]\s*[a-z]{2,5}\s*[/\\]?\s*\Z")


def company_key(name: str | None, limit: int = 255) -> str | None:
    """The company's name without case, accents, punctuation, "the", joining words and legal form.

    "S.L.", "GmbH & Co. KG" and "CORP /DE/" (a register's suffix) go; a name that is nothing but a
    legal form stays.  None for a name without a letter or digit.
    """
    text = re.sub("[™®©℠]|株式会社|有限会社", " ", name or "")
    text = _STATE_OF_REGISTRATION.sub("", fold(text)) or fold(text)
    words = _join_initials(_words(text))
    if not words:
        return None
    kept = words[1:] if words[0] == "the" and len(words) > 1 else words
    if kept[-1] == "the" and len(kept) > 1:
        kept = kept[:-1]
    kept = _without_form(kept[:1] + [w for w in kept[1:] if w not in _JOINERS])
    return " ".join(kept)[:limit].rstrip()


def words_of(text: str | None) -> list[str]:
    """The words of the folded text: split at everything that is neither letter, mark nor digit."""
    return _words(fold(text))


def _words(text: str) -> list[str]:
    """Split at everything that is neither letter, mark nor digit; apostrophes vanish."""
    text = text.replace("'", "")
    if text.isascii():
        return re.findall(r"[a-z0-9]+", text)
    return "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in text).split()


def _join_initials(words: list[str]) -> list[str]:
    """["s", "l"] → ["sl"]: initials are written with dots, with blanks or with neither."""
    joined: list[str] = []
    run = False
    for word in words:
        single = len(word) == 1 and word.isalpha()
        if single and run:
            joined[-1] += word
        else:
            joined.append(word)
        run = single
    return joined


def _without_form(words: list[str]) -> list[str]:
    while len(words) > 1:
        for length in range(min(_LONGEST_FORM, len(words) - 1), 0, -1):
            if tuple(words[-length:]) in _FORMS:
                words = words[:-length]
                break
        else:
            return words
    return words


# Phones

_FEWEST_DIGITS = 4  # as in the shortest national numbers, Saint Helena's


def phone_key(phone: str | None, country: str | None = None, limit: int = 30) -> str | None:
    """The number as E.164 ("+34600111222"), without extension; else its digits alone.

    country: ISO code that a number without a country code is read by.  None for fewer than four digits,
    which tell nobody apart.
    """
    if not phone:
        return None
    quick = _plain_international(phone)
    if quick is not None:
        return quick[:limit]
    digits = "".join(str(unicodedata.decimal(c)) for c in phone if c.isdecimal())
    if len(digits) < _FEWEST_DIGITS:
        return None
    import phonenumbers

    text = phone.strip()
    if country is None and digits.startswith("00") and not text.startswith("+"):
        text = f"+{digits[2:]}"
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return digits[:limit]
    if not phonenumbers.is_possible_number(number):
        return digits[:limit]
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[:limit]


_INTERNATIONAL = re.compile(r"\s*\+[1-9][0-9 .()-]{5,25}", re.ASCII)
_NO_DIGITS = re.compile(r"[^0-9]+", re.ASCII)


def _plain_international(phone: str) -> str | None:
    """The E.164 form of a number with + and country code of which nothing is to be taken off; else None.

    The library takes 30 microseconds a number, which imports feel; this is what it answers for most.
    """
    if not _INTERNATIONAL.fullmatch(phone):
        return None
    digits = _NO_DIGITS.sub("", phone)
    for length in (1, 2, 3):
        rules = _country_rules(int(digits[:length]))
        if rules is not None:
            lengths, prefix = rules
            national = digits[length:]
            is_plain = len(national) in lengths and national[0] != "0"
            return f"+{digits}" if is_plain and not (prefix and prefix.match(national)) else None
    return None


@lru_cache(maxsize=1000)
def _country_rules(code: int) -> tuple[frozenset[int], re.Pattern[str] | None] | None:
    """Possible lengths of a national number, and what is dialled before it at home; None for no such code."""
    import phonenumbers

    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code)
    if not regions:
        return None
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, regions[0])
    if metadata is None or metadata.general_desc is None:
        return None
    prefix = metadata.national_prefix_for_parsing
    return frozenset(metadata.general_desc.possible_length), re.compile(prefix) if prefix else None
