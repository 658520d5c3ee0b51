"""Text made comparable, and the keys that find probable duplicates."""

import csv
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.fold import company_key, domain_of, email_key, fold, is_free_mail, phone_key
from tests.shared_data import shared_data


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        (None, ""),
        ("", ""),
        ("  Núria   Puig\t", "nuria puig"),
        ("ÀÉÎÕÜ Çñ", "aeiou cn"),
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("Łódź", "lodz"),
        ("Ørsted Æther", "orsted aether"),
        ("İstanbul", "istanbul"),
        ("col·legi", "collegi"),
        ("Ó Murchú", "o murchu"),
        ("D’Angelo", "d'angelo"),
        ("Jean–Luc", "jean-luc"),
        ("Ελλάδα", "ελλαδα"),
        ("Йошкар", "иошкар"),
        ("ＡＢＣ　株式", "abc 株式"),
        ("ﬁnance", "finance"),
        ("\u200fעברית", "עברית"),
        ("हिन्दी", "हिन्दी"),
        ("王", "王"),
        ("a\u00a0b\u2003c\nd", "a b c d"),
    ],
)
def test_fold(text, folded):
    assert fold(text) == folded


@given(st.text())
def test_folding_again_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet=st.characters(codec="latin-1")))
def test_case_and_surrounding_blanks_do_not_count(text):
    assert fold(f" {text} ") == fold(text)
    if "ß" not in text and "µ" not in text and "ÿ" not in text:
        assert fold(text.upper()) == fold(text.lower())


@given(st.text(), st.integers(0, 40))
def test_a_folded_text_can_be_kept_to_a_columns_width(text, limit):
    assert len(fold(text, limit)) <= limit
    assert fold(text).startswith(fold(text, limit))


@pytest.mark.parametrize(
    ("address", "key"),
    [
        (None, None),
        ("", None),
        ("not an address", None),
        ("@example.com", None),
        ("ana@", None),
        (" Ana.Puig@Example.COM ", "ana.puig@example.com"),
        ("ana@BÜCHER.example", "ana@xn--bcher-kva.example"),
        ("ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example"),
        ("JOSÉ@example.com", "josé@example.com"),
        ("jose\u0301@example.com", "josé@example.com"),
        ('"a@b"@example.com', '"a@b"@example.com'),
        ("ana@example.com.", "ana@example.com"),
        ("ana@-☃-.example", "ana@-☃-.example"),
    ],
)
def test_email_key(address, key):
    assert email_key(address) == key


@given(st.text(max_size=500))
def test_keys_take_any_text_and_keep_to_their_columns(text):
    assert len(email_key(text) or "") <= 320
    assert len(email_key(f"{text}@{text}") or "") <= 320
    assert len(company_key(text) or "") <= 255
    assert len(phone_key(text, "ES") or "") <= 30
    assert len(domain_of(text) or "") <= 253


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        (None, None),
        ("", None),
        ("ana@Example.com", "example.com"),
        ("mailto:ana@example.com", "example.com"),
        ("example.com", "example.com"),
        ("https://www.Example.com/about?x=1", "example.com"),
        ("http://user:secret@www.example.co.uk:8080/", "example.co.uk"),
        ("//example.com/x", "example.com"),
        ("www.bücher.example", "xn--bcher-kva.example"),
        ("example.com.", "example.com"),
        ("localhost", None),
        ("10.0.0.1", None),
        ("https://[::1]/", None),
        ("no spaces allowed.com x", None),
        ("n/a", None),
        ("ana@consolidatedmessenger", None),
    ],
)
def test_domain_of(address, domain):
    assert domain_of(address) == domain


@pytest.mark.parametrize(
    ("address", "free"),
    [
        ("ana@gmail.com", True),
        ("ANA@Hotmail.com", True),
        ("yahoo.co.uk", True),
        ("ana@example.com", False),
        ("404: not found", False),
        ("", False),
        (None, False),
    ],
)
def test_is_free_mail(address, free):
    assert is_free_mail(address) is free


