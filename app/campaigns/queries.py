"""Reading campaigns, their members, and what came of them; each count as the reader's lists have it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.campaigns.models import Campaign, CampaignMember
from app.identity.models import User
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import NotFound
from app.kernel.paging import COUNT_CAP, PAGE_SIZE, Page, make_cursor, read_cursor
from app.leads.models import Lead, LeadSource, LeadStatus, StatusCategory
from app.opportunities import currencies
from app.opportunities.models import Opportunity, StageCategory
from app.sharing.scope import scope

MOST_CHOICES = 500
_PEOPLE: Mapping[str, Any] = {"lead": Lead, "contact": Contact}


@dataclass(frozen=True, slots=True)
class CampaignDetail:
    """One campaign with what it names."""

    campaign: Campaign
    source: str | None
    owner: User | None
    created_by: User | None
    updated_by: User | None


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member that the reader may read.  kind: lead or contact; record: of that table; note: their company."""

    member: CampaignMember
    kind: str
    record: Any
    title: str
    note: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many, and whether it stopped counting there."""

    number: int
    is_more: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a campaign, of what the reader sees.

    qualified: leads that are qualified or were converted.  won: currency → sum of what was won.
    """

    leads: Count
    qualified: Count
    converted: Count
    opportunities: Count
    won_opportunities: Count
    won: Mapping[str, Decimal]

    @property
    def won_words(self) -> str:
        """The amounts that were won, each in its currency; never added across."""
        return " · ".join(currencies.money(amount, code) for code, amount in self.won.items())


def get_campaign(session: Session, actor: Actor, ref: str, *, for_update: bool = False) -> Campaign:
    """The campaign, if the actor may see campaigns.  Raises NotFound."""
    statement = select(Campaign).where(scope(Campaign, actor, Level.READ), Campaign.ref == ref)
    if for_update:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    campaign = session.scalar(statement)
    if campaign is None:
        raise NotFound("campaign", ref)
    return campaign


def open_campaign(session: Session, actor: Actor, ref: str) -> CampaignDetail:
    """The campaign with the names it refers to.  Raises NotFound."""
    campaign = get_campaign(session, actor, ref)
    keys = {campaign.owner_user_id, campaign.created_by_id, campaign.updated_by_id} - {None}
    people = {user.id: user for user in session.scalars(select(User).where(User.id.in_(keys)))}
    source = session.get(LeadSource, campaign.source_id) if campaign.source_id else None
    return CampaignDetail(
        campaign,
        source.name if source else None,
        people.get(campaign.owner_user_id or 0),
        people.get(campaign.created_by_id or 0),
        people.get(campaign.updated_by_id or 0),
    )


def campaign_choices(session: Session, actor: Actor) -> Sequence[Campaign]:
    """Campaigns that are not archived, by name; the first of them where there are very many."""
    return session.scalars(
        select(Campaign)
        .where(scope(Campaign, actor, Level.READ), Campaign.archived_at.is_(None))
        .order_by(Campaign.name_fold, Campaign.id)
        .limit(MOST_CHOICES)
    ).all()


def is_member(model: Any, campaign_ids: Any) -> ColumnElement[bool]:
    """That a lead, or a contact, is a member of one of the campaigns."""
    column = CampaignMember.lead_id if model is Lead else CampaignMember.contact_id
    return (
        exists()
        .where(column == model.id, CampaignMember.campaign_id.in_(campaign_ids))
        .correlate(model.__table__)
    )


