"""Who works where: the vendor's people, customers, partner shops with their users, queues and rules."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.contact_operations import create_contact
from app.accounts.models import Account
from app.accounts.operations import create_account
from app.demo.campaigns import set_up_campaigns
from app.demo.capture import set_up_capture
from app.demo.cases import add_cases
from app.demo.diary import keep_diary
from app.demo.documents import add_documents
from app.demo.fields import set_up_fields
from app.demo.files import rows
from app.demo.lists import keep_lists
from app.demo.opportunities import add_opportunities
from app.demo.partnership import keep_partnership
from app.demo.people import domain_of_shop, mailbox_of, person_of
from app.demo.phones import phone_of
from app.demo.qualification import set_up_qualification
from app.demo.relations import set_up_relations
from app.demo.routing import set_up_routing
from app.demo.sales import sell
from app.demo.sharing import close, set_up_decisions, set_up_sharing
from app.demo.story import settle, tell_story
from app.demo.upkeep import keep_up
from app.identity.models import User, UserState
from app.identity.operations import create_user
from app.identity.passwords import hash_password
from app.identity.queries import find_actor, get_organisation
from app.kernel import refs
from app.kernel.actor import Actor, Role
from app.partners.models import MayInvite, PartnerAccount
from app.partners.operations import enable_partner, enable_partner_user

PASSWORD = "all aboard the slow boat"  # noqa: S105 - printed for whoever tries the demo on this machine
DOMAIN = "adventure-works.example"
DAYS = 182
PARTNERS_PER_TERRITORY = 4
LANGUAGES = {"FR": "en", "DE": "en", "GB": "en", "US": "en", "CA": "en", "AU": "en"}
ZONES = {
    "US": "America/Chicago",
    "CA": "America/Toronto",
    "GB": "Europe/London",
    "FR": "Europe/Paris",
    "DE": "Europe/Berlin",
    "AU": "Australia/Sydney",
}
LEVEL_BY_SALES = ((3_000_000, "Gold"), (1_000_000, "Silver"), (0, "Registered"))
INVITING_BY_LEVEL = {"Gold": MayInvite.MANAGER, "Silver": MayInvite.EXECUTIVE}


@dataclass(frozen=True, slots=True)
class SignIn:
    """Who can try the demo, and how."""

    role: str
    email: str
    password: str


@dataclass(slots=True)
class Company:
    """What the story needs to know: people as actors, partners by territory."""

    session: Session
    chance: Random
    begin: datetime
    now: datetime
    manager: Actor
    staff: dict[str, User] = field(default_factory=dict)
    partners: dict[str, list[PartnerAccount]] = field(default_factory=dict)
    users: list[User] = field(default_factory=list)
    named: dict[str, User] = field(default_factory=dict)

    def territory_of(self, account_id: int | None) -> str:
        """The sales territory of a partner account; empty for none."""
        for territory, partners in self.partners.items():
            if any(partner.account_id == account_id for partner in partners):
                return territory
        return ""


STAFF = (
    ("Ada Lindqvist", Role.ADMINISTRATOR, "ada"),
    ("Mara Vidal", Role.CHANNEL_MANAGER, "mara"),
    ("Hugo Ferrer", Role.CHANNEL_MANAGER, "hugo"),
    ("Sal Moreno", Role.SALES, "sal"),
    ("Ingrid Holm", Role.SALES, "ingrid"),
    ("Vic Okafor", Role.VIEWER, "vic"),
)


def is_empty(session: Session) -> bool:
    """Whether nobody uses this database yet."""
    return not session.scalar(select(func.count(User.id)))


def sign_ins(session: Session) -> list[SignIn]:
    """The demo's people to sign in as; none in a database that is not the demo's."""
    wanted = {
        f"mara@{DOMAIN}": "channel manager",
        "pia@northwest.example": "partner user",
        "otto@rival.example": "partner user of a rival",
        f"ada@{DOMAIN}": "administrator",
    }
    there = set(session.scalars(select(User.email_key).where(User.email_key.in_(wanted))))
    return [SignIn(role, email, PASSWORD) for email, role in wanted.items() if email in there]


def load(
    session: Session, *, now: datetime, leads: int = 2400, seed: int = 1, before_partners: bool = False
) -> None:
    """Fill an empty database.  leads: about how many; the rest of the company stays as it is.

    before_partners: with partner management off, to try what switching it on does.

    Writes through the rooms' operations, as of moments in the past half year; no mail goes out for
    it.  Does not commit.
    """
    chance = Random(seed)  # noqa: S311 - the demo's chance is no secret
    with _rarely_collecting(), refs.seeded(Random(seed + 1)):  # noqa: S311
        begin = now - timedelta(days=DAYS)
        company = _found(session, chance, begin, now)
        _add_customers(company)
        _add_partners(company)
        set_up_routing(company)
        tell_story(company, leads, set_up_campaigns(company))
        keep_diary(company)
        set_up_sharing(company)
        set_up_relations(company)
        add_documents(company)
        keep_lists(company)
        set_up_fields(company)
        add_cases(company)
        set_up_qualification(company)
        add_opportunities(company)
        set_up_capture(company)
        sell(company)
        keep_partnership(company)
        keep_up(company)
        settle(company)
        if before_partners:
            set_up_decisions(company)
            close(company)


@contextmanager
def _rarely_collecting() -> Iterator[None]:
    """Everything stays in one session until the end, so that looking for garbage finds nothing and takes its time."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _found(session: Session, chance: Random, begin: datetime, now: datetime) -> Company:
    organisation = get_organisation(session)
    organisation.name = "Adventure Works"
    organisation.time_zone = "Europe/Madrid"
    organisation.prm_enabled_at = begin
    organisation.portal_published_at = begin
    organisation.is_demo = True
    founder = Actor.system("demo company")
    kept = hash_password(PASSWORD)
    staff = {}
    for name, role, mailbox in STAFF:
        user = create_user(
            session,
            founder,
            email=f"{mailbox}@{DOMAIN}",
            name=name,
            role=role,
            time_zone="Europe/Madrid",
            now=begin,
        )
        let_in(user, kept, begin)
        staff[mailbox] = user
    session.flush()
    manager = find_actor(session, staff["mara"].id)
    if manager is None:
        raise RuntimeError("the demo's channel manager may not act")
    organisation.prm_enabled_by_id = staff["ada"].id
    return Company(session, chance, begin, now, manager, staff)


