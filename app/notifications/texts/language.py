"""The language of mail texts: words, and placeholders such as `{{ title }}`.  Pure.

A placeholder is replaced by plain text and nothing else: there are no expressions, conditions or loops,
what is put in is never read again, and whoever gets the mail may see every value there is.  So that no
condition is missed, a line is left out when a placeholder on it has nothing to say for its reader.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l

from app.kernel.errors import Invalid
from app.kernel.text import clean_text

LONGEST_SUBJECT = 150
LONGEST_BODY = 5_000
MOST_PLACEHOLDERS = 60

_PLACEHOLDER = re.compile(r"\{\{([^{}\n]{0,80})\}\}")
_BRACES = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")
_ADDRESS = re.compile(r"https?:|\bwww\.", re.IGNORECASE)


class CannotFill(Exception):
    """A text names a placeholder that there is not.  reason: in English, for the log."""

    def __init__(self, line: int, name: str) -> None:
        super().__init__(f"line {line}: no placeholder {name!r}")


def clean_texts(subject: object, body: object, known: Sequence[str]) -> tuple[str, str]:
    """Subject and body as they are stored.

    known: the placeholders that there are.  Raises Invalid, each fault with its line.
    """
    errors: dict[str, list[Any]] = {}
    cleaned: dict[str, str] = {}
    for field, value, limit in (("subject", subject, LONGEST_SUBJECT), ("body", body, LONGEST_BODY)):
        try:
            text = clean_text(value, max_length=limit, field=field, multiline=field == "body") or ""
        except Invalid as error:
            errors.update(error.errors)
            continue
        # Subjects are kept by every server on the way and stand on locked screens: no place for a one-time link.
        fitting = known if field == "body" else [name for name in known if name != "link"]
        found = (
            find_faults(text, fitting, in_subject=field == "subject")
            if text
            else [_l("Write something here.")]
        )
        if found:
            errors[field] = found
        cleaned[field] = text
    if errors:
        raise Invalid(errors)
    return cleaned["subject"], cleaned["body"]


def find_faults(text: str, known: Sequence[str], *, in_subject: bool = False) -> list[Any]:
    """What is wrong with a text, in words, each with its line; at most ten."""
    faults: list[Any] = []
    for number, line in enumerate(text.split("\n"), start=1):
        where = _l("Subject") if in_subject else _l("Line %(line)s", line=number)
        for found in _PLACEHOLDER.finditer(line):
            name = found.group(1).strip()
            if name not in known:
                faults.append(_l("%(where)s: there is no placeholder “%(name)s”.", where=where, name=name))
        if _BRACES.search(_PLACEHOLDER.sub("", line)):
            faults.append(
                _l(
                    "%(where)s: only placeholders such as %(example)s are understood, each in its pair of braces.",
                    where=where,
                    example="{{ name }}",
                )
            )
        if _ADDRESS.search(line):
            faults.append(
                _l(
                    "%(where)s: leave web addresses out. The button leads to the right page, and %(link)s is its address.",
                    where=where,
                    link="{{ link }}",
                )
            )
    if len(_PLACEHOLDER.findall(text)) > MOST_PLACEHOLDERS:
        faults.append(_l("At most %(most)s placeholders fit.", most=MOST_PLACEHOLDERS))
    return faults[:10]


def fill_line(line: str, values: Mapping[str, str], number: int = 1) -> str | None:
    """The line with its placeholders replaced; None when one of them has nothing to say.

    values: every placeholder there is, "" for those without a value.  Raises CannotFill.
    """
    names = [name.strip() for name in _PLACEHOLDER.findall(line)]
    for name in names:
        if name not in values:
            raise CannotFill(number, name)
    if not all(values[name] for name in names):
        return None
    return _PLACEHOLDER.sub(lambda found: values[found.group(1).strip()], line)


def fill(text: str, values: Mapping[str, str]) -> list[str]:
    """The paragraphs of a text, filled; lines within one are parted by line breaks.  Raises CannotFill."""
    paragraphs: list[list[str]] = [[]]
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            paragraphs.append([])
            continue
        filled = fill_line(line, values, number)
        if filled is not None and filled.strip():
            paragraphs[-1].append(" ".join(filled.split()))
    return ["\n".join(lines) for lines in paragraphs if lines]
