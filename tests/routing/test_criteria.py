"""The criteria language: what it accepts, what it refuses, what it matches."""

import json
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.errors import Invalid
from app.routing.criteria import OPERATORS, CannotEvaluate, FieldType, Op, matches, parse
from tests.routing.criteria_worlds import FIELDS, criteria_json, oracle, records

RECORD = {
    "company": "Acme, S.L.",
    "source": "web",
    "employees": 1500,
    "revenue": Decimal("12.50"),
    "met_on": date(2026, 3, 1),
    "arrived_at": datetime(2026, 3, 1, 23, 30, tzinfo=UTC),
    "country": "ES",
    "urgent": True,
}
EMPTY = dict.fromkeys(RECORD)


def leaf(field, op, value=None):
    return {"field": field, "op": op} if value is None else {"field": field, "op": op, "value": value}


@pytest.mark.parametrize(
    ("field", "op", "value", "expected"),
    [
        ("company", "equals", "ACME, s.l.", True),
        ("company", "equals", "Acme", False),
        ("company", "equals", "Ácme, S.L.", False),
        ("company", "equals", " Acme, S.L. ", True),
        ("company", "not_equals", "acme, s.l.", False),
        ("company", "not_equals", "Other", True),
        ("company", "in", ["x", "acme, S.L."], True),
        ("company", "not_in", ["x", "acme, S.L."], False),
        ("company", "contains", "ME, s", True),
        ("company", "contains", "zz", False),
        ("company", "starts_with", "ACME", True),
        ("company", "starts_with", "cme", False),
        ("company", "gt", "AAA", True),
        ("company", "lte", "b", True),
        ("company", "is_empty", None, False),
        ("company", "is_not_empty", None, True),
        ("source", "equals", "WEB", True),
        ("source", "in", ["Email"], False),
        ("employees", "equals", 1500, True),
        ("employees", "equals", "1500", True),
        ("employees", "equals", 1500.0, True),
        ("employees", "gt", 1500, False),
        ("employees", "gte", 1500, True),
        ("employees", "lt", 1500.5, True),
        ("employees", "lte", -3, False),
        ("employees", "in", [1, "1500"], True),
        ("employees", "not_in", [1, 2], True),
        ("revenue", "equals", 12.5, True),
        ("revenue", "gt", "12.49", True),
        ("met_on", "equals", "2026-03-01", True),
        ("met_on", "gt", "2026-02-28", True),
        ("met_on", "lt", "2026-03-01", False),
        ("arrived_at", "equals", "2026-03-01", True),
        ("arrived_at", "lte", "2026-03-01", True),
        ("arrived_at", "gt", "2026-03-01", False),
        ("arrived_at", "gt", "2026-03-01T23:00:00Z", True),
        ("arrived_at", "equals", "2026-03-02T00:30:00+01:00", True),
        ("country", "equals", "es", True),
        ("country", "equals", "España", True),
        ("country", "in", ["Francia", "Espanya"], True),
        ("country", "not_equals", "Spain", False),
        ("urgent", "equals", True, True),
        ("urgent", "not_equals", "true", False),
        ("urgent", "in", [False], False),
    ],
)
def test_comparisons(field, op, value, expected):
    criteria = parse(leaf(field, op, value), FIELDS)
    assert matches(criteria, RECORD) is expected
    assert matches(parse({"not": leaf(field, op, value)}, FIELDS), RECORD) is not expected


VALUES = {
    FieldType.TEXT: "a",
    FieldType.CHOICE: "a",
    FieldType.NUMBER: 1,
    FieldType.DATE: "2026-01-31",
    FieldType.DATETIME: "2026-01-31T00:00:00Z",
    FieldType.COUNTRY: "ES",
    FieldType.BOOLEAN: True,
}


