"""Verbs on a campaign: create, edit, archive, take up again, delete.  Its members: `members`."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.accounts.changes import StaleEdit, find_owner
from app.campaigns.fields import CAMPAIGN_FIELDS, LONGEST_NAME
from app.campaigns.models import FIRST_MEMBER_STATUSES, Campaign, CampaignMember
from app.campaigns.queries import get_campaign, used_by
from app.campaigns.values import clean_statuses, clean_values
from app.events.models import Event
from app.events.operations import record
from app.identity.models import User
from app.identity.queries import get_organisation
from app.kernel import refs
from app.kernel.actor import Actor, Permission
from app.kernel.errors import InUse, Invalid
from app.kernel.fold import fold
from app.leads.models import Lead, LeadSource
from app.opportunities.models import Opportunity
from app.opportunities.values import fit_amount, read_currency
from app.sharing.scope import scope
from app.sharing.touched import touch

# Whether a campaign is used, and what bears its name, does not depend on who asks.
_EVERYWHERE = Actor.system("campaigns")
_COSTS = ("budgeted_cost", "actual_cost")


def create_campaign(
    session: Session,
    actor: Actor,
    values: Mapping[str, Any],
    *,
    statuses: Sequence[Mapping[str, Any]] | None = None,
    now: datetime,
) -> Campaign:
    """Store a new campaign.  values: field name → what was given, see `fields`; statuses: of its members.

    Without `owner` it is the actor's own.  Writes an event; does not commit.  Raises NotAllowed, Invalid.
    """
    actor.require(Permission.CAMPAIGN_EDIT)
    cleaned = clean_values(values, is_new=True)
    campaign = Campaign(
        ref=refs.new_ref(refs.CAMPAIGN),
        owner_user_id=actor.user_id,
        created_at=now,
        updated_at=now,
        created_by_id=actor.user_id,
        updated_by_id=actor.user_id,
        version=1,
    )
    for column, value in _columns(session, campaign, cleaned).items():
        setattr(campaign, column, value)
    given = FIRST_MEMBER_STATUSES if statuses is None else statuses
    campaign.member_statuses = clean_statuses(given, FIRST_MEMBER_STATUSES if statuses is None else ())
    _derive(campaign)
    _refuse_taken(session, campaign)
    session.add(campaign)
    _flush(session)
    record(session, actor, verb="created", subject=campaign, at=now, detail={"name": campaign.name})
    return campaign


def edit_campaign(
    session: Session,
    actor: Actor,
    ref: str,
    values: Mapping[str, Any],
    *,
    statuses: Sequence[Mapping[str, Any]] | None = None,
    version: int | None = None,
    now: datetime,
) -> Campaign:
    """Change fields of a campaign; those not given stay.  version: the one the edit began from, if known.

    Another name is written on its leads and opportunities too.  Members of a status that goes become of the first.
    Writes one event with old and new values; nothing when nothing changes.  Does not commit.
    Raises NotAllowed, NotFound, Invalid, StaleEdit.
    """
    actor.require(Permission.CAMPAIGN_EDIT)
    campaign = get_campaign(session, actor, ref, for_update=True)
    wanted = _columns(session, campaign, clean_values(values))
    if statuses is not None:
        wanted["member_statuses"] = clean_statuses(statuses, campaign.member_statuses)
    changed = {column: value for column, value in wanted.items() if getattr(campaign, column) != value}
    _refuse_stale(session, campaign, version, changed)
    if not changed:
        return campaign
    before = {column: getattr(campaign, column) for column in changed}
    for column, value in changed.items():
        setattr(campaign, column, value)
    _derive(campaign)
    _refuse_taken(session, campaign)
    told = {
        name: (_told(session, name, before[column]), _told(session, name, changed[column]))
        for name, column in ((_name_of(column), column) for column in changed)
    }
    _store(session, actor, campaign, "edited", told, now)
    if "name" in changed:
        _rename(session, campaign)
    if "member_statuses" in changed:
        _move_members(session, campaign, now)
    return campaign


def _columns(session: Session, campaign: Campaign, cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """Column → value.  Raises Invalid."""
    found = {CAMPAIGN_FIELDS[name].attribute: value for name, value in cleaned.items()}
    if "source" in cleaned:
        found["source_id"] = _source(session, cleaned["source"])
    if "owner" in cleaned:
        found["owner_user_id"] = find_owner(session, cleaned["owner"]).id if cleaned["owner"] else None
    starts, ends = (found.get(name, getattr(campaign, name)) for name in ("starts_on", "ends_on"))
    if starts and ends and ends < starts:
        raise Invalid({"end_date": [_l("It cannot end before it starts.")]})
    if cleaned.keys() & {*_COSTS, "currency"}:
        found |= _money(session, campaign, cleaned)
    return found


def _money(session: Session, campaign: Campaign, cleaned: Mapping[str, Any]) -> dict[str, Any]:
    costs = {name: cleaned.get(name, getattr(campaign, name)) for name in _COSTS}
    currency = read_currency(cleaned["currency"]) if cleaned.get("currency") else None
    if currency is None and "currency" not in cleaned:
        currency = campaign.currency
    if currency is None and any(cost is not None for cost in costs.values()):
        currency = get_organisation(session).currency
    fitted: dict[str, Any] = {"currency": currency}
    for name, cost in costs.items():
        try:
            fitted[name] = fit_amount(None if cost is None else Decimal(str(cost)), currency)
        except Invalid as error:
            raise Invalid({name: error.errors["amount"]}) from error
    return fitted


def _source(session: Session, name: str | None) -> int | None:
    if not name:
        return None
    found = session.scalar(
        select(LeadSource.id).where(LeadSource.name_fold == fold(name, 80), LeadSource.is_active)
    )
    if found is None:
        raise Invalid({"source": [_l("There is no source “%(value)s”.", value=name[:60])]})
    return found


def _derive(campaign: Campaign) -> None:
    campaign.name_fold = fold(campaign.name, LONGEST_NAME)
    campaign.starts_order = campaign.starts_on or date.min


def _refuse_taken(session: Session, campaign: Campaign) -> None:
    """That no other campaign has its name or its external id.  Raises Invalid."""
    with session.no_autoflush:
        for field, column, value in (
            ("name", Campaign.name_fold, campaign.name_fold),
            ("external_id", Campaign.external_id, campaign.external_id),
        ):
            if value is None:
                continue
            other = session.scalar(
                select(Campaign.id).where(column == value, Campaign.id != (campaign.id or 0))
            )
            if other is not None:
                raise Invalid({field: [_l("Another campaign has this.")]})


def _flush(session: Session) -> None:
    """Of two who take a name at the same moment the second is told so."""
    try:
        session.flush()
    except IntegrityError as error:
        field = "external_id" if "external_id" in str(error.orig) else "name"
        raise Invalid({field: [_l("Another campaign has this.")]}) from error


def _name_of(column: str) -> str:
    return next((name for name, field in CAMPAIGN_FIELDS.items() if field.attribute == column), column)


def _told(session: Session, name: str, value: Any) -> Any:
    """As events tell a value: names instead of keys."""
    if name == "source" and value is not None:
        return session.get_one(LeadSource, value).name
    if name == "owner" and value is not None:
        return session.get_one(User, value).name
    if name == "member_statuses":
        return ", ".join(entry["name"] for entry in value)
    return value


def _refuse_stale(
    session: Session, campaign: Campaign, version: int | None, changed: Mapping[str, Any]
) -> None:
    """Raises StaleEdit when the edit began from another version and still would change something."""
    if version is None or version == campaign.version or not changed:
        return
    names = {_name_of(column): column for column in changed}
    before: dict[str, Any] = {}
    events = session.scalars(
        select(Event)
        .where(Event.record_kind == "campaign", Event.record_id == campaign.id, Event.verb == "edited")
        .order_by(Event.id.desc())
    )
    for event in events:
        if event.detail.get("version", 0) <= version:
            break
        before.update({name: old for name, (old, _new) in event.changes.items()})
    now = {name: _plain(_told(session, name, getattr(campaign, column))) for name, column in names.items()}
    wanted = {name: _plain(_told(session, name, changed[column])) for name, column in names.items()}
    untouched = frozenset(name for name in names if name in before and before[name] == wanted[name])
    raise StaleEdit(now, untouched, campaign.version)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _store(
    session: Session,
    actor: Actor,
    campaign: Campaign,
    verb: str,
    told: Mapping[str, tuple[Any, Any]],
    now: datetime,
) -> None:
    campaign.stamp(actor, now)
    _flush(session)
    detail = {"version": campaign.version, "name": campaign.name}
    record(session, actor, verb=verb, subject=campaign, at=now, changes=told, detail=detail)


def _rename(session: Session, campaign: Campaign) -> None:
    """Write its name on what came by it; criteria of sharing and of scores compare it."""
    for model in (Lead, Opportunity):
        of_it = (scope(model, _EVERYWHERE), model.campaign_id == campaign.id)
        touch(session, model.__tablename__, session.scalars(select(model.id).where(*of_it)).all())
        session.execute(
            update(model)
            .where(*of_it)
            .values(campaign_name=campaign.name)
            .execution_options(synchronize_session="fetch")
        )


def _move_members(session: Session, campaign: Campaign, now: datetime) -> None:
    """Let members of a status that is gone be of the first."""
    keys = [entry["key"] for entry in campaign.member_statuses]
    session.execute(
        update(CampaignMember)
        .where(CampaignMember.campaign_id == campaign.id, CampaignMember.status.not_in(keys))
        .values(status=keys[0], updated_at=now)
        .execution_options(synchronize_session=False)
    )


def archive_campaign(session: Session, actor: Actor, ref: str, *, on: bool = True, now: datetime) -> Campaign:
    """Offer it no more, or again; its members and what came of it stay.  Raises NotAllowed, NotFound."""
    actor.require(Permission.CAMPAIGN_EDIT)
    campaign = get_campaign(session, actor, ref, for_update=True)
    if (campaign.archived_at is not None) == on:
        return campaign
    campaign.archived_at = now if on else None
    _store(session, actor, campaign, "archived" if on else "unarchived", {}, now)
    return campaign


def delete_campaign(session: Session, actor: Actor, ref: str, *, now: datetime) -> Campaign:
    """Remove a campaign that nothing refers to, for good.

    Raises NotAllowed, NotFound, InUse (naming what refers to it; it can be archived instead).
    """
    actor.require(Permission.CAMPAIGN_EDIT)
    campaign = get_campaign(session, actor, ref, for_update=True)
    refuse_used(session, campaign)
    record(session, actor, verb="deleted", subject=campaign, at=now, detail={"name": campaign.name})
    session.delete(campaign)
    session.flush()
    return campaign


def refuse_used(session: Session, campaign: Campaign) -> None:
    """Raises InUse, naming what refers to it."""
    used = used_by(session, campaign, _EVERYWHERE)
    if used:
        raise InUse(
            _l(
                "It is used. Leads: %(leads)s, opportunities: %(opportunities)s, members: %(members)s. Archive it instead.",
                leads=used.get("lead", 0),
                opportunities=used.get("opportunity", 0),
                members=used.get("member", 0),
            )
        )
