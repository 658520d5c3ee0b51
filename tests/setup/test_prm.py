"""Switching partner management on, for good, and publishing the portal: by page and by command."""

import re
from html import unescape

import pytest

from app.events.models import Event
from app.identity.organisation import edit_organisation, publish_portal
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.errors import Invalid, WrongOrder
from app.sharing.enabling import enable_prm
from app.sharing.models import ManualShare, SharingRule
from app.sharing.principals import names_of
from app.sharing.shares import share_record
from app.sharing.sharing_rules import create_rule, read_rule
from app.sharing.verify import differences
from tests.factories import actor_of, make_account, open_portal, rows


def run(app, *args):
    return app.test_cli_runner().invoke(args=args)


def hidden(page):
    """The hidden fields of the page's form, as a browser would send them."""
    return {
        name: unescape(value)
        for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
    }


def told(session):
    return [e.verb for e in rows(session, Event, Event.record_kind == "organisation")]


def switch_on(browser):
    """Through the steps with what is chosen already."""
    assert browser.submit("/setup/prm", {"understood": "y"}).location == "/setup/prm/defaults"
    summary = browser.get("/setup/prm/summary").get_data(as_text=True)
    return browser.submit("/setup/prm/done", hidden(summary), page="/setup/prm/summary")


def test_the_page_warns_asks_and_the_steps_switch_on_once(signed_in, session, ada):
    browser = signed_in(ada)
    page = browser.get("/setup/prm").get_data(as_text=True)
    assert "for good" in page
    assert "make trial" in page
    assert browser.submit("/setup/prm", {}).status_code == 422, "without the tick nothing begins"
    assert browser.get("/setup/prm/summary").location == "/setup/prm", "nor by an address"
    assert (
        browser.submit("/setup/prm/done", {"version": "1", "shown": "{}"}, page="/profile").location
        == "/setup/prm"
    )
    assert get_organisation(session).prm_enabled_at is None
    assert switch_on(browser).location == "/setup/prm"
    assert (
        browser.submit("/setup/prm/done", {"version": "1", "shown": "{}"}, page="/profile").location
        == "/setup/prm"
    )
    for step in ("defaults", "reaching", "views", "summary"):
        assert browser.get(f"/setup/prm/{step}").location == "/setup/prm"
    organisation = get_organisation(session)
    assert organisation.prm_enabled_at is not None
    assert organisation.prm_enabled_by_id == ada.id
    assert told(session) == ["prm_enabled"]
    assert {levels["external"] for levels in organisation.defaults.values()} == {"private"}


def test_the_portal_is_published_after_prm(signed_in, session, ada):
    browser = signed_in(ada)
    assert browser.submit("/setup/prm/publish", {}, page="/setup/prm").status_code == 409
    switch_on(browser)
    for _ in range(2):
        assert browser.submit("/setup/prm/publish", {}, page="/setup/prm").status_code == 303
    assert get_organisation(session).portal_published_at is not None
    assert told(session) == ["prm_enabled", "portal_published"]


@pytest.mark.parametrize("who", ["mara", "sal", "vic", "pia"])
def test_only_administrators_switch_it_on(request, signed_in, session, who):
    browser = signed_in(request.getfixturevalue(who))
    was = get_organisation(session).prm_enabled_at
    assert browser.get("/setup/prm").status_code == 403
    for act in ("/setup/prm", "/setup/prm/done", "/setup/prm/publish"):
        assert browser.submit(act, {"understood": "y"}, page="/profile").status_code == 403
    assert get_organisation(session).prm_enabled_at == was
    assert told(session) == []


def test_the_commands_do_the_same_and_say_so(app, session):
    session.commit()
    assert run(app, "portal", "publish").exit_code == 1
    refused = run(app, "prm", "enable")
    assert refused.exit_code == 2
    assert "--confirm" in refused.output
    first, second = run(app, "prm", "enable", "--confirm"), run(app, "prm", "enable", "--confirm")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "already" not in first.output
    assert "already" in second.output
    first, second = run(app, "portal", "publish"), run(app, "portal", "publish")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "already" in second.output
    session.expire_all()
    organisation = get_organisation(session)
    assert organisation.prm_enabled_at is not None
    assert organisation.portal_published_at is not None
    assert [e.door for e in rows(session, Event, Event.record_kind == "organisation")] == [
        "command",
        "command",
    ]


def test_operations_answer_whether_they_did_something(session, ada):
    actor, now = actor_of(session, ada), clock.now()
    with pytest.raises(WrongOrder):
        publish_portal(session, actor, now=now)
    assert [enable_prm(session, actor, now=now) for _ in range(2)] == [True, False]
    assert [publish_portal(session, actor, now=now) for _ in range(2)] == [True, False]


@pytest.mark.parametrize("door", ["operation", "command"])
def test_what_would_reach_partners_is_ended_when_they_are_let_in(app, session, ada, mara, door):
    """As the wizard's safe choices say: nothing else is shared with partners."""
    actor, now = actor_of(session, ada), clock.now()
    for name, share_with in (("inside", "all_internal"), ("outside", "all_partners")):
        given = {
            "name": name, "object": "lead", "kind": "criteria", "share_with": {"type": share_with}, "level": "edit",
        }  # fmt: skip
        create_rule(session, actor, read_rule(session, given), now=now)
    account = make_account(session, "Forges del Ter", owner=mara)
    for share_with in ("all_internal", "all_partners"):
        share_record(session, actor, account, {"type": share_with}, "read", now=now)
    session.commit()
    if door == "operation":
        assert enable_prm(session, actor, now=clock.now())
        session.commit()
    else:
        done = run(app, "prm", "enable", "--confirm")
        assert (done.exit_code, "removed: rule outside" in done.output) == (0, True)
    session.expire_all()
    assert [rule.name for rule in rows(session, SharingRule, SharingRule.deleted_at.is_(None))] == ["inside"]
    (share,) = rows(session, ManualShare, ManualShare.ended_at.is_(None))
    assert names_of(session, [share.principal_id])[share.principal_id].type == "all_internal"
    assert list(differences(session)) == []


OFF = {"prm_enabled_at": None}


def test_nothing_switches_it_off_again(app, api, session, signed_in, ada):
    """Neither a call nor a command nor a form; no operation takes the switch at all."""
    open_portal(session)
    session.commit()
    since = get_organisation(session).prm_enabled_at
    assert api(ada).patch("/settings", OFF).status_code == 422
    assert api(ada).patch("/settings", {"portal_published_at": None}).status_code == 422
    commands = set(app.cli.commands["prm"].commands) | set(app.cli.commands["portal"].commands)
    assert commands == {"enable", "publish"}
    browser = signed_in(ada)
    for url in ("/setup/prm", "/setup/prm/cancel", "/setup/organisation", "/setup/capture"):
        browser.submit(url, {"understood": "", "prm_enabled_at": "", "name": "X"}, page="/profile")
    with pytest.raises(Invalid):
        edit_organisation(session, actor_of(session, ada), OFF, now=clock.now())
    assert get_organisation(session).prm_enabled_at == since
