"""What making and changing a record have in common for fields that administrators added.

Values come by name (`c_segment`) beside those of the standard fields, from forms, files and the API alike.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.fields.catalogue import Catalogue, Definition, catalogue
from app.fields.kinds import Kind, is_custom
from app.fields.models import CustomFieldUse
from app.fields.values import (
    Reading,
    for_events,
    for_index,
    names_of_people,
    people_in,
    problem_of,
    reading_of,
)
from app.kernel.actor import Actor
from app.kernel.db import is_sqlite
from app.kernel.errors import Invalid

# The day of the last use is enough to know: a field that everybody fills in is not written with each of them.
USE_NOTED_EVERY = timedelta(hours=20)
UNKNOWN = _l("There is no such field.")
REQUIRED = _l("Give a value.")


@dataclass(frozen=True, slots=True)
class Written:
    """What a record is to hold.  columns: by attribute of the record, what it is indexed by too.

    told: name → (old, new) of what changed, as events tell it; raw: the same as records keep it.
    """

    columns: dict[str, Any]
    told: dict[str, tuple[Any, Any]]
    raw: dict[str, tuple[Any, Any]]


def split(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(standard fields, fields that administrators added) of what was given."""
    standard = {name: value for name, value in values.items() if not is_custom(name)}
    return standard, {name: value for name, value in values.items() if is_custom(name)}


def flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the API was given, with the fields under `custom` beside the others.  Raises Invalid."""
    custom = values.get("custom")
    plain = {name: value for name, value in values.items() if name != "custom"}
    if not custom:
        return plain
    unknown = [name for name in custom if not is_custom(name)]
    if unknown:
        raise Invalid({f"custom.{name}": [UNKNOWN] for name in unknown})
    return {**plain, **custom}


def read_given(
    session: Session,
    actor: Actor,
    object_: str,
    given: Mapping[str, Any],
    *,
    is_new: bool = False,
    reading: Reading | None = None,
) -> dict[str, Any]:
    """Values fit to keep, by name, of what was given; of a new record the first values of the others too.

    Raises Invalid with every field that is unknown to the actor, not theirs to write, not valid, or required
    and empty; of a new record those that were not given are asked for too.
    """
    known = catalogue(session).seen(actor, object_)
    if not known and not given:
        return {}
    reading = reading or reading_of()
    values: dict[str, Any] = {}
    errors: dict[str, list[Any]] = {}
    for name, value in given.items():
        complaint = refusal_of(actor, known.get(name))
        if complaint is not None:
            errors[name] = [complaint]
            continue
        values[name], complaints = problem_of(known[name], value, reading)
        if complaints:
            errors[name] = complaints
    if is_new:
        values = {**first_values(known, reading), **values}
    errors = {**refuse_empty(known, values, is_new=is_new), **errors}
    if errors:
        raise Invalid(errors)
    return values


def refusal_of(actor: Actor, field: Definition | None) -> Any | None:
    """Why the actor may not write the field; None where they may.  field: None for one that they do not see."""
    if field is None:
        return UNKNOWN
    if actor.is_partner and not (field.object == "lead" and field.by_partner):
        return _l("You may not change this field.")
    return None


def first_values(known: Mapping[str, Definition], reading: Reading) -> dict[str, Any]:
    """What a new record begins with; what cannot be read any more is left out."""
    found = {
        n: problem_of(each, each.first_value, reading)[0] for n, each in known.items() if each.first_value
    }
    return {name: value for name, value in found.items() if value is not None}


def refuse_empty(
    known: Mapping[str, Definition], values: Mapping[str, Any], *, is_new: bool = False
) -> dict[str, list[Any]]:
    """Complaints about required fields that are empty; of a new record about those that were not given, too."""
    return {
        name: [REQUIRED]
        for name, field in known.items()
        if field.is_required and values.get(name) is None and (is_new or name in values)
    }


def read_both(
    standard: Callable[[], dict[str, Any]], custom: Callable[[], dict[str, Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What both read, with the complaints of both.  Raises Invalid."""
    errors: dict[str, list[Any]] = {}
    found: list[dict[str, Any]] = []
    for read in (standard, custom):
        try:
            found.append(read())
        except Invalid as error:
            errors |= error.errors
    if errors:
        raise Invalid(errors)
    return found[0], found[1]


