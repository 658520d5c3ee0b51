"""From what people and programs send to what is stored: cleaned values and the columns derived from them."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l

from app.accounts.fields import CATEGORIES, FOURTH_CATEGORY, Field, FieldKind
from app.kernel.clock import zones
from app.kernel.countries import country_code
from app.kernel.errors import Invalid
from app.kernel.fold import company_key, domain_of, email_key, fold, is_free_mail, phone_key
from app.kernel.parse import parse_email, parse_number
from app.kernel.text import clean_text

LANGUAGES = ("en", "es", "ca")
MOST_EMPLOYEES = 100_000_000
MOST_REVENUE = 10**15
_UNSAFE_SCHEME = re.compile(r"\A\s*(?!https?:)[a-z][a-z0-9+.-]*:(?!\d)", re.IGNORECASE)


def clean_values(
    fields: Mapping[str, Field],
    values: Mapping[str, Any],
    *,
    is_new: bool = False,
    clean: Callable[[Field, Any], Any] | None = None,
) -> dict[str, Any]:
    """What was given, by field name, fit to store; an empty value is None.  References stay public names.

    Raises Invalid with every field that is unknown, not valid, or required and empty; of a new record
    those that were not given are asked for too.  clean: how one value is cleaned, of fields of another object.
    """
    cleaned: dict[str, Any] = {}
    errors: dict[str, list[Any]] = {}
    for name, value in values.items():
        field = fields.get(name)
        if field is None:
            errors[name] = [_l("There is no such field.")]
            continue
        try:
            cleaned[name] = (clean or _clean)(field, value)
        except Invalid as error:
            errors[name] = [message for messages in error.errors.values() for message in messages]
    for name, field in fields.items():
        if field.is_required and cleaned.get(name) is None and (is_new or name in cleaned):
            errors.setdefault(name, [_l("Give a value.")])
    if errors:
        raise Invalid(errors)
    return cleaned


def _clean(field: Field, value: Any) -> Any:
    if field.kind is FieldKind.NUMBER:
        return _number(field, value)
    if field.kind is FieldKind.MONEY:
        return _money(field, value)
    text = clean_text(
        value,
        max_length=field.max_length if field.kind is not FieldKind.COUNTRY else 100,
        field=field.name,
        multiline=field.kind is FieldKind.LONG_TEXT,
    )
    check = _CHECKS.get(field.kind)
    return text if text is None or check is None else check(field, text)


def _refuse(field: Field, message: Any) -> Invalid:
    return Invalid({field.name: [message]})


def _email(field: Field, text: str) -> str:
    address = parse_email(text)
    if address is None:
        raise _refuse(field, _l("“%(value)s” is not an e-mail address.", value=_short(text)))
    return address


def _url(field: Field, text: str) -> str:
    if _UNSAFE_SCHEME.match(text) or " " in text:
        raise _refuse(field, _l("“%(value)s” is not a web address.", value=_short(text)))
    return text


def _country(field: Field, text: str) -> str:
    code = country_code(text)
    if code is None:
        raise _refuse(field, _l("“%(value)s” is not a country.", value=_short(text)))
    return code


def _choice(field: Field, text: str) -> str:
    if text not in CATEGORIES and text != FOURTH_CATEGORY:
        raise _refuse(field, _l("“%(value)s” is not one of the choices.", value=_short(text)))
    return text


def _language(field: Field, text: str) -> str:
    if text not in LANGUAGES:
        raise _refuse(field, _l("“%(value)s” is not one of the choices.", value=_short(text)))
    return text


def _time_zone(field: Field, text: str) -> str:
    if text not in zones():
        raise _refuse(field, _l("“%(value)s” is not one of the choices.", value=_short(text)))
    return text


_CHECKS = {
    FieldKind.EMAIL: _email,
    FieldKind.URL: _url,
    FieldKind.COUNTRY: _country,
    FieldKind.CHOICE: _choice,
    FieldKind.LANGUAGE: _language,
    FieldKind.TIME_ZONE: _time_zone,
}


def _number(field: Field, value: Any) -> int | None:
    amount = _decimal(field, value)
    if amount is None:
        return None
    if amount != amount.to_integral_value() or not 0 <= amount <= MOST_EMPLOYEES:
        raise _refuse(field, _l("Give a whole number, zero or more."))
    return int(amount)


def _money(field: Field, value: Any) -> float | None:
    amount = _decimal(field, value)
    if amount is None:
        return None
    if not 0 <= amount < MOST_REVENUE:
        raise _refuse(field, _l("Give an amount, zero or more."))
    return float(round(amount, 2))


def _decimal(field: Field, value: Any) -> Decimal | None:
    if isinstance(value, bool):
        raise _refuse(field, _l("Give a number."))
    if isinstance(value, int | float | Decimal):
        number: Decimal | None = Decimal(str(value))
    else:
        text = clean_text(value, field=field.name)
        if text is None:
            return None
        number = parse_number(text)
    if number is None or not number.is_finite():
        raise _refuse(field, _l("Give a number."))
    return number


def _short(text: str) -> str:
    """Enough of what was given to recognise it in a complaint."""
    return text if len(text) <= 60 else text[:59] + "…"


def person_name(values: Mapping[str, Any]) -> str:
    """The name of a person account, from its parts."""
    return " ".join(part for part in (values.get("first_name"), values.get("last_name")) if part)


def account_keys(values: Mapping[str, Any]) -> dict[str, Any]:
    """The derived columns of a whole account, by which it is sorted, searched and compared."""
    email = values.get("email")
    domain = domain_of(values.get("website"))
    if domain is None and email and not is_free_mail(email):
        domain = domain_of(email)
    return {
        "name_fold": fold(values["name"], 255),
        "company_key": company_key(values["name"]) or "",
        "domain": domain,
        "phone_key": phone_key(values.get("phone") or values.get("mobile"), values.get("billing_country")),
    }


def contact_keys(values: Mapping[str, Any], country: str | None) -> dict[str, Any]:
    """The derived columns of a whole contact.  country: of its account, to read phone numbers by."""
    return {
        "last_name_fold": fold(values["last_name"], 120),
        "email_key": email_key(values.get("email")),
        "phone_key": phone_key(values.get("phone") or values.get("mobile"), country),
    }
