"""What the tests of second factors need: time for a code to be used in the half minute in which it was read."""

import time
from collections.abc import Iterator

import pytest
import time_machine

STEP_SECONDS = 30


@pytest.fixture(autouse=True)
def _early_in_a_time_step(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let a test that reads codes begin two seconds into the next half minute."""
    if not hasattr(request.module, "code_of") and not hasattr(request.module, "code_for"):
        yield
        return
    begins = (time.time() // STEP_SECONDS + 1) * STEP_SECONDS + 2
    with time_machine.travel(begins):
        yield