def let_in(user: User, password_hash: str, at: datetime) -> None:
    """As if the person had followed their invitation; the first real sign-in is still to come, and no news."""
    user.password_hash = password_hash
    user.password_changed_at = at
    user.state = UserState.ACTIVE
    user.first_web_sign_in_at = at


def _add_customers(company: Company) -> None:
    """Businesses the vendor sells to itself, with a few people each; and providers who may become partners."""
    chance = company.chance
    sales = [company.staff["sal"], company.staff["ingrid"]]
    for number, row in enumerate(chance.sample(rows("industries"), 60)):
        at = company.begin + timedelta(days=chance.randrange(DAYS - 5))
        city, _, state = row["headquarters"].partition(", ")
        account = _account(
            company,
            at,
            name=row["name"],
            industry=row["sector"],
            type="Customer",
            category="customer" if number % 3 else "prospect",
            employees=chance.choice([800, 2_500, 9_000, 40_000]),
            billing_city=city,
            billing_state=state,
            billing_country="US",
            phone=phone_of("US", row["name"]),
            owner=chance.choice(sales).ref,
        )
        for _ in range(chance.randrange(1, 3)):
            _contact(company, account, "US", at)
    for row in chance.sample(rows("providers"), 40):
        at = company.begin + timedelta(days=chance.randrange(DAYS - 5))
        account = _account(
            company,
            at,
            name=row["name"],
            type="Certified provider",
            industry="Information Technology",
            category="prospect",
            description=row["description"] or None,
            owner=company.staff["hugo"].ref,
        )
        _contact(company, account, "US", at)


def _account(company: Company, at: datetime, **values: Any) -> Account:
    given = {name: value for name, value in values.items() if value is not None}
    return create_account(company.session, company.manager, given, allow_duplicate=True, now=at)


def _contact(company: Company, account: Account, country: str, at: datetime, **values: Any) -> str:
    first, last = person_of(company.chance, country)
    given = {
        "account_id": account.ref,
        "first_name": first,
        "last_name": last,
        "title": company.chance.choice(["Owner", "Purchasing", "Sales manager", "Operations"]),
        "email": f"{mailbox_of(first, last)}@{domain_of_shop(account.name)}",
        **_phones_of(account, first, last, country),
        **values,
    }
    return create_contact(company.session, company.manager, given, allow_duplicate=True, now=at).ref


