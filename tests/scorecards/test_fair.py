"""A fair comparison: expected by hand, against what a partner had; silent where there is too little to tell."""

import pytest

from app.scorecards.fair import Verdict, compare

FAIR, FORM = ("fair", "ES", ""), ("form", "ES", "")


def test_what_is_expected_is_what_the_others_made_of_leads_of_the_same_kind():
    # The others converted 20 of 100 from fairs, and 5 of 100 from the form.
    others = {"b": {FAIR: (60, 15), FORM: (100, 5)}, "c": {FAIR: (40, 5)}}
    found = compare({"a": {FAIR: (10, 4), FORM: (90, 4)}, **others})
    mine = found["a"]
    assert (mine.received, mine.leads, mine.actual) == (100, 100, 8)
    assert mine.expected == pytest.approx(10 * 0.2 + 90 * 0.05)
    assert mine.verdict is Verdict.AS_EXPECTED, (
        "8 of 100 is fewer than the 10 % of all, and more than its mix asks for"
    )
    # Its own leads are not among those that it is compared with.
    assert found["b"].expected == pytest.approx(60 * 9 / 50 + 100 * 4 / 90)


def test_better_and_below_are_said_only_where_chance_does_not_explain_it():
    others = {"b": {FAIR: (200, 40)}}

    def verdict(had, converted):
        return compare({"a": {FAIR: (had, converted)}, **others})["a"].verdict

    assert [verdict(100, n) for n in (8, 14, 26, 32)] == [
        Verdict.BELOW, Verdict.AS_EXPECTED, Verdict.AS_EXPECTED, Verdict.ABOVE,
    ]  # fmt: skip
    assert verdict(19, 19) is Verdict.TOO_FEW
    assert compare({"a": {FAIR: (40, 9)}, "b": {FAIR: (100, 2)}})["a"].verdict is Verdict.TOO_FEW


def test_leads_that_nobody_else_had_are_left_out_on_both_sides():
    found = compare({"a": {FAIR: (30, 6), FORM: (50, 50)}, "b": {FAIR: (50, 10), FORM: (4, 4)}})["a"]
    assert (found.received, found.leads, found.actual, found.expected) == (80, 30, 6, 6)
    alone = compare({"a": {FAIR: (500, 100)}})["a"]
    assert (alone.leads, alone.verdict) == (0, Verdict.TOO_FEW)
    assert compare({}) == {}
