"""/leads/{id}/access and the same under accounts and contacts."""

import pytest

from tests.factories import make_contact


def test_administrators_and_channel_managers_ask_who_sees_it(api, ada, mara, pia, world):
    for person in (ada, mara):
        items = api(person).items(f"/leads/{world.owned.ref}/access")
        by_type = {item["principal"]["type"]: item for item in items}
        assert by_type["internal_role"]["principal"] == {"type": "internal_role", "id": "administrator"}
        assert by_type["all_internal"] == {
            "principal": {"type": "all_internal"}, "level": "edit", "causes": [{"type": "default"}],
        }  # fmt: skip
        assert by_type["partner_account"]["principal"]["role"] == "manager"
        owner = next(i for i in items if i["principal"] == {"type": "user", "id": pia.ref})
        assert (owner["level"], owner["causes"]) == ("edit", [{"type": "owner"}])
        assert len(api(person).walk(f"/leads/{world.owned.ref}/access", 2)) == len(items)


def test_a_lead_that_waits_is_a_preview_by_its_queue(api, mara, pia, otto, world):
    path = f"/leads/{world.waiting.ref}/access"
    queue = {"type": "queue", "id": world.queue.ref}
    item = next(i for i in api(mara).items(path) if i["principal"] == queue)
    assert (item["level"], item["causes"]) == ("preview", [queue])
    assert api(mara).get(f"{path}?user_id={pia.ref}").json == {
        "visible": True, "level": "preview", "causes": [queue],
    }  # fmt: skip
    assert api(mara).get(f"{path}?user_id={otto.ref}").json == {"visible": False, "level": None, "causes": []}


@pytest.mark.parametrize("who", ["sal", "vic", "pia", "pam"])
def test_everyone_else_asks_about_themselves(api, request, who, mara, world):
    person = request.getfixturevalue(who)
    path = f"/leads/{world.owned.ref}/access"
    own = api(person).get(f"{path}?user_id={person.ref}")
    expected = {"sal": "edit", "vic": "read", "pia": "edit", "pam": "edit"}[who]
    assert (own.json["visible"], own.json["level"]) == (True, expected)
    assert own.json == api(mara).get(f"{path}?user_id={person.ref}").json
    for query in ("", f"?user_id={mara.ref}", "?user_id=user_0000000000000000000000", "?user_id=x"):
        assert api(person).get(path + query).status_code == 403, query


def test_who_does_not_see_it_is_told_nothing(api, otto, pia, world):
    for ref in (world.owned.ref, "lead_0000000000000000000000"):
        for query in ("", f"?user_id={otto.ref}", f"?user_id={pia.ref}"):
            assert api(otto).get(f"/leads/{ref}/access{query}").status_code == 404


def test_somebody_who_has_left_sees_nothing(session, api, ada, mara, pia, world):
    api(mara).post(f"/users/{pia.ref}/deactivate", {"open_records": "keep"})
    path = f"/leads/{world.owned.ref}/access"
    assert api(ada).get(f"{path}?user_id={pia.ref}").json["visible"] is False
    assert pia.ref not in str(api(ada).items(path))


def test_accounts_and_contacts_are_explained_too(session, api, ada, mara, sal, vic, world):
    private = make_contact(session, "Secret", account=None, owner=sal)
    session.commit()
    account = api(mara).items(f"/accounts/{world.account.ref}/access")
    assert {"type": "account_team", "id": world.account.ref} in [item["principal"] for item in account]
    contact = api(mara).get(f"/contacts/{world.contact.ref}/access?user_id={sal.ref}").json
    assert contact["level"] == "full"
    parent = next(
        i
        for i in api(mara).items(f"/contacts/{world.contact.ref}/access")
        if i["principal"]["type"] == "account_team"
    )
    assert parent["causes"] == [{"type": "parent", "id": world.account.ref}]
    assert {i["principal"]["type"] for i in api(ada).items(f"/contacts/{private.ref}/access")} == {
        "internal_role",
        "user",
    }
    assert api(mara).get(f"/contacts/{private.ref}/access").status_code == 404
    assert api(vic).get(f"/accounts/{world.account.ref}/access").status_code == 403
    assert api(vic).get(f"/accounts/{world.account.ref}/access?user_id={vic.ref}").json["level"] == "read"


def test_questions_that_make_no_sense_are_refused(api, mara, world):
    path = f"/leads/{world.owned.ref}/access"
    for query in (
        "user_id=user_0000000000000000000000",
        f"user_id={world.account.ref}",
        "nonsense=1",
        "sort=level",
        "limit=0",
    ):
        assert api(mara).get(f"{path}?{query}").status_code == 422, query
