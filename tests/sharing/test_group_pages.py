"""Setup > Groups: made, filled, renamed and deleted without JavaScript."""

import re

import pytest
from sqlalchemy import select

from app.kernel import clock
from app.sharing.groups import create_group
from app.sharing.models import GroupMember, PublicGroup
from tests.factories import actor_of, make_lead, make_user, row_count, rows
from tests.sharing.pages import account_of, page_words, rule_for
from tests.sharing.shared_worlds import settle_all

GROUPS = "/setup/groups"

pytestmark = pytest.mark.usefixtures("at_once")


def test_a_group_is_made_filled_renamed_and_deleted(session, signed_in, mara, sal, northwind):
    browser = signed_in(mara)
    assert "There are no groups yet" in browser.get(GROUPS).text
    made = browser.submit(
        GROUPS, {"name": "Key accounts", "description": "Who looks after them"}, page=f"{GROUPS}/new"
    )
    assert made.status_code == 303
    path = made.location.partition("#")[0]
    assert "Nobody yet" in browser.get(path).text
    for data in (
        {"principal_type": "user", "principal_id": sal.ref},
        {"principal_type": "partner_account", "principal_id": account_of(session, northwind).ref, "principal_role": "manager"},
        {"principal_type": "all_internal"},
        {"principal_type": "internal_role", "principal_id": "viewer"},
    ):  # fmt: skip
        added = browser.submit(f"{path}/members", data, page=path)
        assert added.status_code == 303, data
        assert f'value="{data["principal_type"]}" selected' in browser.get(added.location).text
    page = browser.get(path)
    for words in (
        "Sal",
        "Northwind",
        "managers and executives",
        "Everybody inside",
        "Viewer",
        "Reaches partners",
    ):
        assert words in page.text
    assert "Sal, Northwind (managers and executives), Everybody inside" in page_words(browser.get(GROUPS))
    group = session.scalars(select(PublicGroup)).one()
    for member in rows(session, GroupMember):
        assert browser.submit(f"{path}/members/{member.ref}/remove", page=path).status_code == 303
    assert "Reaches partners" not in browser.get(path).text
    version = {"version": str(group.version)}
    saved = browser.submit(f"{path}/edit", {"name": "Key account team", "description": "", **version})
    assert saved.status_code == 303
    assert browser.submit(f"{path}/edit", {"name": "Other", "description": "", **version}).status_code == 409
    assert browser.submit(f"{path}/delete").status_code == 303
    assert row_count(session, PublicGroup) == 0


def test_the_picker_lists_whom_the_type_offers_and_narrows_them(
    session, signed_in, mara, pia, sal, northwind
):
    browser = signed_in(mara)
    group = create_group(session, actor_of(session, mara), name="Some", now=clock.now())
    path = f"{GROUPS}/{group.ref}"
    looked = browser.submit(
        f"{path}/members", {"principal_type": "partner_account", "act": "look"}, page=path
    )
    assert looked.status_code == 200
    assert "Northwind" in looked.text
    assert row_count(session, GroupMember) == 0
    for n in range(60):
        make_user(session, f"Extra {n:02}")
    session.commit()
    who = browser.get("/principals/who/principal?principal_type=user").text
    assert who.count("<option") == 52  # "Choose", fifty people, and that there are more
    assert 'type="search"' in who
    found = browser.get("/principals/list/principal?principal_type=user&principal_q=NORTHWIND").text
    assert re.findall(r'value="(user_\w+)"', found) == [pia.ref]
    assert (
        'name="principal_role"'
        in browser.get("/principals/who/principal?principal_type=partner_account").text
    )
    assert browser.get("/principals/who/principal?principal_type=nonsense").status_code == 404
    assert browser.get("/principals/who/other?principal_type=user").status_code == 404
    assert signed_in(pia).get("/principals/who/principal?principal_type=user").status_code == 403


