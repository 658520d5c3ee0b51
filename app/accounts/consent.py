"""Whether a person agreed to be contacted, and what they want no more: the one rule of what wins when records meet.

Consent is yes, no or unknown (None); with it go what it rests on, its date, and where it came from.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_, func, true

from app.kernel.fold import fold

OPT_OUTS = ("opted_out_email", "opted_out_phone")
CONSENT = ("consent", "consent_basis", "consent_on", "consent_origin")
# What processing somebody's data may rest on.  Source: Regulation (EU) 2016/679, article 6(1).
BASES: Mapping[str, Any] = {
    "consent": _l("Consent"),
    "contract": _l("Contract"),
    "legitimate_interest": _l("Legitimate interest"),
    "legal_obligation": _l("Legal obligation"),
    "public_interest": _l("Public interest"),
    "vital_interest": _l("Vital interest"),
}
# What spreadsheets and other systems write for them, folded.
_WORDS: Mapping[str, str] = {
    fold(word): key
    for key, words in {
        "consent": "consent, opt-in, opt in, explicit consent, consentimiento, consentiment, 6(1)(a)",
        "contract": "contract, performance of a contract, contrato, contracte, 6(1)(b)",
        "legal_obligation": "legal obligation, obligación legal, obligació legal, 6(1)(c)",
        "vital_interest": "vital interest, vital interests, interés vital, interès vital, 6(1)(d)",
        "public_interest": "public interest, public task, interés público, interès públic, 6(1)(e)",
        "legitimate_interest": "legitimate interest, legitimate interests, interés legítimo, interès legítim, 6(1)(f)",
    }.items()
    for word in (key, *words.split(", "))
}


def stricter(
    kept: Mapping[str, Any], arriving: Mapping[str, Any], *, may_fill: bool = True
) -> dict[str, Any]:
    """What changes of a record when another becomes part of it: name → value, only what differs.

    It only ever gets stricter: an opt-out of either holds, and a no of either.  An unknown consent is filled in
    where that may be done; a yes never takes the place of a no.  Asked again with the result, nothing changes.
    """
    changes: dict[str, Any] = {name: True for name in OPT_OUTS if arriving.get(name) and not kept.get(name)}
    had, comes = kept.get("consent"), arriving.get("consent")
    says_no = comes is False and had is not False
    fills = comes is True and had is None and may_fill
    if says_no or fills:
        changes |= {name: arriving.get(name) for name in CONSENT if kept.get(name) != arriving.get(name)}
    return changes


def opt_outs_noted(
    kept: Mapping[str, Any] | None, changed: Mapping[str, Any], user_id: int | None, now: datetime
) -> dict[str, Any]:
    """Opt-out → `{"by", "at"}` after a change: who noted it and when; nothing of what was taken back."""
    noted = {name: entry for name, entry in (kept or {}).items() if changed.get(name) is not False}
    return noted | {name: {"by": user_id, "at": now.isoformat()} for name in OPT_OUTS if changed.get(name)}


def may_reach(model: Any, channel: str) -> ColumnElement[bool]:
    """That a lead, or a contact, may be written to ("email"), or called ("phone"): no opt-out, and no no."""
    opted_out = {"email": model.opted_out_email, "phone": model.opted_out_phone}[channel]
    return and_(opted_out.is_(False), func.coalesce(model.consent, true()).is_(True))


def basis_key(text: str) -> str | None:
    """The basis that is meant by its key, by its name in one of Canal's languages, or by its article; None if none is."""
    return _WORDS.get(fold(text))


def basis_choices(kept: str | None) -> list[tuple[str, str]]:
    """(key, name) of what consent may rest on; one that was written in words stays choosable where it is."""
    known = [("", "–"), *((key, str(label)) for key, label in BASES.items())]
    return known if not kept or kept in BASES else [*known, (kept, kept)]


def basis_name(basis: str | None) -> str:
    """What the reader calls a basis; one that was written in words stands as it is."""
    return str(BASES.get(basis or "", basis or ""))
