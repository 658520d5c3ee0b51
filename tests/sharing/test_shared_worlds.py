"""Sharing rules, groups and shares by hand against an independent oracle, in random worlds that go on changing."""

import random

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.operations import edit_user
from app.kernel import clock
from app.kernel.actor import Level, Role
from app.leads.asking import parse_lead_query
from app.leads.models import AssignmentCause, Lead
from app.leads.operations import edit_lead
from app.leads.placement import Move, Owner, place
from app.leads.queries import count_leads, find_level, list_leads
from app.notifications.operations import Mail
from app.sharing import building, grant_sets, granting
from app.sharing.explain import who_sees, why
from app.sharing.groups import add_group_member, remove_group_member
from app.sharing.models import GrantSet, GroupMember, PublicGroup, SharingGrant
from app.sharing.scope import scope
from app.sharing.shares import shares_of, unshare_record
from app.sharing.sharing_rules import delete_rule
from app.sharing.verify import differences
from tests.factories import SYSTEM, actor_of, row_count
from tests.sharing.shared_worlds import (
    Shared,
    add_rule,
    any_principal,
    belongs,
    build_shared,
    settle_all,
    shared_level,
)
from tests.sharing.test_visibility import oracle
from tests.sharing.worlds import RANK

_QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}

pytestmark = pytest.mark.usefixtures("at_once")


@pytest.mark.long_on("postgresql")
@settings(max_examples=3, derandomize=True, **_QUIET)  # type: ignore[arg-type]
@given(seed=st.integers(0, 10**6))
def test_worlds_that_share_agree_with_the_oracle(app: Flask, session: Session, seed: int) -> None:
    _live_through(session, seed, changes=4)


@pytest.mark.long
@settings(max_examples=60, **_QUIET)  # type: ignore[arg-type]
@given(seed=st.integers(0, 10**9))
def test_sixty_worlds_that_share_agree_with_the_oracle(app: Flask, session: Session, seed: int) -> None:
    _live_through(session, seed, changes=10)


def _live_through(session: Session, seed: int, *, changes: int) -> None:
    try:
        shared, chance = build_shared(session, seed), random.Random(seed + 2)
        check(session, shared)
        for _ in range(changes):
            chance.choice(CHANGES)(session, shared, chance)
            settle_all(session)
            assert list(differences(session)) == []
        check(session, shared)
    finally:
        session.rollback()


def check(session: Session, shared: Shared) -> None:
    """Every way of asking says what the oracle says, for every person and lead."""
    for person in shared.world.people:
        actor = actor_of(session, person)
        expected = {}
        for lead in shared.world.leads:
            own = oracle(shared.world, person, lead)
            given = shared_level(session, shared, person, lead) if lead.deleted_at is None else 0
            expected[lead.ref] = max(own, given)
        seen = {ref: level for ref, level in expected.items() if level}
        for sort in ("-created_at", "created_at", "waiting_since", "-score"):
            query = parse_lead_query(session, actor, {}, sort)
            assert {r.ref for r in _walk(session, actor, query)} == set(seen), (person.role, sort)
        assert count_leads(session, actor, parse_lead_query(session, actor, {})) == len(seen)
        for level in Level:
            found = set(session.scalars(select(Lead.ref).where(scope(Lead, actor, level))))
            assert found == {ref for ref, given in seen.items() if given >= level}, (person.role, level)
        for lead in shared.world.leads:
            assert (find_level(session, actor, lead.ref) or 0) == expected[lead.ref]
            level, causes = why(session, actor, lead)
            assert (level or 0) == expected[lead.ref]
            assert bool(causes) == bool(expected[lead.ref])


def _walk(session: Session, actor: object, query: object) -> list[object]:
    found, cursor = [], None
    while True:
        page = list_leads(session, actor, query, cursor=cursor, limit=3)  # type: ignore[arg-type]
        found.extend(page.items)
        cursor = page.older
        if cursor is None:
            assert len({row.ref for row in found}) == len(found), "a page repeats a lead"
            return found  # type: ignore[return-value]


# What may happen


def _move(session: Session, shared: Shared, chance: random.Random) -> None:
    lead = chance.choice([lead for lead in shared.world.leads if lead.deleted_at is None])
    to = (
        Owner(user=chance.choice(shared.world.people))
        if chance.random() < 0.7
        else Owner(queue=chance.choice(shared.world.queues))
    )
    place(session, SYSTEM, lead, to, Move(AssignmentCause.MANUAL, mail=Mail.NONE), now=clock.now())


