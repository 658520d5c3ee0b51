"""The demo's public group and its sharing rule: large companies' leads for those who look after key accounts."""

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.accounts.models import Account
from app.identity.queries import get_organisation
from app.sharing.groups import create_group
from app.sharing.scope import scope
from app.sharing.shares import share_record
from app.sharing.sharing_rules import create_rule, read_rule

if TYPE_CHECKING:
    from app.demo.company import Company


def set_up_sharing(company: "Company") -> None:
    """One group of colleagues, one rule for it; the worker builds what it gives.  Nothing reaches partners."""
    session, actor, at = company.session, company.manager, company.begin
    team = [{"type": "user", "id": company.staff[mailbox].ref} for mailbox in ("sal", "ingrid")]
    group = create_group(
        session,
        actor,
        name="Key accounts",
        description="Who looks after large companies, whatever their role.",
        members=[*team, {"type": "internal_role", "id": "channel_manager"}],
        now=at,
    )
    written = read_rule(
        session,
        {
            "object": "lead",
            "name": "Large companies",
            "kind": "criteria",
            "criteria": {"all": [{"field": "employees", "op": "gte", "value": 1000}]},
            "share_with": {"type": "group", "id": group.ref},
            "level": "edit",
        },
    )
    create_rule(session, actor, written, now=at)


def set_up_decisions(company: "Company") -> None:
    """What somebody may have set up before partners are let in: a mixed group, two rules and a share that reach them."""
    session, actor, at = company.session, company.manager, company.begin
    keys = [partners[0].account_id for _territory, partners in sorted(company.partners.items())][:2]
    shops = select(Account).where(scope(Account, actor), Account.id.in_(keys)).order_by(Account.id)
    first, second = session.scalars(shops)
    group = create_group(
        session,
        actor,
        name="North-west desk",
        description="Whoever works on leads from the north-west.",
        members=[
            {"type": "user", "id": company.staff["sal"].ref},
            *({"type": "partner_account", "id": shop.ref} for shop in (first, second)),
        ],
        now=at,
    )
    for name, object_, criteria, share_with in (
        (
            "Leads from the United States",
            "lead",
            {"all": [{"field": "country", "op": "equals", "value": "US"}]},
            {"type": "group", "id": group.ref},
        ),
        (
            "Customers, for everybody",
            "account",
            {"all": [{"field": "category", "op": "equals", "value": "customer"}]},
            {"type": "all_partners"},
        ),
    ):
        given = {
            "object": object_, "name": name, "kind": "criteria", "criteria": criteria, "share_with": share_with,
            "level": "read",
        }  # fmt: skip
        create_rule(session, actor, read_rule(session, given), now=at)
    share_record(session, actor, first, {"type": "partner_account", "id": first.ref}, "read", now=company.now)


def close(company: "Company") -> None:
    """Leave partner management off and the portal closed, as before somebody went through the steps."""
    organisation = get_organisation(company.session)
    organisation.prm_enabled_at = organisation.prm_enabled_by_id = organisation.portal_published_at = None
