"""Switching partner management on, for good, and publishing the portal: by page and by command."""

import pytest

from app.events.models import Event
from app.identity.organisation import enable_prm, publish_portal
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.errors import WrongOrder
from app.sharing.models import ManualShare, SharingRule
from app.sharing.principals import names_of
from app.sharing.shares import share_record
from app.sharing.sharing_rules import create_rule, read_rule
from app.sharing.verify import differences
from tests.factories import actor_of, make_account, rows


def run(app, *args):
    return app.test_cli_runner().invoke(args=args)


def told(session):
    return [e.verb for e in rows(session, Event, Event.record_kind == "organisation")]


def test_the_page_warns_asks_and_switches_on_once(signed_in, session, ada):
    browser = signed_in(ada)
    page = browser.get("/setup/prm").get_data(as_text=True)
    assert "for good" in page
    assert browser.submit("/setup/prm", {}).status_code == 422, "without the tick nothing happens"
    assert get_organisation(session).prm_enabled_at is None
    for _ in range(2):
        assert browser.submit("/setup/prm", {"understood": "y"}, page="/setup/prm").status_code == 303
    organisation = get_organisation(session)
    assert organisation.prm_enabled_at is not None
    assert organisation.prm_enabled_by_id == ada.id
    assert told(session) == ["prm_enabled"]
    assert {levels["external"] for levels in organisation.defaults.values()} == {"private"}


def test_the_portal_is_published_after_prm(signed_in, session, ada):
    browser = signed_in(ada)
    assert browser.submit("/setup/prm/publish", {}, page="/setup/prm").status_code == 409
    browser.submit("/setup/prm", {"understood": "y"})
    for _ in range(2):
        assert browser.submit("/setup/prm/publish", {}, page="/setup/prm").status_code == 303
    assert get_organisation(session).portal_published_at is not None
    assert told(session) == ["prm_enabled", "portal_published"]


@pytest.mark.parametrize("who", ["mara", "sal", "vic", "pia"])
def test_only_administrators_switch_it_on(request, signed_in, session, who):
    browser = signed_in(request.getfixturevalue(who))
    was = get_organisation(session).prm_enabled_at
    assert browser.get("/setup/prm").status_code == 403
    for act in ("/setup/prm", "/setup/prm/publish"):
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
def test_what_would_reach_partners_is_ended_when_they_are_let_in(app, session, signed_in, ada, mara, door):
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
    page = signed_in(ada).get("/setup/prm").get_data(as_text=True)
    assert "These end, so that nothing reaches partners by itself: outside" in page
    assert "1 share ends with it." in page
    if door == "operation":
        assert enable_prm(session, actor, now=clock.now())
        session.commit()
    else:
        assert run(app, "prm", "enable", "--confirm").exit_code == 0
    session.expire_all()
    assert [rule.name for rule in rows(session, SharingRule, SharingRule.deleted_at.is_(None))] == ["inside"]
    (share,) = rows(session, ManualShare, ManualShare.ended_at.is_(None))
    assert names_of(session, [share.principal_id])[share.principal_id].type == "all_internal"
    assert list(differences(session)) == []
