"""Reasons of relationships, types of characteristics, areas and roles, as an administrator keeps them."""

from app.accounts.relations.areas import list_areas
from app.accounts.relations.models import InterestArea, RelationshipReason
from tests.accounts.hanging import characterise, interest, reason_named, relate
from tests.factories import make_account, rows

PAGES = {
    "relationship-reasons": {"name": "Lends to", "inverse": "Borrows from"},
    "characteristic-types": {"name": "Fleet", "allowed": "small, large"},
    "interest-areas": {"name": "Bikes", "parent_id": ""},
    "responsible-roles": {"name": "Mechanic"},
}


def slug(answer):
    return answer.status_code, answer.json["type"].rpartition("/")[2]


def test_reasons_read_one_way_each_and_keep_their_direction_while_in_use(api, session, ada, mara, sal):
    call, path = api(ada), "/registries/relationship_reasons"
    made = call.post(path, {"name": "Lends to", "inverse": "Borrows from"})
    assert made.status_code == 201
    assert made.json["inverse"] == "Borrows from"
    for taken in ("LENDS to", "borrows from", "supplied by"):
        assert call.post(path, {"name": taken}).status_code == 422
        assert call.post(path, {"name": "New", "inverse": taken}).status_code == 422
    alike = call.post(path, {"name": "Friend of", "inverse": "friend OF"}).json
    assert alike["inverse"] is None, "it reads the same from both sides"
    one, two = make_account(session, "One", owner=ada), make_account(session, "Two", owner=ada)
    relate(session, one, two, "Lends to")
    session.commit()
    item = f"{path}/{made.json['id']}"
    assert slug(call.patch(item, {"inverse": None})) == (409, "in-use")
    assert call.patch(item, {"inverse": "Owes"}).json["inverse"] == "Owes"
    used = call.delete(item)
    assert slug(used) == (409, "in-use")
    assert "1 relationship" in used.json["detail"]
    assert call.patch(item, {"active": False}).json["active"] is False
    assert call.delete(f"{path}/{alike['id']}").status_code == 204
    for person, status in ((mara, 403), (sal, 403)):
        assert api(person).post(path, {"name": "No"}).status_code == status


def test_values_that_accounts_have_stay_among_those_to_choose_from(api, session, ada):
    call, path = api(ada), "/registries/characteristic_types"
    made = call.post(path, {"name": "Fleet", "allowed": ["small", " Large ", "SMALL"]}).json
    assert made["allowed"] == ["small", "Large"]
    from app.accounts.relations.models import CharacteristicType

    [type_] = rows(session, CharacteristicType)
    characterise(session, make_account(session, "One", owner=ada), type_, "Large")
    session.commit()
    item = f"{path}/{made['id']}"
    assert slug(call.patch(item, {"allowed": ["small"]})) == (409, "in-use")
    assert call.patch(item, {"allowed": ["LARGE", "huge"]}).json["allowed"] == ["LARGE", "huge"]
    assert call.patch(item, {"allowed": []}).json["allowed"] == [], "free again"
    assert "1 characteristic" in call.delete(item).json["detail"]


def test_areas_are_a_tree_without_circles(api, session, ada):
    call, path = api(ada), "/registries/interest_areas"
    top = call.post(path, {"name": "Bikes"}).json
    road = call.post(path, {"name": "Road", "parent_id": top["id"]}).json
    gravel = call.post(path, {"name": "Gravel", "parent_id": "ROAD"}).json
    assert (road["parent_id"], gravel["parent_id"]) == (top["id"], road["id"])
    for below in (top, road, gravel):
        refused = call.patch(f"{path}/{top['id']}", {"parent_id": below["id"]})
        assert refused.status_code == 422
    assert call.patch(f"{path}/{gravel['id']}", {"parent_id": "Nowhere"}).status_code == 422
    city = call.post(path, {"name": "City", "parent_id": top["id"]}).json
    assert [i["name"] for i in call.get(path).json["items"]] == ["Bikes", "Road", "Gravel", "City"]
    call.patch(f"{path}/{city['id']}", {"position": 0})
    assert [i["name"] for i in call.get(path).json["items"]] == ["Bikes", "City", "Road", "Gravel"]
    [first] = rows(session, InterestArea, InterestArea.name == "Road")
    interest(session, make_account(session, "One", owner=ada), first)
    session.commit()
    assert "1 interest of accounts, 1 area below it" in call.delete(f"{path}/{road['id']}").json["detail"]
    assert call.patch(f"{path}/{road['id']}", {"parent_id": None}).json["parent_id"] is None
    paths = {area.name: area.path for area in list_areas(session)}
    assert (paths["City"], paths["Gravel"]) == ("Bikes › City", "Road › Gravel")


def test_each_list_is_kept_in_setup(signed_in, ada, mara):
    browser = signed_in(ada)
    for listing, values in PAGES.items():
        path = f"/setup/{listing}"
        added = browser.submit(path, values)
        assert added.status_code == 303
        shown = browser.get(path).get_data(as_text=True)
        assert all(value in shown for value in values.values())
        ref = added.location.partition("#")[2]
        for act in ("save", "up", "retire", "restore", "remove"):
            answer = browser.submit(f"{path}/{ref}", {**values, "act": act}, page=path)
            assert answer.status_code == 303, (listing, act)
        assert ref not in browser.get(path).get_data(as_text=True)
        assert signed_in(mara).get(path).status_code == 403


def test_a_list_is_pasted_whole_or_not_at_all(signed_in, session, ada):
    browser = signed_in(ada)
    tree = "Bikes\n  Road\n    Gravel\n  City\nParts > Wheels > Rims\nbikes\n"
    path = "/setup/interest-areas"
    answer = browser.submit(f"{path}/paste", {"lines": tree}, page=path, follow_redirects=True)
    assert "7 added, 1 were there already" in answer.get_data(as_text=True)
    assert [(a.name, a.depth) for a in list_areas(session)] == [
        ("Bikes", 0), ("Road", 1), ("Gravel", 2), ("City", 1), ("Parts", 0), ("Wheels", 1), ("Rims", 2),
    ]  # fmt: skip
    path = "/setup/relationship-reasons"
    bad = "Lends to | Borrows from\nOwns | supplied by\n"
    answer = browser.submit(f"{path}/paste", {"lines": bad}, page=path)
    assert answer.status_code == 422
    shown = answer.get_data(as_text=True)
    assert "“Owns”: “supplied by” is there already." in shown
    assert "Borrows from" in shown, "what was pasted is still there"
    assert not rows(session, RelationshipReason, RelationshipReason.name == "Lends to")
    assert reason_named(session, "Supplier of").inverse == "Supplied by"
