"""/leads: taking in, reading, changing, deleting, restoring."""

import pytest

from app.events.models import Event
from app.identity.models import AccountScope
from app.leads.models import Assignment, Lead
from app.routing.models import Queue
from tests.factories import (
    get_default_queue,
    make_queue,
    make_round_robin,
    make_source,
    row_count,
    rows,
)

ABSENT = "lead_0000000000000000000000"


def test_a_new_lead_answers_whole_and_is_routed(session, api, mara):
    answer = api(mara).post(
        "/leads",
        {
            "last_name": "Puig",
            "company": "Forges",
            "country": "Spain",
            "employees": 120,
            "annual_revenue": 1.5e6,
        },
    )
    assert answer.status_code == 201
    lead = answer.json
    assert (lead["last_name"], lead["country"], lead["status"], lead["score"]) == ("Puig", "ES", "new", 0)
    queue = get_default_queue(session)
    assert lead["owner"] == {"type": "queue", "id": queue.ref, "name": queue.name}
    assert lead["created_by"] == {"type": "user", "id": mara.ref, "name": "Mara"}
    assert lead["offer"] is None
    assert lead["visibility"] == "full"
    assert [a.cause for a in rows(session, Assignment)] == ["default_queue"]


def test_whoever_does_not_see_where_it_went_is_answered_its_id(session, api, sal):
    sal.account_scope = AccountScope.PORTFOLIO
    answer = api(sal).post("/leads", {"last_name": "Puig"})
    [lead] = rows(session, Lead)
    assert (answer.status_code, answer.json) == (201, {"id": lead.ref})


@pytest.mark.parametrize("field", ["last_name", "company", "email", "phone", "mobile"])
def test_one_identifying_field_is_enough(api, mara, field):
    values = {"email": "p@forges.example", "phone": "+34 972 11 22 33", "mobile": "+34 600 11 22 33"}
    assert api(mara).post("/leads", {field: values.get(field, "Puig")}).status_code == 201


def test_without_an_identifying_field_it_is_refused(api, mara):
    answer = api(mara).post("/leads", {"city": "Girona"})
    assert answer.status_code == 422
    assert api(mara).post("/leads").status_code == 422


def test_an_owner_may_be_a_user_a_queue_a_partner_or_a_round_robin(session, api, mara, sal, pia, northwind):
    queue = make_queue(session, "Iberia", members=(sal,))
    group = make_round_robin(session, "Turns", members=(northwind,))
    session.commit()
    partner_queue = session.get(Queue, northwind.queue_id)
    account = api(mara).items("/accounts?partner=true")[0]["id"]
    for owner, expected in (
        ({"type": "user", "id": pia.ref}, ("user", pia.ref)),
        ({"type": "queue", "id": queue.ref}, ("queue", queue.ref)),
        ({"type": "partner_account", "id": account}, ("queue", partner_queue.ref)),
        ({"type": "round_robin", "id": group.ref}, ("queue", partner_queue.ref)),
    ):
        lead = api(mara).post("/leads", {"company": "Forges", "owner": owner}).json
        assert (lead["owner"]["type"], lead["owner"]["id"]) == expected


def test_an_owner_who_is_not_there_is_not_assignable(api, mara, world):
    for owner in (
        {"type": "user", "id": "user_0000000000000000000000"},
        {"type": "queue", "id": world.owned.ref},
        {"type": "user", "id": world.queue.ref},
    ):
        answer = api(mara).post("/leads", {"company": "Forges", "owner": owner})
        assert answer.status_code == 422
        assert answer.json["type"].endswith("/not-assignable")
    answer = api(mara).post("/leads", {"company": "Forges", "owner": {"type": "opportunity", "id": "x"}})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["owner.type"])


def test_a_known_external_id_updates(session, api, mara):
    first = api(mara).post("/leads", {"company": "Forges", "external_id": "A-1"})
    again = api(mara).post("/leads", {"company": "Forges", "external_id": "A-1", "city": "Olot"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json["id"] == first.json["id"]
    assert again.json["city"] == "Olot"
    assert row_count(session, Lead) == 1


def test_an_external_id_of_a_deleted_lead_is_taken(api, mara):
    lead = api(mara).post("/leads", {"company": "Forges", "external_id": "A-1"}).json
    api(mara).delete(f"/leads/{lead['id']}")
    assert api(mara).post("/leads", {"company": "Forges", "external_id": "A-1"}).status_code == 409


def test_unknown_choices_and_malformed_values_are_refused(session, api, mara):
    make_source(session, "Fair")
    assert api(mara).post("/leads", {"company": "F", "source": "fair"}).json["source"] == "Fair"
    for values in (
        {"source": "Nobody"},
        {"status": "sleeping"},
        {"country": "Atlantis"},
        {"email": "not an address"},
        {"employees": -1},
        {"employees": "many"},
        {"employees": True},
        {"annual_revenue": "a lot"},
        {"score": 10**12},
        {"score": 10**400},
        {"employees": 10**400},
        {"arrived_at": "yesterday"},
        {"interest_confirmed": "yes"},
        {"last_name": "x" * 121},
        {"last_name": 7},
        {"owner": None, "nonsense": 1},
        {"id": ABSENT},
        {"version": "1"},
        {"created_by": mara.ref},
        {"is_open": False},
        {"partner_account_id": 1},
        {"duplicates": []},
    ):
        answer = api(mara).post("/leads", {"company": "Forges", **values})
        assert answer.status_code == 422, values
        assert set(answer.json["errors"]) & set(values), values


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "x\udfff"])
def test_text_that_cannot_be_stored_is_refused_wherever_it_stands(session, api, mara, world, text):
    client = api(mara)
    for method, path, body in (
        ("POST", "/leads", {"company": text}),
        ("PATCH", f"/leads/{world.owned.ref}", {"description": text}),
        ("POST", "/leads", {"company": "x", "owner": {"type": "user", "id": text}}),
        ("POST", "/leads", {text: "x"}),
        ("POST", "/leads/bulk-assign", {"lead_ids": [text], "owner": {"type": "user", "id": "x"}}),
    ):
        assert client.request(method, path, body).status_code == 422
    assert client.get("/leads", query_string={"q": "a\x00"}).status_code == 422
    assert client.get("/leads", query_string={"a\x00": "1"}).status_code == 422


