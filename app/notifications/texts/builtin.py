"""The built-in words of a kind as a text to begin from: the very sentences of its mail, with placeholders in them."""

from typing import Any

from flask import current_app

from app.notifications.models import NotificationKind as Kind
from app.notifications.texts.kinds import ASSIGNMENT, placeholders

_COUNTS = frozenset({"number", "own", "offered", "waiting"})


class _Count(int):
    """A number for choosing between singular and plural that shows itself as its placeholder."""

    name = ""

    def __str__(self) -> str:
        return _placeholder(self.name)

    __repr__ = __str__


def _shown(name: str) -> Any:
    if name not in _COUNTS:
        return _placeholder(name)
    count = _Count(2)
    count.name = name
    return count


def _placeholder(name: str) -> str:
    return "{{ " + name + " }}"


def builtin_text(kind: str) -> tuple[str, str]:
    """Subject and body in the language at hand."""
    shown: dict[str, Any] = {name: _shown(name) for name in placeholders(kind)}
    # What chooses between sentences: those of the usual case.
    shown |= {"is_mine": True, "is_partner": True, "is_preview": True}
    of = Kind.LEAD_ASSIGNED if kind == ASSIGNMENT else kind
    template = current_app.jinja_env.get_template(f"mail/{of}.txt")
    context = template.new_context(shown)
    subject, body = ("".join(template.blocks[part](context)).strip() for part in ("subject", "body"))
    paragraphs = [" ".join(part.split()) for part in body.split("\n\n") if part.strip()]
    return " ".join(subject.split()), "\n\n".join(paragraphs)
