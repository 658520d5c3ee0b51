"""The demo's public group and its sharing rule: large companies' leads for those who look after key accounts."""

from typing import TYPE_CHECKING

from app.sharing.groups import create_group
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
