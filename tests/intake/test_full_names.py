"""Whole names in two: by what leads to a last name, what joins two, and how many the file's people have."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.accounts.models import Contact
from app.identity.models import User
from app.intake.full_names import split_name, telling
from app.intake.run import run_waiting
from app.kernel import clock
from tests.factories import make_account, rows

FILE = (
    "Name,Title,Company\nLeung Chan,Director,Get Cloudy\nDr. María José García López,,Get Cloudy\nMadonna,,\n"
)


@pytest.mark.parametrize(
    ("text", "one", "two"),
    [
        ("Alan  Johnson", ("Alan", "Johnson"), ("Alan", "Johnson")),
        ("Ludwig van Beethoven", ("Ludwig", "van Beethoven"), ("Ludwig", "van Beethoven")),
        ("Juan de la Cruz", ("Juan", "de la Cruz"), ("Juan", "de la Cruz")),
        ("María José García López", ("María José García", "López"), ("María José", "García López")),
        ("Anna Pons i Vila", ("Anna", "Pons i Vila"), ("Anna", "Pons i Vila")),
        ("Pons i Vila, Anna", ("Anna", "Pons i Vila"), ("Anna", "Pons i Vila")),
        ("Mr. John Smith, Jr.", ("John", "Smith Jr."), ("John", "Smith Jr.")),
        ("王小明", (None, "王小明"), (None, "王小明")),
    ],
)
def test_names_in_two(text: str, one: tuple[str | None, str], two: tuple[str | None, str]) -> None:
    assert (split_name(text), split_name(text, last_names=2)) == (one, two)


def test_the_names_shown_first_are_those_that_could_be_taken_otherwise() -> None:
    assert telling(["A B", "C D E", "A  B", "F", " "], most=2) == ["C D E", "F"]


def test_whole_names_are_shown_in_two_before_they_are_imported(
    app: Flask, session: Session, mara: User, signed_in: Callable[[User], Any]
) -> None:
    make_account(session, "Get Cloudy", owner=mara)
    client = signed_in(mara)
    file = (io.BytesIO(FILE.encode()), "people.csv")
    sent = {"file": file, "kind": "contact"}
    columns = client.submit("/imports/new", sent, content_type="multipart/form-data").headers["Location"]
    assert '<option value="full_name" selected>Full name</option>' in client.get(columns).text
    chosen = {
        "column-0": "full_name_two", "column-1": "title", "column-2": "account_id", "match": "name", "mode": "both",
    }  # fmt: skip
    check = client.submit(columns, chosen).headers["Location"]
    page = client.get(check).text
    assert "What becomes of the names" in page
    assert ">García López</td>" in page
    client.submit(check.replace("/check", "/start"), page=check)
    while run_waiting(clock.now()):
        pass
    people = {c.last_name: c for c in rows(session, Contact)}
    assert people["García López"].first_name == "María José"
    assert people["García López"].imported == {"Name": "Dr. María José García López"}
    assert (people["Chan"].first_name, people["Chan"].imported) == ("Leung", {})
    assert people["Madonna"].first_name is None