def _phones_of(account: Account, first: str, last: str, country: str) -> dict[str, str]:
    """Of five people one has no telephone, and one a mobile beside it."""
    whose = f"{first} {last} of {account.name}"
    share = len(whose) % 5
    if not share:
        return {}
    phones = {"phone": phone_of(country, whose)}
    return phones | {"mobile": phone_of(country, f"mobile {whose}")} if share == 1 else phones


def _add_partners(company: Company) -> None:
    """A few shops of each territory as partners with users, and others that could become partners."""
    kept = hash_password(PASSWORD)
    by_territory: dict[str, list[dict[str, str]]] = {}
    for row in rows("partners"):
        by_territory.setdefault(row["territory"], []).append(row)
    for territory, shops in sorted(by_territory.items(), key=lambda item: int(item[0])):
        ranked = sorted(shops, key=lambda row: -float(row["annual_sales"]))
        chosen = ranked[:: max(1, len(ranked) // (PARTNERS_PER_TERRITORY + 3))]
        for number, row in enumerate(chosen):
            _add_shop(company, territory, row, kept, is_partner=number < PARTNERS_PER_TERRITORY)


def _add_shop(company: Company, territory: str, row: dict[str, str], kept: str, *, is_partner: bool) -> None:
    at = company.begin + timedelta(hours=company.chance.randrange(48))
    owner = company.staff["mara" if int(territory) <= 6 else "hugo"]
    account = _account(
        company,
        at,
        name=row["name"],
        type=row["type"],
        industry="Bicycle retail",
        category="customer",
        employees=int(row["employees"]),
        annual_revenue=float(row["annual_sales"]),
        phone=row["phone"],
        website=f"https://{domain_of_shop(row['name'])}",
        billing_street=row["street"],
        billing_city=row["city"],
        billing_state=row["state"],
        billing_postal_code=row["postal_code"],
        billing_country=row["country"],
        owner=owner.ref,
    )
    if not is_partner:
        _contact(company, account, row["country"], at)
        return
    level = next(name for least, name in LEVEL_BY_SALES if float(row["annual_sales"]) >= least)
    partner = enable_partner(
        company.session,
        company.manager,
        account.ref,
        level=level,
        capacity=120,
        may_invite=INVITING_BY_LEVEL.get(level, MayInvite.NOBODY),
        channel_manager=owner.ref,
        now=at,
    )
    company.partners.setdefault(territory, []).append(partner)
    team = (Role.EXECUTIVE, Role.MANAGER, Role.USER, Role.USER)[company.chance.randrange(2) :]
    for number, role in enumerate(team):
        _add_partner_user(company, account, row["country"], role, kept, at, number)
    _contact(company, account, row["country"], at, title="Workshop")


# The people that a newcomer signs in as: a shop in the north-west, and its rival next door.
NAMED = {
    ("1", 0, Role.USER): ("Pia", "Novak", "pia@northwest.example", "en"),
    ("1", 1, Role.USER): ("Otto", "Berg", "otto@rival.example", "es"),
    ("1", 2, Role.USER): ("Montse", "Puig", "montse@shop.example", "ca"),
}


def _add_partner_user(
    company: Company, account: Account, country: str, role: Role, kept: str, at: datetime, number: int
) -> None:
    territory = company.territory_of(account.id)
    place = (territory, len(company.partners[territory]) - 1, role)
    first, last = person_of(company.chance, country)
    email, language = f"{mailbox_of(first, last)}.{number}@{domain_of_shop(account.name)}", "en"
    if place in NAMED and NAMED[place][2] not in company.named:
        first, last, email, language = NAMED[place]
    contact = _contact(company, account, country, at, first_name=first, last_name=last, email=email)
    user = enable_partner_user(
        company.session,
        company.manager,
        contact,
        role=role,
        email=email,
        language=language,
        time_zone=ZONES[country],
        now=at,
    )
    is_late = email.endswith("example") and company.chance.random() < 0.08 and place not in NAMED
    if is_late:
        return  # invited, has not come yet
    let_in(user, kept, at + timedelta(hours=3))
    user.capacity = 60
    company.users.append(user)
    company.named[email] = user
