"""What is agreed to is the one choice that was asked about, on every page that asks; and nobody waits while it is counted."""

import pytest
from sqlalchemy import select

from app.accounts.models import Account, AccountResponsible
from app.identity.models import AccountScope
from app.identity.organisation import edit_organisation
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.actor import Role
from app.kernel.db import db
from app.sharing import attempts, prospects
from app.sharing.affected import Tally
from app.sharing.differences import Clock
from app.sharing.groups import add_group_member, create_group
from app.sharing.models import GroupMember, SharingRule
from app.sharing.scope import scope
from app.sharing.sharing_rules import create_rule, read_rule
from app.sharing.trying import owners_changed
from tests.factories import SYSTEM, actor_of, make_lead, make_user, rows
from tests.pressed import Pressed
from tests.sharing.shared_worlds import settle_all
from tests.sharing.test_consequence_pages import PRIVATE, mark_in, role_form

GIRONA = {"field": "city", "op": "equals", "value": "Girona"}
LEADS = "/leads/change-owner"

pytestmark = pytest.mark.usefixtures("at_once")


@pytest.fixture
def no_time(monkeypatch):
    """All counting ends at once."""

    def is_over(self):
        self.ran_out = True
        return True

    monkeypatch.setattr(Clock, "is_over", property(is_over))


def agreed(browser, asked, page):
    """Press the button of a page that asks."""
    assert asked.status_code == 200, "it asks"
    form = Pressed(asked)
    return browser.submit(form.action or page, form.fields, page=page)


@pytest.mark.databases("sqlite")
def test_an_answer_counts_for_nothing_but_what_was_asked(session, signed_in, no_time, mara, pia, pam, otto):
    for owner in (pia, pam, otto):
        make_lead(session, owner=owner)
    session.commit()
    browser, url = signed_in(mara), f"/setup/users/{pia.ref}/edit"
    asked = browser.submit(url, role_form(pia, "manager"))
    mark = mark_in(asked)
    assert "there may be more" in asked.text
    for path, person, given, answer in (
        (url, pia, "executive", mark),
        (url, pia, "manager", "ended"),
        (f"/setup/users/{otto.ref}/edit", otto, "manager", mark),
    ):
        again = browser.submit(path, {**role_form(person, given), "confirmed": answer})
        assert again.status_code == 200, "another choice is another question"
        session.expire_all()
        assert person.role is Role.USER
    more = {**role_form(pia, "manager"), "capacity": "7", "confirmed": mark}
    assert browser.submit(url, more).status_code == 303, "what nobody gains or loses by may change"
    session.expire_all()
    assert (pia.role, pia.capacity) == (Role.MANAGER, 7)


@pytest.mark.databases("sqlite")
def test_every_page_that_asks_goes_on_with_the_answer(
    session, signed_in, no_time, ada, mara, sal, northwind, pia, otto
):
    admin = actor_of(session, ada)
    edit_organisation(session, admin, {"defaults": {"lead": PRIVATE}}, now=clock.now())
    leads = [make_lead(session, owner=otto, city="Girona") for _ in range(2)]
    account = session.scalars(
        select(Account).where(scope(Account, SYSTEM), Account.id == northwind.account_id)
    ).one()
    group = create_group(session, admin, name="Readers", now=clock.now())
    rule = create_rule(session, admin, read_rule(session, _rule(group.ref)), now=clock.now())
    pol = make_user(session, "Pol", role=Role.CHANNEL_MANAGER, account_scope=AccountScope.PORTFOLIO)
    settle_all(session)
    session.commit()
    browser = signed_in(ada)

    def press(url, page, change):
        """Fill in the page's own form, and agree."""
        standing = Pressed(browser.get(page), next(iter(change))).fields if page == url else {}
        data = {**standing, **change}
        assert agreed(browser, browser.submit(url, data, page=page), url).status_code == 303, url

    press(f"/accounts/{account.ref}/edit", f"/accounts/{account.ref}/edit", {"owner": pol.ref})
    team = f"/accounts/{account.ref}/responsibles"
    press(team, f"/accounts/{account.ref}", {"user": sal.ref, "role": "Technician"})
    [entry] = rows(session, AccountResponsible)
    press(f"{team}/{entry.ref}/remove", f"/accounts/{account.ref}", {})
    members = f"/setup/groups/{group.ref}/members"
    picked = {"principal_type": "internal_role", "principal_id": "sales", "act": "add"}
    press(members, f"/setup/groups/{group.ref}", picked)
    [member] = rows(session, GroupMember)
    press(f"{members}/{member.ref}/remove", f"/setup/groups/{group.ref}", {})
    partner = f"/partners/{account.ref}/edit"
    press(partner, partner, {"members_from": "manager"})
    user = f"/setup/users/{pia.ref}/edit"
    press(user, user, {"role": "manager"})
    ticked = {"lead": [lead.ref for lead in leads], "kind": "partner_user", "partner_user": pia.ref}
    press(LEADS, "/leads", ticked)
    add_group_member(session, admin, group.ref, {"type": "user", "id": sal.ref}, now=clock.now())
    session.commit()
    url = f"/setup/sharing-rules/{rule.ref}"
    press(f"{url}/edit", f"{url}/edit", {"level": "edit", "act": "save"})
    assert agreed(browser, browser.get(f"{url}/delete"), f"{url}/delete").status_code == 303
    press("/setup/sharing-defaults", "/setup/sharing-defaults", {"lead-internal": "read"})
    session.expire_all()
    [rule] = rows(session, SharingRule)
    assert rule.deleted_at is not None
    assert get_organisation(session).defaults["lead"]["internal"] == "read"


