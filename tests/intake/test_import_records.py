"""Imports of accounts and contacts: the same mechanism, record by record."""

import csv
import io

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.accounts.models import Account, AccountKind, Contact
from app.events.models import Event
from app.identity.models import User
from app.intake.models import ImportIssue, ImportState
from tests.factories import make_account, make_contact, make_user, row_count, rows
from tests.intake.importing import take
from tests.shared_data import shared_data


def test_rows_become_accounts(app: Flask, session: Session, mara: User) -> None:
    sal = make_user(session, "Sal Ventura", email="sal@vendor.example")
    done = take(
        session,
        "Name,Website,Phone,Country,Employees,Owner,Category,Odd\n"
        '"Forges del Ter, S.L.",https://forges.example,+34600111222,Spain,"1,200",sal@vendor.example,customer,x\n'
        "Nord,,,,,Sal Ventura,,\nSud,,,,,,,\n",
        by=mara, kind="account", mapping={
            "Name": "name", "Website": "website", "Phone": "phone", "Country": "billing_country",
            "Employees": "employees", "Owner": "owner", "Category": "category",
        },
    )  # fmt: skip
    assert (done.state, done.created, done.refused, done.warnings) == (ImportState.DONE, 3, 0, 0)
    ter, nord, sud = rows(session, Account)
    assert (ter.name, ter.domain, ter.phone_key, ter.billing_country, ter.employees, ter.category) == (
        "Forges del Ter, S.L.", "forges.example", "+34600111222", "ES", 1200, "customer",
    )  # fmt: skip
    assert ter.imported == {"Odd": "x"}
    assert [a.owner_user_id for a in (ter, nord, sud)] == [sal.id, sal.id, mara.id]
    assert row_count(session, Event, Event.record_kind == "account", Event.verb == "created") == 3


def test_what_is_wrong_is_left_empty_with_a_warning_or_refused_by_itself(
    app: Flask, session: Session, mara: User
) -> None:
    done = take(
        session,
        f"Name,Billing country,Employees,Owner\nAcme,Atlantis,many,nobody\n,ES,,\n{'x' * 300},ES,,\nNord,ES,,\n",
        by=mara, kind="account",
        mapping={"Name": "name", "Billing country": "billing_country", "Employees": "employees", "Owner": "owner"},
    )  # fmt: skip
    assert (done.created, done.refused, done.warnings) == (2, 2, 3)
    assert [a.name for a in rows(session, Account)] == ["Acme", "Nord"]
    assert {i.line for i in rows(session, ImportIssue, ImportIssue.kind == "refused")} == {3, 4}


def test_persons_and_known_external_ids(app: Flask, session: Session, mara: User) -> None:
    file = "Kind,Last name,Name,External id,City\nperson,Puig,,p1,\nbusiness,,Acme,b1,Girona\n"
    mapping = {
        "Kind": "kind",
        "Last name": "last_name",
        "Name": "name",
        "External id": "external_id",
        "City": "billing_city",
    }
    assert take(session, file, by=mara, kind="account", mapping=mapping).created == 2
    person, business = rows(session, Account)
    assert (person.kind, person.name) == (AccountKind.PERSON, "Puig")
    again = take(session, file.replace("Girona", "Salt"), by=mara, kind="account", mapping=mapping)
    assert (again.created, again.updated, again.unchanged) == (0, 1, 1)
    session.refresh(business)
    assert business.billing_city == "Salt"


def test_a_probable_duplicate_is_created_with_a_warning(app: Flask, session: Session, mara: User) -> None:
    make_account(session, "Acme", owner=mara)
    done = take(session, "Name\nACME S.L.\n", by=mara, kind="account")
    assert (done.created, done.warnings) == (1, 1)
    assert "Acme" in rows(session, ImportIssue)[0].reason


def test_contacts_find_their_account_by_name_or_external_id(app: Flask, session: Session, mara: User) -> None:
    acme = make_account(session, "Acme", owner=mara, external_id="a1")
    boss = make_contact(session, "Boss", account=acme, external_id="c0")
    done = take(
        session,
        "Last name,Account,Reports to,E-mail\nPuig,acme,c0,puig@acme.example\nRoca,a1,,\nSoler,Nowhere,,\n",
        by=mara, kind="contact",
    )  # fmt: skip
    assert (done.created, done.refused) == (2, 1)
    puig, roca = rows(session, Contact, Contact.id != boss.id)
    assert (puig.account_id, puig.reports_to_id, roca.account_id) == (acme.id, boss.id, acme.id)
    assert "Nowhere" in rows(session, ImportIssue)[0].reason


@pytest.mark.databases("sqlite")
def test_resellers_of_a_real_set(app: Flask, session: Session, mara: User) -> None:
    lines = list(
        csv.reader(
            io.StringIO(shared_data("adventureworks", "DimReseller.csv").read_text("utf-8")), delimiter="|"
        )
    )
    width = len(lines[0])
    content = ",".join(f"c{n}" for n in range(width)) + "\n"
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(lines)
    done = take(
        session, content + out.getvalue(), by=mara, kind="account",
        mapping={"c2": "external_id", "c3": "phone", "c5": "name", "c4": "type", "c6": "employees"},
    )  # fmt: skip
    assert (done.state, done.rows, done.accepted, done.refused) == (ImportState.DONE, 701, 701, 0)
    assert row_count(session, Account) == 701
