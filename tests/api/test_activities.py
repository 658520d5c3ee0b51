"""Activities under leads, accounts and contacts, and /activities/{id}."""

import pytest

from tests.factories import make_contact

CALL = {"kind": "call", "subject": "Asked for a quote"}


@pytest.mark.parametrize("kind", ["leads", "accounts", "contacts"])
def test_something_done_is_logged_and_listed(api, sal, world, kind):
    record = {"leads": world.sals, "accounts": world.account, "contacts": world.contact}[kind]
    path = f"/{kind}/{record.ref}/activities"
    answer = api(sal).post(path, {**CALL, "text": "Twice a year.", "at": "2026-03-01T12:00:00+01:00"})
    assert answer.status_code == 201
    activity = answer.json
    assert (activity["at"], activity["done"], activity["due_at"]) == ("2026-03-01T11:00:00Z", True, None)
    assert activity["record"] == {"type": kind[:-1], "id": record.ref}
    assert activity["created_by"]["name"] == "Sal"
    assert api(sal).items(path) == [activity]
    planned = api(sal).post(path, {"kind": "task", "subject": "Call back", "due_at": "2026-12-24"})
    assert (planned.json["done"], planned.json["due_at"]) == (False, "2026-12-24T00:00:00Z")
    assert len(api(sal).walk(path, 1)) == 2


@pytest.mark.parametrize(
    "body",
    [
        {}, {"kind": "call"}, {"subject": "x"}, {"kind": "dance", "subject": "x"}, {"kind": "call", "subject": ""},
        {"kind": "call", "subject": "x" * 256}, {**CALL, "at": "yesterday"}, {**CALL, "at": "3000-01-01"},
        {**CALL, "done": "yes"}, {**CALL, "lead_id": "x"}, {**CALL, "text": "\x00"},
        {**CALL, "at": "2199-01-01T00:00:00Z"},
    ],
)  # fmt: skip
def test_what_is_not_valid_is_refused(api, sal, world, body):
    assert api(sal).post(f"/leads/{world.sals.ref}/activities", body).status_code == 422


def test_who_reads_and_who_logs(session, api, mara, vic, pia, pam, otto, world):
    private = make_contact(session, "Secret", account=None, owner=mara)
    session.commit()
    lead = f"/leads/{world.owned.ref}/activities"
    assert api(pia).post(lead, CALL).status_code == 201
    assert api(pam).post(lead, CALL).status_code == 201
    assert api(vic).post(lead, CALL).status_code == 403
    assert len(api(vic).items(lead)) == 2
    waiting = f"/leads/{world.waiting.ref}/activities"
    assert api(pia).post(waiting, CALL).status_code == 403
    assert api(pia).get(waiting).status_code == 403
    for path in (
        lead,
        f"/accounts/{world.account.ref}/activities",
        f"/contacts/{world.contact.ref}/activities",
    ):
        assert api(otto).get(path).status_code == 404
        assert api(otto).post(path, CALL).status_code == 404
    assert api(vic).get(f"/contacts/{private.ref}/activities").status_code == 404
    assert api(vic).get(f"{lead}?kind=call").status_code == 422


def test_partners_read_what_their_own_company_wrote(api, mara, pia, otto, world):
    path = f"/leads/{world.owned.ref}"
    api(mara).post(f"{path}/activities", {"kind": "note", "subject": "Between us"})
    api(pia).post(f"{path}/activities", CALL)
    assert [item["subject"] for item in api(pia).items(f"{path}/activities")] == [CALL["subject"]]
    assert len(api(mara).items(f"{path}/activities")) == 2
    api(mara).post(f"{path}/assign", {"owner": {"type": "user", "id": otto.ref}})
    assert api(otto).items(f"{path}/activities") == []
    assert api(pia).get(f"{path}/activities").status_code == 404


def test_an_activity_changes(api, pia, pam, mara, vic, otto, world):
    task = {"kind": "task", "subject": "Call back"}
    activity = api(pia).post(f"/leads/{world.owned.ref}/activities", task).json
    path = f"/activities/{activity['id']}"
    answer = api(pam).patch(path, {"done": True, "subject": "Called back", "due_at": None})
    assert (answer.json["done"], answer.json["subject"]) == (True, "Called back")
    assert answer.json["at"] > activity["at"]
    for body in ({"kind": "dance"}, {"subject": ""}, {"at": "x"}, {"nonsense": 1}, {"record": {}}):
        assert api(pia).patch(path, body).status_code == 422, body
    assert api(vic).patch(path, {"subject": "x"}).status_code == 403
    assert api(otto).patch(path, {"subject": "x"}).status_code == 404
    for ref in ("act_0000000000000000000000", world.owned.ref):
        assert api(mara).patch(f"/activities/{ref}", {"subject": "x"}).status_code == 404


def test_a_stale_change_of_an_activity_is_refused(api, pia, mara, world):
    activity = api(pia).post(f"/leads/{world.owned.ref}/activities", CALL)
    path, tag = f"/activities/{activity.json['id']}", activity.headers["ETag"]
    assert api(pia).patch(path, {"text": "One"}, headers={"If-Match": tag}).status_code == 200
    late = api(pia).patch(path, {"text": "Two"}, headers={"If-Match": tag})
    assert (late.status_code, late.json["current"]["text"]) == (409, "One")


def test_people_an_end_and_a_reminder_by_their_names(session, api, sal, mara, pia, vic, world):
    contact = {"type": "contact", "id": world.contact.ref}
    given = {
        "kind": "meeting", "subject": "Kick-off", "due_at": "2030-01-07T09:00:00Z", "ends_at": "2030-01-07T10:00:00Z",
        "done": False, "place": "Girona", "remind_at": "2030-01-07T08:45:00Z", "assigned_to": mara.ref,
        "participants": [contact, {"type": "user", "id": sal.ref}],
    }  # fmt: skip
    path = f"/accounts/{world.account.ref}/activities"
    meeting = api(sal).post(path, given).json
    assert {name: meeting[name] for name in given if name not in ("assigned_to", "participants")} == {
        name: value for name, value in given.items() if name not in ("assigned_to", "participants")
    }
    assert meeting["assigned_to"]["id"] == mara.ref
    assert [(p["type"], p["id"]) for p in meeting["participants"]] == [
        ("contact", world.contact.ref),
        ("user", sal.ref),
    ]
    one = f"/activities/{meeting['id']}"
    assert api(vic).get(one).json == meeting
    assert api(pia).get(one).status_code == 404
    [listed] = api(sal).items(f"/contacts/{world.contact.ref}/activities")
    assert listed["record"] == {"type": "account", "id": world.account.ref}
    for field, value in (("assigned_to", vic.ref), ("participants", [{"type": "user", "id": pia.ref}])):
        refused = api(sal).patch(one, {field: value})
        assert (refused.status_code, list(refused.json["errors"])) == (422, [field])
    changed = api(mara).patch(one, {"participants": [], "done": True, "outcome": "They sign"}).json
    assert (changed["participants"], changed["done"], changed["outcome"]) == ([], True, "They sign")
    assert api(sal).delete(one, headers={"If-Match": '"stale"'}).status_code == 409
    assert api(vic).delete(one).status_code == 403
    assert api(sal).delete(one).status_code == 204
    assert api(sal).get(one).status_code == 404