def test_marks_and_scripts_of_any_kind_are_kept_as_they_are(api, mara):
    names = ["Ω≈ç√ \u200fשלום", "<script>alert(1)</script>", "=1+1", "{{ 7*7 }}", "O'Hara", "𝔘𝔫𝔦", "%s %(x)s"]
    for name in names:
        assert api(mara).post("/leads", {"company": name}).json["company"] == name


def test_who_may_not_make_leads_is_told_so(api, vic, pia, pam, otto):
    for person in (vic, pia, pam, otto):
        assert api(person).post("/leads", {"company": "Forges"}).status_code == 403
        # Before the body is looked at.
        assert api(person).post("/leads", {"nonsense": 1}).status_code == 403


def test_a_lead_is_read_whole_or_as_a_preview_or_not_at_all(api, mara, sal, vic, pia, pam, otto, world):
    for person in (mara, sal, vic):
        assert api(person).get(f"/leads/{world.waiting.ref}").json["company"] == "Tallers Serra"
    for person in (pia, pam):
        preview = api(person).get(f"/leads/{world.waiting.ref}").json
        assert preview["visibility"] == "preview"
        assert set(preview) == {
            "id", "visibility", "owner", "offer", "arrived_at", "city", "country", "industry", "employees",
            "product_interest", "source", "score", "age_days",
        }  # fmt: skip
        assert preview["employees"] == "50–199"
        assert api(person).get(f"/leads/{world.owned.ref}").json["company"] == "Molins Roca"
    for ref in (world.waiting.ref, world.owned.ref, world.sals.ref, ABSENT):
        assert api(otto).get(f"/leads/{ref}").status_code == 404


def test_partner_people_learn_no_names_of_the_vendors(session, api, pia, mara, world):
    world.owned.created_by_id = mara.id
    world.owned.updated_by_id = pia.id
    session.commit()
    lead = api(pia).get(f"/leads/{world.owned.ref}").json
    assert lead["created_by"] is None
    assert lead["updated_by"]["name"] == "Pia"
    assert "imported" not in lead


def test_fields_change_and_those_left_out_stay(session, api, pia, world):
    answer = api(pia).patch(f"/leads/{world.owned.ref}", {"city": "Olot", "title": None, "status": "working"})
    assert answer.status_code == 200
    assert (answer.json["city"], answer.json["title"], answer.json["status"]) == ("Olot", None, "working")
    assert answer.json["company"] == "Molins Roca"
    event = rows(session, Event)[-1]
    assert (event.verb, event.actor_name, event.door) == ("edited", "Pia", "api")
    assert event.changes["city"] == ["Girona", "Olot"]


def test_nothing_is_written_where_one_field_may_not_be(session, api, pia, mara, world):
    for body in (
        {"city": "Olot", "score": 90},
        {"city": "Olot", "source": None},
        {"city": "Olot", "owner": {"type": "user", "id": pia.ref}},
        {"city": "Olot", "external_id": "X"},
        {"city": "Olot", "campaign": "X"},
        {"city": "Olot", "visibility": "full"},
    ):
        assert api(pia).patch(f"/leads/{world.owned.ref}", body).status_code == 422
    owner = {"owner": {"type": "user", "id": pia.ref}}
    assert api(mara).patch(f"/leads/{world.owned.ref}", owner).status_code == 422
    assert api(mara).get(f"/leads/{world.owned.ref}").json["city"] == "Girona"


def test_a_field_one_may_not_change_is_refused_alike_whatever_its_value(api, pia, mara, world):
    path = f"/leads/{world.owned.ref}"
    for field, values in (("source", ("Referral", "NOPE")), ("score", (5, -5)), ("arrived_at", ("x", None))):
        answers = [api(pia).patch(path, {field: value}) for value in values]
        assert [a.status_code for a in answers] == [422, 422]
        assert [a.json["errors"] for a in answers] == [{field: ["You may not change this field."]}] * 2
    assert api(mara).patch(path, {"source": "NOPE"}).status_code == 422
    assert api(mara).patch(path, {"source": "Referral"}).json["source"] == "Referral"


