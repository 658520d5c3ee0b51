"""/users: listing, inviting, changing, leaving and coming back."""

from datetime import timedelta

import pytest

from app.identity.models import AccountScope, User, UserState
from app.identity.user_list import is_assignable
from app.kernel.actor import Role
from app.notifications.models import Delivery
from app.routing.eligibility import Wanted, take_snapshot
from tests.factories import actor_of, make_lead, make_user, rows

ABSENT = "user_0000000000000000000000"


def slug(answer):
    return answer.status_code, answer.json["type"].rpartition("/")[2]


def test_the_vendors_people_know_everybody_and_partners_their_colleagues(
    api, ada, sal, vic, pia, pam, otto, world
):
    for person in (ada, sal, vic):
        assert {"Ada", "Mara", "Sal", "Vic", "Pia", "Pam", "Otto"} <= {
            u["name"] for u in api(person).items("/users")
        }
    for person in (pia, pam):
        assert {user["name"] for user in api(person).items("/users")} == {"Pia", "Pam"}
        assert api(person).get(f"/users/{pia.ref}").json["role"] == "user"
        for hidden in (otto, ada):
            assert api(person).get(f"/users/{hidden.ref}").status_code == 404
            assert api(person).items(f"/users?email={hidden.email}") == []
            assert api(person).items(f"/users?q={hidden.name}") == []
    assert "last_sign_in_at" in api(sal).get(f"/users/{pia.ref}").json
    assert "last_sign_in_at" not in api(pam).get(f"/users/{pia.ref}").json


def test_lists_filter_search_sort_and_page(session, api, ada, world, northwind):
    for number in range(5):
        make_user(session, f"Helper {number}", language="ca")
    session.commit()
    client = api(ada)
    assert len(client.items("/users?language=ca")) == 5
    assert len(client.items("/users?role=user&role=manager")) == 3
    assert {u["name"] for u in client.items("/users?q=help")} == {f"Helper {n}" for n in range(5)}
    assert len(client.items("/users?state=active&account_scope=all&created_at_from=2020-01-01")) >= 12
    account = client.items("/accounts?name=Northwind")[0]["id"]
    assert {u["name"] for u in client.items(f"/users?account_id={account}")} == {"Pia", "Pam"}
    for sort in ("name", "-name", "created_at", "-created_at", "-updated_at"):
        walked = [user["id"] for user in client.walk(f"/users?sort={sort}", 4)]
        assert len(walked) == len(set(walked)) == len(client.items("/users"))
    for query in (
        "nonsense=1",
        "sort=email",
        "role=boss",
        "state=gone",
        "assignable=maybe",
        "limit=0",
        "away_until_to=x",
    ):
        assert client.get(f"/users?{query}").status_code == 422, query
    assert client.get("/users?cursor=x").status_code == 400


@pytest.mark.parametrize("who", ["ada", "sal", "vic", "pia", "pam"])
def test_assignable_is_what_routing_says(session, request, api, who, northwind, southwind, world, now):
    from app.partners.models import PartnerState

    person = request.getfixturevalue(who)
    make_user(session, "Invited", state=UserState.INVITED, first_web_sign_in_at=None)
    make_user(session, "Gone", state=UserState.DEACTIVATED)
    make_user(session, "Away", away_until=now + timedelta(days=3))
    make_user(session, "Never", partner=northwind, first_web_sign_in_at=None)
    make_user(session, "Asked", partner=northwind, state=UserState.INVITED)
    make_user(session, "Left", partner=northwind, state=UserState.DEACTIVATED)
    southwind.state = PartnerState.SUSPENDED
    session.commit()
    actor = actor_of(session, person)
    everybody = rows(session, User)
    snapshot = take_snapshot(session, Wanted.of("user", [user.id for user in everybody]), now=now)
    open_to = {
        user.name
        for user in everybody
        if snapshot.by_principal["user", user.id].blocked is None
        and (actor.is_internal or user.partner_account_id == actor.company_id)
    }
    expected = open_to if who in ("ada", "sal", "pam") else set()
    assert {user["name"] for user in api(person).items("/users?assignable=true&limit=200")} == expected
    known = {user["name"] for user in api(person).items("/users?limit=200")}
    assert {u["name"] for u in api(person).items("/users?assignable=false&limit=200")} == known - expected
    assert rows(session, User, is_assignable(actor)) is not None


def test_an_internal_user_is_invited(session, api, ada, mara, sal, pia):
    values = {"email": "Nil@Vendor.example", "name": "Nil", "role": "sales", "account_scope": "portfolio"}
    for person in (mara, sal, pia):
        assert api(person).post("/users", values).status_code == 403
    answer = api(ada).post("/users", values)
    assert answer.status_code == 201
    assert (answer.json["state"], answer.json["account_scope"], answer.json["account_id"]) == (
        "invited", "portfolio", None,
    )  # fmt: skip
    assert len(rows(session, Delivery)) == 1
    taken = api(ada).post("/users", {**values, "email": "nil@vendor.EXAMPLE"})
    assert (taken.status_code, list(taken.json["errors"])) == (422, ["email"])


@pytest.mark.parametrize(
    "values",
    [
        {"email": "no"}, {"email": None}, {"name": ""}, {"name": "x" * 201}, {"role": "manager"}, {"role": "boss"},
        {"account_scope": "none"}, {"capacity": 3}, {"password": "secret"}, {"name": "\x00"}, {"email": "a\r\nb@x.example"},
    ],
)  # fmt: skip
def test_an_invitation_that_is_not_valid_is_refused(api, ada, values):
    whole = {"email": "n@vendor.example", "name": "Nil", "role": "sales"}
    assert api(ada).post("/users", {**whole, **values}).status_code == 422


