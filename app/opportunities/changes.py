"""What an edit of an opportunity changes, and when it comes too late."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.changes import StaleEdit
from app.events.models import Event
from app.fields.records import Written
from app.identity.models import User
from app.identity.queries import get_organisation
from app.kernel.actor import Actor, Level
from app.kernel.errors import NotAllowed
from app.opportunities.entries import outcome_named, stage_named
from app.opportunities.fields import OPPORTUNITY_FIELDS
from app.opportunities.models import Opportunity, OpportunityStage, OutcomeReason, StageCategory
from app.opportunities.parties import account_of, find_holder, fitting, is_hidden, partner_of, ref_of
from app.opportunities.queries import may_govern
from app.opportunities.values import fit_amount

_PLAIN = ("name", "close_date", "campaign", "description", "external_id")
EDITS = ("edited", "won", "lost", "reopened")


@dataclass(frozen=True, slots=True)
class Change:
    """One field's.  old, new: as events tell it, public names and names instead of keys."""

    column: str
    column_value: Any
    old: Any
    new: Any


def changes_of(
    session: Session, actor: Actor, opportunity: Opportunity, given: Level, cleaned: Mapping[str, Any]
) -> dict[str, Change]:
    """What an edit changes, by field; added ones aside.  given: what the actor has of it.  Raises NotAllowed, Invalid."""
    found = _plain(opportunity, cleaned)
    found |= _of_money(session, opportunity, cleaned)
    found |= _of_stage(session, opportunity, cleaned)
    if "account_id" in cleaned:
        account = account_of(session, actor, cleaned["account_id"])
        if account.id != opportunity.account_id:
            old = ref_of(session, opportunity.account_id)
            found["account_id"] = Change("account_id", account.id, old, account.ref)
    if cleaned.keys() & {"owner", "partner_account_id"}:
        found |= _of_holding(session, actor, opportunity, given, cleaned)
    return found


def _plain(opportunity: Opportunity, cleaned: Mapping[str, Any]) -> dict[str, Change]:
    """Of the fields that stand for themselves."""
    found = {}
    for name in _PLAIN:
        column = OPPORTUNITY_FIELDS[name].attribute
        if name in cleaned and getattr(opportunity, column) != cleaned[name]:
            found[name] = Change(
                column, cleaned[name], _told(getattr(opportunity, column)), _told(cleaned[name])
            )
    return found  # fmt: skip


def _told(value: Any) -> Any:
    """As events keep it, in JSON."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def _of_money(session: Session, opportunity: Opportunity, cleaned: Mapping[str, Any]) -> dict[str, Change]:
    if not cleaned.keys() & {"amount", "currency"}:
        return {}
    given = cleaned.get("amount", opportunity.amount)
    currency = cleaned.get("currency") or opportunity.currency
    if currency is None and given is not None:
        currency = get_organisation(session).currency
    amount = fit_amount(given, currency)
    after = {"amount": amount, "currency": currency}
    return {
        name: Change(name, value, getattr(opportunity, name), value)
        for name, value in after.items()
        if getattr(opportunity, name) != value
    }


def _of_stage(session: Session, opportunity: Opportunity, cleaned: Mapping[str, Any]) -> dict[str, Change]:
    """Stage, probability, reason and note, which belong together."""
    before = session.get_one(OpportunityStage, opportunity.stage_id)
    key = cleaned.get("stage")
    after = stage_named(session, key, now=before) if key is not None else before
    found: dict[str, Change] = {}
    if after.id != before.id:
        found["stage"] = Change("stage_id", after.id, before.name, after.name)
    percent = cleaned.get("probability")
    if percent is None:
        percent = after.probability if "stage" in found else opportunity.probability
    if percent != opportunity.probability:
        found["probability"] = Change("probability", percent, opportunity.probability, percent)
    was = session.get(OutcomeReason, opportunity.outcome_id) if opportunity.outcome_id else None
    if cleaned.get("outcome") is not None:
        now_is = outcome_named(session, cleaned["outcome"], after, now=was)
    else:
        stays = "outcome" not in cleaned and was is not None and was.category is after.category
        now_is = was if stays else None
    if (now_is.id if now_is else None) != opportunity.outcome_id:
        names = (was.name if was else None, now_is.name if now_is else None)
        found["outcome"] = Change("outcome_id", now_is.id if now_is else None, *names)
    note = cleaned.get("outcome_note", opportunity.outcome_note)
    if after.category is StageCategory.OPEN:
        note = None
    if note != opportunity.outcome_note:
        found["outcome_note"] = Change("outcome_note", note, opportunity.outcome_note, note)
    return found


def _of_holding(
    session: Session, actor: Actor, opportunity: Opportunity, given: Level, cleaned: Mapping[str, Any]
) -> dict[str, Change]:
    was = session.get_one(User, opportunity.owner_user_id)
    owner = was
    if "owner" in cleaned and cleaned["owner"] != was.ref:
        owner = find_holder(session, cleaned["owner"])
        if not may_govern(actor, given):
            raise NotAllowed(_l("Only its owner, channel managers and administrators change the owner."))
    named = "partner_account_id" in cleaned
    partner_id = opportunity.partner_account_id
    if named and not (cleaned["partner_account_id"] is None and is_hidden(session, actor, partner_id)):
        partner_id = partner_of(session, actor, cleaned["partner_account_id"])
    else:
        named = False
    # Whoever is of a partner is not taken from it by what the form said of the partner before.
    named = named and (owner is was or partner_id != opportunity.partner_account_id)
    after = fitting(owner, partner_id, named=named)
    found: dict[str, Change] = {}
    if owner.id != was.id:
        found["owner"] = Change("owner_user_id", owner.id, was.name, owner.name)
    if after.partner_id != opportunity.partner_account_id:
        names = (ref_of(session, opportunity.partner_account_id), ref_of(session, after.partner_id))
        found["partner_account_id"] = Change("partner_account_id", after.partner_id, *names)
    return found


def own_changes(written: Written) -> dict[str, Change]:
    """Of the fields that administrators added, which stand together in one column."""
    held = written.columns.get("custom")
    return {name: Change("custom", held, old, new) for name, (old, new) in written.told.items()}


def refuse_stale(
    session: Session, opportunity: Opportunity, version: int | None, changes: Mapping[str, Change]
) -> None:
    """Raises StaleEdit when the edit began from another version and still would change something."""
    if version is None or version == opportunity.version or not changes:
        return
    before = _values_at(session, opportunity, version)
    untouched = frozenset(name for name, c in changes.items() if name in before and before[name] == c.new)
    raise StaleEdit({name: change.old for name, change in changes.items()}, untouched, opportunity.version)


def _values_at(session: Session, opportunity: Opportunity, version: int) -> dict[str, Any]:
    """What the fields held that were edited after `version`, as the record of events tells it."""
    events = session.scalars(
        select(Event)
        .where(
            Event.record_kind == "opportunity",
            Event.record_id == opportunity.id,
            Event.verb.in_(EDITS),
        )
        .order_by(Event.id.desc())
    )
    values: dict[str, Any] = {}
    for event in events:
        if event.detail.get("version", 0) <= version:
            break
        values.update({name: old for name, (old, _new) in event.changes.items()})
    return values
