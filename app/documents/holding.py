"""Which partner holds the record that a document is on, kept beside the document's words.

Who is given many records is found documents by the words of those that their company holds: how many others hold a
word is then nothing that they wait for.  It only says where to look; who sees what is asked of each.
"""

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, or_, select, update
from sqlalchemy.orm import Session

from app.activities.places import Place, place_of
from app.documents.models import Document, DocumentWord
from app.documents.records import column_of, is_of
from app.kernel.actor import Actor
from app.kernel.among import among
from app.leads.models import Lead
from app.opportunities.models import Opportunity
from app.sharing.scope import scope

# Words follow their document's record, whoever may see either.
_FOLLOWING = Actor.system("words of documents follow who holds the record")
_PARTNER = func.coalesce(Lead.partner_account_id, Opportunity.partner_account_id)
# Nobody where partners do not see the document, or where another company attached it.
_IS_SHOWN = and_(
    Document.is_internal.is_(False), or_(Document.company_id.is_(None), Document.company_id == _PARTNER)
)
_HOLDERS = (
    select(Document.id, case((_IS_SHOWN, _PARTNER)).label("holder_id"))
    .outerjoin(Lead, Lead.id == Document.lead_id)
    .outerjoin(Opportunity, Opportunity.id == Document.opportunity_id)
    .where(*(scope(model, _FOLLOWING) for model in (Document, Lead, Opportunity)))
)


def follow_holder(session: Session, record: Any) -> None:
    """Let the words of a record's documents say who holds it now.  Does not commit.

    record: a lead or an opportunity that came to another partner, or left one; it is stored.
    One statement where it has no documents, at most four where it has.
    """
    # Asked first, for most have none, and whoever claims a lead waits for the other to be planned.
    if session.scalar(_any_on(place_of(record)), {"record_id": record.id}) is not None:
        mark_holder(session, is_of(record))


@cache
def _any_on(place: Place) -> Select[int]:
    """Select of a document of the parameter `record_id`; made once for each kind of record."""
    return (
        select(Document.id)
        .where(scope(Document, _FOLLOWING), column_of(place) == bindparam("record_id"))
        .limit(1)
    )


def mark_holder(session: Session, condition: ColumnElement[bool]) -> None:
    """The same of the documents that fulfil a condition."""
    found: dict[int | None, list[int]] = {}
    for key, holder_id in session.execute(_HOLDERS.where(condition)):
        found.setdefault(holder_id, []).append(key)
    for holder_id, keys in found.items():
        session.execute(
            update(DocumentWord)
            .where(among(session, DocumentWord.document_id, keys))
            .where(DocumentWord.holder_id.is_distinct_from(holder_id))
            .values(holder_id=holder_id),
            execution_options={"synchronize_session": False},
        )
