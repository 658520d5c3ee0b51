"""Lists of leads that come back: taken out, changed in a column, and each row changes the lead that it names."""

import html
import io
import re
from datetime import datetime

import pytest

from app.events.models import Event
from app.identity.models import AccountScope
from app.intake.models import Import, ImportIssue
from app.intake.run import run_waiting
from app.intake.tables import open_table
from app.kernel import clock
from app.kernel.actor import Role
from app.leads.models import Lead, UnqualifiedReason
from app.lists.jobs import run_waiting as run_jobs
from app.lists.sheet_file import SheetFile
from tests.factories import dump, make_lead, make_source, make_user, row_count, rows
from tests.fields.making import make_field
from tests.intake.importing import as_csv, take

_SELECT = re.compile(r'<select[^>]* name="(column-\d+)"(.*?)</select>', re.DOTALL)
_CHOSEN = re.compile(r'<option value="([^"]*)" selected>')


def taken_out(browser, tmp_path, form="csv", **fields):
    """The rows of the whole list as its export has them."""
    answer = browser.submit("/lists/lead/export", {"format": form, **fields}, page="/leads")
    while run_jobs(seconds=0):
        pass
    file = tmp_path / f"taken-out.{form}"
    file.write_bytes(browser.get(f"{answer.location}/file").get_data())
    return [dict(row.cells) for row in open_table(file).rows()]


def as_file(found, tmp_path, form="csv"):
    """Those rows as a spreadsheet saves them."""
    if form == "csv":
        return as_csv(found).encode()
    book = SheetFile(tmp_path / "changed.xlsx")
    book.write([[header, *(row[header] for row in found)] for header in found[0]])
    book.close()
    return (tmp_path / "changed.xlsx").read_bytes()


def brought_back(browser, session, file):
    """The import of that file by the page, with the columns that it suggests; and the columns page."""
    columns = browser.submit("/imports/new", {"file": (io.BytesIO(file), "leads")}).location
    page = browser.get(columns).text
    suggested = ((name, _CHOSEN.search(options)) for name, options in _SELECT.findall(page))
    check = browser.submit(columns, {name: found[1] if found else "" for name, found in suggested}).location
    browser.submit(check.replace("/check", "/start"), page=check)
    while run_waiting(clock.now()):
        pass
    session.expire_all()
    return rows(session, Import)[-1], page


@pytest.mark.parametrize(("form", "headings", "language"), [("csv", "", "en"), ("xlsx", "shown", "es")])
def test_a_list_changed_in_one_column_changes_that_alone(
    signed_in, session, mara, ada, pia, tmp_path, form, headings, language
):
    mara.language = language
    field = make_field(session, ada, "lead", "choice", "Segment", choices=("Gold", "Tin"))
    reason = rows(session, UnqualifiedReason)[0]
    source = make_source(session, "Fair")
    first = make_lead(
        session, owner=pia, last_name="=1+1", company='Forges, del "Ter"', source=source, employees=1250,
        annual_revenue=1234.5, description="One\nTwo", interest_confirmed=True, consent_basis="contract", external_id="x1",
        arrived_at=datetime(2026, 3, 4, 5, 6, 7, 891, clock.now().tzinfo), status="unqualified",
        unqualified_reason_id=reason.id, custom={field.name: "gold"}, opted_out_phone=True, website="https://ter.example/",
    )  # fmt: skip
    other = make_lead(session, company="Other")
    converted = make_lead(session, company="Turned", converted_at=clock.now(), status="converted")
    session.commit()
    source.is_active = reason.is_active = False
    session.commit()
    browser = signed_in(mara)
    found = taken_out(browser, tmp_path, form, headings=headings)
    city = "Ciudad" if headings else "city"
    for row in found:
        row[city] = "Salt"
    leads, changes = row_count(session, Lead), row_count(session, Event, Event.verb == "edited")
    done, page = brought_back(browser, session, as_file(found, tmp_path, form))
    [refused] = rows(session, ImportIssue)
    assert refused.kind == "refused"
    assert converted.ref in refused.cells.values()
    assert "convert" in refused.reason
    assert (done.created, done.updated, done.unchanged, done.refused) == (0, 2, 0, 1)
    assert row_count(session, Lead) == leads
    events = rows(session, Event, Event.verb == "edited")[changes:]
    assert [event.changes for event in events] == [{"city": ["Girona", "Salt"]}] * 2
    assert {event.record_ref for event in events} == {first.ref, other.ref}
    assert (first.version, first.imported, first.import_id, converted.version) == (2, {}, None, 1)
    assert ("each row changes the one that it names" in page) is (language == "en")
    shown = browser.get(f"/imports/{done.ref}").text
    link = re.search(r'href="(/leads\?[^"]*updated_at_from[^"]*)"', shown)
    listed = browser.get(html.unescape(link[1])).text
    assert [ref in listed for ref in (first.ref, other.ref, converted.ref)] == [True, True, False]
    before = dump(session, Lead)
    again = take(
        session, as_file(found, tmp_path, form), mara, again=True
    )  # as a program sends it: no columns named
    assert (again.created, again.updated) == (0, 0)
    assert dump(session, Lead) == before


