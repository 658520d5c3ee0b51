"""Imports on screen: the journey of a file, who may do what, and files that are not as they should be."""

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.identity.models import User
from app.intake import files, takers
from app.intake.forms import field_groups
from app.intake.models import Import, ImportState
from app.intake.run import run_waiting
from app.kernel import clock
from app.leads.models import Lead
from tests.factories import dump, make_user, row_count, rows
from tests.intake.importing import leads_by_name, submit, take
from tests.people import Client

SignIn = Callable[[User], Client]
FILE = "Surname;Town;Mail;Odd\nPuig;Girona;puig@acme.example;1\nRoca;Olot;;2\n;Salt;;=cmd\n"


def upload(client: Client, content: str | bytes, name: str = "leads.csv") -> Any:
    data = content.encode() if isinstance(content, str) else content
    answer = client.submit("/imports/new", {"file": (io.BytesIO(data), name)})
    answer.request.input_stream.close()  # the client leaves the temporary file of a large upload open
    return answer


def kept_files(app: Flask) -> set[str]:
    folder = app.extensions["canal.settings"].data / files.FOLDER
    return {file.name for file in folder.iterdir()} if folder.exists() else set()


def mapped(client: Client, url: str, **columns: str) -> Any:
    return client.submit(url, {f"column-{n.removeprefix('c')}": field for n, field in columns.items()})


def test_the_journey_of_a_file(app: Flask, session: Session, mara: User, signed_in: SignIn) -> None:
    client = signed_in(mara)
    assert "Nothing has been imported yet" in client.get("/imports").text
    answer = upload(client, FILE)
    assert answer.status_code == 303
    columns = answer.headers["Location"]
    page = client.get(columns).text
    for suggested in ("last_name", "city", "email"):
        assert f'value="{suggested}" selected' in page
    assert "Girona · Olot · Salt" in page
    answer = mapped(client, columns, c0="last_name", c1="city", c2="email")
    assert answer.status_code == 303
    check = client.get(answer.headers["Location"]).text
    assert "All 3 rows were tried" in check
    assert "Unassigned" in check
    assert row_count(session, Lead) == 0
    answer = client.submit(columns.replace("/map", "/start"), page=columns.replace("/map", "/check"))
    show = answer.headers["Location"]
    waiting = client.get(show).text
    assert "<progress" in waiting
    assert 'hx-trigger="every 1s"' in waiting
    fragment = client.get(show, headers={"HX-Request": "true"}).text
    assert fragment.lstrip().startswith('<div class="stack" id="import-state"')
    assert "<html" not in fragment
    while run_waiting(clock.now()):
        pass
    done = client.get(show).text
    assert "every 1s" not in done
    ref = show.rpartition("/")[2]
    assert f'href="/leads?import={ref}&amp;count=all"' in done
    listed = client.get(f"/leads?import={ref}").text
    assert all(lead.ref in listed for lead in rows(session, Lead))
    rejected = client.get(f"{show}/rejected.csv", buffered=True)
    assert rejected.headers["Content-Disposition"].startswith("attachment")
    table = list(csv.reader(io.StringIO(rejected.text.removeprefix("\ufeff")), delimiter=";"))
    assert [(row[0], row[2], row[5]) for row in table[1:]] == [("4", "", "'=cmd")]
    assert leads_by_name(session)["Puig"].imported == {"Odd": "1"}
    listed = client.get("/imports").text
    assert "leads.csv" in listed
    assert "2 created" in listed
    # Corrected and sent back as it is, its two notes in front are no columns, and what was chosen before is offered.
    back = upload(client, rejected.data)
    offered = client.get(back.headers["Location"]).text
    assert "reason" not in rows(session, Import)[-1].options["headers"]
    assert "the same columns" in offered


