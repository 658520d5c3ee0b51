"""Who sees a record and why, against the scope that every statement carries, in random worlds."""

from dataclasses import dataclass

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account, AccountResponsible, Contact
from app.identity.models import AccountScope, User
from app.identity.queries import get_organisation
from app.kernel import clock, refs
from app.kernel.actor import Level, Role
from app.leads.models import Lead, LeadRefusal
from app.partners.models import PartnerAccount
from app.routing.models import Queue, QueueMember
from app.sharing.explain import Cause, Grant, Grantee, who_sees, why
from app.sharing.scope import scope
from tests.factories import (
    SYSTEM,
    actor_of,
    make_account,
    make_case,
    make_contact,
    make_lead,
    make_queue,
    make_user,
    rows,
)
from tests.sharing.worlds import build

RANK = {Role.USER: 0, Role.MANAGER: 1, Role.EXECUTIVE: 2}


@dataclass
class Company:
    """What a principal means, looked up without the rules."""

    session: Session

    def has(self, person: User, to: Grantee) -> bool:
        """Whether the person belongs to the principal."""
        match to.type:
            case "user":
                return person.ref == to.ref
            case "internal_role":
                return person.role == to.ref
            case "all_internal":
                return person.partner_account_id is None and person.account_scope is AccountScope.ALL
            case "partner_account":
                account = self._account(to.ref)
                reaches = to.role is None or RANK.get(person.role, -1) >= RANK[to.role]
                return person.partner_account_id == account.id and reaches
            case "account_team":
                account = self._account(to.ref)
                answers = rows(
                    self.session, AccountResponsible,
                    AccountResponsible.account_id == account.id, AccountResponsible.user_id == person.id,
                )  # fmt: skip
                return account.owner_user_id == person.id or bool(answers)
            case "queue":
                queue = next(q for q in rows(self.session, Queue) if q.ref == to.ref)
                return any(
                    m.user_id == person.id
                    or (m.account_id is not None and m.account_id == person.partner_account_id
                        and RANK[person.role] >= m.minimum_rank)
                    for m in rows(self.session, QueueMember, QueueMember.queue_id == queue.id)
                )  # fmt: skip
        raise AssertionError(f"no such principal: {to}")

    def _account(self, ref: str | None) -> Account:
        return next(a for a in rows(self.session, Account) if a.ref == ref)

    def level(self, person: User, grants: list[Grant], record: object) -> int:
        """The most that any grant gives; viewers read at most, and refused leads are not seen in a queue."""
        refused = isinstance(record, Lead) and bool(
            rows(
                self.session, LeadRefusal,
                LeadRefusal.lead_id == record.id, LeadRefusal.company_id == person.partner_account_id,
            )
        )  # fmt: skip
        given = [
            int(grant.level)
            for grant in grants
            if self.has(person, grant.to) and not (refused and grant.to.type == "queue")
        ]
        most = max(given, default=0)
        return min(most, int(Level.READ)) if person.role is Role.VIEWER else most


def check(session: Session, people: list[User], record: Lead | Account | Contact) -> None:
    """That `who_sees`, `why` and `scope` say the same of everybody."""
    model = type(record)
    grants, company = list(who_sees(session, record)), Company(session)
    assert len({grant.to for grant in grants}) == len(grants)
    for person in people:
        actor = actor_of(session, person)
        by_scope = [
            level
            for level in Level
            if session.scalar(select(model.id).where(scope(model, actor, level), model.id == record.id))
        ]
        expected = max(by_scope, default=0)
        level, causes = why(session, actor, record)
        assert (level or 0) == expected, (person.role, causes)
        assert bool(causes) is bool(expected)
        assert company.level(person, grants, record) == expected, (person.role, expected, grants)
        named = {cause for grant in grants if company.has(person, grant.to) for cause in grant.causes}
        assert set(causes) <= named, (causes, grants)


@settings(
    max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)
@given(seed=st.integers(0, 10**6), default=st.sampled_from(["private", "read", "read_write"]))
def test_explaining_leads_agrees_with_scope(app: Flask, session: Session, seed: int, default: str) -> None:
    _check_leads(session, seed, default)


@pytest.mark.long
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(seed=st.integers(0, 10**9), default=st.sampled_from(["private", "read", "read_write"]))
def test_explaining_a_hundred_worlds_agrees_with_scope(app, session, seed: int, default: str) -> None:
    _check_leads(session, seed, default)


