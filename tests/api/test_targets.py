"""/accounts/{id}/targets and /targets: what partners aim at, for programs."""

import pytest

from app.accounts.models import Account
from app.kernel import clock
from app.targets.models import Period
from app.targets.periods import first_day
from app.targets.progress import today_of
from tests.factories import make_lead, make_opportunity, make_user, open_portal, rows

ABSENT = "target_0000000000000000000000"


@pytest.fixture
def account(session, northwind):
    open_portal(session)
    return rows(session, Account, Account.id == northwind.account_id)[0]


@pytest.fixture
def quarter(session):
    starts = first_day(Period.QUARTER, today_of(session, clock.now()))
    return {"period": "quarter", "starts_on": starts.isoformat()}


def test_targets_are_set_read_changed_and_taken_back(
    session, api, mara, pia, otto, sal, account, quarter, now
):
    make_lead(session, owner=pia, status="converted", converted_at=now, is_open=False)
    make_opportunity(session, owner=pia, stage="won", amount=1000, currency="EUR")
    client, url = api(mara), f"/accounts/{account.ref}/targets"
    made = client.post(url, {**quarter, "converted": 20, "amount": 1500.5, "currency": "eur"})
    assert made.status_code == 201
    asked = {**quarter, "converted": 20, "amount": 1500.5, "currency": "EUR", "user": None}
    assert {name: made.json[name] for name in asked} == asked
    assert (made.json["account_id"], made.json["reached"]) == (
        account.ref,
        {"converted": 1, "amount": 1000.0},
    )
    person = client.post(url, {**quarter, "converted": 5, "user_id": pia.ref}).json
    assert (person["user"]["id"], person["amount"], person["reached"]["amount"]) == (pia.ref, None, None)
    listed = client.get(f"{url}?limit=1").json
    assert [each["id"] for each in listed["items"]] == [made.json["id"]]
    rest = client.get(f"{url}?limit=1&cursor={listed['next_cursor']}").json
    assert ([each["id"] for each in rest["items"]], rest["next_cursor"]) == ([person["id"]], None)

    one = f"{url}/{made.json['id']}"
    version = {"If-Match": f'"{made.json["version"]}"'}
    changed = client.patch(one, {"converted": 25}, headers=version)
    assert (changed.json["converted"], changed.json["amount"]) == (25, 1500.5)  # what is left out stays
    stale = client.patch(one, {"converted": 30}, headers=version)
    assert (stale.status_code, stale.json["current"]["converted"]) == (409, 25)
    assert client.patch(one, {"amount": None}).json["currency"] is None
    wrong = (
        ({"converted": 0}, "converted"), ({"converted": None}, "converted"), ({"amount": 5}, "currency"),
        ({"amount": -5, "currency": "EUR"}, "amount"), ({"period": "month"}, "period"),
    )  # fmt: skip
    for body, name in wrong:
        refused = client.patch(one, body)
        assert (refused.status_code, list(refused.json["errors"])) == (422, [name])
    for body, name in (
        ({"starts_on": "2026-11-02"}, "starts_on"), ({"user_id": otto.ref}, "user_id"), ({}, "period"),
        ({"period": "week"}, "period"),
    ):  # fmt: skip
        refused = client.post(url, {**quarter, "converted": 3, **body})
        assert (refused.status_code, list(refused.json["errors"])) == (422, [name])

    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == client.patch(one, {"converted": 1}).status_code == 404
    assert client.get(f"{url}/{ABSENT}").status_code == 404
    assert api(sal).post(url, {**quarter, "converted": 1}).status_code == 403


def test_each_partner_reads_its_own_targets_and_nobody_elses(
    session, api, mara, pia, pam, otto, northwind, account, quarter
):
    nil = make_user(session, "Nil Serra", partner=northwind, role=pia.role)
    client, url = api(mara), f"/accounts/{account.ref}/targets"
    for user_id in (None, pia.ref, nil.ref):
        assert client.post(url, {**quarter, "converted": 5, "user_id": user_id}).status_code == 201

    def seen(user):
        return [each["user"] and each["user"]["name"] for each in api(user).get("/targets").json["items"]]

    assert seen(pia) == [None, "Pia"]
    assert seen(pam) == [None, "Nil Serra", "Pia"]
    assert seen(otto) == []
    for user in (pia, pam, otto):
        assert api(user).get(url).status_code in (403, 404)
        assert api(user).post(url, {**quarter, "converted": 1}).status_code in (403, 404)
    assert api(mara).get("/targets").status_code == 403
    plain = api(mara).post("/accounts", {"name": "No partner"}).json
    assert client.get(f"/accounts/{plain['id']}/targets").status_code == 404
    refused = client.post(f"/accounts/{plain['id']}/targets", {**quarter, "converted": 1})
    assert (refused.status_code, refused.json["type"].rpartition("/")[2]) == (409, "wrong-order")
