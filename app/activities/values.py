"""What may stand in an activity: reading the values that people and programs give.  Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l

from app.activities.fields import LONGEST_PLACE, LONGEST_SUBJECT, LONGEST_TEXT
from app.activities.models import Activity, ActivityKind
from app.kernel.errors import Invalid
from app.kernel.text import clean_text

# A clock that is a little ahead does no harm; something done next week does.
AHEAD = timedelta(minutes=10)
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
LONGEST_MEETING = timedelta(days=31)
# Those of `Values` that are not columns of the same name are resolved by the operations.
NAMES = frozenset(
    {
        "kind", "subject", "text", "at", "due_at", "ends_at", "place", "outcome", "remind_at", "done", "assignee",
        "people",
    }
)  # fmt: skip
_MOMENTS = ("due_at", "ends_at", "remind_at")


def new_columns(values: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The columns of a new activity.  A task is planned and all else done, unless `done` says otherwise.

    Raises Invalid.
    """
    refuse_unknown(values)
    kind = read_kind(values.get("kind"))
    subject, text = read_words(values.get("subject"), values.get("text"))
    done = values.get("done")
    columns = {
        "kind": kind,
        "subject": subject,
        "text": text,
        "at": read_moment("at", values.get("at")) or now,
        "is_done": kind is not ActivityKind.TASK if done is None else bool(done),
        "place": _line(values.get("place")),
        "outcome": _outcome(values.get("outcome")),
        **{name: read_moment(name, values.get(name)) for name in _MOMENTS},
    }
    refuse_impossible(columns, now)
    return columns


def changed_columns(activity: Activity, values: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The columns that the values would have otherwise than they are; those not given stay.

    What becomes done is done now unless a moment is given, a meeting when it began.  Put off, its reminder
    goes along.  Raises Invalid.
    """
    refuse_unknown(values)
    wanted = _wanted(activity, values)
    if wanted.get("is_done") and not activity.is_done and "at" not in wanted:
        wanted["at"] = _done_at(activity, wanted, now)
    if "due_at" in wanted and activity.due_at is not None and wanted["due_at"] is not None:
        put_off = wanted["due_at"] - activity.due_at
        for name in ("ends_at", "remind_at"):
            before = getattr(activity, name)
            if name not in wanted and before is not None:
                wanted[name] = before + put_off
    changed = {name: value for name, value in wanted.items() if getattr(activity, name) != value}
    if changed:
        whole = {
            name: getattr(activity, name) for name in ("at", "due_at", "ends_at", "is_done", "remind_at")
        }
        refuse_impossible(whole | changed, now)
    if "remind_at" in changed:
        changed["reminded_at"] = None
    return changed


def _wanted(activity: Activity, values: Mapping[str, Any]) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    if "kind" in values:
        wanted["kind"] = read_kind(values["kind"])
    if "subject" in values or "text" in values:
        words = read_words(values.get("subject", activity.subject), values.get("text", activity.text))
        wanted["subject"], wanted["text"] = words
    if values.get("at") is not None:
        wanted["at"] = read_moment("at", values["at"])
    if values.get("done") is not None:
        wanted["is_done"] = bool(values["done"])
    for name, read in (("place", _line), ("outcome", _outcome)):
        if name in values:
            wanted[name] = read(values[name])
    return wanted | {name: read_moment(name, values[name]) for name in _MOMENTS if name in values}


def _done_at(activity: Activity, wanted: Mapping[str, Any], now: datetime) -> datetime:
    kind = wanted.get("kind", activity.kind)
    began: datetime | None = wanted.get("due_at", activity.due_at)
    return began if kind is ActivityKind.MEETING and began is not None and began < now else now


def refuse_unknown(values: Mapping[str, Any]) -> None:
    """Raises Invalid for names of no field."""
    unknown = set(values) - NAMES
    if unknown:
        raise Invalid({name: [_l("There is no such field.")] for name in sorted(unknown)})


def refuse_impossible(columns: Mapping[str, Any], now: datetime) -> None:
    """Raises Invalid for what is done but lies ahead, and for an end before its beginning."""
    if columns["is_done"] and columns["at"] > now + AHEAD:
        raise Invalid({"at": [_l("This lies ahead. Plan it instead of logging it as done.")]})
    ends_at = columns["ends_at"]
    if ends_at is None:
        return
    begins_at = columns["due_at"] or columns["at"]
    if ends_at < begins_at:
        raise Invalid({"ends_at": [_l("It cannot end before it begins.")]})
    if ends_at - begins_at > LONGEST_MEETING:
        raise Invalid({"ends_at": [_l("That is longer than a month.")]})


def read_kind(given: Any) -> ActivityKind:
    """Raises Invalid."""
    try:
        return ActivityKind(given)
    except ValueError as error:
        raise Invalid(
            {"kind": [_l("“%(value)s” is not one of the choices.", value=str(given)[:60])]}
        ) from error


def read_words(subject: str | None, text: str | None) -> tuple[str, str | None]:
    """Subject and text; without a subject the first line of the text serves.  Raises Invalid."""
    text = clean_text(text, max_length=LONGEST_TEXT, field="text", multiline=True)
    subject = clean_text(subject, max_length=LONGEST_SUBJECT, field="subject")
    if subject is None and text is not None:
        first, _break, rest = text.partition("\n")
        subject = first[:LONGEST_SUBJECT]
        text = text if len(first) > LONGEST_SUBJECT else rest.strip() or None
    if subject is None:
        raise Invalid({"subject": [_l("Say in a few words what it is about.")]})
    return subject, text


def read_moment(name: str, given: datetime | None) -> datetime | None:
    """Raises Invalid for a moment without a zone, and beyond what both databases keep."""
    if given is None:
        return None
    if given.tzinfo is None or not EARLIEST <= given <= LATEST:
        raise Invalid({name: [_l("This is not a date that is understood.")]})
    return given


def _line(given: str | None) -> str | None:
    return clean_text(given, max_length=LONGEST_PLACE, field="place")


def _outcome(given: str | None) -> str | None:
    return clean_text(given, max_length=LONGEST_TEXT, field="outcome", multiline=True)