def test_bad_members_are_refused_and_what_was_typed_stays(session, signed_in, mara, sal, otto, northwind):
    browser, actor = signed_in(mara), actor_of(session, mara)
    inner = create_group(session, actor, name="Inner", now=clock.now())
    outer = create_group(
        session, actor, name="Outer", members=[{"type": "group", "id": inner.ref}], now=clock.now()
    )
    gone = create_group(session, actor, name="Gone", now=clock.now()).ref
    session.commit()
    browser.submit(f"{GROUPS}/{gone}/delete")
    path = f"{GROUPS}/{inner.ref}"
    sal.state = "deactivated"
    for data, words in (
        ({"principal_type": "group", "principal_id": outer.ref}, "A group cannot hold itself"),
        ({"principal_type": "group", "principal_id": inner.ref}, "A group cannot hold itself"),
        ({"principal_type": "group", "principal_id": gone}, "There is no such"),
        ({"principal_type": "user", "principal_id": sal.ref}, "There is no such"),
        ({"principal_type": "user", "principal_id": ""}, "Choose whom."),
        ({"principal_type": "partner_account", "principal_id": otto.ref}, "There is no such"),
        ({"principal_type": "dragon", "principal_id": "x"}, "Give a type"),
        ({}, "Choose whom."),
        ({"principal_type": "internal_role", "principal_id": "manager"}, "There is no such"),
        (
            {
                "principal_type": "partner_account",
                "principal_id": account_of(session, northwind).ref,
                "principal_role": "king",
            },
            "A role goes with a partner account",
        ),
    ):
        answer = browser.submit(f"{path}/members", data, page=path)
        assert answer.status_code == 422, data
        assert words in answer.text, data
        if data.get("principal_type") == "group" and data["principal_id"] == outer.ref:
            assert f'value="{outer.ref}" selected' in answer.text
    assert row_count(session, GroupMember) == 1


def test_a_group_in_use_names_what_uses_it_and_stays(session, signed_in, ada, mara):
    group = create_group(session, actor_of(session, ada), name="Used", now=clock.now())
    rule_for(session, ada, {"type": "group", "id": group.ref}, name="Girona <b>")
    browser, path = signed_in(mara), f"{GROUPS}/{group.ref}"
    for answer, status in (
        (browser.get(f"{path}/delete"), 200),
        (browser.submit(f"{path}/delete", page=path), 409),
    ):
        assert answer.status_code == status
        assert "sharing rule “Girona &lt;b&gt;”" in answer.text
        assert "It cannot be deleted yet" in answer.text
    assert row_count(session, PublicGroup) == 1


def test_a_partner_in_a_group_that_rules_give_something_is_asked_about_first(
    session, signed_in, ada, mara, sal, northwind
):
    actor = actor_of(session, ada)
    inner = create_group(session, actor, name="Inner", now=clock.now())
    outer = create_group(
        session, actor, name="Outer", members=[{"type": "group", "id": inner.ref}], now=clock.now()
    )
    make_lead(session, owner=mara, city="Girona")
    rule_for(session, ada, {"type": "group", "id": outer.ref})
    settle_all(session)
    browser, path = signed_in(mara), f"{GROUPS}/{inner.ref}"
    partner = {"principal_type": "partner_account", "principal_id": account_of(session, northwind).ref}
    asked = browser.submit(f"{path}/members", partner, page=path)
    assert asked.status_code == 200
    assert "“Girona”: 1 of the leads" in asked.text
    assert row_count(session, GroupMember) == 1
    confirmed = re.search(r'name="confirmed" value="([^"]+)"', asked.text)
    assert confirmed
    everybody = {"principal_type": "all_partners", "confirmed": confirmed[1]}
    assert "This reaches partners" in browser.submit(f"{path}/members", everybody, page=path).text
    assert (
        browser.submit(f"{path}/members", {**partner, "confirmed": confirmed[1]}, page=path).status_code
        == 303
    )
    colleague = {"principal_type": "user", "principal_id": sal.ref}
    assert browser.submit(f"{path}/members", colleague, page=path).status_code == 303
    assert row_count(session, GroupMember) == 3


def test_names_of_groups_are_asked_for_once_and_escaped(session, signed_in, mara):
    browser, new = signed_in(mara), f"{GROUPS}/new"
    assert browser.submit(GROUPS, {"name": " "}, page=new).status_code == 422
    name = "<script>alert(1)</script>"
    assert browser.submit(GROUPS, {"name": name}, page=new).status_code == 303
    twice = browser.submit(GROUPS, {"name": name.upper(), "description": "kept"}, page=new)
    assert twice.status_code == 422
    assert "kept" in twice.text
    assert "<script>alert" not in browser.get(GROUPS).text + twice.text
    assert browser.get(f"{GROUPS}/group_{'0' * 22}").status_code == 404
