"""Keeping queues, round robins and assignment rules: who may, what is refused, what stays on record."""

import pytest

from app.events.models import Event
from app.kernel.errors import Conflict, InUse, Invalid, NotAllowed, NotFound, Stale
from app.routing.ledger import read_ledger
from app.routing.models import LedgerKind, Queue, QueueMember, RoundRobin, RuleEntry, RuleSet, RuleState, Turn
from app.routing.queues import (
    add_queue_member,
    create_queue,
    delete_queue,
    edit_queue,
    remove_queue_member,
)
from app.routing.round_robins import (
    add_round_robin_member,
    create_round_robin,
    delete_round_robin,
    edit_round_robin,
    remove_round_robin_member,
    set_weight,
)
from app.routing.rule_operations import (
    activate_rules,
    create_rules,
    deactivate_rules,
    delete_rules,
    edit_rules,
)
from app.routing.rule_queries import read_rules
from app.routing.rule_trial import Against, try_rules
from app.routing.turns import take_turn
from tests.factories import (
    actor_of,
    get_default_queue,
    make_lead,
    make_queue,
    make_round_robin,
    row_count,
    rows,
)
from tests.routing.routing_worlds import account_ref, activate, arrive, target


@pytest.fixture
def actor(session, mara):
    return actor_of(session, mara)


# Queues


def test_a_queue_with_its_members(session, actor, sal, northwind, now):
    account = {"type": "partner_account", "id": account_ref(session, northwind), "role": "manager"}
    queue = create_queue(
        session,
        actor,
        name=" Key  accounts ",
        members=[target(sal), account],
        accept_within_minutes="90",
        now=now,
    )
    assert (queue.name, queue.accept_within_minutes) == ("Key  accounts", 90)
    members = rows(session, QueueMember, QueueMember.queue_id == queue.id)
    assert [(m.user_id, m.account_id, m.minimum_rank) for m in members] == [
        (sal.id, None, 0),
        (None, northwind.account_id, 1),
    ]
    verbs = [e.verb for e in rows(session, Event, Event.record_kind == "queue")]
    assert verbs == ["created", "member_added", "member_added"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"name": "unassigned"}, "name"),
        ({"accept_within_minutes": 0}, "accept_within_minutes"),
        ({"accept_within_minutes": 10**9}, "accept_within_minutes"),
        ({"accept_within_minutes": "soon"}, "accept_within_minutes"),
        ({"members": [{"type": "user", "id": "user_nobody"}]}, "members"),
        ({"members": [{"type": "robot", "id": "x"}]}, "members"),
    ],
)
def test_a_queue_is_refused(session, actor, now, given, field):
    with pytest.raises(Invalid) as refused:
        create_queue(session, actor, **{"name": "Q", **given}, now=now)
    assert field in refused.value.errors


def test_only_those_who_manage_routing_keep_queues(session, sal, pam, now):
    for user in (sal, pam):
        with pytest.raises(NotAllowed):
            create_queue(session, actor_of(session, user), name="Mine", now=now)


def test_the_default_queue_stays_and_stays_internal(session, actor, sal, pia, northwind, now):
    default = get_default_queue(session)
    for outsider in (pia, northwind):
        with pytest.raises(Invalid):
            add_queue_member(session, actor, default.ref, target(outsider, session), now=now)
    member, _principal = add_queue_member(session, actor, default.ref, target(sal), now=now)
    with pytest.raises(Conflict):
        remove_queue_member(session, actor, default.ref, member.ref, now=now)
    with pytest.raises(InUse):
        delete_queue(session, actor, default.ref, now=now)


def test_a_partners_own_queue_is_narrowed_but_not_opened(session, actor, northwind, pia, sal, now):
    queue = session.get_one(Queue, northwind.queue_id)
    for other in (sal, pia):
        with pytest.raises(Invalid):
            add_queue_member(session, actor, queue.ref, target(other), now=now)
    narrowed = {**target(northwind, session), "role": "executive"}
    member, _principal = add_queue_member(session, actor, queue.ref, narrowed, now=now)
    assert member.minimum_rank == 2
    with pytest.raises(Conflict):
        remove_queue_member(session, actor, queue.ref, member.ref, now=now)
    with pytest.raises(InUse):
        delete_queue(session, actor, queue.ref, now=now)


def test_a_queue_in_use_says_what_uses_it(session, actor, sal, pia, now):
    queue = make_queue(session, "Busy", members=(sal,))
    lead = make_lead(session, queue=queue)
    make_round_robin(session, "Turns", members=(pia,), fallback_queue_id=queue.id)
    activate(session, actor, {"target": target(queue)}, now=now)
    with pytest.raises(InUse) as refused:
        delete_queue(session, actor, queue.ref, now=now)
    assert refused.value.details["uses"] == [
        "1 waits in it",
        "rule 1 of version 1",
        "the round robin “Turns”",
    ]
    assert lead.owner_queue_id == queue.id


