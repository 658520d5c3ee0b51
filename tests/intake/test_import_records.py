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
from app.search.finding import find_ids
from tests.factories import actor_of, make_account, make_contact, make_user, row_count, rows
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


@pytest.mark.databases("sqlite")
def test_a_page_s_export_that_comes_back_as_it_was_changes_nothing(
    app: Flask, session: Session, mara: User
) -> None:
    acme = make_account(session, "Acme", owner=mara)
    file = f"id,Nombre,Última actividad,Etiquetas,Nota mía\n{acme.ref},Acme,2026-11-02T10:00:00Z,Vip,x\n"
    first = take(session, file, mara, kind="account", mapping={"id": "id", "Nombre": "name"})
    assert (first.updated, acme.imported) == (1, {"Nota mía": "x"}), "what only tells is not kept"
    again = take(session, file, mara, kind="account", mapping={"id": "id", "Nombre": "name"})
    assert (again.updated, again.unchanged) == (0, 1)


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


@pytest.mark.parametrize("together", [True, False])
def test_a_batch_comes_out_the_same_at_once_and_row_by_row(
    app: Flask, session: Session, mara: User, together: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that have to do with one another, with what is there, or with nothing at all."""
    if not together:
        monkeypatch.setattr("app.intake.record_rows.make_set", lambda *_given: None)
    make_account(session, "Acme", owner=mara, external_id="a0", website="https://acme.example")
    hidden = make_user(session, "Sal Ventura")
    accounts = (
        "Name,Id,Website,Owner,Kind,Last name,Parent\n"
        "Forges Ter,a1,https://ter.example,Sal Ventura,,,\n"
        "Forges Ter SL,a2,https://ter.example,,,,\n"  # alike an earlier row
        "Nord,a1,,,,,\n"  # changes an earlier row
        "Acme SL,a3,https://acme.example,,,,\n"  # alike what is there
        ",a4,,,person,Puig,\n"
        f"{'x' * 300},a5,,,,,\n"  # refused
        "Sud,a6,,nobody,,,Nord\n"  # below an earlier row
        "Est,,,,,,\nEst,,,,,,\n"
    )
    mapping = dict(
        zip(accounts.split("\n", maxsplit=1)[0].split(","), (
            "name", "external_id", "website", "owner", "kind", "last_name", "parent_id",
        ), strict=True)
    )  # fmt: skip
    done = take(session, accounts, by=mara, kind="account", mapping=mapping)
    assert (done.created, done.updated, done.refused, done.warnings) == (7, 1, 1, 5)
    assert done.options["duplicates"] == 3
    made = {a.external_id: a for a in rows(session, Account)}
    assert (made["a1"].name, made["a1"].owner_user_id, made["a4"].name) == ("Nord", hidden.id, "Puig")
    assert made["a6"].parent_id == made["a1"].id
    assert row_count(session, Event, Event.record_kind == "account", Event.verb == "created") == 7
    contacts = (
        "Last name,First name,E-mail,Account\nPuig,Anna,anna@ter.example,a1\nPuig,Anna,ANNA@ter.example,a1\n"
        "Vila,,,Acme\nVila,,,Nowhere\nSerra,,s@x.example,\nRoca,,r@x.example,Puig\nPons,,p@x.example,Acme\n"
    )
    mapping = {
        "Last name": "last_name",
        "First name": "first_name",
        "E-mail": "email",
        "Account": "account_id",
    }
    done = take(session, contacts, by=mara, kind="contact", mapping=mapping, match="email")
    assert (done.created, done.unchanged, done.updated, done.refused) == (4, 0, 1, 2)
    lines = {i.line: i.reason for i in rows(session, ImportIssue, ImportIssue.import_id == done.id)}
    assert "“Nowhere” is not found" in lines[5]
    assert "has no contacts" in lines[7]
    people = {(c.last_name, c.first_name): c for c in rows(session, Contact)}
    assert people["Puig", "Anna"].email == "ANNA@ter.example"
    assert people["Vila", None].account_id == made["a0"].id
    assert find_ids(session, actor_of(session, mara), Contact, "serra", limit=3) == [people["Serra", None].id]
