"""What score rules give: halving, ratios, what cannot be evaluated; and the sum against one made by hand."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.kernel.errors import Invalid
from app.routing.rules import CRITERIA_FIELDS
from app.scores.lines import changes_on, total, weigh
from app.scores.reading import compile_lines, read_lines

pytestmark = pytest.mark.databases("sqlite")
DAY = date(2026, 6, 30)
SPAIN = {"field": "country", "op": "equals", "value": "ES"}


def line(points=10, criteria=None, each=None, decay=None):
    return {"name": "A rule", "points": points, "criteria": criteria, "each": each, "decay": decay}


def parts_of(lines, **record):
    known = dict.fromkeys(CRITERIA_FIELDS) | {"created_at": None, "last_activity_at": None}
    compiled = compile_lines(read_lines(lines, CRITERIA_FIELDS), CRITERIA_FIELDS)
    return weigh(compiled, {**known, **record})


def test_points_halve_every_so_many_days_and_a_date_that_is_not_known_gives_nothing():
    lines = [line(21, decay={"field": "last_activity_at", "days": 10})]
    seen = datetime(2026, 6, 1, 23, 0, tzinfo=UTC)
    [part] = parts_of(lines, last_activity_at=seen)
    left = {0: 21, 9: 21, 10: 10, 19: 10, 20: 5, 30: 2, 40: 1, 50: 0, 900: 0}
    assert {days: part.left(seen.date() + timedelta(days=days)) for days in left} == left
    assert changes_on([part], seen.date()) == seen.date() + timedelta(days=10)
    assert changes_on([part], seen.date() + timedelta(days=50)) is None
    assert total(parts_of(lines), DAY) == 0
    assert total(parts_of([line(-30), line(5)]), DAY) == 0, "never below zero"


def test_points_for_each_so_much_and_nothing_divided_by_zero():
    lines = [
        line(2, each={"field": "employees", "by": 50, "most": 20}),
        line(1, each={"field": "annual_revenue", "by": {"field": "employees"}}),
    ]
    few, ratio = parts_of(lines, employees=170, annual_revenue=1000.0)
    assert (few.points, ratio.points) == (6, 5)
    assert [part.points for part in parts_of(lines, employees=9000)] == [20, 0]
    few, ratio = parts_of(lines, employees=0, annual_revenue=1000.0)
    assert (few.points, few.problem, ratio.points, ratio.problem) == (0, "", 0, "divides_by_zero")
    [broken] = parts_of([line(5, criteria={"field": "employees", "op": "gt", "value": 3})], employees="many")
    assert (broken.points, broken.problem) == (0, "cannot_evaluate")
    [gone] = weigh(
        compile_lines([line(5, criteria={"field": "c_gone", "op": "is_empty"})], CRITERIA_FIELDS), {}
    )
    assert (gone.points, gone.problem) == (0, "not_understood")


def test_what_somebody_wrote_is_refused_with_its_place():
    wrong = [
        line(0),
        line(each={"field": "employees", "by": "0"}),
        line(each={"field": "city", "by": 1}),
        line(decay={"field": "arrived_at", "days": 0}),
        line(decay={"field": "city", "days": 1}),
        line(criteria={"field": "score", "op": "gt", "value": 1}),
        {**line("many"), "name": " "},
    ]
    with pytest.raises(Invalid) as refused:
        read_lines(wrong, CRITERIA_FIELDS)
    assert set(refused.value.errors) == {
        "lines[0].points", "lines[1].each.by", "lines[2].each.field", "lines[3].decay.days", "lines[4].decay.field",
        "lines[5].criteria.field", "lines[6].name", "lines[6].points",
    }  # fmt: skip
    assert "zero" in str(refused.value.errors["lines[1].each.by"][0])


_LINES = st.lists(
    st.builds(
        line,
        points=st.integers(-200, 200).filter(bool),
        criteria=st.sampled_from([None, SPAIN, {"not": SPAIN}]),
        each=st.sampled_from([None, {"field": "employees", "by": 7, "most": 90}]),
        decay=st.none()
        | st.fixed_dictionaries(
            {"field": st.sampled_from(["arrived_at", "last_activity_at"]), "days": st.integers(1, 60)}
        ),
    ),
    max_size=6,
)


def by_hand(lines, record, day):
    """The score, reckoned another way: one halving at a time."""
    score = 0
    for one in lines:
        if one["criteria"] is not None and (record["country"] == "ES") is ("not" in one["criteria"]):
            continue
        points = one["points"]
        if one["each"]:
            so_many = (record["employees"] or 0) * abs(points) // 7
            points = min(so_many, 90) * (1 if points > 0 else -1)
        if one["decay"]:
            since = record[one["decay"]["field"]]
            if since is None:
                continue
            turn = since.date() + timedelta(days=one["decay"]["days"])
            while turn <= day and points:
                points = points // 2 if points > 0 else -(-points // 2)
                turn += timedelta(days=one["decay"]["days"])
        score += points
    return max(0, score)


@settings(max_examples=120, deadline=None)
@given(
    lines=_LINES,
    country=st.sampled_from(["ES", "FR", None]),
    employees=st.none() | st.integers(0, 5000),
    ages=st.tuples(st.integers(-5, 400), st.none() | st.integers(0, 400)),
)
def test_a_score_is_what_one_would_reckon_by_hand_on_every_day(lines, country, employees, ages):
    began = datetime(2026, 6, 30, 12, tzinfo=UTC)
    record = {
        "country": country,
        "employees": employees,
        "arrived_at": began - timedelta(days=ages[0]),
        "last_activity_at": None if ages[1] is None else began - timedelta(days=ages[1]),
    }
    parts = parts_of(lines, **record)
    assert total(parts, DAY) == by_hand(lines, record, DAY)
    due = changes_on(parts, DAY)
    for days in range(1, 40):
        day = DAY + timedelta(days=days)
        assert total(parts, day) == by_hand(lines, record, day)
        if due is None or day < due:
            assert total(parts, day) == total(parts, DAY)
    if due is not None:
        assert by_hand(lines, record, due) != by_hand(lines, record, DAY)
