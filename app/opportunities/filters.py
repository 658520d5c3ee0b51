"""What lists of opportunities can be filtered, searched and sorted by."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, false, or_, select, union
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.accounts.filters import Make
from app.accounts.models import Account
from app.identity.models import User
from app.kernel.actor import Actor, Level, Permission
from app.kernel.fold import fold
from app.kernel.prefix import starts_with
from app.lists.catalogue import objects
from app.lists.query import ListQuery, parse_list
from app.opportunities.models import Opportunity, OpportunityStage, OutcomeReason
from app.sharing.merge import conditions_of
from app.sharing.scope import scope, scoped

Condition = ColumnElement[bool]
# A text that begins the names of more accounts than these finds nothing by them: it says too little.
MOST_ACCOUNTS = 50
# A search looks at no more than this many of each way; whoever finds more types another letter.
MOST_CANDIDATES = 1000


def _search(session: Session, actor: Actor, values: Sequence[str]) -> Condition:
    """Its name begins with the text, or that of its account; or it is the external id."""
    found = {key for value in values for key in _candidates(session, actor, value.strip())}
    return Opportunity.id.in_(found) if found else false()


def _candidates(session: Session, actor: Actor, text: str) -> Sequence[int]:
    """Keys of the first matches of each way; each is answered from its own index and never reads more."""
    parts: list[Condition] = [starts_with(session, Opportunity.name_fold, fold(text, 255))]
    if actor.is_internal:
        parts.append(Opportunity.external_id == text)
    if text.startswith("opp_"):
        parts.append(Opportunity.ref == text)
    accounts = _accounts_called(session, actor, text)
    if accounts:
        parts.append(Opportunity.account_id.in_(accounts))
    limited = [
        select(
            select(Opportunity.id)
            .where(scoped(Opportunity, seen), part)
            .limit(MOST_CANDIDATES)
            .subquery()
            .c.id
        )
        for part in parts
        for seen in conditions_of(Opportunity, actor, Level.READ)
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


def _entry(model: Any, column: InstrumentedAttribute[Any]) -> Make:
    def make(session: Session, _actor: Actor, values: Sequence[str]) -> Condition:
        found = select(model.id).where(or_(model.key.in_(values), model.ref.in_(values)))
        return column.in_(session.scalars(found).all())

    return make


def _owner(session: Session, actor: Actor, values: Sequence[str]) -> Condition:
    """Partner people know nobody outside their company, whoever is asked for."""
    wanted = [actor.ref if value == "me" else value for value in values]
    found = select(User.id).where(User.ref.in_(wanted))
    if actor.is_partner:
        found = found.where(User.partner_account_id == actor.company_id)
    return Opportunity.owner_user_id.in_(session.scalars(found).all())


def _account(column: InstrumentedAttribute[Any]) -> Make:
    """Of one of these accounts, as far as the actor may read them."""

    def make(session: Session, actor: Actor, values: Sequence[str]) -> Condition:
        found = select(Account.id).where(scope(Account, actor, Level.READ), Account.ref.in_(values))
        return column.in_(session.scalars(found).all())

    return make


def _vendors(make: Make) -> Make:
    """A filter that says nothing to partner people: of theirs, too, it finds none."""
    return lambda session, actor, values: false() if actor.is_partner else make(session, actor, values)


OPPORTUNITY_SORTS: dict[str, InstrumentedAttribute[Any]] = {
    "created_at": Opportunity.created_at,
    "updated_at": Opportunity.updated_at,
    "name": Opportunity.name_fold,
    "amount": Opportunity.amount_order,
    "close_date": Opportunity.close_order,
}
OPPORTUNITY_FILTERS: dict[str, Make] = {
    "q": _search,
    "name": lambda _session, _actor, values: Opportunity.name_fold.in_([fold(v, 255) for v in values]),
    "stage": _entry(OpportunityStage, Opportunity.stage_id),
    "outcome": _entry(OutcomeReason, Opportunity.outcome_id),
    "owner": _owner,
    "account_id": _account(Opportunity.account_id),
    "partner_account_id": _vendors(_account(Opportunity.partner_account_id)),
    "campaign": _vendors(_any_of(Opportunity.campaign_name)),
    "external_id": _vendors(_any_of(Opportunity.external_id)),
}


def parse_opportunity_query(
    session: Session, actor: Actor, given: Mapping[str, Sequence[str]], sort: str | None = None
) -> ListQuery:
    """A list of opportunities, newest first unless `sort` says otherwise.  Raises Invalid."""
    return parse_list(session, actor, objects()["opportunity"], given, sort=sort or "-created_at")
