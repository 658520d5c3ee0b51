"""The demo's raw material, read from `data/` (sources and licences: `data/README.md`)."""

import csv
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "data"


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """The records of `data/<name>.csv`, in file order."""
    with (_FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def column(name: str, field: str) -> tuple[str, ...]:
    """One field of all records of a file."""
    return tuple(row[field] for row in rows(name))


@cache
def names_of(country: str, kind: str) -> tuple[str, ...]:
    """Common first or last names (`kind` "first" or "last") of a country."""
    return tuple(row["name"] for row in rows("people") if row["country"] == country and row["kind"] == kind)


@cache
def state_names() -> dict[tuple[str, str], str]:
    """(country, code) → name of the state or province."""
    return {(row["country"], row["state_code"]): row["state"] for row in rows("places")}


@cache
def places_in(territory: str) -> tuple[dict[str, str], ...]:
    """Towns of a sales territory."""
    return tuple(row for row in rows("places") if row["territory"] == territory)
