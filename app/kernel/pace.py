"""How much of a long job one transaction does: as much as takes a moment, measured as it goes.

On SQLite everybody who writes waits for the transaction, on PostgreSQL whoever writes the same records.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

WANTED_SECONDS = 0.4


class Pace:
    """size: what the next batch is to be; it follows what batches took, and never more than doubles."""

    def __init__(self, first: int, *, least: int = 5, most: int = 1000) -> None:
        self.size, self._least, self._most = first, least, most

    @contextmanager
    def batch(self) -> Iterator[int]:
        """Around a batch and its transaction; its size."""
        began = time.monotonic()
        yield self.size
        factor = WANTED_SECONDS / max(time.monotonic() - began, 0.001)
        self.size = max(self._least, min(self._most, int(self.size * min(factor, 2.0))))
