"""Real files: the olist scenario, AdventureWorks' prospects, the odd CSVs that others test with."""

import io
import json
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.identity.models import User
from app.intake.mapping import suggest_mapping
from app.intake.models import ImportState
from app.intake.tables import open_table
from app.intake.uploads import field_labels
from app.leads.models import Assignment, Lead, LeadSource
from tests.factories import SYSTEM, row_count, rows
from tests.intake.importing import take
from tests.shared_data import FOLDER, shared_data
from tests.synthesis import olist_leads, olist_leads_csv


def count_by(session: Session, column: object) -> dict[object, int]:
    from app.sharing.scope import scope

    return dict(
        session.execute(select(column, func.count()).where(scope(Lead, SYSTEM)).group_by(column)).all()
    )  # type: ignore[call-overload]


@pytest.mark.long_on("postgresql")
def test_olist_8000_leads_all_taken_and_the_same_again_creates_nothing(
    app: Flask, session: Session, mara: User
) -> None:
    shared_data("olist")
    content = olist_leads_csv(FOLDER)
    headers = content.decode("utf-8-sig").splitlines()[0].split(",")
    mapping = suggest_mapping(headers, field_labels())
    assert mapping["External ID"] == "external_id"
    assert mapping["Created"] == "arrived_at"
    done = take(session, content, by=mara, mapping=mapping)
    assert (done.state, done.rows, done.created, done.refused) == (ImportState.DONE, 8000, 8000, 0)
    assert row_count(session, Lead) == row_count(session, Assignment) == 8000
    expected = olist_leads(FOLDER)
    sources = {s.name: s.id for s in rows(session, LeadSource)}
    found = count_by(session, Lead.source_id)
    assert found[None] == sum(not row["Source"] for row in expected) == 60
    for name in ("organic_search", "unknown", "other_publicities"):
        assert found[sources[name]] == sum(row["Source"] == name for row in expected)
    assert count_by(session, Lead.country) == {"BR": 8000}
    again = take(session, content, by=mara, mapping=mapping)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 8000)
    assert row_count(session, Lead) == 8000
    # Not even when the file is another one with the same leads in it.
    anew = take(session, content + b"\n", by=mara, mapping=mapping)
    assert (anew.created, anew.updated, anew.unchanged, anew.rows) == (0, 0, 8000, 8000)
    assert row_count(session, Lead) == 8000


PROSPECTS = {
    "ProspectAlternateKey": "external_id", "FirstName": "first_name", "LastName": "last_name",
    "EmailAddress": "email", "Phone": "phone", "City": "city", "StateProvinceCode": "state",
    "PostalCode": "postal_code", "AddressLine1": "street",
}  # fmt: skip


def test_adventureworks_prospects(app: Flask, session: Session, mara: User) -> None:
    path = shared_data("adventureworks", "ProspectiveBuyer.csv")
    table = open_table(path, headers=_prospect_headers(path))
    mapping = {header: PROSPECTS[header] for header in table.headers if header in PROSPECTS}
    # The file has no header of its own: it is given one, as a person would.
    content = ",".join(table.headers) + "\n" + "\n".join(_as_line(row.cells.values()) for row in table.rows())
    done = take(session, content, by=mara, mapping=mapping)
    assert (done.state, done.accepted, done.refused) == (ImportState.DONE, 2059, 0)
    assert done.warnings >= 105  # addresses without a top-level domain are left out, and said so
    assert row_count(session, Lead, Lead.email.is_(None)) >= 105


def _as_line(cells: object) -> str:
    import csv

    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)  # type: ignore[arg-type]
    return out.getvalue()


def _prospect_headers(path: Path) -> list[str]:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    line = next(
        line
        for line in readme.splitlines()
        if "ProspectiveBuyer:" in line or line.startswith("ProspectiveBuyer")
    )
    return [name.strip(" .`") for name in line.split("ProspectiveBuyer:")[1].split(".")[0].split(",")]


def _as_stored(text: str, *, multiline: bool) -> str:
    lines = text.replace("\r\n", "\n")
    return lines if multiline else lines.replace("\n", " ")


@pytest.mark.parametrize(
    "name",
    ["comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "newlines",
     "newlines_crlf", "quotes_and_newlines", "simple", "simple_crlf", "utf8"],
)  # fmt: skip
def test_csv_spectrum_arrives_as_it_is(app: Flask, session: Session, name: str) -> None:
    content = shared_data("csv-spectrum", "csvs", f"{name}.csv").read_bytes()
    expected = json.loads(shared_data("csv-spectrum", "json", f"{name}.json").read_bytes())
    first = next(iter(expected[0]))
    done = take(session, content, mapping={first: "company"})
    empty = [row for row in expected if not row[first]]
    assert (done.state, done.created, done.refused) == (
        ImportState.DONE,
        len(expected) - len(empty),
        len(empty),
    )
    found = [{**lead.imported, first: lead.company} for lead in rows(session, Lead)]
    wanted = [
        {header: _as_stored(text, multiline=header != first) for header, text in row.items() if text}
        for row in expected
        if row[first]
    ]
    assert found == wanted


@pytest.mark.parametrize(
    ("name", "created"),
    [("accent", 2), ("bom", 2), ("doublequote", 5), ("escaping", 3), ("latin1", 2), ("skip-blank-at-the-end", 1),
     ("skip-rows-before-headers", 2), ("skip-rows", 2)],
)  # fmt: skip
def test_csv_special_is_taken_or_refused_row_by_row(
    app: Flask, session: Session, name: str, created: int
) -> None:
    path = shared_data("csv-special", f"{name}.csv")
    table = open_table(path)
    done = take(session, path.read_bytes(), mapping={table.headers[-1]: "company"})
    assert done.state is ImportState.DONE
    assert done.created + done.refused == done.rows == table.count_rows()
    assert done.created >= created
