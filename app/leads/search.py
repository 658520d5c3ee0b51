"""Finding leads by what people remember of them: company, name, e-mail, phone in any notation.

Every way of matching is answered from its own index and reads a bounded number of entries, so that a
search costs the same at ten thousand and ten million leads.
"""

import re
from collections.abc import Sequence
from typing import Any

from babel.core import get_global
from sqlalchemy import ColumnElement, and_, or_, select, union
from sqlalchemy.orm import InstrumentedAttribute

from app.kernel import refs
from app.kernel.actor import Actor, Level
from app.kernel.fold import fold, phone_key
from app.leads.models import Lead
from app.sharing.scope import scope

Condition = ColumnElement[bool]

MOST_CANDIDATES = 1000
FEWEST_DIGITS = 5
_LAST = "\U0010ffff"
_FOUND_BY = ("company", "first_name", "last_name", "email", "phone", "mobile")


def found_by(actor: Actor, text: str) -> Condition:
    """That the lead is one of those that the text finds, among what the actor may read in full."""
    parts = _ways(actor, text.strip())
    if not parts:
        return Lead.id.is_(None)
    limited = [
        select(
            select(Lead.id).where(scope(Lead, actor, Level.READ), part).limit(MOST_CANDIDATES).subquery().c.id
        )
        for part in parts
    ]
    found: Any = union(*limited) if len(limited) > 1 else limited[0]
    return Lead.id.in_(select(found.subquery().c.id))


def _ways(actor: Actor, text: str) -> list[Condition]:
    """The ways in which a lead can match the text."""
    folded = fold(text)
    if not folded:
        return []
    if refs.is_ref(refs.LEAD, text):
        return [Lead.ref == text]
    # A field that the actor never sees finds nothing for them.
    seen = {*_FOUND_BY} - set(actor.hidden_fields)
    parts = []
    if "company" in seen:
        parts.append(_begins(Lead.company_fold, folded))
    if "last_name" in seen:
        parts.append(_begins(Lead.last_name_fold, folded))
    if seen >= {"first_name", "last_name"}:
        parts += _full_name(text)
    if "email" in seen and ("@" in text or "." in text):
        parts.append(_begins(Lead.email_key, text.casefold()))
    # One key stands for whichever of the two numbers there is.
    keys = _phone_keys(actor, text) if seen >= {"phone", "mobile"} else []
    if keys:
        parts.append(Lead.phone_key.in_(keys))
    return parts


def _full_name(text: str) -> list[Condition]:
    """Two words or more are taken for first and last name, in either order."""
    words = text.split()
    pairs = []
    for cut in range(1, min(len(words), 4)):
        before, after = " ".join(words[:cut]), " ".join(words[cut:])
        pairs += [(before, after), (after, before)]
    return [
        and_(_begins(Lead.last_name_fold, fold(last)), _any_spelling(Lead.first_name, first))
        for first, last in pairs
    ]


def _phone_keys(actor: Actor, text: str) -> list[str]:
    digits = re.sub(r"\D", "", text)
    if len(digits) < FEWEST_DIGITS or re.search(r"[^\d\s()+./-]", text):
        return []
    # A number without a country code is most likely one of the country that the person works in.
    country = get_global("zone_territories").get(actor.time_zone)
    keys: Sequence[str | None] = (
        phone_key(text),
        phone_key(text, country),
        digits,
        f"+{digits}",
        f"+{digits.removeprefix('00')}",
    )
    return sorted({key for key in keys if key})


def _any_spelling(column: InstrumentedAttribute[Any], text: str) -> Condition:
    """First names are kept as typed: the text as it is, in capitals, in lower case and as a name."""
    spellings = dict.fromkeys((text, text.upper(), text.lower(), text.capitalize(), text.title()))
    return or_(*(_begins(column, spelling) for spelling in spellings))


def _begins(column: InstrumentedAttribute[Any], prefix: str) -> Condition:
    """Prefix search as a range, which both databases answer from a plain index of these columns."""
    return and_(column >= prefix, column < prefix + _LAST)
