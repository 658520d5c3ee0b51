"""What the tests of notifications share: an SMTP server, short waits."""

from collections.abc import Iterator

import pytest

from app.notifications import transports
from tests.notifications.smtp_server import SmtpServer, run_smtp_server


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    """A real SMTP server on this machine; see `smtp_server` for how it misbehaves."""
    yield from run_smtp_server()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up on a silent server after half a second instead of minutes."""
    for name in ("CONNECT_SECONDS", "ANSWER_SECONDS", "FINAL_ANSWER_SECONDS"):
        monkeypatch.setattr(transports, name, 0.5)
