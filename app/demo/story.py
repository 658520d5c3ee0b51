"""Half a year, day by day: leads arrive and are routed, partners claim, answer, call, win and lose."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from app.activities.operations import log_activity
from app.demo.campaigns import Reach, came_by
from app.demo.files import column, rows, state_names
from app.demo.newcomers import newcomers
from app.demo.people import mailbox_of, person_of, town_of
from app.identity.models import User
from app.identity.queries import find_actor
from app.kernel.actor import Actor
from app.kernel.errors import DomainError
from app.leads.arrivals import Arrival, store_arrivals
from app.leads.capacity import open_leads_of_company, open_leads_of_user
from app.leads.columns import derived_columns
from app.leads.duplicates import Likeness, find_duplicates
from app.leads.models import AssignmentCause, Lead, LeadSource, LeadStatus, UnqualifiedReason
from app.leads.operations import claim_lead, edit_lead
from app.leads.placement import Move, Owner
from app.notifications.models import Delivery, DeliveryState, Notification
from app.notifications.operations import Mail
from app.partners.models import PartnerAccount
from app.routing.assign import Wish, assign_lead
from app.routing.candidates import USER
from app.routing.models import Queue
from app.routing.offers import accept_offer, decline_offer, expire_offers
from app.routing.recycling import due_leads, recycle_lead
from app.routing.routes import route_many
from app.routing.targets import Target
from app.sharing.keys import reserve_keys
from app.sharing.scope import scope

if TYPE_CHECKING:
    from app.demo.company import Company

_TELLER = Actor.system("demo company")
ARRIVAL_HOURS = (9, 16)
RECENT = timedelta(days=3)  # before that, a day's leads come at once, in the afternoon
ACTS_PER_DAY = 16
LIVE_DAYS = 45  # before that, the company kept its leads elsewhere and brought them along
COMPARED = ("email_key", "phone_key", "company_key", "last_name_fold")
ROOM_FOR_NEWCOMERS = 20
# So many leads of the north-west nobody claims: newcomers are offered nine of them, and find the rest to claim.
KEPT_FOR_NEWCOMERS = 15
CALLS = (
    "Called, left a message",
    "Spoke with purchasing",
    "Asked for sizes and colours",
    "Sent the price list",
    "Agreed on a test ride",
)
LOST = ("Bought elsewhere", "No budget this year", "Wrong number")


def tell_story(company: "Company", leads: int, reaches: list[Reach]) -> None:
    """Simulate every day from the company's beginning until now.  reaches: of campaigns that bring leads."""
    story = _Story(company, leads, reaches)
    day = company.begin.replace(hour=0, minute=0, second=0, microsecond=0)
    while day < company.now:
        story.live(day)
        day += timedelta(days=1)
    story.hold_out()


def settle(company: "Company") -> None:
    """What was told long ago has been read, and no mail goes out for what only seems to have happened."""
    company.session.execute(
        update(Delivery)
        .where(Delivery.state.in_([DeliveryState.DUE, DeliveryState.HELD]))
        .values(state=DeliveryState.SUPPRESSED)
    )
    before = company.now - timedelta(days=3)
    company.session.execute(
        update(Notification)
        .where(Notification.created_at < before, Notification.read_at.is_(None))
        .values(read_at=before)
    )


