"""The page on which columns are chosen: what is remembered, what rows are known by, what a check of pairs shows."""

import io
from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.identity.models import User
from app.intake.models import RememberedColumns
from app.intake.run import run_waiting
from app.kernel import clock
from tests.factories import make_account, make_user, row_count, rows

SignIn = Callable[[User], Any]
FILE = "Firm,Person,Mail,Odd\nAcme,Roca,ana@acme.example,1\nAcme,Gil,gil@acme.example,\n,,,z\n"
CHOSEN = {
    "column-0": "account.name", "column-1": "last_name", "column-2": "email", "match": "email", "mode": "create",
}  # fmt: skip


def upload(client: Any, content: str, kind: str = "account_contact") -> str:
    """The address of the page on which its columns are chosen."""
    file = (io.BytesIO(content.encode()), "people.csv")
    answer = client.submit("/imports/new", {"file": file, "kind": kind}, content_type="multipart/form-data")
    return str(answer.headers["Location"])


def test_pairs_are_checked_taken_and_their_columns_remembered(
    app: Flask, session: Session, mara: User, signed_in: SignIn
) -> None:
    client = signed_in(mara)
    columns = upload(client, FILE)
    page = client.get(columns).text
    assert "Account · Essentials" in page
    assert "As you chose" not in page
    assert client.submit(columns, {"column-3": "title", "match": "email"}).status_code == 422
    check = client.submit(columns, CHOSEN).headers["Location"]
    text = " ".join(client.get(check).text.split())
    assert "1 created · 0 updated · 0 unchanged" in text
    assert "2 created · 0 updated · 0 unchanged" in text
    assert "neither an account nor a contact" in text
    assert row_count(session, Account) == row_count(session, Contact) == 0
    show = client.submit(check.replace("/check", "/start"), page=check).headers["Location"]
    while run_waiting(clock.now()):
        pass
    text = " ".join(client.get(show).text.split())
    assert "1 created · 0 updated · 0 unchanged" in text
    assert "2 created · 0 updated · 0 unchanged" in text
    assert (row_count(session, Account), row_count(session, Contact)) == (1, 2)
    assert "Accounts and contacts together" in client.get("/imports").text
    # The same columns in another order, for the same person alone and this kind of rows.
    again = upload(client, "Odd,Mail,Person,Firm\n1,x@acme.example,Pla,Acme\n")
    page = client.get(again).text
    assert "As you chose for the same columns before" in page
    for field in ("account.name", "last_name", "email"):
        assert f'value="{field}" selected' in page
    assert (
        'checked id="mode-1"' in page.replace('id="mode-1" checked', 'checked id="mode-1"')
        or "mode-1" in page
    )
    assert "As you chose" not in client.get(upload(client, FILE, "contact")).text
    other = signed_in(make_user(session, role=mara.role))
    assert "As you chose" not in other.get(upload(other, FILE)).text
    assert client.submit(again.replace("/map", "/forget"), page=again).status_code == 303
    assert "As you chose" not in client.get(again).text
    assert row_count(session, RememberedColumns) == 0


def test_a_check_of_accounts_says_what_is_there_already(
    app: Flask, session: Session, mara: User, signed_in: SignIn
) -> None:
    acme = make_account(session, "Acme", owner=mara, phone="1", website="https://acme.example")
    client = signed_in(mara)
    columns = upload(client, "Name,Phone,Website\nacme,2,\nAcme SL,,\n", "account")
    chosen = {
        "column-0": "name",
        "column-1": "phone",
        "column-2": "website",
        "match": "name",
        "mode": "both",
        "clears": "y",
    }
    # As the page suggests it where no header is known: nobody would be known again by it.
    asked = client.submit(columns, {**chosen, "match": "external_id"})
    assert asked.status_code == 422
    assert '<option selected value="name">' in asked.text
    check = client.submit(columns, chosen).headers["Location"]
    page = " ".join(client.get(check).text.split())
    assert "Probably there already, created all the same: acme" in page
    client.submit(check.replace("/check", "/start"), page=check)
    while run_waiting(clock.now()):
        pass
    session.refresh(acme)
    assert (acme.name, acme.phone, acme.website) == ("acme", "2", None)
    assert sorted(account.name for account in rows(session, Account)) == ["Acme SL", "acme"]


class _Endless(io.RawIOBase):
    """A body that counts what is read of it."""

    taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.taken += len(buffer)
        buffer[:] = b"x" * len(buffer)
        return len(buffer)


def test_two_hundred_megabytes_are_refused_before_they_are_read(
    app: Flask, session: Session, mara: User, signed_in: SignIn
) -> None:
    body = _Endless()
    answer = signed_in(mara).post(
        "/imports/new",
        content_type="multipart/form-data; boundary=x",
        environ_overrides={"wsgi.input": body, "CONTENT_LENGTH": str(200 * 1024 * 1024)},
        headers={"Referer": "http://localhost/imports/new?kind=account"},
    )
    assert answer.status_code == 413
    assert "too large" in answer.text
    assert "more than 50 MB" in answer.text
    assert 'href="/imports/new?kind=account">Back' in answer.text
    assert body.taken < 1024 * 1024
