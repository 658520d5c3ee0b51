"""What nobody may write of a lead: fields that are not theirs, no name at all, a status that asks for more.

Each raises Invalid with what to do, by the name of the field; "" where it is of none.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.consent import OPT_OUTS
from app.fields.catalogue import catalogue
from app.fields.kinds import is_custom
from app.fields.records import refusal_of
from app.identity.models import User
from app.kernel.actor import Actor
from app.kernel.errors import Invalid
from app.leads.fields import FIELDS, IDENTIFYING
from app.leads.models import Lead, LeadStatus, StatusCategory
from app.leads.process import is_open, lead_process, missing_to_qualify, refuse_move
from app.sharing.scope import scope

# An external id is taken whoever may see the lead that has it.
_TAKEN = Actor.system("external ids of leads")
NEVER_EMPTY = ("status", "score", "arrived_at")


def refuse_foreign_fields(session: Session, actor: Actor, values: Mapping[str, Any]) -> None:
    """That the actor may change each of these fields; for them there is none that they never see.

    Looks at their names alone.
    """
    errors: dict[str, list[Any]] = {}
    known = catalogue(session).seen(actor, "lead")
    for name in values:
        field = FIELDS.get(name)
        if is_custom(name):
            complaint = refusal_of(actor, known.get(name))
            if complaint is not None:
                errors[name] = [complaint]
        elif field is None or name in actor.hidden_fields:
            errors[name] = [_l("There is no such field.")]
        elif actor.is_partner and not field.by_partner:
            errors[name] = [_l("You may not change this field.")]
    if errors:
        raise Invalid(errors)


def refuse_emptying(values: Mapping[str, Any], of_own: Mapping[str, list[Any]]) -> None:
    """of_own: what is wrong with added fields that are emptied."""
    empty = [name for name in NEVER_EMPTY if name in values and values[name] is None]
    if empty or of_own:
        raise Invalid({name: [_l("This cannot be empty.")] for name in empty} | dict(of_own))


def refuse_taken_external_id(session: Session, external_id: str | None) -> None:
    """That no other lead has the external id, deleted ones included."""
    if external_id is None:
        return
    taken = select(Lead.id).where(scope(Lead, _TAKEN), Lead.external_id == external_id)
    if session.scalar(taken) is not None:
        raise Invalid({"external_id": [_l("Another record has this external id.")]})


def refuse_taking_back(session: Session, actor: Actor, lead: Lead, changes: Mapping[str, Any]) -> None:
    """That a partner's person takes back no opt-out but those that their own company has noted.

    What somebody told the vendor holds, whoever works on the lead.
    """
    if not actor.is_partner:
        return
    errors: dict[str, list[Any]] = {}
    for name in (each for each in OPT_OUTS if changes.get(each) is False):
        noted = session.get(User, (lead.opted_out_by or {}).get(name, {}).get("by") or 0)
        if noted is None or noted.partner_account_id != actor.company_id:
            errors[name] = [_l("Your company did not note this. Ask the vendor to take it back.")]
    if errors:
        raise Invalid(errors)


def check_whole(
    session: Session, actor: Actor, lead: Lead, changes: Mapping[str, Any], before: Mapping[str, Any]
) -> None:
    """That a lead may be as it is by now.  changes, before: field → what it holds, and what it held.

    Sets what follows from its status: whether it is open.
    """
    # What somebody empties is judged by what they see, so that a refusal tells nothing of a field hidden from them.
    seen = [name for name in IDENTIFYING if name not in actor.hidden_fields]
    if set(seen) & set(changes) and not any(getattr(lead, name) for name in seen):
        raise Invalid(
            {"": [_l("Give at least a last name, a company, an e-mail address or a phone number.")]}
        )
    if "status" in changes:
        _check_move(session, actor, lead, before["status"])
    elif "unqualified_reason" in changes:
        check_reason(lead)


def _check_move(session: Session, actor: Actor, lead: Lead, status_before: int) -> None:
    status, left = session.get(LeadStatus, lead.status_id), session.get(LeadStatus, status_before)
    if status is None or not status.is_active or status.category is StatusCategory.CONVERTED:
        raise Invalid({"status": [_l("There is no such status.")]})
    if left is not None:
        refuse_move(left, status, lambda keys: _status_names(session, keys))
    check_status(session, actor, lead, status.category)


def check_status(session: Session, actor: Actor, lead: Lead, category: StatusCategory) -> None:
    """That the lead has what a status of this category asks for.  Sets whether it is open."""
    if category is StatusCategory.QUALIFIED:
        _refuse_incomplete(session, actor, lead)
    lead.is_open = is_open(category)
    check_reason(lead)


def check_reason(lead: Lead) -> None:
    """A lead has a reason not to qualify if it is unqualified, and then alone."""
    if not lead.is_open and lead.unqualified_reason_id is None:
        raise Invalid({"unqualified_reason": [_l("Say why it is unqualified.")]})
    if lead.is_open and lead.unqualified_reason_id is not None:
        raise Invalid({"unqualified_reason": [_l("Only what is unqualified has such a reason.")]})


def _refuse_incomplete(session: Session, actor: Actor, lead: Lead) -> None:
    """That it has what qualifying asks for."""
    known = catalogue(session).active("lead")
    missing = missing_to_qualify(
        lead_process(session).required, lambda name: getattr(lead, name), lead.custom or {}, known
    )
    seen = catalogue(session).seen(actor, "lead")
    if any(name in actor.hidden_fields or (is_custom(name) and name not in seen) for name in missing):
        raise Invalid({"": [_l("It cannot be qualified yet: ask the vendor to complete it.")]})
    if missing:
        raise Invalid({name: [_l("This is needed to qualify.")] for name in missing})


def _status_names(session: Session, keys: Sequence[str]) -> list[str]:
    """What the active statuses of these keys are called, in their order."""
    statement = select(LeadStatus.name).where(LeadStatus.key.in_(keys), LeadStatus.is_active)
    return list(session.scalars(statement.order_by(LeadStatus.position)))
