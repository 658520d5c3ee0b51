"""Nobody learns from an answer, or from how long it takes, whether an address belongs to somebody."""

import random
import statistics
import time

import pytest

from app.identity.models import UserState
from app.identity.views import SECONDS_TO_ASK
from app.partners.models import PartnerState
from tests.factories import PASSWORD, make_partner, make_user
from tests.identity.second_factors import give_factor

pytestmark = pytest.mark.real_hashes  # they are what takes time
TRIES = 200


def _with_factor(session):
    user = make_user(session)
    give_factor(session, user)
    return user


@pytest.fixture
def addresses(session, mara, northwind):
    """What an address can be, with the words that are tried for it."""
    westwind = make_partner(session, "Westwind", state=PartnerState.SUSPENDED)
    people = {
        "wrong password": (mara.email, "not the password at all"),
        "with a second factor": (_with_factor(session).email, "not the password at all"),
        "unknown": ("nobody@vendor.example", "not the password at all"),
        "invited": (make_user(session, state=UserState.INVITED, password=None).email, PASSWORD),
        "deactivated": (make_user(session, state=UserState.DEACTIVATED).email, PASSWORD),
        "suspended": (make_user(session, partner=westwind).email, PASSWORD),
    }
    session.commit()
    return people


def medians(kinds, act):
    """Milliseconds of each kind, taken in mixed order so that the machine's moods hit all alike."""
    taken = {kind: [] for kind in kinds}
    order = random.Random(1)
    for _ in range(TRIES):
        for kind in order.sample(sorted(kinds), len(kinds)):
            began = time.perf_counter()
            act(kind)
            taken[kind].append((time.perf_counter() - began) * 1000)
    return {kind: statistics.median(times) for kind, times in taken.items()}


def alike(found, usual):
    """Within 5 % or 5 ms of the usual one."""
    limit = max(found[usual] * 0.05, 5)
    return {kind: round(ms, 1) for kind, ms in found.items() if abs(ms - found[usual]) > limit}


@pytest.mark.long
def test_sign_in_takes_as_long_whatever_the_reason(client, addresses):
    token = client.csrf("/sign-in")

    def act(kind):
        email, password = addresses[kind]
        answer = client.post("/sign-in", data={"email": email, "password": password, "csrf_token": token})
        assert answer.status_code == 422

    act("unknown")  # the first one makes what the others reuse
    found = medians(addresses, act)
    assert alike(found, "wrong password") == {}, found


@pytest.mark.long
def test_asking_for_a_link_takes_as_long_whoever_asks(client, addresses):
    token = client.csrf("/forgot-password")

    def act(kind):
        data = {"email": addresses[kind][0], "csrf_token": token}
        assert client.post("/forgot-password", data=data).status_code == 303

    found = medians(addresses, act)
    assert alike(found, "wrong password") == {}, found


def test_every_refusal_verifies_exactly_one_hash(client, addresses, monkeypatch):
    """What the time is made of: the same whoever is asked for, without measuring it."""
    from argon2 import PasswordHasher

    verified = []
    real = PasswordHasher.verify

    def counted(self, kept, password):
        verified.append(kept.split("$")[3])
        return real(self, kept, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    for email, password in addresses.values():
        verified.clear()
        assert client.submit("/sign-in", {"email": email, "password": password}).status_code == 422
        assert verified == ["m=19456,t=2,p=1"]


def test_asking_for_a_link_waits_whoever_asks(client, addresses):
    token = client.csrf("/forgot-password")
    for email, _password in addresses.values():
        began = time.perf_counter()
        client.post("/forgot-password", data={"email": email, "csrf_token": token})
        assert time.perf_counter() - began >= SECONDS_TO_ASK
