"""The rules editor between two clicks: what its form holds, what a button does to it, and the entries it means.

Everything is in the form itself, so that the page works without JavaScript and nothing typed is lost.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from flask_babel import gettext as _

from app.kernel.db import db
from app.kernel.errors import Invalid
from app.routing.criteria import Criteria, FieldType
from app.routing.criteria_form import Row, from_form, to_form
from app.routing.rule_queries import RulePage
from app.routing.rules import criteria_fields

MOST_ROWS = 30
MOST_DRAFTED = 200
_BLANK = Row("", "equals", "")
L = TypeVar("L")


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """One entry as typed.

    kept: criteria as JSON that are nested too deep for rows; they are left alone.  target: "kind:public name".
    template: public name of the mail template, "" for the usual text.
    """

    name: str = ""
    join: str = "all"
    rows: tuple[Row, ...] = ()
    kept: str = ""
    target: str = ""
    fallback: str = ""
    notify: bool = True
    minutes: str = ""
    template: str = ""


@dataclass(slots=True)
class RulesDraft:
    """All entries as typed.  problems: position from 0 → what is wrong with that entry."""

    name: str = ""
    version: str = ""
    entries: list[EntryDraft] = field(default_factory=list)
    problems: dict[int, list[str]] = field(default_factory=dict)
    name_problems: list[str] = field(default_factory=list)

    @property
    def began_from(self) -> int | None:
        """The version that the edit began from."""
        return int(self.version) if self.version.isdecimal() and len(self.version) < 10 else None


def draft_of(
    page: RulePage, *, fallbacks: Mapping[int, str], templates: Mapping[int, str], language: str
) -> RulesDraft:
    """A stored version as a form.  fallbacks, templates: key of a queue, of a mail template → its public name."""
    entries = []
    for line in page.lines:
        entry = line.entry
        form = to_form(entry.criteria, language=language) if entry.criteria is not None else None
        entries.append(
            EntryDraft(
                name=entry.name,
                join=form.join if form else "all",
                rows=form.rows if form else (),
                kept=json.dumps(entry.criteria.to_json())
                if entry.criteria is not None and form is None
                else "",
                target=f"{line.target.kind}:{line.target.ref}",
                fallback=fallbacks.get(entry.fallback_queue_id or 0, ""),
                notify=entry.notify,
                minutes=str(entry.accept_within_minutes or ""),
                template=templates.get(entry.template_id or 0, ""),
            )
        )
    return RulesDraft(page.rules.name, str(page.rules.version), entries)


def read_draft(form: Mapping[str, str]) -> RulesDraft:
    """What the editor's form holds."""
    draft = RulesDraft(form.get("name", ""), form.get("version", ""))
    for i in range(min(_count(form, "entries"), MOST_DRAFTED)):
        at = f"e{i}-"
        rows = tuple(
            Row(
                form.get(f"{at}c{j}-field", ""), form.get(f"{at}c{j}-op", ""), form.get(f"{at}c{j}-value", "")
            )
            for j in range(min(_count(form, f"{at}rows"), MOST_ROWS))
        )
        draft.entries.append(
            EntryDraft(
                name=form.get(f"{at}name", ""),
                join=form.get(f"{at}join", "all"),
                rows=rows,
                kept=form.get(f"{at}kept", ""),
                target=form.get(f"{at}target", ""),
                fallback=form.get(f"{at}fallback", ""),
                notify=f"{at}notify" in form,
                minutes=form.get(f"{at}minutes", ""),
                template=form.get(f"{at}template", ""),
            )
        )
    return draft


def _count(form: Mapping[str, str], name: str) -> int:
    text = form.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0


def change_draft(draft: RulesDraft, act: str) -> int:
    """Do what a button says; the entry, from 0, to show then.  act: see `press`."""
    return press(draft.entries, act, EntryDraft(rows=(_BLANK,)), lambda entry: entry.rows, with_rows)


def with_rows(entry: EntryDraft, rows: Sequence[Row]) -> EntryDraft:
    """With these conditions and no others."""
    return replace(entry, kept="", rows=tuple(rows))


