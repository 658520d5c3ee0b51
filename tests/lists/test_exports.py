"""Lists as files: written by the worker, for whoever asked, of what they may read, harmless, gone after a day."""

import csv
import io
import re
import zipfile
from dataclasses import replace
from datetime import timedelta

import pytest

from app.events.models import Event
from app.identity.models import AccountScope
from app.intake.tables import open_table
from app.kernel import clock
from app.kernel.actor import Actor, Role
from app.lists.jobs import forget_jobs, run_waiting
from app.lists.models import ListJob
from app.lists.sheet_file import SheetFile
from app.lists.standing import has_lost, standing_of
from tests.factories import actor_of, make_account, make_contact, make_lead, make_source, make_user, rows


def take_out(browser, thing="account", format_="csv", **params):
    fields = {"format": format_, **{f"p.{name}": value for name, value in params.items()}}
    answer = browser.submit(f"/lists/{thing}/export", fields, page=f"/{thing}s")
    assert answer.status_code == 303, answer.get_data(as_text=True)
    while run_waiting(seconds=0):
        pass
    return answer.location


def read(browser, location):
    answer = browser.get(f"{location}/file")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def test_a_list_is_taken_out(signed_in, session, sal, mara, monkeypatch):
    monkeypatch.setattr("app.lists.export_run.BATCH", 2)
    for n in range(5):
        make_account(session, f"Shop {n}", owner=sal, industry="Retail", employees=n)
    make_account(session, "=1+1", owner=sal, industry="Retail", phone="+34 600 111 222")
    make_account(session, "Mill", owner=sal)
    browser = signed_in(sal)
    page = take_out(browser, industry="retail", sort="-name")
    assert "The file is ready" in browser.get(page).get_data(as_text=True)
    found = read(browser, page)
    assert [row["name"] for row in found] == [*(f"Shop {n}" for n in (4, 3, 2, 1, 0)), "'=1+1"]
    assert (found[0]["employees"], found[0]["owner"], found[-1]["phone"]) == ("4", "Sal", "+34 600 111 222")
    [event] = rows(session, Event, Event.verb == "exported")
    assert event.detail["filter"] == {"industry": ["retail"]}
    answer = browser.get(f"{page}/file")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    name = re.escape("attachment; filename=accounts-") + r"\d{4}-\d\d-\d\d\.csv"
    assert re.fullmatch(name, answer.headers["Content-Disposition"])
    for address in (page, f"{page}/file"):
        assert signed_in(mara).get(address).status_code == 404


