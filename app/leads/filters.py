"""What lists of leads can be filtered and sorted by, beyond comparing a field with a value.

Who sees what of it: `leads.sight`.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, String, and_, cast, false, func, not_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.accounts.models import Account
from app.identity.membership import roles_kept_out
from app.identity.models import User, UserState
from app.intake.models import Import
from app.kernel import clock
from app.kernel.actor import Actor, Role
from app.kernel.errors import Invalid
from app.kernel.fold import email_key, fold, phone_key
from app.leads.models import Lead, LeadSource, LeadStatus, StatusCategory, UnqualifiedReason
from app.lists.simple import Make, keyed
from app.partners.models import PartnerAccount, PartnerState
from app.routing.criteria import Op
from app.routing.models import Queue
from app.search.narrowing import found_by
from app.sharing.scope import scope

Condition = ColumnElement[bool]

SORT_COLUMNS: dict[str, InstrumentedAttribute[Any]] = {
    "created_at": Lead.created_at,
    "updated_at": Lead.updated_at,
    "arrived_at": Lead.arrived_at,
    "company": Lead.company_fold,
    "last_name": Lead.last_name_fold,
    "score": Lead.score,
    "waiting_since": Lead.waiting_since,
}
MOST_DAYS = 36_500


# Comparisons of fields


def values_of(value: Any) -> tuple[Any, ...]:
    """The values of a comparison, of one or several."""
    return value if isinstance(value, tuple) else (value,)


def told(op: Op, condition: Condition) -> Condition:
    """The condition, or that it is not so where the comparison says not."""
    return (
        not_(func.coalesce(condition, false()))
        if op in (Op.NOT_EQUALS, Op.NOT_IN, Op.IS_EMPTY)
        else condition
    )


def has_status(_session: Session, _actor: Actor, op: Op, value: Any) -> Condition:
    keys = values_of(value)
    found = select(LeadStatus.id).where(or_(LeadStatus.key.in_(keys), LeadStatus.ref.in_(keys)))
    return told(op, Lead.status_id.in_(found))


def has_category(_session: Session, _actor: Actor, op: Op, value: Any) -> Condition:
    known = [each for each in values_of(value) if each in set(StatusCategory)]
    return told(op, Lead.status_id.in_(select(LeadStatus.id).where(LeadStatus.category.in_(known))))


def has_source(_session: Session, _actor: Actor, op: Op, value: Any) -> Condition:
    if op in (Op.IS_EMPTY, Op.IS_NOT_EMPTY):
        return told(op, Lead.source_id.is_not(None))
    names = values_of(value)
    found = select(LeadSource.id).where(
        or_(LeadSource.name_fold.in_([fold(name) for name in names]), LeadSource.ref.in_(names))
    )
    return told(op, Lead.source_id.in_(found))


def has_reason(_session: Session, _actor: Actor, op: Op, value: Any) -> Condition:
    """The reason for which it is unqualified, by key."""
    if op in (Op.IS_EMPTY, Op.IS_NOT_EMPTY):
        return told(op, Lead.unqualified_reason_id.is_not(None))
    found = select(UnqualifiedReason.id).where(UnqualifiedReason.key.in_([str(v) for v in values_of(value)]))
    return told(op, Lead.unqualified_reason_id.in_(found))


def has_owner(_session: Session, actor: Actor, op: Op, value: Any) -> Condition:
    """A user, oneself ("me"), or a queue.  To partner people an owner outside their company has no name here either."""
    wanted = [actor.ref if each == "me" else str(each) for each in values_of(value)]
    users = [ref for ref in wanted if ref.startswith("user_")]
    queues = [ref for ref in wanted if ref.startswith("queue_")]
    parts: list[Condition] = []
    if users:
        known = [User.partner_account_id == actor.company_id] if actor.is_partner else []
        parts.append(Lead.owner_user_id.in_(select(User.id).where(User.ref.in_(users), *known)))
    if queues:
        own = [Queue.id.in_(actor.queue_ids)] if actor.is_partner else []
        parts.append(Lead.owner_queue_id.in_(select(Queue.id).where(Queue.ref.in_(queues), *own)))
    return told(op, or_(*parts) if parts else Lead.id.is_(None))


def in_queue(_session: Session, _actor: Actor, op: Op, value: Any) -> Condition:
    if op in (Op.IS_EMPTY, Op.IS_NOT_EMPTY):
        return told(op, Lead.owner_queue_id.is_not(None))
    return told(op, Lead.owner_queue_id.in_(select(Queue.id).where(Queue.ref.in_(values_of(value)))))


def has_partner(_session: Session, actor: Actor, op: Op, value: Any) -> Condition:
    if op in (Op.IS_EMPTY, Op.IS_NOT_EMPTY):
        return told(op, Lead.partner_account_id.is_not(None))
    found = select(Account.id).where(scope(Account, actor), Account.ref.in_(values_of(value)))
    return told(op, Lead.partner_account_id.in_(found))


def came_with(_session: Session, _actor: Actor, op: Op, value: Any) -> Condition:
    if op in (Op.IS_EMPTY, Op.IS_NOT_EMPTY):
        return told(op, Lead.import_id.is_not(None))
    return told(op, Lead.import_id.in_(select(Import.id).where(Import.ref.in_(values_of(value)))))


def is_open(_session: Session, _actor: Actor, _op: Op, value: Any) -> Condition:
    return Lead.is_open.is_(bool(value))


def is_waiting(_session: Session, actor: Actor, _op: Op, value: Any) -> Condition:
    """In a queue; for partner people in one of theirs, since others' queues are not known to them."""
    if actor.is_partner:
        waits = func.coalesce(Lead.owner_queue_id, 0).in_(actor.queue_ids)
        return waits if value else not_(waits)
    return Lead.owner_queue_id.is_not(None) if value else Lead.owner_queue_id.is_(None)


