"""An account's unmet need becomes an opportunity, in one act; the two lead to each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.accounts.queries import get_account
from app.accounts.relations.models import AccountInterest, InterestArea
from app.kernel.actor import Actor, Level, Permission
from app.kernel.db import is_sqlite
from app.kernel.errors import NotFound
from app.opportunities.errors import NeedTaken
from app.opportunities.models import Opportunity, OpportunityStage
from app.opportunities.operations import Origin, store_new
from app.opportunities.parties import holding_of_new
from app.opportunities.queries import Named
from app.opportunities.values import clean_values
from app.sharing.scope import scope

# Whether a need has become something does not depend on who asks.
_LINKING = Actor.system("needs that became opportunities")


def turn_need(
    session: Session, actor: Actor, account_ref: str, interest_ref: str, *, now: datetime
) -> Opportunity:
    """Make an opportunity of what an account needs: named after its area, the need as its description.

    Done already, it answers with that one, if the actor may see it.  The interest stays as it is.  Writes an event; does not commit.
    Raises NotAllowed, NotFound, NeedTaken.
    """
    actor.require(Permission.OPPORTUNITY_CREATE)
    account = get_account(session, actor, account_ref, Level.EDIT, for_update=True)
    statement = select(AccountInterest).where(
        AccountInterest.ref == interest_ref, AccountInterest.account_id == account.id
    )
    row = session.scalar(statement if is_sqlite(session) else statement.with_for_update())
    if row is None:
        raise NotFound("interest", interest_ref)
    known = session.scalar(
        select(Opportunity).where(
            scope(Opportunity, _LINKING),
            Opportunity.interest_id == row.id,
            Opportunity.deleted_at.is_(None),
        )
    )
    if known is not None:
        seen = select(Opportunity).where(scope(Opportunity, actor, Level.READ), Opportunity.id == known.id)
        found = session.scalar(seen)
        if found is None:
            raise NeedTaken
        return found
    if row.need is None or row.need_met_at is not None:
        raise NeedTaken
    area = session.get_one(InterestArea, row.area_id)
    name = _("%(area)s for %(account)s", area=area.name, account=account.name)[:255]
    cleaned = clean_values({"name": name, "account_id": account.ref, "description": row.need}, is_new=True)
    origin = Origin(interest_id=row.id)
    return store_new(
        session, actor, cleaned, account.id, holding_of_new(session, actor, cleaned), origin, now=now
    )


@dataclass(frozen=True, slots=True)
class Made(Named):
    """An opportunity that was made of a need, and how far it has come."""

    stage: OpportunityStage


def made_of_needs(session: Session, actor: Actor, account: Account) -> Mapping[int, Made | None]:
    """Interest's key → the opportunity that was made of it; None for one that the reader does not see."""
    rows: Sequence[tuple[int | None, int]] = [
        (interest, key)
        for interest, key in session.execute(
            select(Opportunity.interest_id, Opportunity.id).where(
                scope(Opportunity, _LINKING),
                Opportunity.account_id == account.id,
                Opportunity.interest_id.is_not(None),
                Opportunity.deleted_at.is_(None),
            )
        )
    ]
    if not rows:
        return {}
    seen = {
        key: Made(ref, name, stage)
        for key, ref, name, stage in session.execute(
            select(Opportunity.id, Opportunity.ref, Opportunity.name, OpportunityStage)
            .join(OpportunityStage, OpportunityStage.id == Opportunity.stage_id)
            .where(scope(Opportunity, actor, Level.READ), Opportunity.id.in_([key for _i, key in rows]))
        )
    }
    return {interest: seen.get(key) for interest, key in rows if interest is not None}
