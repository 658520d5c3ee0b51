"""Why somebody does not see a record: the condition that fails, in words."""

import pytest

from app.identity.models import AccountScope, UserState
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.actor import Role
from app.leads.models import LeadRefusal
from app.partners.models import PartnerState
from app.sharing.building import build_step
from app.sharing.explain import why
from app.sharing.sharing_rules import create_rule, read_rule
from app.sharing.why_not import why_not
from tests.factories import actor_of, make_account, make_contact, make_lead, make_queue, make_user
from tests.sharing.shared_worlds import build_shared


def _private(session):
    organisation = get_organisation(session)
    organisation.defaults = {
        name: {"internal": "private", "external": "private"} for name in organisation.defaults
    }
    session.flush()


def _said(session, person, record):
    return "\n".join(why_not(session, person, record))


def test_a_rival_is_told_of_the_other_company_and_of_no_name(session, mara, pia, otto):
    lead = make_lead(session, owner=pia)
    said = _said(session, otto, lead)
    assert "it is with another company" in said
    assert "no sharing rule" in said
    assert "Northwind" not in said


def test_partners_do_not_see_what_their_peers_and_those_above_own(session, northwind, pia, pam):
    colleague = make_user(session, "Pol", partner=northwind)
    assert "of the same role" in _said(session, colleague, make_lead(session, owner=pia))
    assert "stands above them" in _said(session, pia, make_lead(session, owner=pam))


def test_a_queue_that_is_not_theirs_and_one_from_which_they_declined(session, pia, northwind, otto):
    queue = make_queue(session, members=(northwind,))
    lead = make_lead(session, queue=queue)
    assert "do not belong to the queue" in _said(session, otto, lead)
    session.add(
        LeadRefusal(lead_id=lead.id, company_id=northwind.account_id, at=clock.now(), cause="declined")
    )
    session.flush()
    assert why(session, actor_of(session, pia), lead)[0] is None
    assert "declined it" in _said(session, pia, lead)


def test_colleagues_learn_of_defaults_and_of_their_portfolio(session, mara, sal):
    account = make_account(session, owner=mara)
    sal.account_scope = AccountScope.PORTFOLIO
    assert "portfolio" in _said(session, sal, account)
    sal.account_scope = AccountScope.ALL
    _private(session)
    said = _said(session, sal, account)
    assert "what everybody inside sees by default is private" in said
    assert f"neither own the account {account.name} nor answer for it" in said


def test_a_private_contact_is_its_owners_alone(session, sal, mara):
    assert why_not(session, sal, make_contact(session, account=None, owner=mara)) == [
        "it has no account, so that only its owner and administrators see it"
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda user, partner, organisation: setattr(user, "state", UserState.INVITED), "invitation"),
        (lambda user, partner, organisation: setattr(user, "state", UserState.DEACTIVATED), "deactivated"),
        (lambda user, partner, organisation: setattr(partner, "state", PartnerState.SUSPENDED), "suspended"),
        (
            lambda user, partner, organisation: setattr(organisation, "portal_roles", ["executive"]),
            "no member of the portal",
        ),
    ],
)
def test_those_who_may_not_act_are_told_why(session, pia, northwind, change, words):
    lead = make_lead(session, owner=pia)
    change(pia, northwind, get_organisation(session))
    session.flush()
    said = why_not(session, pia, lead)
    assert len(said) == 1
    assert words in said[0]


def test_a_rule_that_is_still_being_built_is_told_of(session, ada, sal):
    _private(session)
    lead = make_lead(session, queue=make_queue(session), city="Girona")
    written = read_rule(
        session,
        {
            "object": "lead", "kind": "criteria", "name": "Girona to sales", "level": "read",
            "criteria": {"field": "city", "op": "equals", "value": "Girona"},
            "share_with": {"type": "internal_role", "id": "sales"},
        },
    )  # fmt: skip
    create_rule(session, actor_of(session, ada), written, now=clock.now())
    assert "still being built" not in _said(session, sal, lead)
    build_step(session, now=clock.now())
    assert "“Girona to sales” will give it to them" in _said(session, sal, lead)


@pytest.mark.long_on("postgresql")
def test_in_random_worlds_everybody_who_sees_nothing_gets_an_answer(app, session):
    shared = build_shared(session, 5)
    asked = 0
    for lead in shared.world.leads:
        for person in shared.world.people:
            if lead.deleted_at is None and why(session, actor_of(session, person), lead)[0] is None:
                assert all(why_not(session, person, lead)), (person.role, lead.id)
                assert why_not(session, person, lead)
                assert person.role is not Role.ADMINISTRATOR
                asked += 1
    assert asked > 20
