"""The benchmarks' rounds at a tiny size: that they run, and the figures among them that are no times."""

from collections.abc import Iterator

import pytest

from bench.conversion import measure_conversion
from bench.figures import Report
from bench.intake import measure_import, measure_memory
from bench.pages import count_statements, measure_pages
from bench.races import measure_claim_operation, measure_turns
from bench.servers import Load
from bench.sharing import measure_sharing
from bench.throughput import measure_claims, measure_inbox
from bench.worlds import World, drop_world, make_world

LEADS = 1500


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A small world of its own."""
    world = make_world(request.param, LEADS, tmp_path_factory.mktemp("bench") / "world")
    yield world
    drop_world(world)


@pytest.mark.long
@pytest.mark.xdist_group("bench")
def test_no_page_asks_too_often_or_weighs_too_much(world: World) -> None:
    report = Report()
    report.begin("Statements")
    count_statements(report, world)
    assert [figure.what for figure in report.missed] == []
    report.begin("Pages")
    with Load() as load:
        measure_pages(report, [world], load, rounds=1, each=2)
        measure_inbox(report, world, load, rounds=1, seconds=0.1)
    weights = [figure for figure in report.figures if figure.what.endswith(": HTML")]
    assert len(weights) == 3
    assert all(figure.verdict.startswith("met") for figure in weights)


@pytest.mark.long
@pytest.mark.xdist_group("bench")
def test_every_round_runs(world: World) -> None:
    report = Report()
    report.begin("Claims")
    with Load() as load:
        measure_claims(report, world, load, rounds=1, each=10)
    report.begin("Races")
    measure_claim_operation(report, world, connections=4, each=3, rounds=1)
    measure_turns(report, world, connections=4, each=5, rounds=1)
    measure_conversion(report, world, connections=4, each=2, rounds=1)
    report.begin("Imports")
    measure_import(report, world, rows=200, rounds=1)
    measure_memory(report, world, rows=200)
    report.begin("Sharing")
    with Load() as load:
        measure_sharing(report, world, world, load, rules=12, rounds=1, each=3)
    assert "| round robin, 4 connections" in report.table()
    assert "claims while it is built" in report.table()
