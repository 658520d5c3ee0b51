"""Whether the caller may see the record that a path names: what decides between 403 and 404."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.activities.queries import get_activity
from app.campaigns.models import Campaign
from app.cases.models import Case
from app.documents.queries import get_document
from app.identity.directory import get_user
from app.kernel.actor import Actor, Level
from app.kernel.errors import NotFound
from app.leads.models import Lead
from app.opportunities.models import Opportunity
from app.sharing.scope import scope

# A lead is seen as a preview too; of accounts and contacts there are none.
_RECORDS: dict[str, tuple[Any, Level]] = {
    "lead_id": (Lead, Level.PREVIEW),
    "account_id": (Account, Level.READ),
    "contact_id": (Contact, Level.READ),
    "opportunity_id": (Opportunity, Level.READ),
    "case_id": (Case, Level.READ),
    "campaign_id": (Campaign, Level.READ),
}
# What names in paths what not everybody sees.
SECRET = frozenset({*_RECORDS, "activity_id", "document_id", "user_id"})


def is_seen(session: Session, actor: Actor, path: Mapping[str, str]) -> bool:
    """Whether the actor sees every record that the path names; kinds that are no secret count as seen."""
    for name, ref in path.items():
        if name in _RECORDS:
            model, level = _RECORDS[name]
            found = session.scalar(select(model.id).where(scope(model, actor, level), model.ref == ref))
            if found is None:
                return False
    try:
        if "document_id" in path:
            get_document(session, actor, path["document_id"])
        if "activity_id" in path:
            get_activity(session, actor, path["activity_id"])
        if "user_id" in path:
            get_user(session, actor, path["user_id"])
    except NotFound:
        return False
    return True
