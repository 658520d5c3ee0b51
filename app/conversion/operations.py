"""Converting a lead: an account, a contact and, where wanted, an opportunity, in one transaction, once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.arriving import fill_empty, store_account, store_contact
from app.accounts.models import Account, AccountKind, Contact
from app.accounts.queries import get_account, get_account_and_level, get_contact_and_level
from app.activities.following import follow_conversion
from app.conversion.errors import StillOffered
from app.conversion.matching import (
    account_values,
    contact_values,
    hold_company,
    mapped_fields,
    same_company,
    same_person,
)
from app.conversion.models import Conversion
from app.conversion.wanted import Wanted, is_answered
from app.documents.following import move_documents
from app.events.operations import record
from app.identity.models import User
from app.identity.queries import get_organisation
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import Invalid, NotFound
from app.leads.converting import mark_converted
from app.leads.errors import AlreadyConverted
from app.leads.models import Lead
from app.leads.queries import get_lead
from app.leads.visibility import seen_at_level
from app.opportunities.errors import no_such
from app.opportunities.models import ContactRole, Opportunity
from app.opportunities.operations import Origin, store_new
from app.opportunities.parties import Holding
from app.opportunities.people import store_part
from app.partners.models import PartnerAccount, PartnerLevel
from app.sharing.conversions import Result, grant_results
from app.sharing.scope import scope

# What the lead became is answered to whoever converted it, whoever sees each record by now.
_ANSWERING = Actor.system("results of conversions")


@dataclass(frozen=True, slots=True)
class Converted:
    """A lead and what it became.  is_new: just now."""

    lead: Lead
    conversion: Conversion
    account: Account
    contact: Contact | None
    opportunity: Opportunity | None
    is_new: bool = True


def convert_lead(
    session: Session, actor: Actor, lead_ref: str, wanted: Wanted, *, now: datetime
) -> Converted:
    """Make the lead an account, a contact and, where wanted, an opportunity.

    Asked for the same again, it answers with the same result and writes nothing.  Records that are there are filled
    where they are empty, as far as the actor may change them; opt-outs become stricter in any case.  Writes events
    of everything; does not commit.
    Raises NotAllowed, NotFound, AlreadyConverted, StillOffered, Invalid (what is missing, records not to be seen).
    """
    actor.require(Permission.LEAD_CONVERT)
    lead = get_lead(session, actor, lead_ref, Level.EDIT, for_update=True)
    if lead.converted_at is not None:
        return _the_same(session, actor, lead, wanted)
    if lead.offer_id is not None:
        raise StillOffered
    account, contact = _chosen(session, actor, wanted)
    is_person = wanted.is_person or (account is not None and account.kind is AccountKind.PERSON)
    refuse_incomplete(actor, lead, is_person=is_person, has_account=account is not None)
    hold_company(session, lead, is_person=is_person)
    filled: dict[str, Any] = {}
    owner = _owner_of_results(session, actor, lead)
    mapped = mapped_fields(session, lead)
    made = _account(
        session, actor, lead, wanted, account, owner, mapped, filled, is_person=is_person, now=now
    )
    results = [made]
    if not is_person:
        results.append(
            _contact(session, actor, lead, wanted, made.record, contact, owner, mapped, filled, now=now)
        )
    if wanted.opportunity is not None:
        results.append(_opportunity(session, actor, lead, wanted, results, mapped, now=now))
    conversion = _keep(session, actor, lead, wanted, results, filled, now)
    return Converted(lead, conversion, *_by_object(results))


def _by_object(results: list[Result]) -> tuple[Account, Contact | None, Opportunity | None]:
    found = {result.object: result.record for result in results}
    return found["account"], found.get("contact"), found.get("opportunity")


def read_conversion(session: Session, lead: Lead) -> Converted | None:
    """What the lead became, for somebody who reads the lead; None while it is not converted."""
    conversion = session.scalar(select(Conversion).where(Conversion.lead_id == lead.id))
    if conversion is None:
        return None

    def read(model: Any, key: int | None) -> Any:
        if key is None:
            return None
        return session.scalars(select(model).where(scope(model, _ANSWERING), model.id == key)).one()

    return Converted(
        lead,
        conversion,
        read(Account, conversion.account_id),
        read(Contact, conversion.contact_id),
        read(Opportunity, conversion.opportunity_id),
        is_new=False,
    )


def _the_same(session: Session, actor: Actor, lead: Lead, wanted: Wanted) -> Converted:
    """The result again, for whoever still sees all of it.  Raises AlreadyConverted."""
    known = read_conversion(session, lead)
    rows = [known.account, known.contact, known.opportunity] if known is not None else []
    if any(row is not None and not is_seen(session, actor, row) for row in rows):
        raise AlreadyConverted
    if known is None or not is_answered(
        wanted,
        known.conversion.asked,
        known.account.ref,
        known.contact.ref if known.contact else None,
        known.account.kind is AccountKind.PERSON,
        known.opportunity is not None,
    ):
        raise AlreadyConverted
    return known


def is_seen(session: Session, actor: Actor, row: Any) -> bool:
    """Whether the actor reads a result."""
    model: Any = type(row)
    seen = select(model.id).where(scope(model, actor, Level.READ), model.id == row.id)
    return session.scalar(seen) is not None


def refuse_incomplete(actor: Actor, lead: Lead, *, is_person: bool, has_account: bool = False) -> None:
    """Raises Invalid naming what the lead lacks: a last name, and a company unless it is a person's account."""
    missing = missing_fields(lead, is_person=is_person or has_account)
    if set(missing) & set(actor.hidden_fields):
        raise Invalid({"": [_l("It cannot be converted yet: ask the vendor to complete it.")]})
    if missing:
        raise Invalid({name: [_l("This is needed to convert.")] for name in missing})


