"""Pages that ask, before something is saved, with what people would gain and lose by it."""

import re

import pytest
from sqlalchemy import select

from app.accounts.models import Account
from app.identity.models import User
from app.identity.organisation import edit_organisation
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.actor import Role
from app.kernel.errors import NotFound
from app.leads.models import Lead
from app.sharing import affected
from app.sharing.attempts import of_act
from app.sharing.differences import Count, difference
from app.sharing.groups import add_group_member, create_group
from app.sharing.models import GroupMember, SharingRule
from app.sharing.prospects import of_defaults, of_rule
from app.sharing.scope import scope
from app.sharing.sharing_rules import create_rule, read_rule
from tests.factories import (
    SYSTEM,
    actor_of,
    make_account,
    make_lead,
    make_partner,
    make_user,
    row_count,
    rows,
)
from tests.sharing.shared_worlds import settle_all

PRIVATE = {"internal": "private", "external": "private"}

pytestmark = pytest.mark.usefixtures("at_once")


@pytest.fixture
def private(session, ada):
    """Nobody sees a lead by default."""
    edit_organisation(session, actor_of(session, ada), {"defaults": {"lead": PRIVATE}}, now=clock.now())


def told(answer):
    """What the page says is gained and lost, line by line."""
    lines = re.findall(
        r'<li><span class="todo-icon">.*?</div></li>', answer.text.partition('id="consequences"')[2], re.S
    )
    return [" ".join(re.sub(r"<[^>]+>", " ", line).split()) for line in lines]


def mark_in(answer):
    return re.search(r'name="confirmed" value="([^"]+)"', answer.text)[1]


def role_form(user, role):
    return {
        "name": user.name,
        "role": role,
        "language": "en",
        "time_zone": "UTC",
        "capacity": "",
        "away_on": "",
    }


def test_a_role_is_changed_after_agreeing_to_what_it_does(session, signed_in, mara, pia, pam, otto):
    for owner in (pia, pia, pam, otto):
        make_lead(session, owner=owner)
    session.commit()
    browser, url = signed_in(mara), f"/setup/users/{pia.ref}/edit"
    same = browser.submit(url, {**role_form(pia, "user"), "capacity": "9"})
    assert same.status_code == 303, "what changes nothing for anybody is saved at once"
    asked = browser.submit(url, {**role_form(pia, "executive"), "capacity": "7"})
    assert asked.status_code == 200
    assert told(asked) == [
        "Northwind Pam (Partner manager) lose 2 leads",
        "Northwind Pia (Partner user) gain 1 lead",
    ]
    assert 'value="7"' in asked.text, "what was typed is kept"
    assert "Otto" not in "".join(told(asked))
    session.expire_all()
    assert pia.role is Role.USER
    make_lead(session, owner=pia)
    again = browser.submit(url, {**role_form(pia, "executive"), "confirmed": mark_in(asked)})
    assert "It is different by now" in again.text
    assert told(again)[0] == "Northwind Pam (Partner manager) lose 3 leads"
    done = browser.submit(url, {**role_form(pia, "executive"), "confirmed": mark_in(again)})
    assert done.status_code == 303
    session.expire_all()
    assert pia.role is Role.EXECUTIVE


def test_partners_are_never_told_what_others_gain_and_lose(session, signed_in, pam, pia, mara, otto):
    make_lead(session, owner=pia)
    make_lead(session, owner=otto)
    session.commit()
    page = f"/team/{pia.ref}/edit"
    form = {"role": "manager", "capacity": "", "away_on": ""}
    assert signed_in(pam).submit(page, form).status_code == 303
    lead = make_lead(session, owner=pia)
    given = {"lead": [lead.ref], "kind": "colleague", "colleague": pam.ref}
    session.get_one(User, pia.id).role = Role.USER
    session.commit()
    assert signed_in(pam).submit("/leads/change-owner", given, page="/leads").status_code == 303


def test_many_leads_change_owner_after_agreeing(session, signed_in, private, ada, mara, sal, pia, pam, otto):
    leads = [make_lead(session, owner=otto), make_lead(session, owner=sal)]
    session.commit()
    given = {"lead": [lead.ref for lead in leads], "kind": "partner_user", "partner_user": pia.ref}
    browser = signed_in(ada)
    asked = browser.submit("/leads/change-owner", given, page="/leads")
    lines = told(asked)
    assert "Northwind Pam (Partner manager), Pia (Partner user) gain 2 leads" in lines
    assert "Southwind Otto (Partner user) lose 1 lead" in lines
    assert "Sal Sales lose 1 lead" in lines
    assert "Mara Channel manager gain 1 lead" in lines
    session.expire_all()
    assert [lead.owner_user_id for lead in leads] == [otto.id, sal.id]
    done = browser.submit("/leads/change-owner", {**given, "confirmed": mark_in(asked)}, page="/leads")
    assert done.status_code == 303
    session.expire_all()
    assert {lead.owner_user_id for lead in leads} == {pia.id}


