"""The benchmark's run: what breaks costs its own chapter alone, and the table comes whatever happens."""

import sys

import pytest

import bench.__main__ as program
from bench.chapters import CHAPTERS, Chapter, Needs, Stage
from bench.figures import Figure
from bench.shelf import Shelf


def _measured(stage: Stage) -> None:
    stage.report.add(Figure("one", "", 1.0, "s", 2.0))


def _breaking(stage: Stage) -> None:
    stage.report.add(Figure("half of it", "", 1.0, "s"))
    raise ValueError("no such\nqueue")


def _interrupted(_stage: Stage) -> None:
    raise KeyboardInterrupt


def _run(monkeypatch, *chapters: Chapter) -> int:
    monkeypatch.setattr(program, "CHAPTERS", chapters)
    monkeypatch.setattr(sys, "argv", ["bench", "--sizes", "10"])
    monkeypatch.setattr(program, "NAMES", tuple(chapter.name for chapter in chapters))
    with pytest.raises(SystemExit) as ended:
        program.main()
    return int(str(ended.value.code))


def test_the_rest_goes_on_behind_a_chapter_that_breaks(monkeypatch, capsys):
    broken = Chapter("broken", "Broken one", _breaking, is_bare=True)
    whole = Chapter("whole", "Whole one", _measured, is_bare=True)
    assert _run(monkeypatch, broken, whole) == 1
    out = capsys.readouterr().out
    assert out.index("| half of it") < out.index("**Broken**: ValueError: no such queue") < out.index("| one")
    assert "1 of 2 chapters broke: Broken one." in out
    assert _run(monkeypatch, whole) == 0


def test_an_interruption_shows_what_was_measured_so_far(monkeypatch, capsys):
    whole = Chapter("whole", "Whole one", _measured, is_bare=True)
    stopped = Chapter("stopped", "Stopped one", _interrupted, is_bare=True)
    never = Chapter("never", "Never one", _measured, is_bare=True)
    assert _run(monkeypatch, whole, stopped, never) == 1
    out = capsys.readouterr().out
    assert "| one" in out
    assert "**Broken**: KeyboardInterrupt" in out
    assert "Never" not in out


def test_worlds_that_no_chapter_needs_are_not_made(monkeypatch, tmp_path):
    made: list[tuple[str, int]] = []
    monkeypatch.setattr(Shelf, "_make", lambda _self, kind, size: made.append((kind, size)))
    shelf = Shelf("sqlite", tmp_path)
    needs = {chapter.name: chapter.leads for chapter in CHAPTERS}
    assert shelf.worlds("leads", needs["exports"].of([10, 20, 30])) == []
    shelf.worlds("leads", needs["reports"].of([30, 10, 20]))
    shelf.worlds("leads", Needs.ENDS.of([10, 20, 30]))
    assert made == [("leads", 30), ("leads", 10)]
