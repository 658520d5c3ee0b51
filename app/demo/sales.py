"""What partners made of their leads: conversions of the last weeks, with what was won, lost and is still open."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.conversion.operations import convert_lead
from app.conversion.wanted import read_wanted
from app.demo.newcomers import newcomers
from app.identity.models import User
from app.identity.queries import find_actor
from app.kernel.actor import Actor, Level
from app.leads.models import Lead, LeadStatus, StatusCategory
from app.opportunities.operations import edit_opportunity
from app.sharing.scope import scope

if TYPE_CHECKING:
    from app.demo.company import Company

_TELLER = Actor.system("demo company")
OF_EACH_NEWCOMER = 6
OF_CAMPAIGNS = 10
OF_OTHERS = 40
LONGEST_AGO = timedelta(days=85)
EUROPE = {"FR", "DE", "GB"}
AMOUNTS = (1_900, 3_400, 4_800, 6_250, 8_400, 11_700, 15_300, 22_000, 36_500, 58_000)
ORDERS = (
    "First order of {}",
    "Season's stock of {}",
    "New {} for the fleet",
    "A hundred {}",
    "Replacing {}",
    "Trial of {}",
)
# What becomes of one after the other: stage, reason, what they said.
FATES = (
    ("won", "best_offer", "They took the whole season's stock at once."),
    ("proposal", "", ""),
    ("lost", "price", "A dealer in town was a tenth cheaper."),
    ("won", "relationship", ""),
    ("negotiation", "", ""),
    ("prospecting", "", ""),
    ("won", "best_offer", ""),
    ("lost", "no_decision", "They will look at it again next year."),
)


def sell(company: "Company") -> None:
    """Convert qualified leads of partners as their owners would, and decide most of what came of them.

    Everybody one can sign in as has some; the last was converted so lately that it can still be undone.
    """
    chance = Random(11)  # noqa: S311 - of its own, so that what comes after stays the same
    chosen = _chosen(company, chance)
    for number, lead in enumerate(chosen):
        # The last one was converted a few hours ago; the others when they had been worked on for some days.
        at = company.now - timedelta(hours=7)
        if number < len(chosen) - 1:
            least = max(lead.created_at, company.now - LONGEST_AGO) + timedelta(days=1)
            days = max(0.0, (company.now - timedelta(days=3) - least) / timedelta(days=1))
            at = least + timedelta(days=min(days, chance.uniform(1, 30)))
        _convert(company, chance, lead, FATES[number % len(FATES)], at)


def _chosen(company: "Company", chance: Random) -> list[Lead]:
    """Leads that may be converted, oldest first: some of each newcomer, of campaigns, and of others."""
    ready = _ready(company)
    chosen: dict[int, Lead] = {}
    for user in newcomers(company):
        mine = [lead for lead in ready if lead.owner_user_id == user.id]
        chosen.update((lead.id, lead) for lead in chance.sample(mine, min(OF_EACH_NEWCOMER, len(mine))))
    for most, pool in (
        (OF_CAMPAIGNS, [lead for lead in ready if lead.campaign_id is not None and lead.id not in chosen]),
        (OF_OTHERS, [lead for lead in ready if lead.campaign_id is None and lead.id not in chosen]),
    ):
        chosen.update((lead.id, lead) for lead in chance.sample(pool, min(most, len(pool))))
    return sorted(chosen.values(), key=lambda lead: lead.id)


def _ready(company: "Company") -> Sequence[Lead]:
    worked_on = (StatusCategory.QUALIFIED, StatusCategory.WORKING)
    return company.session.scalars(
        select(Lead)
        .join(LeadStatus, LeadStatus.id == Lead.status_id)
        .join(User, User.id == Lead.owner_user_id)
        .where(
            scope(Lead, _TELLER, Level.READ),
            LeadStatus.category.in_(worked_on),
            User.partner_account_id.is_not(None),
            Lead.offer_id.is_(None),
            Lead.created_at < company.now - timedelta(days=5),
        )
        .order_by(Lead.id)
    ).all()


def _convert(
    company: "Company", chance: Random, lead: Lead, fate: tuple[str, str, str], at: datetime
) -> None:
    session = company.session
    owner = find_actor(session, lead.owner_user_id or 0)
    if owner is None:
        return
    stage, reason, note = fate
    decided_at = at + timedelta(days=chance.uniform(2, 24))
    if reason and decided_at > company.now - timedelta(hours=1):
        stage, reason, note = "proposal", "", ""
    closes = decided_at if reason else company.now + timedelta(days=chance.randrange(5, 70))
    opportunity = {
        "name": chance.choice(ORDERS).format((lead.product_interest or "Bicycles").lower()),
        "amount": chance.choice(AMOUNTS),
        "currency": "EUR" if lead.country in EUROPE else "USD",
        "close_date": closes.date().isoformat(),
    }
    made = convert_lead(session, owner, lead.ref, read_wanted(opportunity=opportunity), now=at).opportunity
    if made is None or stage == "prospecting":
        return
    change = {"stage": stage, "outcome": reason or None, "outcome_note": note or None}
    given = {name: value for name, value in change.items() if value is not None}
    edit_opportunity(session, owner, made.ref, given, now=min(decided_at, company.now - timedelta(hours=1)))
