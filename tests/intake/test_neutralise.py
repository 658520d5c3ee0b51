"""Exported cells that a spreadsheet must not run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.intake.neutralise import neutralise, original


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "=HYPERLINK(\"http://x.example\",\"x\")",
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\u200b=1",
        "＝1",
        "＠x",
        "-cmd|' /C calc'!A0",
        "+34-600-111",
        "+34 (600) 111",
        "--1",
        "-",
        "+",
        "-1;2",
        "-1\n",
        "+1e9999",
    ],
)  # fmt: skip
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(cell):
    assert neutralise(cell) == f"'{cell}"


@pytest.mark.parametrize(
    "cell",
    ["", "a", "Acme - Beta", "a=b", "5", "-5", "-5.25", "-1.234,56", "-1,234.56", "+34600111222", "+34 600 111 222",
     "-12 %", "-1e5", "'quoted", "12-05-2026", "  text", "ana@example.com", "😀"],
)  # fmt: skip
def test_everything_else_stays_as_it_is(cell):
    assert neutralise(cell) == cell


@given(st.text())
def test_what_is_written_never_begins_as_a_formula_unless_it_is_a_number(cell):
    written = neutralise(cell)
    if written[:1] in set("=@\t\r\n"):
        raise AssertionError(written)
    if written[:1] in {"+", "-"}:
        assert set(written[1:]) <= set("0123456789.,' %eE+-\u00a0") | {" "}


@given(st.text(alphabet="=+-@'12 a\t") | st.text())
def test_an_exported_cell_can_be_read_back(cell):
    assert original(neutralise(cell)) == cell or cell.startswith("'")
