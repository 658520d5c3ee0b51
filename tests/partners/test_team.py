"""*My team*: managers and executives change and deactivate colleagues of lower rank, and nobody else."""

import pytest
from sqlalchemy import update

from app.events.models import Event
from app.identity.models import User, UserState
from app.identity.operations import edit_user, resend_invitation
from app.kernel import clock
from app.kernel.actor import Role
from app.kernel.errors import Invalid, NotAllowed
from app.leads.errors import NotAssignable
from app.leads.models import Assignment, Lead
from app.offboarding.choices import GiveTo, Keep, Route
from app.offboarding.operations import deactivate_user, reactivate_user
from app.partners.inviting import invite_colleague
from app.partners.models import MayInvite, PartnerAccount, PartnerState
from app.routing.targets import Target, find_target
from tests.factories import (
    actor_of,
    dump,
    get_default_queue,
    make_lead,
    make_user,
    row_count,
    rows,
)
from tests.partners.teams import NEW, account_of, invite, text_of


@pytest.fixture(autouse=True)
def inviting(session, northwind):
    """Northwind's managers and executives may invite."""
    northwind.may_invite = MayInvite.MANAGER
    session.flush()


# The page


def test_the_team_page_shows_what_may_be_done_with_whom(signed_in, session, pia, pam, pex, otto):
    page = text_of(signed_in(pam).get("/team"))
    assert "Invite a colleague" in page
    assert f"/team/{pia.ref}/edit" in page
    assert f"/team/{pia.ref}/deactivate" in page
    assert f"/team/{pam.ref}/edit" not in page
    assert f"/team/{pex.ref}/edit" not in page
    assert "Otto" not in page
    assert signed_in(pia).get("/team").status_code == 403
    assert signed_in(pia).get("/team/invite").status_code == 403


def test_where_inviting_is_off_the_page_says_who_can_change_that(signed_in, session, mara, pam, northwind):
    northwind.may_invite = MayInvite.EXECUTIVE
    browser = signed_in(pam)
    page = text_of(browser.get("/team"))
    assert "Invite a colleague" not in page
    assert "Mara (mara@vendor.example) can change that" in page
    assert browser.get("/team/invite").status_code == 403
    assert browser.submit("/team/invite", NEW, page="/team").status_code == 403
    assert row_count(session, User, User.name == "Nil Serra") == 0


# Changing


def test_a_leader_changes_role_limit_and_absence_of_lower_ranks(signed_in, session, pam, pia):
    lead = make_lead(session, owner=pia)
    browser = signed_in(pam)
    page = text_of(browser.get(f"/team/{pia.ref}/edit"))
    assert 'value="manager"' in page
    assert 'value="executive"' not in page
    answer = browser.submit(
        f"/team/{pia.ref}/edit",
        {"role": "manager", "capacity": "7", "away_on": "2199-01-01", "version": str(pia.version)},
    )
    assert answer.status_code == 303
    assert (pia.role, pia.capacity, pia.away_until is not None) == (Role.MANAGER, 7, True)
    session.refresh(lead)
    assert lead.owner_rank == 1, "from now on only executives see it"
    assert browser.get(f"/team/{pia.ref}/edit").status_code == 403, "she is of the same rank now"


