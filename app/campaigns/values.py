"""From what people and programs send to what is stored of a campaign: cleaned values."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l

from app.accounts.fields import Field, FieldKind
from app.accounts.values import clean_values as clean_fields
from app.campaigns.fields import CAMPAIGN_FIELDS, STATUSES, TYPES
from app.campaigns.models import CampaignStatus, CampaignType
from app.kernel.errors import Invalid
from app.kernel.fold import fold
from app.kernel.parse import parse_number
from app.kernel.text import clean_text

MOST_COST = 10**15
MOST_STATUSES = 12


def clean_values(values: Mapping[str, Any], *, is_new: bool = False) -> dict[str, Any]:
    """What was given, by field name, fit to store; an empty value is None.  Source, currency and owner stay names.

    Raises Invalid with every field that is unknown, not valid, or required and empty.
    """
    return clean_fields(CAMPAIGN_FIELDS, values, is_new=is_new, clean=_clean)


def _clean(field: Field, value: Any) -> Any:
    if field.kind is FieldKind.MONEY:
        return _cost(field.name, value)
    if field.kind is FieldKind.DATE and isinstance(value, date):
        return value
    text = clean_text(
        value, max_length=field.max_length if field.name != "currency" else 100, field=field.name,
        multiline=field.kind is FieldKind.LONG_TEXT,
    )  # fmt: skip
    if field.name == "name" and text is not None and not fold(text):
        raise Invalid({"name": [_l("Give a value.")]})
    if field.name == "status":
        return CampaignStatus(_one_of(field.name, text, STATUSES)) if text else CampaignStatus.ACTIVE
    if text is None:
        return None
    if field.name == "type":
        return CampaignType(_one_of(field.name, text, TYPES))
    return _day(field.name, text) if field.kind is FieldKind.DATE else text


def _one_of(name: str, text: str, known: Mapping[str, Any]) -> str:
    if text not in known:
        raise Invalid({name: [_l("Choose one of: %(known)s.", known=", ".join(known))]})
    return text


def _day(name: str, text: str) -> date:
    try:
        day = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        day = None
    if day is None or not 1900 <= day.year <= 2200:
        raise Invalid({name: [_l("Give a date such as 2026-03-31.")]})
    return day


def _cost(name: str, value: Any) -> Decimal | None:
    number: Decimal | None
    if isinstance(value, bool):
        raise Invalid({name: [_l("Give a number.")]})
    if isinstance(value, int | float | Decimal):
        number = Decimal(str(value))
    else:
        text = clean_text(value, max_length=60, field=name)
        if text is None:
            return None
        number = parse_number(text)
    if number is None or not number.is_finite():
        raise Invalid({name: [_l("Give a number.")]})
    if not 0 <= number < MOST_COST:
        raise Invalid({name: [_l("Give an amount, zero or more.")]})
    return number


def clean_statuses(
    given: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The statuses of members as they are kept; one without a key is new and gets one.  Raises Invalid.

    given: `{"key"?, "name", "answered"}`, those without a name are left out.
    """
    known = {each["key"] for each in before}
    found: list[dict[str, Any]] = []
    for entry in given:
        name = clean_text(entry.get("name"), max_length=40, field="member_statuses")
        if not name or not fold(name):
            continue
        key = (
            entry.get("key")
            if entry.get("key") in known
            else _free_key(name, known | {e["key"] for e in found})
        )
        if fold(name) in {fold(each["name"]) for each in found}:
            raise Invalid({"member_statuses": [_l("Two statuses of members have the same name.")]})
        found.append({"key": str(key), "name": name, "answered": bool(entry.get("answered"))})
    if not found:
        raise Invalid({"member_statuses": [_l("Keep one status of members at least.")]})
    if len(found) > MOST_STATUSES:
        raise Invalid({"member_statuses": [_l("No more than %(most)s statuses.", most=MOST_STATUSES)]})
    return found


def _free_key(name: str, taken: set[str]) -> str:
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in fold(name, 30)).strip("_") or "status"
    key, number = plain, 2
    while key in taken:
        key, number = f"{plain}_{number}", number + 1
    return key
