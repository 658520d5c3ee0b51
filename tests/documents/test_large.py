"""A file of 200 MB through a real server: taken in flat memory where it may be, refused early where it may not."""

import hashlib
import http.client
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from app.settings import ROOT
from tests.documents.files import PDF

MEGABYTE = 1024 * 1024
SIZE = 200 * MEGABYTE
FLASK = [sys.executable, "-m", "flask", "--app", "app"]
MOST_GROWTH = 60 * MEGABYTE

pytestmark = [pytest.mark.long]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def memory(pid):
    """The highest resident size of the process so far, in bytes."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) * 1024


def send(port, path, token, size):
    """(status, body) of a form with a PDF of that size, sent in pieces."""
    head = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="large.pdf"\r\n'
        b"Content-Type: application/pdf\r\n\r\n"
    )
    tail = b"\r\n--x--\r\n"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.putrequest("POST", path)
    for name, value in (
        ("Authorization", f"Bearer {token}"),
        ("Content-Type", "multipart/form-data; boundary=x"),
        ("Content-Length", str(len(head) + size + len(tail))),
    ):
        connection.putheader(name, value)
    connection.endheaders()
    digest, piece = hashlib.sha256(), PDF + b"\n" * (MEGABYTE - len(PDF))
    try:
        connection.send(head)
        for _number in range(size // MEGABYTE):
            connection.send(piece)
            digest.update(piece)
        connection.send(tail)
    except (BrokenPipeError, ConnectionResetError):
        pass  # refused before the end
    with closing(connection):
        answer = connection.getresponse()
        return answer.status, answer.read(), digest.hexdigest()


@pytest.mark.parametrize("limit", [256, 100])
def test_two_hundred_megabytes(tmp_path, limit):
    port = free_port()
    environment = {
        **os.environ, "CANAL_DATA": str(tmp_path / "data"), "CANAL_DOCUMENT_MB": str(limit), "PORT": str(port),
        "CANAL_SECOND_FACTOR_ROLES": "", "CANAL_DATABASE_URL": "", "TMPDIR": str(tmp_path),
    }  # fmt: skip

    def run(*args, **kwargs):
        return subprocess.run(
            [*FLASK, *args], cwd=ROOT, env=environment, check=True, capture_output=True, text=True, **kwargs
        )

    run("db", "upgrade")
    run("user", "create", "ada@example.com", "--name", "Ada", "--role", "administrator", "--password-stdin",
        input="tall ships leave at noon\n")  # fmt: skip
    token = run("token", "create", "ada@example.com", "--name", "t").stdout.split()[-1]
    server = subprocess.Popen([*FLASK, "web"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait(port)
        assert (
            send(port, "/api/v1/documents", token, MEGABYTE)[0] == 201
        )  # what is loaded on first use is there
        before, began = memory(server.pid), time.monotonic()
        status, body, digest = send(port, "/api/v1/documents", token, SIZE)
        seconds, growth = time.monotonic() - began, memory(server.pid) - before
        print(f"{status} in {seconds:.1f} s, {growth / MEGABYTE:.1f} MB more than before")
        assert growth < MOST_GROWTH
        stored = [path for path in (tmp_path / "data" / "documents").rglob("*") if path.is_file()]
        rows = (
            sqlite3.connect(tmp_path / "data" / "canal.db")
            .execute("select count(*) from document")
            .fetchone()[0]
        )
        if limit < 200:
            assert (status, b"100 MB" in body, len(stored), rows) == (413, True, 1, 1)
            return
        assert (status, len(stored), rows) == (201, 2, 2)
        assert digest.encode() in body
        ref = re.search(rb'"id":\s*"(doc_\w+)"', body)[1].decode()
        assert digest_of(port, f"/api/v1/documents/{ref}/content", token) == digest
        assert memory(server.pid) - before < MOST_GROWTH
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def digest_of(port, path, token):
    """The digest of what is downloaded."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        found, answer = hashlib.sha256(), connection.getresponse()
        while piece := answer.read(MEGABYTE):
            found.update(piece)
    return found.hexdigest()


def _wait(port):
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            try:
                connection.request("GET", "/healthz")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                time.sleep(0.2)
    raise AssertionError("the server does not answer")