def test_what_always_has_a_value_cannot_be_emptied(api, mara, world):
    for field in ("status", "score", "arrived_at"):
        answer = api(mara).patch(f"/leads/{world.owned.ref}", {field: None})
        assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
    everything = dict.fromkeys(("last_name", "company", "email", "phone", "mobile"))
    assert api(mara).patch(f"/leads/{world.owned.ref}", everything).status_code == 422


def test_an_external_id_that_another_lead_has_is_refused(session, api, mara, world):
    world.sals.external_id = "A-1"
    session.commit()
    answer = api(mara).patch(f"/leads/{world.owned.ref}", {"external_id": "A-1"})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["external_id"])


def test_who_sees_but_may_not_change_gets_403_and_who_does_not_see_404(api, vic, pia, pam, otto, world):
    assert api(vic).patch(f"/leads/{world.owned.ref}", {"city": "Olot"}).status_code == 403
    assert api(pia).patch(f"/leads/{world.waiting.ref}", {"city": "Olot"}).status_code == 403
    assert api(pam).patch(f"/leads/{world.owned.ref}", {"city": "Olot"}).status_code == 200
    assert api(otto).patch(f"/leads/{world.owned.ref}", {"city": "Olot"}).status_code == 404
    assert api(otto).patch(f"/leads/{ABSENT}", {"city": "Olot"}).status_code == 404


def test_a_stale_change_is_refused_and_shows_the_lead_as_it_is(api, pia, mara, world):
    for person in (pia, mara):
        path = f"/leads/{world.owned.ref}"
        tag = api(person).get(path).headers["ETag"]
        assert api(person).patch(path, {"city": person.name}, headers={"If-Match": tag}).status_code == 200
        late = api(person).patch(path, {"city": "Late"}, headers={"If-Match": tag})
        assert late.status_code == 409
        assert late.json["type"].endswith("/stale")
        assert late.json["current"]["city"] == person.name
        fresh = f'"{late.json["current"]["version"]}"'
        assert (
            api(person).patch(path, {"city": "Olot"}, headers={"If-Match": f'"x", {fresh}'}).status_code
            == 200
        )
        assert api(person).patch(path, {"city": "Girona"}, headers={"If-Match": "*"}).status_code == 200


def test_a_partners_version_says_nothing_of_what_they_do_not_see(api, pia, mara, world):
    path = f"/leads/{world.owned.ref}"
    assert api(mara).post("/campaigns", {"name": "Spring"}).status_code == 201
    before = api(pia).get(path).headers["ETag"]
    assert api(mara).patch(path, {"campaign": "Spring"}).status_code == 200
    after = api(pia).get(path)
    # The campaign is the vendor's; that something was changed is told by updated_at alone.
    assert "campaign" not in after.json
    assert after.headers["ETag"] == before


def test_deleting_takes_it_away_everywhere_and_restoring_brings_it_back(api, mara, ada, pia, sal, vic, world):
    path = f"/leads/{world.owned.ref}"
    for person in (sal, vic, pia):
        assert api(person).delete(path).status_code == 403
    assert api(mara).delete(path).status_code == 204
    for person in (ada, mara, pia):
        assert api(person).get(path).status_code == 404
        assert world.owned.ref not in [item["id"] for item in api(person).items("/leads")]
    assert api(mara).delete(path).status_code == 404
    assert api(pia).post(f"{path}/restore").status_code == 404
    assert api(sal).post(f"{path}/restore").status_code == 404
    assert api(mara).post(f"{path}/restore").json["company"] == "Molins Roca"
    assert api(mara).post(f"{path}/restore").status_code == 409
    assert api(pia).get(path).status_code == 200


def test_a_rival_is_told_that_there_is_nothing_whatever_they_try(api, otto, world):
    for ref in (world.owned.ref, ABSENT):
        for method, path, body in (
            ("GET", "", None),
            ("PATCH", "", {"city": "Olot"}),
            ("DELETE", "", None),
            ("POST", "/restore", None),
            ("POST", "/claim", None),
            ("POST", "/accept", None),
            ("POST", "/decline", {"reason": "other"}),
            ("POST", "/release", {"reason": "other"}),
            ("POST", "/assign", {"owner": {"type": "user", "id": otto.ref}}),
            ("GET", "/assignments", None),
            ("GET", "/access", None),
            ("GET", f"/access?user_id={otto.ref}", None),
            ("GET", "/activities", None),
            ("POST", "/activities", {"kind": "note", "subject": "x"}),
        ):
            answer = api(otto).request(method, f"/leads/{ref}{path}", body)
            assert answer.status_code == 404, (method, path)
            assert answer.json["type"].endswith("/not-found")


def test_ids_of_other_kinds_are_not_found(api, mara, world):
    for ref in (
        world.account.ref,
        world.queue.ref,
        "lead_",
        "lead",
        "1",
        "lead_%00",
        "lead_" + "x" * 60,
        "..%2f",
    ):
        assert api(mara).get(f"/leads/{ref}").status_code == 404