def test_leads_are_taken_out_as_they_are_filtered(signed_in, session, mara, vic, pia):
    source = make_source(session, "Fair in Lleida")
    lead = make_lead(
        session, owner=pia, company='Forges, del "Ter"', country="ES", source=source, employees=1250, annual_revenue=10.0,
        description="One\nTwo", interest_confirmed=True, score=2, last_name="=1+1",
    )  # fmt: skip
    for number in range(3):
        make_lead(session, country="ES", company=f"C{number}", score=number // 2)
    make_lead(session, country="FR")
    browser = signed_in(mara)
    found = read(browser, take_out(browser, "lead", country="ES", sort="-score"))
    assert [row["score"] for row in found] == ["2", "1", "0", "0"]
    row = found[0]
    assert (row["id"], row["company"], row["last_name"]) == (lead.ref, 'Forges, del "Ter"', "'=1+1")
    assert (row["owner"], row["partner"], row["source"], row["status"]) == (
        "Pia", "Northwind", "Fair in Lleida", "new",
    )  # fmt: skip
    assert (row["employees"], row["annual_revenue"], row["description"], row["interest_confirmed"]) == (
        "1250", "10", "One\nTwo", "true",
    )  # fmt: skip
    [event] = rows(session, Event, Event.verb == "exported")
    assert (event.detail["object"], event.detail["filter"]) == ("lead", {"country": ["ES"]})
    for person in (vic, pia):
        assert signed_in(person).submit("/lists/lead/export", page="/profile").status_code == 403
    assert browser.submit("/lists/lead/export", {"p.country": "Narnia"}, page="/leads").status_code == 422
    assert len(rows(session, Event, Event.verb == "exported")) == 1


def test_a_spreadsheet_has_text_as_text(signed_in, session, sal, app, tmp_path):
    make_contact(session, "=cmd()", account=make_account(session, "Alder", owner=sal), owner=sal)
    browser = signed_in(sal)
    page = take_out(browser, "contact", "xlsx")
    file = tmp_path / "contacts.xlsx"
    file.write_bytes(browser.get(f"{page}/file").get_data())
    [row] = list(open_table(file).rows())
    assert (row.cells["last_name"], row.cells["account_id"]) == ("=cmd()", "Alder")


def test_a_file_holds_what_one_may_read_when_it_is_written(signed_in, session, mara):
    pol = make_user(session, "Pol", account_scope=AccountScope.PORTFOLIO)
    make_account(session, "Own", owner=pol)
    other = make_account(session, "Other", owner=mara)
    make_contact(session, "Hidden", account=other)
    browser = signed_in(pol)
    assert [row["name"] for row in read(browser, take_out(browser))] == ["Own"]
    assert read(browser, take_out(browser, "contact")) == []


def test_a_file_is_withdrawn_from_who_has_lost_what_it_may_hold(signed_in, session, sal, mara, api):
    make_account(session, "Other", owner=mara)
    browser = signed_in(sal)
    page = take_out(browser)
    assert len(read(browser, page)) == 1
    sal.account_scope = AccountScope.PORTFOLIO
    session.commit()
    assert "The file was withdrawn" in browser.get(page).get_data(as_text=True)
    assert browser.get(f"{page}/file").status_code == 409
    ref = page.rsplit("/", 1)[1]
    assert api(sal).get(f"/exports/{ref}").get_json()["url"] is None
    assert api(sal).get(f"/exports/{ref}/file").status_code == 409
    sal.account_scope = AccountScope.ALL
    session.commit()
    assert len(read(browser, page)) == 1  # it is theirs again
    actor = actor_of(session, sal)
    for name in (each for each in Actor.__dataclass_fields__ if each.startswith("default_")):
        assert has_lost(replace(actor, **{name: None}), standing_of(actor)), name
    sal.role = Role.VIEWER
    session.commit()
    assert browser.get(f"{page}/file").status_code == 403


def test_a_file_is_gone_after_a_day(signed_in, session, sal, app):
    make_account(session, "Alder", owner=sal)
    browser = signed_in(sal)
    page = take_out(browser)
    job = rows(session, ListJob)[0]
    job.expires_at = clock.now() - timedelta(seconds=1)
    session.commit()
    assert browser.get(f"{page}/file").status_code == 404
    assert forget_jobs(now=clock.now()) == 1
    assert "not kept any more" in browser.get(page).get_data(as_text=True)
    forget_jobs(now=clock.now() + timedelta(days=8))
    assert rows(session, ListJob) == []


@pytest.mark.parametrize("who", ["vic", "pia"])
def test_viewers_and_partners_take_nothing_out(request, signed_in, session, who):
    browser = signed_in(request.getfixturevalue(who))
    for thing in ("account", "contact"):
        assert browser.submit(f"/lists/{thing}/export", {}, page="/profile").status_code == 403
    assert rows(session, Event, Event.verb == "exported") == []


def test_the_api_takes_lists_out(api, session, sal, mara, pia):
    make_account(session, "Alder", owner=sal, industry="Retail")
    make_account(session, "Birch", owner=mara, industry="Wine")
    make_lead(session, owner=sal, company="Forges")
    session.commit()
    client = api(sal)
    refused = client.post("/exports", {"object": "account", "filter": {"shoe": "43"}})
    assert (refused.status_code, "shoe" in refused.get_json()["errors"]) == (422, True)
    assert client.post("/exports", {"object": "hat"}).status_code == 422
    asked = [
        client.post("/exports", {"object": "account", "format": "csv", "filter": {"owner": sal.ref}}),
        client.post("/exports", {"object": "account", "filter": {"all": [{"not": {"field": "industry", "op": "equals", "value": "Retail"}}, {"field": "industry", "op": "is_not_empty"}]}}),
        client.post("/exports", {"object": "lead", "filter": {"company": "forges"}}),
    ]  # fmt: skip
    while run_waiting(seconds=0):
        pass
    names = []
    for answer in asked:
        assert answer.status_code == 202
        done = client.get(f"/exports/{answer.get_json()['id']}").get_json()
        assert (done["state"], done["rows"]) == ("done", 1)
        file = client.get(done["url"].removeprefix("/api/v1"))
        row = next(csv.DictReader(io.StringIO(file.get_data().decode("utf-8-sig"))))
        names.append(row.get("name") or row["company"])
        assert api(mara).get(f"/exports/{answer.get_json()['id']}").status_code == 404
    assert names == ["Alder", "Birch", "Forges"]
    assert api(pia).post("/exports", {"object": "lead"}).status_code == 403


@pytest.mark.databases("sqlite")
def test_a_workbook_keeps_every_text_and_begins_a_sheet_where_one_is_full(tmp_path):
    file = tmp_path / "book.xlsx"
    sheet = SheetFile(file, sheet_rows=2)
    odd = ["=1+1", " a<&>\nb ", "_x0041_\x01\x1f", "L" * 40_000]
    sheet.write([["name", *odd[:2]], ["size", 7, 2.5]])
    sheet.write([odd[2:], ["", 10**16]])
    sheet.close()
    with zipfile.ZipFile(file) as book:
        sheets = [book.read(f"xl/worksheets/sheet{n}.xml").decode() for n in (1, 2)]
        assert book.testzip() is None
    assert [text.count("<row ") for text in sheets] == [3, 3]
    assert not any("<f>" in text or "<f " in text for text in sheets)
    found = [row.cells for row in open_table(file).rows()]
    assert found == [{"name": odd[0], "size": "7"}, {"name": odd[1], "size": "2.5"}]
    other = tmp_path / "other.xlsx"
    sheet = SheetFile(other)
    sheet.write([["name", *odd[2:]], ["size", True, 10**16]])
    sheet.close()
    found = [row.cells for row in open_table(other).rows()]
    assert found == [
        {"name": odd[2], "size": "True"},
        {"name": odd[3][:32_767], "size": "10000000000000000"},
    ]
