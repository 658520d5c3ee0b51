"""The campaigns that rows name: found by name, added where the importing person may."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign
from app.campaigns.operations import create_campaign
from app.intake.lead_rows import TakenRow
from app.kernel.actor import Actor, Permission
from app.kernel.fold import fold

CAMPAIGN = "campaign"


def name_campaigns(session: Session, actor: Actor, rows: Sequence[TakenRow], *, now: datetime) -> None:
    """Put the key of its campaign into each row, and the name as the campaign writes it.

    Those not known are added, which the first row that names one says; or left out, with a warning.
    Two statements and one more for each that is added.  Does not commit.
    """
    named = [row for row in rows if row.values.get(CAMPAIGN)]
    folded = {fold(row.values[CAMPAIGN], 120) for row in named} - {""}
    if not folded:
        for row in named:
            _leave_out(row)
        return
    known = {
        campaign.name_fold: campaign
        for campaign in session.scalars(select(Campaign).where(Campaign.name_fold.in_(folded)))
    }
    for row in named:
        name = row.values[CAMPAIGN]
        campaign = known.get(fold(name, 120))
        if campaign is None and fold(name) and actor.can(Permission.CAMPAIGN_EDIT):
            campaign = create_campaign(session, actor, {"name": name}, now=now)
            known[campaign.name_fold] = campaign
            row.warnings.append(_l("The campaign “%(name)s” is not known yet and is added.", name=name))
        if campaign is None:
            _leave_out(row)
            row.warnings.append(_l("The campaign “%(name)s” is not known: left empty.", name=name))
            continue
        row.values[CAMPAIGN] = campaign.name
        row.attributes.update(campaign_name=campaign.name, campaign_id=campaign.id)


def _leave_out(row: TakenRow) -> None:
    del row.values[CAMPAIGN]
    row.attributes.pop("campaign_name", None)