def missing_fields(lead: Lead, *, is_person: bool) -> list[str]:
    """Names of the fields that conversion needs and the lead lacks."""
    needed = ("last_name",) if is_person else ("last_name", "company")
    return [name for name in needed if not getattr(lead, name)]


# Which records


def _chosen(session: Session, actor: Actor, wanted: Wanted) -> tuple[Account | None, Contact | None]:
    """The records that were named, as the actor sees them; a contact brings its account.  Raises Invalid."""
    account = contact = None
    if wanted.account is not None:
        try:
            account = get_account(session, actor, wanted.account)
        except NotFound as error:
            raise no_such("account_id") from error
        if wanted.is_person and account.kind is not AccountKind.PERSON:
            raise Invalid({"account_id": [_l("That account is a business, not a person.")]})
    if wanted.contact is not None:
        try:
            contact, _given = get_contact_and_level(session, actor, wanted.contact)
        except NotFound as error:
            raise no_such("contact_id") from error
        if contact.account_id is None:
            raise Invalid({"contact_id": [_l("This contact has no account. Give it one first.")]})
        if account is None:
            account = session.scalar(
                select(Account).where(scope(Account, actor, Level.READ), Account.id == contact.account_id)
            )
        if account is None or account.id != contact.account_id:
            raise Invalid({"contact_id": [_l("This contact is not of that account.")]})
    return account, contact


def _owner_of_results(session: Session, actor: Actor, lead: Lead) -> User:
    """Whose accounts and contacts made of it are: the lead's owner, of a partner's lead its channel manager."""
    if lead.partner_account_id is not None:
        manager = select(User).join(Account, Account.owner_user_id == User.id)
        return session.scalars(
            manager.where(scope(Account, _ANSWERING), Account.id == lead.partner_account_id)
        ).one()
    if lead.owner_user_id is not None:
        return session.get_one(User, lead.owner_user_id)
    if actor.user_id is None or actor.is_partner:
        raise Invalid({"owner": [_l("Choose one of the people listed.")]})
    return session.get_one(User, actor.user_id)


def _account(
    session: Session,
    actor: Actor,
    lead: Lead,
    wanted: Wanted,
    chosen: Account | None,
    owner: User,
    mapped: Mapping[str, Mapping[str, Any]],
    filled: dict[str, Any],
    *,
    is_person: bool,
    now: datetime,
) -> Result:
    values = account_values(lead, is_person=is_person)
    custom = mapped["account"]
    if chosen is None and not is_person:
        chosen = same_company(session, actor, lead, sorted(wanted.declined))
    if chosen is None:
        kind = AccountKind.PERSON if is_person else AccountKind.BUSINESS
        try:
            made = store_account(session, actor, kind, values, custom, owner.id, now=now)
        except Invalid as error:
            raise Invalid(
                {{"name": "company"}.get(name, name): said for name, said in error.errors.items()}
            ) from error
        return Result(made, made=True)
    account, given = get_account_and_level(session, actor, chosen.ref, for_update=True)
    may_fill = given >= Level.EDIT and actor.can(Permission.ACCOUNT_EDIT)
    before = fill_empty(session, actor, account, values, custom, may_fill=may_fill, now=now)
    if before:
        filled["account"] = before
    return Result(account, made=False)