def test_a_deleted_queue_is_gone_but_its_history_stays(session, actor, sal, now):
    queue = make_queue(session, "Old", members=(sal,))
    delete_queue(session, actor, queue.ref, now=now)
    assert row_count(session, QueueMember, QueueMember.queue_id == queue.id) == 0
    with pytest.raises(NotFound):
        edit_queue(session, actor, queue.ref, name="New", accept_within_minutes=None, now=now)
    create_queue(session, actor, name="Old", now=now)  # its name is free again


def test_an_edit_from_an_older_version_is_refused(session, actor, now):
    queue = make_queue(session, "One")
    edit_queue(session, actor, queue.ref, name="Two", accept_within_minutes=5, version=1, now=now)
    with pytest.raises(Stale):
        edit_queue(session, actor, queue.ref, name="Three", accept_within_minutes=5, version=1, now=now)
    edit_queue(
        session, actor, queue.ref, name="Two", accept_within_minutes=5, version=1, now=now
    )  # nothing changes


# Round robins


def test_a_round_robin_begins_its_ledger_at_once(session, actor, pia, northwind, now):
    queue = make_queue(session)
    group = create_round_robin(
        session, actor, name="Catalan partners",
        members=[
            {"principal": target(pia), "weight": 2},
            {"principal": target(northwind, session)},
            {"principal": target(queue)},
        ],
        fallback_queue=queue.ref, now=now,
    )  # fmt: skip
    assert [t.kind for t in rows(session, Turn)] == [LedgerKind.EPOCH]
    ledger = read_ledger(session, actor, group, now=now)
    assert [(line.candidate.name, line.row.weight) for line in ledger.lines] == [
        ("Pia", 2),
        ("Northwind", 1),
        (queue.name, 1),
    ]
    assert ledger.next.candidate.name == "Pia"
    assert ledger.lines[2].refusal.reason == "no_member"


def test_the_ledger_tells_counts_shares_and_who_was_passed_over(session, actor, pia, otto, now):
    group = make_round_robin(session, members=((pia, 2), otto))
    for _ in range(4):
        take_turn(session, group.id, now=now)
    otto.capacity = 0
    for _ in range(3):
        take_turn(session, group.id, now=now)
    session.refresh(group)
    ledger = read_ledger(session, actor, group, now=now)
    first, second = ledger.lines
    assert (first.row.count, first.row.share, first.row.total) == (3, 3.0, 6)
    assert (second.row.total, second.passed_over, second.refusal.reason) == (1, 3, "at_capacity")
    assert ledger.turns == 3
    assert first.is_next


def test_changes_of_members_and_weights_begin_anew(session, actor, pia, otto, now):
    group = make_round_robin(session, members=(pia,))
    take_turn(session, group.id, now=now)
    member, _principal = add_round_robin_member(
        session, actor, group.ref, {"principal": target(otto)}, now=now
    )
    set_weight(session, actor, group.ref, member.ref, 3, now=now)
    set_weight(session, actor, group.ref, member.ref, 3, now=now)  # nothing changes
    remove_round_robin_member(session, actor, group.ref, member.ref, now=now)
    kinds = [t.kind for t in rows(session, Turn)]
    assert kinds == [LedgerKind.EPOCH, LedgerKind.TURN, LedgerKind.EPOCH, LedgerKind.EPOCH, LedgerKind.EPOCH]
    with pytest.raises(NotFound):
        set_weight(session, actor, group.ref, member.ref, 1, now=now)


@pytest.mark.parametrize("weight", [0, 1001, -1, 1.5, "many", True, None])
def test_weights_are_whole_and_within_bounds(session, actor, pia, now, weight):
    with pytest.raises(Invalid):
        create_round_robin(
            session, actor, name="G", members=[{"principal": target(pia), "weight": weight}], now=now
        )


def test_members_are_partners_and_queues_each_once(session, actor, sal, pia, now):
    group = make_round_robin(session, members=(pia,))
    for given in ({"principal": target(sal)}, {"principal": target(pia)}, {"principal": None}, {}):
        with pytest.raises(Invalid):
            add_round_robin_member(session, actor, group.ref, given, now=now)


def test_a_round_robin_that_rules_use_stays(session, actor, pia, now):
    group = make_round_robin(session, members=(pia,))
    rules = activate(session, actor, {"target": target(group)}, now=now)
    with pytest.raises(InUse):
        delete_round_robin(session, actor, group.ref, now=now)
    deactivate_rules(session, actor, rules.ref, now=now)
    delete_round_robin(session, actor, group.ref, now=now)
    with pytest.raises(NotFound):
        edit_round_robin(
            session, actor, group.ref, name="G", fallback_queue=None, accept_within_minutes=None, now=now
        )
    # It cannot be activated again while it leads to what is gone.
    with pytest.raises(Invalid):
        activate_rules(session, actor, rules.ref, now=now)
    assert row_count(session, RoundRobin) == 1


# Rules

SPAIN = {"field": "country", "op": "equals", "value": "Spain"}


