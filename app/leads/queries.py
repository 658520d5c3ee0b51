"""Reading leads.  What may not be seen is not read: a preview's hidden columns never leave the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, literal, null, select
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Account
from app.identity.models import User
from app.kernel import refs
from app.kernel.actor import Actor, Level
from app.kernel.bands import employee_band
from app.kernel.db import is_sqlite
from app.kernel.errors import NotAllowed, NotFound
from app.kernel.paging import COUNT_CAP, Page, make_cursor, read_cursor
from app.leads.filters import SORT_COLUMNS, LeadQuery
from app.leads.models import Assignment, DeclineReason, Lead, LeadSource, LeadStatus
from app.leads.rows import LeadRow, OwnerLink, preview_title
from app.routing.models import Queue
from app.sharing.merge import Window, merged_ids
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
    found = session.execute(
        select(Lead.id, level_of(actor)).where(scope(Lead, actor), Lead.ref == ref)
    ).first()
    if found is None:
        raise NotFound("lead", ref)
    if found[1] < level:
        raise NotAllowed
    statement = select(Lead).where(scope(Lead, actor, level), Lead.id == found[0])
    if for_update and not is_sqlite(session):
        statement = statement.with_for_update()
    lead = session.scalar(statement.execution_options(populate_existing=True))
    if lead is None:
        raise NotFound("lead", ref)  # it was moved between the two statements
    return lead


def find_level(session: Session, actor: Actor, ref: str) -> Level | None:
    """How much of the lead the actor is given; None when they do not see it."""
    given = session.scalar(select(level_of(actor)).where(scope(Lead, actor), Lead.ref == ref))
    return Level(given) if given else None


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
    """A lead one may read, with the names that stand beside it."""

    lead: Lead
    given: Level
    status: LeadStatus
    source: str | None
    owner: OwnerLink
    created_by: str | None
    updated_by: str | None
    queue_minutes: int | None = None

    @property
    def ref(self) -> str:
        return self.lead.ref


def open_lead(session: Session, actor: Actor, ref: str) -> LeadDetail | LeadRow:
    """The lead as the actor may see it: whole, or as a preview row.  Raises NotFound."""
    level = find_level(session, actor, ref)
    if level is None:
        raise NotFound("lead", ref)
    if level is Level.PREVIEW:
        return find_rows(session, actor, [ref])[0]
    row = session.execute(
        select(
            Lead,
            LeadStatus,
            LeadSource.name,
            _OWNER.ref,
            _OWNER.name,
            Queue.ref,
            Queue.name,
            _COMPANY.ref,
            _COMPANY.name,
            _CREATOR.name,
            _CHANGER.name,
        )
        .join(LeadStatus, LeadStatus.id == Lead.status_id)
        .outerjoin(LeadSource, LeadSource.id == Lead.source_id)
        .outerjoin(_OWNER, _OWNER.id == Lead.owner_user_id)
        .outerjoin(Queue, Queue.id == Lead.owner_queue_id)
        .outerjoin(_COMPANY, and_(_COMPANY.id == Lead.partner_account_id, scope(Account, _NAMES)))
        .outerjoin(_CREATOR, _CREATOR.id == Lead.created_by_id)
        .outerjoin(_CHANGER, _CHANGER.id == Lead.updated_by_id)
        .where(scope(Lead, actor, Level.READ), Lead.ref == ref)
    ).first()
    if row is None:
        raise NotFound("lead", ref)
    lead, status, source, *names = row
    link = _owner(actor, lead.owner_user_id, *names[:6])
    # Partner people read no names of the vendor's people beside a record.
    made, changed = (names[6], names[7]) if actor.is_internal else (None, None)
    return LeadDetail(lead, level, status, source, link, made, changed)


def list_leads(
    session: Session, actor: Actor, query: LeadQuery, *, cursor: str | None = None, limit: int = 50
) -> Page[LeadRow]:
    """A page of what the actor may see.  A constant number of statements whatever the rows.

    Raises BadCursor.
    """
    after, back = None, False
    if cursor:
        value, key, back = read_cursor(actor.user_id, query.shape, cursor)
        after = (value, key)
    window = Window(SORT_COLUMNS[query.sort], query.descending != back, limit, after)
    ids = merged_ids(Lead, actor, window, query.conditions, level=query.level, causes=query.causes)
    rows = _rows(session, actor, ids, descending=window.descending, limit=limit + 1)
    more = len(rows) > limit
    rows = rows[:limit]
    if back:
        rows.reverse()
    if not rows:
        return Page([])

    def at(row: LeadRow, *, back: bool) -> str:
        return make_cursor(actor.user_id, query.shape, row.sort_value, row.id, back=back)

    older = at(rows[-1], back=False) if (back or more) else None
    newer = at(rows[0], back=True) if (more if back else after is not None) else None
    return Page(rows, older, newer)


def find_rows(session: Session, actor: Actor, wanted: Sequence[str]) -> list[LeadRow]:
    """The rows of these public names, each as the actor may see it, in the order of creation.

    Raises NotFound when one of them may not be seen.
    """
    ids = select(Lead.id, level_of(actor).label("given"), Lead.created_at.label("sort_value")).where(
        scope(Lead, actor), Lead.ref.in_(wanted)
    )
    rows = _rows(session, actor, ids, descending=False, limit=len(wanted))
    if len(rows) < len(set(wanted)):
        raise NotFound("lead")
    return rows


def count_leads(session: Session, actor: Actor, query: LeadQuery, *, cap: int = COUNT_CAP) -> int:
    """How many match, at most `cap` + 1: nobody waits for an exact count above it."""
    window = Window(SORT_COLUMNS[query.sort], query.descending, cap)
    ids = merged_ids(Lead, actor, window, query.conditions, level=query.level, causes=query.causes).subquery()
    return min(session.scalar(select(func.count()).select_from(ids)) or 0, cap + 1)


def _rows(
    session: Session, actor: Actor, ids: Select[*tuple[Any, ...]], *, descending: bool, limit: int = 1
) -> list[LeadRow]:
    """The rows of (id, given, sort_value), in order: whole ones and previews by a statement each."""
    found = sorted(session.execute(ids), key=lambda r: (r.sort_value, r.id), reverse=descending)[:limit]
    whole = [r.id for r in found if r.given >= Level.READ]
    previews = [r.id for r in found if r.given < Level.READ]
    read: dict[int, Any] = {}
    if whole:
        read.update((r.id, r) for r in session.execute(_columns(None), {"ids": whole}))
    if previews:
        read.update((r.id, r) for r in session.execute(_columns(actor.preview_fields), {"ids": previews}))
    return [_row(actor, read[r.id], r.given, r.sort_value) for r in found if r.id in read]


@lru_cache(maxsize=64)
def _columns(shown: tuple[str, ...] | None) -> Select[*tuple[Any, ...]]:
    """The statement that reads rows by `ids`, made once: building it costs more than running it.

    shown: the preview fields; hidden columns are not read at all.  None reads everything.
    """

    def hide(column: Any, field: str = "") -> Any:
        return column if shown is None or field in shown else null().label(column.key)

    return (
        select(
            Lead.id,
            Lead.ref,
            hide(Lead.company),
            hide(Lead.first_name),
            hide(Lead.last_name),
            hide(Lead.email),
            hide(Lead.phone),
            hide(Lead.mobile),
            hide(LeadStatus.name).label("status"),
            hide(LeadStatus.category),
            hide(LeadSource.name, "source").label("source"),
            hide(Lead.industry, "industry"),
            hide(Lead.employees, "employees"),
            hide(Lead.city, "city"),
            hide(Lead.state, "state"),
            hide(Lead.country, "country"),
            hide(Lead.product_interest, "product_interest"),
            hide(Lead.score, "score"),
            hide(Lead.rating),
            Lead.arrived_at,
            Lead.created_at,
            hide(Lead.updated_at),
            Lead.waiting_since,
            Lead.offer_expires_at,
            hide(Lead.last_activity_at),
            Lead.owner_user_id,
            User.ref.label("user_ref"),
            User.name.label("user_name"),
            Queue.ref.label("queue_ref"),
            Queue.name.label("queue_name"),
            Account.ref.label("company_ref"),
            Account.name.label("company_name"),
        )
        .join(LeadStatus, LeadStatus.id == Lead.status_id)
        .outerjoin(LeadSource, LeadSource.id == Lead.source_id)
        .outerjoin(User, User.id == Lead.owner_user_id)
        .outerjoin(Queue, Queue.id == Lead.owner_queue_id)
        .outerjoin(Account, and_(Account.id == Lead.partner_account_id, scope(Account, _NAMES)))
        # The keys come from a statement with the actor's own scope, in the same transaction.
        .where(scope(Lead, _NAMES), Lead.id.in_(bindparam("ids", expanding=True)))
    )


def _row(actor: Actor, row: Any, given: int, sort_value: Any) -> LeadRow:
    is_preview = given < Level.READ
    band = employee_band(row.employees)
    person = " ".join(part for part in (row.first_name, row.last_name) if part) or None
    title = row.company or person or row.email or row.phone or row.mobile or row.ref
    return LeadRow(
        id=row.id,
        ref=row.ref,
        given=Level(given),
        sort_value=sort_value,
        title=preview_title(row.industry, band, row.city, row.country) if is_preview else title,
        company=row.company,
        person=person,
        email=row.email,
        phone=row.phone or row.mobile,
        status=row.status,
        category=row.category,
        source=row.source,
        industry=row.industry,
        employees=None if is_preview else row.employees,
        employee_band=band,
        city=row.city,
        state=row.state,
        country=row.country,
        product_interest=row.product_interest,
        score=row.score,
        rating=row.rating,
        arrived_at=row.arrived_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        waiting_since=row.waiting_since,
        offer_expires_at=row.offer_expires_at,
        last_activity_at=row.last_activity_at,
        owner=_owner(
            actor,
            row.owner_user_id,
            row.user_ref,
            row.user_name,
            row.queue_ref,
            row.queue_name,
            row.company_ref,
            row.company_name,
        ),
    )


def _owner(
    actor: Actor,
    user_id: int | None,
    user_ref: str | None,
    user_name: str | None,
    queue_ref: str | None,
    queue_name: str | None,
    company_ref: str | None,
    company_name: str | None,
) -> OwnerLink:
    if user_id is None:
        return OwnerLink("queue", queue_ref or "", queue_name or "")
    kind = "partner" if company_name else "user"
    return OwnerLink(
        kind,
        user_ref or "",
        user_name or "",
        company=company_name if actor.is_internal else None,
        company_ref=company_ref if actor.is_internal else None,
        is_me=user_id == actor.user_id,
    )


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
