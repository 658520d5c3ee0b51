"""Which events somebody may read: the one place that says so, for the page, the file and the API.

Administrators read all.  Others read what happened to records that they may read, to what everybody at the
vendor knows of (people, queues, rules, lists), and what they did themselves.  What people tried in vain, took
out as a file, and from where, is for administrators.
"""

import re
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_

from app.accounts.models import Account, Contact
from app.activities.models import Activity
from app.activities.places import is_readable
from app.cases.models import Case
from app.documents.models import Document
from app.events.models import Event
from app.kernel.actor import Actor, Level, Permission, Role
from app.leads.models import Lead
from app.opportunities.models import Opportunity
from app.sharing.scope import (
    scope,
    scope_of_deleted_cases,
    scope_of_deleted_leads,
    scope_of_deleted_opportunities,
    scope_of_merged,
)

# Kinds of records that everybody knows of who may read events.  A kind that is not named here is read by
# administrators and by those who did it: what is added later is closed until somebody thinks about it.
KNOWN_TO_ALL = (
    "user", "organisation", "queue", "round_robin", "rule_set", "routing_alert", "delivery", "lead_status", "lead_source",
    "decline_reason", "partner_level", "public_group", "sharing_rule", "relationship_reason", "characteristic_type",
    "interest_area", "responsible_role", "case_status", "opportunity_stage", "outcome_reason", "field_mapping", "campaign",
)  # fmt: skip
# Told to administrators alone, whatever the record.
SECURITY = (
    "sign_in_failed", "second_factor_failed", "refused", "exported", "person_erased", "person_given_out",
)  # fmt: skip
_RELATING = ("related", "unrelated")
_OF_SHARING = ("public_group", "sharing_rule")
# What `sharing` calls somebody that it can give something to, as `user:17`.
_PRINCIPAL = re.compile(r"[a-z_]+:[0-9]+(:[0-9]+)?")
# Where somebody was is nobody's business but an administrator's.
PLACES = frozenset({"address", "browser"})


def visible_events(actor: Actor) -> ColumnElement[bool] | None:
    """The condition under which the actor may read an event; None for all of them."""
    if actor.role is Role.ADMINISTRATOR:
        return None
    own = Event.actor_id == actor.user_id
    shared = [and_(Event.record_kind == kind, readable) for kind, readable in _readable(actor).items()]
    kinds: tuple[str, ...] = KNOWN_TO_ALL
    told: tuple[str, ...] = SECURITY
    if not actor.can(
        Permission.SHARING_MANAGE
    ):  # who may not read groups and rules reads nothing of them here
        kinds = tuple(kind for kind in KNOWN_TO_ALL if kind not in _OF_SHARING)
        told = (*SECURITY, "prm_enabled")  # it names the rules and groups that were kept or removed
    known = and_(Event.record_kind.in_(kinds), Event.verb.not_in(told))
    others = Event.record_kind.not_in(
        ("lead", "account", "contact", "opportunity", "case", "activity", "document")
    )
    return and_(or_(known, *shared, and_(own, others)), *told_of_others(actor))


def told_of_others(actor: Actor) -> list[ColumnElement[bool]]:
    """That what an event tells of another record than its own is not hidden from the actor; nothing for administrators.

    A relationship is told of only where its other account is seen; a merge only to whoever did it, or would
    see every record that went away with it.
    """
    if actor.role is Role.ADMINISTRATOR:
        return []
    other = Account.id == Event.detail["other_id"].as_integer()
    related = or_(Event.verb.not_in(_RELATING), exists().where(other, scope(Account, actor, Level.READ)))
    hidden = [
        and_(
            Event.record_kind == model.__tablename__,
            exists().where(model.merged_into_id == Event.record_id, ~scope_of_merged(model, actor)),
        )
        for model in (Account, Contact)
    ]
    return [related, or_(Event.verb != "merged", Event.actor_id == actor.user_id, ~or_(*hidden))]


def is_key(name: str, value: Any) -> bool:
    """Whether a value is a key of a row, or a principal's made of one: those never leave."""
    if isinstance(value, str):
        return _PRINCIPAL.fullmatch(value) is not None
    if isinstance(value, list):
        return name.endswith("_ids")
    return name.endswith("_id") and isinstance(value, int) and not isinstance(value, bool)


def shows_places(actor: Actor) -> bool:
    """Whether the actor is told from which address somebody signed in."""
    return actor.can(Permission.USER_MANAGE)


def _readable(actor: Actor) -> dict[str, ColumnElement[bool]]:
    def of(model: Any, key: Any) -> ColumnElement[bool]:
        return exists().where(model.id == key, scope(model, actor, Level.READ))

    # Whoever may see a deleted lead again may read that it was deleted.
    deleted = exists().where(Lead.id == Event.record_id, scope_of_deleted_leads(actor, Level.READ))
    gone = scope_of_deleted_cases(actor, Level.READ)
    deleted_case = exists().where(Case.id == Event.record_id, Case.deleted_at.is_not(None), gone)
    gone = scope_of_deleted_opportunities(actor, Level.READ)
    deleted_opportunity = exists().where(
        Opportunity.id == Event.record_id, Opportunity.deleted_at.is_not(None), gone
    )
    activity = exists().where(Activity.id == Event.record_id, is_readable(actor))
    return {
        "lead": or_(of(Lead, Event.record_id), deleted),
        "account": of(Account, Event.record_id),
        "contact": of(Contact, Event.record_id),
        "opportunity": or_(of(Opportunity, Event.record_id), deleted_opportunity),
        "case": or_(of(Case, Event.record_id), deleted_case),
        "activity": activity,
        "document": of(Document, Event.record_id),
    }


def told(actor: Actor, detail: dict[str, Any]) -> dict[str, Any]:
    """What the actor is told of an event's detail."""
    if shows_places(actor):
        return detail
    return {name: value for name, value in detail.items() if name not in PLACES}
