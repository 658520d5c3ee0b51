"""All that is held about one person, found by their e-mail address: for whoever asks what is known of them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.activities.models import Activity
from app.campaigns.models import Campaign, CampaignMember
from app.documents.models import Document
from app.events.models import Event
from app.events.operations import record
from app.identity.models import User
from app.kernel.actor import Actor, Permission
from app.kernel.errors import Invalid
from app.kernel.fold import email_key
from app.leads.models import Lead
from app.sharing.scope import scope

# Whoever may ask is an administrator; what was deleted lately is still held, and so is what only its owner sees.
_HOLDING = Actor.system("what is held about a person")
_MODELS: Mapping[str, Any] = {"lead": Lead, "contact": Contact, "account": Account}
# Keys inside, what only serves searching and sorting, and what names other people's records.
_LEFT_OUT = (
    "_fold",
    "_key",
    "_order",
    "_id",
    "duplicates",
    "custom_1",
    "custom_2",
    "custom_3",
    "custom_4",
    "custom_5",
)


def records_of(session: Session, actor: Actor, email: str) -> dict[str, Sequence[Any]]:
    """Kind → the leads, contacts and persons' accounts with that address, deleted ones included.

    Raises NotAllowed, Invalid (no address).
    """
    actor.require(Permission.PERSON_MANAGE)
    key = email_key(email)
    if key is None:
        raise Invalid({"email": [_l("Give an e-mail address.")]})
    return {
        kind: session.scalars(
            select(model).where(scope(model, _HOLDING), _has_address(model, key, email)).order_by(model.id)
        ).all()
        for kind, model in _MODELS.items()
    }


def _has_address(model: Any, key: str, email: str) -> Any:
    if hasattr(model, "email_key"):
        return model.email_key == key
    return model.email.in_({key, email.strip()})


def held_about(session: Session, actor: Actor, email: str, *, now: datetime) -> dict[str, Any]:
    """What is held about the person, as plain values.  That it was given out is recorded, without the address.

    Holds their records field by field, what was done with them, the documents on them (by name), the campaigns that
    reached them, and what was changed when.  Does not commit.  Raises NotAllowed, Invalid.
    """
    found = records_of(session, actor, email)
    body: dict[str, Any] = {"asked_at": now.isoformat(), "email": email.strip()}
    body |= {f"{kind}s": [_fields(each) for each in records] for kind, records in found.items()}
    keys = {kind: [each.id for each in records] for kind, records in found.items()}
    body["activities"] = [
        _fields(each)
        for each in session.scalars(select(Activity).where(_on(Activity, keys)).order_by(Activity.id))
    ]
    documents = select(Document).where(scope(Document, _HOLDING), _on(Document, keys)).order_by(Document.id)
    body["documents"] = [_fields(each) for each in session.scalars(documents)]
    reached = (
        select(Campaign.name, CampaignMember.status, CampaignMember.created_at)
        .join(Campaign, Campaign.id == CampaignMember.campaign_id)
        .where(or_(CampaignMember.lead_id.in_(keys["lead"]), CampaignMember.contact_id.in_(keys["contact"])))
    )
    body["campaigns"] = [
        {"name": name, "status": status, "added_at": at.isoformat()}
        for name, status, at in session.execute(reached)
    ]
    changed = or_(*(and_(Event.record_kind == kind, Event.record_id.in_(ids)) for kind, ids in keys.items()))
    events = session.scalars(select(Event).where(changed).order_by(Event.id))
    body["changes"] = [
        {
            "at": e.at.isoformat(),
            "what": e.verb,
            "record": e.record_ref,
            "changes": e.changes,
            "detail": e.detail,
        }
        for e in events
    ]
    refs = [each.ref for records in found.values() for each in records]
    user = session.get_one(User, actor.user_id)
    record(session, actor, verb="person_given_out", subject=user, at=now, detail={"records": ", ".join(refs)})
    return body


def _on(model: Any, keys: Mapping[str, Sequence[int]]) -> Any:
    return or_(*(getattr(model, f"{kind}_id").in_(ids) for kind, ids in keys.items()))


def _fields(each: Any) -> dict[str, Any]:
    """The columns of a record that say something, by name."""
    found = {}
    for column in each.__table__.columns:
        value = getattr(each, column.name)
        if column.name != "id" and not column.name.endswith(_LEFT_OUT) and value not in (None, "", {}, []):
            found[column.name] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date | datetime):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value
