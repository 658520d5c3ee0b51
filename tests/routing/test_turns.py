"""Turns through the database: fair to within one, exact under bursts, absences and changes, given back once."""

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from app.identity.models import User, UserState
from app.kernel.actor import Role
from app.kernel.db import db, transaction
from app.leads.models import Lead
from app.partners.models import PartnerAccount, PartnerState
from app.routing.fairness import replay
from app.routing.models import LedgerKind, RoundRobinMember, Turn
from app.routing.operations import Target, Wish, assign_lead
from app.routing.round_robins import add_round_robin_member, remove_round_robin_member, set_weight
from app.routing.turn_ledger import RotaState, record_from_json
from app.routing.turns import Turns, give_turn_back, take_turn
from app.routing.verify import verify_routing
from tests.factories import (
    actor_of,
    make_lead,
    make_partner,
    make_queue,
    make_round_robin,
    make_user,
    row_count,
    rows,
)
from tests.races import together
from tests.routing.routing_worlds import assert_sound


@pytest.fixture
def crew(session, mara):
    """Seven partner users, each of a company of their own."""
    partners = [make_partner(session, f"Company {n}", owner=mara) for n in range(7)]
    return [make_user(session, f"Seller {n}", partner=partner) for n, partner in enumerate(partners)]


def receivers(session, group, count, now):
    return [take_turn(session, group.id, now=now).candidate.id for _ in range(count)]


def test_equal_weights_go_round(session, crew, now):
    group = make_round_robin(session, members=tuple(crew))
    got = receivers(session, group, 21, now)
    assert got[:7] == got[7:14] == got[14:]
    assert sorted(got[:7]) == sorted(user.id for user in crew)


def test_weights_are_kept_to_within_one_after_every_turn(session, crew, now):
    weights = [1, 1, 2, 3, 5, 8, 13]
    group = make_round_robin(session, members=tuple(zip(crew, weights, strict=True)))
    counts = dict.fromkeys((user.id for user in crew), 0)
    for n in range(1, 67):
        counts[take_turn(session, group.id, now=now).candidate.id] += 1
        for user, weight in zip(crew, weights, strict=True):
            assert abs(counts[user.id] - Fraction(n * weight, sum(weights))) < 1


def test_a_batch_gives_the_turns_that_single_ones_would(session, crew, now):
    members = tuple((user, n % 3 + 1) for n, user in enumerate(crew))
    one, many = (make_round_robin(session, name, members=members) for name in ("One", "Many"))
    single = receivers(session, one, 50, now)
    turns = Turns.open(session, [many.id], now=now)
    taken = [turns.take(many.id) for _ in range(50)]
    turns.write(session)
    assert [t.candidate.id for t in taken] == single
    assert len({t.turn_id for t in taken}) == 50
    session.refresh(one)
    session.refresh(many)
    first, second = (RotaState.from_json(group.state) for group in (one, many))
    assert first.counts == second.counts
    assert first.balances == second.balances
    assert [r.record["number"] for r in rows(session, Turn, Turn.round_robin_id == many.id)] == list(
        range(1, 52)
    )


def test_a_batch_keeps_capacities_by_its_own_count(session, crew, now):
    crew[0].capacity = 2
    make_lead(session, owner=crew[0])
    group = make_round_robin(session, members=tuple(crew))
    turns = Turns.open(session, [group.id], now=now)
    got = [turns.take(group.id).candidate.id for _ in range(30)]
    assert got.count(crew[0].id) == 1


def test_who_is_passed_over_is_told_with_the_reason(session, crew, now):
    away, refusing, suspended = crew[:3]
    away.away_until = now + timedelta(days=1)
    session.get_one(PartnerAccount, suspended.partner_account_id).state = PartnerState.SUSPENDED
    group = make_round_robin(session, members=(away, refusing, suspended))
    taken = take_turn(session, group.id, now=now, refusing={refusing.partner_account_id})
    told = {name: reason for _member, name, reason, *_more in taken.step["passed"]}
    assert told == {"Seller 0": "away", "Seller 1": "refused_before", "Seller 2": "company_suspended"}
    assert taken.candidate is None


