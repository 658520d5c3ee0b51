"""Countries by code and by name."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel import countries
from app.kernel.countries import country_choices, country_code, country_name
from tests.shared_data import shared_data


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (None, None),
        ("", None),
        ("ES", "ES"),
        ("es", "ES"),
        (" esp ", "ES"),
        ("Spain", "ES"),
        ("ESPAÑA", "ES"),
        ("espana", "ES"),
        ("Espanya", "ES"),
        ("U.S.A.", "US"),
        ("USA", "US"),
        ("United States of America", "US"),
        ("EE. UU.", "US"),
        ("EEUU", "US"),
        ("Estats Units", "US"),
        ("UK", "GB"),
        ("England", "GB"),
        ("Great Britain", "GB"),
        ("Regne Unit", "GB"),
        ("The Netherlands", "NL"),
        ("Netherlands, The", "NL"),
        ("Países Bajos", "NL"),
        ("Holanda", "NL"),
        ("Alemanya", "DE"),
        ("Deutschland", "DE"),
        ("DE", "DE"),
        ("Brasil", "BR"),
        ("Côte d’Ivoire", "CI"),
        ("Korea, Republic of", "KR"),
        ("Korea (the Democratic People's Republic of)", "KP"),
        ("Namibia", "NA"),
        ("NA", "NA"),
        ("AND", "AD"),
        ("La", "LA"),
        ("Niger", "NE"),
        ("Nigeria", "NG"),
        ("Guinea-Bissau", "GW"),
        ("Bosnia & Herzegovina", "BA"),
        ("Bosnia and Herzegovina", "BA"),
        ("Türkiye", "TR"),
        ("Kosovo", "XK"),
        ("EU", None),
        ("XX", None),
        ("Atlantis", None),
        ("Philipines", None),
        ("the", None),
        ("()", None),
        ("x" * 10_000, None),
    ],
)
def test_country_code(text, code):
    assert country_code(text) == code


@given(st.text())
def test_any_text_has_a_code_or_none(text):
    code = country_code(text)
    assert code is None or (len(code) == 2 and code.isupper())


@pytest.mark.parametrize("language", ["en", "es", "ca"])
def test_every_name_and_choice_leads_back_to_its_code(language):
    choices = country_choices(language)
    assert len(choices) == 250
    for code, name in choices:
        assert country_code(name) == code
        assert country_code(name.upper()) == code
        assert country_name(code, language) == name


def test_no_name_means_two_countries():
    meaning: dict[str, str] = {}
    for language in ("en", "es", "ca"):
        for code, name in country_choices(language):
            assert meaning.setdefault(countries._plain(name), code) == code
    for code, aliases in countries._ALIASES.items():
        for alias in aliases.split("|"):
            assert country_code(alias) == code, alias


def test_a_name_in_a_language_that_is_not_offered_is_in_english():
    assert country_name("ES", "fr") == "Spain"
    assert country_name("??") == "??"


def test_names_are_sorted_without_regard_to_accents():
    names = [name for _, name in country_choices("en")]
    assert names.index("Afghanistan") < names.index("Åland Islands") < names.index("Albania")


@pytest.mark.parametrize(
    "column", ["CLDR display name", "official_name_en", "official_name_es", "UNTERM English Short"]
)
def test_official_names_are_understood(column):
    with shared_data("country-codes", "country-codes.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row[column]:
                assert country_code(row[column]) == row["ISO3166-1-Alpha-2"]
                assert country_code(row["ISO3166-1-Alpha-3"]) == row["ISO3166-1-Alpha-2"]
