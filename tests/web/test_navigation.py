"""Where each role may go, and which place is shown as the current one."""

import pytest
from flask import Flask, g
from flask_babel import Babel

from app.identity.roles import PERMISSIONS
from app.kernel.actor import Actor, Role
from app.web.navigation import MAIN, NEW, SETUP, navigation


@pytest.fixture
def site():
    app = Flask("site")
    Babel(app)
    return app


def someone(role: Role) -> Actor:
    return Actor(
        user_id=1,
        ref="user_1",
        name="Someone",
        role=role,
        permissions=PERMISSIONS[role],
        company_id=7 if role.is_partner else None,
    )


def places(site, role, section=MAIN, path="/", counts=None):
    with site.test_request_context(path):
        g.organisation = None
        return [item for item in navigation(someone(role), counts) if item.section == section]


RECORDS = ("accounts", "contacts", "opportunities", "campaigns", "cases", "documents", "reports")


@pytest.mark.parametrize(
    ("role", "keys"),
    [
        (Role.ADMINISTRATOR, ["home", "my_day", "leads", "queues", "partners", *RECORDS]),
        (Role.CHANNEL_MANAGER, ["home", "my_day", "leads", "queues", "partners", *RECORDS]),
        (Role.SALES, ["home", "my_day", "leads", "queues", *RECORDS]),
        (Role.USER, ["home", "inbox", "my_leads", "opportunities", "my_day", "documents", "reports"]),
        (
            Role.MANAGER,
            ["home", "inbox", "my_leads", "opportunities", "my_day", "team", "documents", "reports"],
        ),
        (
            Role.EXECUTIVE,
            ["home", "inbox", "my_leads", "opportunities", "my_day", "team", "documents", "reports"],
        ),
    ],
)
def test_each_role_has_its_places(site, role, keys):
    assert [item.key for item in places(site, role)] == keys


@pytest.mark.parametrize("role", list(Role))
def test_no_two_places_have_the_same_keys(site, role):
    keys = [item.shortcut for item in places(site, role) if item.shortcut]
    assert len(keys) == len(set(keys))


def test_setup_is_for_those_who_run_the_place(site):
    assert places(site, Role.ADMINISTRATOR, SETUP)
    assert not places(site, Role.SALES, SETUP)
    assert not places(site, Role.MANAGER, SETUP)


def test_the_new_menu_offers_what_one_may_create(site):
    assert [i.key for i in places(site, Role.SALES, NEW)] == [
        "new_lead",
        "quick_lead",
        "new_account",
        "new_contact",
        "new_opportunity",
        "new_case",
        "new_import",
    ]
    assert not places(site, Role.VIEWER, NEW)
    assert not places(site, Role.USER, NEW)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/", "home"),
        ("/leads", "leads"),
        ("/leads/lead_1", "leads"),
        ("/leadsome", None),
        ("/setup/users", None),
    ],
)
def test_the_place_of_the_page_is_current(site, path, key):
    current = [item.key for item in places(site, Role.ADMINISTRATOR, path=path) if item.is_current]
    assert current == ([key] if key else [])


def test_counts_stand_beside_their_place(site):
    inbox = places(site, Role.USER, counts={"inbox": 23})[1]
    assert (inbox.key, inbox.count) == ("inbox", 23)
    assert places(site, Role.USER)[1].count is None


def test_nobody_has_nowhere_to_go(site):
    with site.test_request_context("/"):
        assert navigation(None) == []


def test_addresses_follow_a_prefix(site):
    with site.test_request_context("/leads", environ_overrides={"SCRIPT_NAME": "/canal"}):
        g.organisation = None
        assert navigation(someone(Role.SALES))[2].url == "/canal/leads"
