"""What a form can ask, what it can add by itself, and what it asks as things are now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _

from app.fields.catalogue import Definition
from app.fields.kinds import Kind
from app.kernel.countries import country_choices
from app.leads.fields import FIELDS, Field, FieldKind

Known = Mapping[str, Field | Definition]

# What the vendor's people judge, and what says where a lead came from, is not asked of strangers.
_OURS = frozenset(
    {
        "status", "source", "campaign", "rating", "score", "unqualified_reason", "external_id", "arrived_at",
        "consent_basis", "interest_confirmed",
    }
)  # fmt: skip
_NEVER_HIDDEN = frozenset({"status", "score", "unqualified_reason", "external_id", "arrived_at"})
_KINDS = frozenset({Kind.TEXT, Kind.NUMBER, Kind.MONEY, Kind.DATE, Kind.CHOICE, Kind.YES_NO, Kind.LINK})
STRICT = ("last_name", "company")
AUTOCOMPLETE = {
    "last_name": "family-name", "first_name": "given-name", "company": "organization", "email": "email", "phone": "tel",
    "mobile": "tel", "title": "organization-title", "website": "url", "street": "street-address",
    "city": "address-level2", "state": "address-level1", "postal_code": "postal-code", "country": "country",
}  # fmt: skip
_TYPES = {"email": "email", "phone": "tel", "url": "url", "link": "url", "date": "date"}
_NUMBERS = ("number", "money")


@dataclass(frozen=True, slots=True)
class FormField:
    """A field as a form asks for it.  kind: line, text, choice or tick; options: value and words, of a choice."""

    name: str
    label: str
    help: str
    is_required: bool
    kind: str
    type: str = "text"
    inputmode: str = ""
    autocomplete: str = ""
    max_length: int | None = None
    options: Sequence[tuple[str, str]] = ()


def askable(own: Mapping[str, Definition]) -> dict[str, Field | Definition]:
    """What a form can ask.  own: the fields that administrators added and that are in use."""
    standard = {name: field for name, field in FIELDS.items() if name not in _OURS}
    return {**standard, **{name: field for name, field in own.items() if field.kind in _KINDS}}


def hideable(own: Mapping[str, Definition]) -> dict[str, Field | Definition]:
    """What a form can fill in by itself."""
    standard = {name: field for name, field in FIELDS.items() if name not in _NEVER_HIDDEN}
    return {**standard, **{name: field for name, field in own.items() if field.kind in _KINDS}}


def asked(fields: Sequence[Mapping[str, Any]], known: Known, *, strict: bool) -> list[FormField]:
    """What a form asks now, in the language of the moment: fields that are gone are left out.

    strict: last name and company must be given wherever a lead is captured; they are asked then if the form
    forgot to, for nobody could send it otherwise.
    """
    required = STRICT if strict else ()
    named = {str(field["name"]) for field in fields}
    added = [{"name": name} for name in required if name not in named]
    return [
        _form_field(field, known[field["name"]], field["name"] in required)
        for field in [*fields, *added]
        if field["name"] in known
    ]


def _form_field(field: Mapping[str, Any], known: Field | Definition, is_asked_everywhere: bool) -> FormField:
    kind = str(known.kind)
    return FormField(
        name=known.name,
        label=field.get("label") or str(known.label),
        help=field.get("help") or "",
        is_required=bool(field.get("required")) or is_asked_everywhere,
        kind=_control(known.name, kind),
        type=_TYPES.get(kind, "text"),
        inputmode="decimal" if kind in _NUMBERS else "",
        autocomplete=AUTOCOMPLETE.get(known.name, ""),
        max_length=known.max_length if kind in ("text", "long_text", "email", "phone", "url") else None,
        options=_options(known, kind),
    )


def _control(name: str, kind: str) -> str:
    if kind == FieldKind.LONG_TEXT:
        return "text"
    if kind == FieldKind.BOOLEAN:
        return "tick"
    return "choice" if kind in (FieldKind.COUNTRY, FieldKind.CHOICE, Kind.YES_NO) else "line"


def _options(known: Field | Definition, kind: str) -> Sequence[tuple[str, str]]:
    if kind == FieldKind.COUNTRY:
        return country_choices(str(get_locale() or "en")[:2])
    if kind == Kind.YES_NO:
        return [("yes", _("Yes")), ("no", _("No"))]
    if isinstance(known, Definition) and kind == Kind.CHOICE:
        return [(choice.key, choice.label) for choice in known.offered]
    return ()