def test_limits_change_and_null_clears(session, api, ada, mara, pia, sal, world):
    path = f"/users/{pia.ref}"
    values = {
        "capacity": 12,
        "away_until": "2030-01-01T00:00:00Z",
        "language": "ca",
        "time_zone": "Europe/Madrid",
    }
    answer = api(mara).patch(path, values)
    assert {name: answer.json[name] for name in values} == values
    cleared = api(mara).patch(path, dict.fromkeys(values)).json
    assert [cleared[name] for name in values] == [None, None, "en", "UTC"]
    assert api(mara).patch(path, {"role": "manager"}).json["role"] == "manager"
    for body in (
        {"role": "sales"}, {"role": None}, {"capacity": -1}, {"capacity": 1.5}, {"capacity": 10**9}, {"name": "x"},
        {"away_until": "soon"}, {"language": "xx"}, {"account_scope": "portfolio"}, {"email": "x@y.example"},
        {"state": "active"}, {"account_id": None},
    ):  # fmt: skip
        assert api(mara).patch(path, body).status_code == 422, body
    # The vendor's own people are an administrator's.
    assert api(mara).patch(f"/users/{sal.ref}", {"capacity": 1}).status_code == 403
    assert (
        api(ada).patch(f"/users/{sal.ref}", {"account_scope": "portfolio"}).json["account_scope"]
        == "portfolio"
    )


def test_who_may_change_whom(api, sal, vic, pia, pam, otto, mara, ada):
    for person in (sal, vic):
        assert api(person).patch(f"/users/{pia.ref}", {"capacity": 1}).status_code == 403
    assert api(pam).patch(f"/users/{pia.ref}", {"capacity": 1}).json["capacity"] == 1, "she leads Pia"
    assert api(pia).patch(f"/users/{pam.ref}", {"capacity": 1}).status_code == 403
    for hidden in (otto, mara):
        for method, path, body in (
            ("PATCH", "", {"capacity": 1}), ("POST", "/deactivate", {"open_records": "keep"}),
            ("POST", "/reactivate", None), ("GET", "", None),
        ):  # fmt: skip
            assert api(pam).request(method, f"/users/{hidden.ref}{path}", body).status_code == 404
    assert api(ada).patch(f"/users/{ABSENT}", {"capacity": 1}).status_code == 404
    assert slug(api(ada).patch(f"/users/{ada.ref}", {"role": "viewer"})) == (409, "own-account")


def test_a_stale_change_is_refused(api, ada, mara, pia):
    path = f"/users/{pia.ref}"
    tag = api(ada).get(path).headers["ETag"]
    assert api(ada).patch(path, {"capacity": 1}, headers={"If-Match": tag}).status_code == 200
    late = api(mara).patch(path, {"capacity": 2}, headers={"If-Match": tag})
    assert slug(late) == (409, "stale")
    assert late.json["current"]["capacity"] == 1


def test_leaving_asks_what_becomes_of_open_records(session, api, ada, mara, sal, vic, pia, pam, world):
    path = f"/users/{pia.ref}/deactivate"
    for body in (
        None, {}, {"open_records": "drop"}, {"open_records": None}, {"open_records": {"owner": "x"}},
        {"open_records": {"owner": {"type": "user", "id": ABSENT}}}, {"open_records": "keep", "x": 1},
    ):  # fmt: skip
        assert api(mara).post(path, body).status_code == 422, body
    for person in (sal, vic):
        assert api(person).post(path, {"open_records": "keep"}).status_code == 403
    assert api(pam).post(path, {"open_records": "keep"}).status_code == 422, "leaders leave nothing behind"
    token = api(pia)
    assert token.get("/leads").status_code == 200
    answer = api(mara).post(path, {"open_records": {"owner": {"type": "user", "id": pam.ref}}})
    assert answer.json["state"] == "deactivated"
    assert token.get("/leads").status_code == 401
    assert api(pam).get(f"/leads/{world.owned.ref}").json["owner"]["id"] == pam.ref
    assert slug(api(mara).post(path, {"open_records": "keep"})) == (409, "left-already")
    back = api(mara).post(f"/users/{pia.ref}/reactivate")
    assert (back.status_code, back.json["state"]) == (200, "active")
    assert token.get("/leads").status_code == 401
    assert slug(api(mara).post(f"/users/{pia.ref}/reactivate")) == (409, "not-left")


@pytest.mark.parametrize(("choice", "owner"), [("keep", "user"), ("route", "queue")])
def test_open_leads_are_kept_or_routed(session, api, ada, sal, world, choice, owner):
    lead = make_lead(session, owner=sal)
    session.commit()
    assert api(ada).post(f"/users/{sal.ref}/deactivate", {"open_records": choice}).status_code == 200
    assert api(ada).get(f"/leads/{lead.ref}").json["owner"]["type"] == owner


def test_somebody_must_be_left_to_administrate(session, api, ada, mara):
    other = make_user(session, "Alf", role=Role.ADMINISTRATOR, account_scope=AccountScope.ALL)
    session.commit()
    assert api(mara).post(f"/users/{other.ref}/deactivate", {"open_records": "keep"}).status_code == 403
    assert slug(api(ada).post(f"/users/{ada.ref}/deactivate", {"open_records": "keep"})) == (
        409,
        "own-account",
    )
    assert api(ada).post(f"/users/{other.ref}/deactivate", {"open_records": "keep"}).status_code == 200
