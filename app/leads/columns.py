"""From a lead's values to its columns: the folded and key columns that sorting, search and duplicates use."""

from collections.abc import Mapping
from typing import Any

from app.kernel.fold import company_key, email_key, fold, phone_key

_DERIVED_FROM = {
    "last_name": ("last_name_fold",),
    "company": ("company_fold", "company_key"),
    "email": ("email_key",),
    "phone": ("phone_key",),
    "mobile": ("phone_key",),
    "country": ("phone_key",),
}


def derived_columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """All derived columns of a whole lead.  values: the lead's fields by attribute name."""
    company, email = values.get("company"), values.get("email")
    number = values.get("phone") or values.get("mobile")
    return {
        "last_name_fold": fold(values.get("last_name"), 120),
        "company_fold": fold(company, 255),
        "company_key": company_key(company),
        "email_key": email_key(email),
        "phone_key": phone_key(number, values.get("country")),
    }


def touches_derived(names: Mapping[str, Any]) -> bool:
    """Whether a change of these fields changes derived columns."""
    return any(name in _DERIVED_FROM for name in names)
