"""What becomes of the open records of whoever leaves."""

from dataclasses import dataclass

from app.routing.targets import Target


@dataclass(frozen=True, slots=True)
class Keep:
    """They stay in the leaver's name and show under *needs an owner*."""


@dataclass(frozen=True, slots=True)
class Route:
    """They go through the assignment rules again."""


@dataclass(frozen=True, slots=True)
class GiveTo:
    """They go to a successor.  over_capacity: also beyond what the successor may hold."""

    target: Target
    over_capacity: bool = False


OpenRecords = Keep | Route | GiveTo


def name_of(choice: OpenRecords) -> str:
    """The word that is recorded for a choice."""
    return {Keep: "keep", Route: "route", GiveTo: "give"}[type(choice)]
