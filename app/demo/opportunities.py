"""What customers may buy: some on the way, some won in two currencies, some lost."""

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.accounts.models import Account, AccountKind
from app.fields.catalogue import catalogue
from app.identity.queries import find_actor
from app.kernel.actor import Actor, Level
from app.opportunities.operations import create_opportunity, edit_opportunity
from app.partners.models import PartnerAccount
from app.sharing.scope import scope

if TYPE_CHECKING:
    from app.demo.company import Company

# name, amount, currency, stage, days ago, days until it is decided, reason, what came of it
_SOLD = (
    ("Spring order of touring bikes", 48_000, "USD", "proposal", 12, 25, "", ""),
    ("Cargo bikes for deliveries", 23_500, "EUR", "negotiation", 20, 9, "", ""),
    ("Loan bikes for guests", 12_400, "EUR", "prospecting", 3, 60, "", ""),
    ("Helmets and lights for the works", 6_800, "GBP", "prospecting", 6, 45, "", ""),
    ("Mountain bikes for the season", 91_000, "USD", "negotiation", 34, 14, "", ""),
    ("Frames for the club", 17_250, "EUR", "won", 70, -20, "best_offer", "They wanted them before Easter, and we could."),
    ("Spares for two years", 9_900, "EUR", "won", 90, -35, "relationship", ""),
    ("Wheels for the race team", 31_000, "USD", "won", 60, -12, "best_offer", ""),
    ("City bikes for the hotel", 14_000, "EUR", "lost", 50, -15, "price", "A dealer in town was a fifth cheaper."),
    ("Tandems", 4_300, "GBP", "lost", 44, -10, "no_decision", ""),
)  # fmt: skip


def add_opportunities(company: "Company") -> None:
    """Opportunities of customers, owned by Sal and Ingrid."""
    session, chance = company.session, Random(11)  # noqa: S311 - of its own, so that what comes after stays the same
    owners = [find_actor(session, company.staff[mailbox].id) for mailbox in ("sal", "ingrid")]
    customers = _customers(company)
    own = {field.own_label: field for field in catalogue(session).active("opportunity").values()}
    competitor, delivery = own["Competitor"].name, own["Delivery wanted"].name
    rivals = [choice.key for choice in own["Competitor"].choices]
    for number, (name, amount, currency, stage, days, until, reason, note) in enumerate(_SOLD):
        actor, account = owners[number % 2], customers[number % min(5, len(customers))]
        assert actor is not None
        at = company.now - timedelta(days=days, minutes=chance.randrange(60, 300))
        values = {
            "name": name, "account_id": account.ref, "amount": amount, "currency": currency,
            "close_date": (company.now + timedelta(days=until)).date().isoformat(),
            competitor: rivals[number % len(rivals)],
            delivery: (company.now + timedelta(days=until + 30)).date().isoformat(),
        }  # fmt: skip
        made = create_opportunity(session, actor, values, now=at)
        if stage != "prospecting":
            change = {"stage": stage, "outcome": reason or None, "outcome_note": note or None}
            given = {key: value for key, value in change.items() if value is not None}
            edit_opportunity(session, actor, made.ref, given, now=at + timedelta(days=2))


def _customers(company: "Company") -> list[Account]:
    actor = Actor.system("demo company")
    partners = select(PartnerAccount.account_id)
    return list(
        company.session.scalars(
            select(Account)
            .where(
                scope(Account, actor, Level.READ),
                Account.kind == AccountKind.BUSINESS,
                Account.id.not_in(partners),
            )
            .order_by(Account.id)
            .limit(5)
        )
    )
