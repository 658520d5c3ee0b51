"""Assignment rules at work: a version compiled once, asked for each lead.  Pure but for loading.

A rule set that is or was active never changes, a draft rises in version with each edit; compiled ones are
therefore kept by public name, version and edition of the added fields for the life of the process.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.fields.catalogue import catalogue, types_ever
from app.fields.values import for_criteria
from app.kernel.errors import Invalid
from app.leads.fields import FIELDS, FieldKind
from app.leads.models import Lead, LeadSource, LeadStatus, UnqualifiedReason
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
NOT_UNDERSTOOD = "its conditions cannot be understood any more"
_KEPT = 50
_books: "OrderedDict[tuple[str, int, str], RuleBook]" = OrderedDict()


def criteria_fields(session: Session) -> dict[str, FieldType]:
    """The fields that criteria may name, those that administrators added too."""
    return CRITERIA_FIELDS | catalogue(session).types("lead")


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

    def evaluate(self, record: Mapping[str, Any], without: Collection[int] = ()) -> Verdict:
        """The first entry that matches; one that cannot be evaluated is skipped.

        record: field → value, at least of `fields`, as `criteria.FieldType` says.  without: positions of entries
        that are to be taken for ones which cannot be understood.
        """
        values = {name: record.get(name) for name in self.fields}
        skipped: list[tuple[int, str]] = []
        for entry in self.entries:
            if entry.criteria is None or entry.position in without:
                skipped.append((entry.position, NOT_UNDERSTOOD))
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
    key = (rule_set.ref, rule_set.version, catalogue(session).key)
    book = _books.get(key)
    if book is None:
        entries = session.scalars(
            select(RuleEntry).where(RuleEntry.rule_set_id == rule_set.id).order_by(RuleEntry.position)
        )
        book = compile_book(rule_set, list(entries), criteria_fields(session))
        _books[key] = book
        while len(_books) > _KEPT:
            _books.popitem(last=False)
    return book


def open_book_of_then(session: Session, rule_set: RuleSet) -> RuleBook:
    """The same with every added field that there ever was, to replay what was decided by fields that are gone."""
    entries = session.scalars(
        select(RuleEntry).where(RuleEntry.rule_set_id == rule_set.id).order_by(RuleEntry.position)
    )
    return compile_book(rule_set, list(entries), CRITERIA_FIELDS | types_ever(session, "lead"))


def compile_book(
    rule_set: RuleSet, entries: Sequence[RuleEntry], fields_known: Mapping[str, FieldType] = CRITERIA_FIELDS
) -> RuleBook:
    """A version of the rules made ready; entries by position."""
    compiled = tuple(_compile(entry, fields_known) for entry in entries)
    fields = {name for entry in compiled if entry.criteria for name in entry.criteria.fields}
    return RuleBook(
        rule_set.id, rule_set.ref, rule_set.name, rule_set.number, compiled, tuple(sorted(fields))
    )


def _compile(entry: RuleEntry, known: Mapping[str, FieldType]) -> Entry:
    try:
        criteria: Criteria | None = parse(entry.criteria or None, known)
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
        standard = [name for name in fields if name in FIELDS]
        self._plan = [(name, FIELDS[name].attribute, names.get(name)) for name in standard]
        own = catalogue(session).all("lead")
        self._own = [own[name] for name in fields if name in own]

    @staticmethod
    def _names(session: Session, fields: Sequence[str]) -> dict[str, dict[int, str]]:
        found: dict[str, dict[int, str]] = {}
        if "status" in fields:
            found["status"] = {s.id: s.key for s in session.scalars(select(LeadStatus))}
        if "source" in fields:
            found["source"] = {s.id: s.name for s in session.scalars(select(LeadSource))}
        if "unqualified_reason" in fields:
            reasons = session.scalars(select(UnqualifiedReason))
            found["unqualified_reason"] = {reason.id: reason.key for reason in reasons}
        return found

    def of_lead(self, lead: Lead) -> dict[str, Any]:
        """The record of a lead."""
        return self.read(lambda attribute: getattr(lead, attribute))

    def of_values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The record of a lead that is still values.  values: attribute of Lead → value; absent is empty."""
        return self.read(values.get)

    def read(self, get: Callable[[str], Any]) -> dict[str, Any]:
        """The record of whatever `get` tells the attributes of."""
        record = {}
        for name, attribute, names in self._plan:
            value = get(attribute)
            record[name] = names.get(value) if names is not None and value is not None else value
        if self._own:
            held = get("custom") or {}
            record.update((each.name, for_criteria(each, held.get(each.name))) for each in self._own)
        return record
