"""The OpenAPI document in the vendor's words: titles, summaries and descriptions follow, names and addresses stay."""

from typing import Any

from app.words.edition import Edition
from app.words.senses import MACHINE_NAMES
from app.words.translations import Renamed, renamed, standard_translations

_SAID = frozenset({"title", "summary", "description"})


def worded(document: dict[str, Any], edition: Edition) -> dict[str, Any]:
    """A copy of the document, which is written in English, as an edition of the words says it."""
    said = renamed(standard_translations("en"), edition, "en")
    copy: dict[str, Any] = _copied(document, said)
    areas = {tag["name"]: said.said(tag["name"], tag["name"]) for tag in document["tags"]}
    for tag in copy["tags"]:
        tag["name"] = areas[tag["name"]]
    for operations in copy["paths"].values():
        for operation in operations.values():
            operation["tags"] = [areas.get(name, name) for name in operation["tags"]]
    return copy


def _copied(value: Any, said: Renamed) -> Any:
    if isinstance(value, dict):
        return {name: _text(each, said) if name in _SAID and isinstance(each, str) else _copied(each, said)
                for name, each in value.items()}  # fmt: skip
    if isinstance(value, list):
        return [_copied(each, said) for each in value]
    return value


def _text(text: str, said: Renamed) -> str:
    return text if any(names in text for names in MACHINE_NAMES) else said.said(text, text)
