"""Whether a person agreed to be contacted, and what they want no more: the one rule of what wins when records meet.

Consent is yes, no or unknown (None); with it go what it rests on, its date, and where it came from.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_, func, true

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


def basis_name(basis: str | None) -> str:
    """What the reader calls a basis; one that was written in words stands as it is."""
    return str(BASES.get(basis or "", basis or ""))
