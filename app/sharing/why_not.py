"""Why somebody does not see a record: each condition that could give it to them, and how it fails.

Says the rules of `sharing.rules` the other way round, for a person whom none of them gives anything.
"""

from collections.abc import Iterator
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.cases.models import Case
from app.identity.models import User, UserState
from app.identity.queries import DEFAULT_LEVELS, find_actor, get_organisation
from app.kernel import labels
from app.kernel.actor import Actor
from app.leads.models import Lead, LeadRefusal
from app.opportunities.models import Opportunity
from app.partners.models import PartnerAccount, PartnerState
from app.sharing.explain import Record
from app.sharing.models import GrantSet, GrantSetState, SharingGrant, SharingRule
from app.sharing.principals import keys_of_actor, principals_of
from app.sharing.scope import scope

_EXPLAINING = Actor.system("explain")


def why_not(session: Session, person: User, record: Record) -> list[str]:
    """The conditions that fail, in words without full stops; the caller has seen that they see nothing."""
    actor = find_actor(session, person.id)
    if actor is None:
        return [cannot_act(session, person)]
    if isinstance(record, Contact) and record.account_id is None:
        return [_("it has no account, so that only its owner and administrators see it")]
    return [
        *_default(session, actor, record),
        *_owning(session, actor, record),
        *_waiting(session, actor, record),
        *_team(session, actor, record),
        *_sharing(session, actor, record),
    ]


def cannot_act(session: Session, person: User) -> str:
    """Why somebody may not act, and so sees nothing, without a full stop."""
    if person.state is UserState.INVITED:
        return _("they have not accepted the invitation yet")
    if person.state is UserState.DEACTIVATED:
        return _("they are deactivated and see nothing")
    partner = session.scalar(
        select(PartnerAccount).where(PartnerAccount.account_id == person.partner_account_id)
    )
    if partner is not None and partner.state is not PartnerState.ACTIVE:
        return _("their company is suspended, so that its people see nothing")
    return _("their role is no member of the portal")


def _default(session: Session, actor: Actor, record: Record) -> Iterator[str]:
    side = "external" if actor.is_partner else "internal"
    given = DEFAULT_LEVELS[get_organisation(session).defaults[record.__tablename__][side]]
    if given is None and actor.is_partner:
        yield _("what partners see by default is private")
    elif given is None:
        yield _("what everybody inside sees by default is private")
    elif actor.sees_portfolio_only:
        yield _("their account scope is their portfolio, so that defaults give them nothing")


def _owning(session: Session, actor: Actor, record: Record) -> Iterator[str]:
    if not isinstance(record, Lead | Opportunity) or not actor.is_partner:
        yield _("they do not own it")
        return
    if record.partner_account_id is None:
        yield _("it is with nobody of their company")
    elif record.partner_account_id != actor.company_id:
        yield _("it is with another company")
    elif record.owner_rank is not None:
        owner = session.get(User, record.owner_user_id) if record.owner_user_id is not None else None
        peer = owner is not None and owner.role is actor.role
        yield (
            _("its owner is a colleague of the same role; only those above see it")
            if peer
            else _("its owner stands above them in the company")
        )


def _waiting(session: Session, actor: Actor, record: Record) -> Iterator[str]:
    if not isinstance(record, Lead) or record.owner_queue_id is None:
        return
    if record.owner_queue_id not in actor.queue_ids:
        yield _("they do not belong to the queue in which it waits")
        return
    refused = exists().where(LeadRefusal.lead_id == record.id, LeadRefusal.company_id == actor.company_id)
    if actor.is_partner and session.scalar(select(refused)):
        yield _("their company declined it, or let its offer lapse")


def _team(session: Session, actor: Actor, record: Record) -> Iterator[str]:
    if actor.is_partner:
        return
    key: Any = record.partner_account_id if isinstance(record, Lead) else None
    if isinstance(record, Account):
        key = record.id
    elif isinstance(record, Contact | Opportunity | Case):
        key = record.account_id
    if key is None:
        return
    name = session.scalar(select(Account.name).where(scope(Account, _EXPLAINING), Account.id == key))
    yield _("they neither own the account %(name)s nor answer for it", name=name or labels.one("account"))


def _sharing(session: Session, actor: Actor, record: Record) -> Iterator[str]:
    """That nothing is shared with them, or what is about to be."""
    keys = keys_of_actor(actor)
    yield _("no sharing rule and no share by hand gives it to them")
    building = session.scalars(
        select(SharingRule.name)
        .join(GrantSet, GrantSet.rule_id == SharingRule.id)
        .join(SharingGrant, SharingGrant.set_id == GrantSet.id)
        .where(
            GrantSet.state == GrantSetState.BUILDING,
            SharingGrant.object == record.__tablename__,
            SharingGrant.record_id == record.id,
            SharingGrant.principal_id.in_(principals_of(keys)),
        )
        .distinct()
    )
    for name in building:
        yield _("the rule “%(name)s” will give it to them, but is still being built", name=name)
