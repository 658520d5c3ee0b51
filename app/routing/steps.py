"""The steps of a trace: what routing considered for one assignment, as small plain values for storing.

A trace is a list of steps in the order in which they happened; `trace` says them in words, `verify`
replays them.  Names are stored as they were then; ids are inner ones and never leave the vendor's side.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

Step = dict[str, Any]


def no_rules() -> Step:
    """No rule set was active."""
    return {"step": "no_rules"}


def rules(
    rule_set_id: int,
    number: int,
    values: Mapping[str, Any],
    entry: tuple[int, str] | None,
    skipped: Sequence[tuple[int, str]],
) -> Step:
    """A rule set was asked.

    values: what it compares, field → value.  entry: position (from 1) and name of the one that matched.
    skipped: position and reason of those that could not be evaluated.
    """
    step: Step = {
        "step": "rules",
        "rules": rule_set_id,
        "number": number,
        "values": {name: plain(value) for name, value in values.items()},
        "entry": entry[0] if entry else None,
    }
    if entry and entry[1]:
        step["name"] = entry[1]
    if skipped:
        step["skipped"] = [list(pair) for pair in skipped]
    return step


def target(kind: str, key: int, name: str) -> Step:
    """The lead was to go to a user, queue, partner account or round robin."""
    return {"step": "target", "kind": kind, "id": key, "name": name}


def not_eligible(kind: str, key: int, name: str, reason: Sequence[Any]) -> Step:
    """The target could not be given it.  reason: as `reasons.Refusal.to_json` makes it."""
    return {"step": "not_eligible", "kind": kind, "id": key, "name": name, "reason": list(reason)}


def fallback(of: str, queue_id: int, name: str) -> Step:
    """It went to a queue instead.  of: "entry", "round_robin", "origin" or "default"."""
    return {"step": "fallback", "of": of, "queue": queue_id, "name": name}


def offer(minutes: int, said_by: str) -> Step:
    """It was held out, not given.  said_by: what set the time: entry, round_robin, queue, level, standard."""
    return {"step": "offer", "minutes": minutes, "by": said_by}


def went_on(cause: str, hop: int) -> Step:
    """The offer before was declined, or not accepted in time.  hop: how many offers there were before."""
    return {"step": "went_on", "cause": cause, "hop": hop}


def recycled() -> Step:
    """Whoever had taken it did nothing on it in time."""
    return {"step": "recycled"}


def no_more_hops(hops: int) -> Step:
    return {"step": "no_more_hops", "hops": hops}


def turn_given_back() -> Step:
    return {"step": "turn_given_back"}


def over_capacity(open_leads: int, capacity: int) -> Step:
    """A person confirmed that it may exceed the capacity."""
    return {"step": "over_capacity", "open": open_leads, "capacity": capacity}


def despite_refusal(company: str) -> Step:
    """A person gave it to a company that had refused it."""
    return {"step": "despite_refusal", "company": company}


def undone() -> Step:
    """A bulk act was undone."""
    return {"step": "undone"}


def plain(value: Any) -> Any:
    """A field's value as JSON holds it; `unplain` in `verify` reads it back by the field's type."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value
