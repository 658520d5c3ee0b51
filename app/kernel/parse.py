"""Values as people and other programs write them: e-mail addresses, numbers, moments, yes and no.

Pure.  Each answers None for text that is no such value; saying so in words is the caller's matter.
"""

import re
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal, InvalidOperation

# E-mail addresses

_PLAIN_EMAIL = re.compile(
    r"(?!\.)(?!.*\.\.)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}(?<!\.)"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])",
    re.ASCII,
)
_LONGEST_EMAIL = 254


def parse_email(text: str) -> str | None:
    """The address when it is well formed (local part, @, domain with a dot); its case is kept.

    Nobody is asked whether it exists.  Names with marks and international domains pass.
    """
    if len(text) <= _LONGEST_EMAIL and _PLAIN_EMAIL.fullmatch(text):
        return text
    if text.isascii() and '"' not in text:
        return None
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(
            text, check_deliverability=False, allow_quoted_local=text.isascii(), test_environment=True
        )
    except EmailNotValidError:
        return None
    return text if "." in found.ascii_domain else None


# Numbers

_CURRENCY = re.compile(r"[\s\u00a0\u202f'’_]|[$€£¥]|\b(?:EUR|USD|GBP|CHF|BRL|R)\b\$?", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d[\d.,]*|[+-]?[.,]\d+", re.ASCII)
_EXPONENT = re.compile(r"[+-]?\d+(?:\.\d+)?[eE][+-]?\d{1,2}", re.ASCII)
_LONGEST_NUMBER = 40


def parse_number(text: str) -> Decimal | None:
    """The number, whichever of point and comma marks its decimals: "1.234,56" and "1,234.56" are one.

    A single mark before exactly three digits separates thousands ("1.234" is 1234), unless nothing but
    a zero stands before it.  Blanks, apostrophes and currency signs are left out.
    """
    if len(text) > _LONGEST_NUMBER:
        return None
    if text.isascii() and text.isdecimal():
        return Decimal(text)
    plain = _CURRENCY.sub("", text).replace("\u2212", "-")
    if _EXPONENT.fullmatch(plain):
        return _decimal(plain)
    if not _NUMBER.fullmatch(plain):
        return None
    return _decimal(_with_point(plain))


def _with_point(number: str) -> str:
    """The digits with a point before the decimals and no other mark; "" where the marks make no sense."""
    points, commas = number.count("."), number.count(",")
    if points and commas:
        last = max(number.rfind("."), number.rfind(","))
        whole, decimals = number[:last], number[last + 1 :]
        if number[last] in whole:
            return ""
        mark = "." if number[last] == "," else ","
        return f"{whole.replace(mark, '')}.{decimals}" if _are_thousands(whole, mark) else ""
    if not points and not commas:
        return number
    mark = "." if points else ","
    whole, _, decimals = number.partition(mark)
    if points + commas > 1:
        return number.replace(mark, "") if _are_thousands(number, mark) else ""
    is_thousands = len(decimals) == 3 and whole.lstrip("+-0") != "" and len(whole.lstrip("+-")) <= 3
    return whole + decimals if is_thousands else f"{whole}.{decimals}"


def _are_thousands(number: str, mark: str) -> bool:
    first, *groups = number.lstrip("+-").split(mark)
    if not 1 <= len(first) <= 3 or len(groups[-1] if groups else first) > 3:
        return False
    # 12,34,567 is how India groups; the last group always has three.
    return all(len(group) in (2, 3) for group in groups[:-1]) and (not groups or len(groups[-1]) == 3)


def _decimal(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


# Yes and no

_YES = frozenset("1 true t yes y on x sí si s ✓ ✔ wahr ja vrai oui verdadero cert veritat sim".split())  # noqa: SIM905
_NO = frozenset("0 false f no n off ✗ falsch nein faux non falso fals não nao".split())  # noqa: SIM905


def parse_yes_no(text: str) -> bool | None:
    """True or False in the languages of Canal and in what spreadsheets write."""
    word = text.strip().casefold()
    return True if word in _YES else False if word in _NO else None


# Moments

_ISO_DATE = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", re.ASCII)
_DAY_OR_MONTH = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d{2})", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_TIME = re.compile(
    r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([ap]\.?\s?m\.?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?",
    re.ASCII | re.IGNORECASE,
)
_PIVOT = 70  # two-digit years from 70 on are of the last century


def parse_moment(text: str, zone: tzinfo, *, day_first: bool = True) -> datetime | None:
    """The moment, aware, in UTC; one without a zone is meant in `zone`, a bare date is its midnight.

    Year first as in ISO 8601, else day and month as `day_first` says unless only the other order makes
    a date.  Twelve-hour times and offsets are understood.
    """
    text = text.strip()
    day, rest = _leading_date(text, day_first)
    if day is None:
        return None
    rest = rest.lstrip(" ,T\u00a0\u202f")
    clock, offset = (time(), "") if not rest else _time_of(rest)
    if clock is None:
        return None
    moment = datetime.combine(day, clock)
    try:
        if offset:
            return _with_offset(moment, offset).astimezone(UTC)
        return moment.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def parse_iso_moment(text: str) -> datetime | None:
    """The moment as ISO 8601 and RFC 3339 write it, aware, in UTC; a date or time without a zone is in UTC.

    None outside the years from 1900 to 2199 too, which no record has and not every database compares.
    """
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return moment if 1900 <= moment.year < 2200 else None


def tells_day_first(text: str) -> bool | None:
    """Whether this date can only be day first (True) or month first (False); None when it does not tell."""
    found = _DAY_OR_MONTH.match(text.strip())
    if found is None:
        return None
    first, second = int(found[1]), int(found[2])
    if first > 12 >= second:
        return True
    return False if second > 12 >= first else None


def _leading_date(text: str, day_first: bool) -> tuple[date | None, str]:
    for pattern in (_ISO_DATE, _COMPACT):
        found = pattern.match(text)
        if found and not text[found.end() : found.end() + 1].isdigit():
            return _date(int(found[1]), int(found[2]), int(found[3])), text[found.end() :]
    found = _DAY_OR_MONTH.match(text)
    if not found:
        return None, ""
    first, second, year = int(found[1]), int(found[2]), int(found[3])
    if len(found[3]) == 2:
        year += 1900 if year >= _PIVOT else 2000
    day, month = (first, second) if day_first else (second, first)
    return _date(year, month, day) or _date(year, day, month), text[found.end() :]


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _time_of(text: str) -> tuple[time | None, str]:
    found = _TIME.fullmatch(text.strip())
    if not found:
        return None, ""
    hour, half = int(found[1]), (found[5] or "")[:1].lower()
    if half and not 1 <= hour <= 12:
        return None, ""
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    micro = int((found[4] or "0")[:6].ljust(6, "0"))
    try:
        return time(hour, int(found[2]), int(found[3] or 0), micro), found[6] or ""
    except ValueError:
        return None, ""


def _with_offset(moment: datetime, offset: str) -> datetime:
    if offset.upper() in ("Z", "UTC", "GMT"):
        return moment.replace(tzinfo=UTC)
    offset = offset if ":" in offset else f"{offset[:3]}:{offset[3:]}"
    return datetime.fromisoformat(f"{moment.isoformat()}{offset}")
