"""How values look: times in the viewer's language and zone, numbers, names."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from flask_babel import Babel, force_locale

from app.web import filters

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _viewer():
    """Somebody who reads English in Madrid."""
    app = Flask("filters")
    Babel(app, locale_selector=lambda: "en", timezone_selector=lambda: "Europe/Madrid")
    with app.test_request_context():
        yield


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=0), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=60), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(minutes=119), "1 h ago"),
        (timedelta(hours=23, minutes=59), "23 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=8), "8 days ago"),
        (timedelta(days=29), "29 days ago"),
        (timedelta(days=30), "22 Oct 2026"),
        (-timedelta(seconds=30), "in a moment"),
        (-timedelta(minutes=90), "in 1 h"),
    ],
)
def test_relative_times_count_whole_units(ago, text):
    assert filters.relative_time(NOW - ago, NOW) == text


@pytest.mark.parametrize(("language", "text"), [("es", "hace 12 min"), ("ca", "fa 12 min")])
def test_relative_times_are_in_the_viewers_language(language, text):
    with force_locale(language):
        assert filters.relative_time(NOW - timedelta(minutes=12), NOW) == text


@pytest.mark.parametrize(
    ("left", "text"),
    [
        (timedelta(0), "time is up"),
        (-timedelta(hours=1), "time is up"),
        (timedelta(seconds=59), "less than a minute left"),
        (timedelta(minutes=119), "1 h left"),
        (timedelta(days=2, hours=5), "2 days left"),
    ],
)
def test_a_deadline_says_what_is_left(left, text):
    assert filters.countdown(NOW + left, NOW) == text


def test_ages_have_no_direction():
    assert filters.age(NOW - timedelta(days=3, hours=2), NOW) == "3 days"
    assert filters.age(NOW, NOW) == "under a minute"


def test_moments_are_shown_in_the_viewers_zone():
    assert filters.local_datetime(datetime(2026, 11, 20, 23, 30, tzinfo=UTC)) == "21 Nov 2026, 00:30"
    assert filters.local_date(datetime(2026, 11, 20, 23, 30, tzinfo=UTC)) == "21 Nov 2026"
    assert filters.local_time(datetime(2026, 7, 1, 8, 5, tzinfo=UTC)) == "10:05"


def test_a_date_has_no_zone():
    assert filters.local_date(date(2026, 3, 1)) == "1 Mar 2026"


def test_the_title_of_a_time_is_exact_and_the_same_moment():
    exact, title = filters.exact_moment(datetime(2026, 11, 20, 23, 30, 59, tzinfo=UTC))
    assert exact == "2026-11-20T23:30Z"
    assert title == "Sat 21 Nov 2026, 00:30"


@pytest.mark.parametrize(
    ("language", "value", "text"),
    [
        ("en", 1204, "1,204"),
        ("es", 41204, "41.204"),
        ("ca", 41204, "41.204"),
        ("en", 7, "7"),
        ("en", None, "–"),
    ],
)
def test_numbers_are_written_as_the_viewer_does(language, value, text):
    with force_locale(language):
        assert filters.number(value) == text


def test_numbers_with_decimals():
    assert filters.number(Decimal("11.5"), 1) == "11.5"
    assert filters.number(24, 1) == "24.0"


def test_money_is_given_in_cents():
    assert filters.money(2_400_000_00) == "€2,400,000"
    assert filters.money(1999, "USD") == "US$19.99"
    assert filters.money(None) == "–"
    with force_locale("ca"):
        assert filters.money(1999).replace("\xa0", " ") == "19,99 €"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Marta Puig", "MP"),
        ("Marta", "M"),
        ("Marta de la Puig i Riera", "MR"),
        ("", "?"),
        (None, "?"),
        ("— x", "X"),
    ],
)
def test_initials(name, text):
    assert filters.initials(name) == text


def test_countries_have_names():
    assert filters.country_name("ES") == "Spain"
    assert filters.country_name("Nowhere") == "Nowhere"
    assert filters.country_name(None) == ""
    with force_locale("ca"):
        assert filters.country_name("ES") == "Espanya"


def test_companies_have_a_size_band():
    assert filters.employee_band(180) == "50–199 people"
    assert filters.employee_band("50–199") == "50–199 people"
    assert filters.employee_band(None) == ""
    assert filters.employee_band(0) == ""


@pytest.mark.parametrize(
    ("written", "dialled"),
    [
        ("+44 (0)20 7946 0123", "+442079460123"),
        ("0049 89 99998-821", "+498999998821"),
        ("(775) 555-0123 ext. 7", "7755550123"),
        ("1 800 555.0101 x12", "18005550101"),
    ],
)
def test_a_telephone_gets_digits_alone(written, dialled):
    assert filters.dial(written) == dialled
