"""Records for tests: functions that write what a test does not care about and let it say what it does.

Each flushes, so that ids are there; nothing commits.  Names are made unique by a counter, not by chance.
"""

import itertools
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, AccountKind, Contact
from app.cases import numbers
from app.cases.models import Case, CaseStatus
from app.identity.models import AccountScope, User, UserState
from app.identity.passwords import hash_password, is_outdated
from app.identity.queries import find_actor, get_organisation
from app.kernel import clock, refs
from app.kernel.actor import Actor, Role
from app.kernel.fold import company_key, domain_of, email_key, fold, phone_key
from app.leads.models import Assignment, AssignmentCause, Lead, LeadSource, LeadStatus
from app.opportunities.models import LAST_DAY, Opportunity, OpportunityStage
from app.partners.models import PartnerAccount
from app.routing.models import Queue, QueueMember, RoundRobin, RoundRobinMember
from app.sharing.rules import SHARED_TABLES
from app.sharing.scope import scope

PASSWORD = "tall ships leave at noon"
SYSTEM = Actor.system("tests")
_numbers = itertools.count(1)
_hashes: dict[str, str] = {}


def password_hash(password: str = PASSWORD) -> str:
    """The hash of a test's password, made once at the costs of the moment."""
    if password not in _hashes or is_outdated(_hashes[password]):
        _hashes[password] = hash_password(password)
    return _hashes[password]


def rows(session: Session, model: Any, *conditions: Any) -> list[Any]:
    """All rows of a table in order of their keys, whoever may see them."""
    seen = [scope(model, SYSTEM)] if model.__tablename__ in SHARED_TABLES else []
    return list(
        session.scalars(select(model).where(*seen, *conditions).order_by(*model.__table__.primary_key))
    )


def row_count(session: Session, model: Any, *conditions: Any) -> int:
    """How many rows there are, whoever may see them."""
    seen = [scope(model, SYSTEM)] if model.__tablename__ in SHARED_TABLES else []
    return session.scalar(select(func.count()).select_from(model).where(*seen, *conditions)) or 0


def dump(session: Session, *models: Any) -> list[list[tuple[Any, ...]]]:
    """Every value of every row, to compare before and after."""
    session.flush()
    return [
        [
            tuple(row)
            for row in session.connection().execute(m.__table__.select().order_by(*m.__table__.primary_key))
        ]
        for m in models
    ]


def actor_of(session: Session, user: User) -> Actor:
    """The actor that a request of this person would have, read now."""
    session.flush()
    actor = find_actor(session, user.id, door="web")
    assert actor is not None, f"{user.name} may not act"
    return actor


def open_portal(session: Session) -> None:
    """Switch PRM on and publish the portal, as most tests want it."""
    organisation = get_organisation(session)
    now = clock.now()
    organisation.prm_enabled_at = organisation.prm_enabled_at or now
    organisation.portal_published_at = organisation.portal_published_at or now
    session.flush()


def make_user(session: Session, name: str = "", **overrides: Any) -> User:
    """A sales user who is active and has signed in.  partner: a PartnerAccount makes it a partner user."""
    name = name or f"Person {next(_numbers)}"
    partner: PartnerAccount | None = overrides.pop("partner", None)
    password = overrides.pop("password", PASSWORD)
    now = clock.now()
    email = overrides.pop("email", f"{fold(name).replace(' ', '.')}.{next(_numbers)}@example.com")
    values: dict[str, Any] = {
        "ref": refs.new_ref(refs.USER),
        "email": email,
        "email_key": email_key(email),
        "name": name,
        "role": Role.USER if partner else Role.SALES,
        "state": UserState.ACTIVE,
        "account_scope": AccountScope.ALL,
        "partner_account_id": partner.account_id if partner else None,
        "password_hash": password_hash(password) if password else None,
        "password_changed_at": now,
        "first_web_sign_in_at": now,
        "last_sign_in_at": now,
        "created_at": now,
        "updated_at": now,
        "mail_preferences": {},
    }
    return _add(session, User(**{**values, **overrides}))


def make_account(session: Session, name: str = "", **overrides: Any) -> Account:
    """A business account.  owner: its User; a channel manager is made when none is given."""
    name = name or f"Company {next(_numbers)}"
    owner = overrides.pop("owner", None) or make_user(session, role=Role.CHANNEL_MANAGER)
    now = clock.now()
    values: dict[str, Any] = {
        "ref": refs.new_ref(refs.ACCOUNT),
        "kind": AccountKind.BUSINESS,
        "name": name,
        "name_fold": fold(name, 255),
        "company_key": company_key(name) or "",
        "domain": domain_of(overrides.get("website")),
        "phone_key": phone_key(overrides.get("phone"), overrides.get("billing_country")),
        "owner_user_id": owner.id,
        "created_by_id": owner.id,
        "updated_by_id": owner.id,
        "created_at": now,
        "updated_at": now,
    }
    return _add(session, Account(**{**values, **overrides}))


