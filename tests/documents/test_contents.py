"""Stored contents: once each, checked when read, removed when nothing holds them and never while something does."""

import hashlib
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from app.documents.blobs import hold_blob
from app.documents.collecting import GRACE, adopt_strays, collect, remove_unused, verify_contents
from app.documents.models import Document, DocumentBlob, DocumentVersion, ScanState
from app.documents.operations import KEPT_DELETED, attach_document, delete_document
from app.documents.scanning import scan_step
from app.documents.storage import SMALL, Damaged, StorageUnavailable
from app.documents.uploads import receive_file
from app.kernel import clock
from app.kernel.db import transaction
from tests.documents.files import PDF, TEXT
from tests.factories import actor_of, make_lead, row_count, rows

DAY = timedelta(days=1)


@pytest.fixture
def attached(session, sal, stored):
    """A function that attaches a content to a lead of Sal's and commits."""
    actor, lead = actor_of(session, sal), make_lead(session, owner=sal)
    session.commit()

    def attach(content, name="a.txt", *, now=None, **values):
        session.commit()
        now = now or clock.now()
        received = receive_file(actor, io.BytesIO(content), name, now=now)
        with transaction() as writing:
            return attach_document(writing, actor, lead, received, now=now, **values).document

    attach.actor, attach.lead = actor, lead
    return attach


def lying(stored):
    return {found.digest for found in stored.everything()}


@pytest.mark.parametrize("size", [20, SMALL + 1])
def test_a_content_that_is_there_is_written_again_lest_its_absence_show_by_the_time(stored, size):
    content = b"x" * size
    digest = hashlib.sha256(content).hexdigest()

    def put(content):
        stored.put(digest, size, io.BytesIO(content))
        [file] = [each for each in stored.folder.rglob("*") if each.is_file()]
        return file.stat().st_ino

    assert put(content) != put(content)
    with pytest.raises(Damaged):
        put(b"y" * size)
    assert b"".join(stored.read(digest)) == content, "what was there stays"


def test_contents_are_removed_when_nothing_holds_them(session, attached, stored, mara):
    now = clock.now()
    first, second = attached(TEXT), attached(PDF, "b.pdf")
    other = make_lead(session, owner=mara)
    session.commit()
    received = receive_file(attached.actor, io.BytesIO(TEXT), "same.txt", now=now)
    with transaction() as writing:
        same = attach_document(writing, actor_of(writing, mara), other, received, now=now).document
    assert (row_count(session, DocumentBlob), len(lying(stored))) == (2, 2)
    # A crash between storing and committing: the content lies there, announced, without a version.
    receive_file(attached.actor, io.BytesIO(b"never attached"), "c.txt", now=now)
    # And one that no row knows of at all.
    stray = stored.folder / "ab" / "cd" / ("abcd" + "0" * 60)
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"stray")
    assert verify_contents().differences == 0
    assert collect(now=now + GRACE - timedelta(minutes=1)) == 0
    assert adopt_strays(now=now) == 0, "not of today: its row may be on its way"
    assert adopt_strays(now=now + 2 * DAY) == 1
    assert collect(now=now + 2 * DAY) == 1
    assert collect(now=now + 4 * DAY) == 1
    assert len(lying(stored)) == 2

    for document in (first, second):
        with transaction() as writing:
            delete_document(writing, attached.actor, document.ref, now=now)
    later = now + KEPT_DELETED + DAY
    assert collect(now=later) == 2
    assert [d.ref for d in rows(session, Document)] == [same.ref]
    assert collect(now=later + 2 * DAY) == 1, "the other content is held by the other lead's document"
    assert b"".join(stored.read(received.digest)) == TEXT
    assert verify_contents().differences == 0


def test_a_content_about_to_be_used_is_not_removed(session, attached, stored):
    now = clock.now()
    old = receive_file(attached.actor, io.BytesIO(TEXT), "a.txt", now=now - 3 * DAY)
    # Somebody uploads the same again: announced anew, it has another day.
    receive_file(attached.actor, io.BytesIO(TEXT), "b.txt", now=now)
    assert collect(now=now) == 0
    assert lying(stored) == {old.digest}
    # Removed between announcing and attaching: told, and nothing is attached that does not exist.
    assert collect(now=now + 2 * DAY) == 1
    with pytest.raises(StorageUnavailable), transaction() as writing:
        attach_document(writing, attached.actor, attached.lead, old, now=now)
    assert row_count(session, Document) == row_count(session, DocumentVersion) == 0
    # The object went, its row did not: the next upload stores it again.
    received = receive_file(attached.actor, io.BytesIO(TEXT), "c.txt", now=now)
    stored.delete(received.digest)
    attached(TEXT)
    assert lying(stored) == {received.digest}


