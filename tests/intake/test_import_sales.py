"""Sales import accounts and contacts, choose the sheet, and say what becomes of contacts at unknown companies."""

import html
import io
import re
from collections.abc import Callable

import pytest
import xlsxwriter
from flask import Flask
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.identity.models import User
from app.intake.models import Import, ImportState
from app.intake.run import run_waiting
from app.kernel import clock
from app.kernel.errors import Invalid, NotAllowed
from tests.factories import make_account, make_contact, row_count, rows
from tests.intake.importing import submit, take
from tests.people import Client

SignIn = Callable[[User], Client]
CARDS = "".join(
    f"BEGIN:VCARD\nVERSION:3.0\nN:{name};Anna;;;\nORG:{company}\nEMAIL:{name.lower()}@forges.example\nEND:VCARD\n"
    for name, company in (("Pons", "Forges"), ("Roca", "Forges"), ("Vila", "Nord"))
)


def workbook(**sheets: list[list[str]]) -> bytes:
    data = io.BytesIO()
    book = xlsxwriter.Workbook(data)
    for name, lines in sheets.items():
        sheet = book.add_worksheet(name)
        for at, line in enumerate(lines):
            sheet.write_row(at, 0, line)
    book.close()
    return data.getvalue()


def test_sales_import_a_sheet_of_accounts_and_no_leads(
    app: Flask, session: Session, sal: User, mara: User, signed_in: SignIn
) -> None:
    with pytest.raises(NotAllowed):
        submit(session, "Last name\nPuig\n", sal)
    browser = signed_in(sal)
    asked = browser.get("/imports/new?kind=lead").text
    assert 'value="lead"' not in asked
    assert 'value="account" checked' in asked or re.search(r'checked[^>]*value="account"', asked)
    content = workbook(
        Notes=[], Companies=[["Name", "Phone"], ["Forges", "600"]], People=[["Name"], ["Anna"], ["Pere"]]
    )

    def send(kind: str) -> str:
        data = {"kind": kind, "file": (io.BytesIO(content), "book.xlsx")}
        answer = browser.submit("/imports/new", data, content_type="multipart/form-data")
        return answer.location if answer.status_code == 303 else str(answer.status_code)

    assert send("lead") == "422"
    columns = send("account")
    page = browser.get(columns).text
    assert "Companies" in page
    assert "Forges" in page, "an empty sheet before it is passed over"
    import_ref = columns.split("/")[-2]
    turned = browser.submit(f"/imports/{import_ref}/sheet", {"sheet": "People"}, page=columns)
    assert turned.location == columns
    assert "Pere" in browser.get(columns).text
    browser.submit(f"/imports/{import_ref}/sheet", {"sheet": "Nowhere"}, page=columns)
    assert "There is no sheet “Nowhere”." in browser.get(columns).text
    assert browser.submit(columns, {"column-0": "name", "match": "name", "mode": "both"}).status_code == 303
    assert (
        browser.submit(f"/imports/{import_ref}/start", page=f"/imports/{import_ref}/check").status_code == 303
    )
    while run_waiting(clock.now()):
        pass
    assert [(a.name, a.owner_user_id) for a in rows(session, Account)] == [("Anna", sal.id), ("Pere", sal.id)]
    # Another sheet of the same file is another import.
    done = take(session, content, sal, kind="account", mapping={"Name": "name"}, sheet="Companies")
    assert (done.state, done.created) == (ImportState.DONE, 1)
    again = take(session, content, sal, kind="account", mapping={"Name": "name"}, sheet="Companies")
    assert (again.created, again.unchanged) == (0, 1)
    # What was created leads to these alone.
    [link] = set(re.findall(r'href="(/accounts\?[^"]+)"', browser.get(f"/imports/{import_ref}").text))
    found = re.findall(r'class="row-link" href="[^"]+">([^<]+)<', browser.get(html.unescape(link)).text)
    assert sorted(found) == ["Anna", "Pere"]
    assert signed_in(mara).get(f"/imports/{import_ref}").status_code == 404
    session.get_one(Import, done.id).object = "lead"
    session.commit()
    assert browser.get(f"/imports/{done.ref}").status_code == 403


def test_contacts_at_a_company_that_is_not_found(app: Flask, session: Session, sal: User, mara: User) -> None:
    make_account(session, "Nord", owner=sal)
    elsewhere = make_contact(session, last_name="Pons", first_name="Anna", owner=mara, email=None)
    session.commit()
    with pytest.raises(Invalid):
        submit(session, CARDS, sal, kind="contact", unknown="whatever")
    refused = take(session, CARDS, sal, kind="contact")
    assert (refused.created, refused.refused) == (1, 2)
    alone = take(session, CARDS, sal, kind="contact", match="email", unknown="private", again=True)
    assert (alone.created, alone.unchanged, alone.refused) == (2, 1, 0)
    kept = [c for c in rows(session, Contact) if c.account_id is None and c.id != elsewhere.id]
    assert {(c.last_name, c.owner_user_id) for c in kept} == {("Pons", sal.id), ("Roca", sal.id)}
    assert row_count(session, Account) == 1
    made = take(session, CARDS, sal, kind="contact", match="email", unknown="create", again=True)
    assert (made.created, made.updated, made.refused) == (0, 2, 0)
    accounts = {account.id: account for account in rows(session, Account)}
    assert sorted((a.name, a.owner_user_id) for a in accounts.values()) == [
        ("Forges", sal.id),
        ("Nord", sal.id),
    ]
    assert {c.last_name: accounts[c.account_id].name for c in rows(session, Contact) if c.account_id} == {
        "Pons": "Forges", "Roca": "Forges", "Vila": "Nord",
    }  # fmt: skip
    session.refresh(elsewhere)
    assert elsewhere.account_id is None, "of a colleague's person of that name nothing is found"
    # Known already, and to be left as they are: no account is made for them.
    other = CARDS.replace("ORG:Forges", "ORG:Sud")
    left = take(session, other, sal, kind="contact", match="email", unknown="create", mode="create")
    assert (left.created, left.unchanged, row_count(session, Account)) == (0, 3, 2)
