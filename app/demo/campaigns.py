"""What the demo company does to be noticed: a fair, a mailing, and an autumn still to come; and whom it reached."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.accounts.models import Contact
from app.campaigns.members import add_member, set_member_status
from app.campaigns.models import Campaign
from app.campaigns.operations import create_campaign
from app.kernel.actor import Level
from app.sharing.scope import scope

if TYPE_CHECKING:
    from app.demo.company import Company

CAMPAIGNS: tuple[dict[str, Any], ...] = (
    {
        "name": "Velo fair",
        "type": "event",
        "status": "done",
        "source": "Trade fair",
        "budgeted_cost": 18_000,
        "actual_cost": 19_450,
    },
    {
        "name": "Spring mailing to bike shops",
        "type": "email",
        "status": "active",
        "budgeted_cost": 2_500,
        "actual_cost": 1_840,
    },
    {"name": "Autumn test rides", "type": "event", "status": "planned", "budgeted_cost": 6_000},
)
# Days from today on which each begins and ends.
DAYS = ((-75, -72), (-20, 25), (30, 60))
# Every so many-th lead of the days in which it works came by the fair, and by the mailing.
SHARES = (2, 4)
# For so long after a campaign people still come for it.
AFTER = timedelta(days=18)


@dataclass(frozen=True, slots=True)
class Reach:
    """When a campaign brings leads, and every how many-th."""

    campaign: Campaign
    begins: datetime
    ends: datetime
    share: int


def set_up_campaigns(company: "Company") -> list[Reach]:
    """Three campaigns, with contacts that were written to; two of them bring leads."""
    session, now, actor = company.session, company.now, company.manager
    made: list[Campaign] = []
    reaches: list[Reach] = []
    for values, (begins, ends) in zip(CAMPAIGNS, DAYS, strict=True):
        first, last = now + timedelta(days=begins), now + timedelta(days=ends)
        days = {"start_date": first.date(), "end_date": last.date(), "currency": "EUR"}
        made.append(create_campaign(session, actor, {**values, **days}, now=company.begin))
        if len(reaches) < len(SHARES):
            reaches.append(Reach(made[-1], first, last + AFTER, SHARES[len(reaches)]))
    people = select(Contact.ref).where(scope(Contact, actor, Level.READ), Contact.email.is_not(None))
    for number, ref in enumerate(session.scalars(people.order_by(Contact.id).limit(24)).all()):
        member, _is_new = add_member(session, actor, made[1].ref, ref, now=now)
        if number % 4 == 0:
            set_member_status(session, actor, made[1].ref, member.ref, "answered", now=now)
    return reaches


def came_by(reaches: list[Reach], number: int, moment: datetime) -> dict[str, Any]:
    """The campaign of the lead with that number, as columns of a lead; all None for none."""
    for reach in reaches:
        if reach.begins <= moment <= reach.ends and number % reach.share == 0:
            return {"campaign_id": reach.campaign.id, "campaign_name": reach.campaign.name}
    return {"campaign_id": None, "campaign_name": None}
