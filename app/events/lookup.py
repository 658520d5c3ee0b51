"""Which record a public name means, also of one that is gone.  Whether its events may be read is asked apart."""

import re
from typing import Any

from sqlalchemy import literal_column, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.activities.models import Activity
from app.campaigns.models import Campaign
from app.cases.models import Case
from app.documents.models import Document
from app.events.models import Event
from app.identity.models import User
from app.intake.models import Import
from app.kernel import refs
from app.kernel.actor import Actor
from app.kernel.db import Base
from app.leads.models import BulkAct, Lead
from app.notifications.models import Delivery
from app.opportunities.models import Opportunity
from app.routing.models import Queue, RoundRobin, RuleSet
from app.sharing.rules import SHARED_TABLES
from app.sharing.scope import scope

# A name is only turned into a key; whether the events of that record are shown is decided for each.
_NAMING = Actor.system("events of records")
_OF_PREFIX: dict[str, Any] = {
    refs.LEAD: Lead,
    refs.ACCOUNT: Account,
    refs.CONTACT: Contact,
    refs.CASE: Case,
    refs.OPPORTUNITY: Opportunity,
    refs.CAMPAIGN: Campaign,
    refs.USER: User,
    refs.QUEUE: Queue,
    refs.ROUND_ROBIN: RoundRobin,
    refs.RULE: RuleSet,
    refs.ACTIVITY: Activity,
    refs.IMPORT: Import,
    refs.BULK: BulkAct,
    refs.DELIVERY: Delivery,
    refs.DOCUMENT: Document,
}
ORGANISATION = "organisation"
_REF = re.compile(r"(?<![0-9A-Za-z])[a-z]{2,8}_[0-9A-Za-z]{22}(?![0-9A-Za-z])")


def read_ref(text: str) -> str | None:
    """The public name in what somebody typed: the name itself, or a link to the record's page."""
    if text.strip() == ORGANISATION:
        return ORGANISATION
    found = _REF.search(text)
    return found.group() if found else None


def find_place(session: Session, ref: str) -> tuple[str, int] | None:
    """(kind, key) of the record with that public name; None when there never was one that left an event."""
    if ref == ORGANISATION:
        return ORGANISATION, 1
    for model in _models_of(ref):
        statement = select(model.id).where(model.ref == ref)
        if model.__tablename__ in SHARED_TABLES:
            statement = statement.where(scope(model, _NAMING))
        key = session.scalar(statement)
        if key is not None:
            return model.__tablename__, key
    # Gone: of those the record remembers the name.  Written out, so that the databases see the index fit.
    gone = session.execute(
        select(Event.record_kind, Event.record_id).where(
            Event.record_ref == ref, Event.verb == literal_column("'deleted'")
        )
    ).first()
    return (gone.record_kind, gone.record_id) if gone is not None else None


def _models_of(ref: str) -> list[Any]:
    """The model of the name's prefix; where that says nothing, all that have public names but the large ones."""
    prefix = ref.partition("_")[0]
    if prefix in _OF_PREFIX:
        return [_OF_PREFIX[prefix]]
    known = set(_OF_PREFIX.values())
    models = [mapper.class_ for mapper in Base.registry.mappers]
    named = [m for m in models if hasattr(m, "ref") and hasattr(m, "id") and m not in known]
    return sorted(named, key=lambda model: str(model.__tablename__))
