"""Five hundred people and a distorted copy of each: how many pairs the worker finds, and that it finds no other."""

import csv
from itertools import combinations

import pytest

from app.accounts.operations import create_account
from app.care.comparing import compare_some
from app.care.models import DuplicatePair
from app.kernel import clock
from tests.factories import actor_of, rows
from tests.shared_data import shared_data


@pytest.mark.long
@pytest.mark.databases("sqlite")
def test_most_distorted_copies_are_found_and_nobody_is_taken_for_somebody_else(session, ada):
    with shared_data("febrl", "dataset1.csv").open(encoding="utf-8", newline="") as file:
        people = list(csv.DictReader(file, skipinitialspace=True))
    actor, now, truth = actor_of(session, ada), clock.now(), {}
    for row in people:
        street = " ".join(row[name] for name in ("street_number", "address_1", "address_2") if row[name])
        given = {
            "kind": "person", "first_name": row["given_name"], "last_name": row["surname"] or row["given_name"] or "unknown",
            "billing_street": street, "billing_city": row["suburb"], "billing_postal_code": row["postcode"],
            "billing_state": row["state"], "billing_country": "AU",
        }  # fmt: skip
        account = create_account(session, actor, given, allow_duplicate=True, now=now)
        truth[account.id] = row["rec_id"].split("-")[1]
    session.commit()
    while compare_some(session, now=now):
        session.commit()
    found = [(pair.one_id, pair.other_id) for pair in rows(session, DuplicatePair)]
    right = sum(truth[one] == truth[other] for one, other in found)
    assert sum(a == b for a, b in combinations(truth.values(), 2)) == 500
    assert right / 500 >= 0.95, "recall"
    assert right / len(found) >= 0.99, "precision"