def press(
    lines: list[L],
    act: str,
    blank: L,
    rows_of: Callable[[L], Sequence[Row]],
    with_rows: Callable[[L, Sequence[Row]], L],
) -> int:
    """Do what a button says to lines with conditions; the line, from 0, to show then.

    act: "add", "up-2", "down-2", "remove-2", "condition-2", "clear-2-1" (the second condition of the third
    line), "rebuild-2".  What does not fit the lines does nothing.  blank: one that is added.
    """
    verb, *places = act.split("-")
    if verb == "add":
        lines.append(blank)
        return len(lines) - 1
    if not places or not all(place.isdecimal() for place in places) or int(places[0]) >= len(lines):
        return 0
    i = int(places[0])
    match verb:
        case "up" if i > 0:
            lines[i - 1], lines[i] = lines[i], lines[i - 1]
            return i - 1
        case "down" if i + 1 < len(lines):
            lines[i + 1], lines[i] = lines[i], lines[i + 1]
            return i + 1
        case "remove":
            del lines[i]
            return max(0, i - 1)
        case "condition":
            lines[i] = with_rows(lines[i], [*rows_of(lines[i]), _BLANK])
        case "clear" if len(places) == 2:
            kept = [row for j, row in enumerate(rows_of(lines[i])) if j != int(places[1])]
            lines[i] = with_rows(lines[i], kept)
        case "rebuild":
            lines[i] = with_rows(lines[i], [_BLANK])
    return i


def adds_condition(act: str) -> bool:
    """Whether the button gives an entry a new last condition, whose first input people go on with."""
    return act.startswith(("condition-", "rebuild-"))


def entries_of(draft: RulesDraft) -> list[dict[str, Any]]:
    """The entries that the draft means, as the API takes them.

    Raises Invalid, with the complaints noted in the draft, when conditions cannot be understood.
    """
    found = []
    for i, entry in enumerate(draft.entries):
        kind, _colon, ref = entry.target.partition(":")
        criteria = None
        try:
            criteria = criteria_of(entry, criteria_fields(db.session()))
        except Invalid as error:
            draft.problems.setdefault(i, []).extend(condition_problems(error))
        found.append(
            {
                "name": entry.name,
                "criteria": criteria,
                "target": {"type": kind, "id": ref},
                "fallback_queue_id": entry.fallback or None,
                "notify": entry.notify,
                "template_id": entry.template or None,
                "accept_within_minutes": entry.minutes or None,
            }
        )
    if draft.problems:
        raise Invalid({})
    return found


def criteria_of(entry: EntryDraft, fields: Mapping[str, FieldType]) -> dict[str, Any] | None:
    """The conditions of an entry as they are stored; None for those that match everything.  Raises Invalid."""
    if entry.kept:
        try:
            kept = json.loads(entry.kept)
        except (ValueError, RecursionError) as error:
            raise Invalid({"": [_("These conditions cannot be read any more.")]}) from error
        return kept if isinstance(kept, dict) else None
    criteria: Criteria = from_form(entry.join, entry.rows, fields)
    return None if criteria.matches_everything else criteria.to_json()


def condition_problems(error: Invalid) -> list[str]:
    """Complaints about conditions, each with the number of its row among the filled ones."""
    said = []
    for path, messages in error.errors.items():
        _before, bracket, rest = path.partition("[")
        number = rest.partition("]")[0]
        for message in messages:
            if bracket and number.isdecimal():
                said.append(
                    _("Condition %(number)s: %(problem)s", number=int(number) + 1, problem=str(message))
                )
            else:
                said.append(str(message))
    return said


def note_problems(draft: RulesDraft, error: Invalid) -> None:
    """Put an operation's complaints ("entries[2].target") beside the entries they are about."""
    for path, messages in error.errors.items():
        texts = [str(message) for message in messages]
        if path.startswith("entries["):
            number = path[len("entries[") :].partition("]")[0]
            draft.problems.setdefault(int(number) if number.isdecimal() else 0, []).extend(texts)
        else:
            draft.name_problems.extend(texts)


def operator_words() -> Sequence[tuple[str, str]]:
    """The operators as the editor offers them."""
    return [
        ("equals", _("is")),
        ("not_equals", _("is not")),
        ("in", _("is one of")),
        ("not_in", _("is none of")),
        ("contains", _("contains")),
        ("starts_with", _("starts with")),
        ("gt", _("is over, or after")),
        ("gte", _("is at least, or from")),
        ("lt", _("is under, or before")),
        ("lte", _("is at most, or until")),
        ("is_empty", _("is empty")),
        ("is_not_empty", _("is filled in")),
    ]