def _contact(
    session: Session,
    actor: Actor,
    lead: Lead,
    wanted: Wanted,
    account: Account,
    chosen: Contact | None,
    owner: User,
    mapped: Mapping[str, Mapping[str, Any]],
    filled: dict[str, Any],
    *,
    now: datetime,
) -> Result:
    values, custom = contact_values(lead), mapped["contact"]
    if chosen is None:
        chosen = same_person(session, actor, lead, account, sorted(wanted.declined))
    if chosen is None:
        made = store_contact(session, actor, account, values, custom, owner.id, now=now)
        return Result(made, made=True)
    contact, given = get_contact_and_level(session, actor, chosen.ref, for_update=True)
    may_fill = given >= Level.EDIT and actor.can(Permission.CONTACT_EDIT)
    before = fill_empty(
        session, actor, contact, values, custom, may_fill=may_fill, country=account.billing_country, now=now
    )
    if before:
        filled["contact"] = before
    return Result(contact, made=False)


def _opportunity(
    session: Session,
    actor: Actor,
    lead: Lead,
    wanted: Wanted,
    results: list[Result],
    mapped: Mapping[str, Mapping[str, Any]],
    *,
    now: datetime,
) -> Result:
    """Its owner is the lead's: a partner works on what they had."""
    account, contact, _none = _by_object(results)
    owner_id = lead.owner_user_id if lead.owner_user_id is not None else actor.user_id
    owner = session.get_one(User, owner_id)
    origin = Origin(lead_id=lead.id, partner_id=lead.partner_account_id)
    cleaned = {
        **(wanted.opportunity or {}),
        "campaign": lead.campaign_name,
        "description": _description(session, lead),
    }
    holding = Holding(owner, lead.partner_account_id)
    own = mapped["opportunity"]
    made = store_new(session, actor, cleaned, account.id, holding, origin, custom=own, now=now)
    if contact is not None:
        store_part(session, actor, made, contact, ContactRole.OTHER, now=now)
    return Result(made, made=True)


def _description(session: Session, lead: Lead) -> str | None:
    """What was written of the lead, unless it is hidden from the partner who will work on what it becomes."""
    if lead.partner_account_id is None or lead.description is None:
        return lead.description
    organisation = get_organisation(session)
    own = session.scalar(
        select(PartnerLevel.lead_fields)
        .join(PartnerAccount, PartnerAccount.level_id == PartnerLevel.id)
        .where(PartnerAccount.account_id == lead.partner_account_id)
    )
    _preview, hidden = seen_at_level(organisation.preview_fields, organisation.hidden_fields, own)
    return None if "description" in hidden else lead.description


# What goes along


def _keep(
    session: Session,
    actor: Actor,
    lead: Lead,
    wanted: Wanted,
    results: list[Result],
    filled: dict[str, Any],
    now: datetime,
) -> Conversion:
    account, contact, opportunity = _by_object(results)
    target = opportunity or contact or account
    # Several partners may be given one contact or account; an opportunity is one partner's.
    is_shared = opportunity is None and lead.partner_account_id is not None
    documents = move_documents(session, actor, lead, target, but_shown=is_shared, now=now)
    planned = follow_conversion(session, lead, target, account)
    # Told before the grants, so that the row is written once; they are of whoever has the lead, which stays.
    before = {"lead": mark_converted(session, actor, lead, now=now), "planned": planned}
    detail = {result.object: result.record.ref for result in results}
    event_id = record(session, actor, verb="converted", subject=lead, at=now, detail=detail)
    conversion = Conversion(
        lead_id=lead.id,
        account_id=account.id,
        contact_id=contact.id if contact else None,
        opportunity_id=opportunity.id if opportunity else None,
        made=[result.object for result in results if result.made],
        asked=wanted.as_kept(),
        before=before,
        filled=filled,
        documents=documents,
        event_id=event_id,
        converted_at=now,
        converted_by_id=actor.user_id,
    )
    session.add(conversion)
    session.flush()  # its key is wanted by the grants
    grant_results(session, conversion.id, lead, results, now=now)
    return conversion
