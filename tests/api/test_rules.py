"""/assignment-rules: versions, putting them in force, trying them."""

import pytest

from app.notifications.texts.operations import create_template
from tests.factories import actor_of, make_lead

ABSENT = "rule_0000000000000000000000"
SPAIN = {"field": "country", "op": "equals", "value": "ES"}


def slug(answer):
    return answer.status_code, answer.json["type"].rpartition("/")[2]


@pytest.fixture
def rules(api, mara, sal, world):
    """A draft: from Spain to Iberia, all else to Sal."""
    body = {
        "name": "By country",
        "entries": [
            {"name": "Spain", "criteria": SPAIN, "target": {"type": "queue", "id": world.queue.ref}},
            {
                "target": {"type": "user", "id": sal.ref},
                "notify": False,
                "fallback_queue_id": world.queue.ref,
            },
        ],
    }
    answer = api(mara).post("/assignment-rules", body)
    assert answer.status_code == 201, answer.json
    return answer.json


def test_a_draft_is_made_and_read(api, mara, sal, rules, world):
    assert (rules["state"], rules["number"], rules["activated_at"]) == ("draft", 1, None)
    spain, rest = rules["entries"]
    assert spain["criteria"] == SPAIN
    assert spain["target"] == {"type": "queue", "id": world.queue.ref, "name": "Iberia"}
    assert rest["criteria"] == {"all": []}
    assert (rest["notify"], rest["fallback_queue_id"]) == (False, world.queue.ref)
    assert api(mara).get(f"/assignment-rules/{rules['id']}").json == rules
    assert api(mara).items("/assignment-rules?state=draft") == [rules]
    assert api(mara).items("/assignment-rules?state=active&state=retired") == []


@pytest.mark.parametrize(
    "criteria",
    [
        {}, {"any": []}, {"all": "x"}, {"field": "country"}, {"field": "nonsense", "op": "equals", "value": "x"},
        {"field": "country", "op": "like", "value": "x"}, {"field": "country", "op": "in", "value": []},
        {"field": "employees", "op": "gt", "value": "many"}, {"not": [SPAIN]}, {"all": [SPAIN], "any": [SPAIN]},
        {"field": "country", "op": "equals", "value": {"x": 1}}, {"field": ["x"], "op": "equals", "value": 1},
    ],
)  # fmt: skip
def test_criteria_that_make_no_sense_are_refused_with_their_place(api, mara, sal, criteria):
    entry = {"criteria": criteria, "target": {"type": "user", "id": sal.ref}}
    answer = api(mara).post("/assignment-rules", {"name": "x", "entries": [entry]})
    assert answer.status_code == 422
    assert all(path.startswith("entries[0].criteria") for path in answer.json["errors"])


def test_criteria_may_be_deep_but_not_endless(api, mara, sal):
    deep = SPAIN
    for _level in range(9):
        deep = {"not": deep}
    body = {"name": "x", "entries": [{"criteria": deep, "target": {"type": "user", "id": sal.ref}}]}
    assert api(mara).post("/assignment-rules", body).status_code == 201
    for _level in range(900):
        deep = {"not": deep}
    body["entries"][0]["criteria"] = deep
    assert api(mara).post("/assignment-rules", body).status_code in (400, 422)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"name": None}, {"name": ""}, {"name": "x", "entries": {}}, {"name": "x", "entries": [{}]},
        {"name": "x", "entries": [{"target": {"type": "user", "id": "user_0000000000000000000000"}}]},
        {"name": "x", "entries": [{"target": {"type": "group", "id": "x"}}]}, {"name": "x", "state": "active"},
        {"name": "x", "entries": [{"target": {"type": "user"}}]},
    ],
)  # fmt: skip
def test_what_is_not_valid_is_refused(api, mara, body):
    assert api(mara).post("/assignment-rules", body).status_code == 422
    assert api(mara).items("/assignment-rules") == []


def test_an_entry_chooses_a_mail_text(api, session, mara, sal, ada, now):
    template = create_template(session, actor_of(session, ada), name="Pumps", now=now)
    listed = api(mara).items("/mail-templates")
    assert [(item["id"], item["name"]) for item in listed] == [(template.ref, "Pumps")]
    entry = {"target": {"type": "user", "id": sal.ref}, "template_id": "tmpl_1"}
    refused = api(mara).post("/assignment-rules", {"name": "x", "entries": [entry]})
    assert refused.status_code == 422
    assert list(refused.json["errors"]) == ["entries[0].template_id"]
    chosen = [{**entry, "template_id": template.ref}, {**entry, "template_id": None}]
    made = api(mara).post("/assignment-rules", {"name": "x", "entries": chosen})
    assert made.status_code == 201
    path = f"/assignment-rules/{made.json['id']}"
    assert [e["template_id"] for e in api(mara).get(path).json["entries"]] == [template.ref, None]
    renamed = api(mara).patch(path, {"name": "y"}).json
    assert [e["template_id"] for e in renamed["entries"]] == [template.ref, None], "kept where not named"


