"""Options of select, radio and checkbox fields, in the form that WTForms wants them."""

from collections.abc import Iterable
from typing import Any

from wtforms.fields import choices as wtforms_choices


def options(pairs: Iterable[tuple[Any, Any]]) -> Any:
    """Choices from (value, label) pairs; labels may be translated late."""
    # Named so since WTForms 3.3, which its published types do not know yet.
    choice: Any = wtforms_choices.SelectChoice  # type: ignore[attr-defined]
    return [choice(value=value, label=label) for value, label in pairs]
