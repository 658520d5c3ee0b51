"""What the values of a lead's fields are called in lists: what is offered to choose from, and what cells show."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.consent import BASES, basis_name
from app.kernel.actor import Actor, Level
from app.leads.choices import called, knows_queue, names_of, reason_name, status_name
from app.leads.models import LeadSource, LeadStatus, StatusCategory, UnqualifiedReason
from app.leads.queries import list_statuses
from app.leads.row_queries import rows_of_keys
from app.lists.catalogue import State
from app.lists.people import colleague_choices
from app.routing.models import Queue

MOST_QUEUES = 200


def statuses(session: Session, _actor: Actor) -> Sequence[tuple[str, str]]:
    """Those in use, then the others: leads may have them still."""
    found = sorted(list_statuses(session, active_only=False), key=lambda each: not each.is_active)
    return [(each.key, called(each)) for each in found]


def statuses_to_give(session: Session, actor: Actor) -> Sequence[tuple[str, str]]:
    """Statuses as an edit offers them: one that closes once with each reason, which it needs ("unqualified:no_budget")."""
    closing = set(
        session.scalars(select(LeadStatus.key).where(LeadStatus.category == StatusCategory.UNQUALIFIED))
    )
    given = reasons(session, actor)
    offered: list[tuple[str, str]] = []
    for key, name in [(each.key, status_name(each.name)) for each in list_statuses(session)]:
        if key in closing:
            offered += [(f"{key}:{reason}", f"{name}: {why}") for reason, why in given]
        else:
            offered.append((key, name))
    return offered


def with_reason(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """A status with its reason, as `statuses_to_give` offers it, as two fields."""
    status, colon, reason = str(values.get("status") or "").partition(":")
    return {**values, "status": status, "unqualified_reason": reason} if colon else values


def categories(_session: Session, _actor: Actor) -> Sequence[tuple[str, str]]:
    return [(category.value, status_name(category.value.capitalize())) for category in StatusCategory]


def sources(session: Session, _actor: Actor) -> Sequence[tuple[str, str]]:
    found = session.scalars(
        select(LeadSource.name).where(LeadSource.is_active).order_by(LeadSource.position, LeadSource.name)
    )
    return [(name, name) for name in found]


def source_names(session: Session, _actor: Actor, values: Collection[str]) -> Mapping[str, str]:
    found = session.execute(select(LeadSource.ref, LeadSource.name).where(LeadSource.ref.in_(list(values))))
    return {value: value for value in values} | {row.ref: row.name for row in found}


def reasons(session: Session, _actor: Actor) -> Sequence[tuple[str, str]]:
    rows = session.execute(
        select(UnqualifiedReason.key, UnqualifiedReason.name)
        .where(UnqualifiedReason.is_active)
        .order_by(UnqualifiedReason.position, UnqualifiedReason.id)
    )
    return [(key, reason_name(name)) for key, name in rows]


def owners(session: Session, actor: Actor) -> Sequence[tuple[str, str]]:
    return [*colleague_choices(session, actor), *(queues(session, actor) if actor.is_internal else ())]


def queues(session: Session, actor: Actor) -> Sequence[tuple[str, str]]:
    rows = session.execute(
        select(Queue.ref, Queue.name)
        .where(Queue.deleted_at.is_(None), knows_queue(actor))
        .order_by(Queue.name, Queue.id)
        .limit(MOST_QUEUES)
    )
    return [(ref, name) for ref, name in rows]


def names(session: Session, actor: Actor, values: Collection[str]) -> Mapping[str, str]:
    mine = {"me": _("me")} if "me" in values else {}
    return mine | dict(names_of(session, actor, list(values)))


def status_cells(session: Session, _actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
    rows = session.execute(
        select(LeadStatus.id, LeadStatus.key, LeadStatus.name, LeadStatus.category).where(
            LeadStatus.id.in_(keys)
        )
    )
    return {key: State(name, status_name(called), category) for key, name, called, category in rows}


def source_cells(session: Session, _actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
    rows = session.execute(select(LeadSource.id, LeadSource.name).where(LeadSource.id.in_(keys)))
    return {row.id: row.name for row in rows}


def reason_cells(session: Session, _actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
    rows = session.execute(
        select(UnqualifiedReason.id, UnqualifiedReason.name).where(UnqualifiedReason.id.in_(keys))
    )
    return {row.id: reason_name(row.name) for row in rows}


def bases(_session: Session, _actor: Actor) -> Sequence[tuple[str, str]]:
    return [(key, str(label)) for key, label in BASES.items()]


def basis_cells(_session: Session, _actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
    return {key: basis_name(key) for key in keys}


def queue_cells(session: Session, _actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
    rows = session.execute(select(Queue.id, Queue.name).where(Queue.id.in_(keys)))
    return {row.id: row.name for row in rows}


def titles(session: Session, actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
    """What leads are called that the actor reads in full."""
    rows = rows_of_keys(session, actor, [(key, Level.READ, None) for key in keys])
    return {row.id: row.title for row in rows}
