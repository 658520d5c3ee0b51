"""Reading opportunities, with the names that stand beside them.

The names of account and partner are the reader's to see or not; partner people read nobody's name but those
of their own company.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Account
from app.accounts.queries import Person, page_of
from app.accounts.relations.models import AccountInterest, InterestArea
from app.identity.models import User
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import NotAllowed, NotFound
from app.kernel.paging import COUNT_CAP, PAGE_SIZE, Page
from app.leads.models import Lead
from app.lists.found import window_at
from app.lists.query import ListQuery
from app.opportunities.models import Opportunity, OpportunityStage, OutcomeReason
from app.sharing.levels import get_with_level, given_level
from app.sharing.merge import capped_count, merged_ids, order_of
from app.sharing.scope import scope

# Partner people know the name of their own company, whether or not the vendor shows them its account.
_NAMING = Actor.system("own company")


@dataclass(frozen=True, slots=True)
class Named:
    """A record by its public name and its name."""

    ref: str
    name: str


@dataclass(frozen=True, slots=True)
class OpportunityRow:
    """An opportunity in a list.  owner, account: None where there is none that the reader may know."""

    opportunity: Opportunity
    stage: OpportunityStage
    owner: Person | None
    account: Named | None
    given: Level


@dataclass(frozen=True, slots=True)
class OpportunityDetail:
    """An opportunity with what its page shows beside it.  None for what the reader may not know.

    partner: the company that works on it; sourced_by: the one that had the lead.  need: the area of the account's
    need that it was made of.
    """

    opportunity: Opportunity
    stage: OpportunityStage
    outcome: OutcomeReason | None
    given: Level
    owner: Person | None
    created_by: str | None
    updated_by: str | None
    account: Account | None
    partner: Named | None
    sourced_by: Named | None
    lead: Lead | None
    need: str | None

    def may_edit(self, actor: Actor) -> bool:
        return self.given >= Level.EDIT and actor.can(Permission.OPPORTUNITY_EDIT)

    def may_govern(self, actor: Actor) -> bool:
        """Whether the actor may change the owner."""
        return may_govern(actor, self.given)

    def may_delete(self, actor: Actor) -> bool:
        return self.given >= Level.EDIT and actor.can(Permission.OPPORTUNITY_DELETE)


def may_govern(actor: Actor, given: Level) -> bool:
    """The vendor's owner, and of those who may edit it administrators and channel managers."""
    if actor.is_partner or not actor.can(Permission.OPPORTUNITY_EDIT):
        return False
    return given >= Level.FULL or (given >= Level.EDIT and actor.can(Permission.OPPORTUNITY_DELETE))


# One


def get_opportunity(
    session: Session, actor: Actor, ref: str, level: Level = Level.READ, *, for_update: bool = False
) -> Opportunity:
    """The opportunity.  Raises NotFound, alike for hidden and absent; NotAllowed when it is seen at less."""
    found, given = get_opportunity_and_level(session, actor, ref, for_update=for_update)
    if given < level:
        raise NotAllowed
    return found


def get_opportunity_and_level(
    session: Session, actor: Actor, ref: str, *, for_update: bool = False
) -> tuple[Opportunity, Level]:
    """The opportunity, with how much of it the actor has.  Raises NotFound."""
    return get_with_level(session, actor, Opportunity, refs.OPPORTUNITY, ref, for_update=for_update)


def open_opportunity(session: Session, actor: Actor, ref: str) -> OpportunityDetail:
    """The opportunity with the names beside it.  Two statements.  Raises NotFound."""
    owner, creator, changer = aliased(User), aliased(User), aliased(User)
    row = session.execute(
        select(
            Opportunity,
            OpportunityStage,
            OutcomeReason,
            given_level(Opportunity, actor),
            owner,
            creator,
            changer,
            Account,
            Lead,
            InterestArea.name,
        )
        .join(OpportunityStage, OpportunityStage.id == Opportunity.stage_id)
        .outerjoin(OutcomeReason, OutcomeReason.id == Opportunity.outcome_id)
        .join(owner, owner.id == Opportunity.owner_user_id)
        .outerjoin(creator, creator.id == Opportunity.created_by_id)
        .outerjoin(changer, changer.id == Opportunity.updated_by_id)
        .outerjoin(Account, and_(Account.id == Opportunity.account_id, scope(Account, actor, Level.READ)))
        .outerjoin(Lead, and_(Lead.id == Opportunity.source_lead_id, scope(Lead, actor, Level.READ)))
        .outerjoin(AccountInterest, AccountInterest.id == Opportunity.interest_id)
        .outerjoin(InterestArea, InterestArea.id == AccountInterest.area_id)
        .where(scope(Opportunity, actor, Level.READ), Opportunity.ref == ref)
    ).first()
    if row is None:
        raise NotFound("opportunity", ref)
    opportunity = row[0]
    created_by, updated_by = (person_for(actor, user) for user in (row[5], row[6]))
    companies = companies_for(session, actor, [opportunity.partner_account_id, opportunity.source_partner_id])
    return OpportunityDetail(
        opportunity,
        row[1],
        row[2],
        Level(row[3]),
        person_for(actor, row[4]),
        created_by.name if created_by else None,
        updated_by.name if updated_by else None,
        row[7] if actor.can(Permission.ACCOUNT_VIEW) else None,
        companies.get(opportunity.partner_account_id or 0),
        companies.get(opportunity.source_partner_id or 0),
        row[8],
        row[9] if actor.is_internal and actor.can(Permission.ACCOUNT_KEEP) else None,
    )


