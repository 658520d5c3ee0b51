"""What lists of cases can be filtered, searched and sorted by."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import InstrumentedAttribute, Session

from app.accounts.models import Account, Contact
from app.cases import numbers
from app.cases.models import Case, CaseStatus
from app.kernel.actor import Actor
from app.kernel.fold import fold
from app.kernel.prefix import starts_with
from app.lists.catalogue import objects
from app.lists.query import ListQuery, parse_list
from app.lists.simple import Condition, Make, accounts_called, entry, keyed, person, record, searched


def _ways(session: Session, actor: Actor, text: str) -> Sequence[Condition]:
    """Its number or subject begins with the text, or the name of its account; or it is the external id."""
    ways = [starts_with(session, Case.subject_fold, fold(text, 255)), Case.external_id == text]
    number = numbers.read(text)
    if number is not None:
        ways.append(starts_with(session, Case.number, number))
    if text.startswith("case_"):
        ways.append(Case.ref == text)
    accounts = accounts_called(session, actor, text)
    if accounts:
        ways.append(Case.account_id.in_(accounts))
    return ways


CASE_SORTS: dict[str, InstrumentedAttribute[Any]] = {
    "created_at": Case.created_at,
    "updated_at": Case.updated_at,
    "priority": Case.priority_rank,
    "subject": Case.subject_fold,
    "number": Case.number,
}
CASE_FILTERS: dict[str, Make] = {
    "q": searched(Case, _ways),
    "number": keyed(Case.number),
    "subject": keyed(Case.subject_fold, lambda value: fold(value, 255)),
    "status": entry(CaseStatus, Case.status_id),
    "owner": person(Case.owner_user_id),
    "account_id": record(Account, Case.account_id),
    "contact_id": record(Contact, Case.contact_id),
    "external_id": keyed(Case.external_id),
}


def parse_case_query(
    session: Session, actor: Actor, given: Mapping[str, Sequence[str]], sort: str | None = None
) -> ListQuery:
    """A list of cases, newest first unless `sort` says otherwise.  Raises Invalid."""
    return parse_list(session, actor, objects()["case"], given, sort=sort or "-created_at")
