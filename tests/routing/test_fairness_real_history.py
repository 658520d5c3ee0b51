"""Round robin over a real history: the people of each month, its deals in their order, joins and leaves between."""

import csv
from collections import Counter, defaultdict
from datetime import UTC, datetime

import pytest

from app.routing.fairness import Member, Rota, ledger_rows, replay
from tests.shared_data import shared_data


@pytest.fixture(scope="module")
def deals():
    with shared_data("olist", "olist_closed_deals_dataset.csv").open(encoding="utf-8", newline="") as file:
        return sorted(csv.DictReader(file), key=lambda deal: (deal["won_date"], deal["mql_id"]))


@pytest.mark.parametrize("role", ["sdr_id", "sr_id"])
def test_nobody_gets_more_than_one_deal_beyond_a_colleague_of_the_same_month(deals, role):
    """The real spread is up to 4.5 times the mean within a month; newcomers get no backlog."""
    months = defaultdict(list)
    for deal in deals:
        months[deal["won_date"][:7]].append(deal)
    people: dict[str, int] = {}
    state, records, given = None, [], 0
    for month, of_month in sorted(months.items()):
        roster = sorted({deal[role] for deal in of_month})
        members = [
            Member(people.setdefault(person, len(people) + 1), seat) for seat, person in enumerate(roster)
        ]
        rota = Rota(members)
        at = datetime.fromisoformat(f"{month}-01").replace(tzinfo=UTC)
        state, record = rota.begin(state, at=at)
        records += [record] if record else []
        counts: Counter[int] = Counter({member.id: 0 for member in members})
        for deal in of_month:
            moment = datetime.fromisoformat(deal["won_date"]).replace(tzinfo=UTC)
            turn = rota.turn(state, set(counts), at=moment)
            counts[turn.member_id] += 1
            state = turn.state
            records.append(turn.record)
            assert max(counts.values()) - min(counts.values()) <= 1
        given += len(of_month)
        assert sum(counts.values()) == len(of_month)
        real = Counter(deal[role] for deal in of_month)
        assert max(counts.values()) <= max(real.values())
    assert given == 842
    assert replay(records) == state
    assert sum(row.total for row in ledger_rows(state)) + sum(state.former.values()) == 842