def person_for(actor: Actor, user: User | None) -> Person | None:
    """Somebody as the reader knows them: for partner people there is nobody outside their company."""
    if user is None or (actor.is_partner and user.partner_account_id != actor.company_id):
        return None
    return Person(user.ref, user.name)


def companies_for(session: Session, actor: Actor, keys: Sequence[int | None]) -> dict[int, Named]:
    """Key → partner company, of those that the reader may know; partner people know their own."""
    wanted = {key for key in keys if key is not None}
    if actor.is_partner:
        own = select(Account.id, Account.ref, Account.name).where(
            scope(Account, _NAMING), Account.id == (actor.company_id or 0), Account.id.in_(wanted)
        )
    else:
        own = select(Account.id, Account.ref, Account.name).where(
            scope(Account, actor, Level.READ), Account.id.in_(wanted)
        )
    return {row.id: Named(row.ref, row.name) for row in session.execute(own)} if wanted else {}


def list_stages(session: Session) -> Sequence[OpportunityStage]:
    """Every stage in its order, retired ones too."""
    return session.scalars(
        select(OpportunityStage).order_by(OpportunityStage.position, OpportunityStage.id)
    ).all()


def list_outcomes(session: Session) -> Sequence[OutcomeReason]:
    """Every reason of winning and losing in its order, retired ones too."""
    return session.scalars(select(OutcomeReason).order_by(OutcomeReason.position, OutcomeReason.id)).all()


# Lists


def list_opportunities(
    session: Session, actor: Actor, query: ListQuery, *, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[OpportunityRow]:
    """A page of the opportunities that the actor may read.  Raises BadCursor."""
    window, back = window_at(actor, query, cursor, limit)
    if query.is_void:
        return Page([])
    ids = merged_ids(Opportunity, actor, window, query.conditions, level=Level.READ).subquery("page")
    statement = (
        rows_of(actor)
        .add_columns(ids.c.given, ids.c.sort_value)
        .join(ids, ids.c.id == Opportunity.id)
        .order_by(*order_of(window, ids))
        .limit(limit + 1)
    )
    found = [
        (read_row(actor, row, Level(row.given)), row.sort_value, row[0].id)
        for row in session.execute(statement)
    ]
    return page_of(actor, query, found, limit, back, cursor is not None)


def rows_of(actor: Actor) -> Select[*tuple[Any, ...]]:
    """Select of what `read_row` reads; the caller joins keys that were found under the reader's scope."""
    return (
        select(
            Opportunity,
            OpportunityStage,
            User,
            Account.ref.label("account_ref"),
            Account.name.label("account_name"),
        )
        .join(OpportunityStage, OpportunityStage.id == Opportunity.stage_id)
        .join(User, User.id == Opportunity.owner_user_id)
        .outerjoin(Account, and_(Account.id == Opportunity.account_id, scope(Account, actor, Level.READ)))
    )


def read_row(actor: Actor, row: Any, given: Level) -> OpportunityRow:
    """One of them."""
    return OpportunityRow(
        row[0],
        row[1],
        person_for(actor, row[2]),
        Named(row.account_ref, row.account_name)
        if row.account_ref and actor.can(Permission.ACCOUNT_VIEW)
        else None,
        given,
    )


def count_opportunities(session: Session, actor: Actor, query: ListQuery, *, cap: int = COUNT_CAP) -> int:
    """How many match, at most `cap` + 1: nobody waits for an exact count above it."""
    counted = capped_count(Opportunity, actor, query.conditions, cap=cap, level=Level.READ)
    return session.scalar(counted) or 0