@pytest.mark.parametrize(
    ("field", "op"), [(field, op) for field, kind in FIELDS.items() for op in OPERATORS[kind]]
)
@pytest.mark.parametrize("empty", [None, "", "  "])
def test_on_an_empty_value_only_three_operators_are_true(field, op, empty):
    value = VALUES[FIELDS[field]]
    given_value = None if op in {Op.IS_EMPTY, Op.IS_NOT_EMPTY} else value
    criteria = parse(leaf(field, op, [value] if op in {Op.IN, Op.NOT_IN} else given_value), FIELDS)
    if empty == "  " and FIELDS[field] not in {FieldType.TEXT, FieldType.CHOICE}:
        empty = ""
    assert matches(criteria, {**EMPTY, field: empty}) is (op in {Op.IS_EMPTY, Op.NOT_EQUALS, Op.NOT_IN})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, True),
        ({"all": []}, True),
        ({"not": {"all": []}}, False),
        ({"all": [leaf("country", "equals", "ES"), leaf("employees", "gt", 1000)]}, True),
        ({"all": [leaf("country", "equals", "ES"), leaf("employees", "gt", 2000)]}, False),
        ({"any": [leaf("country", "equals", "FR"), leaf("employees", "gt", 1000)]}, True),
        ({"any": [leaf("country", "equals", "FR")]}, False),
        ({"not": {"any": [leaf("country", "equals", "FR"), leaf("source", "equals", "x")]}}, True),
    ],
)
def test_groups(value, expected):
    assert matches(parse(value, FIELDS), RECORD) is expected


def test_absent_and_empty_all_are_the_same():
    assert parse(None, FIELDS) == parse({"all": []}, FIELDS)
    assert parse(None, FIELDS).matches_everything


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ([], "criteria"),
        ("ES", "criteria"),
        (True, "criteria"),
        ({}, "criteria"),
        ({"all": [], "any": []}, "criteria"),
        ({"field": "country"}, "criteria"),
        ({"field": "country", "op": "equals", "value": "ES", "more": 1}, "criteria"),
        ({"any": []}, "criteria.any"),
        ({"all": {}}, "criteria.all"),
        ({"not": []}, "criteria.not"),
        ({"all": [{"any": []}]}, "criteria.all[0].any"),
        (
            {"all": [leaf("country", "equals", "ES"), leaf("colour", "equals", "red")]},
            "criteria.all[1].field",
        ),
        (leaf(["country"], "equals", "ES"), "criteria.field"),
        (leaf("country", "is", "ES"), "criteria.op"),
        (leaf("country", 5, "ES"), "criteria.op"),
        (leaf("country", "gt", "ES"), "criteria.op"),
        (leaf("employees", "contains", "5"), "criteria.op"),
        (leaf("country", "equals", "Atlantis"), "criteria.value"),
        (leaf("country", "equals", 34), "criteria.value"),
        (leaf("country", "equals"), "criteria.value"),
        (leaf("country", "in", []), "criteria.value"),
        (leaf("country", "in", "ES"), "criteria.value"),
        (leaf("country", "in", ["ES", "?"]), "criteria.value[1]"),
        (leaf("company", "equals", ""), "criteria.value"),
        (leaf("company", "equals", 5), "criteria.value"),
        (leaf("company", "contains", "a\x00b"), "criteria.value"),
        (leaf("company", "equals", "\ud800"), "criteria.value"),
        (leaf("company", "equals", "x" * 501), "criteria.value"),
        (leaf("company", "in", ["x"] * 1001), "criteria.value"),
        (leaf("company", "is_empty", "x"), "criteria.value"),
        (leaf("employees", "gt", "many"), "criteria.value"),
        (leaf("employees", "gt", True), "criteria.value"),
        (leaf("employees", "gt", "1,000"), "criteria.value"),
        (leaf("employees", "gt", float("inf")), "criteria.value"),
        (leaf("employees", "gt", float("nan")), "criteria.value"),
        (leaf("employees", "gt", "9" * 40), "criteria.value"),
        (leaf("employees", "gt", 1e300), "criteria.value"),
        (leaf("employees", "gt", "٣"), "criteria.value"),
        (leaf("met_on", "gt", "01/02/2026"), "criteria.value"),
        (leaf("met_on", "gt", "2026-02-30"), "criteria.value"),
        (leaf("met_on", "gt", "2026-02-03T10:00:00Z"), "criteria.value"),
        (leaf("arrived_at", "gt", "2026-02-03T10:00:00"), "criteria.value"),
        (leaf("arrived_at", "in", ["2026-02-03", "2026-02-03T10:00:00Z"]), "criteria.value"),
        (leaf("arrived_at", "gt", "0001-01-01T00:00:00+14:00"), "criteria.value"),
        (leaf("urgent", "equals", 1), "criteria.value"),
        (leaf("urgent", "equals", "perhaps"), "criteria.value"),
    ],
)
def test_what_is_wrong_is_said_with_its_path(value, path):
    with pytest.raises(Invalid) as refused:
        parse(value, FIELDS)
    assert list(refused.value.errors) == [path]
    assert all(str(message) for message in refused.value.errors[path])