def list_members(
    session: Session,
    actor: Actor,
    campaign: Campaign,
    kind: str,
    *,
    status: str = "",
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[MemberRow]:
    """Members of one kind that the actor may read, those added last first.  Raises BadCursor."""
    model = _PEOPLE[kind]
    column = CampaignMember.lead_id if kind == "lead" else CampaignMember.contact_id
    conditions = [CampaignMember.campaign_id == campaign.id]
    if status:
        conditions.append(CampaignMember.status == status)
    back, shape = False, f"members:{campaign.ref}:{kind}:{status}"
    if cursor:
        _value, key, back = read_cursor(actor.user_id, shape, cursor)
        conditions.append(CampaignMember.id > key if back else CampaignMember.id < key)
    order = CampaignMember.id.asc() if back else CampaignMember.id.desc()
    statement = (
        select(CampaignMember, model)
        .join(model, model.id == column)
        .where(scope(model, actor, Level.READ), *conditions)
        .order_by(order)
        .limit(limit + 1)
    )
    found = [(row[0], row[1]) for row in session.execute(statement)]
    more, found = len(found) > limit, found[:limit]
    if back:
        found = found[::-1]
    if not found:
        return Page([])

    def at(member: CampaignMember, *, back: bool) -> str:
        return make_cursor(actor.user_id, shape, member.id, member.id, back=back)

    older = at(found[-1][0], back=False) if (back or more) else None
    newer = at(found[0][0], back=True) if (more if back else cursor is not None) else None
    return Page(_shown(session, actor, kind, found), older, newer)


def _shown(
    session: Session, actor: Actor, kind: str, found: Sequence[tuple[CampaignMember, Any]]
) -> list[MemberRow]:
    if kind == "lead":
        return [
            MemberRow(
                member,
                kind,
                lead,
                lead.title_for(actor),
                " ".join(filter(None, (lead.first_name, lead.last_name))),
            )
            for member, lead in found
        ]
    keys = {contact.account_id for _member, contact in found if contact.account_id is not None}
    names = {
        row.id: row.name
        for row in session.execute(
            select(Account.id, Account.name).where(scope(Account, actor, Level.READ), Account.id.in_(keys))
        )
    }
    return [
        MemberRow(member, kind, contact, contact.full_name, names.get(contact.account_id or 0, ""))
        for member, contact in found
    ]


def count_members(session: Session, actor: Actor, campaign: Campaign) -> Mapping[str, Count]:
    """How many members of each kind the actor may read; as the lists of them have it."""
    return {
        kind: _capped(
            session, select(model.id).where(scope(model, actor, Level.READ), is_member(model, [campaign.id]))
        )
        for kind, model in _PEOPLE.items()
    }


def _capped(session: Session, statement: Any) -> Count:
    found = session.scalar(select(func.count()).select_from(statement.limit(COUNT_CAP + 1).subquery())) or 0
    return Count(min(found, COUNT_CAP), found > COUNT_CAP)


def outcome_of(session: Session, actor: Actor, campaign: Campaign) -> Outcome:
    """What came of it, so far as the actor sees leads and opportunities.  A constant number of statements."""
    leads = select(Lead.id).where(
        scope(Lead, actor, Level.READ), Lead.campaign_id == campaign.id, Lead.deleted_at.is_(None)
    )
    good = (StatusCategory.QUALIFIED, StatusCategory.CONVERTED)
    qualified = leads.where(Lead.status_id.in_(select(LeadStatus.id).where(LeadStatus.category.in_(good))))
    converted = leads.where(
        Lead.status_id.in_(select(LeadStatus.id).where(LeadStatus.category == StatusCategory.CONVERTED))
    )
    first, second, third = (_capped(session, statement) for statement in (leads, qualified, converted))
    if not actor.can(Permission.OPPORTUNITY_VIEW):
        return Outcome(first, second, third, Count(0), Count(0), {})
    of_campaign = and_(
        scope(Opportunity, actor, Level.READ),
        Opportunity.campaign_id == campaign.id,
        Opportunity.deleted_at.is_(None),
    )
    opportunities = select(Opportunity.id).where(of_campaign)
    won = opportunities.where(Opportunity.category == StageCategory.WON)
    sums = session.execute(
        select(Opportunity.currency, func.sum(Opportunity.amount))
        .where(of_campaign, Opportunity.category == StageCategory.WON, Opportunity.amount.is_not(None))
        .group_by(Opportunity.currency)
        .order_by(Opportunity.currency)
    )
    totals = {currency: Decimal(str(amount)) for currency, amount in sums if currency}
    return Outcome(first, second, third, _capped(session, opportunities), _capped(session, won), totals)


def used_by(session: Session, campaign: Campaign, system: Actor) -> Mapping[str, int]:
    """Kind → how many refer to it, whoever may see them; only kinds that do."""
    counted = {
        "lead": select(func.count(Lead.id)).where(scope(Lead, system), Lead.campaign_id == campaign.id),
        "opportunity": select(func.count(Opportunity.id)).where(
            scope(Opportunity, system), Opportunity.campaign_id == campaign.id
        ),
        "member": select(func.count(CampaignMember.id)).where(CampaignMember.campaign_id == campaign.id),
    }
    found = {kind: session.scalar(statement) or 0 for kind, statement in counted.items()}
    return {kind: number for kind, number in found.items() if number}