def test_faults_are_found_all_at_once_each_under_its_path(session, actor, sal, now):
    entries = [
        {"target": target(sal), "criteria": {"all": [{"field": "shoe_size", "op": "equals", "value": 1}]}},
        {"target": {"type": "user", "id": "user_nobody"}, "notify": "yes", "colour": "red"},
        {"target": target(sal), "fallback_queue_id": "queue_nothing", "accept_within_minutes": 0},
    ]
    with pytest.raises(Invalid) as refused:
        create_rules(session, actor, name="", entries=entries, now=now)
    assert set(refused.value.errors) == {
        "name",
        "entries[0].criteria.all[0].field",
        "entries[1].target",
        "entries[1].notify",
        "entries[1].colour",
        "entries[2].fallback_queue_id",
        "entries[2].accept_within_minutes",
    }


def test_one_version_is_active_and_what_was_is_never_rewritten(session, actor, sal, mara, now):
    first = activate(session, actor, {"target": target(sal)}, now=now)
    changed = edit_rules(session, actor, first.ref, name="Rules", entries=[{"target": target(mara)}], now=now)
    assert (changed.number, changed.state, first.state) == (2, RuleState.DRAFT, RuleState.ACTIVE)
    again = edit_rules(
        session, actor, changed.ref, name="Better", entries=[{"target": target(sal)}], version=1, now=now
    )
    assert (again.id, again.name, again.version) == (changed.id, "Better", 2)
    with pytest.raises(Stale):
        edit_rules(session, actor, changed.ref, name="Lost", entries=[], version=1, now=now)
    activate_rules(session, actor, changed.ref, now=now)
    assert [(r.number, r.state) for r in rows(session, RuleSet)] == [
        (1, RuleState.RETIRED),
        (2, RuleState.ACTIVE),
    ]
    activate_rules(session, actor, first.ref, now=now)  # back to the one before
    assert [r.state for r in rows(session, RuleSet)] == [RuleState.ACTIVE, RuleState.RETIRED]
    with pytest.raises(Conflict):
        delete_rules(session, actor, changed.ref, now=now)


def test_a_draft_can_be_thrown_away(session, actor, sal, now):
    draft = create_rules(session, actor, name="D", entries=[{"target": target(sal)}], now=now)
    delete_rules(session, actor, draft.ref, now=now)
    assert row_count(session, RuleSet) == row_count(session, RuleEntry) == 0


def test_the_page_of_a_version_counts_last_month_and_warns(session, actor, sal, mara, now):
    rules = activate(
        session, actor,
        {"criteria": SPAIN, "target": target(sal)},
        {"target": target(mara)},
        {"criteria": {"all": [SPAIN, {"field": "employees", "op": "gt", "value": 5}]}, "target": target(sal)},
        now=now,
    )  # fmt: skip
    for country in ("ES", "ES", "FR"):
        arrive(session, actor, now=now, country=country)
    lines = read_rules(session, actor, rules, now=now).lines
    assert [line.last_month for line in lines] == [2, 1, 0]
    assert [line.shadowed_by for line in lines] == [None, None, (1,)]


def test_trying_rules_changes_nothing_and_shows_the_shift(session, actor, sal, mara, pia, northwind, now):
    group = make_round_robin(session, "Turns", members=(pia,))
    active = activate(
        session, actor,
        {"criteria": SPAIN, "target": target(group)},
        {"criteria": {"field": "country", "op": "equals", "value": "DE"}, "target": target(northwind, session)},
        now=now,
    )  # fmt: skip
    came = [arrive(session, actor, now=now, country=country)[0].ref for country in ("ES", "ES", "DE", "FR")]
    # It went elsewhere than the rules say, which is no difference that the draft makes.
    elsewhere = make_lead(session, owner=mara, country="ES")
    draft = create_rules(
        session, actor, name="Next",
        entries=[
            {"criteria": SPAIN, "target": target(group)},
            {"criteria": {"field": "country", "op": "equals", "value": "DE"}, "target": target(northwind, session)},
            {"target": target(sal)},
        ],
        now=now,
    )  # fmt: skip
    session.flush()
    before = row_count(session, Event), row_count(session, Turn)
    trial = try_rules(session, actor, draft, now=now)
    assert {row.ref: (row.entry, row.differs) for row in trial.rows} == dict(
        zip((*came, elsewhere.ref), ((1, False), (1, False), (2, False), (3, True), (1, False)), strict=True)
    )
    assert (trial.against, trial.active) == (Against.ACTIVE, active)
    assert trial.differing == 1
    shifts = {load.target.name: load.shift for load in trial.loads}
    assert shifts == {"Turns": 0, "Northwind partner queue": 0, "Unassigned": -1, "Sal": 1}
    session.flush()
    assert (row_count(session, Event), row_count(session, Turn)) == before
    of_itself = try_rules(session, actor, active, now=now)
    assert of_itself.against is Against.PAST
    assert [row.ref for row in of_itself.rows if row.differs] == [elsewhere.ref], "given to Mara by hand"
