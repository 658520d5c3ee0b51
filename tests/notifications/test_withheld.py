"""Asked again when it is sent: a mail to somebody who may not see the record any more is withheld."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.credentials import make_link
from app.identity.models import LinkPurpose, OneTimeLink, UserState
from app.kernel.errors import DomainError
from app.leads.models import LeadRefusal
from app.notifications.messages import write_mail
from app.notifications.outcomes import Outcome, Withheld, in_words
from app.partners.models import PartnerState
from tests.factories import make_partner, make_user
from tests.notifications.correspondence import NAMES, NOW, Correspondence, correspond

LEAD_MAILS = ("lead_assigned", "lead_offered", "lead_in_queue", "leads_assigned", "leads_assigned_queue")


def outcome(
    session: Session, world: Correspondence, name: str, *, after: timedelta = timedelta()
) -> str | None:
    """Why it is withheld; None when it would be sent."""
    session.flush()
    session.expire_all()
    try:
        write_mail(session, world.deliveries[name].id, now=NOW + after)
    except Withheld as withheld:
        return withheld.outcome.value
    return None


def test_all_would_be_sent_as_things_are(session: Session) -> None:
    world = correspond(session)
    assert {name: outcome(session, world, name) for name in NAMES} == dict.fromkeys(NAMES)


@pytest.mark.parametrize("name", ["lead_assigned", "lead_offered", "lead_in_queue"])
def test_a_lead_that_went_to_a_rival_is_not_mentioned(session: Session, name: str) -> None:
    world = correspond(session)
    rival = make_user(session, "Otto", partner=make_partner(session, "Southwind", owner=world.mara))
    for lead in world.leads.values():
        lead.owner_queue_id = None
        lead.owner_user_id, lead.partner_account_id, lead.owner_rank = rival.id, rival.partner_account_id, 0
        lead.offer_id = lead.offer_expires_at = None
    assert outcome(session, world, name) == "no_access"


@pytest.mark.parametrize("name", ["lead_assigned", "lead_assigned_internal", "lead_offered", "lead_in_queue"])
def test_a_deleted_lead_is_not_mentioned(session: Session, name: str) -> None:
    world = correspond(session)
    for lead in world.leads.values():
        lead.deleted_at = NOW
    assert outcome(session, world, name) == "no_access"


def test_a_company_that_refused_it_is_not_told_of_it_in_its_queue(session: Session) -> None:
    world = correspond(session)
    session.add(
        LeadRefusal(
            lead_id=world.leads["waiting"].id, company_id=world.northwind.account_id, at=NOW, cause="declined"
        )
    )
    assert outcome(session, world, "lead_in_queue") == "no_access"


@pytest.mark.parametrize(
    "name",
    [
        *LEAD_MAILS,
        "password_changed",
        "password_reset",
        "second_factor_reset",
        "new_device",
        "offer_lapsed_partner",
    ],
)
def test_nobody_who_was_deactivated_is_mailed(session: Session, name: str) -> None:
    world = correspond(session)
    for user in (world.pia, world.pam):
        user.state = UserState.DEACTIVATED
    assert outcome(session, world, name) == "not_active"


@pytest.mark.parametrize("name", [*LEAD_MAILS, "invitation", "password_reset", "offer_lapsed_partner"])
def test_nobody_of_a_suspended_company_is_mailed(session: Session, name: str) -> None:
    world = correspond(session)
    world.northwind.state = PartnerState.SUSPENDED
    assert outcome(session, world, name) == "not_active"


@pytest.mark.parametrize("name", ["invitation", "invitation_internal", "password_reset"])
def test_a_link_is_mailed_only_while_it_opens_something(session: Session, name: str) -> None:
    world = correspond(session)
    link = session.get_one(OneTimeLink, _detail(session, world, name)["link_id"])
    lifetime = link.expires_at - NOW
    assert outcome(session, world, name, after=lifetime - timedelta(seconds=1)) is None
    assert outcome(session, world, name, after=lifetime) == "link_expired"
    link.used_at = NOW
    assert outcome(session, world, name) == "link_used"


def test_an_older_invitation_is_withheld(session: Session) -> None:
    world = correspond(session)
    link = session.get_one(OneTimeLink, _detail(session, world, "invitation")["link_id"])
    user = session.get_one(type(world.pia), link.user_id)
    make_link(session, user, LinkPurpose.INVITATION, now=NOW)
    assert outcome(session, world, "invitation") == "link_used"


@pytest.mark.parametrize("state", [UserState.ACTIVE, UserState.DEACTIVATED])
def test_an_invitation_is_for_the_invited(session: Session, state: UserState) -> None:
    world = correspond(session)
    link = session.get_one(OneTimeLink, _detail(session, world, "invitation")["link_id"])
    session.get_one(type(world.pia), link.user_id).state = state
    assert outcome(session, world, "invitation") is not None


@pytest.mark.parametrize("name", ["invitation", "password_reset"])
def test_a_link_does_not_follow_to_another_address(session: Session, name: str) -> None:
    world = correspond(session)
    link = session.get_one(OneTimeLink, _detail(session, world, name)["link_id"])
    session.get_one(type(world.pia), link.user_id).email = "somebody.else@northwind.example"
    assert outcome(session, world, name) == "address_changed"


def test_every_outcome_has_words(session: Session, signed_in: Callable[..., object]) -> None:
    with session.get_bind().connect():
        assert all(str(in_words(reason.value)) != reason.value for reason in Outcome)
    assert in_words("550 no such user") == "550 no such user"
    assert in_words(None) == ""
    assert not issubclass(Withheld, DomainError), "no page ever answers with it"


def _detail(session: Session, world: Correspondence, name: str) -> dict[str, int]:
    from app.notifications.models import Notification

    return dict(
        session.scalars(
            select(Notification.detail).where(Notification.id == world.deliveries[name].notification_id)
        ).one()
    )