@pytest.mark.parametrize(
    "names",
    [
        ("Acme, S.L.", "ACME SL", "Acme S. L.", "acme", "The Acme S.L.U."),
        ("Müller & Söhne GmbH & Co. KG", "Muller und Sohne GmbH", "MÜLLER SÖHNE"),
        ("BANK OF AMERICA CORP /DE/", "Bank of America Corporation", "Bank of America"),
        ("Tesla, Inc.", "TESLA INC", "Tesla"),
        ("AMAZON COM INC", "Amazon.com, Inc."),
        ("Tiffany & Co.", "Tiffany and Company", "TIFFANY"),
        ("J.P. Morgan", "JP Morgan", "J P Morgan"),
        ("García e Hijos, S.A. de C.V.", "GARCIA E HIJOS SA DE CV"),
        ("O'Reilly Media", "O’Reilly Media", "OReilly Media, Inc."),
        ("Spółka Test Sp. z o.o.", "spolka test"),
        ("Widgets Pty. Ltd.", "Widgets Pty Ltd", "widgets"),
        ("1Crew™", "1crew"),
        ("ООО Ромашка", "ооо ромашка"),
        ("株式会社テスト", "テスト"),
        ("Procter & Gamble Co", "Procter and Gamble"),
        ("NEW YORK TIMES CO", "The New York Times Company", "New York Times, The"),
    ],
)
def test_spellings_of_one_company_share_a_key(names):
    assert len({company_key(name) for name in names}) == 1
    assert company_key(names[0])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme Spain SL", "Acme Portugal Lda"),
        ("A", "B"),
        ("Delta Air Lines", "Delta Apparel"),
        ("Bank of America", "Bank of Montreal"),
        ("हिन्दी उद्योग", "हन्द उद्योग"),
    ],
)
def test_different_companies_do_not(one, other):
    assert company_key(one) != company_key(other)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        (None, None),
        ("", None),
        ("-- ™ --", None),
        ("Inc.", "inc"),
        ("The", "the"),
        ("S.A.", "sa"),
        ("Co", "co"),
    ],
)
def test_company_names_with_little_in_them(name, key):
    assert company_key(name) == key


def test_real_company_names_keep_apart_but_for_spellings_of_the_same():
    """Among the SEC's companies a shared key means the same name but for its form, or another class of it."""
    names = json.loads(shared_data("sec-companies", "company_tickers.json").read_text(encoding="utf-8"))
    by_cik = {cik: name for cik, name, *_ in names["data"] if name}
    keys = [company_key(name) for name in by_cik.values()]
    assert None not in keys
    assert len(set(keys)) > 0.98 * len(keys)
    assert all("/" not in key for key in keys)


@pytest.mark.parametrize(
    ("phone", "country", "key"),
    [
        (None, "ES", None),
        ("", "ES", None),
        ("n/a", "ES", None),
        ("123", "ES", None),
        ("600 111 222", "ES", "+34600111222"),
        ("+34 600-111-222", None, "+34600111222"),
        ("0034 600 111 222", "ES", "+34600111222"),
        ("0034 600 111 222", None, "+34600111222"),
        ("(0)20 7946 0018", "GB", "+442079460018"),
        ("+1 (425) 555-0100 ext. 7", None, "+14255550100"),
        ("tel:+34600111222", None, "+34600111222"),
        ("600111222", None, "600111222"),
        ("1 (11) 500 555-0143", "US", "+15005550143"),
        ("٦٠٠١١١٢٢٢", "ES", "+34600111222"),
        ("9" * 400, "ES", "9" * 30),
        ("600 111 222", "ZZ", "600111222"),
    ],
)
def test_phone_key(phone, country, key):
    assert phone_key(phone, country) == key


def test_every_countrys_example_mobile_becomes_an_international_number():
    examples = json.loads(shared_data("phones", "examples.mobile.json").read_text(encoding="utf-8"))
    for country, national in examples.items():
        key = phone_key(national, country)
        assert key is not None
        assert key.startswith("+"), (country, national)
        assert phone_key(key) == key


def test_names_of_the_world_fold_to_something_to_search_by():
    path = shared_data("names-by-country", "common-surnames-by-country.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            for column in ("Localized Name", "Romanized Name"):
                assert bool(fold(row[column])) == bool(row[column].strip())
