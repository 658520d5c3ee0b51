"""How much of a flood is written down: all while there is little, then less and less, and what was left out is told."""

from datetime import timedelta

import pytest

from app.events.flood import MOST_KEYS, Flood, _is_round
from app.kernel import clock

HOUR = clock.now().replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def flood(monkeypatch):
    class Counting:
        rate_limits = True

    monkeypatch.setattr("app.events.flood.current_settings", Counting)
    return Flood()


def test_little_is_written_one_by_one_and_much_in_steps(flood):
    written = [n for n in range(1, 1001) if flood.note({"x": 5}, HOUR) is not None]
    assert written == [1, 2, 3, 4, 5, 10, 20, 50, 100, 200, 500, 1000]


def test_what_was_left_out_is_told_by_the_next(flood):
    told = [flood.note({"x": 2}, HOUR) for _ in range(20)]
    assert told == [0, 0, *[None] * 7, 7, *[None] * 9, 9]


def test_every_hour_begins_anew_and_nothing_is_forgotten(flood):
    for _ in range(9):
        flood.note({"x": 2}, HOUR)
    assert flood.note({"x": 2}, HOUR + timedelta(hours=1)) == 7


def test_all_keys_have_to_agree(flood):
    written = sum(flood.note({n: 5, "address": 20, "all": 100}, HOUR) is not None for n in range(10_000))
    assert written <= 20 + 9


def test_a_year_of_attack_from_everywhere_stays_small(flood):
    """A thousand tries an hour, each by another name from another address."""
    written = sum(
        flood.note({("account", n): 5, ("address", n): 20, "all": 100}, HOUR + timedelta(hours=hour))
        is not None
        for hour in range(5)
        for n in range(1000)
    )
    assert written <= 5 * (100 + 3)


def test_memory_is_bounded(flood):
    for number in range(MOST_KEYS + 500):
        flood.note({number: 5}, HOUR)
    assert len(flood._counts) == MOST_KEYS


@pytest.mark.parametrize(
    ("number", "expected"),
    [(9, False), (10, True), (30, False), (50, True), (120, False), (2000, True), (2001, False)],
)
def test_round_numbers(number, expected):
    assert _is_round(number) is expected