def _check_leads(session: Session, seed: int, default: str) -> None:
    world = build(session, seed)
    organisation = get_organisation(session)
    organisation.defaults = {**organisation.defaults, "lead": {"internal": default, "external": "private"}}
    session.flush()
    for lead in world.leads:
        if lead.deleted_at is None:
            check(session, world.people, lead)
    session.rollback()


@pytest.mark.long_on("postgresql")
@pytest.mark.parametrize("default", ["private", "read", "read_write"])
def test_explaining_accounts_contacts_and_cases_agrees_with_scope(
    session: Session, default: str, northwind, pia
) -> None:
    organisation = get_organisation(session)
    chosen = {"internal": default, "external": "private"}
    organisation.defaults = {**organisation.defaults, "account": chosen, "case": chosen}
    people = [
        make_user(session, role=role, account_scope=scope_)
        for role in (Role.ADMINISTRATOR, Role.CHANNEL_MANAGER, Role.SALES, Role.VIEWER)
        for scope_ in AccountScope
    ]
    accounts = [make_account(session, owner=owner) for owner in people]
    accounts.append(next(a for a in rows(session, Account) if a.id == northwind.account_id))
    for number, person in enumerate(people):
        session.add(
            AccountResponsible(
                ref=refs.new_ref(refs.MEMBER), account_id=accounts[number - 1].id, user_id=person.id,
                created_at=clock.now(),
            )
        )  # fmt: skip
    session.flush()
    for number, account in enumerate(accounts):
        owner = people[(number + 3) % len(people)]
        for record in (
            account, make_contact(session, account=account, owner=owner), make_contact(session, account=None, owner=owner),
            make_case(session, account=account, owner=owner), make_case(session, owner=owner),
        ):  # fmt: skip
            check(session, [*people, pia], record)


def test_the_words_of_the_design(session: Session, ada, mara, sal, pia, pam, pex, otto, northwind) -> None:
    account = next(a for a in rows(session, Account) if a.id == northwind.account_id)
    lead = make_lead(session, owner=pia)
    grants = {grant.to: grant for grant in who_sees(session, lead)}
    assert grants[Grantee("internal_role", "administrator")].causes == (Cause("administrator"),)
    assert grants[Grantee("all_internal")] == Grant(Grantee("all_internal"), Level.EDIT, (Cause("default"),))
    assert grants[Grantee("user", pia.ref)] == Grant(Grantee("user", pia.ref), Level.EDIT, (Cause("owner"),))
    above = Grantee("partner_account", account.ref, Role.MANAGER)
    assert grants[above] == Grant(above, Level.EDIT, (Cause("role_hierarchy"),))
    manager = Grantee("user", mara.ref)
    assert grants[manager] == Grant(manager, Level.FULL, (Cause("channel_manager", account.ref),))
    assert why(session, actor_of(session, pex), lead) == (Level.EDIT, [Cause("role_hierarchy")])
    assert why(session, actor_of(session, otto), lead) == (None, [])
    level, causes = why(session, actor_of(session, mara), lead)
    assert (level, causes) == (Level.FULL, [Cause("default"), Cause("channel_manager", account.ref)])
    queue = session.get(Queue, northwind.queue_id)
    waiting = make_lead(session, queue=queue)
    assert why(session, actor_of(session, pam), waiting) == (Level.PREVIEW, [Cause("queue", queue.ref)])
    executives = make_lead(session, owner=pex)
    assert not [g for g in who_sees(session, executives) if g.to.type == "partner_account"]


def test_an_offer_is_its_own_cause(session: Session, mara, pia, pam, world_offer) -> None:
    lead = world_offer
    assert why(session, actor_of(session, pia), lead) == (Level.PREVIEW, [Cause("offer")])
    assert why(session, actor_of(session, pam), lead) == (
        Level.PREVIEW,
        [Cause("offer"), Cause("role_hierarchy")],
    )
    given = {grant.to.type: grant.level for grant in who_sees(session, lead)}
    assert given["partner_account"] is Level.PREVIEW


@pytest.fixture
def world_offer(session: Session, mara: User, pia: User, northwind: PartnerAccount) -> Lead:
    """A lead that is offered to Pia."""
    from app.routing.operations import Wish, assign_lead, find_target

    lead = make_lead(session, queue=make_queue(session))
    session.flush()
    actor = actor_of(session, mara)
    target = find_target(session, actor, "user", pia.ref)
    assign_lead(session, actor, lead.ref, Wish(target, ask_to_accept=True), now=clock.now())
    session.flush()
    found = session.scalar(select(Lead).where(scope(Lead, SYSTEM), Lead.id == lead.id))
    assert found is not None
    return found
