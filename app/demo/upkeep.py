"""What a company does to keep its records straight: two accounts made one, and reports that come by mail."""

from datetime import timedelta
from typing import TYPE_CHECKING

from app.accounts.contact_operations import create_contact
from app.accounts.operations import create_account
from app.care.merging import merge_records
from app.identity.models import User
from app.identity.queries import find_actor
from app.kernel.actor import Actor
from app.subscriptions.operations import subscribe

if TYPE_CHECKING:
    from app.demo.company import Company

MONDAY, FRIDAY = 0, 4
TWICE = "Cascade Bicycle Couriers"


def keep_up(company: "Company") -> None:
    """A customer that was there twice is merged, and two reports are mailed every week."""
    _merge(company)
    for user, report, weekday in (
        (company.staff["mara"], "funnel", MONDAY),
        (company.staff["ada"], "pipeline", FRIDAY),
    ):
        actor = _actor(company, user)
        subscribe(company.session, actor, report, "", weekday, offered={report}, now=company.now)


def _merge(company: "Company") -> None:
    session, ada = company.session, _actor(company, company.staff["ada"])
    first_at, merged_at = company.now - timedelta(days=40), company.now - timedelta(days=9)
    given = {"category": "customer", "owner": company.staff["sal"].ref, "billing_country": "US"}
    found = []
    for name, more in (
        (TWICE, {"billing_city": "Seattle", "website": "https://cascade-couriers.example"}),
        (f"{TWICE} Inc.", {"billing_city": "Seattle", "phone": "+1 206 555 0142"}),
    ):
        values = {"name": name, **given, **more}
        found.append(create_account(session, company.manager, values, allow_duplicate=True, now=first_at))
    for account, last in zip(found, ("Alder", "Quist"), strict=True):
        person = {"account_id": account.ref, "first_name": "Robin", "last_name": last}
        create_contact(session, company.manager, person, allow_duplicate=True, now=first_at)
    kept = [account.ref for account in found]
    merge_records(session, ada, "account", kept[0], kept, {"phone": kept[1]}, now=merged_at)


def _actor(company: "Company", user: User) -> Actor:
    actor = find_actor(company.session, user.id)
    if actor is None:
        raise RuntimeError(f"{user.name} may not act")
    return actor