def test_some_columns_are_enough_and_rows_without_an_id_are_new(signed_in, session, mara, tmp_path):
    lead = make_lead(session, last_name="Puig", company="Acme", industry="Mills")
    session.commit()
    found = taken_out(signed_in(mara), tmp_path)
    row = {
        name: found[0][name] for name in ("id", "created_at", "updated_at", "owner", "company", "industry")
    }
    changed = {**row, "company": "", "industry": "Bread", "Odd": "Ask"}
    new = {**dict.fromkeys(changed, ""), "company": "New"}
    done, _page = brought_back(signed_in(mara), session, as_csv([changed, new]).encode())
    assert (done.created, done.updated, done.refused, done.warnings) == (1, 1, 0, 0)
    [event] = rows(session, Event, Event.verb == "edited")
    assert event.changes == {"industry": ["Mills", "Bread"]}
    assert (lead.company, lead.last_name, lead.imported) == ("Acme", "Puig", {"Odd": "Ask"})


@pytest.mark.parametrize("batch_rows", [500, 1])
def test_ids_that_are_not_found_refuse_their_rows(session, mara, monkeypatch, batch_rows):
    """However the rows fall into batches."""
    monkeypatch.setattr("app.intake.takers.LeadTaker.batch_rows", batch_rows)
    nil = make_user(session, "Nil", role=Role.CHANNEL_MANAGER, account_scope=AccountScope.PORTFOLIO)
    own = make_lead(session, owner=nil, company="Own", external_id="x1")
    bare = make_lead(session, owner=nil, company="Bare")
    hidden = make_lead(session, owner=mara, company="Hidden", external_id="x2")
    gone = make_lead(session, owner=nil, company="Gone", deleted_at=clock.now())
    named = [
        (own.ref, "Olot", ""), (hidden.ref, "Olot", ""), (gone.ref, "Olot", ""), ("lead_" + "1" * 22, "Olot", ""),
        ("no id", "Olot", ""), (own.ref, "Salt", ""), ("", "Vic", "x1"), (bare.ref, "Olot", "x1"), (bare.ref, "", "x2"),
        (bare.ref, "", "x3"), ("", "Pals", "x3"),
    ]  # fmt: skip
    cells = [{"id": ref, "City": city, "Company": "", "External id": x} for ref, city, x in named]
    for row in cells:
        row["Company"] = "Own" if row["id"] == own.ref or row["External id"] == "x1" else "Bare"
    mapping = {"id": "id", "City": "city", "Company": "company", "External id": "external_id"}
    done = take(session, as_csv(cells), nil, mapping=mapping)
    assert (done.created, done.updated, done.refused) == (0, 5, 6)
    none, taken = "There is no record of that id that you may change.", "Another record has this external id."
    assert {(issue.kind, issue.line, issue.reason) for issue in rows(session, ImportIssue)} == {
        *(("refused", line, none) for line in (3, 4, 5, 6)), ("refused", 9, taken), ("refused", 10, taken),
    }  # fmt: skip
    session.expire_all()
    assert (own.city, bare.city, bare.external_id) == ("Vic", "Pals", "x3")
    assert (own.company, bare.company) == ("Own", "Bare")
    assert (hidden.version, gone.version) == (1, 1)
