"""Employee bands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.bands import EMPLOYEE_BANDS, employee_band


@pytest.mark.parametrize(
    ("employees", "band"),
    [
        (None, None),
        (-1, None),
        (0, None),
        (1, "1–9"),
        (9, "1–9"),
        (10, "10–49"),
        (49, "10–49"),
        (50, "50–199"),
        (200, "200–499"),
        (499, "200–499"),
        (500, "500–999"),
        (999, "500–999"),
        (1000, "1,000–4,999"),
        (4999, "1,000–4,999"),
        (5000, "5,000+"),
        (10**12, "5,000+"),
    ],
)
def test_employee_band(employees, band):
    assert employee_band(employees) == band


@given(st.integers(1), st.integers(1))
def test_more_employees_are_never_a_smaller_band(one, other):
    low, high = sorted((one, other))
    assert EMPLOYEE_BANDS.index(employee_band(low)) <= EMPLOYEE_BANDS.index(employee_band(high))
