"""`/healthz` and `/readyz`, asked of a web process as it runs for real."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def ask(port, path):
    """Status, text and headers of an answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode(), refusal.headers


@pytest.fixture
def environ(tmp_path):
    """Settings of an installation of its own, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CANAL_")}
    return kept | {"CANAL_DATA": str(tmp_path / "data"), "PORT": str(port)}


def wait_for_port(port):
    """Return when something answers there."""
    give_up = time.monotonic() + 60  # a busy machine starts it slowly
    while time.monotonic() < give_up:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing answers on port {port}")


def command(*words):
    return [sys.executable, "-m", "flask", "--app", "app", *words]


@pytest.fixture
def web(environ):
    """Starts `flask web`; gives the process and its port."""
    with subprocess.Popen(
        command("web"), cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            port = int(environ["PORT"])
            wait_for_port(port)
            yield process, port
        finally:
            process.kill()  # or its end would be waited for


def test_a_process_without_migrations_lives_but_is_not_ready(web, environ):
    port = web[1]
    assert ask(port, "/healthz")[:2] == (200, "ok\n")
    status, text, headers = ask(port, "/readyz")
    assert status == 503
    assert (
        text == "not ready: the database is not at the newest migration; run `flask --app app db upgrade`\n"
    )
    assert headers["Cache-Control"] == "no-store"
    subprocess.run(command("db", "upgrade"), cwd=ROOT, env=environ, check=True, capture_output=True)
    assert ask(port, "/readyz")[:2] == (200, "ready\n")


def test_a_database_that_is_gone_is_told_without_its_address(environ):
    environ["CANAL_DATABASE_URL"] = "postgresql+psycopg://canal:hunter2@127.0.0.1:1/canal"
    said = subprocess.run(
        [sys.executable, "-c", "from app import create_app; a = create_app().test_client().get('/readyz'); print(a.status_code, a.text)"],
        cwd=ROOT, env=environ, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert said.splitlines()[-2:] == ["503 not ready: the database cannot be reached", ""]
    assert "hunter2" not in said


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)])
def test_the_web_process_ends_in_order_when_asked(web, number):
    process, port = web
    assert ask(port, "/healthz")[0] == 200
    process.send_signal(number)
    assert process.wait(10) == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


SLOW = """
import time
from app import create_app
app = create_app()
@app.get("/slow")
def slow():
    time.sleep(1)
    return "done"
app.test_cli_runner().invoke(args=["web"], catch_exceptions=False)
"""


def test_a_request_at_work_is_answered_before_the_process_ends(environ, tmp_path):
    with (
        (tmp_path / "out").open("w+") as out,
        subprocess.Popen([sys.executable, "-c", SLOW], cwd=ROOT, env=environ, stdout=out) as process,
        ThreadPoolExecutor(1) as pool,
    ):
        port = int(environ["PORT"])
        wait_for_port(port)
        answer = pool.submit(ask, port, "/slow")
        time.sleep(0.4)
        process.terminate()
        assert answer.result()[:2] == (200, "done")
        assert process.wait(10) == 0
