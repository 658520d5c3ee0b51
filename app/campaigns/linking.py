"""From a campaign's name, as leads and opportunities are given it, to the campaign; and that leads are members."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.campaigns.fields import LONGEST_NAME
from app.campaigns.models import Campaign, CampaignMember
from app.kernel import refs
from app.kernel.actor import Actor
from app.kernel.bulk import insert_rows
from app.kernel.errors import Invalid
from app.kernel.fold import fold


def campaign_named(session: Session, name: str | None) -> Campaign | None:
    """The campaign of that name, however it is written."""
    folded = fold(name, LONGEST_NAME)
    return session.scalar(select(Campaign).where(Campaign.name_fold == folded)) if folded else None


def known_campaign(
    session: Session, actor: Actor, name: str | None, *, had: int | None = None
) -> Campaign | None:
    """The campaign that somebody names for a record; None for no name.

    had: key of the campaign that the record has, which may be archived.  A part of the system that takes in what a
    stranger sent loses nothing for a name that is gone: the record goes without a campaign then.
    Raises Invalid when there is none of the name, or it is archived.
    """
    if not name:
        return None
    found = campaign_named(session, name)
    if found is not None and (found.archived_at is None or found.id == had):
        return found
    if actor.is_system:
        return None
    raise Invalid({"campaign": [_l("There is no campaign “%(name)s”. Make it first.", name=name[:60])]})


def join_campaign(session: Session, actor: Actor, lead: Any, *, now: datetime) -> None:
    """Make a lead a member of the campaign that it has.  Nothing where it is one already, or has none."""
    if lead.campaign_id is None:
        return
    member = select(CampaignMember.id).where(
        CampaignMember.campaign_id == lead.campaign_id, CampaignMember.lead_id == lead.id
    )
    if session.scalar(member) is None:
        add_rows(session, actor, [(lead.campaign_id, "lead_id", lead.id)], now=now)


def add_rows(
    session: Session,
    actor: Actor,
    rows: Iterable[tuple[int, str, int]],
    *,
    now: datetime,
    status: str | None = None,
) -> None:
    """Store members that are known not to be there: (campaign, "lead_id" or "contact_id", key of the record) each."""
    found = list(rows)
    keys = {campaign_id for campaign_id, _column, _key in found}
    first = first_statuses(session, keys) if status is None else {}
    insert_rows(
        session,
        CampaignMember,
        [
            {
                "ref": refs.new_ref(refs.MEMBER),
                "campaign_id": campaign_id,
                "lead_id": None,
                "contact_id": None,
                column: key,
                "status": status or first[campaign_id],
                "created_at": now,
                "updated_at": now,
                "created_by_id": actor.user_id,
            }
            for campaign_id, column, key in found
        ],
    )


def first_statuses(session: Session, keys: Collection[int]) -> Mapping[int, str]:
    """What a new member of each campaign is."""
    if not keys:
        return {}
    rows = session.execute(select(Campaign.id, Campaign.member_statuses).where(Campaign.id.in_(keys)))
    return {key: statuses[0]["key"] for key, statuses in rows}


def join_many(session: Session, actor: Actor, pairs: Sequence[tuple[int, int]], *, now: datetime) -> None:
    """Make leads members of their campaigns: (campaign, lead) each; those that are members stay as they are."""
    if not pairs:
        return
    there = {
        (row[0], row[1])
        for row in session.execute(
            select(CampaignMember.campaign_id, CampaignMember.lead_id).where(
                CampaignMember.lead_id.in_({lead_id for _campaign, lead_id in pairs})
            )
        )
    }
    new = [
        (campaign, "lead_id", lead)
        for campaign, lead in dict.fromkeys(pairs)
        if (campaign, lead) not in there
    ]
    add_rows(session, actor, new, now=now)
