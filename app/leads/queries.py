"""Reading leads.  What may not be seen is not read: what is hidden from the reader never leaves the database.

`open_lead`, `list_leads` and `find_rows` read to show; `get_lead` and `find_with_level` give a lead whole, for
operations to act on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, literal, null, select
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Account
from app.fields.catalogue import Definition, catalogue
from app.identity.models import User
from app.kernel import refs
from app.kernel.actor import Actor, Level
from app.kernel.db import is_sqlite, planned_once
from app.kernel.errors import NotAllowed, NotFound
from app.kernel.paging import COUNT_CAP, Page
from app.leads.errors import AlreadyConverted
from app.leads.models import Assignment, DeclineReason, Lead, LeadSource, LeadStatus, UnqualifiedReason
from app.leads.row_queries import owner_link, read_rows, rows_of_keys
from app.leads.rows import LeadRow, OwnerLink
from app.leads.seen import leave_out
from app.lists.found import count_rows, list_ids
from app.lists.query import ListQuery
from app.routing.models import Queue
from app.sharing.scope import branches, scope

# Names of owners and their companies stand beside a lead that is scoped itself.
_NAMES = Actor.system("owner names")
# Made once: an alias is dearer to build than the statement that uses it is to run.
_OWNER, _CREATOR, _CHANGER, _COMPANY = aliased(User), aliased(User), aliased(User), aliased(Account)


def get_lead(
    session: Session, actor: Actor, ref: str, level: Level = Level.READ, *, for_update: bool = False
) -> Lead:
    """The lead, if the actor has at least that level of it.

    Raises NotFound, alike for a hidden and an absent lead; NotAllowed when it is seen at less.
    """
    if not refs.is_ref(refs.LEAD, ref):
        raise NotFound("lead", ref)
    found = session.execute(_level_by_ref(actor), {"ref": ref}).first()
    if found is None:
        raise NotFound("lead", ref)
    if found[1] < level:
        raise NotAllowed
    statement = _whole_by_key(actor, level)
    if for_update and not is_sqlite(session):
        statement = statement.with_for_update()
    lead = session.scalar(statement, {"key": found[0]}, execution_options={"populate_existing": True})
    if lead is None:
        raise NotFound("lead", ref)  # it was moved between the two statements
    return lead


def find_level(session: Session, actor: Actor, ref: str) -> Level | None:
    """How much of the lead the actor is given; None when they do not see it."""
    found = session.execute(_level_by_ref(actor), {"ref": ref}).first()
    return Level(found[1]) if found is not None and found[1] else None


def find_with_level(session: Session, actor: Actor, ref: str) -> tuple[Lead, Level] | None:
    """The whole lead, with how much of it the actor is given; None when they do not see it.  One statement."""
    found = session.execute(
        _whole_by_ref(actor), {"ref": ref}, execution_options={"populate_existing": True}
    ).first()
    return (found[0], Level(found[1])) if found is not None else None


# Statements by the actor's whole value: making them costs more than running them.


@lru_cache(maxsize=256)
def _level_by_ref(actor: Actor) -> Select[int, int]:
    return select(Lead.id, level_of(actor)).where(scope(Lead, actor), Lead.ref == bindparam("ref"))


@lru_cache(maxsize=256)
def _whole_by_ref(actor: Actor) -> Select[Lead, int]:
    return select(Lead, level_of(actor)).where(scope(Lead, actor), Lead.ref == bindparam("ref"))


@lru_cache(maxsize=256)
def _whole_by_key(actor: Actor, level: Level) -> Select[Lead]:
    return select(Lead).where(scope(Lead, actor, level), Lead.id == bindparam("key"))


def level_of(actor: Actor) -> ColumnElement[int]:
    """SQL for the highest level that a rule gives the actor of the lead at hand."""
    if actor.is_system:
        return literal(int(Level.FULL))
    rules = branches(Lead, actor)
    whens: list[tuple[ColumnElement[bool], int]] = []
    for level in sorted(Level, reverse=True):
        whens.extend((rule.at_least(level), int(level)) for rule in rules if rule.can_give(level))
    return case(*whens, else_=0) if whens else literal(0)


@dataclass(frozen=True, slots=True)
class LeadDetail:
    """A lead one may read, with the names that stand beside it.

    lead: without the fields in `hidden`; asking it for one of them is an error.  source: None also when hidden.
    title: what it is called for the reader.
    added: the fields that administrators added, as far as the reader sees them; custom: what it holds in them, each
    of them named.
    """

    lead: Lead
    given: Level
    status: LeadStatus
    source: str | None
    owner: OwnerLink
    created_by: str | None
    updated_by: str | None
    title: str
    hidden: tuple[str, ...] = ()
    added: Mapping[str, Definition] = field(default_factory=dict)
    custom: Mapping[str, Any] = field(default_factory=dict)
    reason: UnqualifiedReason | None = None

    @property
    def ref(self) -> str:
        return self.lead.ref

    def value(self, name: str) -> Any:
        """What a field of the lead holds; None also where the reader does not see it."""
        return None if name in self.hidden else getattr(self.lead, name)


def open_lead(session: Session, actor: Actor, ref: str) -> LeadDetail | LeadRow:
    """The lead as the actor may see it: whole, or as a preview row.  Raises NotFound."""
    level = find_level(session, actor, ref)
    if level is None:
        raise NotFound("lead", ref)
    if level is Level.PREVIEW:
        return find_rows(session, actor, [ref])[0]
    added = catalogue(session).seen(actor, "lead")
    row = session.execute(
        select(
            Lead,
            LeadStatus,
            null() if "source" in actor.hidden_fields else LeadSource.name,
            UnqualifiedReason,
            _OWNER.ref,
            _OWNER.name,
            Queue.ref,
            Queue.name,
            _COMPANY.ref,
            _COMPANY.name,
            _CREATOR.name,
            _CHANGER.name,
            *custom_columns(actor, added),
        )
        .join(LeadStatus, LeadStatus.id == Lead.status_id)
        .outerjoin(LeadSource, LeadSource.id == Lead.source_id)
        .outerjoin(UnqualifiedReason, UnqualifiedReason.id == Lead.unqualified_reason_id)
        .outerjoin(_OWNER, _OWNER.id == Lead.owner_user_id)
        .outerjoin(Queue, Queue.id == Lead.owner_queue_id)
        .outerjoin(_COMPANY, and_(_COMPANY.id == Lead.partner_account_id, scope(Account, _NAMES)))
        .outerjoin(_CREATOR, _CREATOR.id == Lead.created_by_id)
        .outerjoin(_CHANGER, _CHANGER.id == Lead.updated_by_id)
        .where(scope(Lead, actor, Level.READ), Lead.ref == ref)
        .options(*leave_out(actor.hidden_fields))
        .execution_options(populate_existing=bool(actor.hidden_fields))
    ).first()
    if row is None:
        raise NotFound("lead", ref)
    lead, status, source, reason, *names = row
    custom = read_custom(added, names[8:])
    link = owner_link(actor, lead.owner_user_id, *names[:6])
    # Partner people read no names of the vendor's people beside a record.
    made, changed = (names[6], names[7]) if actor.is_internal else (None, None)
    title = lead.title_for(actor)
    hidden = actor.hidden_fields
    return LeadDetail(lead, level, status, source, link, made, changed, title, hidden, added, custom, reason)


def open_to_edit(session: Session, actor: Actor, ref: str) -> LeadDetail:
    """A lead that the actor may change.  Raises NotFound, NotAllowed, AlreadyConverted."""
    found = open_lead(session, actor, ref)
    if isinstance(found, LeadRow) or found.given < Level.EDIT:
        raise NotAllowed
    if found.lead.converted_at is not None:
        raise AlreadyConverted
    return found


def custom_columns(actor: Actor, added: Mapping[str, Definition]) -> list[Any]:
    """What is to be selected to know what leads hold in these fields: for partners each by its name, never all."""
    if not added:
        return []
    return [Lead.custom[name] for name in added] if actor.is_partner else [Lead.custom]


def read_custom(added: Mapping[str, Definition], columns: Sequence[Any]) -> dict[str, Any]:
    """What a lead holds, by name, from what `custom_columns` selected."""
    if not added:
        return {}
    if len(columns) == 1 and (columns[0] is None or isinstance(columns[0], dict)):
        held = columns[0] or {}
        return {name: held.get(name) for name in added}
    return dict(zip(added, columns, strict=True))


def list_leads(
    session: Session, actor: Actor, query: ListQuery, *, cursor: str | None = None, limit: int = 50
) -> Page[LeadRow]:
    """A page of what the actor may see.  A constant number of statements whatever the rows.

    Raises BadCursor.
    """
    page = list_ids(session, actor, query, cursor=cursor, limit=limit)
    rows = rows_of_keys(session, actor, [(each.id, each.given, each.sort_value) for each in page.items])
    return Page(rows, page.older, page.newer)


@lru_cache(maxsize=256)
def _of_refs(actor: Actor) -> Select[int, int, datetime]:
    return planned_once(
        select(Lead.id, level_of(actor).label("given"), Lead.created_at.label("sort_value"))
        .where(scope(Lead, actor), Lead.ref.in_(bindparam("refs", expanding=True)))
        .order_by(Lead.created_at, Lead.id)
    )


def find_rows(session: Session, actor: Actor, wanted: Sequence[str]) -> list[LeadRow]:
    """The rows of these public names, each as the actor may see it, in the order of creation.

    Raises NotFound when one of them may not be seen.
    """
    rows = read_rows(session, actor, _of_refs(actor), {"refs": wanted})
    if len(rows) < len(set(wanted)):
        raise NotFound("lead")
    return rows


def count_leads(session: Session, actor: Actor, query: ListQuery, *, cap: int = COUNT_CAP) -> int:
    """How many match, at most `cap` + 1: nobody waits for an exact count above it."""
    return count_rows(session, actor, query, cap=cap)


def list_statuses(session: Session, *, active_only: bool = True) -> Sequence[LeadStatus]:
    """The administrator's statuses in their order."""
    statement = select(LeadStatus).order_by(LeadStatus.position, LeadStatus.id)
    return session.scalars(statement.where(LeadStatus.is_active) if active_only else statement).all()


