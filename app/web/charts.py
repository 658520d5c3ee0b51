"""What charts are made of, and where their lines run.  They are drawn by `components/chart.html`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask import Flask
from flask_babel import gettext as _

from app.web.filters import number

WIDTH, BASE, ROOM, EDGE = 600, 140, 116, 10
# So many labels stand below a line or columns; the others are in the table.
MOST_LABELS = 7


@dataclass(frozen=True, slots=True)
class Item:
    """One figure.  value: None where there is none.  text: how it reads where it is no plain number ("12 %").

    url: the list that it counts.
    """

    label: str
    value: float | None
    url: str = ""
    note: str = ""
    text: str = ""

    @property
    def said(self) -> str:
        """The figure as people read it."""
        return self.text or ("–" if self.value is None else number(self.value))


@dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float
    item: Item


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a picture.  runs: its points without gaps, each run as `points` of a polyline; dots: all of them."""

    name: str
    runs: Sequence[str]
    dots: Sequence[Point]

    @property
    def last(self) -> Point | None:
        return self.dots[-1] if self.dots else None


@dataclass(frozen=True, slots=True)
class Drawing:
    """Lines over the same labels.  labels: (x, text, whether it stays on a phone).  said: the lines in words."""

    lines: Sequence[Line]
    labels: Sequence[tuple[float, str, bool]]
    said: str


def init_charts(app: Flask) -> None:
    """Give templates what their charts need."""
    app.jinja_env.globals.update(
        chart_item=Item,
        chart_top=chart_top,
        chart_said=chart_said,
        chart_share=share,
        draw_lines=draw_lines,
        spark_runs=spark_runs,
    )


def chart_top(items: Sequence[Item]) -> float:
    """The highest figure; 0 where there is none."""
    return max((item.value for item in items if item.value is not None), default=0)


def draw_lines(series: Sequence[tuple[str, Sequence[Item]]]) -> Drawing:
    """Where the lines run, from zero up to the highest figure of any.  series: (name, its figures in order)."""
    known = [item.value for _name, items in series for item in items if item.value is not None]
    top = max([*known, 0]) or 1
    count = max((len(items) for _name, items in series), default=0)
    step = (WIDTH - 2 * EDGE) / max(count - 1, 1)
    lines = []
    for name, items in series:
        points = [
            Point(round(EDGE + step * place, 1), round(BASE - ROOM * item.value / top, 1), item)
            if item.value is not None
            else None
            for place, item in enumerate(items)
        ]
        runs = [" ".join(f"{each.x},{each.y}" for each in run) for run in _runs(points)]
        lines.append(Line(name, runs, [each for each in points if each is not None]))
    labels = [
        (round(EDGE + step * place, 1), item.label, stays)
        for place, item, stays in _labelled(series[0][1] if series else [])
    ]
    said = " ".join(_said(name, items, alone=len(series) == 1) for name, items in series)
    return Drawing(lines, labels, said.strip())


def spark_runs(values: Sequence[float | None]) -> Sequence[str]:
    """The `points` of a small line of 80 by 20, one for each stretch without a gap."""
    top = max([*(value for value in values if value is not None), 0]) or 1
    step = 80 / max(len(values) - 1, 1)
    points = [
        Point(round(step * place, 1), round(18 - 16 * value / top, 1), Item("", value))
        if value is not None
        else None
        for place, value in enumerate(values)
    ]
    return [" ".join(f"{each.x},{each.y}" for each in run) for run in _runs(points)]


def chart_said(items: Sequence[Item]) -> str:
    """What a picture of the figures shows, in words: where it begins and ends, and where it is highest."""
    return _said("", items, alone=True)


def share(part: float | None, whole: float | None) -> str:
    """How much of the whole the part is, in percent; "–" where there is no whole."""
    if part is None or not whole:
        return "–"
    percent = 100 * part / whole
    return f"{number(percent, 1 if 0 < percent < 10 else 0)} %"


def _runs(points: Sequence[Point | None]) -> Iterator[list[Point]]:
    run: list[Point] = []
    for point in [*points, None]:
        if point is not None:
            run.append(point)
        elif run:
            yield run
            run = []


def _labelled(items: Sequence[Item]) -> Iterator[tuple[int, Item, bool]]:
    """The figures whose labels are written, counted from the last; every second of them stays on a phone."""
    every = -(-len(items) // MOST_LABELS) or 1
    for place, item in enumerate(items):
        back = len(items) - 1 - place
        if back % every == 0:
            yield place, item, back % (2 * every) == 0


def _said(name: str, items: Sequence[Item], *, alone: bool) -> str:
    known = [item for item in items if item.value is not None]
    if not known:
        return "" if alone else _("%(name)s: no figures.", name=name)
    first, last = known[0], known[-1]
    highest = max(known, key=lambda item: item.value or 0)
    words = _(
        "From %(first)s (%(began)s) to %(last)s (%(ended)s), highest %(highest)s (%(when)s).",
        first=first.said, began=first.label, last=last.said, ended=last.label, highest=highest.said,
        when=highest.label,
    )  # fmt: skip
    return words if alone else f"{name}: {words}"
