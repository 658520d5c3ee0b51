"""How much hangs on each of the records that are to be merged, as far as the reader may see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.models import Contact
from app.activities.models import Activity
from app.activities.on_page import belongs_to
from app.activities.queries import own_side
from app.cases.models import Case
from app.documents.models import Document
from app.documents.records import is_of
from app.kernel.actor import Actor, Level, Permission
from app.kernel.paging import COUNT_CAP
from app.sharing.scope import scope


@dataclass(frozen=True, slots=True)
class Burden:
    """kind → how many of them; COUNT_CAP + 1 for more than that, and only those there are."""

    counts: dict[str, int]


def burden_of(session: Session, actor: Actor, record: Any) -> Burden:
    """What the record has.  Four statements at most, none of which counts beyond the cap."""
    is_account = record.__tablename__ == "account"
    asked: dict[str, Sequence[Any]] = {}
    if is_account:
        asked["contact"] = (Contact.id, scope(Contact, actor, Level.READ), Contact.account_id == record.id)
    asked["activity"] = (Activity.id, belongs_to(actor, record), own_side(actor, Activity.company_id))
    if actor.can(Permission.CASE_VIEW):
        of_record = (Case.account_id if is_account else Case.contact_id) == record.id
        asked["case"] = (Case.id, scope(Case, actor, Level.READ), of_record)
    asked["document"] = (Document.id, scope(Document, actor, Level.READ), is_of(record))
    counts = {kind: _count(session, column, conditions) for kind, (column, *conditions) in asked.items()}
    return Burden({kind: number for kind, number in counts.items() if number})


def _count(session: Session, column: Any, conditions: Sequence[Any]) -> int:
    found = select(column).where(*conditions).limit(COUNT_CAP + 1).subquery()
    return session.scalar(select(func.count()).select_from(found)) or 0
