"""Address cards of three versions and several programs, as tables and as accounts and contacts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.identity.models import User
from app.intake.models import ImportIssue
from app.intake.tables import open_table
from tests.factories import make_account, make_contact, rows
from tests.intake.importing import take
from tests.shared_data import shared_data

CARDS = """BEGIN:VCARD
VERSION:2.1
N;CHARSET=ISO-8859-1;encoding=quoted-printable:Mu=F1oz=20Pons;In=E9s
ORG:Forges; Vendes
TEL;CELL;VOICE:+34 600 111 222
NOTE;ENCODING=QUOTED-PRINTABLE:first=0D=0A=
second
PHOTO;ENCODING=BASE64;JPEG:
    {photo}

END:VCARD
BEGIN:VCARD
VERSION:4.0
FN:Anna Pla
item1.EMAIL;PREF=1:anna@forges.exa
 mple
TEL;TYPE="work,voice";VALUE=uri:tel:+34-93-111-22-33
UID:urn:uuid:1
ORG:Forges
NOTE:a\\, b\\nc
END:VCARD
BEGIN:VCARD
VERSION:3.0
FN:Broken off
BEGIN:VCARD
VERSION:3.0
N:Unread;=
NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=nonsense:x=20
END:VCARD
begin:vcard
FN:Forges del Ter
ORG:Forges del Ter
ADR;TYPE=WORK:;;C/ Major 1;Ripoll;Girona;17500;Spain
end:vcard
"""


def test_cards_of_all_versions_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "anything.csv"
    path.write_text(CARDS.format(photo="A" * 100_000).replace("\n", "\r\n"), "utf-8", newline="")
    table = open_table(path)
    assert (table.kind, table.count_rows()) == ("vcard", 5)
    found = list(table.rows())
    assert [row.line_number for row in found] == [1, 12, 22, 25, 30]
    ines, anna, _broken, _unread, company = ({k: v for k, v in row.cells.items() if v} for row in found)
    assert ines == {
        "Last name": "Muñoz Pons", "First name": "Inés", "Company": "Forges", "Department": "Vendes",
        "Mobile": "+34 600 111 222", "Note": "first\nsecond",
    }  # fmt: skip
    assert anna == {
        "Last name": "Pla", "First name": "Anna", "E-mail": "anna@forges.example",
        "Phone": "+34-93-111-22-33", "External id": "urn:uuid:1", "Company": "Forges", "Note": "a, b\nc",
    }  # fmt: skip
    assert [row.line_number for row in found if row.problem] == [22, 25]
    assert "does not end" in str(found[2].problem)
    assert "Last name" not in company
    assert (company["City"], company["Company"]) == ("Ripoll", "Forges del Ter")
    assert [row.line_number for row in table.rows(start_line=23)] == [25, 30]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fullcontact", [("FirstName MiddleName LastName", "work@example.com", "555-555-1112")]),
        ("gmail-single2", [("VCard Test", "workemail@example.com", "5555551113")]),
        ("outlook-2003", [("John Doe", "jdoe@hotmail.com", "BusinessPhone")]),
        ("rfc2426-example", [("Frank Dawson", "Frank_Dawson@Lotus.com", "+1-919-676-9515"),
                             ("Tim Howes", "howes@netscape.com", "+1-415-937-3419")]),
        ("rfc6350-example", [("Simon Perreault", "simon.perreault@viagenie.ca", "+1-418-656-9254 ext. 102")]),
    ],
)  # fmt: skip
def test_real_cards(name: str, expected: list[tuple[str, str, str]]) -> None:
    found = [row.cells for row in open_table(shared_data("vcards", f"{name}.vcf")).rows()]
    assert [(f"{c['First name']} {c['Last name']}", c["E-mail"], c["Phone"]) for c in found] == expected


def test_cards_become_accounts_and_contacts(app: Flask, session: Session, mara: User) -> None:
    content = CARDS.format(photo="A" * 1000)
    done = take(session, content, by=mara, kind="account_contact")
    assert (done.created, done.refused, done.warnings) == (3, 2, 0)
    assert sorted(account.name for account in rows(session, Account)) == ["Forges", "Forges del Ter"]
    ines, anna = rows(session, Contact)
    assert (ines.full_name, ines.mobile, anna.external_id) == (
        "Inés Muñoz Pons",
        "+34 600 111 222",
        "urn:uuid:1",
    )
    assert anna.account_id == ines.account_id
    lines = {issue.line for issue in rows(session, ImportIssue, ImportIssue.kind == "refused")}
    assert lines == {22, 25}
    again = take(session, content + "\n", by=mara, kind="account_contact")
    assert (again.created, again.updated, again.unchanged, again.refused) == (0, 0, 3, 2)


def test_a_contact_is_saved_to_a_phone_and_comes_back_as_it_was(
    app: Flask, session: Session, mara: User, pia: User, signed_in: Callable[[User], Any], tmp_path: Path
) -> None:
    acme = make_account(
        session, "Ácme; Söhne, S.L.", owner=mara, billing_city="Reno", website="https://a.example"
    )
    ana = make_contact(
        session,
        "O'Pla\\",
        account=acme,
        owner=mara,
        first_name="Ñ" * 60,
        phone="+34 600",
        email="a@b.example",
    )
    client = signed_in(mara)
    assert f"/contacts/{ana.ref}/card.vcf" in client.get(f"/contacts/{ana.ref}").text
    answer = client.get(f"/contacts/{ana.ref}/card.vcf")
    assert answer.mimetype == "text/vcard"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert all(len(line) <= 75 for line in answer.data.split(b"\r\n"))
    path = tmp_path / "card"
    path.write_bytes(answer.data)
    (row,) = open_table(path).rows()
    assert {k: v for k, v in row.cells.items() if v} == {
        "Last name": "O'Pla\\", "First name": "Ñ" * 60, "Company": acme.name,
        "E-mail": "a@b.example", "Phone": "+34 600", "City": "Reno", "Website": "https://a.example",
        "External id": ana.ref,
    }  # fmt: skip
    again = take(session, answer.data, by=mara, kind="account_contact")
    assert (again.created, again.unchanged, again.refused) == (0, 1, 0)
    assert signed_in(pia).get(f"/contacts/{ana.ref}/card.vcf").status_code == 404
