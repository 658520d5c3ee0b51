"""Reading the assignment rules: versions, the lines of one in words, what they did last month."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel.actor import Actor, Permission
from app.leads.models import Assignment
from app.notifications.models import MailTemplate
from app.routing.candidates import PARTNER_ACCOUNT, QUEUE, ROUND_ROBIN, USER, Snapshot
from app.routing.criteria import Criteria
from app.routing.criteria_shadow import never_matches_after
from app.routing.eligibility import Wanted, take_snapshot
from app.routing.models import Queue, RoundRobin, RuleEntry, RuleSet, RuleState
from app.routing.reasons import Reason, Refusal
from app.routing.rules import Entry, RuleBook, open_book

MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class TargetName:
    """A target as it is shown and named outside.  refusal: why it could not be given anything now."""

    kind: str
    ref: str
    name: str
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One entry.

    last_month: leads that it took in the last thirty days.  shadowed_by: positions of the earlier entries
    that take everything it would; () when it contradicts itself; None when it may match.
    """

    entry: Entry
    target: TargetName
    fallback: str
    template: str
    last_month: int
    shadowed_by: tuple[int, ...] | None

    @property
    def is_broken(self) -> bool:
        """Whether what is stored cannot be understood any more."""
        return self.entry.criteria is None


@dataclass(frozen=True, slots=True)
class RulePage:
    """A version with its lines.  by: who changed it last."""

    rules: RuleSet
    book: RuleBook
    lines: Sequence[RuleLine]
    default_queue: Queue
    by: str


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version in the list of all."""

    rules: RuleSet
    entries: int
    by: str


def list_versions(session: Session, actor: Actor, *, limit: int = 100) -> Sequence[VersionRow]:
    """The versions, newest first.  Raises NotAllowed."""
    actor.require(Permission.ROUTING_MANAGE)
    count = (
        select(func.count(RuleEntry.id))
        .where(RuleEntry.rule_set_id == RuleSet.id)
        .correlate(RuleSet)
        .scalar_subquery()
    )
    rows = session.execute(
        select(RuleSet, count, User.name)
        .outerjoin(User, User.id == RuleSet.updated_by_id)
        .order_by(RuleSet.number.desc())
        .limit(limit)
    )
    return [VersionRow(rules, entries, by or "") for rules, entries, by in rows]


def find_active(session: Session) -> RuleSet | None:
    """The version in force; None when none is."""
    return session.scalar(select(RuleSet).where(RuleSet.state == RuleState.ACTIVE))


def read_rules(session: Session, actor: Actor, rules: RuleSet, *, now: datetime) -> RulePage:
    """A version with everything its page shows; a constant number of statements.  Raises NotAllowed."""
    actor.require(Permission.ROUTING_MANAGE)
    book = open_book(session, rules)
    names = target_names(session, book.entries, now=now)
    fallbacks = _queue_names(session, (e.fallback_queue_id for e in book.entries))
    templates = _template_names(session, (e.template_id for e in book.entries))
    counts = _last_month(session, book.entries, now)
    shadows = shadowed(book.entries)
    lines = [
        RuleLine(
            entry,
            names[entry.kind, entry.target_id],
            fallbacks.get(entry.fallback_queue_id or 0, ""),
            templates.get(entry.template_id or 0, ""),
            counts.get(entry.id, 0),
            shadows.get(entry.position),
        )
        for entry in book.entries
    ]
    default = session.scalars(select(Queue).where(Queue.is_default)).one()
    by = session.get(User, rules.updated_by_id) if rules.updated_by_id else None
    return RulePage(rules, book, lines, default, by.name if by else "")


def shadowed(entries: Sequence[Entry]) -> dict[int, tuple[int, ...]]:
    """Entries that can never match: position → positions of those that take everything, () for none."""
    found: dict[int, tuple[int, ...]] = {}
    earlier: list[tuple[int, Criteria]] = []
    for entry in entries:
        if entry.criteria is None:
            continue
        takers = never_matches_after([criteria for _position, criteria in earlier], entry.criteria)
        if takers is not None:
            found[entry.position] = tuple(earlier[i][0] for i in takers)
        earlier.append((entry.position, entry.criteria))
    return found


def target_names(
    session: Session, entries: Iterable[Entry], *, now: datetime
) -> dict[tuple[str, int], TargetName]:
    """What the targets are called, and how they stand now; two statements."""
    wanted: dict[str, set[int]] = {}
    for entry in entries:
        wanted.setdefault(entry.kind, set()).add(entry.target_id)
    asked = [Wanted.of(kind, wanted[kind]) for kind in (USER, PARTNER_ACCOUNT, QUEUE) if kind in wanted]
    snapshot = take_snapshot(session, *asked, now=now) if asked else Snapshot(now)
    names = {
        principal: TargetName(c.kind, c.ref, c.name, snapshot.refusal(c))
        for principal, c in snapshot.by_principal.items()
    }
    if ROUND_ROBIN in wanted:
        groups = session.scalars(select(RoundRobin).where(RoundRobin.id.in_(wanted[ROUND_ROBIN])))
        for group in groups:
            refusal = Refusal(Reason.GONE) if group.deleted_at is not None else None
            names[ROUND_ROBIN, group.id] = TargetName(ROUND_ROBIN, group.ref, group.name, refusal)
    return names


def _queue_names(session: Session, ids: Iterable[int | None]) -> Mapping[int, str]:
    wanted = {key for key in ids if key is not None}
    if not wanted:
        return {}
    rows = session.execute(select(Queue.id, Queue.name).where(Queue.id.in_(wanted)))
    return {key: name for key, name in rows}  # noqa: C416 - rows are no pairs to mypy


def _template_names(session: Session, ids: Iterable[int | None]) -> Mapping[int, str]:
    """The names of the mail texts that entries choose, those deleted since included."""
    wanted = {key for key in ids if key is not None}
    if not wanted:
        return {}
    rows = session.execute(select(MailTemplate.id, MailTemplate.name).where(MailTemplate.id.in_(wanted)))
    return {key: name for key, name in rows}  # noqa: C416 - rows are no pairs to mypy


def _last_month(session: Session, entries: Sequence[Entry], now: datetime) -> Mapping[int, int]:
    """Leads that each entry took in the last thirty days."""
    rows = session.execute(
        select(Assignment.rule_entry_id, func.count())
        .where(Assignment.rule_entry_id.in_([e.id for e in entries]), Assignment.at > now - MONTH)
        .group_by(Assignment.rule_entry_id)
    )
    return {key: count for key, count in rows if key is not None}
