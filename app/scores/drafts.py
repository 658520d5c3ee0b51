"""The editor of score rules between two clicks: what its form holds, what a button does to it, the lines it means.

Everything is in the form itself, so that the page works without JavaScript and nothing typed is lost.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.kernel.errors import Invalid
from app.routing.criteria import FieldType, parse
from app.routing.criteria_form import Row, to_form
from app.routing.rule_drafts import MOST_ROWS, EntryDraft, condition_problems, criteria_of, press, with_rows
from app.scores.models import ScoreSet
from app.scores.reading import MOST_LINES, score_fields


@dataclass(frozen=True, slots=True)
class LineDraft:
    """One line as typed.  entry: its conditions.  per, by, most: points for each so much of a field.

    by: a number, or "field:" with a field's name.  since, days: the points halve.
    """

    name: str = ""
    points: str = ""
    entry: EntryDraft = field(default_factory=EntryDraft)
    per: str = ""
    by: str = ""
    by_field: str = ""
    most: str = ""
    since: str = ""
    days: str = ""


@dataclass(slots=True)
class ScoresDraft:
    """A version as typed.  problems: number of a line from 0 → what is wrong with it; -1: with the version."""

    name: str = ""
    version: str = ""
    threshold: str = ""
    routes_again: bool = False
    queue: str = ""
    lines: list[LineDraft] = field(default_factory=list)
    problems: dict[int, list[str]] = field(default_factory=dict)

    @property
    def began_from(self) -> int | None:
        """The version that the edit began from."""
        return int(self.version) if self.version.isdecimal() and len(self.version) < 10 else None


def draft_of(
    scores: ScoreSet, known: Mapping[str, FieldType], *, queues: Mapping[int, str], language: str
) -> ScoresDraft:
    """A stored version as a form.  queues: key → public name."""
    return ScoresDraft(
        scores.name,
        str(scores.version),
        str(scores.threshold or ""),
        scores.routes_again,
        queues.get(scores.route_queue_id or 0, ""),
        [_line_of(line, known, language) for line in scores.lines],
    )


def _line_of(stored: Mapping[str, Any], known: Mapping[str, FieldType], language: str) -> LineDraft:
    each, decay = stored.get("each") or {}, stored.get("decay") or {}
    by = each.get("by")
    return LineDraft(
        stored["name"],
        str(stored["points"]),
        _entry_of(stored.get("criteria"), known, language),
        each.get("field", ""),
        "" if by is None or isinstance(by, Mapping) else str(by),
        by["field"] if isinstance(by, Mapping) else "",
        str(each.get("most") or ""),
        decay.get("field", ""),
        str(decay.get("days", "")),
    )


def _entry_of(stored: Any, known: Mapping[str, FieldType], language: str) -> EntryDraft:
    try:
        form = to_form(parse(stored, score_fields(known)), language=language)
    except Invalid:
        form = None
    if form is None:
        return EntryDraft(kept=json.dumps(stored))
    return EntryDraft(join=form.join, rows=form.rows)


def read_draft(form: Mapping[str, str]) -> ScoresDraft:
    """What the editor's form holds."""
    draft = ScoresDraft(
        form.get("name", ""),
        form.get("version", ""),
        form.get("threshold", ""),
        "routes_again" in form,
        form.get("queue", ""),
    )
    draft.lines = [_read_line(form, f"e{i}-") for i in range(min(_count(form, "lines"), MOST_LINES + 1))]
    return draft


def _read_line(form: Mapping[str, str], at: str) -> LineDraft:
    rows = tuple(
        Row(*(form.get(f"{at}c{j}-{part}", "") for part in ("field", "op", "value")))
        for j in range(min(_count(form, f"{at}rows"), MOST_ROWS))
    )
    entry = EntryDraft(join=form.get(f"{at}join", "all"), rows=rows, kept=form.get(f"{at}kept", ""))
    names = ("per", "by", "by_field", "most", "since", "days")
    return LineDraft(
        form.get(f"{at}name", ""),
        form.get(f"{at}points", ""),
        entry,
        *(form.get(f"{at}{n}", "") for n in names),
    )


def _count(form: Mapping[str, str], name: str) -> int:
    text = form.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0


def change_draft(draft: ScoresDraft, act: str) -> int:
    """Do what a button says; the line, from 0, to show then.  act: see `press`."""
    return press(draft.lines, act, LineDraft(), lambda line: line.entry.rows, _with_rows)


def _with_rows(line: LineDraft, rows: Sequence[Row]) -> LineDraft:
    return replace(line, entry=with_rows(line.entry, rows))


def given_by(draft: ScoresDraft, known: Mapping[str, FieldType]) -> dict[str, Any]:
    """The version that the draft means, as `operations.create_scores` takes it.

    Raises Invalid, with the complaints noted in the draft, when conditions cannot be understood.
    """
    lines = []
    for i, line in enumerate(draft.lines):
        criteria = None
        try:
            criteria = criteria_of(line.entry, score_fields(known))
        except Invalid as error:
            draft.problems.setdefault(i, []).extend(condition_problems(error))
        by: Any = {"field": line.by_field} if line.by_field else line.by.strip().replace(",", ".") or 1
        each = {"field": line.per, "by": by, "most": line.most or None} if line.per else None
        decay = {"field": line.since, "days": line.days} if line.since else None
        lines.append(
            {"name": line.name, "points": line.points, "criteria": criteria, "each": each, "decay": decay}
        )
    if draft.problems:
        raise Invalid({})
    return {
        "name": draft.name,
        "threshold": draft.threshold,
        "routes_again": draft.routes_again,
        "route_queue_id": draft.queue or None,
        "lines": lines,
    }


def note_problems(draft: ScoresDraft, error: Invalid) -> None:
    """Put an operation's complaints ("lines[2].points") beside the lines they are about."""
    for path, messages in error.errors.items():
        number = path[len("lines[") :].partition("]")[0] if path.startswith("lines[") else ""
        place = int(number) if number.isdecimal() else -1
        draft.problems.setdefault(place, []).extend(str(message) for message in messages)