def test_queues_and_partner_accounts_take_turns_too(session, northwind, pia, sal, now):
    queue = make_queue(session, "Shared", members=(sal,))
    group = make_round_robin(session, members=(northwind, queue, pia))
    owners = [take_turn(session, group.id, now=now).candidate.owner for _ in range(3)]
    assert owners[0].queue.id == northwind.queue_id
    assert owners[1].queue.id == queue.id
    assert owners[2].user.id == pia.id


def test_a_turn_is_given_back_once(session, crew, now):
    group = make_round_robin(session, members=tuple(crew[:3]))
    first = take_turn(session, group.id, now=now)
    assert give_turn_back(session, first.turn_id, now=now)
    assert not give_turn_back(session, first.turn_id, now=now)
    assert take_turn(session, group.id, now=now).candidate.id == first.candidate.id
    kinds = [row.kind for row in rows(session, Turn)]
    assert kinds == [LedgerKind.EPOCH, LedgerKind.TURN, LedgerKind.GIVEN_BACK, LedgerKind.TURN]


def test_nobody_eligible_changes_nothing(session, crew, now):
    for user in crew[:2]:
        user.capacity = 0
    group = make_round_robin(session, members=tuple(crew[:2]))
    take_turn(session, group.id, now=now)
    session.refresh(group)
    before = group.state
    assert take_turn(session, group.id, now=now).candidate is None
    session.refresh(group)
    assert group.state == before
    assert [row.kind for row in rows(session, Turn)] == [LedgerKind.EPOCH]


def test_a_turn_takes_few_statements(session, crew, now, count_queries, engine):
    group = make_round_robin(session, members=tuple(crew))
    take_turn(session, group.id, now=now)
    with count_queries() as queries:
        take_turn(session, group.id, now=now)
    assert len(queries) <= (4 if engine == "sqlite" else 6), queries


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_fair_through_joins_leaves_weights_and_absences(session, crew, mara, now, data):
    """Within one of the exact share after every turn since members or weights changed, while nobody is absent.

    Nobody absent ever gets a turn, and the ledger replays to the stored state whatever happened.
    """
    world = World(session, actor_of(session, mara), crew, now)
    acts = {
        "turn": world.turn,
        "join": lambda: world.join(data.draw(st.integers(0, 6)), data.draw(st.integers(1, 5))),
        "leave": lambda: world.leave(data.draw(st.integers(0, 6))),
        "weight": lambda: world.weigh(data.draw(st.integers(0, 6)), data.draw(st.integers(1, 5))),
        "absence": lambda: world.toggle_absence(data.draw(st.integers(0, 6))),
    }
    with session.begin_nested() as spot:
        for name in data.draw(st.lists(st.sampled_from(["turn"] * 6 + list(acts)), min_size=5, max_size=40)):
            acts[name]()
        world.assert_replays()
        spot.rollback()


class World:
    """A round robin and what its oracle remembers: weights, absences, and counts since the last change."""

    def __init__(self, session, actor, crew, now):
        self.session, self.actor, self.crew, self.now = session, actor, crew, now
        for user in crew:
            user.away_until = None
        self.group = make_round_robin(session, members=tuple(crew[:3]))
        self.weights = {user.id: 1 for user in crew[:3]}
        self.begin_anew()

    def begin_anew(self):
        self.counts = dict.fromkeys(self.weights, 0)
        self.undisturbed = not self.absent

    @property
    def absent(self):
        return {user.id for user in self.crew if user.away_until and user.id in self.weights}

    def turn(self):
        taken = take_turn(self.session, self.group.id, now=self.now)
        able = set(self.weights) - self.absent
        if not able:
            assert taken.candidate is None
            return
        assert taken.candidate.id in able
        self.counts[taken.candidate.id] += 1
        if self.undisturbed:
            turns, total = sum(self.counts.values()), sum(self.weights.values())
            for key, weight in self.weights.items():
                assert abs(self.counts[key] - Fraction(turns * weight, total)) < 1

    def join(self, n, weight):
        user = self.crew[n]
        if user.id in self.weights:
            return
        given = {"principal": {"type": "user", "id": user.ref}, "weight": weight}
        add_round_robin_member(self.session, self.actor, self.group.ref, given, now=self.now)
        self.weights[user.id] = weight
        self.begin_anew()

    def leave(self, n):
        user = self.crew[n]
        if user.id not in self.weights:
            return
        remove_round_robin_member(
            self.session, self.actor, self.group.ref, self.member(user).ref, now=self.now
        )
        del self.weights[user.id]
        self.begin_anew()

    def weigh(self, n, weight):
        user = self.crew[n]
        if self.weights.get(user.id, weight) == weight:
            return
        set_weight(self.session, self.actor, self.group.ref, self.member(user).ref, weight, now=self.now)
        self.weights[user.id] = weight
        self.begin_anew()

    def toggle_absence(self, n):
        user = self.crew[n]
        user.away_until = None if user.away_until else self.now + timedelta(days=1)
        self.session.flush()
        self.undisturbed = False

    def member(self, user):
        of_group = RoundRobinMember.round_robin_id == self.group.id
        return rows(
            self.session,
            RoundRobinMember,
            of_group,
            RoundRobinMember.user_id == user.id,
            RoundRobinMember.removed_at.is_(None),
        )[0]

    def assert_replays(self):
        ledger = rows(self.session, Turn, Turn.round_robin_id == self.group.id)
        self.session.refresh(self.group)
        state = replay([record_from_json(row.record) for row in ledger])
        assert (state.to_json() if state else {}) == self.group.state