class _Story:
    """One run of the simulation; `work` holds each partner user's open leads by public name."""

    def __init__(self, company: "Company", leads: int, reaches: list[Reach]) -> None:
        self.company = company
        self.reaches = reaches
        self.session = company.session
        self.chance = company.chance
        self.vendor = Actor.system("demo company", door="import")
        self.statuses = {s.key: s for s in self.session.scalars(select(LeadStatus))}
        self.reasons = self.session.scalars(select(UnqualifiedReason.id).order_by(UnqualifiedReason.id)).all()
        self.sources = list(self.session.scalars(select(LeadSource)))
        self.actors = {user.id: self._actor(user) for user in company.users}
        self.work: dict[int, list[str]] = defaultdict(list)
        self.offers: dict[int, list[str]] = defaultdict(list)
        self.called: set[str] = set()  # whoever has these has worked on them
        self.live_from = company.now - timedelta(days=LIVE_DAYS)
        self.territories = {(row["country"], row["state"]): row["territory"] for row in rows("places")}
        self.by_territory: dict[str, list[User]] = defaultdict(list)
        for user in company.users:
            self.by_territory[company.territory_of(user.partner_account_id)].append(user)
        self.plan = self._plan(leads)
        self.number = 0

    def _actor(self, user: User) -> Actor:
        actor = find_actor(self.session, user.id, door="web")
        if actor is None:
            raise RuntimeError(f"{user.name} may not act")
        return actor

    def _plan(self, leads: int) -> dict[int, int]:
        """Day → number of arrivals: fewer at week-ends, slowly growing."""
        days = (self.company.now - self.company.begin).days + 1
        weights = []
        for number in range(days):
            is_weekend = (self.company.begin + timedelta(days=number)).weekday() >= 5
            weights.append(
                (0.4 if is_weekend else 1.0) * (0.8 + 0.6 * number / days) * self.chance.uniform(0.7, 1.3)
            )
        total = sum(weights)
        return {number: round(leads * weight / total) for number, weight in enumerate(weights)}

    def live(self, day: datetime) -> None:
        """One day: arrivals in a few batches, expiries, then what partners do."""
        number = max(0, (day - self.company.begin).days)
        wanted = self.plan.get(number, 0)
        hours = ARRIVAL_HOURS if self.company.now - day < RECENT else ARRIVAL_HOURS[-1:]
        for part, hour in enumerate(hours):
            moment = day + timedelta(hours=hour, minutes=self.chance.randrange(50))
            if self.company.begin < moment < self.company.now:
                share = wanted // len(hours) + (part < wanted % len(hours))
                self._arrive(share, moment)
        evening = day + timedelta(hours=19)
        if self.live_from < evening < self.company.now:
            while expire_offers(self.session, now=evening, limit=200):
                pass
            self._answer_offers(evening)
            self._work(evening)
            for key in due_leads(self.session, now=evening):
                recycle_lead(self.session, key, now=evening)

    def _arrive(self, count: int, moment: datetime) -> None:
        if not count:
            return
        arrivals = [Arrival(0, self._lead(moment)) for _ in range(count)]
        keys = reserve_keys(self.session, Lead, count)
        likeness = [Likeness(*(a.attributes[name] for name in COMPARED)) for a in arrivals]
        alike = find_duplicates(self.session, likeness, keys)
        for arrival, key, duplicates in zip(arrivals, keys, alike, strict=True):
            arrival.id = key
            arrival.attributes["duplicates"] = duplicates
        if moment < self.live_from:
            for arrival in arrivals:
                self._bring_along(arrival)
        else:
            self._route(arrivals, moment)
        store_arrivals(self.session, self.vendor, arrivals, now=moment)
        if moment < self.live_from:
            self._touch(keys, moment)

    def _route(self, arrivals: list[Arrival], moment: datetime) -> None:
        routed = route_many(self.session, [a.attributes for a in arrivals], now=moment, notify=False)
        for arrival, where in zip(arrivals, routed, strict=True):
            arrival.to, arrival.move = where.to, where.move
            if where.to.user is not None and where.to.user.is_partner:
                held = self.offers if where.move.offer else self.work
                held[where.to.user.id].append(arrival.ref)

    def _bring_along(self, arrival: Arrival) -> None:
        """A lead from before the company came to Canal: with the owner and status it had there."""
        place = (arrival.attributes["country"], arrival.attributes["state"])
        people = self.by_territory.get(self.territories.get(place, ""), self.company.users)
        user = self.chance.choice(people)
        key = self.chance.choices(["unqualified", "qualified", "working"], (11, 3, 2))[0]
        if len(self.work[user.id]) > (user.capacity or 15) // 2:
            key = "unqualified"
        arrival.attributes["status_id"] = self.statuses[key].id
        arrival.attributes["is_open"] = key != "unqualified"
        if key == "unqualified":
            arrival.attributes["unqualified_reason_id"] = self.reasons[len(self.work) % len(self.reasons)]
        arrival.to = Owner(user=user)
        arrival.move = Move(AssignmentCause.MANUAL, mail=Mail.NONE, owner_chosen=True)
        if key == "working":
            self.work[user.id].append(arrival.ref)
            self.called.add(arrival.ref)

    def _touch(self, keys: Sequence[int], moment: datetime) -> None:
        """Whoever had them before worked on them there."""
        after = self.chance.choice((1, 3, 6, 20, 30, 55)) * 3600 + self.chance.randrange(3000)
        self.session.execute(
            update(Lead)
            .where(scope(Lead, _TELLER), Lead.id.in_(keys))
            .values(touched_at=moment + timedelta(seconds=after), touched_after=after)
        )

    def _lead(self, moment: datetime) -> dict[str, Any]:
        """The columns of one new lead: prospects in file order, and others, here and there, made up from lists."""
        chance = self.chance
        prospects = rows("prospects")
        if self.number < len(prospects) and self.number % 4:
            row = prospects[self.number]
            first, last, title, phone = row["first_name"], row["last_name"], row["title"], row["phone"]
            country, city, street, postal_code = "US", row["city"], row["street"], row["postal_code"]
            state = state_names().get(("US", row["state"]), row["state"])
        else:
            town = town_of(chance, str(chance.choices(range(1, 11), (30, 4, 4, 10, 5, 8, 8, 8, 6, 9))[0]))
            country, city, state, postal_code = (
                town["country"],
                town["city"],
                town["state"],
                town["postal_code"],
            )
            first, last = person_of(chance, country)
            title, phone, street = (
                chance.choice(["Owner", "Purchasing", "Fleet manager", "Head of sport"]),
                None,
                None,
            )
        business = chance.choice(rows("industries"))
        name = chance.choice(column("companies", "name"))
        self.number += 1
        values: dict[str, Any] = {
            "first_name": first,
            "last_name": last,
            "title": title or None,
            "company": name,
            "email": f"{mailbox_of(first, last)}{self.number}@prospects.example",
            "phone": phone,
            "street": street,
            "city": city,
            "state": state,
            "postal_code": postal_code,
            "country": country,
            "industry": business["sector"],
            "employees": int(chance.paretovariate(0.7) * 9) % 60_000 + 1,
            "product_interest": chance.choice(column("products", "en")),
            "score": min(99, int(chance.betavariate(3, 2.4) * 100)),
            "source_id": chance.choices(self.sources, (30, 10, 8, 9, 12, 6, 4, 3))[0].id
            if chance.random() < 0.96
            else None,
            "external_id": f"AW-{self.number:06d}",
            "status_id": self.statuses["new"].id,
            "arrived_at": moment - timedelta(minutes=chance.randrange(120)),
        }
        return {**values, **came_by(self.reaches, self.number, moment), **derived_columns(values)}

    def _answer_offers(self, moment: datetime) -> None:
        for user_id, offered in list(self.offers.items()):
            kept = []
            for ref in offered:
                luck = self.chance.random()
                if luck < 0.08:
                    kept.append(ref)  # it lapses if this goes on
                    continue
                try:
                    if luck < 0.88:
                        accept_offer(self.session, self.actors[user_id], ref, now=moment)
                        self.work[user_id].append(ref)
                    else:
                        reason = self.chance.choice(["no_capacity", "not_our_market", "duplicate", "invalid"])
                        decline_offer(self.session, self.actors[user_id], ref, reason=reason, now=moment)
                except DomainError:
                    continue  # it has lapsed or gone on
            self.offers[user_id] = kept

    def _work(self, moment: datetime) -> None:
        """Partners claim what has waited for a day or two, then call and move the status of some."""
        if moment.weekday() < 5:
            self._claim_waiting(moment)
        is_quiet = moment.weekday() >= 5 or (self.company.now - moment) < timedelta(hours=30)
        for _ in range(3 if is_quiet else ACTS_PER_DAY):
            user = self.chance.choice(self.company.users)
            mine = self.work[user.id]
            fresh = [ref for ref in mine if ref not in self.called]
            if mine:
                ref = self.chance.choice(fresh or mine)
                self.called.add(ref)
                self._move_on(self.actors[user.id], user, ref, moment)

    def _claim_waiting(self, moment: datetime) -> None:
        waiting = self.session.execute(
            select(Lead.ref, Lead.owner_queue_id).where(
                scope(Lead, _TELLER),
                Lead.owner_queue_id.is_not(None),
                Lead.waiting_since < moment - timedelta(hours=self.chance.randrange(20, 60)),
            )
        ).all()
        kept_in = self._north_west().id
        spare = self._count_waiting(kept_in) - KEPT_FOR_NEWCOMERS
        for ref, queue_id in waiting:
            if queue_id == kept_in and spare <= 0:
                continue
            members = [
                user
                for user in self.company.users
                if queue_id in self.actors[user.id].queue_ids
                and len(self.work[user.id]) < (user.capacity or 15) // 2
            ]
            if not members or self.chance.random() < 0.4:
                continue
            user = self.chance.choice(members)
            try:
                claim_lead(self.session, self.actors[user.id], ref, now=moment)
            except DomainError:
                continue  # they refused it before, or have their hands full
            spare -= queue_id == kept_in
            self.work[user.id].append(ref)

    def _move_on(self, actor: Actor, user: User, ref: str, moment: datetime) -> None:
        lead = self.session.scalar(select(Lead).where(scope(Lead, _TELLER), Lead.ref == ref))
        if lead is None or lead.owner_user_id != user.id or lead.offer_id is not None:
            self.work[user.id].remove(ref)
            return
        log_activity(
            self.session,
            actor,
            lead,
            kind="call",
            subject=self.chance.choice(CALLS),
            at=moment - timedelta(minutes=self.chance.randrange(1, 400)),
            now=moment,
        )
        luck = self.chance.random()
        if lead.status_id == self.statuses["new"].id:
            self._set_status(actor, ref, "working", moment)
        elif luck < 0.3:
            self._set_status(actor, ref, "qualified", moment)
        elif luck < 0.75:
            self._set_status(actor, ref, "unqualified", moment)
            self.work[user.id].remove(ref)

    def _set_status(self, actor: Actor, ref: str, key: str, moment: datetime) -> None:
        values: dict[str, Any] = {"status": self.statuses[key].id}
        if key == "unqualified":
            values["unqualified_reason"] = self.reasons[moment.minute % len(self.reasons)]
        edit_lead(self.session, actor, ref, values, now=moment)

    def hold_out(self) -> None:
        """This morning the channel manager asked the people one can sign in as whether they want something."""
        moment = self.company.now - timedelta(hours=2)
        for user in newcomers(self.company):
            self._make_room(user)
            for ref in self._waiting_longest(3):
                target = Target(USER, user.id, user.ref, user.name, user.partner_account_id)
                wish = Wish(target, notify=False, ask_to_accept=True)
                assign_lead(self.session, self.company.manager, ref, wish, now=moment)

    def _make_room(self, user: User) -> None:
        """However much half a year has left them with, they can take what a newcomer tries."""
        company = self.session.get_one(PartnerAccount, user.partner_account_id)
        mine = open_leads_of_user(self.session, user.id)
        theirs = open_leads_of_company(self.session, company.account_id)
        user.capacity = _at_least(user.capacity, mine + ROOM_FOR_NEWCOMERS)
        company.capacity = _at_least(company.capacity, theirs + 2 * ROOM_FOR_NEWCOMERS)
        self.session.flush()

    def _waiting_longest(self, count: int) -> list[str]:
        """Leads of the north-west that nobody has claimed."""
        waiting = select(Lead.ref).where(scope(Lead, _TELLER), Lead.owner_queue_id == self._north_west().id)
        return list(self.session.scalars(waiting.order_by(Lead.score.desc(), Lead.id).limit(count)))

    def _north_west(self) -> Queue:
        """The queue in which newcomers find something to claim, and of which they are offered some."""
        return self.session.scalars(select(Queue).where(Queue.name == "Northwest")).one()

    def _count_waiting(self, queue_id: int) -> int:
        waiting = select(func.count(Lead.id)).where(scope(Lead, _TELLER), Lead.owner_queue_id == queue_id)
        return self.session.scalar(waiting) or 0


def _at_least(capacity: int | None, room: int) -> int | None:
    """The capacity, raised to the next ten where it leaves no such room; None is no limit."""
    return None if capacity is None else max(capacity, -(-room // 10) * 10)
