"""The places of Setup, by section, as far as the person may go there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import current_app, url_for

from app.kernel.actor import Actor
from app.kernel.fold import fold
from app.setup.places import Row, sections_of_setup


@dataclass(frozen=True, slots=True)
class Place:
    """A page of Setup.  note: what is done there, in a sentence.  words: what else people call it."""

    title: str
    note: str
    url: str
    icon: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    places: Sequence[Place]


def sections(actor: Actor, wanted: str = "") -> list[Section]:
    """Every section that has a place for the person.  wanted: only places that have all these words, or words that
    begin with them, in what is said of them or in what people call them.
    """
    found = [Section(title, _reachable(actor, places)) for title, places in sections_of_setup()]
    return [section for each in found if (section := _narrowed(each, fold(wanted).split())).places]


def _narrowed(section: Section, wanted: Sequence[str]) -> Section:
    def has_all(place: Place) -> bool:
        text = fold(f"{section.title} {place.title} {place.note} {place.words}")
        known = text.replace("-", " ").replace(",", " ").replace(".", " ").split() + text.split()
        return all(any(word.startswith(part) for word in known) for part in wanted)

    return replace(section, places=[place for place in section.places if has_all(place)])


def _reachable(actor: Actor, rows: Sequence[Row]) -> list[Place]:
    return [
        Place(row.title, row.note, url_for(row.endpoint, **row.arguments), row.icon, row.words)  # type: ignore[arg-type]
        for row in rows
        if actor.can(row.permission) and row.endpoint in current_app.view_functions
    ]