@pytest.mark.databases("postgresql")
@pytest.mark.race
def test_whoever_holds_a_content_keeps_the_worker_from_it(session, app, attached, stored):
    now = clock.now()
    received = receive_file(attached.actor, io.BytesIO(TEXT), "a.txt", now=now - 3 * DAY)
    assert hold_blob(session, received.digest) is not None

    def elsewhere():
        with app.app_context():
            return remove_unused(now=now)

    with ThreadPoolExecutor() as pool:
        assert pool.submit(elsewhere).result(timeout=20) == 0
    session.rollback()
    with ThreadPoolExecutor() as pool:
        assert pool.submit(elsewhere).result(timeout=20) == 1
    assert lying(stored) == set()


@pytest.mark.databases("sqlite")
def test_damaged_and_missing_contents_are_found_and_not_sent(session, attached, stored, signed_in, sal, app):
    document, gone = attached(TEXT), attached(PDF, "b.pdf")
    digests = {v.document_id: rows(session, DocumentBlob, DocumentBlob.id == v.blob_id)[0].digest
               for v in rows(session, DocumentVersion)}  # fmt: skip
    path = next(stored.folder.rglob(digests[document.id]))
    path.write_bytes(TEXT.replace(b"12,50", b"99,99"))
    stored.delete(digests[gone.id])
    report = verify_contents()
    assert (report.damaged, report.missing) == ([digests[document.id]], [digests[gone.id]])
    result = app.test_cli_runner().invoke(args=["documents", "verify"])
    assert (result.exit_code, "2 differences" in result.output) == (1, True)
    with pytest.raises(Damaged):
        b"".join(stored.read(digests[document.id]))
    browser = signed_in(sal)
    assert browser.get(f"/documents/{gone.ref}/content").status_code == 503
    with pytest.raises(Damaged):  # it breaks off before its last piece
        browser.get(f"/documents/{document.ref}/content")


@pytest.mark.databases("sqlite")
def test_a_scanner_lets_files_pass_or_refuses_them(
    session, worlds, app, attached, stored, monkeypatch, signed_in, sal, mara
):
    script = "import sys; d = sys.stdin.buffer.read(); print('EICAR found'); sys.exit(1 if b'EICAR' in d else 2 if b'odd' in d else 0)"
    settings = app.extensions["canal.settings"].model_copy(
        update={"scan_command": f'{sys.executable} -c "{script}"'}
    )
    monkeypatch.setitem(app.extensions, "canal.settings", settings)
    document, bad, odd = attached(TEXT), attached(b"EICAR test", "b.txt"), attached(b"odd", "c.txt")
    browser = signed_in(sal)
    assert browser.get(f"/documents/{document.ref}/content").status_code == 409
    assert "Being scanned" in browser.get(f"/leads/{attached.lead.ref}").text
    while scan_step():
        pass
    states = {v.size_bytes: (v.state, v.note) for v in rows(session, DocumentVersion)}
    assert states == {
        len(TEXT): (ScanState.CLEAN, None),
        10: (ScanState.REFUSED, "EICAR found"),
        3: (ScanState.WAITING, "EICAR found"),
    }
    assert browser.get(f"/documents/{document.ref}/content").data == TEXT
    assert browser.get(f"/documents/{bad.ref}/content").status_code == 409
    assert browser.get(f"/documents/{odd.ref}/content").status_code == 409
    assert "Refused by the scanner" in browser.get(f"/documents/{bad.ref}").text
    # Of another's content nobody learns that it is there: neither that it has passed nor that it was refused.
    mine, actor = make_lead(session, owner=mara), actor_of(session, mara)
    session.commit()
    for content in (TEXT, b"EICAR test"):
        received = receive_file(actor, io.BytesIO(content), "mine.txt", now=clock.now())
        with transaction() as writing:
            again = attach_document(writing, actor, mine, received, now=clock.now()).document
        assert signed_in(mara).get(f"/documents/{again.ref}/content").status_code == 409
        assert "Being scanned" in signed_in(mara).get(f"/documents/{again.ref}").text
    while scan_step():
        pass
    assert sorted(v.state for v in rows(session, DocumentVersion)) == [
        "clean", "clean", "refused", "refused", "waiting",
    ]  # fmt: skip
