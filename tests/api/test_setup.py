"""/settings, /registries, /deliveries and /events."""

import pytest

from app.events.models import Event
from app.notifications.models import Delivery, DeliveryState
from tests.factories import make_lead, make_user, rows


def slug(answer):
    return answer.status_code, answer.json["type"].rpartition("/")[2]


# Settings


def test_settings_are_read_by_those_who_set_up_and_changed_by_administrators(
    api, ada, mara, sal, vic, pia, pam
):
    settings = api(ada).get("/settings").json
    assert settings["defaults"]["lead"] == {"internal": "read_write", "external": "private"}
    assert "city" in settings["preview_fields"]
    assert api(mara).get("/settings").json == settings
    assert api(mara).patch("/settings", {"name": "x"}).status_code == 403
    for person in (sal, vic, pia, pam):
        assert api(person).get("/settings").status_code == 403
        assert api(person).patch("/settings", {"name": "x"}).status_code == 403


def test_settings_change_and_stale_changes_are_refused(api, ada, mara):
    before = api(ada).get("/settings")
    values = {
        "name": "Velo", "time_zone": "Europe/Madrid", "strict_capture": True, "preview_fields": ["city", "country"],
        "language": "ca", "names": {"en": {"lead": ["enquiry", "enquiries"]}},
    }  # fmt: skip
    changed = api(ada).patch("/settings", values, headers={"If-Match": before.headers["ETag"]})
    assert {name: changed.json[name] for name in values} == values
    late = api(ada).patch("/settings", {"name": "Late"}, headers={"If-Match": before.headers["ETag"]})
    assert slug(late) == (409, "stale")
    assert api(ada).patch("/settings", {"names": {}, "accent": None}).json["names"] == {}
    # Strict capture counts at once.
    assert api(mara).post("/leads", {"company": "Forges"}).status_code == 422
    assert (
        api(mara).post("/leads", {"company": "Forges", "last_name": "Puig", "status": "new"}).status_code
        == 201
    )


@pytest.mark.parametrize(
    "values",
    [
        {"name": None}, {"name": "x" * 61}, {"time_zone": "Nowhere"}, {"language": "xx"}, {"strict_capture": "yes"},
        {"preview_fields": ["company"]}, {"preview_fields": None}, {"preview_fields": "city"}, {"nonsense": 1},
        {"prm_enabled_at": None}, {"portal_published_at": None}, {"defaults": {"lead": {"internal": "all"}}},
        {"defaults": {"lead": {"internal": "read", "external": "read_write"}}}, {"defaults": {"campaign": {"internal": "read"}}},
        {"names": {"fr": {"lead": ["piste", "pistes"]}}}, {"names": {"en": {"lead": ["one"]}}},
        {"names": {"en": {"nonsense": ["one", "two"]}}}, {"names": {"en": {"lead": ["", ""]}}}, {"accent": "mauve"},
    ],
)  # fmt: skip
def test_settings_that_are_not_valid_are_refused(api, ada, values):
    before = api(ada).get("/settings").json
    assert api(ada).patch("/settings", values).status_code == 422
    assert api(ada).get("/settings").json == before


def test_defaults_decide_what_the_vendors_people_see(api, ada, mara, sal, vic, world):
    def seen(person):
        paths = (
            f"/leads/{world.owned.ref}",
            f"/accounts/{world.account.ref}",
            f"/contacts/{world.contact.ref}",
        )
        return [api(person).get(path).status_code for path in paths]

    assert seen(vic) == [200, 200, 200]
    defaults = {"lead": {"internal": "private"}, "account": {"internal": "private"}}
    changed = api(ada).patch("/settings", {"defaults": defaults}).json["defaults"]
    assert changed["contact"]["internal"] == "private"  # follows its account
    assert seen(vic) == [404, 404, 404]
    assert seen(sal) == [404, 200, 200]  # Sal's own account
    assert seen(mara)[0] == 200  # the channel manager of Northwind
    api(ada).patch("/settings", {"defaults": {"lead": {"internal": "read"}}})
    assert api(sal).patch(f"/leads/{world.owned.ref}", {"city": "x"}).status_code == 403


def test_what_is_shown_before_a_claim_is_a_setting(api, ada, pia, world):
    api(ada).patch("/settings", {"preview_fields": ["country", "age_days"]})
    preview = api(pia).get(f"/leads/{world.waiting.ref}").json
    assert set(preview) == {"id", "visibility", "owner", "offer", "arrived_at", "country", "age_days"}
    assert api(pia).items("/inbox?city=girona") == []


# Registries


