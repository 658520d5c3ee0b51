"""/cases."""

from app.cases.models import Case
from tests.factories import make_case, make_contact, row_count


def test_a_case_is_made_worked_on_closed_and_deleted(api, sal, vic, mara, otto, world):
    answer = api(sal).post(
        "/cases", {"subject": "The pump leaks", "priority": "high", "contact_id": world.contact.ref}
    )
    assert answer.status_code == 201
    made = answer.json
    assert (made["account_id"], made["status"], made["open"]) == (world.account.ref, "new", True)
    assert (made["owner"]["id"], made["closed_at"], made["opened_at"]) == (sal.ref, None, made["created_at"])
    where = f"/cases/{made['id']}"
    assert api(vic).get(where).json == made
    for person, wanted in ((otto, 404), (vic, 403)):
        assert api(person).patch(where, {"subject": "x"}).status_code == wanted
        assert api(person).delete(where).status_code == wanted
    logged = api(sal).post(f"{where}/activities", {"kind": "call", "subject": "Rang"})
    assert logged.json["record"] == {"type": "case", "id": made["id"]}
    assert [each["id"] for each in api(vic).items(f"{where}/activities")] == [logged.json["id"]]
    closed = api(sal).patch(
        where, {"status": "closed", "reason": "A new gasket"}, headers={"If-Match": answer.headers["ETag"]}
    )
    assert (closed.json["open"], closed.json["resolution"]) == (False, "A new gasket")
    assert closed.json["closed_at"] is not None
    stale = api(sal).patch(where, {"subject": "x"}, headers={"If-Match": answer.headers["ETag"]})
    assert (stale.status_code, stale.json["current"]) == (409, closed.json)
    opened = api(sal).patch(where, {"status": "working"}).json
    assert (opened["open"], opened["closed_at"], opened["resolution"]) == (True, None, None)
    assert api(mara).delete(where).status_code == 204
    for path in ("", "/activities", "/access", "/shares"):
        assert api(mara).get(where + path).status_code == 404
    assert api(mara).post(f"{where}/restore").json["id"] == made["id"]


def test_what_is_not_valid_is_refused(session, api, sal):
    client = api(sal)
    for values in (
        {}, {"subject": None}, {"subject": "x" * 256}, {"subject": "\u0000"}, {"subject": "x", "status": "no"},
        {"subject": "x", "priority": "sky high"}, {"subject": "x", "contact_id": "cont_0000000000000000000000"},
        {"subject": "x", "owner": "user_0000000000000000000000"}, {"subject": "x", "number": "12345678"},
        {"subject": "x", "closed_at": "2026-01-01T00:00:00Z"}, {"subject": "x", "reason": "y"},
    ):  # fmt: skip
        assert client.post("/cases", values).status_code == 422, values
    assert row_count(session, Case) == 0


def test_a_contact_of_another_account_is_refused_and_brings_its_own(session, api, sal, world):
    stranger = make_contact(session, "Roca", account=None, owner=sal)
    session.commit()
    pair = {"contact_id": stranger.ref, "account_id": world.account.ref}
    answer = api(sal).post("/cases", {"subject": "x", **pair})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["contact_id"])
    made = api(sal).post("/cases", {"subject": "x", "account_id": world.account.ref}).json
    where = f"/cases/{made['id']}"
    assert api(sal).patch(where, {"contact_id": stranger.ref}).json["account_id"] is None
    changed = api(sal).patch(where, {"contact_id": world.contact.ref}).json
    assert changed["account_id"] == world.account.ref
    assert api(sal).patch(where, {"contact_id": None}).json["account_id"] == world.account.ref


def test_filters_sorts_and_what_is_shared(session, api, ada, sal, pia, world):
    cases = [
        make_case(
            session, f"Case {n}", account=world.account, owner=sal, priority=p, priority_rank=r, status=s
        )
        for n, (p, r, s) in enumerate([("low", 0, "new"), ("urgent", 3, "closed"), ("high", 2, "new")])
    ]
    session.commit()
    names = [case.ref for case in cases]
    by_urgency = [each["id"] for each in api(sal).items("/cases?sort=-priority")]
    assert by_urgency == [names[1], names[2], names[0]]
    for query, found in (
        ("status=new&status=waiting", {0, 2}),
        ("open=false", {1}),
        ("priority=high", {2}),
        (f"account_id={world.account.ref}&owner=me", {0, 1, 2}),
        (f"number={cases[1].number}", {1}),
        (f"q={world.account.name[:5]}", {0, 1, 2}),
        ("contact_id=cont_0000000000000000000000", set()),
    ):
        assert {each["id"] for each in api(sal).items(f"/cases?{query}")} == {names[n] for n in found}, query
    for query in ("colour=red", "sort=owner", "created_at_from=yesterday"):
        assert api(sal).get(f"/cases?{query}").status_code == 422
    share = api(sal).post(
        f"/cases/{names[0]}/shares", {"principal": {"type": "user", "id": pia.ref}, "level": "read"}
    )
    assert share.status_code == 201
    why = api(ada).get(f"/cases/{names[0]}/access?user_id={pia.ref}").json
    assert (why["level"], [cause["type"] for cause in why["causes"]]) == ("read", ["manual_share"])
    assert api(sal).delete(f"/cases/{names[0]}/shares/{share.json['id']}").status_code == 204
    assert api(ada).get(f"/cases/{names[0]}/access?user_id={pia.ref}").json["visible"] is False


def test_the_defaults_of_cases_are_settings(api, ada, sal, world, session):
    case = make_case(session, owner=ada)
    session.commit()
    assert api(sal).get(f"/cases/{case.ref}").status_code == 200
    defaults = {"defaults": {"case": {"internal": "private"}}}
    preview = api(ada).patch("/settings?preview=true", defaults).json
    assert any("case" in str(each) for each in preview.values())
    assert api(ada).patch("/settings", defaults).json["defaults"]["case"]["internal"] == "private"
    assert api(sal).get(f"/cases/{case.ref}").status_code == 404
