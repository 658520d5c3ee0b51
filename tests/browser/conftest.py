"""A whole Canal for a browser: the demo company, web and worker as processes, one SQLite file, mail in a folder."""

import fcntl
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.demo.company import PASSWORD
from app.settings import ROOT

DEMO_LEADS = 1500
PATIENCE_MS = 30_000  # a slow machine with other work may take long; nothing is asserted about how long
PEOPLE = {
    "channel manager": "mara@adventure-works.example",
    "administrator": "ada@adventure-works.example",
    "partner user": "pia@northwest.example",
    "rival": "otto@rival.example",
    "catalan partner user": "montse@shop.example",
}
FLASK = [sys.executable, "-m", "flask", "--app", "app"]
expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True)
class Portal:
    """A running Canal."""

    url: str
    data: Path

    def mails_to(
        self, address: str, *, about: str = "", at_least: int = 1, seconds: float = 60
    ) -> list[EmailMessage]:
        """Mails to that address, oldest first; waits until there are enough.  about: what their text holds."""
        give_up = time.monotonic() + seconds
        while True:
            found = []
            for path in sorted((self.data / "mail").glob("*.eml"), key=lambda p: p.stat().st_mtime_ns):
                with path.open("rb") as file:
                    message = BytesParser(policy=policy.default).parse(file)
                body = message.get_body(("plain",))
                if address in str(message["To"]) and body is not None and about in body.get_content():
                    found.append(message)
            if len(found) >= at_least:
                return found
            if time.monotonic() > give_up:
                raise AssertionError(f"{len(found)} mails to {address}, not {at_least}")
            time.sleep(0.1)


def link_in(message: EmailMessage) -> str:
    """The first address in the text part: the link of the mail."""
    body = message.get_body(("plain",))
    assert body is not None
    found = re.search(r"https?://\S+", body.get_content())
    assert found is not None, body.get_content()
    return found.group(0)


def executive_of(portal: Portal) -> str:
    """The address of a partner's executive who may invite colleagues."""
    with closing(sqlite3.connect(f"file:{portal.data / 'canal.db'}?mode=ro", uri=True)) as database:
        found = database.execute(
            "SELECT user.email FROM user JOIN partner_account ON account_id = partner_account_id"
            " WHERE role = 'executive' AND user.state = 'active' AND may_invite = 'manager' ORDER BY user.id"
        ).fetchone()
    return str(found[0])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Portal]:
    """Canal as `make run` starts it, with a smaller demo company, which one worker loads for all."""
    folder = tmp_path_factory.getbasetemp()
    of_the_run = folder if worker_id == "master" else folder.parent
    with (of_the_run / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (of_the_run / "demo").exists():
            load_demo(of_the_run / "loading", ["--leads", str(DEMO_LEADS)])
            (of_the_run / "loading").rename(of_the_run / "demo")
    with running(Path(shutil.copytree(of_the_run / "demo", folder / "portal"))) as found:
        yield found


def load_demo(data: Path, demo: list[str]) -> None:
    """A demo company, its data in that folder.  demo: options of `demo load`."""
    data.mkdir(exist_ok=True)
    for command in (["db", "upgrade"], ["demo", "load", *demo]):
        done = subprocess.run(
            [*FLASK, *command], cwd=ROOT, env=_environment(data), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def _environment(data: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CANAL_")}
    return {**kept, "CANAL_DATA": str(data), "CANAL_RATE_LIMITS": "off", "CANAL_LOG_LEVEL": "warning"}


@contextmanager
def running(data: Path) -> Iterator[Portal]:
    """Canal with the data in that folder."""
    port = _free_port()
    environment = {**_environment(data), "PORT": str(port)}
    with (data / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [*FLASK, "serve"], cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_until_up(url, process, data / "serve.log")
            yield Portal(url, data)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)


def _wait_until_up(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    give_up = time.monotonic() + 120
    while time.monotonic() < give_up:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"not up: {log.read_text()}")


SignIn = Callable[..., Page]


@pytest.fixture
def sign_in(portal: Portal, browser: Browser) -> Iterator[SignIn]:
    """`sign_in("partner user", width=390, theme="dark", script=False)` → a page of theirs at home.  at: another Canal.

    An error in a page's script fails the test at its end.
    """
    contexts: list[BrowserContext] = []
    failures: list[str] = []

    def open_page(
        who: str, *, width: int = 1280, theme: str = "light", script: bool = True, at: str = portal.url
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if theme == "dark" else "light",
            java_script_enabled=script,
            locale="en-GB",
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: failures.append(f"{page.url}: {error}"))
        page.goto(f"{at}/sign-in")
        page.fill("[name=email]", PEOPLE.get(who, who))
        page.fill("[name=password]", PASSWORD)
        page.click("main button[type=submit]")
        page.wait_for_url(f"{at}/")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert failures == []
