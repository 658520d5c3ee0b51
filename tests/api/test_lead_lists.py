"""/leads: lists, their pages, filters and cost."""

import pytest

from tests.factories import (
    make_lead,
)


def test_a_list_shows_what_one_sees_and_nothing_else(api, mara, sal, vic, pia, pam, otto, world):
    everything = {world.owned.ref, world.waiting.ref, world.sals.ref}
    for person, expected in (
        (mara, everything),
        (sal, everything),
        (vic, everything),
        (pia, {world.owned.ref, world.waiting.ref}),
        (pam, {world.owned.ref, world.waiting.ref}),
        (otto, set()),
    ):
        assert {item["id"] for item in api(person).items("/leads")} == expected


def test_pages_follow_one_another_whatever_the_sort(session, api, mara, world):
    for number in range(7):
        make_lead(session, company=f"Company {number}", last_name=f"Name {number}", score=number % 3)
    session.commit()
    client = api(mara)
    for sort in (
        "created_at", "-created_at", "updated_at", "arrived_at", "company", "-last_name", "score", "waiting_since",
    ):  # fmt: skip
        walked = [item["id"] for item in client.walk(f"/leads?sort={sort}", 3)]
        assert len(walked) == len(set(walked)) == 10
    newest = [item["created_at"] for item in client.items("/leads")]
    assert newest == sorted(newest, reverse=True)


def test_filters_are_any_of_and_ignore_case(api, mara, world):
    client = api(mara)
    assert len(client.items("/leads?company=molins+roca&company=Tallers Serra")) == 2
    assert len(client.items("/leads?company=Molins Roca&city=Lleida")) == 0
    assert [i["id"] for i in client.items(f"/leads?owner={world.queue.ref}")] == [world.waiting.ref]
    assert len(client.items("/leads?status=new&country=Spain")) == 3
    assert len(client.items("/leads?q=mol")) == 1
    assert len(client.items("/leads?created_at_from=2020-01-01&created_at_to=2100-01-01T00:00:00Z")) == 3
    assert len(client.items("/leads?created_at_to=2020-01-01")) == 0


def test_unknown_filters_sorts_and_limits_are_named(api, mara, pia):
    for query in (
        "nonsense=1",
        "sort=nonsense",
        "sort=-",
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=",
        "limit=-1",
    ):
        for person in (mara, pia):
            answer = api(person).get(f"/leads?{query}")
            assert answer.status_code == 422, query
            assert list(answer.json["errors"]) == [query.partition("=")[0]]
    assert "company" in api(mara).get("/leads?sort=nonsense").json["errors"]["sort"][0]
    assert "city" in api(mara).get("/leads?nonsense=1").json["errors"]["nonsense"][0]


@pytest.mark.parametrize(
    "query",
    [
        "score=abc", "score=nan", "score=1e999", "employees=999999999999999999999999", "created_at_from=x",
        "created_at_from=0001-01-01T00:00:00%2B14:00", "created_at_to=9999-12-31T23:59:59-14:00", "box=nowhere",
        "owner=x", "partner=x", "import=x", "phone=%2B", "email=%40", "q=%25_%5C", "q=" + "x" * 3000,
        "waiting=maybe", "country=%F0%9F%87%AA", "score_from=inf",
    ],
)  # fmt: skip
def test_no_filter_value_is_too_odd(api, mara, pia, world, query):
    for person in (mara, pia):
        assert api(person).get(f"/leads?{query}").status_code in (200, 422)


def test_a_cursor_fits_its_user_filter_and_sort_alone(session, api, mara, ada, world):
    path = "/leads?limit=1"
    cursor = api(mara).get(path).json["next_cursor"]
    assert api(mara).get(f"{path}&cursor={cursor}").status_code == 200
    for person, query in (
        (ada, f"limit=1&cursor={cursor}"),
        (mara, f"limit=1&city=Girona&cursor={cursor}"),
        (mara, f"limit=1&sort=company&cursor={cursor}"),
        (mara, "cursor=nonsense"),
        (mara, "cursor=%C3%A9%00".replace("%00", "")),
    ):
        assert api(person).get(f"/leads?{query}").status_code == 400


def test_for_partner_people_a_hidden_field_leaves_previews_out(api, pia, world):
    client = api(pia)
    assert {i["id"] for i in client.items("/leads")} == {world.owned.ref, world.waiting.ref}
    for query in ("company=Tallers Serra", "q=Tallers", "last_name=Serra", "employees=120"):
        assert client.items(f"/leads?{query}") == [], query
    for query in ("sort=company", "sort=last_name", "sort=updated_at"):
        assert [i["id"] for i in client.items(f"/leads?{query}")] == [world.owned.ref], query
    for query in ("city=girona", "sort=created_at", "sort=arrived_at", "sort=waiting_since", "country=ES"):
        assert len(client.items(f"/leads?{query}")) == 2, query


def test_moments_that_no_preview_tells_cannot_be_closed_in_upon(api, pia, world):
    client = api(pia)
    for name in ("created_at", "updated_at", "waiting_since"):
        for query in (f"{name}_from=2020-01-01", f"{name}_to=2100-01-01"):
            assert [i["id"] for i in client.items(f"/leads?{query}")] == [world.owned.ref], query
    for query in ("arrived_at_from=2020-01-01", "arrived_at_to=2100-01-01", f"owner={world.queue.ref}"):
        assert world.waiting.ref in [i["id"] for i in client.items(f"/leads?{query}")], query
    assert client.items("/inbox?box=available&waiting_since_from=2020-01-01") == []
    assert [i["id"] for i in client.items("/inbox?box=available")] == [world.waiting.ref]


def test_the_number_of_statements_does_not_grow(session, api, mara, pia, northwind, world, count_queries):
    def ask(person, path):
        client = api(person)
        client.get(path)
        with count_queries() as queries:
            client.get(path)
        return len(queries)

    def add(count):
        for number in range(count):
            make_lead(session, queue=world.queue, created_by_id=mara.id)
            make_lead(session, owner=pia, created_by_id=pia.id, company=f"Company {number}")
        session.commit()

    add(1)
    paths = [(mara, "/leads?limit=200"), (pia, "/leads?limit=200"), (pia, "/inbox?limit=200")]
    few = [ask(*pair) for pair in paths]
    add(30)
    many = [ask(*pair) for pair in paths]
    assert many == few
    assert max(many) <= 14
