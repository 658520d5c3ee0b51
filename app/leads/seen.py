"""What one person may see of a lead's fields: what is read for them, the version they are told, why duplicates.

Fields that somebody never sees are not read for them: a statement with their scope that selects one of them
is refused (`sharing.scope`), and asking a lead that `leads.queries.open_lead` gave for one is an error and not a leak.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy.orm import defer
from sqlalchemy.orm.interfaces import ORMOption

from app.fields.kinds import is_custom
from app.kernel.actor import Actor
from app.kernel.records import SLOTS
from app.leads.fields import FIELDS
from app.leads.models import Lead

# Columns made from a field tell what it holds.
_MADE_FROM = {
    "last_name": ("last_name_fold",),
    "company": ("company_fold", "company_key"),
    "email": ("email_key",),
    "phone": ("phone_key",),
    "mobile": ("phone_key",),
}
# Reason of a probable duplicate → the fields that it tells of.
_TOLD_BY = {"email": {"email"}, "phone": {"phone", "mobile"}, "company": {"company"}, "name": {"last_name"}}


@lru_cache(maxsize=64)
def columns_of(names: tuple[str, ...]) -> frozenset[str]:
    """The columns of `Lead` that tell what these fields hold.

    What administrators added stands together in one: where one of its fields is hidden it is read field by field
    (`Lead.custom["c_…"]`), and the names of the hidden ones are among the columns here.
    """
    own = {FIELDS[name].attribute for name in names if name in FIELDS}
    added = {name for name in names if is_custom(name)}
    if added:
        added |= {"custom", *(f"custom_{slot}" for slot in SLOTS)}
    return frozenset(own | added | {made for name in names for made in _MADE_FROM.get(name, ())})


@lru_cache(maxsize=64)
def leave_out(hidden: tuple[str, ...]) -> tuple[ORMOption, ...]:
    """Options of a select of `Lead` that leave these fields in the database; reading one of them raises."""
    columns = [name for name in sorted(columns_of(hidden)) if not is_custom(name)]
    return tuple(defer(getattr(Lead, name), raiseload=True) for name in columns)


def seen_names(actor: Actor) -> list[str]:
    """The fields of a lead that the actor sees once they may read it."""
    return [name for name in FIELDS if name not in actor.hidden_fields]


def seen_version(actor: Actor, lead: Lead, custom: Mapping[str, Any]) -> str:
    """What an edit begins from: for partner people a digest of the fields that they see, so that it tells nothing else.

    custom: what the lead holds in those that administrators added and the actor sees, each of them named.
    """
    if actor.is_internal:
        return str(lead.version)
    # A score changes by itself as days pass; nobody who edits is stopped by that.
    written = [name for name in seen_names(actor) if name != "score"]
    values = {name: getattr(lead, FIELDS[name].attribute) for name in written} | dict(custom)
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def seen_reasons(actor: Actor, reasons: Iterable[str]) -> list[str]:
    """Why something may be a duplicate, without what tells of a field that the actor does not see."""
    hidden = set(actor.hidden_fields)
    kept = [reason for reason in reasons if not _TOLD_BY.get(reason, set()) & hidden]
    # A name alone is never why: what stood beside it would be told by its absence.
    return [] if kept == ["name"] else kept
