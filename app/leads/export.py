"""A list of leads as a CSV file, streamed while it is read.

Only what the person may read in full goes in, with the fields that they see; that it was taken out is on record before the first row leaves.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Account
from app.events.operations import record
from app.fields.catalogue import Definition, catalogue
from app.fields.values import in_file, names_of_people, people_in
from app.identity.models import User
from app.intake.neutralise import neutralise
from app.kernel.actor import Actor, Level, Permission
from app.leads.fields import FIELDS
from app.leads.filters import LeadQuery
from app.leads.models import Lead, LeadSource, LeadStatus, UnqualifiedReason
from app.leads.queries import custom_columns, read_custom
from app.leads.seen import seen_names
from app.routing.models import Queue
from app.sharing.merge import Window, merged_ids
from app.sharing.scope import scope

ROWS_A_ROUND = 500
_BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheets take UTF-8 for something else
_FIRST = ("id", "owner", "company_of_owner", "created_at")
# Names of owners and their companies stand beside a lead that is scoped itself.
_NAMES = Actor.system("owner names")


def record_export(session: Session, actor: Actor, query: LeadQuery, *, now: datetime) -> None:
    """Put on record that the list is taken out.  Does not commit.  Raises NotAllowed."""
    actor.require(Permission.LEAD_EXPORT)
    user = session.get_one(User, actor.user_id)
    detail = {"object": "lead", "filter": {name: list(values) for name, values in query.given.items()}}
    record(session, actor, verb="exported", subject=user, at=now, detail=detail)


def export_lines(session: Session, actor: Actor, query: LeadQuery) -> Iterator[str]:
    """The file, a few hundred rows at a time; memory stays flat however long the list is."""
    added = catalogue(session).seen(actor, "lead")
    yield _BYTE_ORDER_MARK + _lines([[*_FIRST, *seen_names(actor), *added]])
    after: tuple[Any, int] | None = None
    while True:
        window = Window(query.sort_column, query.descending, ROWS_A_ROUND, after)
        ids = merged_ids(Lead, actor, window, query.conditions, level=Level.READ, causes=query.causes)
        found = session.execute(ids).all()
        page = found[:ROWS_A_ROUND]
        if page:
            rows = _rows(session, actor, added, [row.id for row in page])
            yield _lines([rows[row.id] for row in page if row.id in rows])
        if len(found) <= ROWS_A_ROUND:
            return
        after = (page[-1].sort_value, page[-1].id)


def whole_only(query: LeadQuery) -> LeadQuery:
    """The same list without what is seen as a preview only."""
    return replace(query, level=Level.READ)


def _rows(
    session: Session, actor: Actor, added: Mapping[str, Definition], ids: Sequence[int]
) -> dict[int, list[Any]]:
    owner, company = aliased(User), aliased(Account)
    named = {
        "status": LeadStatus.key,
        "source": LeadSource.name,
        "unqualified_reason": UnqualifiedReason.name,
    }
    columns = {name: named.get(name, getattr(Lead, FIELDS[name].attribute)) for name in seen_names(actor)}
    statement = (
        select(
            Lead.id,
            Lead.ref,
            owner.name,
            Queue.name,
            company.name,
            Lead.created_at,
            *columns.values(),
            *custom_columns(actor, added),
        )
        .join(LeadStatus, LeadStatus.id == Lead.status_id)
        .outerjoin(LeadSource, LeadSource.id == Lead.source_id)
        .outerjoin(UnqualifiedReason, UnqualifiedReason.id == Lead.unqualified_reason_id)
        .outerjoin(owner, owner.id == Lead.owner_user_id)
        .outerjoin(Queue, Queue.id == Lead.owner_queue_id)
        .outerjoin(company, and_(company.id == Lead.partner_account_id, scope(Account, _NAMES)))
        .where(scope(Lead, actor, Level.READ), Lead.id.in_(ids))
    )
    rows: dict[int, list[Any]] = {}
    own: dict[int, dict[str, Any]] = {}
    for key, ref, user, queue, company_name, created_at, *values in session.execute(statement):
        rows[key] = [ref, user or queue, company_name, created_at, *values[: len(columns)]]
        own[key] = read_custom(added, values[len(columns) :])
    people = names_of_people(session, people_in(added.values(), own.values()))
    for key, held in own.items():
        rows[key] += [in_file(field, held[name], people) for name, field in added.items()]
    return rows


def _lines(rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([[_cell(value) for value in row] for row in rows])
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return neutralise(str(value))
