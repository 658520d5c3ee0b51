"""Views and tags that the demo company keeps around its lists."""

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.accounts.models import Account
from app.lists.catalogue import objects
from app.lists.operations import find_or_make_tag, save_view, set_tag
from app.sharing.scope import scope

if TYPE_CHECKING:
    from app.demo.company import Company

VIEWS = (
    ("account", "No activity for 60 days", {"no_activity_days": ["60"]}, ["category", "owner", "last_activity_at", "phone"]),
    ("account", "My customers", {"owner": ["me"], "category": ["customer"]}, ["industry", "billing_city", "tag", "last_activity_at"]),
    ("contact", "People at customers", {"account_category": ["customer"]}, ["account_id", "title", "email", "phone"]),
)  # fmt: skip
TAGGED = 12


def keep_lists(company: "Company") -> None:
    """Three views that everyone has, and a tag on some customers."""
    session, actor, at = company.session, company.manager, company.begin
    for thing, name, query, columns in VIEWS:
        save_view(
            session, actor, objects()[thing], name=name, query=query, columns=columns, audience="everyone", now=at
        )  # fmt: skip
    tag = find_or_make_tag(session, actor, "Trade fair", now=at)
    customers = select(Account).where(scope(Account, actor), Account.category == "customer")
    for account in session.scalars(customers.order_by(Account.id).limit(TAGGED)):
        met = min(company.now, account.created_at + timedelta(days=3))
        set_tag(session, actor, account, tag, on=True, now=met)
