"""Attaching, finding, downloading, changing and deleting documents, through pages."""

import errno
import io

from app.documents.models import Document, DocumentBlob, DocumentVersion
from app.events.models import Event
from tests.documents.files import HTML, PDF, TEXT, given, png
from tests.factories import make_account, make_lead, row_count, rows
from tests.people import is_told

HTMX = {"HX-Request": "true"}


def attach(browser, path, *files, **fields):
    kept = {"headers": fields.pop("headers", {}), "page": fields.pop("page", path)}
    data = {"file": [given(*file) for file in files], "as_version": "y", **fields}
    return browser.submit(f"{path}/documents", data, content_type="multipart/form-data", **kept)


def texts(browser, url):
    return browser.get(url).get_data(as_text=True)


def test_a_document_from_attaching_to_restoring(signed_in, session, sal, mara, stored):
    account = make_account(session, "Forges", owner=sal)
    browser, path = signed_in(sal), f"/accounts/{account.ref}"
    answer = attach(
        browser, path, (png(), "..\\..\\Façana.png"), (HTML, "offer.pdf"), (png(), "again.png"),
        description="The shop from outside", tags="Photos, shop",
    )  # fmt: skip
    assert (answer.status_code, answer.location) == (303, f"{path}/documents")
    said = texts(browser, answer.location)
    assert "Façana.png is attached." in said
    assert "The name says PDF, but this is a web page" in said
    assert "Façana.png is there already; nothing was added." in said
    [document] = rows(session, Document)
    assert (document.name, document.account_id, document.file_type) == ("Façana.png", account.id, "png")
    assert "Façana.png" in texts(browser, path)
    events = rows(session, Event, Event.verb.in_(("created", "attached")), Event.detail.is_not(None))
    assert {(e.verb, e.record_ref) for e in events} >= {("created", document.ref), ("attached", account.ref)}

    here = f"/documents/{document.ref}"
    content = browser.get(f"{here}/content")
    assert content.data == png()
    headers = content.headers
    assert headers["Content-Type"] == "image/png"
    assert headers["Content-Disposition"].startswith('attachment; filename="Facana.png"; filename*=UTF-8')
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert "no-store" in headers["Cache-Control"]
    assert browser.get(f"{here}/content", headers={"If-None-Match": headers["ETag"]}).status_code == 304
    assert browser.get(f"{here}/preview").headers["Content-Disposition"].startswith("inline")
    assert f"{here}/preview" in texts(browser, here)
    part = browser.get(f"{here}/content", headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.data) == (206, png()[2:6])
    assert part.headers["Content-Range"] == f"bytes 2-5/{len(png())}"
    assert browser.get(f"{here}/content", headers={"Range": "bytes=-3"}).data == png()[-3:]
    changed = browser.get(f"{here}/content", headers={"Range": "bytes=2-5", "If-Range": '"other"'})
    assert (changed.status_code, changed.data) == (200, png())
    beyond = browser.get(f"{here}/content", headers={"Range": f"bytes={len(png())}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(png())}")

    for query in ("q=facana", "q=outs+shop", "tag=PHOTOS", "type=png&on=account&by=me", "q=" + document.ref):
        assert "Façana.png" in texts(browser, f"/documents?{query}"), query
    for query in ("q=inside", "type=pdf", "on=library", "internal=true", "created_at_to=2001-01-01"):
        assert "Façana.png" not in texts(browser, f"/documents?{query}"), query
    assert "Façana.png" in texts(
        browser, "/documents?filter=all(tag.equals:shop,type.in:png;pdf,size_bytes.gte:10)"
    )
    assert "Façana.png" in texts(browser, "/search?q=façana")

    saved = browser.submit(
        here, {"version": "1", "name": "=Front", "description": "", "tags": "front", "internal": "y"}
    )
    assert saved.status_code == 303
    session.refresh(document)
    assert (document.name, document.is_internal, document.version) == ("=Front.png", True, 2)
    stale = browser.submit(here, {"version": "1", "name": "Other", "tags": "front"})
    assert stale.status_code == 409

    answer = browser.submit(
        f"{here}/versions", {"file": given(PDF, "plan.pdf")}, page=here, content_type="multipart/form-data"
    )
    assert "has a new version, number 2" in texts(browser, here)
    assert browser.get(f"{here}/content").data == PDF
    shown = browser.get(f"{here}/preview")
    assert (shown.headers["Content-Type"], shown.headers["X-Frame-Options"]) == (
        "application/pdf",
        "SAMEORIGIN",
    )
    assert "sandbox;" in shown.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in shown.headers["Content-Security-Policy"]
    assert "frame-src 'self'" in browser.get(here).headers["Content-Security-Policy"]
    assert browser.get(f"{here}/versions/1/content").data == png()
    browser.submit(f"{here}/versions/1/restore", page=here)
    assert browser.get(f"{here}/content").data == png()
    assert [v.restored_from for v in rows(session, DocumentVersion)] == [None, None, 1]
    assert row_count(session, DocumentBlob) == 2, "each content is stored once"

    assert browser.submit(f"{here}/delete").location == path
    assert browser.get(here).status_code == browser.get(f"{here}/content").status_code == 404
    assert signed_in(mara).submit(f"{here}/restore", page="/profile").status_code == 404
    assert browser.submit(f"{here}/restore", page="/profile").status_code == 303
    assert browser.get(here).status_code == 200


def test_scripts_send_one_file_at_a_time(signed_in, session, pia, sal, stored):
    lead = make_lead(session, owner=pia)
    browser, path = signed_in(pia), f"/leads/{lead.ref}"
    answer = attach(browser, path, (TEXT, "prices.csv"), headers=HTMX)
    assert (answer.status_code, "prices.csv is attached." in answer.text) == (200, True)
    again = attach(browser, path, (TEXT + b"more", "prices.csv"), headers=HTMX)
    assert "prices.csv has a new version, number 2." in again.text
    refused = attach(browser, path, (HTML, "offer.pdf"), headers=HTMX)
    assert (refused.status_code, 'role="alert"' in refused.text) == (422, True)
    panel = browser.get(f"{path}/documents?panel=1", headers=HTMX).text
    assert "<html" not in panel
    assert "prices.csv" in panel
    assert "Not for partners" not in panel
    assert attach(signed_in(sal), path, (PDF, "offer.pdf")).status_code == 303
    listed = texts(browser, "/documents?view=all")
    assert "offer.pdf" in listed
    assert not is_told("Sal", listed)  # nobody of the vendor has a name for them
    assert "Pia" in listed
    assert signed_in(sal).get(f"{path}/documents").status_code == 200


def test_what_is_too_large_is_refused_before_it_is_read(signed_in, session, sal, stored, monkeypatch):
    lead = make_lead(session, owner=sal)
    browser, path = signed_in(sal), f"/leads/{lead.ref}/documents"
    token = browser.csrf(f"/leads/{lead.ref}")

    class Unread(io.BytesIO):
        def read(self, *_args):
            raise AssertionError("the body was read")

    for headers in ({}, HTMX):
        answer = browser.post(
            path, input_stream=Unread(), headers={"X-CSRFToken": token, **headers},
            content_type="multipart/form-data; boundary=x", environ_overrides={"CONTENT_LENGTH": str(200 * 1024 * 1024)},
        )  # fmt: skip
        assert answer.status_code == 413
        assert "more than 100 MB" in answer.text
    monkeypatch.setattr("app.documents.uploads.largest_document", lambda: 1000)
    answer = attach(browser, f"/leads/{lead.ref}", (TEXT * 100, "a.txt"), headers=HTMX)
    assert (answer.status_code, "100 MB" in answer.text) == (413, True)
    assert row_count(session, DocumentBlob) == row_count(session, Document) == 0
    assert list(stored.everything()) == []


def test_a_full_disk_is_told_and_leaves_nothing_half_done(signed_in, session, sal, stored, monkeypatch):
    lead = make_lead(session, owner=sal)

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("obstore.put", full)
    browser = signed_in(sal)
    answer = attach(browser, f"/leads/{lead.ref}", (TEXT, "a.txt"), headers=HTMX)
    assert (answer.status_code, "no room left" in answer.text) == (503, True)
    assert row_count(session, Document) == 0
    monkeypatch.undo()
    assert attach(browser, f"/leads/{lead.ref}", (TEXT, "a.txt"), headers=HTMX).status_code == 200
    # While the form itself is being read.
    monkeypatch.setattr("app.documents.views.receive_file", full)
    answer = attach(browser, f"/leads/{lead.ref}", (TEXT, "b.txt"), headers=HTMX)
    assert (answer.status_code, "no room left" in answer.text) == (503, True)