def write(
    session: Session,
    object_: str,
    before: Mapping[str, Any] | None,
    values: Mapping[str, Any],
    *,
    now: datetime | None,
) -> Written:
    """What the record is to hold, where `values` change it.  before: what it holds, None for a new one.

    Notes that the fields are in use; not without `now`: then it is the caller's to note, of many records at once.
    Raises Invalid for a choice that is out of use and not there already.
    """
    edition = catalogue(session)
    known, old = edition.all(object_), before or {}
    changed = {name: value for name, value in values.items() if old.get(name) != value}
    changed = {name: value for name, value in changed.items() if name in known}
    _refuse_retired(known, old, changed)
    # What is left of a field that has been deleted goes with the first change.
    kept = {name: value for name, value in old.items() if name in known and name not in changed}
    held = {**kept, **{name: value for name, value in changed.items() if value is not None}}
    if before is not None and not changed:
        return Written({}, {}, {})
    raw = {name: (old.get(name), value) for name, value in changed.items()}
    if now is not None:
        note_use(session, [(known[name], value) for name, value in changed.items()], now=now)
    columns = {"custom": held, **index_columns(edition, object_, held)}
    return Written(columns, tell(session, known, raw) if before is not None else {}, raw)


def _refuse_retired(
    known: Mapping[str, Definition], old: Mapping[str, Any], changed: Mapping[str, Any]
) -> None:
    errors: dict[str, list[Any]] = {}
    for name, value in changed.items():
        before, after = _keys(old.get(name)), _keys(value)
        for key in after - before if known[name].choices else ():
            choice = known[name].choice(key)
            if choice is not None and choice.is_retired:
                message = _l("“%(value)s” is not in use any more. Choose another.", value=choice.name)
                errors.setdefault(name, []).append(message)
    if errors:
        raise Invalid(errors)


def _keys(value: Any) -> set[str]:
    return set(value) if isinstance(value, list) else {value} if isinstance(value, str) else set()


def tell(
    session: Session, known: Mapping[str, Definition], raw: Mapping[str, tuple[Any, Any]]
) -> dict[str, tuple[Any, Any]]:
    """Old and new values as events tell them: choices and people by their names of the moment."""
    fields = [known[name] for name in raw]
    both = [{name: pair[side] for name, pair in raw.items()} for side in (0, 1)]
    people = names_of_people(session, people_in(fields, both))
    return {
        name: (for_events(known[name], old, people), for_events(known[name], new, people))
        for name, (old, new) in raw.items()
    }


def index_columns(edition: Catalogue, object_: str, custom: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that a record is indexed by, of what it holds."""
    return {each.column: for_index(each, custom.get(each.name)) for each in edition.in_slots(object_)}


def note_use(session: Session, filled: Iterable[tuple[Definition, Any]], *, now: datetime) -> None:
    """Note that these fields, and the choices among their values, are in use.  Does not commit.

    One statement where all of it is known of today already.
    """
    used: set[tuple[int, str]] = set()
    for field, value in filled:
        used.add((field.id, ""))
        if field.kind in (Kind.CHOICE, Kind.CHOICES):
            used |= {(field.id, key) for key in _keys(value)}
    if not used:
        return
    fields = sorted({field_id for field_id, _choice in used})
    rows = session.execute(select(CustomFieldUse).where(CustomFieldUse.field_id.in_(fields))).scalars()
    recent = {(row.field_id, row.choice) for row in rows if now - row.last_used_at < USE_NOTED_EVERY}
    new = [{"field_id": f, "choice": choice, "last_used_at": now} for f, choice in sorted(used - recent)]
    if not new:
        return
    insert: Any = sqlite.insert if is_sqlite(session) else postgresql.insert
    statement = insert(CustomFieldUse)
    statement = statement.on_conflict_do_update(
        index_elements=["field_id", "choice"], set_={"last_used_at": statement.excluded.last_used_at}
    )
    session.execute(statement, new)
