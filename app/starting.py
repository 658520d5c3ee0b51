"""What lets a process start sooner."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.routing import Rule


@contextmanager
def without_collecting() -> Iterator[None]:
    """Let no garbage be looked for meanwhile: what is imported and put together stays, and there is much of it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


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
