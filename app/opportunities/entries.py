"""Stages and reasons by the keys that forms and programs name them by."""

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.errors import Invalid
from app.opportunities.models import OpportunityStage, OutcomeReason, StageCategory


def first_of(session: Session, category: StageCategory) -> OpportunityStage:
    """The first stage of a category; the list always keeps one."""
    return session.scalars(
        select(OpportunityStage)
        .where(OpportunityStage.category == category, OpportunityStage.is_active)
        .order_by(OpportunityStage.position, OpportunityStage.id)
        .limit(1)
    ).one()


def stage_named(session: Session, key: str, *, now: OpportunityStage | None = None) -> OpportunityStage:
    """The stage of that key.  now: the present one, which may be retired.  Raises Invalid."""
    found = session.scalar(select(OpportunityStage).where(OpportunityStage.key == key))
    if found is not None and (found.is_active or (now is not None and found.id == now.id)):
        return found
    raise _unknown(session, "stage", OpportunityStage)


def outcome_named(
    session: Session, key: str | None, stage: OpportunityStage, *, now: OutcomeReason | None = None
) -> OutcomeReason | None:
    """The reason of that key, of winning or losing as the stage is.  Raises Invalid."""
    if key is None:
        return None
    if stage.category is StageCategory.OPEN:
        raise Invalid({"outcome": [_l("It is open: a reason comes with winning or losing it.")]})
    found = session.scalar(select(OutcomeReason).where(OutcomeReason.key == key))
    usable = found is not None and (found.is_active or (now is not None and found.id == now.id))
    if found is None or not usable or found.category is not stage.category:
        raise _unknown(session, "outcome", OutcomeReason, OutcomeReason.category == stage.category)
    return found


def _unknown(session: Session, field: str, model: Any, *conditions: Any) -> Invalid:
    keys = session.scalars(
        select(model.key).where(model.is_active, *conditions).order_by(model.position, model.id)
    )
    return Invalid({field: [_l("Choose one of: %(known)s.", known=", ".join(keys))]})
