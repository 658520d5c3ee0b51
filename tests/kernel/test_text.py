"""What people and programs send, made fit to store."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.kernel.errors import Invalid
from app.kernel.text import clean_text


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        (None, None),
        ("", None),
        (" \t\r\n ", None),
        ("\u00a0\u200b", None),
        ("  Ana Puig ", "Ana Puig"),
        ("line\r\none\ttwo", "line one two"),
        ("e\u0301", "é"),
        ("a\x07b\x1b[31mc", "ab[31mc"),
        ("a\u0085b\u2028c", "a b c"),
        ("\ufeffAna", "Ana"),
        ("שלום\u200f!", "שלום\u200f!"),
        ("safe\u202egnp.exe", "safegnp.exe"),
        ("a\u2066b\u2069c", "abc"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d👧", "👩\u200d👧"),
        ("<b>bold</b>", "<b>bold</b>"),
    ],
)
def test_one_line(value, cleaned):
    assert clean_text(value) == cleaned


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        ("one\r\ntwo\rthree\n", "one\ntwo\nthree"),
        ("a\tb", "a\tb"),
        ("a\x0bb\u2029c", "a\nb\nc"),
        ("  indented\n  text", "indented\n  text"),
    ],
)
def test_several_lines(value, cleaned):
    assert clean_text(value, multiline=True) == cleaned


@pytest.mark.parametrize("value", ["a\x00b", "\x00", "\ud800", "ok \udfff"])
def test_nul_and_lone_surrogates_are_refused(value):
    with pytest.raises(Invalid) as refused:
        clean_text(value, field="company")
    assert [str(m) for m in refused.value.errors["company"]] == [
        "This text contains characters that cannot be stored."
    ]


@pytest.mark.parametrize("value", [5, True, ["a"], {"a": 1}, b"a", 1.5])
def test_what_is_not_text_is_refused(value):
    with pytest.raises(Invalid) as refused:
        clean_text(value, field="company")
    assert list(refused.value.errors) == ["company"]


def test_the_limit_counts_characters_after_cleaning():
    assert clean_text(" " * 50 + "a" * 10 + "\x07" * 50, max_length=10) == "a" * 10
    assert clean_text("e\u0301" * 10, max_length=10) == "é" * 10
    with pytest.raises(Invalid) as refused:
        clean_text("a" * 11, max_length=10, field="city")
    assert str(refused.value.errors["city"][0]) == "This is too long: 11 characters, at most 10."


@example("\u2000", False)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), st.booleans())
def test_what_comes_out_is_storable_and_stays_as_it_is(value, multiline):
    cleaned = clean_text(value, max_length=10_000, multiline=multiline)
    if cleaned is None:
        return
    assert cleaned == cleaned.strip()
    assert unicodedata.is_normalized("NFC", cleaned)
    allowed = {"\n", "\t"} if multiline else set()
    assert not {c for c in cleaned if unicodedata.category(c) == "Cc"} - allowed
    assert clean_text(cleaned, max_length=10_000, multiline=multiline) == cleaned
    cleaned.encode("utf-8")
