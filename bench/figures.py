"""What was measured, what was asked for, and the table of both."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

__all__ = ["Figure", "Report", "median", "percentile"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value beside its target.

    unit: `ratio` for a part of the floor (0.2 reads 1/5.0), `times` for a multiple, else what is printed
    behind the number.  must, aim: the targets, None where there is none.  at_most: smaller is better.
    note: how it came about, for example the two values that a ratio was made of.
    """

    what: str
    engine: str
    value: float
    unit: str
    must: float | None = None
    aim: float | None = None
    at_most: bool = True
    note: str = ""

    def _holds(self, target: float) -> bool:
        return self.value <= target if self.at_most else self.value >= target

    @property
    def verdict(self) -> str:
        """`missed`, `met`, or `met, aim too`; empty without a target."""
        if self.must is None:
            return ""
        if not self._holds(self.must):
            return "missed"
        return "met, aim too" if self.aim is not None and self._holds(self.aim) else "met"

    def cells(self) -> tuple[str, ...]:
        sign = "<=" if self.at_most else ">="
        must = "" if self.must is None else f"{sign} {shown(self.must, self.unit)}"
        aim = "" if self.aim is None else f"{sign} {shown(self.aim, self.unit)}"
        return self.what, self.engine, shown(self.value, self.unit), must, aim, self.verdict, self.note


def shown(value: float, unit: str) -> str:
    """The value as a person reads it: `1/5.0`, `1.07 x`, `4.2 ms`, `1,604 /s`."""
    if unit == "ratio":
        return f"1/{1 / value:.1f}" if 0 < value < 1 else f"{value:.2f}"
    if unit == "times":
        return f"{value:.2f} x"
    digits = 0 if value == int(value) or abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".rstrip()


def percentile(values: Iterable[float], percent: float) -> float:
    """The value below which that many percent lie, by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


@dataclass(slots=True)
class Report:
    """The figures in the order in which they were measured, under headings; and what broke under which."""

    parts: list[tuple[str, list[Figure]]] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)

    def begin(self, heading: str) -> None:
        self.parts.append((heading, []))

    def note_broken(self, error: BaseException) -> None:
        """The present part did not come to its end."""
        said = " ".join(str(error).split())[:300]
        self.broken[self.parts[-1][0]] = f"{type(error).__name__}: {said}".rstrip(": ")

    def add(self, figure: Figure) -> None:
        self.parts[-1][1].append(figure)

    @property
    def figures(self) -> Sequence[Figure]:
        return [figure for _, figures in self.parts for figure in figures]

    @property
    def missed(self) -> Sequence[Figure]:
        return [figure for figure in self.figures if figure.verdict == "missed"]

    def table(self) -> str:
        """All figures as Markdown tables, and under its heading what broke."""
        return "\n\n".join(self.tables())

    def tables(self) -> Sequence[str]:
        """A text for each part."""
        return [_part(heading, figures, self.broken.get(heading)) for heading, figures in self.parts]


_HEAD = ("figure", "database", "measured", "must", "aim", "", "how")


def _part(heading: str, figures: Sequence[Figure], broken: str | None) -> str:
    texts = [f"### {heading}", _rows(figures) if figures else "", f"**Broken**: {broken}" if broken else ""]
    return "\n\n".join(text for text in texts if text)


def _rows(figures: Sequence[Figure]) -> str:
    rows = [_HEAD, *(figure.cells() for figure in figures)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEAD))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
