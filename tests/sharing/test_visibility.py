"""Who sees what, against an independent oracle: random worlds, every person, every lead, every way of asking."""

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import AccountScope, User
from app.kernel.actor import Level, Role
from app.kernel.errors import NotAllowed, NotFound
from app.leads.asking import parse_lead_query
from app.leads.models import Lead
from app.leads.queries import count_leads, find_level, get_lead, list_leads, open_lead
from app.leads.rows import LeadRow
from app.partners.models import PartnerAccount
from app.sharing.scope import scope
from tests.factories import actor_of, make_lead, make_queue
from tests.sharing.worlds import RANK, World, build


def in_queue(world: World, person: User, queue_id: int) -> bool:
    """Whether the person belongs to the queue, by themselves or through their company."""
    for queue, kind, member, rank in world.members:
        if queue != queue_id:
            continue
        if kind == "user" and member == person.id:
            return True
        if kind == "account" and member == person.partner_account_id and RANK[person.role] >= rank:
            return True
    return False


def oracle(world: World, person: User, lead: Lead) -> int:
    """The level by the words of the design, reason after reason, without a database.  0: not seen."""
    if lead.deleted_at is not None:
        return 0
    given = [0]
    if person.partner_account_id is not None:
        owner = next((p for p in world.people if p.id == lead.owner_user_id), None)
        is_ours = owner is not None and owner.partner_account_id == person.partner_account_id
        if owner is not None and is_ours and (owner.id == person.id or RANK[owner.role] < RANK[person.role]):
            given.append(1 if lead.offer_id is not None else 3)
        waits = lead.owner_queue_id is not None and in_queue(world, person, lead.owner_queue_id)
        if waits and (lead.id, person.partner_account_id) not in world.refusals:
            given.append(1)
        return max(given)
    if person.role is Role.ADMINISTRATOR:
        return 4
    if person.account_scope is AccountScope.ALL:
        given.append(3)
    if lead.owner_user_id == person.id:
        given.append(4)
    company = lead.partner_account_id
    if company is not None:
        if world.owners[company] == person.id:
            given.append(4)
        elif (company, person.id) in world.responsibles:
            given.append(3)
    if lead.owner_queue_id is not None and in_queue(world, person, lead.owner_queue_id):
        given.append(2)
    return min(max(given), 2) if person.role is Role.VIEWER else max(given)


@settings(
    max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)
@given(seed=st.integers(0, 10**6))
def test_every_way_of_asking_agrees_with_the_oracle(app: Flask, session: Session, seed: int) -> None:
    _check_world(session, build(session, seed))
    session.rollback()


@pytest.mark.long
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(seed=st.integers(0, 10**9))
def test_a_hundred_worlds_agree_with_the_oracle(app: Flask, session: Session, seed: int) -> None:
    _check_world(session, build(session, seed))
    session.rollback()


def _check_world(session: Session, world: World) -> None:
    for person in world.people:
        actor = actor_of(session, person)
        expected = {lead.ref: oracle(world, person, lead) for lead in world.leads}
        seen = {ref: level for ref, level in expected.items() if level}
        rows = list_leads(session, actor, parse_lead_query(session, actor, {}), limit=200).items
        assert {row.ref for row in rows} == set(seen), person.role
        assert count_leads(session, actor, parse_lead_query(session, actor, {})) == len(seen)
        for row in rows:
            is_hidden = seen[row.ref] < Level.READ
            assert row.is_preview == is_hidden
            assert (row.company is None) == is_hidden
        whole = list_leads(
            session, actor, parse_lead_query(session, actor, {"q": ["Secret"]}), limit=200
        ).items
        assert {row.ref for row in whole} == {ref for ref, level in seen.items() if level >= Level.READ}
        for ref, level in expected.items():
            assert (find_level(session, actor, ref) or 0) == level, (person.role, level)
            _check_record(session, actor, ref, level)
        for level in Level:
            found = session.scalars(select(Lead.ref).where(scope(Lead, actor, level))).all()
            assert set(found) == {ref for ref, given in seen.items() if given >= level}


def _check_record(session: Session, actor: object, ref: str, level: int) -> None:
    if level == 0:
        with pytest.raises(NotFound):
            open_lead(session, actor, ref)  # type: ignore[arg-type]
        with pytest.raises(NotFound):
            get_lead(session, actor, ref, Level.PREVIEW)  # type: ignore[arg-type]
        return
    opened = open_lead(session, actor, ref)  # type: ignore[arg-type]
    assert isinstance(opened, LeadRow) == (level < Level.READ)
    for wanted in Level:
        if level >= wanted:
            assert get_lead(session, actor, ref, wanted).ref == ref  # type: ignore[arg-type]
        else:
            with pytest.raises(NotAllowed):
                get_lead(session, actor, ref, wanted)  # type: ignore[arg-type]


def test_a_page_by_page_walk_shows_every_lead_once_and_back(
    app: Flask, session: Session, pam: User, pia: User
) -> None:
    queue = make_queue(session, members=(session.get(PartnerAccount, pia.partner_account_id),))
    for number in range(7):
        make_lead(session, queue=queue)
        make_lead(session, owner=pia if number % 2 else pam)
    actor = actor_of(session, pam)
    for sort in ("-created_at", "created_at", "score", "waiting_since", "-arrived_at"):
        query = parse_lead_query(session, actor, {}, sort)
        pages, cursor = [], None
        while True:
            page = list_leads(session, actor, query, cursor=cursor, limit=4)
            pages.append(page)
            if page.older is None:
                break
            cursor = page.older
        walked = [row.ref for page in pages for row in page.items]
        assert len(walked) == len(set(walked)) == 14
        back = list_leads(session, actor, query, cursor=pages[2].newer, limit=4)
        assert [row.ref for row in back.items] == [row.ref for row in pages[1].items]
