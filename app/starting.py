"""What lets a process start sooner, and stay smaller."""

import ctypes
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.routing import Rule

MALLOPT_ARENA_MAX = -8


@contextmanager
def without_collecting(*, for_good: bool = False) -> Iterator[None]:
    """Let no garbage be looked for meanwhile: what is imported and put together stays, and there is much of it.

    for_good: nor among what is there at the end, whenever garbage is looked for.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if for_good:
            gc.freeze()
        if was_on:
            gc.enable()


def stay_small() -> None:
    """Said once by a process that has started and goes on for long, before it begins other threads.

    What was imported and put together stays, and is set aside from what is looked through for garbage: beside so
    much, Python would let garbage grow to a quarter of it before it looks.  And threads share what memory the C
    library keeps, instead of each keeping what the others could use.
    """
    gc.collect()
    gc.freeze()
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):  # glibc has it, and musl shares memory anyway
            libc.mallopt(MALLOPT_ARENA_MAX, 1)


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
