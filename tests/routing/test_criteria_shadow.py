"""Entries that can never match: what is said of them is certain."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.routing.criteria import matches, parse
from app.routing.criteria_shadow import never_matches_after
from tests.routing.criteria_worlds import FIELDS, criteria_json, records


def c(field, op, value=None):
    return {"field": field, "op": op, **({} if value is None else {"value": value})}


SPAIN, FRANCE = c("country", "equals", "ES"), c("country", "equals", "FR")
EVERYTHING = {"all": []}


@pytest.mark.parametrize(
    ("earlier", "entry", "expected"),
    [
        ([], SPAIN, None),
        ([], EVERYTHING, None),
        ([EVERYTHING], SPAIN, (0,)),
        ([EVERYTHING], EVERYTHING, (0,)),
        ([SPAIN], SPAIN, (0,)),
        ([FRANCE], SPAIN, None),
        ([SPAIN], EVERYTHING, None),
        ([FRANCE, SPAIN], {"all": [SPAIN, c("employees", "gt", 5)]}, (1,)),
        ([{"all": [SPAIN, c("employees", "gt", 5)]}], SPAIN, None),
        ([{"any": [SPAIN, FRANCE]}], SPAIN, (0,)),
        ([c("country", "in", ["ES", "FR"])], FRANCE, (0,)),
        ([SPAIN, FRANCE], c("country", "in", ["ES", "FR"]), (0, 1)),
        ([SPAIN], c("country", "in", ["ES", "FR"]), None),
        ([SPAIN, c("employees", "gt", 5)], {"any": [{"all": [SPAIN, c("urgent", "equals", True)]}, c("employees", "gte", 6)]}, (0, 1)),
        ([c("employees", "gt", 5)], c("employees", "gt", 10), (0,)),
        ([c("employees", "gte", 5)], c("employees", "gt", 5), (0,)),
        ([c("employees", "gt", 5)], c("employees", "gte", 5), None),
        ([c("employees", "lt", 10)], c("employees", "lte", 9), (0,)),
        ([c("employees", "gt", 5)], c("employees", "equals", 7), (0,)),
        ([c("employees", "is_not_empty")], c("employees", "lt", 3), (0,)),
        ([c("employees", "not_equals", 7)], c("employees", "gt", 7), (0,)),
        ([c("employees", "not_equals", 7)], c("employees", "is_empty"), (0,)),
        ([c("employees", "not_in", [1, 2])], c("employees", "not_in", [1, 2, 3]), (0,)),
        ([c("employees", "not_in", [1, 2])], c("employees", "not_equals", 1), None),
        ([c("company", "contains", "cm")], c("company", "starts_with", "Acme"), (0,)),
        ([c("company", "starts_with", "Ac")], c("company", "equals", "ACME"), (0,)),
        ([c("company", "starts_with", "Acme")], c("company", "contains", "Acme"), None),
        ([{"not": c("company", "contains", "Acme")}], {"not": c("company", "contains", "acm")}, (0,)),
        ([{"not": SPAIN}], FRANCE, (0,)),
        ([c("met_on", "gte", "2026-01-01")], c("met_on", "equals", "2026-02-01"), (0,)),
        ([c("arrived_at", "gte", "2026-01-01")], c("arrived_at", "gt", "2026-01-02"), (0,)),
        ([c("arrived_at", "gt", "2026-01-01T12:00:00Z")], c("arrived_at", "equals", "2026-01-01"), None),
        ([], {"all": [SPAIN, FRANCE]}, ()),
        ([], {"all": [SPAIN, c("country", "is_empty")]}, ()),
        ([], {"not": EVERYTHING}, ()),
        ([c("urgent", "equals", True)], c("urgent", "not_equals", False), None),
    ],
)  # fmt: skip
def test_shadowed_entries(earlier, entry, expected):
    assert never_matches_after([parse(e, FIELDS) for e in earlier], parse(entry, FIELDS)) == expected


few = criteria_json(("company", "employees", "arrived_at"), max_leaves=5)


@given(st.lists(few, max_size=4), few, st.lists(records(), min_size=30, max_size=30))
@settings(max_examples=400, deadline=None)
def test_what_is_called_shadowed_never_matches_first(earlier, entry, world):
    rules = [parse(e, FIELDS) for e in earlier]
    last = parse(entry, FIELDS)
    takers = never_matches_after(rules, last)
    if takers is None:
        return
    for record in world:
        if matches(last, record):
            assert any(matches(rules[i], record) for i in takers)


@given(few)
def test_every_entry_is_shadowed_by_itself_or_contradicts_itself(value):
    criteria = parse(value, FIELDS)
    assert never_matches_after([criteria], criteria) in {(0,), ()}