def make_contact(session: Session, last_name: str = "", **overrides: Any) -> Contact:
    """A contact.  account: its Account or None, owner: its User (the account's owner unless given)."""
    number = next(_numbers)
    last_name = last_name or f"Contact {number}"
    account: Account | None = overrides.pop("account", None)
    owner: User | None = overrides.pop("owner", None)
    if owner is None and account is None:
        owner = make_user(session)
    owner_id = owner.id if owner else account.owner_user_id if account else None
    email = overrides.setdefault("email", f"contact{number}@example.com")
    now = clock.now()
    values: dict[str, Any] = {
        "ref": refs.new_ref(refs.CONTACT),
        "account_id": account.id if account else None,
        "last_name": last_name,
        "last_name_fold": fold(last_name, 120),
        "email_key": email_key(email),
        "phone_key": phone_key(overrides.get("phone")),
        "owner_user_id": owner_id,
        "created_by_id": owner_id,
        "updated_by_id": owner_id,
        "created_at": now,
        "updated_at": now,
    }
    return _add(session, Contact(**{**values, **overrides}))


def make_case(session: Session, subject: str = "", **overrides: Any) -> Case:
    """A case.  account, contact: records or None; owner: its User; status: key of a status."""
    subject = subject or f"Case {next(_numbers)}"
    account: Account | None = overrides.pop("account", None)
    contact: Contact | None = overrides.pop("contact", None)
    owner: User = overrides.pop("owner", None) or make_user(session)
    key = overrides.pop("status", "new")
    status = session.scalars(select(CaseStatus).where(CaseStatus.key == key)).one()
    now = clock.now()
    values: dict[str, Any] = {
        "ref": refs.new_ref(refs.CASE),
        "number": numbers.draw(),
        "subject": subject,
        "subject_fold": fold(subject, 255),
        "status_id": status.id,
        "is_open": status.category == "open",
        "account_id": account.id if account else contact.account_id if contact else None,
        "contact_id": contact.id if contact else None,
        "owner_user_id": owner.id,
        "created_by_id": owner.id,
        "updated_by_id": owner.id,
        "opened_at": now,
        "closed_at": None if status.category == "open" else now,
        "turned_at": None if status.category == "open" else now,
        "created_at": now,
        "updated_at": now,
    }
    return _add(session, Case(**{**values, **overrides}))


def make_opportunity(session: Session, name: str = "", **overrides: Any) -> Opportunity:
    """An opportunity.  account: an Account, or one is made; owner: its User; stage: key of a stage."""
    name = name or f"Opportunity {next(_numbers)}"
    owner: User = overrides.pop("owner", None) or make_user(session)
    account: Account = overrides.pop("account", None) or make_account(session)
    key = overrides.pop("stage", "prospecting")
    stage = session.scalars(select(OpportunityStage).where(OpportunityStage.key == key)).one()
    now = clock.now()
    values: dict[str, Any] = {
        "ref": refs.new_ref(refs.OPPORTUNITY),
        "name": name,
        "name_fold": fold(name, 255),
        "account_id": account.id,
        "stage_id": stage.id,
        "category": stage.category,
        "probability": stage.probability,
        "amount_order": overrides.get("amount") or 0,
        "close_order": overrides.get("close_on") or LAST_DAY,
        "closed_at": None if stage.category == "open" else now,
        "turned_at": None if stage.category == "open" else now,
        "owner_user_id": owner.id,
        "owner_rank": owner.role.rank if owner.is_partner else None,
        "partner_account_id": owner.partner_account_id,
        "created_by_id": owner.id,
        "updated_by_id": owner.id,
        "created_at": now,
        "updated_at": now,
    }
    return _add(session, Opportunity(**{**values, **overrides}))


def make_queue(session: Session, name: str = "", members: tuple[Any, ...] = (), **overrides: Any) -> Queue:
    """A queue.  members: User, PartnerAccount, or (PartnerAccount, Role) for that role and above."""
    name = name or f"Queue {next(_numbers)}"
    now = clock.now()
    values: dict[str, Any] = {
        "ref": refs.new_ref(refs.QUEUE),
        "name": name,
        "name_fold": fold(name, 120),
        "created_at": now,
        "updated_at": now,
    }
    queue = _add(session, Queue(**{**values, **overrides}))
    for member in members:
        add_member(session, queue, member)
    return queue


def add_member(session: Session, queue: Queue, member: Any) -> QueueMember:
    """A User, a PartnerAccount, or (PartnerAccount, Role) as a member of the queue."""
    who, role = member if isinstance(member, tuple) else (member, Role.USER)
    return _add(
        session,
        QueueMember(
            ref=refs.new_ref(refs.MEMBER),
            queue_id=queue.id,
            user_id=who.id if isinstance(who, User) else None,
            account_id=who.account_id if isinstance(who, PartnerAccount) else None,
            minimum_rank=role.rank if isinstance(who, PartnerAccount) else 0,
            created_at=clock.now(),
        ),
    )