@pytest.mark.parametrize(
    ("who", "whom"),
    [("pam", "pam"), ("pam", "pex"), ("pam", "peer"), ("pex", "pex"), ("pex", "boss"), ("pia", "pam")],
)
def test_nobody_changes_themselves_their_peers_or_those_above(
    request, signed_in, session, northwind, who, whom
):
    people = {
        "peer": lambda: make_user(session, "Peer", partner=northwind, role=Role.MANAGER),
        "boss": lambda: make_user(session, "Boss", partner=northwind, role=Role.EXECUTIVE),
    }
    target = people[whom]() if whom in people else request.getfixturevalue(whom)
    actor = request.getfixturevalue(who)
    before = dump(session, User)
    browser = signed_in(actor)
    values = {"role": "user", "capacity": "", "version": str(target.version)}
    for path, data in (("edit", values), ("deactivate", {"open_records": "route"}), ("invite", {})):
        assert browser.submit(f"/team/{target.ref}/{path}", data, page="/profile").status_code == 403
    for act in (
        lambda: edit_user(session, actor_of(session, actor), target, {"capacity": 1}, now=clock.now()),
        lambda: deactivate_user(session, actor_of(session, actor), target, Route(), now=clock.now()),
        lambda: resend_invitation(session, actor_of(session, actor), target, now=clock.now()),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert dump(session, User) == before


def test_ones_own_unanswered_invitation_of_a_peer_can_be_taken_back(session, pam, pex, northwind):
    peer = invite(session, pam, role="manager")
    other = make_user(session, "Other", partner=northwind, role=Role.MANAGER)
    deactivate_user(session, actor_of(session, pam), peer, Keep(), now=clock.now())
    assert peer.state is UserState.DEACTIVATED
    with pytest.raises(NotAllowed):
        deactivate_user(session, actor_of(session, pam), other, Keep(), now=clock.now())


@pytest.mark.parametrize(
    "values", [{"role": "executive"}, {"role": "administrator"}, {"role": "sales"}, {"role": "nonsense"}]
)
def test_no_role_above_ones_own_is_given(signed_in, api, session, pam, pia, values):
    answer = signed_in(pam).submit(f"/team/{pia.ref}/edit", {**values, "capacity": ""})
    assert answer.status_code == 422
    with pytest.raises(Invalid):
        edit_user(session, actor_of(session, pam), pia, values, now=clock.now())
    assert api(pam).patch(f"/users/{pia.ref}", values).status_code == 422
    session.refresh(pia)
    assert pia.role is Role.USER


def test_what_is_a_persons_own_or_the_vendors_is_not_a_leaders(api, session, pam, pia):
    for values in ({"language": "ca"}, {"time_zone": "Europe/Madrid"}, {"account_scope": "portfolio"}):
        refused = api(pam).patch(f"/users/{pia.ref}", {**values, "capacity": 3})
        assert refused.status_code == 422
        assert refused.json["errors"].keys() == values.keys()
    session.refresh(pia)
    assert (pia.capacity, pia.language) == (None, "en")


def test_a_form_that_was_open_while_somebody_else_saved_is_refused(signed_in, session, pam, pia):
    browser, version = signed_in(pam), pia.version
    pia.capacity, pia.version = 3, version + 1
    answer = browser.submit(
        f"/team/{pia.ref}/edit", {"role": "user", "capacity": "9", "version": str(version)}
    )
    assert answer.status_code == 409
    session.refresh(pia)
    assert pia.capacity == 3


# A rival's names answer as if nobody had them


def test_a_rivals_ids_answer_as_if_they_did_not_exist(signed_in, api, session, pam, pia, otto, southwind):
    lead = make_lead(session, owner=pia)
    absent, browser = f"user_{'0' * 22}", signed_in(pam)
    values = {"role": "user", "capacity": "", "open_records": "route"}
    for path in ("edit", "deactivate"):
        pages = [browser.get(f"/team/{ref}/{path}") for ref in (otto.ref, absent)]
        assert [page.status_code for page in pages] == [404, 404]
        posts = [browser.submit(f"/team/{ref}/{path}", values, page="/team") for ref in (otto.ref, absent)]
        assert [post.status_code for post in posts] == [404, 404]
    assert browser.submit(f"/team/{otto.ref}/invite", page="/team").status_code == 404
    answers = []
    for ref in (otto.ref, absent):
        give = {"open_records": "give", "owner": ref}
        answer = browser.submit(f"/team/{pia.ref}/deactivate", give, page="/team")
        answers.append((answer.status_code, "There is nobody of that name" in text_of(answer)))
        body = {"open_records": {"owner": {"type": "user", "id": ref}}}
        called = api(pam).post(f"/users/{pia.ref}/deactivate", body)
        answers.append((called.status_code, called.json["errors"]))
        for method, end, sent in (
            ("GET", "", None), ("PATCH", "", {"capacity": 1}), ("POST", "/deactivate", {"open_records": "route"}),
        ):  # fmt: skip
            answers.append(api(pam).request(method, f"/users/{ref}{end}", sent).status_code)
    assert answers[: len(answers) // 2] == answers[len(answers) // 2 :]
    assert "Otto" not in text_of(browser.get(f"/team/{pia.ref}/deactivate"))
    session.refresh(pia)
    session.refresh(lead)
    assert (pia.state, lead.owner_user_id) == (UserState.ACTIVE, pia.id)


def test_users_over_the_api_are_colleagues_only(api, pam, pia, otto, mara):
    names = {user["name"] for user in api(pam).get("/users").json["items"]}
    assert names == {"Pam", "Pia"}


# Deactivating


@pytest.mark.parametrize("door", ["page", "api"])
def test_open_leads_go_to_a_colleague(signed_in, api, session, pam, pia, pex, northwind, door):
    heir = make_user(session, "Heir", partner=northwind)
    leads = [make_lead(session, owner=pia) for _ in range(3)]
    session.commit()
    token = api(pia)
    if door == "page":
        browser = signed_in(pam)
        page = text_of(browser.get(f"/team/{pia.ref}/deactivate"))
        assert "What becomes of 3 open leads?" in page
        assert f'value="{heir.ref}"' in page
        assert f'value="{pia.ref}"' not in page
        answer = browser.submit(
            f"/team/{pia.ref}/deactivate", {"open_records": "give", "owner": heir.ref}, page="/team"
        )
        assert answer.status_code == 303
    else:
        body = {"open_records": {"owner": {"type": "user", "id": heir.ref}}}
        assert api(pam).post(f"/users/{pia.ref}/deactivate", body).json["state"] == "deactivated"
    for lead in leads:
        session.refresh(lead)
        assert (lead.owner_user_id, lead.partner_account_id) == (heir.id, northwind.account_id)
    assert {a.cause for a in rows(session, Assignment, Assignment.to_user_id == heir.id)} == {"offboarding"}
    assert token.get("/leads").status_code == 401
    assert pia.name not in text_of(signed_in(pam).get("/team"))


@pytest.mark.parametrize("door", ["page", "api"])
def test_open_leads_go_back_to_the_vendor(signed_in, api, session, pam, pia, door):
    lead = make_lead(session, owner=pia)
    session.commit()
    if door == "page":
        answer = signed_in(pam).submit(f"/team/{pia.ref}/deactivate", {"open_records": "route"}, page="/team")
        assert answer.status_code == 303
    else:
        assert api(pam).post(f"/users/{pia.ref}/deactivate", {"open_records": "route"}).status_code == 200
    session.refresh(lead)
    assert lead.owner_queue_id == get_default_queue(session).id
    assert signed_in(pam).get(f"/leads/{lead.ref}").status_code == 404
    [event] = rows(session, Event, Event.verb == "deactivated")
    assert (event.actor_id, event.detail) == (pam.id, {"open_leads": "route", "moved": 1})


def test_nothing_is_left_behind(signed_in, session, pam, pia):
    make_lead(session, owner=pia)
    browser = signed_in(pam)
    for data in (
        {},
        {"open_records": "keep"},
        {"open_records": "give"},
        {"open_records": "give", "owner": pia.ref},
    ):
        assert browser.submit(f"/team/{pia.ref}/deactivate", data, page="/team").status_code == 422, data
    with pytest.raises(Invalid):
        deactivate_user(session, actor_of(session, pam), pia, Keep(), now=clock.now())
    session.rollback()
    assert pia.state is UserState.ACTIVE


def test_a_leader_gives_to_no_queue_and_no_other_company(session, mara, pam, pia, otto, northwind):
    make_lead(session, owner=pia)
    actor = actor_of(session, pam)
    queue = get_default_queue(session)
    session.commit()
    for target in (
        find_target(session, actor_of(session, mara), "user", otto.ref),
        Target("queue", queue.id, queue.ref, queue.name),
        Target("queue", northwind.queue_id, "x", "own", northwind.account_id),
    ):
        with pytest.raises(NotAssignable):
            deactivate_user(session, actor, pia, GiveTo(target), now=clock.now())
        session.rollback()


def test_without_open_leads_nothing_is_asked_and_only_the_vendor_lets_them_in_again(
    signed_in, session, mara, pam, pia
):
    browser = signed_in(pam)
    assert "They hold no open leads" in text_of(browser.get(f"/team/{pia.ref}/deactivate"))
    assert browser.submit(f"/team/{pia.ref}/deactivate", {}, page="/team").status_code == 303
    assert pia.state is UserState.DEACTIVATED
    assert browser.get(f"/team/{pia.ref}/edit").status_code == 404
    with pytest.raises(NotAllowed):
        reactivate_user(session, actor_of(session, pam), pia, now=clock.now())
    reactivate_user(session, actor_of(session, mara), pia, now=clock.now())
    assert pia.state is UserState.ACTIVE


# Demoted, deactivated, suspended a second ago


def test_whoever_was_demoted_a_second_ago_changes_nobody(signed_in, session, mara, pam, pia):
    browser = signed_in(pam)
    token = browser.csrf(f"/team/{pia.ref}/edit")
    edit_user(session, actor_of(session, mara), pam, {"role": "user"}, now=clock.now())
    before = dump(session, User)
    for path, data in (
        (f"/team/{pia.ref}/edit", {"role": "user", "capacity": "1"}),
        (f"/team/{pia.ref}/deactivate", {"open_records": "route"}),
        ("/team/invite", NEW),
    ):
        assert browser.post(path, data={**data, "csrf_token": token}).status_code == 403
    assert dump(session, User) == before


@pytest.mark.parametrize(
    "change",
    [
        {"role": Role.USER},
        {"role": Role.EXECUTIVE},
        {"state": UserState.DEACTIVATED},
    ],
)
def test_an_actor_read_before_the_change_is_refused_by_the_operation(session, pam, pia, change):
    """As when the change commits between reading the actor and holding the rows."""
    actor = actor_of(session, pam)
    session.execute(update(User).where(User.id == pam.id).values(**change))
    with pytest.raises(NotAllowed):
        edit_user(session, actor, pia, {"capacity": 1}, now=clock.now())
    with pytest.raises(NotAllowed):
        deactivate_user(session, actor, pia, Route(), now=clock.now())
    with pytest.raises(NotAllowed):
        invite_colleague(session, actor, name="N", email="n@x.example", role="user", now=clock.now())


def test_a_company_suspended_a_second_ago_changes_nothing(signed_in, session, pam, pia, northwind):
    actor, browser = actor_of(session, pam), signed_in(pam)
    token = browser.csrf("/team/invite")
    session.execute(
        update(PartnerAccount)
        .where(PartnerAccount.account_id == northwind.account_id)
        .values(state=PartnerState.SUSPENDED)
    )
    with pytest.raises(NotAllowed):
        invite_colleague(session, actor, name="N", email="n@x.example", role="user", now=clock.now())
    with pytest.raises(NotAllowed):
        edit_user(session, actor, pia, {"capacity": 1}, now=clock.now())
    answer = browser.post("/team/invite", data={**NEW, "csrf_token": token})
    assert (answer.status_code, "/sign-in" in answer.location) == (303, True)
    assert row_count(session, User, User.name == "Nil Serra") == 0


def test_the_setting_withdrawn_while_the_form_was_open_counts(signed_in, session, pam, northwind):
    browser = signed_in(pam)
    token = browser.csrf("/team/invite")
    northwind.may_invite = MayInvite.NOBODY
    answer = browser.post("/team/invite", data={**NEW, "csrf_token": token})
    assert answer.status_code == 403
    assert row_count(session, User, User.name == "Nil Serra") == 0


# Over the API


def test_leaders_invite_over_the_api(api, session, pam, pia, otto, northwind):
    body = {"email": "nil@northwind.example", "name": "Nil Serra", "role": "user"}
    made = api(pam).post("/users", body)
    assert (made.status_code, made.json["state"]) == (201, "invited")
    taken = api(pam).post("/users", {**body, "email": otto.email, "name": "Ot To"})
    assert taken.status_code == 201
    assert {k: v for k, v in taken.json.items() if k in ("role", "state", "account_id")} == {
        k: v for k, v in made.json.items() if k in ("role", "state", "account_id")
    }
    assert api(pam).post("/users", {**body, "role": "executive"}).status_code == 422
    assert api(pam).post("/users", {**body, "account_scope": "portfolio"}).status_code == 422
    assert api(pia).post("/users", body).status_code == 403
    northwind.may_invite = MayInvite.NOBODY
    assert api(pam).post("/users", {**body, "email": "a@x.example"}).status_code == 403


def test_the_vendors_people_invite_as_before(api, session, ada, mara, otto):
    body = {"email": otto.email, "name": "N", "role": "sales"}
    assert api(ada).post("/users", body).status_code == 422, "they are told that the address is taken"
    assert api(ada).post("/users", {**body, "email": "n@x.example", "role": "manager"}).status_code == 422
    assert api(mara).post("/users", {**body, "email": "n@x.example"}).status_code == 403
    assert row_count(session, User, User.name == "N") == 0


# What is agreed with the partner


def test_the_channel_manager_says_who_may_invite(signed_in, session, mara, northwind):
    account = account_of(session, northwind)
    browser, page = signed_in(mara), f"/partners/{account.ref}/edit"
    answer = browser.submit(page, {"capacity": "", "members_from": "user", "may_invite": "executive"})
    assert answer.status_code == 303
    session.refresh(northwind)
    assert northwind.may_invite is MayInvite.EXECUTIVE
    [event] = rows(session, Event, Event.verb == "partner_edited")
    assert event.changes == {"may_invite": ["manager", "executive"]}
    assert "Executives" in text_of(browser.get(f"/partners/{account.ref}"))
    refused = browser.submit(page, {"capacity": "", "members_from": "user", "may_invite": "everybody"})
    assert refused.status_code == 422


def test_leads_are_left_as_they_are_by_all_this(session, pam, pia):
    lead = make_lead(session, owner=pia)
    before = dump(session, Lead)
    edit_user(session, actor_of(session, pam), pia, {"capacity": 0}, now=clock.now())
    assert dump(session, Lead) == before
    assert lead.owner_user_id == pia.id
