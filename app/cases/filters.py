"""What lists of cases can be filtered, searched and sorted by."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, false, or_, select, union
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.accounts.filters import Make
from app.accounts.models import Account, Contact
from app.cases import numbers
from app.cases.models import Case, CaseStatus
from app.identity.models import User
from app.kernel.actor import Actor, Level, Permission
from app.kernel.fold import fold
from app.kernel.prefix import starts_with
from app.lists.catalogue import objects
from app.lists.query import ListQuery, parse_list
from app.sharing.merge import conditions_of
from app.sharing.scope import scope, scoped

Condition = ColumnElement[bool]
# A text that begins the names of more accounts than these finds no cases by them: it says too little.
MOST_ACCOUNTS = 50
# A search looks at no more than this many of each way; whoever finds more types another letter.
MOST_CANDIDATES = 1000


def _search(session: Session, actor: Actor, values: Sequence[str]) -> Condition:
    """Its number or subject begins with the text, or the name of its account; or it is the external id."""
    found = {key for value in values for key in _candidates(session, actor, value.strip())}
    return Case.id.in_(found) if found else false()


def _candidates(session: Session, actor: Actor, text: str) -> Sequence[int]:
    """Keys of the first matches of each way; each is answered from its own index and never reads more.

    Read beforehand: of a list of keys both databases know that it is short, of a statement they do not.
    """
    parts = [starts_with(session, Case.subject_fold, fold(text, 255)), Case.external_id == text]
    number = numbers.read(text)
    if number is not None:
        parts.append(starts_with(session, Case.number, number))
    if text.startswith("case_"):
        parts.append(Case.ref == text)
    accounts = _accounts_called(session, actor, text)
    if accounts:
        parts.append(Case.account_id.in_(accounts))
    # Each reason by itself: an OR of them leads the databases past the index of the text.
    limited = [
        select(select(Case.id).where(scoped(Case, seen), part).limit(MOST_CANDIDATES).subquery().c.id)
        for part in parts
        for seen in conditions_of(Case, actor, Level.READ)
    ]
    return session.scalars(union(*limited)).all() if limited else ()


def _accounts_called(session: Session, actor: Actor, text: str) -> list[int]:
    """Keys of the accounts that the actor may read and whose name begins so."""
    if not actor.can(Permission.ACCOUNT_VIEW):
        return []
    query = select(Account.id).where(
        scope(Account, actor, Level.READ), starts_with(session, Account.name_fold, fold(text))
    )
    return list(session.scalars(query.limit(MOST_ACCOUNTS)))


def _any_of(column: InstrumentedAttribute[Any]) -> Make:
    return lambda _session, _actor, values: column.in_(list(values))


def _status(session: Session, _actor: Actor, values: Sequence[str]) -> Condition:
    found = select(CaseStatus.id).where(or_(CaseStatus.key.in_(values), CaseStatus.ref.in_(values)))
    return Case.status_id.in_(session.scalars(found).all())


def _owner(session: Session, actor: Actor, values: Sequence[str]) -> Condition:
    wanted = [actor.ref if value == "me" else value for value in values]
    return Case.owner_user_id.in_(session.scalars(select(User.id).where(User.ref.in_(wanted))).all())


def _of(model: Any, column: InstrumentedAttribute[Any]) -> Make:
    """Of one of these records, as far as the actor may read them."""

    def make(session: Session, actor: Actor, values: Sequence[str]) -> Condition:
        found: Select[int] = select(model.id).where(scope(model, actor, Level.READ), model.ref.in_(values))
        return column.in_(session.scalars(found).all())

    return make


CASE_SORTS: dict[str, InstrumentedAttribute[Any]] = {
    "created_at": Case.created_at,
    "updated_at": Case.updated_at,
    "priority": Case.priority_rank,
    "subject": Case.subject_fold,
    "number": Case.number,
}
CASE_FILTERS: dict[str, Make] = {
    "q": _search,
    "number": _any_of(Case.number),
    "subject": lambda _session, _actor, values: Case.subject_fold.in_([fold(v, 255) for v in values]),
    "status": _status,
    "owner": _owner,
    "account_id": _of(Account, Case.account_id),
    "contact_id": _of(Contact, Case.contact_id),
    "external_id": _any_of(Case.external_id),
}


def parse_case_query(
    session: Session, actor: Actor, given: Mapping[str, Sequence[str]], sort: str | None = None
) -> ListQuery:
    """A list of cases, newest first unless `sort` says otherwise.  Raises Invalid."""
    return parse_list(session, actor, objects()["case"], given, sort=sort or "-created_at")