def test_showing_changes_nothing(app: Flask, session: Session, mara: User, signed_in: SignIn) -> None:
    client = signed_in(mara)
    columns = upload(client, FILE).headers["Location"]
    mapped(client, columns, c0="last_name")
    before = dump(session, Import, Lead)
    for url in (columns, columns.replace("/map", "/check"), "/imports", "/imports/new"):
        assert client.get(url).status_code == 200
    assert dump(session, Import, Lead) == before


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(300), "picture"),
        (b"%PDF-1.7\nstuff", "PDF"),
        (b"PK\x03\x04 broken", "damaged"),
        (b'{"a": 1}', "JSON"),
        (bytes(range(256)) * 20, "not a text file"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_words_and_nothing_is_kept(
    app: Flask, session: Session, mara: User, signed_in: SignIn, content: bytes, says: str
) -> None:
    before = kept_files(app)
    answer = upload(signed_in(mara), content)
    assert answer.status_code == 422
    assert says in answer.text
    assert row_count(session, Import) == 0
    assert kept_files(app) == before


def test_no_file_at_all_is_422(app: Flask, mara: User, signed_in: SignIn) -> None:
    answer = signed_in(mara).submit("/imports/new", {})
    assert answer.status_code == 422
    assert "Choose a file" in answer.text


@pytest.mark.databases("sqlite")
def test_fifty_megabytes_are_taken_and_more_are_not(
    app: Flask, session: Session, mara: User, signed_in: SignIn
) -> None:
    line = b"Puig," + b"x" * 4_094 + b"\n"
    full = b"Last name,Note\n" + line * ((files.LARGEST_UPLOAD - 15) // len(line))
    client = signed_in(mara)
    assert upload(client, full).status_code == 303
    answer = upload(client, full + line * 2)
    assert answer.status_code == 422
    assert "50 MB" in answer.text
    assert row_count(session, Import) == 1


@pytest.mark.databases("sqlite")
def test_every_field_that_a_column_can_hold_is_offered(app: Flask, session: Session) -> None:
    for kind in ("lead", "account", "contact", "account_contact"):
        offered = [name for _title, found in field_groups(kind) for name, _label in found]
        assert sorted(offered) == sorted(takers.fields_of(kind)), kind


def test_three_hundred_columns_are_mapped_and_kept(
    app: Flask, session: Session, mara: User, signed_in: SignIn
) -> None:
    headers = ["Last name", *(f"Column no. {n}" for n in range(299))]
    content = ",".join(headers) + "\n" + "Puig," + ",".join(str(n) for n in range(299)) + "\n"
    client = signed_in(mara)
    columns = upload(client, content).headers["Location"]
    assert client.get(columns).text.count("<select") == 300
    check = mapped(client, columns, c0="last_name").headers["Location"]
    client.submit(check.replace("/check", "/start"), page=check)
    while run_waiting(clock.now()):
        pass
    (lead,) = rows(session, Lead)
    assert len(lead.imported) == 299
    assert lead.imported["Column no. 298"] == "298"


def test_wrong_columns_are_422_with_the_page_as_chosen(
    app: Flask, session: Session, mara: User, signed_in: SignIn
) -> None:
    client = signed_in(mara)
    columns = upload(client, FILE).headers["Location"]
    answer = mapped(client, columns, c0="last_name", c1="last_name", c2="shoe_size")
    assert answer.status_code == 422
    assert "has a column already" in answer.text
    assert "There is no field" in answer.text
    assert answer.text.count('value="last_name" selected') == 2
    assert mapped(client, columns).status_code == 422
    assert rows(session, Import)[0].mapping == {}


def test_a_file_that_was_imported_before_asks_first(
    app: Flask, session: Session, mara: User, signed_in: SignIn
) -> None:
    take(session, "Last name\nPuig\n", by=mara)
    client = signed_in(mara)
    columns = upload(client, "Last name\nPuig\n").headers["Location"]
    check = mapped(client, columns, c0="last_name").headers["Location"]
    assert "imported before" in client.get(check).text
    start = check.replace("/check", "/start")
    assert client.submit(start, page=check).headers["Location"] == check
    assert rows(session, Import)[-1].state is ImportState.DRAFT
    client.submit(start, {"again": "1"}, page=check)
    while run_waiting(clock.now()):
        pass
    assert row_count(session, Lead) == 2


def test_cancelling_before_the_start_throws_the_file_away(
    app: Flask, session: Session, mara: User, signed_in: SignIn
) -> None:
    client, before = signed_in(mara), kept_files(app)
    columns = upload(client, FILE).headers["Location"]
    assert len(kept_files(app)) == len(before) + 1
    assert client.submit(columns.replace("/map", "/cancel"), page=columns).status_code == 303
    assert kept_files(app) == before
    show = columns.removesuffix("/map")
    assert client.submit(f"{show}/start", page=show).status_code == 409


def test_a_failed_import_can_go_on(
    app: Flask, session: Session, mara: User, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = submit(session, "Last name\nPuig\n", by=mara)
    monkeypatch.setattr(takers, "take_rows", lambda *_: 1 / 0)
    while run_waiting(clock.now()):
        pass
    monkeypatch.undo()
    client = signed_in(mara)
    page = client.get(f"/imports/{import_.ref}").text
    assert "did not come to its end" in page
    assert client.submit(f"/imports/{import_.ref}/resume", page=f"/imports/{import_.ref}").status_code == 303
    while run_waiting(clock.now()):
        pass
    assert row_count(session, Lead) == 1


def test_who_may_not_import_is_refused_everywhere(
    app: Flask, session: Session, mara: User, vic: User, pia: User, signed_in: SignIn
) -> None:
    ref = take(session, "Last name\nPuig\n,\n", by=mara).ref
    for person in (vic, pia):
        client = signed_in(person)
        for url in (
            "",
            "/new",
            f"/{ref}",
            f"/{ref}/map",
            f"/{ref}/check",
            f"/{ref}/rejected.csv",
            f"/{ref}/warnings.csv",
        ):
            assert client.get(f"/imports{url}").status_code == 403, (person.name, url)
        for url in ("/new", f"/{ref}/map", f"/{ref}/start", f"/{ref}/cancel", f"/{ref}/resume"):
            assert client.submit(f"/imports{url}", page="/profile").status_code == 403, (person.name, url)


def test_somebody_elses_import_is_not_there(
    app: Flask, session: Session, mara: User, ada: User, signed_in: SignIn
) -> None:
    ref = take(session, "Last name,City\nPuig,\n,Girona\n", by=mara).ref
    other = signed_in(make_user(session, role=mara.role))
    for url in (f"/{ref}", f"/{ref}/map", f"/{ref}/check", f"/{ref}/rejected.csv", f"/{ref}/warnings.csv"):
        assert other.get(f"/imports{url}").status_code == 404
    for url in ("map", "start", "cancel", "resume"):
        assert other.submit(f"/imports/{ref}/{url}", page="/profile").status_code == 404
    assert ref not in other.get("/imports").text
    assert ref in signed_in(ada).get("/imports").text
    assert signed_in(ada).get(f"/imports/{ref}").status_code == 200


def test_the_list_pages_by_key(app: Flask, session: Session, mara: User, signed_in: SignIn) -> None:
    for n in range(55):
        submit(session, f"Last name\nName {n}\n", by=mara)
    client = signed_in(mara)
    first = client.get("/imports").text
    assert first.count('id="imp_') == 50
    older = re.search(r'href="(/imports\?cursor=[^"]+)" rel="next"', first)
    assert older is not None
    second = client.get(older[1]).text
    assert second.count('id="imp_') == 5
    newer = re.search(r'href="(/imports\?cursor=[^"]+)" rel="prev"', second)
    assert newer is not None
    assert client.get(newer[1]).text.count('id="imp_') == 50


def test_script_in_a_file_is_text_on_every_page(
    app: Flask, session: Session, mara: User, signed_in: SignIn
) -> None:
    evil = "<script>alert(1)</script>"
    client = signed_in(mara)
    columns = upload(client, f'Last name,"{evil}"\n"{evil}",{evil}\n,"{evil}"\n', f"{evil}.csv").headers[
        "Location"
    ]
    check = mapped(client, columns, c0="last_name").headers["Location"]
    pages = [client.get(columns).text, client.get(check).text]
    client.submit(check.replace("/check", "/start"), page=check)
    while run_waiting(clock.now()):
        pass
    pages += [client.get(check.removesuffix("/check")).text, client.get("/imports").text]
    assert not [page for page in pages if evil in page]
