"""What the vendor's own people did with customers lately, and what they have planned: calls, tasks, meetings."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.accounts.models import Account, Contact
from app.activities.operations import log_activity
from app.identity.queries import find_actor
from app.kernel.actor import Actor, Level
from app.sharing.scope import scope

if TYPE_CHECKING:
    from app.demo.company import Company

CALLED = 24  # customers that somebody spoke to
SAID = (
    "Wants a quote for 40 bikes\nDelivery in spring, budget is there.",
    "Asked about the service contract\nThe workshop is slow at the moment.",
    "Happy with the last delivery\nThinks of a second shop next year.",
    "Not in the office\nBack on Monday.",
)
PLANNED = (
    ("task", "Send the offer", -2),
    ("call", "Ask what they decided", 0),
    ("task", "Prepare the price list", 1),
    ("meeting", "Visit with the workshop", 0),
    ("meeting", "Review of the year", 5),
    ("task", "Write about the new models", 12),
)


def keep_diary(company: "Company") -> None:
    """Calls of the last weeks on customers and their people, and a few things to do for Sal, Ingrid and Mara."""
    chance, now = company.chance, company.now
    for number, mailbox in enumerate(("sal", "ingrid", "mara")):
        actor = find_actor(company.session, company.staff[mailbox].id)
        assert actor is not None
        people = _people(company, actor)
        for contact, account in people[number::3]:
            at = now - timedelta(days=chance.randrange(1, 45), minutes=chance.randrange(600))
            _call(company, actor, contact, account, at)
        for place, (kind, subject, days) in enumerate(PLANNED):
            contact, account = people[(place * 3 + number) % len(people)]
            _plan(company, actor, contact, account, kind, subject, days)


def _people(company: "Company", actor: Actor) -> list[tuple[Contact, Account]]:
    rows = company.session.execute(
        select(Contact, Account)
        .join(Account, Account.id == Contact.account_id)
        .where(
            scope(Contact, actor, Level.READ),
            scope(Account, actor, Level.READ),
            Account.category == "customer",
        )
        .order_by(Contact.id)
        .limit(CALLED)
    )
    return [(contact, account) for contact, account in rows]


def _call(company: "Company", actor: Actor, contact: Contact, account: Account, at: datetime) -> None:
    on_account = company.chance.random() < 0.5
    log_activity(
        company.session,
        actor,
        account if on_account else contact,
        kind="call",
        text=company.chance.choice(SAID),
        at=at,
        people=[contact.ref] if on_account else [],
        now=company.now,
    )


def _plan(
    company: "Company", actor: Actor, contact: Contact, account: Account, kind: str, subject: str, days: int
) -> None:
    local = company.now.astimezone(ZoneInfo(actor.time_zone)).replace(
        hour=16, minute=0, second=0, microsecond=0
    )
    due_at = local + timedelta(days=days)
    is_meeting = kind == "meeting"
    log_activity(
        company.session,
        actor,
        account if is_meeting else contact,
        kind=kind,
        subject=subject,
        done=False,
        due_at=due_at,
        ends_at=due_at + timedelta(hours=1) if is_meeting else None,
        place=account.billing_city if is_meeting else None,
        people=[contact.ref] if is_meeting else [],
        now=company.now - timedelta(days=3),
    )
