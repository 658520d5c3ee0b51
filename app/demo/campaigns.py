"""What the demo company does to be noticed: a fair, a mailing, and an autumn still to come; and whom it reached."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.accounts.models import Contact
from app.campaigns.members import add_member, set_member_status
from app.campaigns.operations import create_campaign
from app.identity.queries import find_actor
from app.kernel.actor import Level
from app.leads.models import Lead
from app.leads.operations import edit_lead
from app.sharing.scope import scope

if TYPE_CHECKING:
    from app.demo.company import Company

CAMPAIGNS: tuple[dict[str, Any], ...] = (
    {"name": "Velo fair", "type": "event", "status": "done", "budgeted_cost": 18_000, "actual_cost": 19_450},
    {"name": "Spring mailing to bike shops", "type": "email", "status": "active", "budgeted_cost": 2_500},
    {"name": "Autumn test rides", "type": "event", "status": "planned", "budgeted_cost": 6_000},
)
# Days from today on which each begins and ends.
DAYS = ((-75, -72), (-20, 25), (30, 60))
# Every so many-th lead came by the fair, and by the mailing.
SHARES = (5, 7)
MOST_LEADS = 120


def set_up_campaigns(company: "Company") -> None:
    """Three campaigns; leads that came by two of them, contacts that were written to."""
    session, now = company.session, company.now
    actor = find_actor(session, company.staff["mara"].id)
    assert actor is not None
    made = []
    for values, (begins, ends) in zip(CAMPAIGNS, DAYS, strict=True):
        days = {
            "start_date": (now + timedelta(days=begins)).date(),
            "end_date": (now + timedelta(days=ends)).date(),
        }
        made.append(create_campaign(session, actor, {**values, **days, "currency": "EUR"}, now=now))
    seen = (scope(Lead, actor, Level.EDIT), Lead.converted_at.is_(None), Lead.campaign_name.is_(None))
    leads = session.scalars(select(Lead).where(*seen).order_by(Lead.id).limit(MOST_LEADS)).all()
    for number, lead in enumerate(leads):
        for share, campaign in zip(SHARES, made, strict=False):
            if number % share == 0 and lead.campaign_name is None:
                edit_lead(session, actor, lead.ref, {"campaign": campaign.name}, now=now)
    people = select(Contact.ref).where(scope(Contact, actor, Level.READ), Contact.email.is_not(None))
    for number, ref in enumerate(session.scalars(people.order_by(Contact.id).limit(24)).all()):
        member, _is_new = add_member(session, actor, made[1].ref, ref, now=now)
        if number % 4 == 0:
            set_member_status(session, actor, made[1].ref, member.ref, "answered", now=now)
