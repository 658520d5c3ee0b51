"""Assignment rules at work: a version compiled once, asked for each lead.  Pure but for loading.

A rule set that is or was active never changes, a draft rises in version with each edit; compiled ones are
therefore kept by public name and version for the life of the process.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.errors import Invalid
from app.leads.fields import FIELDS, FieldKind
from app.leads.models import Lead, LeadSource, LeadStatus
from app.routing import steps
from app.routing.candidates import PARTNER_ACCOUNT, QUEUE, ROUND_ROBIN, USER
from app.routing.criteria import CannotEvaluate, Criteria, FieldType, matches, parse
from app.routing.models import RuleEntry, RuleSet, RuleState

_TYPES = {
    FieldKind.NUMBER: FieldType.NUMBER,
    FieldKind.MONEY: FieldType.NUMBER,
    FieldKind.COUNTRY: FieldType.COUNTRY,
    FieldKind.CHOICE: FieldType.CHOICE,
    FieldKind.DATETIME: FieldType.DATETIME,
    FieldKind.BOOLEAN: FieldType.BOOLEAN,
}
# The fields that criteria may name.  A status is compared by its key, a source by its name.
CRITERIA_FIELDS: dict[str, FieldType] = {
    name: _TYPES.get(field.kind, FieldType.TEXT) for name, field in FIELDS.items()
}
_KEPT = 50
_books: "OrderedDict[tuple[str, int], RuleBook]" = OrderedDict()


@dataclass(frozen=True, slots=True)
class Entry:
    """One line, compiled.  criteria: None when what is stored cannot be understood any more."""

    id: int
    position: int
    name: str
    criteria: Criteria | None
    kind: str
    target_id: int
    fallback_queue_id: int | None
    notify: bool
    accept_within_minutes: int | None
    template_id: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule set says of a lead.

    entry: the first that matches.  skipped: (position, reason) of entries that could not be evaluated.
    values: the fields that the rule set compares, for the trace.
    """

    entry: Entry | None
    skipped: Sequence[tuple[int, str]]
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RuleBook:
    """A version of the rules.  fields: those it compares."""

    id: int
    ref: str
    name: str
    number: int
    entries: tuple[Entry, ...]
    fields: tuple[str, ...]

    def evaluate(self, record: Mapping[str, Any]) -> Verdict:
        """The first entry that matches; one that cannot be evaluated is skipped.

        record: field → value, at least of `fields`, as `criteria.FieldType` says.
        """
        values = {name: record.get(name) for name in self.fields}
        skipped: list[tuple[int, str]] = []
        for entry in self.entries:
            if entry.criteria is None:
                skipped.append((entry.position, "its conditions cannot be understood any more"))
                continue
            try:
                if matches(entry.criteria, values):
                    return Verdict(entry, skipped, values)
            except CannotEvaluate as problem:
                skipped.append((entry.position, problem.reason))
        return Verdict(None, skipped, values)

    def step(self, verdict: Verdict) -> steps.Step:
        """The verdict for the trace."""
        entry = (verdict.entry.position, verdict.entry.name) if verdict.entry else None
        return steps.rules(self.id, self.number, verdict.values, entry, verdict.skipped)


def find_active_rules(session: Session) -> RuleBook | None:
    """The version in force, compiled; None when none is."""
    active = session.scalar(select(RuleSet).where(RuleSet.state == RuleState.ACTIVE))
    return None if active is None else open_book(session, active)


def open_book(session: Session, rule_set: RuleSet) -> RuleBook:
    """A version of the rules, compiled."""
    key = (rule_set.ref, rule_set.version)
    book = _books.get(key)
    if book is None:
        entries = session.scalars(
            select(RuleEntry).where(RuleEntry.rule_set_id == rule_set.id).order_by(RuleEntry.position)
        )
        book = compile_book(rule_set, list(entries))
        _books[key] = book
        while len(_books) > _KEPT:
            _books.popitem(last=False)
    return book


def compile_book(rule_set: RuleSet, entries: Sequence[RuleEntry]) -> RuleBook:
    """A version of the rules made ready; entries by position."""
    compiled = tuple(_compile(entry) for entry in entries)
    fields = {name for entry in compiled if entry.criteria for name in entry.criteria.fields}
    return RuleBook(
        rule_set.id, rule_set.ref, rule_set.name, rule_set.number, compiled, tuple(sorted(fields))
    )


def _compile(entry: RuleEntry) -> Entry:
    try:
        criteria: Criteria | None = parse(entry.criteria or None, CRITERIA_FIELDS)
    except Invalid:
        criteria = None
    kind, target_id = target_of(entry)
    return Entry(
        entry.id, entry.position, entry.name, criteria, kind, target_id, entry.fallback_queue_id,
        entry.notify, entry.accept_within_minutes, entry.template_id,
    )  # fmt: skip


def target_of(entry: RuleEntry) -> tuple[str, int]:
    """Kind and key of an entry's target."""
    found = (
        (USER, entry.target_user_id),
        (QUEUE, entry.target_queue_id),
        (ROUND_ROBIN, entry.target_round_robin_id),
        (PARTNER_ACCOUNT, entry.target_account_id),
    )
    return next((kind, key) for kind, key in found if key is not None)


class LeadReader:
    """Reads what a rule set compares from leads, or from the values of leads that are not stored yet."""

    def __init__(self, session: Session, fields: Sequence[str]) -> None:
        names = self._names(session, fields)
        self._plan = [(name, FIELDS[name].attribute, names.get(name)) for name in fields]

    @staticmethod
    def _names(session: Session, fields: Sequence[str]) -> dict[str, dict[int, str]]:
        found: dict[str, dict[int, str]] = {}
        if "status" in fields:
            found["status"] = {s.id: s.key for s in session.scalars(select(LeadStatus))}
        if "source" in fields:
            found["source"] = {s.id: s.name for s in session.scalars(select(LeadSource))}
        return found

    def of_lead(self, lead: Lead) -> dict[str, Any]:
        """The record of a lead."""
        return self._read(lambda attribute: getattr(lead, attribute))

    def of_values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The record of a lead that is still values.  values: attribute of Lead → value; absent is empty."""
        return self._read(values.get)

    def _read(self, get: Callable[[str], Any]) -> dict[str, Any]:
        record = {}
        for name, attribute, names in self._plan:
            value = get(attribute)
            record[name] = names.get(value) if names is not None and value is not None else value
        return record
