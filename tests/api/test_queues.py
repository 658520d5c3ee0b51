"""/queues, with their members."""

import pytest

from tests.factories import get_default_queue, make_lead

ABSENT = "queue_0000000000000000000000"


def slug(answer):
    return answer.status_code, answer.json["type"].rpartition("/")[2]


@pytest.fixture
def company(api, mara, northwind):
    """The public name of Northwind's account."""
    return api(mara).items("/accounts?name=Northwind")[0]["id"]


def test_a_queue_is_made_with_its_members(api, mara, sal, company):
    values = {
        "name": "Iberia", "accept_within_minutes": 90,
        "members": [{"type": "user", "id": sal.ref}, {"type": "partner_account", "id": company, "role": "manager"}],
    }  # fmt: skip
    answer = api(mara).post("/queues", values)
    assert answer.status_code == 201
    queue = answer.json
    assert [member["principal"] for member in queue["members"]] == values["members"]
    assert (queue["name"], queue["accept_within_minutes"], queue["is_default"]) == ("Iberia", 90, False)
    assert api(mara).get(f"/queues/{queue['id']}").json == queue
    assert api(mara).items(f"/queues/{queue['id']}/members") == queue["members"]


@pytest.mark.parametrize(
    "values",
    [
        {}, {"name": ""}, {"name": None}, {"name": "x" * 121}, {"name": "Default"}, {"name": "\x00"},
        {"accept_within_minutes": 0}, {"accept_within_minutes": 86401}, {"accept_within_minutes": "90"},
        {"members": [{}]}, {"members": [{"type": "user", "id": "user_0000000000000000000000"}]},
        {"members": [{"type": "queue", "id": ABSENT}]}, {"members": "x"}, {"is_default": True},
        {"members": [{"type": "all_partners"}]},
    ],
)  # fmt: skip
def test_what_is_not_valid_is_refused(session, api, mara, values):
    name = {"name": get_default_queue(session).name} if values.get("name") == "Default" else {}
    assert api(mara).post("/queues", {"name": "New", **values, **name} if values else {}).status_code == 422


def test_queues_are_kept_by_administrators_and_channel_managers(api, sal, vic, pia, pam, otto, world):
    for person in (sal, vic, pia, pam, otto):
        for ref in (world.queue.ref, ABSENT):
            for method, path, body in (
                ("GET", "/queues", None), ("POST", "/queues", {"name": "x"}), ("GET", f"/queues/{ref}", None),
                ("PATCH", f"/queues/{ref}", {"name": "x"}), ("DELETE", f"/queues/{ref}", None),
                ("GET", f"/queues/{ref}/members", None), ("POST", f"/queues/{ref}/members", {}),
                ("DELETE", f"/queues/{ref}/members/mem_0", None),
            ):  # fmt: skip
                assert api(person).request(method, path, body).status_code == 403, (method, path)


def test_fields_change_and_stale_changes_are_refused(api, mara, world):
    path = f"/queues/{world.queue.ref}"
    tag = api(mara).get(path).headers["ETag"]
    changed = api(mara).patch(path, {"accept_within_minutes": 60}, headers={"If-Match": tag})
    assert (changed.json["accept_within_minutes"], changed.json["name"]) == (60, "Iberia")
    assert slug(api(mara).patch(path, {"name": "Late"}, headers={"If-Match": tag})) == (409, "stale")
    assert api(mara).patch(path, {"accept_within_minutes": None}).json["accept_within_minutes"] is None
    for body in ({"name": None}, {"members": []}, {"accept_within_minutes": 0}):
        assert api(mara).patch(path, body).status_code == 422, body
    assert api(mara).patch(f"/queues/{ABSENT}", {"name": "x"}).status_code == 404
    assert api(mara).get(f"/queues/{world.account.ref}").status_code == 404


def test_members_come_and_go(session, api, mara, sal, vic, pia, world, company):
    path = f"/queues/{world.queue.ref}/members"
    member = api(mara).post(path, {"type": "user", "id": sal.ref})
    assert (member.status_code, member.json["principal"]) == (201, {"type": "user", "id": sal.ref})
    again = api(mara).post(path, {"type": "user", "id": sal.ref})
    assert again.json["id"] == member.json["id"]
    narrowed = api(mara).post(path, {"type": "partner_account", "id": company, "role": "executive"}).json
    assert narrowed["principal"]["role"] == "executive"
    assert api(pia).get(f"/leads/{world.waiting.ref}").status_code == 404
    for body in (
        {}, {"type": "user"}, {"type": "user", "id": vic.ref}, {"type": "user", "id": sal.ref, "role": "manager"},
        {"type": "group", "id": "x"}, {"type": "user", "id": world.account.ref},
    ):  # fmt: skip
        assert api(mara).post(path, body).status_code == 422, body
    assert len(api(mara).walk(path, 1)) == 2
    assert api(mara).delete(f"{path}/{member.json['id']}").status_code == 204
    assert api(mara).delete(f"{path}/{member.json['id']}").status_code == 404
    default = get_default_queue(session).ref
    answer = api(mara).post(f"/queues/{default}/members", {"type": "user", "id": pia.ref})
    assert answer.status_code == 422


def test_a_queue_in_use_is_not_deleted(session, api, mara, world):
    answer = api(mara).delete(f"/queues/{world.queue.ref}")
    assert slug(answer) == (409, "in-use")
    assert answer.json["uses"] == ["1 waits in it"]
    assert slug(api(mara).delete(f"/queues/{get_default_queue(session).ref}")) == (409, "in-use")
    empty = api(mara).post("/queues", {"name": "Empty"}).json["id"]
    assert api(mara).delete(f"/queues/{empty}").status_code == 204
    assert api(mara).get(f"/queues/{empty}").status_code == 404
    assert empty not in [queue["id"] for queue in api(mara).items("/queues")]


def test_lists_page_in_a_constant_number_of_statements(session, api, mara, northwind, count_queries):
    def add(count):
        for number in range(count):
            members = [{"type": "user", "id": mara.ref}]
            api(mara).post("/queues", {"name": f"Queue {number} of {count}", "members": members})

    def ask():
        client = api(mara)
        client.get("/queues")
        with count_queries() as queries:
            client.get("/queues?limit=200")
        return len(queries)

    add(2)
    few = ask()
    add(8)
    assert ask() == few
    walked = [queue["id"] for queue in api(mara).walk("/queues", 3)]
    assert len(walked) == len(set(walked)) == 12
    make_lead(session)
    for query in ("nonsense=1", "sort=name", "limit=0"):
        assert api(mara).get(f"/queues?{query}").status_code == 422
