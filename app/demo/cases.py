"""What customers asked lately: some of it done, some waiting, one that must not wait."""

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.accounts.models import Account, Contact
from app.activities.operations import log_activity
from app.cases.operations import close_case, create_case, edit_case
from app.identity.queries import find_actor
from app.kernel.actor import Actor, Level
from app.sharing.scope import scope

if TYPE_CHECKING:
    from app.demo.company import Company

# subject, description, type, priority, origin, days ago, status, what came of it
_CASES = (
    ("Two frames of the spring delivery are bent", "Boxes 14 and 15. Photos are on their way.", "problem", "urgent", "phone", 1, "new", ""),
    ("Which tyres fit the cargo model", "For winter, with studs.", "question", "normal", "email", 2, "new", ""),
    ("Invoice names the old address", "They moved in September.", "request", "normal", "email", 4, "working", ""),
    ("Battery does not charge in the cold", "Three customers of theirs said so, all with the 2025 model.", "problem", "high", "phone", 6, "waiting", ""),
    ("Loan bike for the fair", "From the 3rd to the 5th.", "request", "low", "meeting", 9, "working", ""),
    ("Display shows error 21", "After the update.", "problem", "high", "web", 15, "closed", "The update was run again from the laptop; the error is gone."),
    ("Training for two new mechanics", "In spring, one day.", "request", "normal", "email", 24, "closed", "Booked for the 12th, in the workshop in town."),
    ("Missing bolts in box 7", "Eight of them.", "problem", "normal", "phone", 31, "closed", "Sent by post the same day."),
)  # fmt: skip


def add_cases(company: "Company") -> None:
    """Cases of some customers, owned by Sal and Ingrid."""
    session, chance = company.session, Random(7)  # noqa: S311 - of its own, so that what comes after stays the same
    people = _people(company)
    owners = [find_actor(session, company.staff[mailbox].id) for mailbox in ("sal", "ingrid")]
    for number, (subject, text, kind, priority, origin, days, status, outcome) in enumerate(_CASES):
        actor, contact = owners[number % 2], chance.choice(people)
        assert actor is not None
        at = company.now - timedelta(days=days, minutes=chance.randrange(60, 300))
        values = {
            "subject": subject, "description": text, "type": kind, "priority": priority, "origin": origin,
            "contact_id": contact.ref,
        }  # fmt: skip
        case = create_case(session, actor, values, now=at)
        later = at + timedelta(minutes=40)
        log_activity(
            session, actor, case, kind="call", text=f"Rang {contact.full_name} back", at=later, now=later
        )
        if status in ("working", "waiting"):
            edit_case(session, actor, case.ref, {"status": status}, now=later)
        if outcome:
            close_case(session, actor, case.ref, reason=outcome, now=at + timedelta(hours=20))


def _people(company: "Company") -> list[Contact]:
    actor = Actor.system("demo company")
    rows = company.session.scalars(
        select(Contact)
        .join(Account, Account.id == Contact.account_id)
        .where(
            scope(Contact, actor, Level.READ),
            scope(Account, actor, Level.READ),
            Account.category == "customer",
        )
        .order_by(Contact.id)
        .limit(12)
    )
    return list(rows)