def test_one_version_is_in_force_and_routes_what_arrives(api, mara, sal, rules, world):
    path = f"/assignment-rules/{rules['id']}"
    active = api(mara).post(f"{path}/activate").json
    assert (active["state"], active["retired_at"]) == ("active", None)
    assert api(mara).post(f"{path}/activate").json == active
    spanish = api(mara).post("/leads", {"company": "Forges", "country": "ES"}).json
    french = api(mara).post("/leads", {"company": "Forges", "country": "FR"}).json
    assert (spanish["owner"]["id"], french["owner"]["id"]) == (world.queue.ref, sal.ref)
    trace = api(mara).items(f"/leads/{spanish['id']}/assignments")[0]
    assert trace["cause"] == "rule"
    assert trace["trace"][0].startswith("Rule 1 “Spain” matched")
    retired = api(mara).post(f"{path}/deactivate").json
    assert retired["state"] == "retired"
    lead = api(mara).post("/leads", {"company": "Forges", "country": "ES"}).json
    assert api(mara).items(f"/leads/{lead['id']}/assignments")[0]["cause"] == "default_queue"
    assert api(mara).post(f"{path}/deactivate").json["state"] == "retired"


def test_what_was_in_force_is_not_rewritten(api, mara, rules):
    path = f"/assignment-rules/{rules['id']}"
    changed = api(mara).patch(path, {"name": "Renamed"})
    assert (changed.status_code, changed.json["id"], changed.json["name"]) == (200, rules["id"], "Renamed")
    assert changed.json["entries"] == rules["entries"]
    api(mara).post(f"{path}/activate")
    following = api(mara).patch(path, {"entries": []})
    assert (following.status_code, following.json["number"], following.json["state"]) == (201, 2, "draft")
    assert api(mara).get(path).json["entries"] == rules["entries"]
    assert slug(api(mara).delete(path)) == (409, "conflict")
    assert api(mara).delete(f"/assignment-rules/{following.json['id']}").status_code == 204
    assert api(mara).get(f"/assignment-rules/{following.json['id']}").status_code == 404


def test_stale_changes_are_refused(api, mara, rules):
    path, tag = f"/assignment-rules/{rules['id']}", f'"{rules["version"]}"'
    assert api(mara).patch(path, {"name": "One"}, headers={"If-Match": tag}).status_code == 200
    for method, act, body in (
        ("PATCH", "", {"name": "Two"}),
        ("DELETE", "", None),
        ("POST", "/activate", None),
    ):
        answer = api(mara).request(method, path + act, body, headers={"If-Match": tag})
        assert slug(answer) == (409, "stale")
    for body in ({"name": None}, {"entries": [{}]}, {"number": 2}):
        assert api(mara).patch(path, body).status_code == 422, body


def test_a_version_is_tried_against_past_leads(session, api, mara, sal, rules, world):
    french = make_lead(session, queue=world.queue, country="FR")
    session.commit()
    before = api(mara).items("/events")
    rows = api(mara).post(f"/assignment-rules/{rules['id']}/try", {"limit": 10}).json["items"]
    assert {row["lead_id"] for row in rows} == {
        french.ref,
        world.owned.ref,
        world.waiting.ref,
        world.sals.ref,
    }
    row = next(row for row in rows if row["lead_id"] == french.ref)
    assert (row["entry"], row["target"]["id"], row["differs"]) == (2, sal.ref, True)
    waiting = next(row for row in rows if row["lead_id"] == world.waiting.ref)
    assert (waiting["entry"], waiting["differs"]) == (1, False)
    assert api(mara).items("/events") == before
    path = f"/assignment-rules/{rules['id']}/try"
    assert api(mara).post(path, {"to": "2020-01-01"}).json["items"] == []
    assert len(api(mara).post(path, {"from": "2020-01-01T00:00:00Z", "limit": 1}).json["items"]) == 1
    for body in ({"from": "x"}, {"limit": 0}, {"limit": 1001}, {"limit": "1"}, {"since": "x"}):
        assert api(mara).post(path, body).status_code == 422, body


def test_rules_are_kept_by_administrators_and_channel_managers(api, sal, vic, pia, pam, otto, rules):
    for person in (sal, vic, pia, pam, otto):
        for ref in (rules["id"], ABSENT):
            for method, path, body in (
                ("GET", "", None), ("POST", "", {"name": "x"}), ("GET", f"/{ref}", None), ("PATCH", f"/{ref}", {}),
                ("DELETE", f"/{ref}", None), ("POST", f"/{ref}/activate", None), ("POST", f"/{ref}/deactivate", None),
                ("POST", f"/{ref}/try", {}),
            ):  # fmt: skip
                assert api(person).request(method, f"/assignment-rules{path}", body).status_code == 403


def test_ids_that_are_not_there(api, mara, world):
    for ref in (ABSENT, world.queue.ref):
        for method, path in (
            ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/activate"), ("POST", "/deactivate"), ("POST", "/try"),
        ):  # fmt: skip
            body = {"name": "x"} if method == "PATCH" else None
            assert api(mara).request(method, f"/assignment-rules/{ref}{path}", body).status_code == 404


def test_the_number_of_statements_does_not_grow(api, mara, sal, count_queries):
    def add(count):
        for number in range(count):
            entries = [{"criteria": SPAIN, "target": {"type": "user", "id": sal.ref}}] * (number + 1)
            api(mara).post("/assignment-rules", {"name": f"Version {number}", "entries": entries})

    def ask():
        client = api(mara)
        client.get("/assignment-rules")
        with count_queries() as queries:
            client.get("/assignment-rules?limit=200")
        return len(queries)

    add(2)
    few = ask()
    add(5)
    assert ask() == few
    assert len(api(mara).walk("/assignment-rules", 3)) == 7
    for query in ("nonsense=1", "sort=number", "limit=0", "state=gone"):
        assert api(mara).get(f"/assignment-rules?{query}").status_code == 422
