"""Passwords, tokens, links and sessions are nowhere in clear: not in the database, not in a log, not on a page."""

import base64
import logging
import re

import pytest
from sqlalchemy import text

from app.kernel.db import Base, db
from app.web.logs import configure_logs
from tests.factories import PASSWORD
from tests.identity.letters import last_link
from tests.identity.second_factors import code_for, wrong_code
from tests.identity.test_second_factor import CODE, offer_in
from tests.people import ApiClient

OLD, NEW, WRONG = "canary sings at seven", "canary sleeps by nine", "canary that is not mine"


@pytest.fixture
def log_lines(capsys):
    """Everything that is logged, from the lowest level on."""
    configure_logs("debug")
    yield lambda: capsys.readouterr().out
    configure_logs("error")
    logging.getLogger().setLevel(logging.WARNING)


def cookie_token(client):
    with client.session_transaction() as cookie:
        return cookie["_user_id"]


def test_what_was_used_is_found_nowhere(app, client, new_client, session, ada, log_lines):
    from tests.factories import password_hash

    ada.password_hash = password_hash(OLD)
    secrets = {"password": OLD, "wrong password": WRONG, "new password": NEW}
    client.submit("/sign-in", {"email": ada.email, "password": WRONG})
    client.submit("/sign-in?next=/profile", {"email": ada.email, "password": OLD})
    secrets["session"] = cookie_token(client)
    page = client.submit("/profile/tokens", {"label": "Canary", "days": "30"}, page="/profile").text
    secrets["token"] = re.search(r"canal_[A-Za-z0-9_-]{43}", page).group()
    api = ApiClient(app, secrets["token"])
    api.get("/leads")
    api.get("/no-such-thing")
    ApiClient(app, secrets["token"] + "x").get("/leads")
    client.get(f"/profile?token={secrets['token']}")
    client.submit("/forgot-password", {"email": ada.email})
    path = last_link(session, ada)
    secrets["link"] = path.rpartition("/")[2]
    client.get(path)
    client.get(path + "/")
    client.submit(path, {"password": "short", "password_again": WRONG})
    client.submit(path, {"password": NEW, "password_again": NEW})
    client.get(path)
    other = new_client()
    other.submit("/sign-in", {"email": ada.email, "password": NEW})
    secrets["other session"] = cookie_token(other)
    logged = log_lines()
    assert logged.count('"event": "request"') > 15
    kept = _everything()
    for name, secret in secrets.items():
        assert secret not in logged, f"{name} in the log"
        assert secret not in kept, f"{name} in the database"
        assert secret not in other.get("/profile").text, f"{name} on a page"


def test_no_code_and_no_secret_of_a_second_factor_is_kept(app, client, new_client, session, ada, log_lines):
    page = "/profile/second-factor"
    client.submit("/sign-in", {"email": ada.email, "password": PASSWORD})
    secret, offer = offer_in(client.submit(page, {"current_password": PASSWORD}).text)
    first = code_for(secret)
    shown = client.submit(f"{page}/confirm", {"offer": offer, "code": first}, page=page).text
    codes = CODE.findall(shown)
    kept = _everything()
    other = new_client()
    other.submit("/sign-in", {"email": ada.email, "password": PASSWORD})
    with other.session_transaction() as cookie:
        waiting = cookie["second_step"]["token"]
    wrong = wrong_code(ada)
    typed = {"wrong code": wrong, "code": code_for(secret, steps=1), "recovery code": codes[0]}
    other.submit("/sign-in/code", {"code": wrong})
    other.submit("/sign-in/code", {"code": typed["code"]})
    third = new_client()
    third.submit("/sign-in", {"email": ada.email, "password": PASSWORD})
    third.submit("/sign-in/code", {"code": codes[0]})
    with third.session_transaction() as cookie:
        assert cookie["_user_id"]
    logged = log_lines()
    assert logged.count('"event": "request"') > 10
    kept += _everything()
    plain = secret.replace(" ", "")
    hidden = {
        "secret": plain,
        "secret as bytes": repr(base64.b32decode(plain))[2:-1],
        "secret in groups": secret,
        "wait": waiting,
        "password": PASSWORD,
        **{f"code {n}": code for n, code in enumerate(codes)},
        **{f"code {n} without dashes": code.replace("-", "") for n, code in enumerate(codes)},
    }
    for name, value in hidden.items():
        assert value not in logged, f"{name} in the log"
        assert value not in kept, f"{name} in the database"
        assert value not in third.get("/profile").text, f"{name} on a page"
    for name, value in {**typed, "first code": first}.items():
        assert not re.search(rf"\\b{value}\\b", logged), f"{name} in the log"
        assert not re.search(rf"'{value}'|\"{value}\"", kept), f"{name} in the database"


def _everything():
    """All rows of all tables as text."""
    db.session.rollback()
    connection = db.session().connection()
    return "\n".join(
        repr(tuple(row))
        for table in Base.metadata.sorted_tables
        for row in connection.execute(text(f'SELECT * FROM "{table.name}"'))
    )