@pytest.mark.parametrize("name", ["lead_statuses", "lead_sources", "decline_reasons", "partner_levels"])
def test_registries_are_kept(api, ada, mara, sal, vic, pia, name):
    path = f"/registries/{name}"
    items = api(mara).items(path)
    assert [item["position"] for item in items] == sorted(item["position"] for item in items)
    extra = {"category": "working"} if name == "lead_statuses" else {}
    added = api(ada).post(path, {"name": "Newest", **extra})
    assert added.status_code == 201
    assert api(mara).items(path)[-1] == added.json
    one = f"{path}/{added.json['id']}"
    assert api(ada).patch(one, {"name": "Renamed"}).json["name"] == "Renamed"
    for body in (
        {"name": items[0]["name"]},
        {"name": None},
        {"name": "x" * 81},
        {"nonsense": 1},
        {"name": 7},
    ):
        assert api(ada).patch(one, body).status_code == 422, body
        assert api(ada).post(path, {**body}).status_code == 422, body
    for person in (sal, vic, pia):
        assert api(person).get(path).status_code == 403
        assert api(person).post(path, {"name": "x"}).status_code == 403
        assert api(person).delete(one).status_code == 403
    if name != "lead_sources":
        assert api(mara).post(path, {"name": "x", **extra}).status_code == 403
    assert api(ada).delete(one).status_code == 204
    assert api(ada).delete(one).status_code == 404
    assert len(api(ada).walk(path, 2)) == len(items)
    assert api(ada).get(f"{path}?nonsense=1").status_code == 422


@pytest.mark.parametrize("name", ["lead_statuses", "lead_sources", "decline_reasons", "partner_levels"])
def test_entries_are_put_in_another_order(api, ada, name):
    path = f"/registries/{name}"
    extra = {"category": "working"} if name == "lead_statuses" else {}
    refs = [api(ada).post(path, {"name": f"Entry {n}", **extra}).json["id"] for n in range(3)]
    assert api(ada).post(path, {"name": "First", "position": 0, **extra}).status_code == 422
    moved = api(ada).patch(f"{path}/{refs[2]}", {"position": 0, "name": "To the front"})
    assert (moved.json["position"], moved.json["name"]) == (0, "To the front")
    assert api(ada).items(path)[0]["id"] == refs[2]
    assert api(ada).patch(f"{path}/{refs[2]}", {"position": 10_000}).status_code == 200
    assert api(ada).items(path)[-1]["id"] == refs[2]
    for odd in (-1, 1.5, "2", True):
        assert api(ada).patch(f"{path}/{refs[0]}", {"position": odd}).status_code == 422


def test_registries_that_are_not_there(api, ada):
    for method, path, body in (
        ("GET", "/registries/nonsense", None), ("POST", "/registries/nonsense", {"name": "x"}),
        ("PATCH", "/registries/lead_sources/item_0000000000000000000000", {"name": "x"}),
        ("DELETE", "/registries/lead_sources/lvl_0000000000000000000000", None),
    ):  # fmt: skip
        assert api(ada).request(method, path, body).status_code == 404


def test_what_is_in_use_is_retired_not_removed(session, api, ada, mara, world):
    source = api(ada).post("/registries/lead_sources", {"name": "Fair"}).json
    api(mara).post("/leads", {"company": "Forges", "source": "Fair"})
    assert slug(api(ada).delete(f"/registries/lead_sources/{source['id']}")) == (409, "in-use")
    retired = api(ada).patch(f"/registries/lead_sources/{source['id']}", {"active": False})
    assert retired.json["active"] is False
    assert api(mara).post("/leads", {"company": "Forges", "source": "Fair"}).status_code == 422
    fields = {"gives_turn_back": True}
    reason = api(ada).post("/registries/decline_reasons", {"name": "Wrong town", **fields}).json
    assert (reason["key"], reason["gives_turn_back"]) == ("wrong_town", True)
    assert api(ada).post("/registries/lead_sources", {"name": "x", **fields}).status_code == 422


# Deliveries


def test_deliveries_are_listed_and_failed_ones_tried_again(session, api, ada, mara, sal, vic, pia, world):
    body = {"owner": {"type": "user", "id": pia.ref}}
    api(mara).post(f"/leads/{world.sals.ref}/assign", body)
    delivery = api(mara).items("/deliveries")[0]
    assert delivery["record"] == {"type": "lead", "id": world.sals.ref}
    assert (delivery["state"], delivery["kind"], delivery["recipient"]) == ("due", "lead_assigned", pia.email)
    path = f"/deliveries/{delivery['id']}/retry"
    assert slug(api(mara).post(path)) == (409, "not-failed")
    failed = rows(session, Delivery)[0]
    failed.state, failed.error = DeliveryState.FAILED, "550 no such mailbox"
    session.commit()
    assert api(mara).items("/deliveries?state=failed")[0]["error"] == "550 no such mailbox"
    assert api(mara).items("/deliveries?state=sent&state=due") == []
    for person in (sal, vic, pia):
        assert api(person).get("/deliveries").status_code == 403
        assert api(person).post(path).status_code == 403
    assert api(ada).post(path).json["state"] == "due"
    for query in ("state=lost", "nonsense=1", "sort=state", "limit=0"):
        assert api(mara).get(f"/deliveries?{query}").status_code == 422
    for ref in ("dlv_0000000000000000000000", world.sals.ref):
        assert api(mara).post(f"/deliveries/{ref}/retry").status_code == 404


