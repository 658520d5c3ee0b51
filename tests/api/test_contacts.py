"""/contacts."""

import pytest

from app.accounts.models import Contact
from tests.factories import make_contact, make_user, row_count

ABSENT = "cont_0000000000000000000000"


def test_a_contact_is_made_and_read(api, sal, vic, world):
    values = {
        "last_name": "Soler", "first_name": "Jordi", "account_id": world.account.ref, "email": "j@forges.example",
        "reports_to_id": world.contact.ref,
    }  # fmt: skip
    answer = api(sal).post("/contacts", values)
    assert answer.status_code == 201
    assert {name: answer.json[name] for name in values} == values
    assert answer.json["owner"]["id"] == sal.ref
    assert api(vic).get(f"/contacts/{answer.json['id']}").json == answer.json


@pytest.mark.parametrize(
    "values",
    [
        {}, {"last_name": None}, {"first_name": "Mar"}, {"last_name": "x" * 121}, {"last_name": "\ud800"},
        {"last_name": "x", "email": "no"}, {"last_name": "x", "account_id": "acct_0000000000000000000000"},
        {"last_name": "x", "reports_to_id": ABSENT}, {"last_name": "x", "language": "xx"},
        {"last_name": "x", "time_zone": "Nowhere"}, {"last_name": "x", "is_primary": True},
    ],
)  # fmt: skip
def test_what_is_not_valid_is_refused(session, api, sal, values):
    assert api(sal).post("/contacts", values).status_code == 422
    assert row_count(session, Contact) == 0


def test_a_probable_duplicate_is_shown_and_saved_on_purpose(api, sal, world):
    values = {"last_name": "Other", "email": "PUIG@forges.example"}
    answer = api(sal).post("/contacts", values)
    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (409, "probable-duplicate")
    assert answer.json["matches"] == [{"type": "contact", "id": world.contact.ref, "reasons": ["email"]}]
    assert api(sal).post("/contacts", {**values, "allow_duplicate": True}).status_code == 201


def test_without_an_account_it_is_its_owners_and_the_administrators(api, sal, mara, ada, vic, world):
    private = api(sal).post("/contacts", {"last_name": "Secret"}).json
    assert private["account_id"] is None
    for person in (sal, ada):
        assert api(person).get(f"/contacts/{private['id']}").status_code == 200
    for person in (mara, vic):
        assert api(person).get(f"/contacts/{private['id']}").status_code == 404
        assert private["id"] not in [contact["id"] for contact in api(person).items("/contacts")]
    answer = api(mara).post("/contacts", {"last_name": "Secret", "email": private["email"]})
    assert "matches" not in answer.json
    # A match that one may not see is not shown.
    email = {"email": "secret@forges.example"}
    api(sal).patch(f"/contacts/{private['id']}", email)
    assert api(mara).post("/contacts", {"last_name": "Other", **email}).status_code == 201


def test_fields_change_and_stale_changes_are_refused(api, sal, vic, world):
    path = f"/contacts/{world.contact.ref}"
    tag = api(sal).get(path).headers["ETag"]
    changed = api(sal).patch(path, {"title": "Buyer"}, headers={"If-Match": tag})
    assert (changed.json["title"], changed.json["last_name"]) == ("Buyer", "Puig")
    late = api(sal).patch(path, {"title": "Seller"}, headers={"If-Match": tag})
    assert (late.status_code, late.json["current"]["title"]) == (409, "Buyer")
    for body in ({"last_name": None}, {"reports_to_id": world.contact.ref}, {"nonsense": 1}, {"owner": None}):
        assert api(sal).patch(path, body).status_code == 422, body
    assert api(vic).patch(path, {"title": "x"}).status_code == 403


def test_whoever_gives_it_away_is_answered_all_the_same(api, sal, mara, world):
    private = api(sal).post("/contacts", {"last_name": "Secret"}).json
    answer = api(sal).patch(f"/contacts/{private['id']}", {"owner": mara.ref})
    assert (answer.status_code, answer.json["owner"]["id"]) == (200, mara.ref)
    assert api(sal).get(f"/contacts/{private['id']}").status_code == 404
    assert api(mara).get(f"/contacts/{private['id']}").status_code == 200


def test_deleting(session, api, sal, mara, vic, world, northwind, pia):
    person = make_contact(session, "Serra", account=world.account, owner=sal)
    session.commit()
    assert api(vic).delete(f"/contacts/{person.ref}").status_code == 403
    assert api(sal).delete(f"/contacts/{person.ref}", headers={"If-Match": '"x"'}).status_code == 409
    assert api(sal).delete(f"/contacts/{person.ref}").status_code == 204
    assert api(sal).delete(f"/contacts/{person.ref}").status_code == 404
    make_user(session, "Nil", partner=northwind, contact_id=world.contact.id)
    session.commit()
    answer = api(mara).delete(f"/contacts/{world.contact.ref}")
    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (409, "in-use")


def test_partners_find_no_contacts(api, pia, pam, otto, world):
    for person in (pia, pam, otto):
        client = api(person)
        assert client.items("/contacts") == []  # nothing is given to them
        assert client.post("/contacts", {"last_name": "x"}).status_code == 403
        for ref in (world.contact.ref, ABSENT, world.account.ref):
            for method, path, body in (
                ("GET", "", None), ("PATCH", "", {"title": "x"}), ("DELETE", "", None), ("GET", "/access", None),
                ("POST", "/enable-partner-user", {}), ("GET", "/activities", None),
            ):  # fmt: skip
                assert client.request(method, f"/contacts/{ref}{path}", body).status_code == 404, (
                    method,
                    path,
                )


def test_lists_filter_search_sort_and_page(session, api, mara, world):
    for number in range(4):
        make_contact(session, f"Name {number}", account=world.account, title="Buyer")
    session.commit()
    client = api(mara)
    assert len(client.items(f"/contacts?account_id={world.account.ref}&title=buyer")) == 4
    assert [c["last_name"] for c in client.items("/contacts?q=pui")] == ["Puig"]
    names = [c["last_name"] for c in client.walk("/contacts?sort=-last_name", 2)]
    assert names == sorted(names, reverse=True)
    for query in ("nonsense=1", "sort=email", "limit=201"):
        assert client.get(f"/contacts?{query}").status_code == 422, query
    assert client.get("/contacts?cursor=nonsense").status_code == 400
