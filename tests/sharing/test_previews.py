"""A change's preview is the difference after applying it, in random worlds; and what a preview leaves behind: nothing."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.accounts.models import Account, AccountResponsible, Contact
from app.accounts.operations import add_responsible, edit_account, remove_responsible
from app.cases.models import Case
from app.events.models import Event
from app.identity.models import AccountScope
from app.identity.operations import edit_user
from app.identity.organisation import edit_organisation
from app.identity.queries import find_actor, get_organisation
from app.kernel import clock
from app.kernel.actor import Role
from app.leads.models import Lead
from app.notifications.models import Delivery
from app.partners.models import PartnerLevel
from app.partners.operations import edit_partner
from app.routing.assign import Wish
from app.routing.bulk import bulk_assign
from app.routing.targets import find_target
from app.sharing.affected import Consequences
from app.sharing.differences import Difference, compare, levels_among
from app.sharing.groups import add_group_member, remove_group_member
from app.sharing.models import GroupMember, PublicGroup, SharingRule
from app.sharing.prospects import of_defaults, of_rule
from app.sharing.scope import scope
from app.sharing.sharing_rules import create_rule, delete_rule, edit_rule, read_rule
from app.sharing.trying import (
    account_edited,
    group_member_added,
    group_member_removed,
    owners_changed,
    partner_edited,
    responsible_added,
    responsible_removed,
    user_edited,
)
from tests.factories import SYSTEM, actor_of, make_account, make_case, make_contact, row_count
from tests.sharing.shared_worlds import Shared, any_principal, build_shared, settle_all
from tests.sharing.worlds import RANK

_QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}
MODELS = (Lead, Account, Contact, Case)

pytestmark = pytest.mark.usefixtures("at_once")


def build(session, seed):
    """A world with accounts and contacts of its own, rules about them, and defaults that can still give more."""
    chance = random.Random(seed + 5)
    shared = build_shared(session, seed)
    inside = [p for p in shared.world.people if not p.is_partner]
    for _ in range(3):
        account = make_account(
            session, owner=chance.choice(inside), billing_city=chance.choice(["Girona", "Vic"])
        )
        make_contact(session, account=account, owner=chance.choice(inside))
        make_case(
            session, account=account, owner=chance.choice(inside), priority=chance.choice(["low", "high"])
        )
    make_contact(session, account=None, owner=chance.choice(inside))
    for partner in shared.world.partners:
        account = session.scalars(
            select(Account).where(Account.id == partner.account_id, affected_scope())
        ).one()
        make_case(session, account=account, owner=chance.choice(inside))
    for object_ in ("account", "contact", "case"):
        add_rule(session, shared, chance, object_)
    session.flush()
    ada = actor_of(session, shared.administrator)
    organisation = get_organisation(session)
    organisation.prm_enabled_at = organisation.prm_enabled_at or clock.now()
    edit_organisation(session, ada, {"defaults": any_defaults(chance)}, now=clock.now())
    settle_all(session)
    return shared, chance


def any_defaults(chance):
    levels = ["private", "read", "read_write"]
    chosen = {}
    for thing in ("lead", "account", "contact", "case"):
        inside = chance.choice([0, 0, 1, 2])
        chosen[thing] = {
            "internal": levels[inside],
            "external": levels[min(inside, chance.choice([0, 0, 1, 2]))],
        }
    return chosen


def written(session, shared, chance, object_):
    given: dict[str, Any] = {
        "object": object_,
        "kind": chance.choice(["owner", "criteria"]),
        "share_with": any_principal(session, shared, chance),
        "level": chance.choice(["read", "edit"]),
    }
    if given["kind"] == "owner":
        given["owned_by"] = any_principal(session, shared, chance)
    else:
        field = {"lead": "city", "account": "billing_city", "contact": "title", "case": "priority"}[object_]
        leaf = {"field": field, "op": "equals", "value": chance.choice(["girona", "Lleida", "high"])}
        given["criteria"] = chance.choice([leaf, {"not": leaf}])
    return given


def add_rule(session, shared, chance, object_):
    given = written(session, shared, chance, object_)
    rule = create_rule(
        session, actor_of(session, shared.administrator), read_rule(session, given), now=clock.now()
    )
    shared.rules[rule.ref] = given


# What the preview has to be: everybody's records before and after, one by one


def seen(session, people):
    found = {}
    for person in people:
        actor = find_actor(session, person.id)
        for model in MODELS:
            found[person.ref, model.__tablename__] = levels_among(
                session, model, actor, model.id.is_not(None)
            )
    return found


def differences(before, after):
    found = {key: compare(before[key], after[key]) for key in before}
    return {key: each for key, each in found.items() if not each.is_none}


def told(consequences: Consequences) -> dict[tuple[str, str], Difference]:
    return {
        (actor.ref, name): each
        for line in consequences.lines
        for actor in line.people
        for name, each in line.found.items()
    }


# What may change: (the preview of it, the doing of it)

Change = tuple[Callable[[], Consequences], Callable[[], Any]]


def _defaults(session, shared: Shared, chance) -> Change:
    chosen, ada = any_defaults(chance), actor_of(session, shared.administrator)
    return (
        lambda: of_defaults(session, chosen, seconds=None),
        lambda: edit_organisation(session, ada, {"defaults": chosen}, now=clock.now()),
    )


def _rule(session, shared: Shared, chance) -> Change:
    ada, act = actor_of(session, shared.administrator), chance.choice(["new", "edit", "edit", "delete"])
    standing = select(SharingRule).where(SharingRule.deleted_at.is_(None)).order_by(SharingRule.id)
    rule = chance.choice(session.scalars(standing).all())
    object_ = chance.choice(["lead", "account", "contact", "case"]) if act == "new" else rule.object
    draft = read_rule(session, written(session, shared, chance, object_))
    if act == "new":
        return (
            lambda: of_rule(session, None, draft, seconds=None, batch=3),
            lambda: create_rule(session, ada, draft, now=clock.now()),
        )
    if act == "edit":
        return (
            lambda: of_rule(session, rule, draft, seconds=None, batch=3),
            lambda: edit_rule(session, ada, rule.ref, draft, now=clock.now()),
        )
    return (
        lambda: of_rule(session, rule, None, seconds=None),
        lambda: delete_rule(session, ada, rule.ref, now=clock.now()),
    )


def _group(session, shared: Shared, chance) -> Change:
    ada, ref = actor_of(session, shared.administrator), chance.choice(list(shared.groups))
    members = session.scalars(
        select(GroupMember)
        .join(PublicGroup, PublicGroup.id == GroupMember.group_id)
        .where(PublicGroup.ref == ref)
        .order_by(GroupMember.id)
    ).all()
    if members and chance.random() < 0.5:
        member = chance.choice(members).ref
        return (
            lambda: group_member_removed(session, ada, ref, member, now=clock.now(), seconds=None),
            lambda: remove_group_member(session, ada, ref, member, now=clock.now()),
        )
    spec = any_principal(session, shared, chance, but=ref)
    return (
        lambda: group_member_added(session, ada, ref, spec, now=clock.now(), seconds=None),
        lambda: add_group_member(session, ada, ref, spec, now=clock.now()),
    )


def _person(session, shared: Shared, chance) -> Change:
    ada = actor_of(session, shared.administrator)
    person = chance.choice([p for p in shared.world.people if p.id != shared.administrator.id])
    values: dict[str, Any] = {"role": chance.choice(list(RANK))}
    if not person.is_partner:
        roles = [Role.ADMINISTRATOR, Role.CHANNEL_MANAGER, Role.SALES, Role.VIEWER]
        values = {"role": chance.choice(roles), "account_scope": chance.choice(list(AccountScope))}
    return (
        lambda: user_edited(session, ada, person, values, now=clock.now(), seconds=None),
        lambda: edit_user(session, ada, person, values, now=clock.now()),
    )


def _team(session, shared: Shared, chance) -> Change:
    ada = actor_of(session, shared.administrator)
    account = session.scalars(
        select(Account).where(Account.id == chance.choice(shared.world.partners).account_id, affected_scope())
    ).one()
    found = session.scalars(
        select(AccountResponsible).where(AccountResponsible.account_id == account.id)
    ).first()
    act = chance.choice(["owner", "owner", "responsible"])
    if act == "responsible" and found is not None:
        return (
            lambda: responsible_removed(session, ada, account.ref, found.ref, now=clock.now(), seconds=None),
            lambda: remove_responsible(session, ada, account.ref, found.ref, now=clock.now()),
        )
    if act == "responsible":
        sal = chance.choice([p for p in shared.world.people if not p.is_partner])
        return (
            lambda: responsible_added(session, ada, account.ref, sal.ref, now=clock.now(), seconds=None),
            lambda: add_responsible(session, ada, account.ref, sal.ref, now=clock.now()),
        )
    fit = [p for p in shared.world.people if p.role in (Role.CHANNEL_MANAGER, Role.ADMINISTRATOR)]
    values = {"owner": chance.choice(fit).ref}
    return (
        lambda: account_edited(session, ada, account.ref, values, now=clock.now(), seconds=None),
        lambda: edit_account(session, ada, account.ref, values, now=clock.now()),
    )


def _partner(session, shared: Shared, chance) -> Change:
    ada = actor_of(session, shared.administrator)
    key = chance.choice(shared.world.partners).account_id
    ref = session.scalars(select(Account.ref).where(Account.id == key, affected_scope())).one()
    levels = [None, *session.scalars(select(PartnerLevel.ref))]
    values = {"level": chance.choice(levels), "members_from": chance.choice(list(RANK))}
    return (
        lambda: partner_edited(session, ada, ref, values, now=clock.now(), seconds=None),
        lambda: edit_partner(session, ada, ref, values, now=clock.now()),
    )


def affected_scope():
    return scope(Account, SYSTEM)


def _owners(session, shared: Shared, chance) -> Change:
    ada = actor_of(session, shared.administrator)
    refs = [lead.ref for lead in chance.sample(shared.world.leads, 6)]
    kind, to = ("user", chance.choice(shared.world.people))
    if chance.random() < 0.4:
        kind, to = "queue", chance.choice(shared.world.queues)
    wish = Wish(
        find_target(session, ada, kind, to.ref), notify=True, over_capacity=True, despite_refusal=True
    )
    act = lambda s: bulk_assign(s, ada, refs, wish, now=clock.now())  # noqa: E731
    return lambda: owners_changed(session, act, refs, seconds=None), lambda: act(session)


CHANGES = [_defaults, _rule, _rule, _group, _group, _person, _partner, _team, _owners]


@pytest.mark.long_on("postgresql")
def test_a_preview_is_the_difference_after_applying(app, session):
    live_through(session, 3, changes=len(CHANGES))


@pytest.mark.long
@settings(max_examples=40, **_QUIET)  # type: ignore[arg-type]
@given(seed=st.integers(0, 10**9))
def test_a_preview_is_the_difference_in_forty_worlds(app, session, seed):
    live_through(session, seed, changes=16)


def live_through(session, seed, *, changes):
    try:
        shared, chance = build(session, seed)
        people = shared.world.people
        before = seen(session, people)
        for number in range(changes):
            change = CHANGES[number % len(CHANGES)]
            preview, do = change(session, shared, chance)
            left = [row_count(session, table) for table in (Event, Delivery)]
            consequences = preview()
            found = told(consequences)
            if number % 4 == 3:
                assert seen(session, people) == before, change.__name__
            assert [row_count(session, table) for table in (Event, Delivery)] == left
            do()
            settle_all(session)
            after = seen(session, people)
            assert found == differences(before, after), change.__name__
            assert consequences.is_whole
            before = after
    finally:
        session.rollback()