def is_duplicate(_session: Session, actor: Actor, _op: Op, value: Any) -> Condition:
    """Flagged on arrival as a probable duplicate; of what, only its page says.

    For those who see everything anyway: to others it would tell of records that they may not see.
    """
    if not _sees_everything(actor):
        return Lead.id.is_(None)
    is_flagged = cast(Lead.duplicates, String) != "[]"
    return is_flagged if value else not_(is_flagged)


def untouched_for(_session: Session, _actor: Actor, _op: Op, value: Any) -> Condition:
    """See `is_stale`."""
    if not 1 <= value <= MOST_DAYS or value != int(value):
        raise Invalid({"stale_days": [_l("Give a whole number of days.")]})
    return is_stale(clock.now() - timedelta(days=int(value)))


def is_stale(since: Any) -> Condition:
    """That an open lead is with a person, and since then was neither given to them, nor changed, nor worked on."""
    return and_(
        Lead.is_open,
        Lead.deleted_at.is_(None),
        Lead.owner_user_id.is_not(None),
        Lead.updated_at < since,
        or_(Lead.last_activity_at.is_(None), Lead.last_activity_at < since),
    )


def is_untouched(_session: Session, _actor: Actor, _op: Op, value: Any) -> Condition:
    """Open, and with somebody who has done nothing on it since they took it."""
    # Written like the partial index ix_lead_untouched.
    found = and_(
        Lead.is_open, Lead.deleted_at.is_(None), Lead.taken_at.is_not(None), Lead.touched_at.is_(None)
    )
    return found if value else not_(found)


def _sees_everything(actor: Actor) -> bool:
    defaults = (actor.default_lead_level, actor.default_account_level, actor.default_contact_level)
    return actor.role is Role.ADMINISTRATOR or (
        actor.role is Role.CHANNEL_MANAGER and not actor.sees_portfolio_only and None not in defaults
    )


def needs_owner(_session: Session, _actor: Actor, _op: Op, value: Any) -> Condition:
    """Open, and with somebody who cannot work on it: see `left_behind`."""
    return left_behind() if value else not_(left_behind())


def left_behind() -> Condition:
    """That an open lead is in the name of somebody who has left, or waits in the queue of a company that has.

    Who is in a role that is no member of the portal cannot work on it either.
    """
    return or_(*left_behind_parts())


def left_behind_parts() -> tuple[Condition, Condition]:
    """The same as what is in the name of a person, and what is a company's: each has an index, both together none."""
    people = select(User.id).where(or_(User.state == UserState.DEACTIVATED, User.role.in_(roles_kept_out())))
    companies = select(PartnerAccount.account_id).where(PartnerAccount.state == PartnerState.SUSPENDED)
    # Neither column is NULL in what is compared: NOT IN with a NULL would be true of nothing.
    return (
        and_(Lead.is_open, Lead.owner_user_id.is_not(None), Lead.owner_user_id.in_(people)),
        and_(Lead.is_open, Lead.partner_account_id.is_not(None), Lead.partner_account_id.in_(companies)),
    )


def age_in_days(_session: Session, _actor: Actor, op: Op, value: Any) -> Condition:
    """How many whole days ago it arrived: at least, or at most."""
    if not 0 <= value <= MOST_DAYS or value != int(value):
        raise Invalid({"age_days": [_l("Give a whole number of days.")]})
    if op is Op.GTE:
        return Lead.arrived_at <= clock.now() - timedelta(days=int(value))
    return Lead.arrived_at > clock.now() - timedelta(days=int(value) + 1)


# Filters of the address alone, and those that are answered from an index of their own

_BOX_CAUSES = {"available": {"queue"}, "offered": {"owner"}, "mine": {"owner"}}


def causes_of(given: Mapping[str, Sequence[str]]) -> frozenset[str] | None:
    """For which reasons alone a box of the inbox holds leads."""
    boxes = given.get("box")
    return frozenset(_BOX_CAUSES[boxes[0]]) if boxes and boxes[0] in _BOX_CAUSES else None


def _box(_session: Session, actor: Actor, values: Sequence[str]) -> Condition:
    match values[0]:
        case "available":
            return Lead.owner_queue_id.is_not(None)
        case "offered":
            return and_(Lead.owner_user_id == actor.user_id, Lead.offer_id.is_not(None))
        case "mine":
            return and_(Lead.owner_user_id == actor.user_id, Lead.offer_id.is_(None))
    raise Invalid({"box": [_l("Known boxes: available, offered, mine.")]})


def _search(session: Session, actor: Actor, values: Sequence[str]) -> Condition:
    return and_(*(found_by(session, actor, Lead, value.strip()) for value in values))


FILTERS: dict[str, Make] = {
    "box": _box,
    "q": _search,
    "company": keyed(Lead.company_fold, fold),
    "last_name": keyed(Lead.last_name_fold, fold),
    "email": keyed(Lead.email_key, email_key),
    "phone": keyed(Lead.phone_key, phone_key),
    "external_id": keyed(Lead.external_id),
}
