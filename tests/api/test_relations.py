"""/accounts/{id}/relationships, /interests, /characteristics, /responsibles; another kind of account."""

import pytest

from app.accounts.relations.models import AccountRelationship
from app.events.models import Event
from app.identity.models import AccountScope
from tests.accounts.hanging import interest, make_area, make_type, relate
from tests.factories import make_account, make_contact, row_count, rows

ABSENT = "acct_" + "0" * 22


def slug(answer):
    return answer.status_code, answer.json["type"].rpartition("/")[2]


@pytest.fixture
def forge(session, sal):
    return make_account(session, "Forges", owner=sal)


@pytest.fixture
def mine(session, ada):
    """An ore mine that belongs to somebody else."""
    return make_account(session, "Mine", owner=ada)


def test_a_relationship_is_read_from_both_sides(api, session, sal, vic, forge, mine):
    call, path = api(sal), f"/accounts/{forge.ref}/relationships"
    values = {"account_id": mine.ref, "reason": "supplied BY", "note": "Ore", "since_on": "2024-05-01"}
    made = call.post(path, values)
    assert made.status_code == 201
    body = made.json
    assert (body["reason"], body["inverse"], body["account"]) == (
        "Supplied by", True, {"id": mine.ref, "name": "Mine"},
    )  # fmt: skip
    assert (body["note"], body["since_on"], body["until_on"]) == ("Ore", "2024-05-01", None)
    assert call.get(path).json["items"] == [body]
    [back] = call.get(f"/accounts/{mine.ref}/relationships").json["items"]
    assert (back["id"], back["reason"], back["inverse"], back["account_id"]) == (
        body["id"], "Supplier of", False, forge.ref,
    )  # fmt: skip
    assert back["reason_id"] == body["reason_id"]
    twice = call.post(
        f"/accounts/{mine.ref}/relationships", {"account_id": forge.ref, "reason": "Supplier of"}
    )
    assert slug(twice) == (409, "already-related")
    rivals = {"account_id": mine.ref, "reason": "Competitor of"}
    assert call.post(path, rivals).status_code == 201
    assert slug(call.post(path, {**rivals, "reason": "competitor of"})) == (409, "already-related")
    for value, field in (
        ({"account_id": forge.ref}, "account_id"), ({"account_id": ABSENT}, "account_id"), ({"reason": "Friend"}, "reason"),
        ({"reason": ""}, "reason"), ({"until_on": "2020-01-01"}, "until_on"), ({"since_on": "May"}, "since_on"),
        ({"note": "x" * 256}, "note"),
    ):  # fmt: skip
        refused = call.post(path, {**values, "reason": "Customer of", **value})
        assert (refused.status_code, list(refused.json["errors"])) == (422, [field]), value
    assert api(vic).post(path, values).status_code == 403
    assert call.delete(f"/accounts/{mine.ref}/relationships/{body['id']}").status_code == 204
    assert call.delete(f"{path}/{body['id']}").status_code == 404
    told = [(e.record_ref, e.verb) for e in rows(session, Event, Event.verb.in_(("related", "unrelated")))]
    assert sorted(told[:2]) == sorted([(forge.ref, "related"), (mine.ref, "related")])
    assert sorted(told[-2:]) == sorted([(forge.ref, "unrelated"), (mine.ref, "unrelated")])


def test_a_relationship_to_a_hidden_account_is_not_there(api, signed_in, session, sal, forge, mine):
    link = relate(session, mine, forge)
    sal.account_scope = AccountScope.PORTFOLIO
    session.commit()
    call, path = api(sal), f"/accounts/{forge.ref}/relationships"
    assert call.get(path).json == {"items": [], "next_cursor": None}
    assert call.delete(f"{path}/{link.ref}").status_code == 404
    assert row_count(session, AccountRelationship) == 1
    unseen = call.post(path, {"account_id": mine.ref, "reason": "Customer of"})
    absent = call.post(path, {"account_id": ABSENT, "reason": "Customer of"})
    assert unseen.json == {**absent.json}
    assert call.get(f"/accounts?related_to={mine.ref}").json["items"] == []


def test_the_timeline_names_the_other_account_to_those_who_see_it(
    api, signed_in, session, ada, sal, forge, mine
):
    path = f"/accounts/{forge.ref}/relationships"
    made = api(ada).post(path, {"account_id": mine.ref, "reason": "Supplied by"}).json
    page = f"/accounts/{forge.ref}"
    assert "related it: supplied by Mine" in signed_in(ada).get(page).get_data(as_text=True)
    sal.account_scope = AccountScope.PORTFOLIO
    session.commit()
    shown = signed_in(sal).get(page).get_data(as_text=True)
    assert "Mine" not in shown
    assert "supplied by" not in shown.lower().partition("timeline")[2]
    assert "related it" not in shown
    api(ada).delete(f"{path}/{made['id']}")
    assert "Mine" not in signed_in(sal).get(page).get_data(as_text=True)
    events = api(ada).get(f"/events?record={forge.ref}").text
    assert "other_id" not in events, "keys never leave"


