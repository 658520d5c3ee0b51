"""When a record was last worked with, as far as its reader may know.

`last_activity_at` counts everything that was done on an account's contacts and cases too, and of a contact all
that it took part in; whoever reads the record need not read these.  `told_activity_at` counts what goes with it:
of an account what was done on it and on its contacts, of a contact what was done on itself.  Partner people are told
of what their own company did on the record itself.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, DateTime, cast, func, null, select
from sqlalchemy.orm import InstrumentedAttribute

from app.accounts.models import Account, Contact
from app.activities.models import Activity
from app.kernel.actor import Actor, Level, Role
from app.opportunities.models import Opportunity

# What activities are on: whoever is given all records of these by the default reads all of them.
_DEFAULTS = tuple(
    name
    for name in Actor.__dataclass_fields__
    if name.startswith("default_") and name != "default_document_level"
)
_NEVER = cast(null(), DateTime(timezone=True))
# Where an activity says which record it is on.
_OF_OWN: Mapping[Any, InstrumentedAttribute[int | None]] = {
    Account: Activity.account_id,
    Contact: Activity.contact_id,
    Opportunity: Activity.opportunity_id,
}


def last_activity_column(
    model: Any, actor: Actor
) -> InstrumentedAttribute[datetime | None] | ColumnElement[Any]:
    """What the actor is shown of a record's last activity, and may filter by; of other models all of it."""
    if model in _OF_OWN and actor.is_partner:
        own = select(func.max(Activity.at)).where(
            _OF_OWN[model] == model.id,
            Activity.company_id == actor.company_id,
            Activity.is_done,
        )
        return own.correlate(model).scalar_subquery()
    if model not in (Account, Contact) or reads_everything(actor):
        return model.last_activity_at  # type: ignore[no-any-return]
    return _NEVER if _reads_accounts_alone(model, actor) else model.told_activity_at


def last_activity(record: Account | Contact, actor: Actor) -> datetime | None:
    """The same, of a loaded record."""
    if reads_everything(actor):
        return record.last_activity_at
    return None if _reads_accounts_alone(type(record), actor) else record.told_activity_at


def reads_everything(actor: Actor) -> bool:
    """Whether there is nothing that activities are on which the actor does not read."""
    if actor.role is Role.ADMINISTRATOR:
        return True
    given = [getattr(actor, name) for name in _DEFAULTS]
    return not actor.sees_portfolio_only and all(level is not None and level >= Level.READ for level in given)


def _reads_accounts_alone(model: Any, actor: Actor) -> bool:
    """Whether the default gives accounts without their contacts: then nothing is told of when these were called."""
    return (
        model is Account
        and not actor.sees_portfolio_only
        and actor.default_account_level is not None
        and actor.default_contact_level is None
    )
