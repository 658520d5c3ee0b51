"""/accounts, with who answers for them."""

import pytest

from app.accounts.models import Account
from tests.factories import make_account, make_contact, row_count

ABSENT = "acct_0000000000000000000000"


def test_a_business_is_made_and_read(session, api, sal, vic, world):
    answer = api(sal).post(
        "/accounts",
        {
            "name": "Molins Roca, S.L.",
            "billing_country": "Spain",
            "employees": 12,
            "website": "molins.example",
        },
    )
    assert answer.status_code == 201
    account = answer.json
    assert (account["kind"], account["category"], account["billing_country"]) == (
        "business",
        "unclassified",
        "ES",
    )
    assert account["owner"] == {"type": "user", "id": sal.ref, "name": "Sal"}
    assert account["partner"] is None
    assert "last_name" not in account
    assert api(vic).get(f"/accounts/{account['id']}").json == account


def test_a_person_account_has_the_fields_of_a_person(api, sal):
    account = api(sal).post("/accounts", {"kind": "person", "last_name": "Puig", "first_name": "Mar"}).json
    assert (account["name"], account["first_name"], account["email"]) == ("Mar Puig", "Mar", None)
    assert api(sal).post("/accounts", {"kind": "person", "name": "Mar Puig"}).status_code == 422
    assert api(sal).post("/accounts", {"name": "Forges", "first_name": "Mar"}).status_code == 422


def test_references_are_public_names_of_what_one_sees(api, sal, mara, pia, world):
    values = {"name": "Branch", "parent_id": world.account.ref, "owner": {"type": "user", "id": mara.ref}}
    account = api(sal).post("/accounts", values).json
    assert (account["parent_id"], account["owner"]["id"]) == (world.account.ref, mara.ref)
    assert api(sal).post("/accounts", {"name": "Other", "owner": mara.ref}).json["owner"]["id"] == mara.ref
    for field, value in (
        ("parent_id", ABSENT), ("parent_id", world.contact.ref), ("owner", "user_0000000000000000000000"),
        ("owner", {"type": "user", "id": pia.ref}), ("owner", {"type": "queue", "id": world.queue.ref}),
        ("owner", 7),
    ):  # fmt: skip
        assert api(sal).post("/accounts", {"name": "New", field: value}).status_code == 422, (field, value)


@pytest.mark.parametrize(
    "values",
    [
        {}, {"name": None}, {"name": "x" * 256}, {"name": 7}, {"name": "\x00"}, {"name": "x", "employees": -1},
        {"name": "x", "employees": "12"}, {"name": "x", "annual_revenue": True}, {"name": "x", "kind": "group"},
        {"name": "x", "category": "friend"}, {"name": "x", "billing_country": "Atlantis"},
        {"name": "x", "website": "javascript:alert(1)"}, {"name": "x", "partner": {}}, {"name": "x", "id": ABSENT},
        {"name": "x", "owner_user_id": 1}, {"name": "x", "annual_revenue": 1e300},
    ],
)  # fmt: skip
def test_what_is_not_valid_is_refused(session, api, sal, values):
    assert api(sal).post("/accounts", values).status_code == 422
    assert row_count(session, Account) == 0


def test_a_probable_duplicate_is_shown_and_saved_on_purpose(session, api, sal, world):
    values = {"name": "FORGES DEL TER SL"}
    answer = api(sal).post("/accounts", values)
    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (409, "probable-duplicate")
    assert answer.json["matches"] == [{"type": "account", "id": world.account.ref, "reasons": ["name"]}]
    assert api(sal).post("/accounts", {**values, "allow_duplicate": True}).status_code == 201


def test_a_duplicate_that_one_may_not_see_is_not_shown(session, api, world, sal):
    from app.identity.models import AccountScope

    sal.account_scope = AccountScope.PORTFOLIO
    make_account(session, "Molins Roca")
    session.commit()
    assert api(sal).post("/accounts", {"name": "Molins Roca"}).status_code == 201


def test_an_external_id_is_one_accounts_alone(api, sal, world):
    assert api(sal).post("/accounts", {"name": "One", "external_id": "A-1"}).status_code == 201
    answer = api(sal).post("/accounts", {"name": "Two", "external_id": "A-1"})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["external_id"])


def test_fields_change(api, sal, vic, world):
    path = f"/accounts/{world.account.ref}"
    changed = api(sal).patch(path, {"industry": "Steel", "category": "prospect", "phone": None}).json
    assert (changed["industry"], changed["category"], changed["name"]) == (
        "Steel",
        "prospect",
        "Forges del Ter",
    )
    for body in ({"name": None}, {"kind": "person"}, {"parent_id": world.account.ref}, {"custom": {"x": 1}}):
        assert api(sal).patch(path, body).status_code == 422, body
    assert api(vic).patch(path, {"industry": "x"}).status_code == 403
    assert api(sal).patch(path, {}).status_code == 200


