"""What somebody could see when a file was made, to ask when they take it whether they have lost any of it since.

What they gained does not matter.  A single record that has left their sight by itself, such as an account given to a
colleague, is not asked for: the file holds what they could read when it was written.
"""

from typing import Any

from app.kernel.actor import Actor

_LEVELS = tuple(name for name in Actor.__dataclass_fields__ if name.startswith("default_"))
_SETS = ("queue_ids", "managed_ids", "answerable_ids", "shared", "preview_fields")


def standing_of(actor: Actor) -> dict[str, Any]:
    """Everything that decides what the person sees, as a job keeps it."""
    return {
        "role": actor.role.value,
        "company": actor.company_id,
        "portfolio": actor.sees_portfolio_only,
        "level": actor.level_id,
        "permissions": sorted(actor.permissions),
        "hidden_fields": sorted(actor.hidden_fields),
        **{name: int(getattr(actor, name) or 0) for name in _LEVELS},
        **{name: _plain(getattr(actor, name)) for name in _SETS},
    }


def has_lost(actor: Actor, before: Any) -> bool:
    """Whether the person sees less than when that was kept, or somebody else's things."""
    if not before:
        return True
    now = standing_of(actor)
    if any(now[name] != before.get(name) for name in ("role", "company", "level")):
        return True
    if now["portfolio"] and not before["portfolio"]:
        return True
    if any(now[name] < before.get(name, 0) for name in _LEVELS):
        return True
    if set(now["hidden_fields"]) - set(before["hidden_fields"]):
        return True
    return any(_keys(before[name]) - _keys(now[name]) for name in (*_SETS, "permissions"))


def _plain(values: Any) -> list[Any]:
    return [list(each) if isinstance(each, tuple) else each for each in values]


def _keys(values: Any) -> set[Any]:
    return {tuple(each) if isinstance(each, list) else each for each in values}