def test_interests_say_who_noted_them_and_which_need_is_open(api, session, ada, sal, forge):
    bikes = make_area(session, "Bikes")
    road = make_area(session, "Road", below=bikes)
    session.commit()
    call, path = api(sal), f"/accounts/{forge.ref}/interests"
    made = call.post(path, {"area": "ROAD", "interest": True, "need": "A lighter frame"})
    assert made.status_code == 201
    assert {name: made.json[name] for name in ("area", "area_id", "path", "interest", "need", "need_met")} == {
        "area": "Road", "area_id": road.ref, "path": "Bikes › Road", "interest": True, "need": "A lighter frame",
        "need_met": False,
    }  # fmt: skip
    assert made.json["noted_by"]["name"] == "Sal"
    one = f"{path}/{made.json['id']}"
    assert api(ada).patch(one, {"need_met": True}).json["need_met"] is True
    assert call.get(path).json["items"][0]["noted_by"]["name"] == "Ada"
    assert call.patch(one, {"need": "A faster one"}).json["need_met"] is False, "another need is not met yet"
    again = call.post(path, {"area": road.ref, "interest": False})
    assert (again.status_code, again.json["interest"], again.json["need"]) == (200, False, None)
    assert call.post(path, {"area": "Nothing", "interest": True}).status_code == 422
    assert call.patch(one, {"interest": None}).status_code == 422
    assert call.delete(one).status_code == 204
    assert call.patch(one, {"interest": True}).status_code == 404
    changes = [e.changes for e in rows(session, Event, Event.verb == "interest_noted")]
    assert changes[1] == {"need_met": [False, True]}
    assert len(changes) == 5
    area = api(ada).patch(f"/registries/interest_areas/{bikes.ref}", {"active": False})
    assert area.json["active"] is False
    assert call.post(path, {"area": "Bikes", "interest": True}).status_code == 422, "retired"


def test_characteristics_take_the_values_that_are_allowed(api, session, ada, sal, forge):
    make_type(session, "Fleet", "Small", "Large")
    make_type(session, "Motto")
    session.commit()
    call, path = api(sal), f"/accounts/{forge.ref}/characteristics"
    made = call.post(path, {"type": "fleet", "value": "small"})
    assert (made.status_code, made.json["type"], made.json["value"]) == (201, "Fleet", "Small")
    assert call.post(path, {"type": "Fleet", "value": "Large"}).status_code == 201
    assert slug(call.post(path, {"type": "Fleet", "value": "SMALL"})) == (409, "already-there")
    assert "Small, Large" in str(call.post(path, {"type": "Fleet", "value": "huge"}).json["errors"])
    assert call.post(path, {"type": "Motto", "value": "Més és més"}).status_code == 201
    for body in (
        {"type": "Nothing", "value": "x"},
        {"type": "Motto", "value": " "},
        {"type": "Motto", "value": "x" * 121},
    ):
        assert call.post(path, body).status_code == 422
    items = call.get(path).json["items"]
    assert [(i["type"], i["value"]) for i in items] == [
        ("Fleet", "Large"),
        ("Fleet", "Small"),
        ("Motto", "Més és més"),
    ]
    assert call.get("/accounts?characteristic=Motto%3Dmes%20es%20mes").json["items"][0]["id"] == forge.ref
    assert call.delete(f"{path}/{made.json['id']}").status_code == 204
    assert [e.detail["value"] for e in rows(session, Event, Event.verb == "characteristic_removed")] == [
        "Small"
    ]


def test_the_role_of_somebody_answerable_changes(api, session, ada, sal, vic, forge):
    path = f"/accounts/{forge.ref}/responsibles"
    made = api(ada).post(path, {"user_id": sal.ref, "role": "Support"}).json
    changed = api(ada).patch(f"{path}/{made['id']}", {"role": "Technician"})
    assert (changed.status_code, changed.json["role"]) == (200, "Technician")
    assert api(ada).patch(f"{path}/{made['id']}", {"role": None}).json["role"] is None
    assert api(vic).patch(f"{path}/{made['id']}", {"role": "x"}).status_code == 403
    changes = [e.changes for e in rows(session, Event, Event.verb == "responsible_changed")]
    assert changes[0] == {"role": ["Support", "Technician"]}


def test_another_kind_makes_a_person_or_a_business(api, session, ada, sal, forge):
    contact = make_contact(session, "Puig", account=forge)
    session.commit()
    call, path = api(sal), f"/accounts/{forge.ref}"
    person = {"kind": "person", "last_name": "Puig", "first_name": "Marta", "phone": "972 20 11 00"}
    assert slug(call.patch(path, person)) == (409, "in-use")
    api(ada).delete(f"/contacts/{contact.ref}")
    made = call.patch(path, person)
    assert (made.status_code, made.json["kind"], made.json["name"]) == (200, "person", "Marta Puig")
    assert made.json["phone"] == "972 20 11 00"
    back = call.patch(path, {"kind": "business", "name": "Forja"}).json
    assert (back["kind"], back["name"]) == ("business", "Forja")
    assert [c["last_name"] for c in call.get(f"/contacts?account_id={forge.ref}").json["items"]] == ["Puig"]


@pytest.mark.databases("sqlite")
def test_statements_do_not_grow_with_what_hangs_on_it(api, session, ada, forge, count_queries):
    def asked():
        session.commit()
        with count_queries() as queries:
            for name in ("relationships", "interests", "characteristics"):
                assert api(ada).get(f"/accounts/{forge.ref}/{name}").status_code == 200
        return len(queries)

    area = make_area(session, "Bikes")
    interest(session, forge, area)
    relate(session, forge, make_account(session, "Other 0", owner=ada))
    few = asked()
    for number in range(8):
        relate(session, forge, make_account(session, f"Other {number + 1}", owner=ada))
        interest(session, forge, make_area(session, f"Area {number}", below=area))
    assert asked() == few
