"""Where the public data sets are that tests read; tests skip, and say so, where they are absent."""

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("CANAL_TEST_DATA") or Path(__file__).parents[2] / "shared" / "data")


def shared_data(*parts: str) -> Path:
    """The file or folder in the data folder.  Skips the test when it is not there."""
    path = FOLDER.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the data set {'/'.join(parts)} is not here; set CANAL_TEST_DATA to its folder")
    return path
