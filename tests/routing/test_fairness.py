"""Whose turn it is: tables of cases, and properties against a slow oracle in plain fractions."""

import json
import random
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.routing.fairness import (
    EpochRecord,
    Member,
    Record,
    Rota,
    RotaState,
    TurnRecord,
    ledger_rows,
    record_from_json,
    replay,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
weights = st.one_of(
    st.lists(st.integers(1, 1000), min_size=1, max_size=9),
    st.lists(st.integers(1, 4), min_size=1, max_size=12),
    st.lists(st.sampled_from([1, 1, 1, 999, 1000]), min_size=2, max_size=6),
)


def members(*given_weights: int) -> list[Member]:
    """Members 1, 2, 3 … in seats 0, 1, 2 …"""
    return [Member(i + 1, i, weight) for i, weight in enumerate(given_weights)]


def began(*given_weights: int) -> tuple[Rota, RotaState, frozenset[int]]:
    rota = Rota(members(*given_weights))
    state, _ = rota.begin(None, at=NOON)
    return rota, state, frozenset(m.id for m in rota.members)


def receivers(rota: Rota, state: RotaState, eligible: Iterable[int], turns: int) -> list[int]:
    received = []
    for _ in range(turns):
        turn = rota.turn(state, frozenset(eligible), at=NOON)
        assert turn.member_id is not None
        received.append(turn.member_id)
        state = turn.state
    return received


class Oracle:
    """The rule as it is written down, in fractions, without a thought for speed."""

    def __init__(self, given: list[Member]) -> None:
        self.given = sorted(given, key=lambda m: m.seat)
        self.balance = {m.id: Fraction(0) for m in given}

    def turn(self, able: set[int]) -> int:
        taking = [m for m in self.given if m.id in able]
        total = sum(m.weight for m in taking)
        for m in taking:
            self.balance[m.id] += Fraction(m.weight, total)
        owed = [m for m in taking if self.balance[m.id] > 0]
        if owed:
            chosen = min(owed, key=lambda m: ((1 - self.balance[m.id]) / Fraction(m.weight, total), m.seat))
        else:
            chosen = min(taking, key=lambda m: (-self.balance[m.id], m.seat))
        self.balance[chosen.id] -= 1
        return chosen.id

    def give_back(self, able: set[int], receiver: int) -> None:
        total = sum(m.weight for m in self.given if m.id in able)
        for m in self.given:
            if m.id in able:
                self.balance[m.id] -= Fraction(m.weight, total)
        self.balance[receiver] += 1


# The ±1 promise


@given(weights, st.integers(1, 400))
@settings(deadline=None)
def test_every_count_is_within_one_of_its_exact_share_after_every_turn(given_weights, turns):
    rota, state, everyone = began(*given_weights)
    total = sum(given_weights)
    counts: Counter[int] = Counter()
    for n in range(1, turns + 1):
        turn = rota.turn(state, everyone, at=NOON)
        state = turn.state
        counts[turn.member_id] += 1
        for member in rota.members:
            assert abs(counts[member.id] - Fraction(n * member.weight, total)) < 1


@pytest.mark.parametrize(
    "given_weights",
    [
        (1,),
        (1, 1),
        (1, 2, 4, 8),
        (1000, *[1] * 50),
        (1000, 999, 998, 1),
        (6, 6, 1, 1, 1, 1, 1, 1, 1),
        (7, 3, 2, 2),
        tuple(range(1, 21)),
    ],
)
def test_the_promise_holds_for_awkward_weights_through_a_whole_cycle_and_beyond(given_weights):
    rota, state, everyone = began(*given_weights)
    total = sum(given_weights)
    for n in range(1, min(2 * total, 3000) + 1):
        state = rota.turn(state, everyone, at=NOON).state
        assert all(abs(c * total - n * w) < total for c, w in zip(state.counts, given_weights, strict=True))
        if n % total == 0:
            assert state.counts == tuple(w * n // total for w in given_weights)
            assert set(state.balances) == {0}


def test_rules_that_look_fair_break_the_promise_where_this_one_keeps_it():
    """Smallest turns ÷ weight, and the largest balance, on weights where both go a whole lead astray."""
    given_weights = (1000, *[1] * 50)
    total = sum(given_weights)

    def worst(choose):
        counts = [0] * len(given_weights)
        far = Fraction(0)
        for n in range(1, 200):
            counts[choose(counts, n)] += 1
            far = max(
                far,
                *(abs(c - Fraction(n * w, total)) for c, w in zip(counts, given_weights, strict=True)),
            )
        return far

    def smallest_ratio(counts, _n):
        return min(range(len(counts)), key=lambda i: (Fraction(counts[i], given_weights[i]), i))

    assert worst(smallest_ratio) > 1
    rota, state, everyone = began(*given_weights)
    sequence = iter(receivers(rota, state, everyone, 200))
    assert worst(lambda _counts, _n: next(sequence) - 1) < 1


@given(st.integers(1, 12), st.integers(1, 100))
def test_with_equal_weights_counts_differ_by_at_most_one_and_go_round_by_seat(size, turns):
    rota, state, everyone = began(*[5] * size)
    received = receivers(rota, state, everyone, turns)
    assert received == [i % size + 1 for i in range(turns)]


def test_ties_go_to_the_lower_seat_whatever_the_ids():
    rota = Rota([Member(30, 0), Member(10, 1), Member(20, 2)])
    state, _ = rota.begin(None, at=NOON)
    assert receivers(rota, state, {10, 20, 30}, 6) == [30, 10, 20, 30, 10, 20]


# Against the oracle: absences, leads that exclude somebody, turns given back, joins and leaves


@st.composite
def histories(draw):
    """[("turn", eligible, excluded) | ("back", which) | ("members", list of (id, seat, weight))]"""
    steps = []
    for _ in range(draw(st.integers(1, 60))):
        kind = draw(st.sampled_from(["turn"] * 8 + ["back", "members"]))
        if kind == "turn":
            eligible = draw(st.frozensets(st.integers(1, 6)))
            steps.append(("turn", eligible, draw(st.frozensets(st.integers(1, 6), max_size=2))))
        elif kind == "back":
            steps.append(("back", draw(st.integers(0, 100))))
        else:
            ids = draw(st.lists(st.integers(1, 6), min_size=1, max_size=6, unique=True))
            steps.append(
                ("members", [Member(m, seat, draw(st.integers(1, 30))) for seat, m in enumerate(ids)])
            )
    return steps


@given(histories())
@settings(deadline=None)
def test_any_history_agrees_with_the_oracle_and_with_its_own_replay(steps):
    rota = Rota(members(3, 1, 2, 1, 7, 1))
    state, record = rota.begin(None, at=NOON)
    records: list[Record] = [record]
    oracle = Oracle(list(rota.members))
    open_turns: list[TurnRecord] = []
    totals: Counter[int] = Counter()
    at = NOON
    for step in steps:
        at += timedelta(minutes=1)
        if step[0] == "members":
            rota = Rota(step[1])
            before = state
            state, record = rota.begin(state, at=at)
            assert (record is None) == (before.members == rota.members)
            if record is not None:
                records.append(record)
                oracle = Oracle(step[1])
        elif step[0] == "back":
            if not open_turns:
                continue
            turn = open_turns.pop(step[1] % len(open_turns))
            state, given_back = rota.give_back(state, turn, at=at)
            records.append(given_back)
            totals[turn.receiver] -= 1
            if turn.epoch == state.epoch:
                oracle.give_back(set(turn.eligible) - set(turn.excluded), turn.receiver)
        else:
            _, eligible, excluded = step
            turn = rota.turn(state, eligible, excluded, at=at)
            able = {m.id for m in rota.members if m.id in eligible - excluded}
            if not able:
                assert turn.member_id is None
                assert turn.record is None
                assert turn.state is state
                assert turn.explanation.reason == "nobody"
                continue
            assert turn.member_id == oracle.turn(able)
            state = turn.state
            records.append(turn.record)
            open_turns.append(turn.record)
            totals[turn.member_id] += 1
        assert dict(zip((m.id for m in state.members), state.balances, strict=True)) == oracle.balance
        everyone = {**dict(zip((m.id for m in state.members), state.totals, strict=True)), **state.former}
        assert {k: v for k, v in everyone.items() if v} == {k: v for k, v in totals.items() if v}
        assert [r.number for r in records] == list(range(1, state.number + 1))
        wire = json.loads(json.dumps(state.to_json()))
        assert RotaState.from_json(wire) == state
    assert replay(records) == state
    assert [record_from_json(json.loads(json.dumps(r.to_json()))) for r in records] == records


# Absences


def test_who_was_away_keeps_the_balance_and_is_not_flooded_on_return():
    rota, state, everyone = began(1, 1)
    for _ in range(100):
        state = rota.turn(state, {1}, at=NOON).state
    assert state.balances == (0, 0)
    received = receivers(rota, state, everyone, 10)
    assert Counter(received) == {1: 5, 2: 5}


@given(weights.filter(lambda w: len(w) > 1), st.data())
@settings(deadline=None)
def test_nobody_gets_a_run_of_turns_after_an_absence(given_weights, data):
    """From the return on everybody's count stays within two of the exact share: nothing is caught up."""
    rota, state, everyone = began(*given_weights)
    away = data.draw(st.sampled_from(sorted(everyone)))
    before = data.draw(st.integers(0, 40))
    for _ in range(before):
        state = rota.turn(state, everyone, at=NOON).state
    for _ in range(data.draw(st.integers(1, 60))):
        state = rota.turn(state, everyone - {away}, at=NOON).state
    total = sum(given_weights)
    counts: Counter[int] = Counter()
    for n in range(1, 60):
        turn = rota.turn(state, everyone, at=NOON)
        state = turn.state
        counts[turn.member_id] += 1
        for member in rota.members:
            assert abs(counts[member.id] - Fraction(n * member.weight, total)) < 2


def test_when_nobody_is_owed_a_turn_the_highest_balance_is_next():
    """Three turns pushed back upon the same two members leave both of them below zero."""
    rota, state, everyone = began(1, 1, 6)
    for _ in range(2):
        state = rota.turn(state, everyone, at=NOON).state
    low = [m for m, b in zip(rota.members, state.balances, strict=True) if b < 0]
    turn = rota.turn(state, {m.id for m in low}, at=NOON)
    assert turn.explanation.reason in {"due_first", "highest_balance"}
    # one member alone always accrues exactly what it pays, however low the balance
    alone = rota.turn(state, {low[0].id}, at=NOON)
    assert alone.member_id == low[0].id
    assert alone.state.balances == state.balances


def test_highest_balance_and_then_seat_decide_when_all_are_in_debt():
    rota, state, _ = began(1, 1, 1)
    debt = RotaState.from_json(
        {
            **state.to_json(),
            "members": [
                [1, 0, 1, 0, 0, "-3/2", "0/1"],
                [2, 1, 1, 0, 0, "-5/4", "0/1"],
                [3, 2, 1, 0, 0, "-5/4", "0/1"],
            ],
        }
    )
    turn = rota.turn(debt, {1, 2, 3}, at=NOON)
    assert (turn.member_id, turn.explanation.reason) == (2, "highest_balance")


def test_declining_does_not_bring_the_next_lead_sooner():
    """Offered and declined turns count; being passed over for that lead accrues nothing."""
    rota, state, everyone = began(1, 1)
    first_offers = []
    for _ in range(6):
        turn = rota.turn(state, everyone, at=NOON)
        first_offers.append(turn.member_id)
        state = turn.state
        if turn.member_id == 1:  # declines, the lead goes on
            turn = rota.turn(state, everyone, {1}, at=NOON)
            assert turn.member_id == 2
            state = turn.state
    assert Counter(first_offers) == {1: 3, 2: 3}


# since, count, share, total


def test_counts_restart_when_eligibility_changes_but_not_when_one_lead_passes_somebody_over():
    rota, state, everyone = began(1, 1, 1)
    later = NOON + timedelta(hours=1)
    for _ in range(3):
        state = rota.turn(state, everyone, at=NOON).state
    state = rota.turn(state, everyone, {1}, at=later).state
    assert (state.since, state.turns) == (NOON, 4)
    state = rota.turn(state, {2, 3}, at=later).state
    assert (state.since, state.turns, state.counts[0]) == (later, 1, 0)
    assert state.totals == (1, 2, 2)
    assert sum(row.total for row in ledger_rows(state)) == 5


@given(weights, st.integers(0, 30), st.integers(1, 50))
@settings(deadline=None)
def test_share_is_exactly_what_was_due_since_the_last_change(given_weights, before, after):
    rota, state, everyone = began(*given_weights)
    for _ in range(before):
        state = rota.turn(state, {1}, at=NOON).state
    for _ in range(after):
        state = rota.turn(state, everyone, at=NOON).state
    n = after + (before if everyone == {1} else 0)
    total = sum(given_weights)
    for row in ledger_rows(state):
        assert row.share == pytest.approx(n * row.weight / total, abs=1e-6)
        assert row.balance == pytest.approx(row.share - row.count, abs=2e-6)


def test_the_ledger_is_rounded_to_six_places_only_at_the_edge():
    rota, state, everyone = began(1, 1, 1)
    state = rota.turn(state, everyone, at=NOON).state
    first, second, _ = ledger_rows(state)
    assert (first.count, first.share, first.balance, first.total) == (1, 0.333333, -0.666667, 1)
    assert (second.count, second.share, second.balance, second.total) == (0, 0.333333, 0.333333, 0)
    assert state.balances[0] == Fraction(-2, 3)


# Members joining, leaving, changing weight


def test_a_newcomer_starts_at_zero_and_everybody_else_starts_again():
    rota, state, everyone = began(1, 1)
    for _ in range(11):
        state = rota.turn(state, everyone, at=NOON).state
    wider = Rota([*members(1, 1), Member(9, 2)])
    later = NOON + timedelta(days=1)
    state, record = wider.begin(state, at=later)
    assert record == EpochRecord(13, later, wider.members)
    assert set(state.balances) == {0}
    assert (state.since, state.turns, state.totals) == (later, 0, (6, 5, 0))
    assert receivers(wider, state, {1, 2, 9}, 6) == [1, 2, 9, 1, 2, 9]


def test_totals_survive_leaving_and_coming_back():
    rota, state, everyone = began(1, 1)
    for _ in range(4):
        state = rota.turn(state, everyone, at=NOON).state
    state, _ = Rota(members(1)).begin(state, at=NOON)
    assert state.former == {2: 2}
    state, _ = rota.begin(state, at=NOON)
    assert state.totals == (2, 2)
    assert state.former == {}


def test_a_turn_needs_the_state_of_these_members():
    _, state, everyone = began(1, 1)
    with pytest.raises(ValueError, match="begin"):
        Rota(members(1, 2)).turn(state, everyone, at=NOON)


@pytest.mark.parametrize(
    "bad",
    [
        [Member(1, 0, 0)],
        [Member(1, 0, 1001)],
        [Member(1, 0), Member(1, 1)],
        [Member(1, 0), Member(2, 0)],
    ],
)
def test_weights_out_of_range_and_doubled_seats_are_refused(bad):
    with pytest.raises(ValueError, match=r"weights|seats"):
        Rota(bad)


def test_a_round_robin_without_members_gives_no_turn():
    rota = Rota([])
    state, _ = rota.begin(None, at=NOON)
    assert rota.turn(state, {1, 2}, at=NOON).member_id is None
    assert ledger_rows(state) == ()
    assert RotaState.from_json(state.to_json()) == state


def test_a_column_that_was_never_written_is_no_state():
    assert RotaState.from_json({}) is None


# Giving back


@given(weights, st.integers(0, 30), st.data())
@settings(deadline=None)
def test_the_latest_turn_given_back_leaves_balances_counts_and_totals_as_they_were(
    given_weights, before, data
):
    rota, state, everyone = began(*given_weights)
    for _ in range(before):
        state = rota.turn(state, everyone, at=NOON).state
    excluded = data.draw(st.frozensets(st.sampled_from(sorted(everyone)), max_size=len(everyone) - 1))
    turn = rota.turn(state, everyone, excluded, at=NOON)
    undone, record = rota.give_back(turn.state, turn.record, at=NOON)
    assert record.turn == turn.record.number
    assert undone.balances == state.balances
    assert undone.denominator == state.denominator
    assert (undone.counts, undone.totals, undone.turns) == (state.counts, state.totals, state.turns)
    assert rota.turn(undone, everyone, excluded, at=NOON).member_id == turn.member_id


def test_a_turn_from_before_the_last_change_of_eligibility_moves_balance_and_total_only():
    rota, state, everyone = began(1, 1)
    first = rota.turn(state, everyone, at=NOON)
    state = rota.turn(first.state, {1}, at=NOON).state
    before = ledger_rows(state)
    state, _ = rota.give_back(state, first.record, at=NOON)
    after = ledger_rows(state)
    assert [(r.count, r.share) for r in after] == [(r.count, r.share) for r in before]
    assert [r.total for r in after] == [1, 0]
    assert state.balances == (0, 0)


def test_a_turn_of_an_earlier_epoch_lowers_the_total_alone_even_when_its_receiver_has_left():
    rota, state, everyone = began(1, 1)
    first = rota.turn(state, everyone, at=NOON)
    shrunk = Rota([Member(2, 1)])
    state, _ = shrunk.begin(first.state, at=NOON)
    assert state.former == {1: 1}
    after, _ = shrunk.give_back(state, first.record, at=NOON)
    assert after.former == {1: 0}
    assert (after.balances, after.counts) == (state.balances, state.counts)


# Explanation, replay


def test_the_explanation_names_everybody_and_why():
    rota, state, _ = began(1, 1, 1, 1)
    explanation = rota.turn(state, {1, 2, 3}, {1}, at=NOON).explanation
    assert explanation.reason == "due_first"
    assert [(s.member_id, s.status, s.balance) for s in explanation.standings] == [
        (1, "passed_over", 0),
        (2, "chosen", Fraction(1, 2)),
        (3, "in_turn", Fraction(1, 2)),
        (4, "not_eligible", 0),
    ]
    assert json.loads(json.dumps(explanation.to_json()))["standings"][1] == [2, "chosen", "1/2"]


def some_records() -> list[Record]:
    rota, state, everyone = began(2, 1)
    records: list[Record] = [rota.begin(None, at=NOON)[1]]
    for _ in range(3):
        turn = rota.turn(state, everyone, at=NOON)
        records.append(turn.record)
        state = turn.state
    state, back = rota.give_back(state, records[1], at=NOON)
    return [*records, back]


def test_replaying_nothing_is_nothing():
    assert replay([]) is None


@pytest.mark.parametrize(
    ("tamper", "complaint"),
    [
        (lambda r: [*r[:2], *r[3:]], "stands where"),
        (lambda r: r[1:], "stands where"),
        (lambda r: [r[1].__class__(**{**_fields(r[1]), "number": 1})], "before the first epoch"),
        (lambda r: [r[0], r[1].__class__(**{**_fields(r[1]), "receiver": 2}), *r[2:]], "by the rule to 1"),
        (lambda r: [*r, r[4].__class__(6, NOON, 2)], "not there to give"),
        (lambda r: [*r, EpochRecord(6, NOON, r[0].members)], "members it already had"),
    ],
)
def test_replay_says_where_a_ledger_contradicts_itself(tamper, complaint):
    records = some_records()
    assert replay(records) is not None
    with pytest.raises(ValueError, match=complaint):
        replay(tamper(records))


def _fields(record: TurnRecord) -> dict:
    return {name: getattr(record, name) for name in TurnRecord.__slots__}


@pytest.mark.parametrize("bad", [{}, {"kind": "turn"}, {"kind": "?", "number": 1, "at": NOON.isoformat()}])
def test_a_row_that_is_no_record_is_refused(bad):
    with pytest.raises(ValueError):
        record_from_json(bad)


def test_states_with_enormous_denominators_survive_the_column():
    """Nearly every turn another total: the denominator outgrows what Python prints in decimal."""
    chance = random.Random(1)
    rota, state, everyone = began(*chance.sample(range(1, 1001), 20))
    for _ in range(900):
        state = rota.turn(state, {i for i in everyone if chance.random() < 0.8}, at=NOON).state
    assert state.denominator.bit_length() > 2048
    assert RotaState.from_json(json.loads(json.dumps(state.to_json()))) == state


def test_turns_are_reproducible_from_a_stored_state():
    rota, state, everyone = began(5, 3, 1)
    straight = receivers(rota, state, everyone, 30)
    stored = []
    for _ in range(30):
        turn = Rota(members(5, 3, 1)).turn(
            RotaState.from_json(json.loads(json.dumps(state.to_json()))), everyone, at=NOON
        )
        stored.append(turn.member_id)
        state = turn.state
    assert stored == straight
