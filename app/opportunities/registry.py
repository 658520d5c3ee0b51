"""The stages, and the reasons of winning and losing, that an administrator keeps."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Permission
from app.kernel.errors import InUse, Invalid
from app.opportunities.models import Opportunity, OpportunityStage, OutcomeReason, StageCategory
from app.registries.operations import Registry
from app.sharing.scope import scope

# Whether an entry is in use does not depend on who asks.
_COUNTING = Actor.system("registries")


def _read_category(value: Any) -> StageCategory:
    if value not in set(StageCategory):
        raise Invalid({"category": [_l("A stage is open, won or lost.")]})
    return StageCategory(value)


def _read_outcome(value: Any) -> StageCategory:
    if value not in (StageCategory.WON, StageCategory.LOST):
        raise Invalid({"category": [_l("A reason is one of winning or of losing.")]})
    return StageCategory(value)


def _read_probability(value: Any) -> int:
    number = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= 100:
        raise Invalid({"probability": [_l("Give a whole number from 0 to 100.")]})
    return number


def _in_stage(stage: OpportunityStage) -> Select[Any]:
    return select(Opportunity.id).where(scope(Opportunity, _COUNTING), Opportunity.stage_id == stage.id)


def _with_reason(reason: OutcomeReason) -> Select[Any]:
    return select(Opportunity.id).where(scope(Opportunity, _COUNTING), Opportunity.outcome_id == reason.id)


def _prepare_stage(_session: Session, item: OpportunityStage | None, columns: dict[str, Any]) -> None:
    """A new stage is open unless said otherwise; what is won is certain, what is lost is not to come."""
    if item is None:
        columns.setdefault("category", StageCategory.OPEN)
    category = columns.get("category", item.category if item else None)
    certain = {StageCategory.WON: 100, StageCategory.LOST: 0}.get(category) if category else None
    if certain is not None:
        columns["probability"] = certain
    elif item is None:
        columns.setdefault("probability", 50)


def _prepare_reason(_session: Session, item: OutcomeReason | None, columns: dict[str, Any]) -> None:
    if item is None and "category" not in columns:
        raise Invalid({"category": [_l("A reason is one of winning or of losing.")]})


def _check_stage(session: Session, stage: OpportunityStage, changed: Mapping[str, Any]) -> None:
    """One of each category must be left, and nothing is won or lost by a change of the list."""
    category = changed.get("category", stage.category)
    if stage.is_active and (changed.get("is_active") is False or category is not stage.category):
        others = session.scalar(
            select(func.count()).where(
                OpportunityStage.category == stage.category,
                OpportunityStage.is_active,
                OpportunityStage.id != stage.id,
            )
        )
        if not others:
            raise InUse(_l("One open stage, one won and one lost must be left."))
    if category is not stage.category and session.scalar(_in_stage(stage).limit(1)) is not None:
        raise InUse(
            _l("Something is in “%(name)s”: it stays open, won or lost. Add another.", name=stage.name)
        )


def _check_reason(session: Session, reason: OutcomeReason, changed: Mapping[str, Any]) -> None:
    if (
        changed.get("category", reason.category) is not reason.category
        and session.scalar(_with_reason(reason).limit(1)) is not None
    ):
        raise InUse(_l("“%(name)s” is in use.", name=reason.name))


STAGES = Registry(
    "opportunity_stages",
    OpportunityStage,
    Permission.SETTING_MANAGE,
    _in_stage,
    {"category": _read_category, "probability": _read_probability},
    _check_stage,
    has_key=True,
    prepare=_prepare_stage,
)
OUTCOMES = Registry(
    "outcome_reasons",
    OutcomeReason,
    Permission.SETTING_MANAGE,
    _with_reason,
    {"category": _read_outcome},
    _check_reason,
    has_key=True,
    prepare=_prepare_reason,
)
