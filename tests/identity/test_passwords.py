"""Which passwords are refused, and that the kept form tells nothing."""

import pytest

from app.identity.passwords import check_password, hash_password, is_outdated, is_right
from app.kernel.errors import Invalid

ABOUT = ("Pia Muster", "pia.muster@northwind.example")


@pytest.mark.parametrize(
    "password",
    [
        "tall ships leave at noon",
        "correcthorsebatterystaple",
        "ñandú corre por la pampa",
        "8h2Gq9!kzT4w",
        "            spaces count            ",
        "😀 twelve glyphs or more",
        "x9K!" * 2 + "and more words",
        "a" + "b" * 3 + "cdxyz qw rt",
        "y" * 3 + "".join(chr(97 + i % 26) for i in range(0, 240, 7)),
    ],
)
def test_long_and_unusual_is_taken(app_context, password):
    check_password(password, ABOUT)


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "eleven char",
        "x" * 257,
        "password1234",
        "Password1234!",
        "qwertyuiop12",
        "1qaz2wsx3edc",  # on the list as it is
        "leavemealone",
        "123456789012",
        "abcdefghijklmnop",
        "ponmlkjihgfedcba",
        "aaaaaaaaaaaa",
        "abababababab",
        "dragondragon",
        "passwordpassword",
        "pia.muster@northwind.example",
        "piamuster2026",
        "Pia Muster 2026!",
        "pia.muster2026",
    ],
)
def test_short_common_and_personal_is_refused(app_context, password):
    with pytest.raises(Invalid) as refused:
        check_password(password, ABOUT)
    assert list(refused.value.errors) == ["password"]
    assert len(refused.value.errors["password"]) == 1


@pytest.mark.real_hashes
def test_the_kept_form_is_argon2id_with_the_costs_decided():
    kept = hash_password("tall ships leave at noon")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert kept != hash_password("tall ships leave at noon")
    assert not is_outdated(kept)


def test_only_the_right_password_opens():
    kept = hash_password("tall ships leave at noon")
    assert is_right("tall ships leave at noon", kept)
    assert not is_right("tall ships leave at noon ", kept)
    assert not is_right("", kept)
    assert not is_right("x" * 100_000, kept)
    assert not is_right("tall ships leave at noon", None)
    assert not is_right("tall ships leave at noon", "no hash")


def test_a_letter_may_be_typed_in_either_of_its_spellings():
    kept = hash_password("caf\u00e9 a les quatre")
    assert is_right("cafe\u0301 a les quatre", kept)


def test_nobodys_password_opens_nothing():
    assert not is_right("nobody has this password", None)


@pytest.fixture
def app_context(worlds):
    """Messages are translated when they are read, which asks for an application."""
    with worlds.app("sqlite").app_context():
        yield
