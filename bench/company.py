"""The people of a benchmark's world: a vendor and partners who see very little, or very much."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sqlalchemy.orm import Session

from app.campaigns.models import Campaign
from app.identity.models import AccountScope, User
from app.kernel import clock, refs
from app.kernel.actor import Role
from app.notifications.models import Notification, NotificationKind
from app.partners.models import PartnerAccount
from app.routing.models import Queue, RuleEntry, RuleSet, RuleState
from tests.factories import (
    get_default_queue,
    make_partner,
    make_queue,
    make_round_robin,
    make_source,
    make_user,
)

SOURCES = ("Fair in Girona", "Partner portal", "Webinar")
RACERS = 8
CAMPAIGNS = 24


@dataclass(frozen=True, slots=True)
class Place:
    """Where leads are: a user or a queue.  exactly: so many of them; else part: their share of the rest."""

    user: User | None = None
    queue: Queue | None = None
    exactly: int | None = None
    part: float = 0.0


@dataclass(slots=True)
class Company:
    """people: by the name the benchmark knows them by.  marks: keys of queues and round robins, likewise."""

    people: dict[str, User] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)
    marks: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, user: User) -> User:
        self.people[name] = user
        return user


def found_company(session: Session, size: int, random: Random) -> Company:
    """Write the people, queues and rules, and say where the leads of a world of that size are.

    fifty: sees 50 leads, some their own, some of their team, some waiting.  waiting: sees 50, all waiting.
    big: sees a fifth of all.  three and hundreds: see 3 and 300, waiting and their own.  manager: owns every
    partner account.  portfolio: sees only what belongs to the partner accounts they own.
    """
    company = Company()
    ada = company.add("administrator", make_user(session, "Ada Admin", role=Role.ADMINISTRATOR))
    manager = company.add("manager", make_user(session, "Mara Channel", role=Role.CHANNEL_MANAGER))
    sellers = [make_user(session, f"Seller {i}", role=Role.SALES) for i in range(10)]
    for name in SOURCES:
        make_source(session, name)
    _add_campaigns(session)
    _add_watchers(session, company, manager)
    _add_racers(session, company, manager, size)
    partners = _add_partners(session, company, manager, max(10, min(200, size // 50), size // 500))
    company.places += [Place(user=seller, part=2) for seller in sellers]
    company.places += [Place(queue=get_default_queue(session), part=18)]
    _add_rules(session, company, partners)
    for user in company.people.values():
        _notify(session, user, random)
    session.flush()
    assert ada.id
    return company


def _add_campaigns(session: Session) -> None:
    now = clock.now()
    session.add_all(
        Campaign(
            ref=refs.new_ref(refs.CAMPAIGN), name=f"Campaign {number}", name_fold=f"campaign {number}",
            created_at=now, updated_at=now, version=1,
        )
        for number in range(CAMPAIGNS)
    )  # fmt: skip
    session.flush()


def _add_watchers(session: Session, company: Company, manager: User) -> None:
    territories = [make_queue(session, f"Territory {name}") for name in ("north", "south")]
    fifty = make_partner(session, "Fifty Ltd", owner=manager)
    fay = company.add("fifty", make_user(session, "Fay Fifty", role=Role.MANAGER, partner=fifty))
    ted = make_user(session, "Ted Fifty", role=Role.USER, partner=fifty)
    own_queue = session.get_one(Queue, fifty.queue_id)
    for territory in territories:
        _join(session, territory, fifty)
    company.places += [
        Place(user=fay, exactly=20),
        Place(user=ted, exactly=10),
        Place(queue=own_queue, exactly=15),
        Place(queue=territories[0], exactly=5),
    ]
    waiting = make_partner(session, "Waiting Ltd", owner=manager)
    company.add("waiting", make_user(session, "Wes Waiting", role=Role.USER, partner=waiting))
    company.places.append(Place(queue=session.get_one(Queue, waiting.queue_id), exactly=50))
    company.marks["waiting_queue"] = waiting.queue_id

    big = make_partner(session, "Big Ltd", owner=manager)
    bea = company.add("big", make_user(session, "Bea Big", role=Role.EXECUTIVE, partner=big))
    ben = make_user(session, "Ben Big", role=Role.USER, partner=big)
    bob = make_user(session, "Bob Big", role=Role.MANAGER, partner=big)
    company.places += [
        Place(user=bea, part=8),
        Place(user=ben, part=3),
        Place(user=bob, part=1),
        Place(queue=session.get_one(Queue, big.queue_id), part=8),
    ]
    for name, waits, owns in (("three", 2, 1), ("hundreds", 150, 150)):
        partner = make_partner(session, f"{name.title()} Ltd", owner=manager)
        user = company.add(name, make_user(session, f"{name.title()} Person", partner=partner))
        queue = session.get_one(Queue, partner.queue_id)
        company.places += [Place(queue=queue, exactly=waits), Place(user=user, exactly=owns)]
    porter = make_user(
        session, "Porter Folio", role=Role.CHANNEL_MANAGER, account_scope=AccountScope.PORTFOLIO
    )
    company.add("portfolio", porter)
    for number in range(20):
        partner = make_partner(session, f"Portfolio partner {number}", owner=porter)
        company.places.append(Place(user=make_user(session, partner=partner), part=0.25))
        company.places.append(Place(queue=session.get_one(Queue, partner.queue_id), part=0.25))


def _add_racers(session: Session, company: Company, manager: User, size: int) -> None:
    """Eight people of four partners who may claim the same leads, and take turns."""
    queue = make_queue(session, "Race")
    racers: list[User] = []
    for number in range(RACERS // 2):
        partner = make_partner(session, f"Racer {number} Ltd", owner=manager)
        _join(session, queue, partner)
        for half in range(2):
            user = make_user(session, f"Racer {number} {half}", partner=partner)
            racers.append(company.add(f"racer{len(racers)}", user))
    company.places.append(Place(queue=queue, exactly=min(6000, max(size // 5, min(2000, size // 2)))))
    group = make_round_robin(session, "Race turns", members=tuple(racers))
    floor = make_round_robin(session, "Turns of the floor", members=tuple(racers))
    company.marks |= {"race_queue": queue.id, "round_robin": group.id, "floor_round_robin": floor.id}


def _add_partners(session: Session, company: Company, manager: User, count: int) -> Sequence[PartnerAccount]:
    """So many companies, where there are many with five people each; two of them own leads."""
    partners = []
    for number in range(count):
        partner = make_partner(session, f"Partner {number}", owner=manager)
        users = [make_user(session, partner=partner, role=role) for role in (Role.USER, Role.MANAGER)]
        for _more in range(3 if count > 200 else 0):
            make_user(session, partner=partner, role=Role.USER)
        partners.append(partner)
        company.places += [Place(user=user, part=15 / count) for user in users]
        company.places.append(Place(queue=session.get_one(Queue, partner.queue_id), part=5 / count))
    return partners


def _add_rules(session: Session, company: Company, partners: Sequence[PartnerAccount]) -> None:
    """One active version: turns for one country, a partner's queue, a person, and the rest by default."""
    now = clock.now()
    rules = RuleSet(
        ref=refs.new_ref(refs.RULE), name="Benchmark", number=1, state=RuleState.ACTIVE, activated_at=now,
        created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(rules)
    session.flush()
    entries: list[tuple[dict[str, Any], dict[str, int]]] = [
        ({"field": "employees", "op": "gte", "value": 9000}, {"target_user_id": company.people["racer0"].id}),
        ({"field": "country", "op": "in", "value": ["ES", "PT"]}, {"target_round_robin_id": company.marks["round_robin"]}),
        ({"field": "industry", "op": "equals", "value": "Retail"}, {"target_queue_id": partners[0].queue_id}),
        (
            {"all": [
                {"field": "country", "op": "equals", "value": "FR"}, {"field": "score", "op": "gt", "value": 50},
            ]},
            {"target_account_id": partners[1].account_id},
        ),
        ({"field": "product_interest", "op": "contains", "value": "router"}, {"target_queue_id": company.marks["race_queue"]}),
    ]  # fmt: skip
    for position, (criteria, target) in enumerate(entries, 1):
        session.add(
            RuleEntry(
                ref=refs.new_ref(refs.ITEM),
                rule_set_id=rules.id,
                position=position,
                criteria=criteria,
                **target,
            )
        )


def _join(session: Session, queue: Queue, partner: PartnerAccount) -> None:
    from tests.factories import add_member

    add_member(session, queue, partner)


def _notify(session: Session, user: User, random: Random) -> None:
    now = clock.now()
    session.add_all(
        Notification(
            ref=refs.new_ref(refs.NOTICE), act=f"benchmark:{user.id}:{i}", user_id=user.id,
            kind=NotificationKind.ROUTING_ALERT, detail={"reason": "Nobody could take it."}, created_at=now,
            read_at=now if random.random() < 0.5 else None,
        )
        for i in range(6)
    )  # fmt: skip
