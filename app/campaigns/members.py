"""Verbs on the members of a campaign: add one, add a whole list, change what is told of them, remove one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Contact
from app.campaigns.linking import add_rows
from app.campaigns.models import Campaign, CampaignMember
from app.campaigns.queries import get_campaign
from app.events.operations import record
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import Conflict, Invalid, NotFound
from app.leads.models import Lead
from app.lists.catalogue import objects
from app.lists.query import parse_list
from app.lists.rows import batches
from app.sharing.scope import scope

# A list that is longer than this is narrowed first.
MOST_AT_ONCE = 10_000
_BATCH = 1000
_MODELS: Mapping[str, Any] = {refs.LEAD: Lead, refs.CONTACT: Contact}


class CameByIt(Conflict):
    """A lead that has the campaign is a member of it."""

    message = _l(
        "This lead came by the campaign and so is a member of it. Change the campaign of the lead instead."
    )


def add_member(
    session: Session,
    actor: Actor,
    campaign_ref: str,
    record_ref: str,
    *,
    status: str | None = None,
    now: datetime,
) -> tuple[CampaignMember, bool]:
    """(the member, whether they are new).  record_ref: of a lead or a contact that the actor may read.

    Writes an event; does not commit.  Raises NotAllowed, NotFound (the campaign), Invalid.
    """
    actor.require(Permission.CAMPAIGN_EDIT)
    campaign = get_campaign(session, actor, campaign_ref, for_update=True)
    _refuse_archived(campaign)
    wanted = _status(campaign, status)
    person = _person(session, actor, record_ref)
    column = f"{person.__tablename__}_id"
    there = session.scalar(
        select(CampaignMember).where(
            CampaignMember.campaign_id == campaign.id, getattr(CampaignMember, column) == person.id
        )
    )
    if there is not None:
        return there, False
    member = CampaignMember(
        ref=refs.new_ref(refs.MEMBER), campaign_id=campaign.id, status=wanted, created_at=now, updated_at=now,
        created_by_id=actor.user_id, **{column: person.id},
    )  # fmt: skip
    session.add(member)
    session.flush()  # so that a constraint speaks up here
    record(session, actor, verb="member_added", subject=campaign, at=now, detail={"member": person.ref})
    return member, True


def _refuse_archived(campaign: Campaign) -> None:
    if campaign.archived_at is not None:
        raise Conflict(_l("This campaign is archived. Take it up again first."))


def _person(session: Session, actor: Actor, ref: str) -> Any:
    """The lead or the contact.  Raises Invalid, alike for one that is not there and one that may not be read."""
    model = next((m for kind, m in _MODELS.items() if refs.is_ref(kind, ref)), None)
    found = None
    if model is not None:
        found = session.scalar(
            select(model).where(scope(model, actor, Level.READ), model.ref == ref, model.deleted_at.is_(None))
        )
    if found is None:
        raise Invalid({"record": [_l("There is no such lead or contact.")]})
    return found


def _status(campaign: Campaign, status: str | None) -> str:
    known = [entry["key"] for entry in campaign.member_statuses]
    if not status:
        return str(known[0])
    if status not in known:
        raise Invalid({"status": [_l("Choose one of: %(known)s.", known=", ".join(known))]})
    return status


def add_matching(
    session: Session,
    actor: Actor,
    campaign_ref: str,
    object_name: str,
    params: Mapping[str, Sequence[str]],
    *,
    now: datetime,
) -> tuple[int, int]:
    """(how many of a list became members, how many were already).  object_name: lead or contact.

    params: filters of the list by name.  Previews are left out.  Writes one event; does not commit.
    Raises NotAllowed, NotFound, Conflict (archived), Invalid (not a list of people, a filter that is not known, more
    than `MOST_AT_ONCE`).
    """
    actor.require(Permission.CAMPAIGN_EDIT)
    campaign = get_campaign(session, actor, campaign_ref, for_update=True)
    _refuse_archived(campaign)
    if object_name not in ("lead", "contact"):
        raise Invalid({"object": [_l("Leads and contacts can be members.")]})
    given = {name: values for name, values in params.items() if name != "sort"}
    query = parse_list(session, actor, objects()[object_name], given)
    keys: list[int] = []
    for rows, _end in batches(session, actor, query, [], level=Level.READ, size=_BATCH):
        keys.extend(row.id for row in rows)
        if len(keys) > MOST_AT_ONCE:
            raise Invalid(
                {"": [_l("That are more than %(most)s. Narrow the list first.", most=f"{MOST_AT_ONCE:,}")]}
            )
    column = f"{object_name}_id"
    there = set(
        session.scalars(
            select(getattr(CampaignMember, column)).where(
                CampaignMember.campaign_id == campaign.id, getattr(CampaignMember, column).is_not(None)
            )
        )
    )
    new = [key for key in keys if key not in there]
    add_rows(session, actor, [(campaign.id, column, key) for key in new], now=now)
    if new:
        detail = {"count": len(new), "object": object_name, "filter": dict(query.given)}
        record(session, actor, verb="members_added", subject=campaign, at=now, detail=detail)
    return len(new), len(keys) - len(new)


def get_member(
    session: Session, actor: Actor, campaign: Campaign, member_ref: str
) -> tuple[CampaignMember, Any]:
    """The member with their lead or contact, which the actor may read.  Raises NotFound."""
    member = session.scalar(
        select(CampaignMember).where(
            CampaignMember.campaign_id == campaign.id, CampaignMember.ref == member_ref
        )
    )
    if member is None:
        raise NotFound("member", member_ref)
    model, key = (Lead, member.lead_id) if member.lead_id is not None else (Contact, member.contact_id)
    person: Any = session.scalar(select(model).where(scope(model, actor, Level.READ), model.id == key))
    if person is None:
        raise NotFound("member", member_ref)
    return member, person


def set_member_status(
    session: Session, actor: Actor, campaign_ref: str, member_ref: str, status: str, *, now: datetime
) -> CampaignMember:
    """Say what a member has done.  Writes an event where it changes.  Raises NotAllowed, NotFound, Invalid."""
    actor.require(Permission.CAMPAIGN_EDIT)
    campaign = get_campaign(session, actor, campaign_ref)
    member, person = get_member(session, actor, campaign, member_ref)
    wanted = _status(campaign, status)
    if member.status == wanted:
        return member
    before, member.status, member.updated_at = member.status, wanted, now
    record(
        session, actor, verb="member_changed", subject=campaign, at=now,
        changes={"member_status": (before, wanted)}, detail={"member": person.ref},
    )  # fmt: skip
    return member


def remove_member(
    session: Session, actor: Actor, campaign_ref: str, member_ref: str, *, now: datetime
) -> None:
    """Take a member out.  Raises NotAllowed, NotFound, CameByIt."""
    actor.require(Permission.CAMPAIGN_EDIT)
    campaign = get_campaign(session, actor, campaign_ref)
    member, person = get_member(session, actor, campaign, member_ref)
    if member.lead_id is not None and person.campaign_id == campaign.id:
        raise CameByIt
    session.delete(member)
    session.flush()
    record(session, actor, verb="member_removed", subject=campaign, at=now, detail={"member": person.ref})
