"""Values as people and programs write them."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.parse import parse_email, parse_moment, parse_number, parse_yes_no, tells_day_first
from tests.shared_data import shared_data

MADRID = ZoneInfo("Europe/Madrid")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1234", "1234"), ("1.234,56", "1234.56"), ("1,234.56", "1234.56"), ("1 234", "1234"),
        ("1'234.5", "1234.5"), ("1.234", "1234"), ("1,234", "1234"), ("0.125", "0.125"), ("1,5", "1.5"),
        ("1.000.000", "1000000"), ("12,34,567", "1234567"), ("€ 1.200", "1200"), ("R$ 1.200,50", "1200.50"),
        ("-5", "-5"), ("−5", "-5"), ("1e5", "1E+5"), (".5", "0.5"), ("1234.567", "1234.567"),
    ],
)  # fmt: skip
def test_numbers_are_read_whichever_mark_is_the_decimal_one(text: str, number: str) -> None:
    assert parse_number(text) == Decimal(number)


@pytest.mark.parametrize(
    "text",
    ["", "abc", "1.2.3", "1,,2", "1.2,3.4", "12.345.67", "--1", "1-2", "nan", "inf", "1e999", "9" * 50],
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert parse_number(text) is None


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2, allow_nan=False))
def test_a_number_with_two_decimals_is_read_in_english_and_in_spanish(number: Decimal) -> None:
    english = f"{number:,.2f}"
    spanish = english.replace(",", " ").replace(".", ",").replace(" ", ".")
    assert parse_number(english) == number
    assert parse_number(spanish) == number


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2017-06-14", (2017, 6, 13, 22)), ("2017-06-14 10:30:00", (2017, 6, 14, 8, 30)),
        ("2017-01-14T10:30:00Z", (2017, 1, 14, 10, 30)), ("2017-01-14T10:30:00+05:30", (2017, 1, 14, 5)),
        ("14/06/2017", (2017, 6, 13, 22)), ("06/14/2017", (2017, 6, 13, 22)), ("14.6.17 3:05 pm", (2017, 6, 14, 13, 5)),
        ("20260131", (2026, 1, 30, 23)), ("2017-06-14 12:00 AM", (2017, 6, 13, 22)),
    ],
)  # fmt: skip
def test_moments_without_a_zone_are_meant_in_the_given_one(text: str, moment: tuple[int, ...]) -> None:
    assert parse_moment(text, MADRID) == datetime(*moment, tzinfo=UTC)


def test_day_and_month_follow_the_order_that_is_told_unless_only_the_other_is_a_date() -> None:
    assert parse_moment("03/04/2026", UTC, day_first=True) == datetime(2026, 4, 3, tzinfo=UTC)
    assert parse_moment("03/04/2026", UTC, day_first=False) == datetime(2026, 3, 4, tzinfo=UTC)
    assert parse_moment("25/04/2026", UTC, day_first=False) == datetime(2026, 4, 25, tzinfo=UTC)
    assert tells_day_first("25/04/2026") is True
    assert tells_day_first("04/25/2026") is False
    assert tells_day_first("04/05/2026") is None


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "31/02/2026", "2026-13-01", "2026-01-01 25:00", "0001-01-01T00:00+14:00", "12"]
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_moment(text, UTC) is None


@given(st.text(max_size=40))
def test_no_text_is_too_odd_to_be_looked_at(text: str) -> None:
    """Each gives its kind of value or None, and never fails."""
    moment, email = parse_moment(text, MADRID), parse_email(text)
    assert parse_number(text) is None or parse_number(text).is_finite()
    assert moment is None or moment.tzinfo is not None
    assert parse_yes_no(text) in (True, False, None)
    assert email is None or "@" in email


def test_yes_and_no_in_the_three_languages() -> None:
    assert [parse_yes_no(t) for t in ("Yes", "sí", "SI", "1", "true", "x")] == [True] * 6
    assert [parse_yes_no(t) for t in ("No", "0", "FALSE", "n")] == [False] * 4
    assert parse_yes_no("maybe") is None


@pytest.mark.parametrize(
    "address", ["a@b.co", "first.last+tag@sub.domain.example", "ñandú@exämple.es", "x@y.test"]
)
def test_well_formed_addresses_are_kept_as_they_are(address: str) -> None:
    assert parse_email(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "someone@consolidatedmessenger",
        "a..b@x.com",
        "a b@c.com",
        "@x.com",
        "a@@b.com",
        "a@b.c-",
        "a@b",
        "x" * 300 + "@y.com",
    ],
)
def test_malformed_addresses_are_none(address: str) -> None:
    assert parse_email(address) is None


def test_the_isemail_set_valid_ones_pass_and_errors_do_not() -> None:
    wrong = []
    for case in ET.parse(shared_data("email-syntax", "tests.xml")).getroot().iter("test"):  # noqa: S314 - a test set, not an upload
        address = "".join(
            chr(ord(c) - 0x2400) if 0x2400 <= ord(c) <= 0x2421 else c for c in case.findtext("address") or ""
        )
        category = case.findtext("category")
        taken = parse_email(address) is not None
        has_dot = "." in address.rpartition("@")[2]
        if (category == "ISEMAIL_ERR" and taken) or (
            category == "ISEMAIL_VALID_CATEGORY" and has_dot and not taken
        ):
            wrong.append((address, category, case.findtext("diagnosis")))
    assert wrong == []