def test_every_fault_is_reported_at_once():
    with pytest.raises(Invalid) as refused:
        parse({"all": [leaf("colour", "is"), leaf("country", "equals", "?"), {"any": []}]}, FIELDS, path="c")
    assert set(refused.value.errors) == {"c.all[0].field", "c.all[0].op", "c.all[1].value", "c.all[2].any"}


def test_depth_and_size_are_bounded():
    deep: object = leaf("country", "equals", "ES")
    for _ in range(9):
        deep = {"not": deep}
    parse(deep, FIELDS)
    for _ in range(5000):
        deep = {"all": [deep]}
    with pytest.raises(Invalid):
        parse(deep, FIELDS)
    parse({"any": [leaf("country", "equals", "ES")] * 200}, FIELDS)
    with pytest.raises(Invalid) as refused:
        parse({"any": [leaf("country", "equals", "ES")] * 100_000}, FIELDS)
    assert len(refused.value.errors) == 1
    with pytest.raises(Invalid) as refused:
        parse({"all": [{"all": []}] * 100_000}, FIELDS)
    assert len(refused.value.errors) == 1


@pytest.mark.parametrize(
    ("criteria", "record"),
    [
        (leaf("country", "equals", "ES"), {}),
        (leaf("country", "is_empty"), {}),
        (leaf("company", "equals", "x"), {"company": 5}),
        (leaf("company", "contains", "x"), {"company": ["x"]}),
        (leaf("employees", "gt", 5), {"employees": "12"}),
        (leaf("employees", "equals", 1), {"employees": True}),
        (leaf("employees", "gt", 5), {"employees": float("nan")}),
        (leaf("met_on", "gt", "2026-01-01"), {"met_on": datetime(2026, 1, 1, tzinfo=UTC)}),
        (leaf("arrived_at", "gt", "2026-01-01T00:00:00Z"), {"arrived_at": datetime(2026, 1, 1)}),  # noqa: DTZ001
        (leaf("arrived_at", "gt", "2026-01-01"), {"arrived_at": "2026-01-01"}),
        (leaf("urgent", "equals", True), {"urgent": 1}),
        ({"not": leaf("country", "equals", "ES")}, {}),
    ],
)
def test_what_cannot_be_evaluated_is_neither_true_nor_false(criteria, record):
    with pytest.raises(CannotEvaluate) as failed:
        matches(parse(criteria, FIELDS), record)
    assert failed.value.reason


def test_parts_are_evaluated_in_order_and_no_further_than_needed():
    broken = leaf("country", "equals", "ES")
    record = {"company": "x"}
    assert matches(parse({"any": [leaf("company", "equals", "x"), broken]}, FIELDS), record)
    assert not matches(parse({"all": [leaf("company", "equals", "y"), broken]}, FIELDS), record)
    with pytest.raises(CannotEvaluate):
        matches(parse({"any": [broken, leaf("company", "equals", "x")]}, FIELDS), record)


@given(criteria_json(), records())
def test_criteria_match_what_an_evaluator_written_anew_says(value, record):
    assert matches(parse(value, FIELDS), record) is oracle(value, record)


@given(criteria_json())
def test_what_is_stored_reads_back_as_the_same_criteria(value):
    criteria = parse(value, FIELDS)
    assert parse(json.loads(json.dumps(criteria.to_json())), FIELDS) == criteria


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["all", "any", "not", "field", "op", "value"]) | st.text(), inner
            )
        ),
        max_leaves=20,
    )
)
def test_anything_at_all_is_either_criteria_or_invalid(value):
    try:
        criteria = parse(value, FIELDS)
    except Invalid:
        return
    assert isinstance(matches(criteria, EMPTY), bool)


@given(st.text(min_size=1, max_size=30))
def test_text_is_compared_whatever_its_case(text):
    try:
        criteria = parse(leaf("company", "equals", text), FIELDS)
    except Invalid:
        return
    stored = unicodedata.normalize("NFC", criteria.to_json()["value"])
    assert matches(criteria, {"company": stored})
    assert matches(criteria, {"company": stored.casefold()})
