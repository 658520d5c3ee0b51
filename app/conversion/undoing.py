"""Undoing a conversion within a day, while nothing was added to what the lead became."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.accounts.arriving import put_back
from app.accounts.models import AccountKind
from app.activities.following import unfollow_conversion
from app.care.moving import references
from app.conversion.errors import NotConverted, SomethingAdded, TooLate
from app.conversion.matching import hold_company
from app.conversion.models import Conversion
from app.conversion.operations import Converted, is_seen, read_conversion
from app.documents.following import move_documents
from app.events.models import Event
from app.events.operations import record
from app.kernel.actor import Actor, Level, Permission
from app.kernel.db import Base, is_sqlite
from app.leads.converting import unmark_converted
from app.leads.models import Lead
from app.leads.queries import get_lead
from app.opportunities.models import Opportunity
from app.sharing.conversions import revoke_results
from app.sharing.rules import SHARED_TABLES
from app.sharing.scope import scope

UNDOABLE = timedelta(days=1)
# Whether something was added does not depend on who asks.
_UNDOING = Actor.system("undoing conversions")
_QUIETLY = {"synchronize_session": False}
# Rows about a record that say nothing by themselves, and go with it.  (table, column of the kind, of the key)
_GO_ALONG = (
    ("recent_record", "kind", "record_id"),
    ("duplicate_check", "kind", "record_id"),
    ("sharing_grant", "object", "record_id"),
)


def unconvert_lead(session: Session, actor: Actor, lead_ref: str, *, now: datetime) -> Lead:
    """Let the lead be a lead again; what was made for it goes, what was filled in is empty again.

    Writes an event; does not commit.
    Raises NotAllowed, NotFound, NotConverted, TooLate, SomethingAdded.
    """
    actor.require(Permission.LEAD_CONVERT)
    lead = get_lead(session, actor, lead_ref, Level.EDIT, for_update=True)
    known = read_conversion(session, lead)
    if lead.converted_at is None or known is None:
        raise NotConverted
    if now - known.conversion.converted_at > UNDOABLE:
        raise TooLate
    # Whoever converts another lead of the company would choose an account that is about to go.
    hold_company(session, lead, is_person=known.account.kind is AccountKind.PERSON)
    hold_results(session, known)
    obstacles = list(obstacles_to(session, actor, known))
    if obstacles:
        raise SomethingAdded(obstacles)
    _undo(session, actor, known, now)
    return lead


def is_undoable(session: Session, actor: Actor, known: Converted, *, now: datetime) -> bool:
    """Whether the button stands on the page: the operation asks again."""
    if not actor.can(Permission.LEAD_CONVERT) or now - known.conversion.converted_at > UNDOABLE:
        return False
    return not any(obstacles_to(session, actor, known))


def hold_results(session: Session, known: Converted) -> None:
    """Let nobody add to the results until the transaction ends."""
    if is_sqlite(session):
        return
    for row in _results(known):
        model: Any = type(row)
        session.execute(select(model.id).where(scope(model, _UNDOING), model.id == row.id).with_for_update())


def _results(known: Converted) -> list[Any]:
    return [row for row in (known.account, known.contact, known.opportunity) if row is not None]


# What stands in the way


def obstacles_to(session: Session, actor: Actor, known: Converted) -> Iterator[Any]:
    """In words, what happened to the results since; of one that the actor does not see, no more than that something did."""
    is_hinted = False
    for row in _results(known):
        kind = row.__tablename__
        made = kind in known.conversion.made
        number = _events_since(session, known.conversion, row) or _hanging_on(session, known, row, made)
        if number and (actor.is_partner or not is_seen(session, actor, row)):
            if not is_hinted:
                yield _l("Something was added to what it became.")
            is_hinted = True
        elif number:
            name = row.full_name if kind == "contact" else row.name
            yield _l("“%(name)s” has been worked on since.", name=name)


def _events_since(session: Session, conversion: Conversion, row: Any) -> int:
    """Everything that changes a record leaves an event, so that none later means nothing later."""
    return (
        session.scalar(
            select(func.count()).where(
                Event.record_kind == row.__tablename__,
                Event.record_id == row.id,
                Event.id > conversion.event_id,
            )
        )
        or 0
    )


def _hanging_on(session: Session, known: Converted, row: Any, made: bool) -> int:
    """Rows of other tables that name the record and are not of the conversion; of one that was there, later ones."""
    found = 0
    mapped = {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers}  # type: ignore[attr-defined]
    for column in references(row.__tablename__):
        table = column.table
        conditions: list[Any] = [column == row.id, *_not_own(known, table.name, table)]
        if table.name in SHARED_TABLES:
            conditions.append(scope(mapped[table.name], _UNDOING))
        if not made:
            if "created_at" not in table.columns:
                continue
            conditions.append(table.c.created_at > known.conversion.converted_at)
        found += session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0
    return found


def _not_own(known: Converted, name: str, table: Any) -> list[Any]:
    """What leaves out the rows that the conversion itself wrote or moved."""
    keys = {
        row.__tablename__: row.id for row in _results(known) if row.__tablename__ in known.conversion.made
    }
    if name == "conversion":
        return [table.c.lead_id != known.lead.id]
    if name in keys:
        return [table.c.id != keys[name]]
    if name == "opportunity_contact":
        return [table.c.opportunity_id != keys.get("opportunity", 0)]
    if name == "document":
        return [table.c.id.not_in(known.conversion.documents)]
    if name == "activity":
        return [
            table.c.id.not_in(known.conversion.before["planned"]),
            func.coalesce(table.c.lead_id, 0) != known.lead.id,
        ]
    return []


# Undoing


def _undo(session: Session, actor: Actor, known: Converted, now: datetime) -> None:
    conversion, lead = known.conversion, known.lead
    target = known.opportunity or known.contact or known.account
    move_documents(session, actor, target, lead, only=conversion.documents, now=now)
    unfollow_conversion(session, lead, target, known.account, conversion.before["planned"])
    detail = {row.__tablename__: row.ref for row in _results(known)}
    created = {(row.__tablename__, row.id): row.created_at for row in _results(known)}
    made, before, filled = list(conversion.made), conversion.before["lead"], dict(conversion.filled)
    revoke_results(session, conversion.id, created, now=now)
    session.delete(conversion)
    session.flush()
    for row in (known.opportunity, known.contact, known.account):
        if row is None:
            continue
        if row.__tablename__ in made:
            _remove(session, row)
        elif not isinstance(row, Opportunity) and row.__tablename__ in filled:
            session.refresh(row)
            put_back(row, filled[row.__tablename__])
            told = {"version": row.version}
            record(session, actor, verb="edited", subject=row, at=now, detail=told)
    unmark_converted(session, actor, lead, before, now=now)
    session.flush()
    record(session, actor, verb="unconverted", subject=lead, at=now, detail=detail)


def _remove(session: Session, row: Any) -> None:
    """Take a record that was made for the lead away for good, with what is about it alone."""
    kind, key = row.__tablename__, row.id
    tables = Base.metadata.tables
    for name, kind_column, key_column in _GO_ALONG:
        table = tables[name]
        session.execute(
            delete(table).where(table.c[kind_column] == kind, table.c[key_column] == key),
            execution_options=_QUIETLY,
        )
    if kind in ("account", "contact"):
        pair, entry = tables["duplicate_pair"], tables["search_entry"]
        session.execute(
            delete(pair).where(pair.c.kind == kind, (pair.c.one_id == key) | (pair.c.other_id == key)),
            execution_options=_QUIETLY,
        )
        number = {"account": 1, "contact": 2}[kind]
        session.execute(
            delete(entry).where(entry.c.kind == number, entry.c.record_id == key), execution_options=_QUIETLY
        )
    if kind == "opportunity":
        part = tables["opportunity_contact"]
        session.execute(delete(part).where(part.c.opportunity_id == key), execution_options=_QUIETLY)
    session.delete(row)
    session.flush()
