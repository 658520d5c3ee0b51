"""/lead-forms."""

import pytest

pytestmark = pytest.mark.databases("sqlite")

ASKED = [{"name": "email", "label": "Mail", "required": True}, {"name": "phone"}]


def test_a_form_is_made_read_changed_and_deleted(api, mara, sal, client, session):
    made = api(mara).post(
        "/lead-forms", {"name": "Fair", "fields": ASKED, "hidden": {"product_interest": "Vans"}}
    )
    assert made.status_code == 201
    form = made.json
    assert form["fields"] == [
        {"name": "email", "label": "Mail", "help": None, "required": True},
        {"name": "phone", "label": None, "help": None, "required": False},
    ]
    path = f"/lead-forms/{form['id']}"
    assert api(mara).get(path).json == form == api(mara).items("/lead-forms")[0]
    assert form["capture_url"].endswith(f"/leads/capture/{form['key']}")
    trapped = {"email": "a@b.example", form["trap_field"]: "x"}
    assert client.post(f"/leads/capture/{form['key']}", data=trapped).status_code == 303
    assert client.post(f"/leads/capture/{form['key']}", data={"email": "a@b.example"}).status_code == 303
    assert [lead["product_interest"] for lead in api(mara).items("/leads")] == ["Vans"]
    changed = api(mara).patch(path, {"is_active": False}, headers={"If-Match": made.headers["ETag"]})
    assert (changed.json["is_active"], changed.json["hidden"]) == (False, {"product_interest": "Vans"})
    stale = api(mara).patch(path, {"name": "x"}, headers={"If-Match": made.headers["ETag"]})
    assert (stale.status_code, stale.json["type"].rpartition("/")[2]) == (409, "stale")
    for body in (
        {"fields": []},
        {"fields": None},
        {"language": None},
        {"hidden": {"score": 1}},
        {"key": "mine"},
    ):
        assert api(mara).patch(path, body).status_code == 422, body
    for method, where in (("GET", "/lead-forms"), ("POST", "/lead-forms"), ("GET", path), ("DELETE", path)):
        assert api(sal).request(method, where, {} if method == "POST" else None).status_code == 403
    assert api(mara).delete(path).status_code == 204
    assert api(mara).get(path).status_code == 404


def test_a_lead_is_taken_once_by_its_idempotency_key(api, mara):
    """As a program does that heard no answer and asks again."""
    key = {"Idempotency-Key": "card 7"}
    first, again = (api(mara, prefix="same").post("/leads", {"phone": "+34 972 000 000"}) for _ in range(2))
    assert first.json["id"] != again.json["id"]  # without a key they are two
    client = api(mara)
    first, again = (client.post("/leads", {"phone": "+34 972 111 111"}, headers=key) for _ in range(2))
    assert (first.status_code, again.status_code, again.json) == (201, 201, first.json)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert client.post("/leads", {"phone": "+34 972 222 222"}, headers=key).status_code == 422
    assert len(client.items("/leads?phone=%2B34 972 111 111")) == 1 or len(client.items("/leads")) == 3
