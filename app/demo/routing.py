"""The demo's queues, round robins and assignment rules: sales territories, as such companies have them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.accounts.models import Account
from app.demo.files import places_in, rows
from app.kernel.actor import Actor, Role
from app.partners.models import PartnerAccount
from app.routing.models import Queue
from app.routing.queues import add_queue_member, create_queue
from app.routing.round_robins import create_round_robin
from app.routing.rule_operations import activate_rules, create_rules
from app.sharing.scope import scope

if TYPE_CHECKING:
    from app.demo.company import Company

# Where a lead that was claimed is to be touched within so many hours, else it goes back.
TOUCH_WITHIN_HOURS = {"5": 6 * 24}
# Territories that take turns for some leads alone.
MATCHES = {"7": {"languages": ["fr"]}, "10": {"countries": ["GB"]}}
_NAMES = Actor.system("demo company")


def set_up_routing(company: "Company") -> None:
    """A queue per territory, three round robins, one active rule set."""
    session, actor, at = company.session, company.manager, company.begin
    default = session.scalars(select(Queue).where(Queue.is_default)).one()
    for mailbox in ("mara", "hugo"):
        member = {"type": "user", "id": company.staff[mailbox].ref}
        add_queue_member(session, actor, default.ref, member, now=at)
    queues = {row["territory"]: _queue_of_territory(company, row) for row in rows("territories")}
    key_accounts = create_queue(
        session,
        actor,
        name="Key accounts",
        members=[{"type": "user", "id": company.staff[mailbox].ref} for mailbox in ("sal", "ingrid")],
        now=at,
    )
    made = {
        name: create_round_robin(
            session,
            actor,
            name=name,
            members=members,
            fallback_queue=default.ref,
            accept_within_minutes=24 * 60,
            now=at,
        )
        for name, members in _turns(company, queues).items()
    }
    rules = create_rules(
        session, actor, name="Sales territories", entries=_entries(queues, made, key_accounts), now=at
    )
    activate_rules(session, actor, rules.ref, now=at)


def _queue_of_territory(company: "Company", row: Mapping[str, str]) -> Queue:
    """Of all the partners there."""
    partners = company.partners[row["territory"]]
    return create_queue(
        company.session,
        company.manager,
        name=row["name"],
        members=[{"type": "partner_account", "id": _ref(company, each)} for each in partners],
        accept_within_minutes=24 * 60,
        touch_within_hours=TOUCH_WITHIN_HOURS.get(row["territory"]),
        now=company.begin,
    )


def _turns(company: "Company", queues: Mapping[str, Queue]) -> dict[str, list[dict[str, Any]]]:
    """Name of a round robin → its members: the people of one territory, the companies of another, three queues."""
    people = [
        user
        for user in company.users
        if user.role is Role.USER and company.territory_of(user.partner_account_id) == "4"
    ]
    return {
        "Southwest riders": [
            {"principal": {"type": "user", "id": user.ref}, "weight": 1 + number % 2}
            for number, user in enumerate(people)
        ],
        "Canadian shops": [
            {"principal": {"type": "partner_account", "id": _ref(company, each)}}
            for each in company.partners["6"]
        ],
        "European territories": [
            {
                "principal": {"type": "queue", "id": queues[territory].ref},
                "weight": 2 if territory == "8" else 1,
                "match": MATCHES.get(territory),
            }
            for territory in ("7", "8", "10")
        ],
    }


def _entries(queues: dict[str, Queue], groups: dict[str, Any], key_accounts: Queue) -> list[dict[str, Any]]:
    def states(territory: str) -> dict[str, Any]:
        names = sorted({row["state"] for row in places_in(territory)})
        return {"field": "state", "op": "in", "value": names}

    def to(kind: str, record: Any) -> dict[str, Any]:
        return {"type": kind, "id": record.ref}

    return [
        {"criteria": {"field": "employees", "op": "gte", "value": 5000}, "target": to("queue", key_accounts)},
        {"criteria": {"field": "country", "op": "equals", "value": "AU"}, "target": to("queue", queues["9"])},
        {
            "criteria": {"field": "country", "op": "in", "value": ["FR", "DE", "GB"]},
            "target": to("round_robin", groups["European territories"]),
        },
        {
            "criteria": {"field": "country", "op": "equals", "value": "CA"},
            "target": to("round_robin", groups["Canadian shops"]),
        },
        {
            "criteria": {"all": [states("4"), {"field": "score", "op": "gte", "value": 55}]},
            "target": to("round_robin", groups["Southwest riders"]),
        },
        *({"criteria": states(t), "target": to("queue", queues[t])} for t in ("1", "4", "2", "3", "5")),
    ]


def _ref(company: "Company", partner: PartnerAccount) -> str:
    return company.session.scalars(
        select(Account.ref).where(scope(Account, _NAMES), Account.id == partner.account_id)
    ).one()
