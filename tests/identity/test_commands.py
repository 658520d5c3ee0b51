"""`user create` and `token create`."""

import contextvars

import pytest

from app.identity.models import ApiToken, User, UserState
from app.identity.queries import find_actor_by_token
from app.kernel import clock
from app.kernel.actor import Role
from app.kernel.db import db
from tests.factories import row_count, rows
from tests.identity.letters import mailed

PASSWORD = "tall ships leave at noon"


@pytest.fixture
def run(app, session):
    def invoke(*args, stdin=None):
        db.session.commit()
        result = contextvars.Context().run(app.test_cli_runner().invoke, args=args, input=stdin)
        db.session.expire_all()
        return result

    return invoke


def create(run, *more, email="nil@vendor.example", stdin=None):
    return run("user", "create", email, "--name", "Nil", *more, stdin=stdin)


def test_a_user_with_a_password_can_sign_in(run, client, session):
    result = create(run, "--role", "administrator", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert result.exit_code == 0, result.output
    [nil] = rows(session, User)
    assert (nil.role, nil.state) == (Role.ADMINISTRATOR, UserState.ACTIVE)
    assert PASSWORD not in result.output
    answer = client.submit("/sign-in", {"email": nil.email, "password": PASSWORD})
    assert answer.status_code == 303
    assert mailed(session) == []


def test_a_user_without_a_password_is_invited(run, session):
    assert create(run, "--role", "sales").exit_code == 0
    [nil] = rows(session, User)
    assert nil.state is UserState.INVITED
    assert mailed(session, nil) == [("invitation", "nil@vendor.example", "due")]


def test_a_taken_address_ends_with_1(run, session, mara):
    result = create(run, "--role", "sales", email="MARA@vendor.example")
    assert result.exit_code == 1
    assert "exists already" in result.output
    assert row_count(session, User) == 1


@pytest.mark.parametrize(
    ("more", "stdin", "code"),
    [
        (("--role", "sales", "--password-stdin"), "short\n", 1),
        (("--role", "sales", "--password-stdin"), "", 1),
        (("--role", "manager"), None, 2),
        ((), None, 2),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_made(run, session, more, stdin, code):
    assert create(run, *more, stdin=stdin).exit_code == code
    assert row_count(session, User) == 0


def test_a_token_is_printed_on_the_last_line(run, session, pia):
    result = run("token", "create", "PIA@northwind.example", "--name", "Reports", "--days", "3")
    assert result.exit_code == 0
    secret = result.output.strip().splitlines()[-1]
    actor, *_ = find_actor_by_token(session, secret, now=clock.now())
    assert actor.name == "Pia"
    [row] = rows(session, ApiToken)
    assert (row.expires_at - row.created_at).days == 3


@pytest.mark.parametrize("who", ["unknown", "deactivated", "invited"])
def test_a_token_is_made_for_active_users_only(run, session, pia, who):
    if who != "unknown":
        pia.state = UserState(who)
    email = "nobody@vendor.example" if who == "unknown" else pia.email
    assert run("token", "create", email, "--name", "Reports").exit_code == 1
    assert row_count(session, ApiToken) == 0