def test_a_stale_change_is_refused(api, sal, world):
    path = f"/accounts/{world.account.ref}"
    tag = api(sal).get(path).headers["ETag"]
    assert api(sal).patch(path, {"site": "One"}, headers={"If-Match": tag}).status_code == 200
    late = api(sal).patch(path, {"site": "Two"}, headers={"If-Match": tag})
    assert (late.status_code, late.json["type"].rpartition("/")[2]) == (409, "stale")
    assert late.json["current"]["site"] == "One"
    assert api(sal).get(path).json["site"] == "One"


def test_deleting(session, api, mara, sal, vic, world):
    path = f"/accounts/{world.account.ref}"
    for person in (sal, vic):
        assert api(person).delete(path).status_code == 403
    make_account(session, "Branch", parent_id=world.account.id)
    session.commit()
    answer = api(mara).delete(path)
    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (409, "in-use")
    branch = api(mara).items("/accounts?name=Branch")[0]["id"]
    assert api(mara).delete(f"/accounts/{branch}").status_code == 204
    assert api(mara).delete(path, headers={"If-Match": '"9"'}).status_code == 409
    assert api(mara).delete(path).status_code == 204
    assert api(mara).get(path).status_code == 404
    assert api(mara).get(f"/contacts/{world.contact.ref}").status_code == 404
    assert api(mara).delete(path).status_code == 404


def test_partners_find_no_accounts(api, pia, pam, otto, world, mara):
    northwind = api(mara).items("/accounts?partner=true")[0]["id"]
    for person in (pia, pam, otto):
        client = api(person)
        assert client.items("/accounts") == []  # nothing is given to them
        assert client.post("/accounts", {"name": "x"}).status_code == 403
        for ref in (world.account.ref, northwind, ABSENT):
            for method, path, body in (
                ("GET", "", None), ("PATCH", "", {"name": "x"}), ("DELETE", "", None), ("GET", "/access", None),
                ("GET", "/responsibles", None), ("POST", "/responsibles", {"user_id": "x"}),
                ("POST", "/enable-partner", {}), ("POST", "/suspend-partner", {"open_leads": "keep"}),
                ("POST", "/resume-partner", None), ("GET", "/activities", None),
            ):  # fmt: skip
                assert client.request(method, f"/accounts/{ref}{path}", body).status_code == 404, (
                    method,
                    path,
                )


def test_ids_of_other_kinds_are_not_found(api, mara, world):
    for ref in (world.contact.ref, world.owned.ref, "acct_", "acct_%00", ABSENT):
        assert api(mara).get(f"/accounts/{ref}").status_code == 404


def test_lists_filter_search_sort_and_page(session, api, mara, world):
    for number in range(5):
        make_account(session, f"Company {number}", industry="Wood", billing_city="Vic")
    session.commit()
    client = api(mara)
    assert len(client.items("/accounts?industry=wood&billing_city=VIC")) == 5
    assert len(client.items("/accounts?name=Company 1&name=Company 2")) == 2
    assert [a["name"] for a in client.items("/accounts?q=forges")] == ["Forges del Ter"]
    names = [a["name"] for a in client.walk("/accounts?sort=name", 2)]
    assert names == sorted(names, key=str.casefold)
    assert len(names) == 8  # with the two partners
    assert {a["partner"]["state"] for a in client.items("/accounts?partner=true")} == {"active"}
    for query in ("nonsense=1", "sort=nonsense", "limit=0", "created_at_from=x", "employees=many"):
        assert client.get(f"/accounts?{query}").status_code == 422, query
    assert client.get("/accounts?cursor=nonsense").status_code == 400


def test_the_number_of_statements_does_not_grow(session, api, mara, sal, world, count_queries):
    def ask(path):
        client = api(mara)
        client.get(path)
        with count_queries() as queries:
            client.get(path)
        return len(queries)

    def add(count):
        for _number in range(count):
            account = make_account(session, parent_id=world.account.id, owner=sal)
            make_contact(session, account=account, reports_to_id=world.contact.id)
        session.commit()

    add(2)
    few = ask("/accounts?limit=200"), ask("/contacts?limit=200")
    add(30)
    assert (ask("/accounts?limit=200"), ask("/contacts?limit=200")) == few
    assert max(few) <= 12


def test_responsibles_are_named_and_taken_away(api, mara, sal, vic, pia, world):
    path = f"/accounts/{world.account.ref}/responsibles"
    answer = api(sal).post(path, {"user_id": mara.ref, "role": "Technical"})
    assert answer.status_code == 201
    assert (answer.json["user"]["name"], answer.json["role"]) == ("Mara", "Technical")
    assert api(vic).items(path) == [answer.json]
    assert api(sal).post(path, {"user_id": mara.ref}).status_code == 409
    for user_id in (pia.ref, "user_0000000000000000000000", world.account.ref, None):
        assert api(sal).post(path, {"user_id": user_id}).status_code == 422
    one = f"{path}/{answer.json['id']}"
    assert api(vic).delete(one).status_code == 403
    assert api(sal).delete(one).status_code == 204
    assert api(sal).delete(one).status_code == 404
    assert api(sal).items(path) == []
