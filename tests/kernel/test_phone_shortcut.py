"""The short way to a phone's key gives what the library gives."""

import json

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel import fold
from app.kernel.fold import phone_key
from tests.shared_data import shared_data

CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)


def by_library(phone: str) -> str | None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fold, "_plain_international", lambda _: None)
        return phone_key(phone)


@given(
    code=st.sampled_from(CODES) | st.integers(1, 999),
    national=st.text("0123456789", min_size=2, max_size=14),
    written=st.sampled_from(
        ["+{0} {1}", "+{0}{1}", " +{0} ({1})", "+{0}-{1}", "+{0} (0) {1}", "+{0} {1} x12"]
    ),
)
def test_any_number_has_the_same_key_both_ways(code: int, national: str, written: str) -> None:
    phone = written.format(code, national)
    assert phone_key(phone) == by_library(phone)


def test_one_real_number_of_every_country_has_the_same_key_both_ways() -> None:
    examples = json.loads(shared_data("phones", "examples.mobile.json").read_text())
    quick = 0
    for country, national in examples.items():
        phone = f"+{phonenumbers.country_code_for_region(country)} {national}"
        quick += fold._plain_international(phone) is not None
        assert phone_key(phone) == by_library(phone), phone
    assert quick > len(examples) // 2  # or the shortcut is none
