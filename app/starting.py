"""What lets a process start sooner, and stay smaller."""

import ctypes
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.routing import Rule

_ARENA_MAX = -8  # M_ARENA_MAX of malloc.h


@contextmanager
def without_collecting() -> Iterator[None]:
    """Let no garbage be looked for meanwhile, and never in what is there at the end.

    What is imported and put together stays, and there is much of it: looking through it takes time while the process
    starts, serves and ends, and beside so much Python lets garbage grow to a quarter of it before it looks.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


def share_freed_memory() -> None:
    """Let threads share what memory the C library keeps, instead of each keeping what the others could use.

    Python's lock lets one of them ask for memory at a time anyway.  To be called before threads begin.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):  # as glibc has; musl shares it by itself
            libc.mallopt(_ARENA_MAX, 1)


class LateRule(Rule):
    """A route that learns to write its address when that is first asked for: of hundreds, a process writes few."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        learn = super()._compile_builder
        known: list[Callable[..., tuple[str, str]]] = []

        def build(rule: Rule, /, **values: Any) -> tuple[str, str]:
            if not known:
                known.append(learn(append_unknown))
            return known[0](rule, **values)

        return build