def list_sources(session: Session, *, active_only: bool = True) -> Sequence[LeadSource]:
    """The administrator's sources in their order."""
    statement = select(LeadSource).order_by(LeadSource.position, LeadSource.name)
    return session.scalars(statement.where(LeadSource.is_active) if active_only else statement).all()


def list_decline_reasons(session: Session) -> Sequence[DeclineReason]:
    """Why a partner may decline or release, in order."""
    return session.scalars(
        select(DeclineReason).where(DeclineReason.is_active).order_by(DeclineReason.position)
    ).all()


@dataclass(frozen=True, slots=True)
class AssignmentRow:
    """One placement in the history of a lead.  trace is None for partner people."""

    id: int
    at: datetime
    cause: str
    before: OwnerLink | None
    after: OwnerLink
    actor_ref: str | None
    actor_name: str | None
    trace: Sequence[Any] | None


def list_assignments(session: Session, actor: Actor, lead: Lead) -> Sequence[AssignmentRow]:
    """The lead's placements, newest first.  lead: loaded through `get_lead`.

    Partner people get the rows that gave it to their own company, without trace; everyone outside
    their company is left out of them.
    """
    from_user, to_user, from_queue, to_queue, who = (
        aliased(User),
        aliased(User),
        aliased(Queue),
        aliased(Queue),
        aliased(User),
    )
    statement = (
        select(Assignment, from_user, from_queue, to_user, to_queue, who.ref)
        .outerjoin(from_user, from_user.id == Assignment.from_user_id)
        .outerjoin(from_queue, from_queue.id == Assignment.from_queue_id)
        .outerjoin(to_user, to_user.id == Assignment.to_user_id)
        .outerjoin(to_queue, to_queue.id == Assignment.to_queue_id)
        .outerjoin(who, who.id == Assignment.actor_id)
        .where(Assignment.lead_id == lead.id)
        .order_by(Assignment.id.desc())
    )
    if actor.is_partner:
        statement = statement.where(Assignment.to_company_id == actor.company_id)
    return [_assignment_row(actor, *row) for row in session.execute(statement)]


def _assignment_row(
    actor: Actor,
    a: Assignment,
    from_user: User | None,
    from_queue: Queue | None,
    to_user: User | None,
    to_queue: Queue | None,
    who: str | None,
) -> AssignmentRow:
    def link(user: User | None, queue: Queue | None) -> OwnerLink | None:
        if user is not None:
            return OwnerLink("partner" if user.is_partner else "user", user.ref, user.name)
        return OwnerLink("queue", queue.ref, queue.name) if queue is not None else None

    inside = actor.is_internal or a.actor_company_id == actor.company_id
    came_from_us = actor.is_internal or a.from_company_id == actor.company_id
    after = link(to_user, to_queue)
    if after is None:
        raise LookupError(f"assignment {a.id} has no target")
    return AssignmentRow(
        id=a.id,
        at=a.at,
        cause=a.cause,
        before=link(from_user, from_queue) if came_from_us else None,
        after=after,
        actor_ref=who if inside else None,
        actor_name=a.actor_name if inside else None,
        trace=a.trace if actor.is_internal else None,
    )
