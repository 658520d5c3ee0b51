"""`filter=` on lists of the API: what is combined, as the address of the object's page has it."""

import json

import pytest

from app.lists.jobs import run_waiting
from tests.factories import make_account, make_contact, make_lead, make_queue


@pytest.mark.databases("sqlite")
def test_lists_are_narrowed_by_what_is_combined(api, session, mara, pia, northwind):
    wine = make_account(session, "Alder", industry="Wine", employees=20)
    shop = make_account(session, "Birch", industry="Retail", employees=700)
    make_account(session, "Cedar", industry="Steel")
    anna = make_contact(session, "Anna", account=wine, owner=mara)
    make_contact(session, "Berta", account=shop)
    old = make_lead(session, owner=pia, company="Own", city="Vic", score=80)
    waits = make_lead(
        session, queue=make_queue(session, members=[northwind]), company="Waits", city="Vic", score=10
    )
    client = api(mara)
    case = client.post("/cases", {"subject": "Broken", "account_id": wine.ref, "priority": "high"}).json
    session.commit()

    def found(path, text, **more):
        answer = client.get(path, query_string={"filter": text, **more})
        assert answer.status_code == 200, answer.json
        return [item["id"] for item in answer.json["items"]]

    assert found("/accounts", "any(industry.in:wine;Beer,employees.gte:500)", sort="name") == [
        wine.ref,
        shop.ref,
    ]
    assert found("/accounts", "has_open_case.equals:true") == [wine.ref]
    assert found("/accounts", "any(industry.equals:Wine,employees.gt:500)", industry="Retail") == [shop.ref]
    # Criteria as JSON say the same.
    criteria = {"not": {"field": "industry", "op": "in", "value": ["Retail", "Steel"]}}
    assert found("/accounts", json.dumps({"all": [criteria, {"field": "name", "op": "starts_with", "value": "a"}]})) == [
        wine.ref
    ]  # fmt: skip
    assert found("/contacts", "all(account_industry.equals:Wine,owner.equals:me)") == [anna.ref]
    assert found("/cases", "all(priority.equals:high,created_at.gte:-1d)") == [case["id"]]
    assert found("/leads", "all(city.equals:vic,score.gte:50,not(owner.equals:me))") == [old.ref]
    cursor = client.get("/leads?limit=1&filter=city.equals:vic").json["next_cursor"]
    assert client.get(f"/leads?limit=1&filter=city.equals:vic&cursor={cursor}").status_code == 200
    assert client.get(f"/leads?limit=1&filter=city.equals:Berga&cursor={cursor}").status_code == 400

    # What is wrong is named.
    for path, text, named in (
        ("/accounts", "colour.equals:red", "filter.field"),
        ("/contacts", "any(", "filter"),
        ("/cases", "opened_at.contains:x", "filter"),
        ("/leads", "score.gte:many", "filter.value"),
        ("/leads", "all(city.equals:Vic,score.is_red)", "filter"),
    ):
        answer = client.get(path, query_string={"filter": text})
        assert answer.status_code == 422, text
        assert all(name.startswith(named) for name in answer.json["errors"]), answer.json

    # To partner people nothing tells of a lead what its preview does not.
    def seen(text):
        return {item["id"] for item in api(pia).get("/leads", query_string={"filter": text}).json["items"]}

    assert seen("city.equals:Vic") == {old.ref, waits.ref}
    for text in (
        "company.is_not_empty",
        "not(company.equals:Nobody)",
        "any(city.equals:Vic,company.equals:Waits)",
    ):
        assert seen(text) == {old.ref}, text

    answer = client.post("/exports", {"object": "lead", "filter": "score.lt:50"})
    assert answer.status_code == 202
    while run_waiting(seconds=0):
        pass
    file = client.get(f"/exports/{answer.json['id']}/file").get_data(as_text=True)
    assert waits.ref in file
    assert old.ref not in file
    assert client.post("/exports", {"object": "lead", "filter": "colour.equals:red"}).status_code == 422
