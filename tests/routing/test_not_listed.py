"""Why a name is missing in the owner picker: each condition has its own sentence, there and in the operation."""

import pytest
from sqlalchemy import update

from app.identity.models import Organisation, UserState
from app.leads.errors import NotAssignable
from app.partners.models import PartnerState
from app.routing.assign import Wish, assign_lead
from app.routing.picker import owner_choices
from app.routing.targets import find_target
from tests.factories import actor_of, make_lead, make_user
from tests.people import is_told


def prm_is_off(session, pia, northwind):
    session.execute(update(Organisation).values(prm_enabled_at=None))


def not_published(session, pia, northwind):
    session.execute(update(Organisation).values(portal_published_at=None))


def no_member(session, pia, northwind):
    session.execute(update(Organisation).values(portal_roles=["manager", "executive"]))


def suspended(session, pia, northwind):
    northwind.state = PartnerState.SUSPENDED


def deactivated(session, pia, northwind):
    pia.state = UserState.DEACTIVATED


def invited(session, pia, northwind):
    pia.state, pia.first_web_sign_in_at = UserState.INVITED, None


def never_signed_in(session, pia, northwind):
    pia.first_web_sign_in_at = None


CONDITIONS = [
    (prm_is_off, "partner management is not switched on"),
    (not_published, "the portal is not published"),
    (no_member, "their role is no member of the portal"),
    (suspended, "the company is suspended"),
    (deactivated, "deactivated"),
    (invited, "has not accepted the invitation"),
    (never_signed_in, "has never signed in on the web"),
]


@pytest.mark.parametrize(
    ("condition", "sentence"), CONDITIONS, ids=lambda value: getattr(value, "__name__", "")
)
def test_each_condition_has_its_sentence_in_the_picker_and_in_the_operation(
    session, now, mara, pia, northwind, condition, sentence
):
    actor, lead = actor_of(session, mara), make_lead(session)
    condition(session, pia, northwind)
    session.flush()
    choices = owner_choices(session, actor, now=now)
    assert choices.partner_users == []
    assert [(p.name, p.reason) for p in choices.left_out["partner_user"]] == [("Pia, Northwind", sentence)]
    with pytest.raises(NotAssignable) as refused:
        assign_lead(session, actor, lead.ref, Wish(find_target(session, actor, "user", pia.ref)), now=now)
    assert sentence in str(refused.value.errors)
    assert lead.owner_user_id is None


def test_every_sentence_is_another():
    assert len({sentence for _condition, sentence in CONDITIONS}) == len(CONDITIONS)


def test_those_who_may_not_see_partners_learn_how_many_but_not_who(session, signed_in, sal, pia, northwind):
    pia.first_web_sign_in_at = None
    make_user(session, "Gil Gone", partner=northwind, state=UserState.DEACTIVATED)
    lead = make_lead(session, owner=sal)
    for page in (signed_in(sal).get(f"/leads/{lead.ref}/owner").text, signed_in(sal).get("/leads/new").text):
        assert "2 more are not listed: they cannot be given any now." in page
        assert not is_told("Pia", page)
        assert not is_told("Gil", page)


def test_a_partner_manager_reads_of_colleagues_alone(session, signed_in, pam, pia, otto, northwind):
    pia.first_web_sign_in_at = otto.first_web_sign_in_at = None
    make_user(session, "Gil Gone", partner=northwind, state=UserState.DEACTIVATED)
    lead = make_lead(session, owner=pam)
    page = signed_in(pam).get(f"/leads/{lead.ref}/owner").text
    assert "2 more are not listed" in page
    assert "Pia: has never signed in on the web" in page
    assert "Gil Gone: deactivated" in page
    assert "Otto" not in page
    assert "Southwind" not in page