def test_teams_groups_and_rules_ask_too(session, signed_in, private, ada, mara, sal, pia, northwind):
    for _ in range(3):
        make_lead(session, owner=pia, city="Girona")
    actor = actor_of(session, ada)
    group = create_group(session, actor, name="Readers", now=clock.now())
    given = {"object": "lead", "kind": "criteria", "level": "read", "name": "All of Girona",
             "share_with": {"type": "group", "id": group.ref},
             "criteria": {"field": "city", "op": "equals", "value": "Girona"}}  # fmt: skip
    rule = create_rule(session, actor, read_rule(session, given), now=clock.now())
    settle_all(session)
    session.commit()
    browser, page = signed_in(ada), f"/setup/groups/{group.ref}"
    member = {"principal_type": "internal_role", "principal_id": "sales", "act": "add"}
    asked = browser.submit(f"{page}/members", member, page=page)
    assert told(asked) == ["Sal Sales gain 3 leads"]
    assert row_count(session, GroupMember) == 0
    confirmed = {**member, "confirmed": mark_in(asked)}
    assert browser.submit(f"{page}/members", confirmed, page=page).status_code == 303
    url = f"/setup/sharing-rules/{rule.ref}/delete"
    asked = browser.get(url)
    assert told(asked) == ["Sal Sales lose 3 leads"]
    assert "It concerns 1 person of your own. Nothing is deleted yet." in asked.text
    make_lead(session, owner=pia, city="Girona").deleted_at = clock.now()
    lead = rows(session, Lead)[0]
    lead.city, lead.updated_at = "Vic", clock.now()
    session.commit()
    again = browser.submit(url, {"confirmed": mark_in(asked)})
    assert told(again) == ["Sal Sales lose 2 leads"]
    assert row_count(session, SharingRule, SharingRule.deleted_at.is_(None)) == 1
    [entry] = rows(session, GroupMember)
    removed = browser.submit(f"{page}/members/{entry.ref}/remove", page=page)
    assert told(removed) == ["Sal Sales lose 2 leads"]
    # A partner account's team: the channel manager has its leads.
    partner = session.scalars(
        select(Account).where(scope(Account, SYSTEM), Account.id == northwind.account_id)
    ).one()
    pol = make_user(session, "Pol")
    session.commit()
    url = f"/accounts/{partner.ref}/responsibles"
    asked = browser.submit(url, {"user": pol.ref, "role": "Technician"}, page=f"/accounts/{partner.ref}")
    assert told(asked) == ["Pol Sales gain 1 lead see more of 2 leads"], (
        "a salesperson has two through the group"
    )
    assert 'name="role" value="Technician"' in asked.text
    # Those who may not ask who sees what are not told.
    own = make_account(session, "Puig", owner=sal)
    session.commit()
    page = f"/accounts/{own.ref}"
    assert signed_in(sal).submit(f"{page}/responsibles", {"user": pol.ref}, page=page).status_code == 303


def test_counts_end_at_what_anybody_wants_to_know_exactly(session, private, ada, sal, pia):
    for _ in range(4):
        make_lead(session, owner=pia)
    before, after = actor_of(session, sal), actor_of(session, ada)
    assert difference(session, Lead, before, after, most=4).gained == Count(4)
    assert difference(session, Lead, before, after, most=3).gained == Count(3, is_more=True)
    assert difference(session, Lead, after, before, most=3).lost == Count(3, is_more=True)
    every = read_rule(session, {"object": "lead", "kind": "criteria", "level": "read",
                                "share_with": {"type": "all_internal"}})  # fmt: skip
    ended = of_rule(session, None, every, seconds=-1.0, batch=2)
    assert not ended.is_whole
    assert [line.found["lead"].gained for line in ended.lines] == [Count(2, is_more=True)]
    assert ended.mark == of_rule(session, None, every, seconds=-1.0, batch=3).mark
    own = read_rule(session, {"object": "lead", "kind": "criteria", "level": "read",
                              "share_with": {"type": "user", "id": ada.ref}})  # fmt: skip
    assert of_rule(session, None, own, seconds=-1.0, batch=2).is_whole, "who has everything gains nothing"


def test_many_people_are_counted_by_role_and_company_as_at_most(
    session, private, monkeypatch, ada, sal, pia, otto
):
    other = make_user(session, "Sol", role=Role.SALES)
    third = make_user(session, "Tim", partner=make_partner(session, "Thirdwind", owner=ada))
    for owner in (sal, sal, other, pia, otto):
        make_lead(session, owner=owner)
    monkeypatch.setattr(affected, "MOST_COUNTED_APART", 2)
    defaults = {**get_organisation(session).defaults, "lead": {"internal": "read", "external": "read"}}
    found = of_defaults(session, defaults)
    assert all(not line.is_exact for line in found.lines if len(line.people) > 1)
    gained = {actor.name: line.found["lead"].gained.number for line in found.lines for actor in line.people}
    # Of three companies none is counted by itself any more; whoever is more than anybody gains the most.
    assert (gained["Sal"], gained["Sol"], gained["Pia"], gained["Otto"], gained["Tim"]) == (5, 5, 5, 5, 5)
    assert third.ref in {actor.ref for line in found.lines for actor in line.people}


def test_an_act_that_is_refused_leaves_nothing_behind(session, ada, pia):
    def act(writing):
        writing.get_one(User, pia.id).name = "Somebody else"
        add_group_member(writing, actor_of(writing, ada), "group_nothing", {}, now=clock.now())

    with pytest.raises(NotFound):
        of_act(session, act, moved={pia.id})
    assert session.get_one(User, pia.id, populate_existing=True).name == "Pia"
