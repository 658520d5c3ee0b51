"""The worlds of a run on one database: made when a chapter first needs them, or copied from those kept."""

import os
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from alembic.script import ScriptDirectory

from app.settings import ROOT
from bench.crm_world import make_crm_world
from bench.worlds import World, copy_world, drop_world, is_there, make_world
from tests.databases import GIVEN

_MAKERS = {"leads": make_world, "accounts": make_crm_world}


@dataclass(slots=True)
class Shelf:
    """engine: sqlite or postgresql.  folder: for this run.  keep: where worlds stay for the next run, or None.

    What is kept is never measured on: chapters change their worlds, so that they get a copy.
    """

    engine: str
    folder: Path
    keep: Path | None = None
    _worlds: dict[tuple[str, int], World | Exception] = field(default_factory=dict)

    def worlds(self, kind: str, sizes: Sequence[int]) -> list[World]:
        """The worlds of a kind (`leads`, `accounts`), as many and in that order.

        Raises what making one of them raised, again for whoever asks for it later.
        """
        return [self._world(kind, size) for size in sizes]

    def _world(self, kind: str, size: int) -> World:
        if (kind, size) not in self._worlds:
            try:
                self._worlds[kind, size] = self._make(kind, size)
            except Exception as error:  # a world that takes twenty minutes to fail does so once
                self._worlds[kind, size] = error
                raise
        found = self._worlds[kind, size]
        if isinstance(found, Exception):
            raise found
        return found

    def _make(self, kind: str, size: int) -> World:
        folder = Path(self.folder, f"{self.engine}-{kind}-{size}")
        if self.keep is None or not _outlives(self.engine):
            return _made(self.engine, kind, size, folder)
        kept = Path(self.keep, f"{folder.name}-{schema()}")
        if not is_there(kept):
            shutil.rmtree(kept, ignore_errors=True)  # half made, or its database is gone
            _made(self.engine, kind, size, kept)
        began = time.monotonic()
        world = copy_world(kept, folder)
        _say(f"{self.engine}: {size:,} {kind} copied in {time.monotonic() - began:.0f} s")
        return world

    def close(self) -> None:
        """Remove what was made for this run outside its folder."""
        for world in self._worlds.values():
            if isinstance(world, World):
                with suppress(psycopg.Error, OSError):  # its server has gone already
                    drop_world(world)


def _made(engine: str, kind: str, size: int, folder: Path) -> World:
    began = time.monotonic()
    world = _MAKERS[kind](engine, size, folder)
    _say(f"{engine}: {size:,} {kind} loaded in {time.monotonic() - began:.0f} s")
    return world


def _outlives(engine: str) -> bool:
    """Whether the database is there after the run: the benchmark's own PostgreSQL server ends with it."""
    return engine == "sqlite" or bool(os.environ.get(GIVEN))


def schema() -> str:
    """The newest migration's name."""
    return str(ScriptDirectory(str(ROOT / "migrations")).get_current_head())


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
