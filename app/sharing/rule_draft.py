"""The editor of a sharing rule between two clicks: what its form holds and the rule it means.

Conditions are those of the assignment rules' editor: a form with one entry.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.kernel.actor import Level
from app.kernel.errors import Invalid
from app.routing.criteria import parse
from app.routing.criteria_form import Row, to_form
from app.routing.rule_drafts import EntryDraft, change_draft, condition_problems, criteria_of, read_draft
from app.routing.rule_drafts import RulesDraft as _Entries
from app.sharing.models import SharingRule, SharingRuleKind
from app.sharing.picker import Picker, picker_of, read_picker
from app.sharing.principals import names_of
from app.sharing.sharing_rules import Written, read_rule
from app.sharing.subjects import SUBJECTS

OWNED_BY, SHARE_WITH = "owned_by", "share_with"


@dataclass(slots=True)
class RuleDraft:
    """A rule as typed.

    problems: field → what is wrong with it; "" is the form as a whole.
    """

    object: str
    name: str = ""
    kind: str = SharingRuleKind.CRITERIA.value
    level: str = "read"
    version: str = ""
    entry: EntryDraft = field(default_factory=lambda: EntryDraft(rows=(Row("", "equals", ""),)))
    owned_by: Picker = field(default_factory=lambda: Picker(OWNED_BY, type="user"))
    share_with: Picker = field(default_factory=lambda: Picker(SHARE_WITH, type="group"))
    problems: dict[str, list[str]] = field(default_factory=dict)

    @property
    def began_from(self) -> int | None:
        """The version that the edit began from."""
        return int(self.version) if self.version.isdecimal() and len(self.version) < 10 else None

    def note(self, error: Invalid) -> None:
        """Put complaints beside what they are about."""
        for path, messages in error.errors.items():
            name = path if path in ("name", "kind", "level", "object") else ""
            texts = [str(message) for message in messages]
            if path in (OWNED_BY, SHARE_WITH):
                picker = self.owned_by if path == OWNED_BY else self.share_with
                picker.errors.extend(texts)
                name = path
            elif path.startswith("criteria"):
                name, texts = "criteria", condition_problems(Invalid({path: messages}))
            self.problems.setdefault(name, []).extend(texts)


def read_rule_draft(form: Mapping[str, str], object_: str) -> RuleDraft:
    """What the editor's form holds."""
    entries = read_draft({**form, "entries": "1"}).entries
    return RuleDraft(
        object_,
        name=form.get("name", ""),
        kind=form.get("kind", ""),
        level=form.get("level", ""),
        version=form.get("version", ""),
        entry=entries[0],
        owned_by=read_picker(form, OWNED_BY),
        share_with=read_picker(form, SHARE_WITH),
    )


def draft_of_rule(session: Session, rule: SharingRule, *, language: str) -> RuleDraft:
    """A stored rule as a form."""
    names = names_of(session, {key for key in (rule.owned_by_id, rule.share_with_id) if key is not None})
    draft = RuleDraft(
        rule.object,
        name=rule.name,
        kind=rule.kind.value,
        level="edit" if rule.level >= Level.EDIT else "read",
        version=str(rule.version),
        share_with=picker_of(names[rule.share_with_id], SHARE_WITH),
    )
    if rule.owned_by_id is not None:
        draft.owned_by = picker_of(names[rule.owned_by_id], OWNED_BY)
    elif rule.criteria:
        draft.entry = _entry(rule, language)
    else:
        draft.entry = EntryDraft()
    return draft


def _entry(rule: SharingRule, language: str) -> EntryDraft:
    try:
        form = to_form(parse(rule.criteria, SUBJECTS[rule.object].fields), language=language)
    except Invalid:
        form = None
    if form is None:
        return EntryDraft(kept=json.dumps(rule.criteria))
    return EntryDraft(join=form.join, rows=form.rows)


def change_conditions(draft: RuleDraft, act: str) -> None:
    """Do what a button beside the conditions says; what does not fit does nothing."""
    entries = _Entries(entries=[draft.entry])
    change_draft(entries, act)
    if len(entries.entries) == 1:
        draft.entry = entries.entries[0]


def written_of(session: Session, draft: RuleDraft) -> Written:
    """The rule that the draft means, checked.  Raises Invalid with every fault found."""
    given: dict[str, Any] = {
        "object": draft.object,
        "name": draft.name,
        "kind": draft.kind,
        "level": draft.level,
        "share_with": draft.share_with.given(),
    }
    errors: dict[str, list[Any]] = {}
    if not draft.name.strip():
        errors["name"] = [_("Give it a name.")]
    if draft.kind == SharingRuleKind.OWNER:
        given["owned_by"] = draft.owned_by.given()
    elif draft.object in SUBJECTS:
        try:
            given["criteria"] = criteria_of(draft.entry, SUBJECTS[draft.object].fields)
        except Invalid as error:
            errors["criteria"] = condition_problems(error)
    try:
        written = read_rule(session, given)
    except Invalid as error:
        raise Invalid({**error.errors, **errors}) from error
    if errors:
        raise Invalid(errors)
    return written


def mark_of(written: Written) -> str:
    """What tells one rule from another, so that nobody agrees to one and saves another."""
    told = (
        written.object, written.kind.value, written.owned_by, written.criteria, written.share_with,
        int(written.level),
    )  # fmt: skip
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:32]
