"""Criteria as sentences."""

import pytest
from hypothesis import given

from app.routing.criteria import parse
from app.routing.criteria_words import describe, describe_parts
from tests.routing.criteria_worlds import FIELDS, criteria_json

LABELS = {"country": "Country", "employees": "Employees", "company": "Company", "arrived_at": "Arrived"}


def gettext(message, **variables):
    return message % variables


def leaf(field, op, value=None):
    return {"field": field, "op": op, **({} if value is None else {"value": value})}


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "Everything"),
        ({"any": [{"all": []}]}, "Everything"),
        (
            {"all": [leaf("country", "equals", "ES"), leaf("employees", "gt", 1000)]},
            "Country is Spain and Employees over 1,000",
        ),
        (
            {"all": [leaf("country", "equals", "ES"), {"any": [leaf("company", "is_empty"), leaf("employees", "lt", 5)]}]},
            "Country is Spain and (Company is empty or Employees under 5)",
        ),
        (
            {"any": [leaf("country", "in", ["ES", "PT"]), {"all": [leaf("employees", "gte", 5), leaf("employees", "lte", 9.5)]}]},
            "Country is one of Spain, Portugal or (Employees at least 5 and Employees at most 9.5)",
        ),
        ({"all": [{"all": [leaf("company", "is_not_empty"), leaf("urgent", "equals", True)]}]},
         "Company is filled in and urgent is yes"),
        ({"not": leaf("company", "contains", "Test")}, "not (Company contains Test)"),
        (
            {"not": {"any": [leaf("company", "starts_with", "A"), leaf("country", "not_equals", "FR")]}},
            "not (Company starts with A or Country is not France)",
        ),
        (leaf("country", "not_in", ["ES"]), "Country is none of Spain"),
        (leaf("arrived_at", "gt", "2026-03-01"), "Arrived after Mar 1, 2026"),
        (leaf("arrived_at", "gte", "2026-03-01"), "Arrived on or after Mar 1, 2026"),
        (leaf("met_on", "lt", "2026-03-01"), "met_on before Mar 1, 2026"),
        (leaf("met_on", "lte", "2026-03-01"), "met_on on or before Mar 1, 2026"),
        (leaf("met_on", "equals", "2026-03-01"), "met_on is Mar 1, 2026"),
    ],
)  # fmt: skip
def test_sentences(value, sentence):
    assert describe(parse(value, FIELDS), LABELS, gettext) == sentence


def test_in_another_language_words_numbers_and_countries_change():
    spanish = {"%(first)s and %(second)s": "%(first)s y %(second)s", "%(field)s is %(value)s": "%(field)s es %(value)s",
               "%(field)s over %(value)s": "%(field)s más de %(value)s"}  # fmt: skip

    def translate(message, **variables):
        return spanish.get(message, message) % variables

    criteria = parse({"all": [leaf("country", "equals", "ES"), leaf("employees", "gt", 12000)]}, FIELDS)
    sentence = describe(criteria, {"country": "País", "employees": "Empleados"}, translate, language="es")
    assert sentence == "País es España y Empleados más de 12.000"


def test_values_with_names_of_their_own_are_shown_by_them():
    criteria = parse(leaf("source", "equals", "web"), FIELDS)
    sentence = describe(criteria, {}, gettext, show=lambda leaf, value: f"{leaf.field}:{value}".upper())
    assert sentence == "source is SOURCE:WEB"


def test_parts_are_the_conditions_of_the_outer_group():
    both = [leaf("country", "equals", "ES"), leaf("company", "is_empty")]
    expected = ["Country is Spain", "Company is empty"]
    assert describe_parts(parse({"all": both}, FIELDS), LABELS, gettext) == expected
    assert describe_parts(parse({"any": both}, FIELDS), LABELS, gettext) == expected
    assert describe_parts(parse(both[0], FIELDS), LABELS, gettext) == expected[:1]


def test_percent_signs_in_values_are_left_alone():
    assert (
        describe(parse(leaf("company", "contains", "100%s"), FIELDS), {}, gettext) == "company contains 100%s"
    )


@given(criteria_json())
def test_all_criteria_can_be_said(value):
    assert describe(parse(value, FIELDS), LABELS, gettext)
