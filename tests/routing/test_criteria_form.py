"""Criteria as rows of a form, and back."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.kernel.errors import Invalid
from app.routing.criteria import parse
from app.routing.criteria_form import CriteriaForm, Row, from_form, to_form
from tests.routing.criteria_worlds import FIELDS, criteria_json


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (None, CriteriaForm("all", ())),
        ({"field": "country", "op": "equals", "value": "ES"}, CriteriaForm("all", (Row("country", "equals", "Spain"),))),
        (
            {"any": [{"field": "country", "op": "in", "value": ["ES", "FR"]}, {"field": "company", "op": "is_empty"}]},
            CriteriaForm("any", (Row("country", "in", "Spain, France"), Row("company", "is_empty", ""))),
        ),
        (
            {"all": [{"field": "company", "op": "in", "value": ["Acme, SL", 'The "Best"', "a;b", "plain"]}]},
            CriteriaForm("all", (Row("company", "in", '"Acme, SL", "The ""Best""", "a;b", plain'),)),
        ),
        ({"all": [{"field": "urgent", "op": "equals", "value": True}]}, CriteriaForm("all", (Row("urgent", "equals", "true"),))),
        ({"all": [{"field": "revenue", "op": "gt", "value": 12.5}]}, CriteriaForm("all", (Row("revenue", "gt", "12.5"),))),
        ({"not": {"field": "company", "op": "is_empty"}}, None),
        ({"all": [{"any": [{"field": "company", "op": "is_empty"}]}]}, None),
    ],
)  # fmt: skip
def test_rows(value, form):
    assert to_form(parse(value, FIELDS)) == form


# The first value of all reads the names of countries, which is slow once and says nothing of the others.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(criteria_json(), st.sampled_from(["en", "es", "ca"]))
def test_a_form_says_what_its_criteria_say(value, language):
    criteria = parse(value, FIELDS)
    form = to_form(criteria, language=language)
    if form is not None:
        again = from_form(form.join, form.rows, FIELDS)
        assert to_form(again, language=language) == form
        if len(form.rows) > 1:
            assert again == criteria


@given(
    st.lists(
        st.text(alphabet='ab ,;"\n', min_size=1).filter(lambda t: t.strip() == t and "\n" not in t),
        min_size=1,
    )
)
def test_lists_of_values_survive_the_line_they_are_typed_on(values):
    criteria = parse({"all": [{"field": "company", "op": "in", "value": values}]}, FIELDS)
    form = to_form(criteria)
    assert from_form("all", form.rows, FIELDS) == criteria


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("Spain, France", ["ES", "FR"]),
        ("Spain;France", ["ES", "FR"]),
        ("Spain\nFrance\r\n", ["ES", "FR"]),
        (' "Spain" , fr,, ', ["ES", "FR"]),
    ],
)
def test_lists_may_be_typed_in_several_ways(typed, values):
    criteria = from_form("all", [Row("country", "in", typed)], FIELDS)
    assert criteria.to_json() == {"all": [{"field": "country", "op": "in", "value": values}]}


def test_rows_without_a_field_are_left_out():
    assert from_form("any", [Row("", "equals", "x"), Row("", "", "")], FIELDS).matches_everything


@pytest.mark.parametrize(
    ("row", "path"),
    [
        (Row("colour", "equals", "x"), "criteria.any[0].field"),
        (Row("country", "", "ES"), "criteria.any[0].op"),
        (Row("country", "equals", ""), "criteria.any[0].value"),
        (Row("country", "in", " , "), "criteria.any[0].value"),
        (Row("country", "in", "Spain, Mordor"), "criteria.any[0].value[1]"),
    ],
)
def test_faults_are_filed_under_their_row(row, path):
    with pytest.raises(Invalid) as refused:
        from_form("any", [Row("", ""), row], FIELDS)
    assert list(refused.value.errors) == [path]
