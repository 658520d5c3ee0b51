"""What the pages of opportunities share: forms filled from records, and what a refusal shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.accounts.changes import StaleEdit
from app.accounts.pages import Difference
from app.accounts.queries import find_names
from app.fields.catalogue import Definition
from app.fields.inputs import label_of
from app.fields.values import as_typed
from app.kernel.actor import Actor
from app.opportunities.currencies import money
from app.opportunities.fields import OPPORTUNITY_FIELDS, entry_name, value_name
from app.opportunities.forms import OpportunityForm
from app.opportunities.models import OpportunityStage, StageCategory
from app.opportunities.queries import OpportunityDetail
from app.web.path import Stop


@dataclass(frozen=True, slots=True)
class Way:
    """The stages of an opportunity as its page shows them, for one reader.

    number: of the present stage among the stops, from 1.  next: what comes after the present one, None at the end
    or for who may not.  closing: the other ways to end it; others: all the rest.
    """

    stops: Sequence[Stop]
    number: int
    next: OpportunityStage | None
    closing: Sequence[OpportunityStage]
    others: Sequence[OpportunityStage]


def way_of(stage: OpportunityStage, stages: Sequence[OpportunityStage], *, may_edit: bool) -> Way:
    """stages: those in use, in their order."""
    is_open = stage.category is StageCategory.OPEN
    is_lost = stage.category is StageCategory.LOST
    way = [s for s in stages if s.category is StageCategory.OPEN]
    if stage not in way:
        # Where it stands, whether or not the stage is still in use.
        before = [s for s in way if s.position < stage.position or not is_open]
        way = [*before, stage, *(s for s in way if s not in before)]
    at = way.index(stage)
    onward = [s for s in stages if may_edit and s.id != stage.id]
    closing = [s for s in onward if is_open and s.category is not StageCategory.OPEN]
    ahead = [s for s in way[at + 1 :] if s in onward and is_open]
    ahead += [s for s in closing if s.category is StageCategory.WON]
    following = ahead[0] if ahead else None
    return Way(
        stops=[
            # Nobody knows how far a lost one came; a won one came all the way.
            _stop(s, place, at, is_passed=place < at and not is_lost, may_go=s in onward and is_open)
            for place, s in enumerate(way)
        ],
        number=at + 1,
        next=following,
        closing=[s for s in closing if s is not following],
        others=[s for s in onward if s not in closing and s is not following],
    )


def _stop(stage: OpportunityStage, place: int, at: int, *, is_passed: bool, may_go: bool) -> Stop:
    name = entry_name(stage)
    state = "current" if place == at else "done" if is_passed else "ahead"
    return Stop(stage.key, name, state, _("To the stage %(stage)s", stage=name) if may_go else "")


def form_data(detail: OpportunityDetail, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a form of the opportunity starts with.  fields: of the form, with those that administrators added."""
    record = detail.opportunity
    added = {name: each for name, each in fields.items() if isinstance(each, Definition)}
    return {
        **{name: as_typed(each, record.custom.get(name)) for name, each in added.items()},
        "version": record.version,
        "name": record.name,
        "account_id": detail.account.name if detail.account else "",
        "account_id_ref": detail.account.ref if detail.account else "",
        "amount": _plain(record.amount),
        "currency": record.currency or "",
        "stage": detail.stage.key,
        "probability": str(record.probability),
        "close_date": record.close_on.isoformat() if record.close_on else "",
        "partner_account_id": detail.partner.name if detail.partner else "",
        "partner_account_id_ref": detail.partner.ref if detail.partner else "",
        "owner": detail.owner.ref if detail.owner else "",
        "campaign": record.campaign_name or "",
        "description": record.description or "",
        "external_id": record.external_id or "",
    }


def _plain(amount: float | None) -> str:
    if amount is None:
        return ""
    return str(int(amount)) if float(amount).is_integer() else str(amount)


def show_differences(
    session: Session, actor: Actor, form: OpportunityForm, detail: OpportunityDetail, error: StaleEdit
) -> list[Difference]:
    """Take over what others changed in fields that the edit left alone; the rest as yours and now.

    The form goes on from the present version, so that saving again means it.
    """
    form.version.data = str(error.version)
    now = form_data(detail, form.fields)
    differences = []
    for name, held in error.current.items():
        if name not in form:
            continue
        if name in error.untouched:
            form[name].process_data(now[name])
            if f"{name}_ref" in now:
                form[f"{name}_ref"].data = now[f"{name}_ref"]
            continue
        label = str(form.fields[name].label)
        yours = _yours(form, name) if name in OPPORTUNITY_FIELDS else label_of(form[name])
        if name.endswith("account_id"):
            held = next(iter(find_names(session, actor, [held or ""]).values()), "")
        elif name == "amount":
            held = money(detail.opportunity.amount, detail.opportunity.currency)
        theirs = value_name(name, str(held)) if held is not None else ""
        differences.append(Difference(label, yours or _("empty"), theirs or _("empty")))
    return differences


def _yours(form: OpportunityForm, name: str) -> str:
    value = str(form[name].data or "")
    choices: Any = getattr(form[name], "choices", None)
    return next((str(c.label) for c in choices or () if c.value == value), value)
