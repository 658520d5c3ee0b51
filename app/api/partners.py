"""Making accounts partners and their contacts partner users; suspending and resuming them."""

from flask import Response
from sqlalchemy.orm import Session

from app.accounts.queries import get_account
from app.api.accounts import account_json, area, check_account_version
from app.api.answers import record_answer
from app.api.contacts import area as contacts
from app.api.contacts import check_contact_version
from app.api.leaving import read_choice
from app.api.schemas.accounts import Account, EnablePartner, EnablePartnerUser, SuspendPartner
from app.api.schemas.users import User
from app.api.users import one_user
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import transaction
from app.offboarding import operations as offboarding
from app.partners import operations as partners
from app.partners.errors import NotAPartner
from app.partners.models import PartnerAccount
from app.web.access import current_actor, needs


@area.post(
    "/accounts/<account_id>/enable-partner", "Make an account a partner", {200: Account}, takes_version=True
)
@needs(Permission.PARTNER_ENABLE)
def enable_partner(account_id: str, body: EnablePartner) -> Response:
    """A business account; its queue is made with it.  Before PRM is switched on: 409 wrong-order."""
    with transaction() as session:
        actor = current_actor()
        check_account_version(session, actor, account_id)
        partners.enable_partner(
            session,
            actor,
            account_id,
            level=body.level,
            capacity=body.capacity,
            may_invite=body.may_invite,
            now=clock.now(),
        )
        answer = account_json(session, actor, account_id)
    return record_answer(answer)


@area.post("/accounts/<account_id>/suspend-partner", "Suspend a partner", {200: Account}, takes_version=True)
@needs(Permission.PARTNER_SUSPEND)
def suspend_partner(account_id: str, body: SuspendPartner) -> Response:
    """Its people are kept out at once; what becomes of its open leads must be said."""
    with transaction() as session:
        actor = current_actor()
        _require_partner(session, actor, account_id)
        check_account_version(session, actor, account_id)
        choice = read_choice(session, actor, body.open_leads)
        offboarding.suspend_partner(session, actor, account_id, choice, now=clock.now())
        answer = account_json(session, actor, account_id)
    return record_answer(answer)


@area.post("/accounts/<account_id>/resume-partner", "Resume a partner", {200: Account}, takes_version=True)
@needs(Permission.PARTNER_SUSPEND)
def resume_partner(account_id: str) -> Response:
    """Ended sessions and tokens stay ended."""
    with transaction() as session:
        actor = current_actor()
        _require_partner(session, actor, account_id)
        check_account_version(session, actor, account_id)
        offboarding.resume_partner(session, actor, account_id, now=clock.now())
        answer = account_json(session, actor, account_id)
    return record_answer(answer)


@contacts.post(
    "/contacts/<contact_id>/enable-partner-user",
    "Make a contact a partner user",
    {201: User},
    takes_version=True,
)
@needs(Permission.PARTNER_ENABLE)
def enable_partner_user(contact_id: str, body: EnablePartnerUser) -> Response:
    """Of a partner account; the invitation goes out by mail.  What is not given is taken from the contact."""
    with transaction() as session:
        actor = current_actor()
        check_contact_version(session, actor, contact_id)
        user = partners.enable_partner_user(
            session,
            actor,
            contact_id,
            role=body.role,
            email=body.email,
            language=body.language,
            time_zone=body.time_zone,
            now=clock.now(),
        )
        session.flush()  # the answer is read from the database
        answer = one_user(session, actor, user.ref)
    return record_answer(answer, 201)


def _require_partner(session: Session, actor: Actor, account_id: str) -> None:
    """That the account, which the actor sees, is a partner.  Raises NotFound, NotAPartner."""
    account = get_account(session, actor, account_id)
    if session.get(PartnerAccount, account.id) is None:
        raise NotAPartner