def make_round_robin(
    session: Session, name: str = "", members: tuple[Any, ...] = (), **overrides: Any
) -> RoundRobin:
    """A round robin whose state is empty.  members: User, PartnerAccount or Queue, or (member, weight)."""
    name = name or f"Round robin {next(_numbers)}"
    now = clock.now()
    values: dict[str, Any] = {
        "ref": refs.new_ref(refs.ROUND_ROBIN),
        "name": name,
        "name_fold": fold(name, 120),
        "created_at": now,
        "updated_at": now,
        "state": {},
    }
    group = _add(session, RoundRobin(**{**values, **overrides}))
    for seat, member in enumerate(members):
        who, weight = member if isinstance(member, tuple) else (member, 1)
        _add(
            session,
            RoundRobinMember(
                ref=refs.new_ref(refs.MEMBER),
                round_robin_id=group.id,
                seat=seat,
                weight=weight,
                user_id=who.id if isinstance(who, User) else None,
                account_id=who.account_id if isinstance(who, PartnerAccount) else None,
                queue_id=who.id if isinstance(who, Queue) else None,
            ),
        )
    return group


def make_partner(session: Session, name: str = "", **overrides: Any) -> PartnerAccount:
    """A partner account with its partner queue, whose members are the whole account.

    PRM is switched on and the portal published, unless `opens_portal=False`.
    account: an Account to enable; owner: its channel manager, when one is made.
    """
    if overrides.pop("opens_portal", True):
        open_portal(session)
    account = overrides.pop("account", None)
    owner = overrides.pop("owner", None)
    if account is None:
        account = make_account(session, name, owner=owner)
    minimum_role: Role = overrides.pop("minimum_role", Role.USER)
    queue = make_queue(session, f"{account.name} partner queue", partner_account_id=account.id)
    values: dict[str, Any] = {
        "account_id": account.id,
        "queue_id": queue.id,
        "enabled_at": clock.now(),
        "enabled_by_id": account.owner_user_id,
    }
    partner = _add(session, PartnerAccount(**{**values, **overrides}))
    add_member(session, queue, (partner, minimum_role))
    return partner


def make_source(session: Session, name: str = "", **overrides: Any) -> LeadSource:
    """An entry in the administrator's list of lead sources."""
    name = name or f"Source {next(_numbers)}"
    values = {"ref": refs.new_ref(refs.ITEM), "name": name, "name_fold": fold(name, 80), "position": 99}
    return _add(session, LeadSource(**{**values, **overrides}))


def get_status(session: Session, key: str = "new") -> LeadStatus:
    """One of the first statuses: new, working, qualified, unqualified."""
    return session.scalars(select(LeadStatus).where(LeadStatus.key == key)).one()


def get_default_queue(session: Session) -> Queue:
    """The queue that takes what nothing routes; the migrations put it there."""
    return session.scalars(select(Queue).where(Queue.is_default)).one()


def make_lead(
    session: Session, owner: User | None = None, queue: Queue | None = None, **overrides: Any
) -> Lead:
    """A lead with its first assignment: owned by a user, or waiting in a queue (the default one if neither).

    status: key of a status.  source: a LeadSource.  Columns of the owner follow from it.
    """
    number = next(_numbers)
    status = get_status(session, overrides.pop("status", "new"))
    source: LeadSource | None = overrides.pop("source", None)
    cause = overrides.pop(
        "cause", AssignmentCause.MANUAL if owner or queue else AssignmentCause.DEFAULT_QUEUE
    )
    if owner is None and queue is None:
        queue = get_default_queue(session)
    now = clock.now() - timedelta(minutes=1)
    fields: dict[str, Any] = {
        "last_name": f"Lead {number}",
        "company": f"Prospect {number}",
        "email": f"lead{number}@prospect.example",
        "phone": None,
        "mobile": None,
        "city": "Girona",
        "country": "ES",
        "industry": "Manufacturing",
    }
    fields.update(overrides)
    company_id = owner.partner_account_id if owner else queue.partner_account_id if queue else None
    values: dict[str, Any] = {
        "ref": refs.new_ref(refs.LEAD),
        "status_id": status.id,
        "source_id": source.id if source else None,
        "is_open": status.category != "unqualified",
        "last_name_fold": fold(fields["last_name"], 120),
        "company_fold": fold(fields["company"], 255),
        "company_key": company_key(fields["company"]),
        "email_key": email_key(fields["email"]),
        "phone_key": phone_key(fields["phone"] or fields["mobile"], fields["country"]),
        "owner_user_id": owner.id if owner else None,
        "owner_queue_id": queue.id if queue else None,
        "partner_account_id": company_id,
        "owner_rank": owner.role.rank if owner and owner.is_partner else None,
        "last_cause": cause,
        "arrived_at": now,
        "created_at": now,
        "updated_at": now,
        "owned_since": now,
        "waiting_since": now,
    }
    lead = _add(session, Lead(**{**values, **fields}))
    _add(
        session,
        Assignment(
            lead_id=lead.id,
            at=lead.created_at,
            cause=cause,
            to_user_id=lead.owner_user_id,
            to_queue_id=lead.owner_queue_id,
            to_company_id=lead.partner_account_id,
            actor_name="Tests",
            trace=[],
        ),
    )
    return lead


def _add(session: Session, record: Any) -> Any:
    session.add(record)
    session.flush()  # ids are wanted by whatever is made next
    return record
