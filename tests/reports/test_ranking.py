"""The rows that a page shows of very many are the first of all of them."""

import random

from app.reports.dimensions import Value
from app.reports.ranking import FEW, Ranking


def ranking(weights):
    """Rows of these keys; and how many were named at a time."""
    asked = []

    def name(keys):
        asked.append(len(keys))
        return [Value(key, (key,), f"name {key[::-1]}", ()) for key in sorted(keys)]

    found = Ranking(
        name,
        weights,
        lambda keys: sum(weights[key] for key in keys),
        lambda value: value.label,
        are_apart=True,
    )
    return found, asked


def test_the_first_rows_are_those_of_all():
    chance = random.Random(7)
    weights = {f"{number:04}": chance.randrange(9) ** 3 for number in range(FEW * 3)}
    every = list(ranking(weights)[0])
    assert every == sorted(every, key=lambda label: (-weights[label[:4:-1]], label))
    for shown in (0, 1, 50, 100, FEW * 2, FEW * 4):
        found, asked = ranking(weights)
        assert found[:shown] == every[:shown]
        assert len(found) == len(every)
        assert shown > 100 or max(asked, default=0) < len(every)
