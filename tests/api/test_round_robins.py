"""/round-robins, with their members and ledgers."""

import pytest

from tests.factories import make_user

ABSENT = "rr_0000000000000000000000"


def slug(answer):
    return answer.status_code, answer.json["type"].rpartition("/")[2]


def member(user, weight=1):
    return {"principal": {"type": "user", "id": user.ref}, "weight": weight}


@pytest.fixture
def group(api, mara, pia, pam):
    """A round robin of Pia and Pam, who is due twice as often."""
    answer = api(mara).post("/round-robins", {"name": "Turns", "members": [member(pia), member(pam, 2)]})
    assert answer.status_code == 201
    return answer.json


def test_it_is_made_and_read(api, mara, pia, pam, group, world):
    assert [(m["principal"]["id"], m["weight"]) for m in group["members"]] == [(pia.ref, 1), (pam.ref, 2)]
    assert (group["fallback_queue_id"], group["accept_within_minutes"]) == (None, None)
    assert api(mara).get(f"/round-robins/{group['id']}").json == group
    assert api(mara).items("/round-robins") == [group]
    queue = {"principal": {"type": "queue", "id": world.queue.ref}}
    other = (
        api(mara)
        .post(
            "/round-robins",
            {
                "name": "Queues",
                "members": [queue],
                "fallback_queue_id": world.queue.ref,
                "accept_within_minutes": 5,
            },
        )
        .json
    )
    assert (other["fallback_queue_id"], other["members"][0]["weight"]) == (world.queue.ref, 1)


@pytest.mark.parametrize(
    "values",
    [
        {"name": None}, {"name": "x" * 121}, {"members": [{}]}, {"members": [{"principal": {}}]},
        {"members": [{"principal": {"type": "user", "id": "user_0000000000000000000000"}}]},
        {"fallback_queue_id": "queue_0000000000000000000000"}, {"accept_within_minutes": 0}, {"state": {}},
    ],
)  # fmt: skip
def test_what_is_not_valid_is_refused(api, mara, values):
    assert api(mara).post("/round-robins", {"name": "New", **values}).status_code == 422
    assert api(mara).items("/round-robins") == []


def test_members_are_partners_or_queues_with_weights_in_bounds(api, mara, sal, pia, otto, group):
    path = f"/round-robins/{group['id']}/members"
    for body in (
        member(sal), member(pia), member(otto, 0), member(otto, 1001), member(otto, 1.5), member(otto, "2"),
        {"principal": {"type": "user", "id": otto.ref}, "seat": 1}, {},
    ):  # fmt: skip
        assert api(mara).post(path, body).status_code == 422, body
    added = api(mara).post(path, member(otto, 3))
    assert (added.status_code, added.json["weight"]) == (201, 3)
    one = f"{path}/{added.json['id']}"
    assert api(mara).patch(one, {"weight": 1000}).json["weight"] == 1000
    for body in ({}, {"weight": 0}, {"weight": None}, {"weight": 5, "x": 1}):
        assert api(mara).patch(one, body).status_code == 422, body
    assert api(mara).delete(one).status_code == 204
    for method in ("DELETE", "PATCH"):
        assert api(mara).request(method, one, {"weight": 2} if method == "PATCH" else None).status_code == 404
    assert len(api(mara).walk(path, 1)) == 2


def test_fields_change_and_stale_changes_are_refused(api, mara, group, world):
    path = f"/round-robins/{group['id']}"
    tag = f'"{group["version"]}"'
    changed = api(mara).patch(path, {"fallback_queue_id": world.queue.ref}, headers={"If-Match": tag})
    assert (changed.json["fallback_queue_id"], changed.json["name"]) == (world.queue.ref, "Turns")
    assert slug(api(mara).patch(path, {"name": "Late"}, headers={"If-Match": tag})) == (409, "stale")
    assert api(mara).patch(path, {"fallback_queue_id": None}).json["fallback_queue_id"] is None
    for body in ({"name": None}, {"members": []}, {"fallback_queue_id": world.account.ref}):
        assert api(mara).patch(path, body).status_code == 422, body
    for ref in (ABSENT, world.queue.ref):
        assert api(mara).get(f"/round-robins/{ref}").status_code == 404


def test_the_ledger_tells_turns_shares_and_who_is_passed_over(session, api, mara, pia, pam, group, now):
    from datetime import timedelta

    path = f"/round-robins/{group['id']}/ledger"
    ledger = api(mara).get(path).json
    assert (ledger["turns"], [line["count"] for line in ledger["items"]]) == (0, [0, 0])
    for _number in range(6):
        lead = api(mara).post("/leads", {"company": "Forges"}).json["id"]
        owner = {"owner": {"type": "round_robin", "id": group["id"]}}
        assert api(mara).post(f"/leads/{lead}/assign", owner).status_code == 200
    pam.away_until = now + timedelta(days=3)
    session.commit()
    ledger = api(mara).get(path).json
    assert ledger["turns"] == 6
    assert [(line["count"], line["share"], line["total"]) for line in ledger["items"]] == [
        (2, 2.0, 2),
        (4, 4.0, 4),
    ]
    assert [(line["eligible"], line["reason"]) for line in ledger["items"]] == [(True, None), (False, "away")]
    assert {line["member_id"] for line in ledger["items"]} == {m["id"] for m in group["members"]}
    assert len(api(mara).walk(path, 1)) == 2


def test_one_in_use_is_not_deleted(api, mara, group):
    rules = {"name": "All", "entries": [{"target": {"type": "round_robin", "id": group["id"]}}]}
    rule = api(mara).post("/assignment-rules", rules).json["id"]
    answer = api(mara).delete(f"/round-robins/{group['id']}")
    assert slug(answer) == (409, "in-use")
    assert len(answer.json["uses"]) == 1
    assert api(mara).delete(f"/assignment-rules/{rule}").status_code == 204
    assert api(mara).delete(f"/round-robins/{group['id']}").status_code == 204
    assert api(mara).delete(f"/round-robins/{group['id']}").status_code == 404


def test_they_are_kept_by_administrators_and_channel_managers(session, api, sal, vic, pia, pam, otto, group):
    for person in (sal, vic, pia, pam, otto):
        for ref in (group["id"], ABSENT):
            for method, path, body in (
                ("GET", "/round-robins", None), ("POST", "/round-robins", {"name": "x"}),
                ("GET", f"/round-robins/{ref}", None), ("PATCH", f"/round-robins/{ref}", {}),
                ("DELETE", f"/round-robins/{ref}", None), ("GET", f"/round-robins/{ref}/ledger", None),
                ("GET", f"/round-robins/{ref}/members", None), ("POST", f"/round-robins/{ref}/members", {}),
                ("PATCH", f"/round-robins/{ref}/members/mem_0", {}),
                ("DELETE", f"/round-robins/{ref}/members/mem_0", None),
            ):  # fmt: skip
                assert api(person).request(method, path, body).status_code == 403, (method, path)


def test_the_number_of_statements_does_not_grow(session, api, mara, northwind, count_queries):
    def add(count):
        for number in range(count):
            people = [make_user(session, partner=northwind) for _seat in range(number % 3)]
            session.commit()
            name = f"Group {number} of {count}"
            api(mara).post("/round-robins", {"name": name, "members": [member(p) for p in people]})

    def ask():
        client = api(mara)
        client.get("/round-robins")
        with count_queries() as queries:
            client.get("/round-robins?limit=200")
        return len(queries)

    add(3)
    few = ask()
    add(7)
    assert ask() == few