def _rule(group_ref):
    return {"object": "lead", "kind": "criteria", "level": "read", "name": "Girona",
            "share_with": {"type": "group", "id": group_ref}, "criteria": GIRONA}  # fmt: skip


# Counting, while others write


@pytest.fixture
def held(monkeypatch):
    """For each count since the test began: whether SQLite's only writer's lock was held."""
    found = []

    def watching(count):
        def watched(*args, **kwargs):
            found.append("canal_writes" in db.session().connection().info)
            return count(*args, **kwargs)

        return watched

    for home, name in ((prospects, "difference"), (prospects, "_change_among"), (Tally, "consequences")):
        monkeypatch.setattr(home, name, watching(getattr(home, name)))
    return found


@pytest.mark.databases("sqlite")
def test_nobody_waits_for_a_preview(session, api, signed_in, held, ada, sal, pia, northwind):
    make_lead(session, owner=pia, city="Girona")
    admin = actor_of(session, ada)
    edit_organisation(session, admin, {"defaults": {"lead": PRIVATE}}, now=clock.now())
    group = create_group(session, admin, name="Readers", now=clock.now())
    spare = create_group(session, admin, name="Spare", now=clock.now())
    member, _known = add_group_member(
        session, admin, group.ref, {"type": "user", "id": sal.ref}, now=clock.now()
    )
    rule = create_rule(session, admin, read_rule(session, _rule(group.ref)), now=clock.now())
    settle_all(session)
    session.commit()
    caller, key = api(ada), {"Idempotency-Key": "once"}
    pam = {"type": "user", "id": pia.ref}
    for method, path, body in (
        ("POST", "/sharing-rules", {**_rule(group.ref), "level": "edit"}),
        ("PATCH", f"/sharing-rules/{rule.ref}", {"level": "edit"}),
        ("DELETE", f"/sharing-rules/{rule.ref}", None),
        ("POST", "/groups", {"name": "New", "members": [pam]}),
        ("PATCH", f"/groups/{group.ref}", {"name": "Other"}),
        ("DELETE", f"/groups/{spare.ref}", None),
        ("POST", f"/groups/{group.ref}/members", pam),
        ("DELETE", f"/groups/{group.ref}/members/{member.ref}", None),
        ("PATCH", "/settings", {"defaults": {"lead": {"internal": "read"}}}),
    ):
        held.clear()
        answer = caller.request(method, f"{path}?preview=true", body)
        assert answer.status_code == 200, (path, answer.json)
        assert held, path
        assert not any(held), path
        if method == "POST":
            refused = caller.post(f"{path}?preview=true", body, headers=key)
            assert (refused.status_code, list(refused.json["errors"])) == (422, ["Idempotency-Key"])
    held.clear()
    signed_in(ada).submit(f"/setup/users/{pia.ref}/edit", role_form(pia, "manager"))
    assert held
    assert not any(held)


@pytest.mark.databases("sqlite")
def test_what_a_tried_change_leaves_is_read_for_a_second_only(session, monkeypatch, ada, sal, pia, otto):
    """Nobody can write while it is; people of whom it has not been read are left out, and that is said."""
    leads = [make_lead(session, owner=owner) for owner in (sal, otto)]

    def give(writing):
        for lead in leads:
            lead.owner_user_id = pia.id
        writing.flush()

    def tried(seconds):
        return owners_changed(session, give, [lead.ref for lead in leads], seconds=seconds)

    monkeypatch.setattr(attempts, "LONGEST_HELD_SECONDS", -1.0)
    assert tried(None).is_whole, "without a limit there is none"
    ended = tried(60.0)
    assert (ended.is_whole, ended.people) == (False, 0)
