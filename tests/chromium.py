"""A real Chromium for browser tests: the system's own, since nothing may be downloaded for a test.

`conftest.py` takes `browser_type_launch_args` from here, which pytest-playwright asks for.
"""

import os
from pathlib import Path
from typing import Any

import pytest

PLACES = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
FLAGS = (
    "--no-sandbox",  # root has none; pages under test are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium_path() -> str | None:
    """The Chromium to drive: `CANAL_TEST_CHROMIUM`, else the system's; None where there is none."""
    given = os.environ.get("CANAL_TEST_CHROMIUM")
    if given:
        return given
    return next((place for place in PLACES if Path(place).exists()), None)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """pytest-playwright's arguments, for the system's Chromium."""
    path = chromium_path()
    if path is None:
        pytest.fail(
            "no Chromium on this machine: run tests/system-packages as root, or set CANAL_TEST_CHROMIUM"
        )
    return {**browser_type_launch_args, "executable_path": path, "args": list(FLAGS)}
