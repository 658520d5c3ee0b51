"""From what people and programs send to what is stored of a case: cleaned values."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from app.accounts.fields import Field, FieldKind
from app.accounts.values import clean_values as clean_fields
from app.cases.fields import CASE_FIELDS, CHOICES
from app.cases.models import CaseOrigin, CasePriority, CaseType
from app.kernel.errors import Invalid
from app.kernel.text import clean_text

_ENUMS: Mapping[str, Any] = {"priority": CasePriority, "type": CaseType, "origin": CaseOrigin}


def clean_values(values: Mapping[str, Any], *, is_new: bool = False) -> dict[str, Any]:
    """What was given, by field name, fit to store; an empty value is None.  References and status stay names.

    Raises Invalid with every field that is unknown, not valid, or required and empty.
    """
    return clean_fields(CASE_FIELDS, values, is_new=is_new, clean=_clean)


def _clean(field: Field, value: Any) -> Any:
    text = clean_text(
        value,
        max_length=field.max_length,
        field=field.name,
        multiline=field.kind is FieldKind.LONG_TEXT,
    )
    if field.name == "priority" and text is None:
        return CasePriority.NORMAL
    if field.name not in CHOICES or text is None:
        return text
    if text not in CHOICES[field.name]:
        known = ", ".join(CHOICES[field.name])
        raise Invalid({field.name: [_l("Choose one of: %(known)s.", known=known)]})
    return _ENUMS[field.name](text)
