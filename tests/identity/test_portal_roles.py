"""Which partner roles are members of the portal: chosen beside publishing, and what it means for the others."""

import pytest
from sqlalchemy import select

from app.events.models import Event
from app.identity.models import Organisation, User, UserSession
from app.identity.portal import set_portal_roles
from app.identity.queries import get_organisation
from app.identity.user_list import find_users, parse_user_query
from app.kernel import clock
from app.kernel.actor import Role
from app.kernel.errors import Invalid, NotAllowed, WrongOrder
from app.leads.errors import NotAssignable
from app.notifications.models import Notification
from app.routing.assign import Wish, assign_lead
from app.routing.picker import owner_choices
from app.routing.targets import find_target
from tests.factories import PASSWORD, actor_of, get_default_queue, make_lead, make_user, rows
from tests.partners.teams import account_of


def narrow(session, ada, *roles):
    set_portal_roles(session, actor_of(session, ada), roles, now=clock.now())
    session.flush()


def text_of(answer):
    return answer.get_data(as_text=True)


def told(session):
    return [(e.verb, e.changes) for e in rows(session, Event, Event.record_kind == "organisation")]


def test_every_role_is_a_member_at_the_start(session):
    assert get_organisation(session).portal_roles == ["user", "manager", "executive"]


def test_the_page_says_who_is_a_member_and_changes_it(signed_in, session, ada, pia, pam, otto):
    browser = signed_in(ada)
    page = text_of(browser.get("/setup/prm"))
    assert "Members of the portal" in page
    assert "2 people" in page  # Pia and Otto are users
    answer = browser.submit("/setup/prm/roles", {"portal_roles": ["executive", "manager"]}, page="/setup/prm")
    assert answer.status_code == 303
    assert get_organisation(session).portal_roles == ["manager", "executive"]
    changed = (
        "portal_roles_changed",
        {"portal_roles": [["user", "manager", "executive"], ["manager", "executive"]]},
    )
    assert told(session) == [changed]
    browser.submit("/setup/prm/roles", {"portal_roles": ["executive", "manager"]}, page="/setup/prm")
    assert told(session) == [changed], "the same again changes nothing"


@pytest.mark.parametrize("given", [[], ["sales"], ["user", "everybody"]])
def test_a_portal_of_nobody_or_of_other_roles_is_refused(signed_in, session, ada, northwind, given):
    answer = signed_in(ada).submit("/setup/prm/roles", {"portal_roles": given}, page="/setup/prm")
    assert answer.status_code == 422
    assert get_organisation(session).portal_roles == ["user", "manager", "executive"]
    with pytest.raises(Invalid):
        narrow(session, ada, *given)


def test_only_administrators_choose_and_only_once_prm_is_on(session, ada, mara):
    with pytest.raises(NotAllowed):
        set_portal_roles(session, actor_of(session, mara), ["user"], now=clock.now())
    with pytest.raises(WrongOrder):
        narrow(session, ada, "user")


def test_the_api_reads_and_changes_it(api, session, ada, mara, northwind):
    assert api(mara).get("/settings").json["portal_roles"] == ["user", "manager", "executive"]
    changed = api(ada).patch("/settings", {"portal_roles": ["executive"], "name": "Velo"})
    assert (changed.json["portal_roles"], changed.json["name"]) == (["executive"], "Velo")
    refused = api(ada).patch("/settings", {"portal_roles": [], "name": "Other"})
    assert refused.status_code == 422
    assert get_organisation(session).name == "Velo"
    assert api(mara).patch("/settings", {"portal_roles": ["user"]}).status_code == 403


def test_a_role_that_is_no_member_cannot_sign_in(client, session, ada, pia, pam):
    narrow(session, ada, "manager", "executive")
    refused = client.submit("/sign-in", {"email": pia.email, "password": PASSWORD})
    assert refused.status_code == 409
    assert "not open to people with your role" in text_of(refused)
    assert rows(session, UserSession) == []
    wrong = client.submit("/sign-in", {"email": pia.email, "password": "wrong wrong wrong"})
    assert "your role" not in text_of(wrong), "only the right password tells"
    assert client.submit("/sign-in", {"email": pam.email, "password": PASSWORD}).status_code == 303


