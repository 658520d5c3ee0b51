"""The campaign of a lead or an opportunity in calls, which name it by its id; operations know it by its name."""

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign
from app.kernel.actor import Actor, Level
from app.kernel.errors import Invalid
from app.sharing.scope import scope


def name_campaign(session: Session, actor: Actor, values: dict[str, Any]) -> None:
    """Let what was given name its campaign where it gives the id.  Raises Invalid."""
    if "campaign_id" not in values:
        return
    ref = values.pop("campaign_id")
    if "campaign" in values:
        raise Invalid({"campaign_id": [_l("Give the campaign's id or its name, not both.")]})
    name = None
    if ref is not None:
        name = session.scalar(
            select(Campaign.name).where(scope(Campaign, actor, Level.READ), Campaign.ref == ref)
        )
        if name is None:
            raise Invalid({"campaign_id": [_l("There is no such campaign.")]})
    values["campaign"] = name


def campaign_refs(session: Session, actor: Actor, keys: Iterable[int | None]) -> dict[int, str]:
    """Key → public name, of those that the actor may read; partners read none."""
    wanted = {key for key in keys if key is not None}
    if not wanted or actor.is_partner:
        return {}
    rows = session.execute(
        select(Campaign.id, Campaign.ref).where(scope(Campaign, actor, Level.READ), Campaign.id.in_(wanted))
    )
    return {key: ref for key, ref in rows}  # noqa: C416 - rows are no pairs to mypy
