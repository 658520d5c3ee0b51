"""/inbox: available, offered to me, mine; and taking the next."""

from datetime import timedelta

from tests.factories import make_lead, make_queue


def test_available_shows_previews_the_oldest_first(session, api, pia, pam, otto, world, now):
    older = make_lead(
        session, queue=world.queue, company="Hidden Older", waiting_since=now - timedelta(days=2)
    )
    session.commit()
    for person in (pia, pam):
        items = api(person).items("/inbox")
        assert [item["id"] for item in items] == [older.ref, world.waiting.ref]
        assert {item["visibility"] for item in items} == {"preview"}
        assert "Hidden" not in str(items)
        assert api(person).items("/inbox?box=available") == items
        assert api(person).items("/inbox?box=") == items
    assert api(otto).items("/inbox") == []


def test_mine_and_offered_are_told_apart(api, mara, pia, pam, world):
    assert [item["id"] for item in api(pia).items("/inbox?box=mine")] == [world.owned.ref]
    assert api(pia).items("/inbox?box=offered") == []
    assert api(pam).items("/inbox?box=mine") == []
    body = {"owner": {"type": "user", "id": pia.ref}, "offer": True}
    api(mara).post(f"/leads/{world.sals.ref}/assign", body)
    assert [item["id"] for item in api(pia).items("/inbox?box=offered")] == [world.sals.ref]
    assert [item["id"] for item in api(pia).items("/inbox?box=mine")] == [world.owned.ref]


def test_a_box_is_filtered_and_paged_as_leads_are(session, api, pia, world):
    for _number in range(4):
        make_lead(session, queue=world.queue, city="Lleida")
    session.commit()
    assert len(api(pia).items("/inbox?city=lleida")) == 4
    assert len(api(pia).items("/inbox?company=Tallers Serra")) == 0
    assert len(api(pia).walk("/inbox", 2)) == 5
    for query in ("box=nowhere", "box=mine&box=offered", "nonsense=1", "sort=nonsense", "limit=0"):
        assert api(pia).get(f"/inbox?{query}").status_code == 422, query
    assert api(pia).get("/inbox?cursor=nonsense").status_code == 400


def test_the_inbox_is_the_partners(api, ada, mara, sal, vic):
    for person in (ada, mara, sal, vic):
        assert api(person).get("/inbox").status_code == 403


def test_the_next_is_the_one_that_has_waited_longest(session, api, pia, pam, world, now):
    older = make_lead(session, queue=world.queue, waiting_since=now - timedelta(days=2))
    session.commit()
    first = api(pia).post("/inbox/claim-next")
    assert (first.status_code, first.json["id"], first.json["visibility"]) == (200, older.ref, "full")
    assert api(pam).post("/inbox/claim-next", {}).json["id"] == world.waiting.ref
    nothing = api(pia).post("/inbox/claim-next")
    assert (nothing.status_code, nothing.get_data()) == (204, b"")


def test_the_next_of_a_queue_of_ones_own(session, api, pia, otto, world, northwind):
    other = make_queue(session, "Other", members=(northwind,))
    lead = make_lead(session, queue=other)
    session.commit()
    assert api(pia).post("/inbox/claim-next", {"queue_id": other.ref}).json["id"] == lead.ref
    for queue_id in (world.queue.ref, "queue_0000000000000000000000", world.account.ref, ""):
        refused = api(otto).post("/inbox/claim-next", {"queue_id": queue_id})
        assert (refused.status_code, list(refused.json["errors"])) == (422, ["queue_id"])
    assert api(pia).post("/inbox/claim-next", {"queue": other.ref}).status_code == 422


def test_who_is_full_or_only_reads_takes_nothing(session, api, pia, vic, sal, world):
    pia.capacity = 0
    session.commit()
    full = api(pia).post("/inbox/claim-next")
    assert (full.status_code, full.json["type"].rpartition("/")[2]) == (409, "at-capacity")
    assert api(vic).post("/inbox/claim-next").status_code == 403
    assert api(sal).post("/inbox/claim-next").status_code == 204