def test_open_sessions_and_tokens_of_the_role_stop_at_the_next_request(
    signed_in, api, session, ada, pia, pam
):
    browser, token, other = signed_in(pia), api(pia), signed_in(pam)
    assert browser.get("/inbox").status_code == 200
    assert token.get("/leads").status_code == 200
    narrow(session, ada, "manager", "executive")
    assert browser.get("/inbox").status_code == 303
    assert token.get("/leads").status_code == 401
    assert other.get("/inbox").status_code == 200
    narrow(session, ada, "user", "manager")
    assert browser.get("/inbox").status_code == 200


def test_an_unpublished_portal_refuses_no_call(api, session, pia):
    """The contract says so of publishing; being no member is another matter."""
    get_organisation(session).portal_published_at = None
    assert api(pia).get("/leads").status_code == 200


def test_a_role_that_is_no_member_is_named_in_the_picker_and_refused_by_the_operation(
    session, now, ada, mara, pia, pam
):
    narrow(session, ada, "manager", "executive")
    mara_acts = actor_of(session, mara)
    choices = owner_choices(session, mara_acts, now=now)
    assert [c.name for c in choices.partner_users] == ["Pam"]
    assert [(p.name, p.reason) for p in choices.left_out["partner_user"]] == [
        ("Pia, Northwind", "their role is no member of the portal")
    ]
    lead = make_lead(session)
    wish = Wish(find_target(session, mara_acts, "user", pia.ref))
    with pytest.raises(NotAssignable) as refused:
        assign_lead(session, mara_acts, lead.ref, wish, now=now)
    assert "their role is no member of the portal" in str(refused.value.errors)
    assert lead.owner_queue_id == get_default_queue(session).id
    listed = find_users(session, mara_acts, parse_user_query(mara_acts, {"assignable": ["true"]}, None))
    assert pia.ref not in [row.user.ref for row in listed.items]
    assert pam.ref in [row.user.ref for row in listed.items]


def test_a_company_whose_people_are_no_members_takes_nothing(session, now, ada, mara, northwind, pia):
    narrow(session, ada, "executive")
    choices = owner_choices(session, actor_of(session, mara), now=now)
    assert choices.partner_accounts == []
    assert [p.reason for p in choices.left_out["partner_account"]] == ["nobody there can take one now"]
    make_user(session, "Pex", partner=northwind, role=Role.EXECUTIVE)
    assert [c.name for c in owner_choices(session, actor_of(session, mara), now=now).partner_accounts] == [
        "Northwind"
    ]


def test_nobody_who_stays_out_is_told_of_arrivals(session, ada, mara, northwind, pia, pam):
    narrow(session, ada, "user")
    lead = make_lead(session)
    wish = Wish(
        find_target(session, actor_of(session, mara), "partner_account", account_of(session, northwind).ref)
    )
    assign_lead(session, actor_of(session, mara), lead.ref, wish, now=clock.now())
    session.flush()
    assert session.scalars(select(Notification.user_id)).all() == [pia.id], "not the manager, who stays out"


def test_the_row_keeps_its_roles_in_quotes(session):
    """`is_member` asks the list as text: no role's name may stand within another's."""
    known = [role.value for role in Role if role.is_partner]
    assert not any(a in b for a in known for b in known if a != b)
    assert session.scalars(select(Organisation.portal_roles)).one() == known
    assert session.scalars(select(User)).all() == []


def test_open_leads_of_those_who_stay_out_need_an_owner(session, api, ada, pia, pam):
    theirs, hers = make_lead(session, owner=pia), make_lead(session, owner=pam)
    narrow(session, ada, "manager")
    found = api(ada).get("/leads?needs_owner=true").json["items"]
    assert [lead["id"] for lead in found] == [theirs.ref]
    others = {lead["id"] for lead in api(ada).get("/leads?needs_owner=false").json["items"]}
    assert hers.ref in others
    assert theirs.ref not in others
