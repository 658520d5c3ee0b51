"""Real files as accounts and contacts: listed companies, names in many scripts, the odd CSVs that others test with."""

import csv
import json
from itertools import islice

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.identity.models import User
from app.intake.models import ImportState
from app.intake.tables import open_table
from app.intake.uploads import suggest_fields
from tests.factories import row_count, rows
from tests.intake.importing import as_csv, take
from tests.shared_data import shared_data

SP500 = {"Symbol": "external_id", "Security": "name", "GICS Sector": "industry", "CIK": "account_number"}


@pytest.mark.databases("sqlite")
def test_listed_companies(app: Flask, session: Session, mara: User) -> None:
    lines = shared_data("sp500", "constituents.csv").read_text("utf-8").splitlines(keepends=True)
    headers = lines[0].strip().split(",")
    assert suggest_fields("account", "csv", headers, {})["CIK"] is None
    content = "".join(lines[:121])
    done = take(session, content, by=mara, kind="account", mapping=SP500)
    assert (done.state, done.rows, done.accepted, done.refused) == (ImportState.DONE, 120, 120, 0)
    account = rows(session, Account, Account.external_id == "MMM")[0]
    assert (account.name, account.account_number, account.industry) == ("3M", "66740", "Industrials")
    assert account.imported["Headquarters Location"] == "Saint Paul, Minnesota"
    made = row_count(session, Account)
    again = take(session, content + "\n", by=mara, kind="account", mapping=SP500)
    assert (again.created, again.updated, again.unchanged, row_count(session, Account)) == (0, 0, 120, made)


@pytest.mark.long
@pytest.mark.databases("sqlite")
def test_all_listed_companies_and_those_that_report(app: Flask, session: Session, mara: User) -> None:
    content = shared_data("sp500", "constituents.csv").read_text("utf-8")
    done = take(session, content, by=mara, kind="account", mapping=SP500)
    assert done.refused == 0
    folder = shared_data("sec-companies")
    found = json.loads(next(folder.glob("*.json")).read_text("utf-8"))["data"]
    named = [row for row in found if row[1]]
    content = as_csv({"name": name, "number": cik, "ticker": ticker} for cik, name, ticker, _ in found)
    mapping = {"name": "name", "number": "external_id", "ticker": "account_number"}
    done = take(session, content, by=mara, kind="account", mapping=mapping)
    assert (done.accepted, done.rows) == (len(named), len(found))
    assert row_count(session, Account) == 503 + len({row[0] for row in named})


@pytest.mark.databases("sqlite")
def test_names_in_many_scripts_are_kept_and_known_again(app: Flask, session: Session, mara: User) -> None:
    path = shared_data("names-by-country", "common-surnames-by-country.csv")
    by_country: dict[str, dict[str, str]] = {}
    with path.open(encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            name = row.get("Localized Name") or row.get("Romanized Name") or ""
            if name and len(name) <= 100:
                by_country.setdefault(
                    row["Country"], {"last_name": name, "account.name": f"Firm {row['Country']}"}
                )
    people = list(islice(by_country.values(), 100))
    assert len(people) > 50
    done = take(session, as_csv(people), by=mara, kind="account_contact")
    assert (done.created, done.refused) == (len(people), 0)
    assert {contact.last_name for contact in rows(session, Contact)} == {
        " ".join(p["last_name"].split()) for p in people
    }
    again = take(session, as_csv(people) + "\n", by=mara, kind="account_contact")
    assert (again.created, again.updated, again.unchanged) == (0, 0, len(people))


@pytest.mark.databases("sqlite")
def test_odd_tables_become_accounts(app: Flask, session: Session, mara: User) -> None:
    for folder, name in (("csv-spectrum/csvs", "quotes_and_newlines"), ("csv-spectrum/csvs", "utf8"),
                         ("csv-special", "latin1"), ("csv-special", "skip-rows")):  # fmt: skip
        path = shared_data(*folder.split("/"), f"{name}.csv")
        content, headers = path.read_bytes(), open_table(path).headers
        done = take(session, content, by=mara, kind="account", mapping={headers[0]: "name"}, again=True)
        assert done.state is ImportState.DONE
        assert done.created + done.refused == done.rows > 0
        assert done.created > 0, name