def _edit(session: Session, shared: Shared, chance: random.Random) -> None:
    lead = chance.choice([lead for lead in shared.world.leads if lead.deleted_at is None])
    administrator = actor_of(session, shared.administrator)
    edit_lead(
        session,
        administrator,
        lead.ref,
        {"city": chance.choice(["Girona", "Lleida", "Vic"])},
        now=clock.now(),
    )


def _change_role(session: Session, shared: Shared, chance: random.Random) -> None:
    person = chance.choice([p for p in shared.world.people if p.id != shared.administrator.id])
    roles = list(RANK) if person.is_partner else [Role.CHANNEL_MANAGER, Role.SALES, Role.VIEWER]
    edit_user(
        session,
        actor_of(session, shared.administrator),
        person,
        {"role": chance.choice(roles)},
        now=clock.now(),
    )


def _change_group(session: Session, shared: Shared, chance: random.Random) -> None:
    ref = chance.choice(list(shared.groups))
    actor = actor_of(session, shared.administrator)
    members = session.scalars(
        select(GroupMember)
        .join(PublicGroup, PublicGroup.id == GroupMember.group_id)
        .where(PublicGroup.ref == ref)
        .order_by(GroupMember.id)
    ).all()
    if members and chance.random() < 0.5:
        remove_group_member(session, actor, ref, members[0].ref, now=clock.now())
        first = shared.groups[ref][0]
        shared.groups[ref] = [spec for spec in shared.groups[ref] if spec != first]
    else:
        spec = any_principal(session, shared, chance, but=ref)
        add_group_member(session, actor, ref, spec, now=clock.now())
        if spec not in shared.groups[ref]:
            shared.groups[ref].append(spec)


def _new_rule(session: Session, shared: Shared, chance: random.Random) -> None:
    add_rule(session, shared, chance)


def _drop_rule(session: Session, shared: Shared, chance: random.Random) -> None:
    if shared.rules:
        ref = chance.choice(list(shared.rules))
        delete_rule(session, actor_of(session, shared.administrator), ref, now=clock.now())
        del shared.rules[ref]


def _unshare(session: Session, shared: Shared, chance: random.Random) -> None:
    actor = actor_of(session, shared.administrator)
    standing = [lead for lead in shared.world.leads if lead.deleted_at is None and shares_of(session, lead)]
    if standing:
        lead = chance.choice(standing)
        for share in shares_of(session, lead):
            unshare_record(session, actor, lead, share.ref, now=clock.now())
        shared.shares = [each for each in shared.shares if each[0] != lead.id]


CHANGES = [_move, _edit, _change_role, _change_group, _new_rule, _drop_rule, _unshare]


def test_who_sees_names_everybody_whom_a_rule_reaches(app: Flask, session: Session) -> None:
    shared = build_shared(session, 7)
    checked = 0
    for lead in shared.world.leads:
        if lead.deleted_at is not None:
            continue
        named = [
            grant
            for grant in who_sees(session, lead)
            if {"sharing_rule", "manual_share"} & {c.type for c in grant.causes}
        ]
        for person in shared.world.people:
            given = shared_level(session, shared, person, lead)
            through = [int(g.level) for g in named if belongs(session, shared, person, _spec(g))]
            capped = (
                min(max(through, default=0), 2) if person.role is Role.VIEWER else max(through, default=0)
            )
            assert capped >= given
            checked += bool(given)
    assert checked > 10


def _spec(grant: object) -> dict[str, object]:
    to = grant.to  # type: ignore[attr-defined]
    spec = {"type": to.type, "id": to.ref}
    return {**spec, "role": to.role} if to.role else spec


def test_a_set_that_was_swept_away_meanwhile_is_given_nothing(app: Flask, session: Session) -> None:
    """Another process may still have it in its list when a record is saved."""
    shared = build_shared(session, 11)
    known = grant_sets.live_sets(session, "lead")
    assert known is not None
    for ref in list(shared.rules):
        delete_rule(session, actor_of(session, shared.administrator), ref, now=clock.now())
    session.flush()
    while building.sweep(session, now=clock.now()):
        pass
    leads = [lead.id for lead in shared.world.leads]
    granting.refresh(session, granting.SUBJECTS["lead"], leads, known)
    session.flush()
    assert row_count(session, GrantSet, GrantSet.rule_id.is_not(None)) == 0
    assert row_count(session, SharingGrant, SharingGrant.set_id.in_(known.ids)) == 0
