"""From what people and programs send to what is stored of an opportunity: cleaned values."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l

from app.accounts.fields import Field, FieldKind
from app.accounts.values import clean_values as clean_fields
from app.kernel.errors import Invalid
from app.kernel.parse import parse_number
from app.kernel.text import clean_text
from app.opportunities import currencies
from app.opportunities.fields import MOST_AMOUNT, OPPORTUNITY_FIELDS


def clean_values(values: Mapping[str, Any], *, is_new: bool = False) -> dict[str, Any]:
    """What was given, by field name, fit to store; an empty value is None.  References and entries stay names.

    Raises Invalid with every field that is unknown, not valid, or required and empty.
    """
    return clean_fields(OPPORTUNITY_FIELDS, values, is_new=is_new, clean=_clean)


def _clean(field: Field, value: Any) -> Any:
    if field.kind is FieldKind.MONEY:
        return _amount(value)
    if field.kind is FieldKind.NUMBER:
        return _percent(value)
    if field.kind is FieldKind.DATE and isinstance(value, date):
        return value
    text = clean_text(
        value,
        # A word that is too long is no currency either; that is said in a better way.
        max_length=100 if field.name == "currency" else field.max_length,
        field=field.name,
        multiline=field.kind is FieldKind.LONG_TEXT,
    )
    if text is None:
        return None
    if field.name == "currency":
        return read_currency(text)
    return _date(text) if field.kind is FieldKind.DATE else text


def read_currency(text: str) -> str:
    """The code.  Raises Invalid."""
    code = currencies.read(text)
    if code is None:
        raise Invalid(
            {
                "currency": [
                    _l("“%(code)s” is no currency. Give its three letters, such as EUR.", code=text[:20])
                ]
            }
        )
    return code


def _date(text: str) -> date:
    try:
        day = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        day = None
    if day is None or not 1900 <= day.year <= 2200:
        raise Invalid({"close_date": [_l("Give a date such as 2026-03-31.")]})
    return day


def _decimal(value: Any, field: str) -> Decimal | None:
    number: Decimal | None
    if isinstance(value, bool):
        raise Invalid({field: [_l("Give a number.")]})
    if isinstance(value, int | float | Decimal):
        number = Decimal(str(value))
    else:
        text = clean_text(value, max_length=60, field=field)
        if text is None:
            return None
        number = parse_number(text)
    if number is None or not number.is_finite():
        raise Invalid({field: [_l("Give a number.")]})
    return number


def _amount(value: Any) -> Decimal | None:
    amount = _decimal(value, "amount")
    if amount is not None and not 0 <= amount < MOST_AMOUNT:
        raise Invalid({"amount": [_l("Give an amount, zero or more.")]})
    return amount


def _percent(value: Any) -> int | None:
    percent = _decimal(value, "probability")
    if percent is None:
        return None
    if percent != percent.to_integral_value() or not 0 <= percent <= 100:
        raise Invalid({"probability": [_l("Give a whole number from 0 to 100.")]})
    return int(percent)


def fit_amount(amount: Decimal | float | None, currency: str | None) -> float | None:
    """The amount as it is stored.  Raises Invalid where the currency has no coins so small."""
    if amount is None or currency is None:
        return None
    if not currencies.fits(Decimal(str(amount)), currency):
        raise Invalid(
            {
                "amount": [
                    _l(
                        "%(currency)s has %(count)s decimals; give the amount with no more.",
                        currency=currency,
                        count=currencies.decimals(currency),
                    )
                ]
            }
        )
    return float(amount)