@pytest.mark.race
@pytest.mark.parametrize("weights", [(1,) * 7, (1, 1, 2, 3, 5, 8, 13)])
def test_sixteen_connections_at_once_are_exactly_fair(app, session, crew, now, weights):
    group = make_round_robin(session, members=tuple(zip(crew, weights, strict=True)))
    each = 10

    def burst():
        got = []
        for _ in range(each):
            with transaction() as own:
                got.append(take_turn(own, group.id, now=now).candidate.id)
        return got

    answers = together(app, [burst] * 16)
    assert all(isinstance(answer, list) for answer in answers), answers
    got = [key for answer in answers for key in answer]
    for user, weight in zip(crew, weights, strict=True):
        assert abs(got.count(user.id) - Fraction(len(got) * weight, sum(weights))) < 1
    assert verify_routing(db.session()).turns == 160
    numbers = [row.record["number"] for row in rows(session, Turn)]
    assert numbers == list(range(1, 162))


@pytest.mark.race
def test_a_capacity_is_not_exceeded_by_turns_at_once(app, session, crew, now):
    """Two round robins share a member who has room for three; eight connections offer leads to them."""
    crew[0].capacity = 3
    groups = [make_round_robin(session, members=(crew[0], crew[n])) for n in (1, 2)]
    leads = [make_lead(session) for _ in range(40)]
    mara = make_user(session, role=Role.ADMINISTRATOR)
    wishes = [Wish(Target("round_robin", group.id, group.ref, group.name)) for group in groups]

    def give(part):
        for lead in leads[part::8]:
            with transaction() as own:
                assign_lead(own, actor_of(own, mara), lead.ref, wishes[part % 2], now=now)

    assert together(app, [lambda part=part: give(part) for part in range(8)]) == [None] * 8
    assert row_count(session, Lead, Lead.owner_user_id == crew[0].id) == 3
    assert_sound(session, leads)


@pytest.mark.race
def test_a_person_deactivated_meanwhile_gets_nothing_more(app, session, crew, now):
    group = make_round_robin(session, members=tuple(crew[:3]))
    leads = [make_lead(session) for _ in range(60)]
    ada = make_user(session, role=Role.ADMINISTRATOR)
    wish = Wish(Target("round_robin", group.id, group.ref, group.name))
    moment = []

    def give(part):
        for lead in leads[part::4]:
            with transaction() as own:
                assign_lead(own, actor_of(own, ada), lead.ref, wish, now=now)

    def leave():
        with transaction() as own:
            own.execute(update(User).where(User.id == crew[0].id).values(state=UserState.DEACTIVATED))
        moment.append(row_count(db.session(), Lead, Lead.owner_user_id == crew[0].id))

    answers = together(app, [*[lambda part=part: give(part) for part in range(4)], leave])
    assert answers == [None] * 5
    assert row_count(session, Lead, Lead.owner_user_id == crew[0].id) == moment[0]
    assert_sound(session, leads)
