"""The audit log as its page and its file show it: the filters of an address, and events as lines in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask_babel import get_timezone
from flask_babel import gettext as _
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.accounts.models import Account
from app.events.details import details, note
from app.events.lookup import read_ref
from app.events.models import Event
from app.events.queries import EventFilter, EventRow, list_events
from app.events.subjects import Subject, names_of_values, subjects_of
from app.events.verbs import (
    GROUPS,
    VERBS,
    Sentence,
    door_names,
    group_names,
    sentence,
    verb_name,
)
from app.events.visibility import PLACES, told
from app.identity.models import User
from app.kernel import refs
from app.kernel.actor import Actor, Level
from app.kernel.errors import Invalid
from app.kernel.fold import email_key
from app.kernel.parse import parse_iso_moment
from app.kernel.text import clean_text
from app.sharing.scope import scope
from app.web.filters import local_date
from app.web.listing import ListAddress

FILTERS = ("actor", "kind", "record", "door", "from", "to")
LONGEST_VALUE = 300
MOST_OFFERED = 8
_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Line:
    """One event in words.

    who: "" where nobody in person did it and the sentence says so.  part: of the system that did it, "" for a
    person.  day: the heading above the line, "" while it is still the same.  place: from where, "" if not told.
    details: (what, value).
    """

    ref: str
    event: Event
    who: str
    who_ref: str
    company: str
    part: str
    says: Sentence
    subject: Subject
    note: str
    door: str
    place: str
    details: Sequence[tuple[str, str]]
    day: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an address asks for.

    given: filter → values, as typed.  complaints: what could not be understood, which is left out.
    offered: people whom a typed name may mean.  names: of the people and records that are filtered by.
    """

    filter: EventFilter
    given: Mapping[str, Sequence[str]]
    complaints: Sequence[str] = ()
    offered: Sequence[tuple[str, str]] = ()
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """What `events/index.html` shows."""

    lines: Sequence[Line]
    wanted: Wanted
    address: ListAddress
    older: str
    chips: Sequence[Mapping[str, str]]

    def chosen(self, name: str) -> str:
        """The one value of a filter, "" for none or several."""
        values = self.wanted.given.get(name, ())
        return values[0] if len(values) == 1 else ""

    @property
    def verbs(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """The verbs to choose from, by group."""
        names = group_names()
        return [
            (
                names[group],
                sorted(((v, verb_name(v)) for v, known in VERBS.items() if known[1] == group), key=lambda p: p[1]),
            )
            for group in GROUPS
        ]  # fmt: skip

    @property
    def doors(self) -> list[tuple[str, str]]:
        return list(door_names().items())


def read_listing(session: Session, actor: Actor, path: str, args: MultiDict[str, str]) -> Listing:
    """The page that an address asks for.  Raises NotAllowed, BadCursor."""
    wanted = read_wanted(session, args)
    page = list_events(session, actor, wanted.filter, cursor=args.get("cursor") or None)
    address = ListAddress(path, wanted.given)
    return Listing(
        lines=_with_days(lines_of(session, actor, page.items)),
        wanted=wanted,
        address=address,
        older=address.page(page.older),
        chips=_chips(session, actor, wanted, address),
    )


def read_wanted(session: Session, args: MultiDict[str, str]) -> Wanted:
    """The filters of an address.  What cannot be understood is left out and complained about."""
    complaints: list[str] = []
    given: dict[str, list[str]] = {}
    for name in FILTERS:
        values = [_clean(name, value, complaints) for value in args.getlist(name)]
        if any(values):
            given[name] = [value for value in values if value]
    actors, offered, names = _people(session, given, complaints)
    records = []
    for text in given.get("record", ()):
        ref = read_ref(text)
        if ref is None:
            complaints.append(_("“%(text)s” is neither a public name nor a link of a record.", text=text))
        else:
            records.append(ref)
    since = _moment(given, "from", complaints)
    until = _moment(given, "to", complaints)
    wanted = EventFilter(
        records=tuple(records),
        actors=tuple(actors),
        verbs=tuple(given.get("kind", ())),
        doors=tuple(given.get("door", ())),
        since=since,
        until=until,
    )
    if given.get("record"):
        given["record"] = records
    return Wanted(wanted, {n: v for n, v in given.items() if v}, complaints, offered, names)


def lines_of(session: Session, actor: Actor, rows: Sequence[EventRow]) -> list[Line]:
    """Events that the actor may read as lines.  A handful of statements, whatever the number."""
    events = [row.event for row in rows]
    subjects = subjects_of(session, actor, events)
    names = names_of_values(session, actor, events)
    companies = _companies(session, actor, events)
    doors = door_names()
    lines = []
    for row in rows:
        event = row.event
        says = sentence(event)
        detail = told(actor, event.detail)
        place = " · ".join(str(detail[name]) for name in ("address", "browser") if detail.get(name))
        lines.append(
            Line(
                ref=row.ref,
                event=event,
                who="" if says.is_whole else event.actor_name if event.actor_id is not None else "Canal",
                who_ref=row.actor_ref or "",
                company=companies.get(event.company_id or 0, ""),
                part="" if event.actor_id is not None or says.is_whole else event.actor_name,
                says=says,
                subject=subjects[event.id],
                note=note(event, names),
                door=doors.get(event.door, event.door),
                place=place,
                details=details(event, {n: v for n, v in detail.items() if n not in PLACES}, names),
            )
        )
    return lines


def _with_days(lines: Iterable[Line]) -> list[Line]:
    shown: list[Line] = []
    before = ""
    for line in lines:
        day = local_date(line.event.at)
        shown.append(replace(line, day=day) if day != before else line)
        before = day
    return shown


def _companies(session: Session, actor: Actor, events: Iterable[Event]) -> dict[int, str]:
    """The names of the partner accounts that people belong to, those that the actor may see."""
    keys = {event.company_id for event in events if event.company_id is not None}
    if not keys:
        return {}
    rows = session.execute(
        select(Account.id, Account.name).where(scope(Account, actor, Level.READ), Account.id.in_(keys))
    )
    return {key: name for key, name in rows}  # noqa: C416 - rows are no pairs to mypy


# Reading filters


def _clean(name: str, value: str, complaints: list[str]) -> str:
    try:
        return clean_text(value, max_length=LONGEST_VALUE, field=name) or ""
    except Invalid as error:
        complaints.extend(str(message) for message in error.errors[name])
        return ""


def _people(
    session: Session, given: Mapping[str, Sequence[str]], complaints: list[str]
) -> tuple[list[str], list[tuple[str, str]], dict[str, str]]:
    """(public names, people to choose from, names) for what stands in the filter by person."""
    actors: list[str] = []
    offered: list[tuple[str, str]] = []
    names: dict[str, str] = {}
    for text in given.get("actor", ()):
        found = _find_people(session, text)
        if len(found) == 1:
            actors.append(found[0].ref)
            names[text] = found[0].name
        elif found:
            offered.extend((user.ref, f"{user.name} ({user.email})") for user in found[:MOST_OFFERED])
            actors.append(text)
        else:
            complaints.append(_("Nobody is called “%(text)s”.", text=text))
            actors.append(text)  # nobody's: the list is empty rather than everybody's
    return actors, offered, names


def _find_people(session: Session, text: str) -> list[User]:
    """By public name or link, by address, by whole name, by part of it: the first that finds somebody."""
    ref = read_ref(text)
    if ref is not None and refs.is_ref(refs.USER, ref):
        return list(session.scalars(select(User).where(User.ref == ref)))
    typed = text.casefold()
    for condition in (
        User.email_key == email_key(text),
        func.lower(User.name) == typed,
        or_(
            func.lower(User.name).startswith(typed, autoescape=True),
            func.lower(User.name).contains(f" {typed}", autoescape=True),
        ),
        func.lower(User.name).contains(typed, autoescape=True),
    ):
        found = session.scalars(
            select(User).where(condition).order_by(User.name, User.id).limit(MOST_OFFERED)
        )
        people = list(found)
        if people:
            return people
    return []


def _moment(given: dict[str, list[str]], name: str, complaints: list[str]) -> datetime | None:
    """The first or last moment of a day in the reader's zone, or the moment itself."""
    text = next(iter(given.get(name, ())), "")
    if not text:
        return None
    try:
        day = datetime.combine(date.fromisoformat(text), datetime.min.time())
        zone = get_timezone() or UTC
        # The zone's own arithmetic, since a day is not everywhere of 24 hours.
        first = day if name == "from" else day + _DAY
        localized = first.replace(tzinfo=zone).astimezone(UTC)
        moment = parse_iso_moment((localized if name == "from" else localized - _INSTANT).isoformat())
    except (ValueError, OverflowError):
        moment = parse_iso_moment(text)
    if moment is None:
        complaints.append(_("“%(text)s” is not a date.", text=text))
        given.pop(name)
    return moment


def _chips(session: Session, actor: Actor, wanted: Wanted, address: ListAddress) -> list[dict[str, str]]:
    labels = {
        "actor": _("it was done by"),
        "kind": _("what was done is"),
        "record": _("the record is"),
        "door": _("it came by"),
        "from": _("it was on or after"),
        "to": _("it was on or before"),
    }
    doors = door_names()
    named = _record_names(session, actor, wanted.filter.records)
    words: dict[str, Any] = {
        "actor": lambda value: wanted.names.get(value, value),
        "kind": verb_name,
        "record": lambda value: named.get(value, value),
        "door": lambda value: doors.get(value, value),
        "from": _day_text,
        "to": _day_text,
    }
    return [
        {"label": labels[name], "value": words[name](value), "remove_url": address.without(name, value)}
        for name, values in wanted.given.items()
        for value in values
    ]


def _record_names(session: Session, actor: Actor, records: Sequence[str]) -> dict[str, str]:
    """Names of records by their public names, of those that the actor may see."""
    event = Event(changes={"": list(records)}, detail={})
    return names_of_values(session, actor, [event])


def _day_text(text: str) -> str:
    try:
        return local_date(date.fromisoformat(text))
    except ValueError:
        return text
