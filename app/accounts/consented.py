"""What a contact agreed to and wants no more, from what programs and files send to what is stored.

Beside the fields of a contact (`fields`): on screen it has a page of its own (`care.consent`).
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l

from app.accounts.consent import BASES, OPT_OUTS, basis_key, opt_outs_noted
from app.accounts.fields import Field, FieldKind
from app.accounts.models import Contact
from app.kernel.actor import Actor
from app.kernel.errors import Invalid
from app.kernel.parse import parse_moment, parse_yes_no
from app.kernel.text import clean_text

LONGEST_ORIGIN = 255


def _fields() -> list[Field]:
    about = "consent"
    return [
        Field("consent", _l("Consent"), _l("Did the person agree to be contacted?"), section=about),
        Field(
            "consent_basis",
            _l("Basis of consent"),
            _l("What it rests on that their data is kept and used."),
            section=about,
        ),
        Field(
            "consent_on",
            _l("Date of consent"),
            _l("When it was given or refused."),
            FieldKind.DATE,
            section=about,
        ),
        Field(
            "consent_origin", _l("Where consent came from"), _l("Such as a form or a call."), section=about
        ),
        Field("opted_out_email", _l("No e-mail"), _l("The person does not want e-mail."), section=about),
        Field("opted_out_phone", _l("No calls"), _l("The person does not want calls."), section=about),
    ]


CONSENT_FIELDS: dict[str, Field] = {field.name: field for field in _fields()}


def split_consent(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(what is about consent, the rest)."""
    own = {name: value for name, value in values.items() if name in CONSENT_FIELDS}
    return own, {name: value for name, value in values.items() if name not in own}


def clean_consent(values: Mapping[str, Any], kept_basis: str | None = None) -> dict[str, Any]:
    """What was given, fit to store.  kept_basis: what stands there now, perhaps in words from before there was a list.

    Raises Invalid with every field that is not valid.
    """
    cleaned: dict[str, Any] = {}
    errors: dict[str, list[Any]] = {}
    for name, given in values.items():
        try:
            cleaned[name] = (
                given if name == "consent_basis" and given == kept_basis else _READ[name](name, given)
            )
        except Invalid as error:
            errors |= error.errors
    if errors:
        raise Invalid(errors)
    return cleaned


def consent_columns(
    actor: Actor, contact: Contact | None, values: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """The columns that change, with who noted an opt-out.  contact: None for a new one.

    The vendor's people alone say this.  Raises Invalid.
    """
    if actor.is_partner and values:
        raise Invalid({name: [_l("There is no such field.")] for name in values})
    cleaned = clean_consent(values, contact.consent_basis if contact is not None else None)
    kept = {name: getattr(contact, name) if contact is not None else None for name in cleaned}
    changed = {name: value for name, value in cleaned.items() if kept[name] != value}
    if set(changed) & set(OPT_OUTS):
        noted = contact.opted_out_by if contact is not None else {}
        changed["opted_out_by"] = opt_outs_noted(noted, changed, actor.user_id, now)
    return changed


def _yes_no(name: str, given: Any) -> bool | None:
    if isinstance(given, bool):
        return given
    text = clean_text(given, field=name)
    answer = parse_yes_no(text) if text is not None else None
    if text is not None and answer is None:
        raise Invalid({name: [_l("“%(value)s” is neither yes nor no.", value=text[:60])]})
    return answer


def _opt_out(name: str, given: Any) -> bool:
    answer = _yes_no(name, given)
    if answer is None:
        raise Invalid({name: [_l("This cannot be empty.")]})
    return answer


def _basis(name: str, given: Any) -> str | None:
    text = clean_text(given, field=name)
    found = basis_key(text) if text is not None else None
    if text is not None and found is None:
        known = ", ".join(BASES)
        raise Invalid({name: [_l("“%(value)s” is none of: %(known)s.", value=text[:60], known=known)]})
    return found


def _day(name: str, given: Any) -> date | None:
    if isinstance(given, date):  # a file's cell, read before
        return given
    text = clean_text(given, field=name)
    moment = parse_moment(text, UTC) if text is not None else None
    if text is not None and (moment is None or not 1900 <= moment.year < 2200):
        raise Invalid({name: [_l("Give a date such as 2026-03-31.")]})
    return moment.date() if moment is not None else None


def _origin(name: str, given: Any) -> str | None:
    return clean_text(given, max_length=LONGEST_ORIGIN, field=name)


_READ: Mapping[str, Callable[[str, Any], Any]] = {
    "consent": _yes_no,
    "consent_basis": _basis,
    "consent_on": _day,
    "consent_origin": _origin,
    **dict.fromkeys(OPT_OUTS, _opt_out),
}