# Events


def test_events_tell_who_changed_what(session, api, ada, mara, pia, sal, vic, otto, world):
    api(pia).patch(f"/leads/{world.owned.ref}", {"city": "Olot"})
    event = api(mara).items(f"/events?record={world.owned.ref}")[0]
    assert (event["kind"], event["door"], event["changes"]) == ("edited", "api", {"city": ["Girona", "Olot"]})
    assert event["actor"] == {"type": "user", "id": pia.ref, "name": "Pia"}
    assert event["record"] == {"type": "lead", "id": world.owned.ref}
    assert api(mara).items(f"/events?actor={pia.ref}&kind=edited&kind=claimed") == [event]
    assert api(mara).items(f"/events?actor={otto.ref}") == []
    assert api(mara).items(f"/events?from={event['at']}&to={event['at']}") == [event]
    assert api(mara).items("/events?to=2020-01-01") == []
    assert api(mara).items("/events?record=lead_0000000000000000000000") == []
    for person in (sal, vic, pia, otto):
        assert api(person).get("/events").status_code == 403
    for query in ("from=x", "to=y", "nonsense=1", "sort=at", "limit=0", "kind=\x00"):
        assert api(mara).get("/events", query_string=query).status_code == 422, query
    assert api(mara).get("/events?cursor=x").status_code == 400


def test_events_name_no_keys(session, api, ada, mara, sal, world):
    source = api(ada).post("/registries/lead_sources", {"name": "Fair"}).json
    api(mara).patch(f"/leads/{world.owned.ref}", {"source": "Fair"})
    event = api(ada).items(f"/events?record={world.owned.ref}")[0]
    assert event["changes"] == {"source": [None, "Fair"]}
    member = {"type": "user", "id": sal.ref}
    seat = api(mara).post(f"/queues/{world.queue.ref}/members", member).json["id"]
    api(mara).delete(f"/queues/{world.queue.ref}/members/{seat}")
    detail = api(ada).items(f"/events?record={world.queue.ref}&kind=member_removed")[0]["detail"]
    assert "user_id" not in detail
    ids = [event["id"] for event in api(ada).walk("/events", 2)]
    assert len(ids) == len(set(ids)) == len(rows(session, Event))
    assert source["id"] in [event["record"]["id"] for event in api(ada).items("/events")]


def test_events_of_records_that_one_may_not_see_are_not_there(session, api, ada, mara, sal, world):
    from app.identity.models import AccountScope

    private = api(sal).post("/contacts", {"last_name": "Secret"}).json["id"]
    api(sal).post(f"/contacts/{private}/activities", {"kind": "note", "subject": "Secret note"})
    mara.account_scope = AccountScope.PORTFOLIO
    elsewhere = make_lead(session, owner=make_user(session), company="Elsewhere")
    session.commit()
    api(ada).patch(f"/leads/{elsewhere.ref}", {"city": "Olot"})
    seen = api(mara).items("/events?limit=200")
    assert private not in str(seen)
    assert "note" not in [event["detail"].get("kind") for event in seen]
    assert elsewhere.ref not in str(seen)
    assert api(mara).items(f"/events?record={elsewhere.ref}") == []
    everything = str(api(ada).items("/events?limit=200"))
    assert private in everything
    assert elsewhere.ref in everything


def test_the_number_of_statements_does_not_grow(session, api, mara, ada, world, pia, sal, count_queries):
    def ask(path):
        client = api(mara)
        client.get(path)
        with count_queries() as queries:
            client.get(f"{path}?limit=200")
        return len(queries)

    def add(count):
        for _number in range(count):
            lead = api(mara).post("/leads", {"company": "Forges"}).json["id"]
            owner = {"type": "user", "id": pia.ref}
            api(mara).post(f"/leads/{lead}/assign", {"owner": owner})

    paths = ("/events", "/deliveries", "/users", "/registries/lead_sources")
    add(2)
    few = [ask(path) for path in paths]
    add(10)
    assert [ask(path) for path in paths] == few
