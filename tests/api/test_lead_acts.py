"""Claim, accept, decline, release, assign, bulk-assign and undo."""

from datetime import timedelta

import pytest

from app.events.models import Event
from app.leads.models import Assignment, BulkAct, LeadRefusal
from app.notifications.models import Delivery
from tests.factories import make_lead, make_queue, make_round_robin, make_user, row_count, rows
from tests.people import is_told

ABSENT = "lead_0000000000000000000000"


def offer(client, lead_ref, user):
    answer = client.post(
        f"/leads/{lead_ref}/assign", {"owner": {"type": "user", "id": user.ref}, "offer": True}
    )
    assert answer.status_code == 200, answer.json
    return answer.json


# Claim


def test_a_member_claims_and_sees_everything(session, api, pia, world):
    answer = api(pia).post(f"/leads/{world.waiting.ref}/claim")
    assert answer.status_code == 200
    assert answer.json["company"] == "Tallers Serra"
    assert answer.json["owner"]["id"] == pia.ref
    assert rows(session, Event)[-1].door == "api"


def test_the_winner_asking_again_gets_the_same_without_a_second_event(session, api, pia, world):
    first = api(pia).post(f"/leads/{world.waiting.ref}/claim").json
    before = row_count(session, Event), row_count(session, Assignment)
    assert api(pia).post(f"/leads/{world.waiting.ref}/claim").json == first
    assert (row_count(session, Event), row_count(session, Assignment)) == before


def test_other_members_are_told_that_it_is_taken_and_rivals_nothing(api, pia, pam, otto, world):
    assert api(otto).post(f"/leads/{world.waiting.ref}/claim").status_code == 404
    assert api(pia).post(f"/leads/{world.waiting.ref}/claim").status_code == 200
    taken = api(pam).post(f"/leads/{world.waiting.ref}/claim")
    assert taken.status_code == 409
    assert taken.json["type"].endswith("/already-claimed")
    assert not is_told("Pia", taken.get_data(as_text=True))
    assert api(otto).post(f"/leads/{world.waiting.ref}/claim").status_code == 404


def test_who_is_full_is_told_so(session, api, pia, world):
    pia.capacity = 1
    session.commit()
    answer = api(pia).post(f"/leads/{world.waiting.ref}/claim")
    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (409, "at-capacity")


def test_the_vendors_people_claim_as_members_only(session, api, mara, sal, vic, world):
    assert api(mara).post(f"/leads/{world.waiting.ref}/claim").status_code == 403
    assert api(vic).post(f"/leads/{world.waiting.ref}/claim").status_code == 403
    lead = make_lead(session, queue=make_queue(session, members=(sal,)))
    session.commit()
    assert api(sal).post(f"/leads/{lead.ref}/claim").json["owner"]["id"] == sal.ref


def test_a_lead_that_waits_nowhere_of_ones_own_is_not_there_to_claim(session, api, pia, pam, otto, world):
    theirs = make_lead(session, owner=otto)
    session.commit()
    for ref in (theirs.ref, world.sals.ref, ABSENT):
        assert api(pia).post(f"/leads/{ref}/claim").status_code == 404
    # Somebody gave it to Pia: that is no claim of hers.
    assert api(pam).post(f"/leads/{world.owned.ref}/claim").status_code == 404


def test_a_body_that_says_something_is_refused(api, pia, world):
    answer = api(pia).post(f"/leads/{world.waiting.ref}/claim", {"now": True})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["now"])
    assert api(pia).post(f"/leads/{world.waiting.ref}/claim", {}).status_code == 200


# Offers


def test_an_offer_is_a_preview_until_it_is_accepted(api, mara, pia, pam, otto, world):
    offered = offer(api(mara), world.sals.ref, pia)
    assert offered["offer"]["to"]["id"] == pia.ref
    for person in (pia, pam):
        preview = api(person).get(f"/leads/{world.sals.ref}").json
        assert (preview["visibility"], preview["owner"]["id"]) == ("preview", pia.ref)
        assert preview["offer"] == offered["offer"]
    assert api(pam).post(f"/leads/{world.sals.ref}/accept").status_code == 403
    assert api(mara).post(f"/leads/{world.sals.ref}/accept").status_code == 403
    assert api(otto).post(f"/leads/{world.sals.ref}/accept").status_code == 404
    first = api(pia).post(f"/leads/{world.sals.ref}/accept")
    assert first.json["company"] == "Ceràmiques Pons"
    assert first.json["offer"] is None
    assert api(pia).post(f"/leads/{world.sals.ref}/accept").json == first.json


def test_a_declined_offer_goes_on_and_is_not_theirs_to_see(session, api, mara, pia, otto, world):
    offer(api(mara), world.waiting.ref, pia)
    answer = api(pia).post(
        f"/leads/{world.waiting.ref}/decline", {"reason": "not_our_market", "note": "Too far away."}
    )
    assert (answer.status_code, answer.json) == (200, {"id": world.waiting.ref})
    assert row_count(session, LeadRefusal) == 1
    assert api(pia).get(f"/leads/{world.waiting.ref}").status_code == 404
    assert api(pia).post(f"/leads/{world.waiting.ref}/claim").status_code == 404
    back = api(mara).get(f"/leads/{world.waiting.ref}").json
    assert back["owner"]["type"] == "queue"
    # By hand it may go there again.
    assert offer(api(mara), world.waiting.ref, pia)["offer"]["to"]["id"] == pia.ref


def test_declining_needs_a_reason_that_is_known_and_an_offer(api, mara, pia, otto, world):
    offer(api(mara), world.sals.ref, pia)
    path = f"/leads/{world.sals.ref}/decline"
    for body in ({}, {"reason": None}, {"reason": "bored"}, {"reason": ""}, {"reason": "other", "x": 1}):
        assert api(pia).post(path, body).status_code == 422, body
    assert api(otto).post(path, {"reason": "other"}).status_code == 404
    assert api(mara).post(path, {"reason": "other"}).status_code == 403
    assert api(pia).post(f"/leads/{world.owned.ref}/decline", {"reason": "other"}).status_code == 409


def test_an_offer_that_has_ended_cannot_be_accepted(session, api, mara, pia, world, now):
    from app.leads.models import Offer

    offer(api(mara), world.sals.ref, pia)
    rows(session, Offer)[0].expires_at = now - timedelta(minutes=1)
    session.commit()
    assert api(pia).post(f"/leads/{world.sals.ref}/accept").status_code == 409


def test_an_owner_gives_back(api, pia, pam, otto, sal, vic, mara, world):
    path = f"/leads/{world.owned.ref}/release"
    body = {"reason": "no_capacity"}
    assert api(otto).post(path, body).status_code == 404
    assert api(pam).post(path, body).status_code == 403
    assert api(vic).post(path, body).status_code == 403
    assert api(pia).post(path, {"reason": "bored"}).status_code == 422
    assert api(pia).post(path, body).json == {"id": world.owned.ref}
    assert api(mara).get(f"/leads/{world.owned.ref}").json["owner"]["type"] == "queue"
    # The vendor's people see where it went.
    assert api(sal).post(f"/leads/{world.sals.ref}/release", body).json["owner"]["type"] == "queue"


# Assign


def test_a_lead_is_given_to_a_user_a_queue_a_partner_a_round_robin_and_through_the_rules(
    session, api, mara, pia, pam, world, northwind
):
    group = make_round_robin(session, "Turns", members=(pia, pam))
    session.commit()
    account = api(mara).items("/accounts?partner=true")[0]["id"]
    path = f"/leads/{world.sals.ref}/assign"
    owners = []
    for body in (
        {"owner": {"type": "user", "id": pia.ref}},
        {"owner": {"type": "queue", "id": world.queue.ref}},
        {"owner": {"type": "partner_account", "id": account}},
        {"owner": {"type": "round_robin", "id": group.ref}},
        {"route": True},
    ):
        answer = api(mara).post(path, body)
        assert answer.status_code == 200, answer.json
        owners.append(answer.json["owner"]["type"])
    assert owners == ["user", "queue", "queue", "user", "queue"]
    causes = [row["cause"] for row in api(mara).items(f"/leads/{world.sals.ref}/assignments")]
    assert causes == ["default_queue", "round_robin", "manual", "manual", "manual", "manual"]


def test_notify_false_leaves_a_suppressed_delivery(session, api, mara, pia, world):
    body = {"owner": {"type": "user", "id": pia.ref}, "notify": False}
    assert api(mara).post(f"/leads/{world.sals.ref}/assign", body).status_code == 200
    assert [delivery.state for delivery in rows(session, Delivery)] == ["suppressed"]


def test_who_cannot_be_given_anything_is_named_with_the_reason(session, api, mara, vic, northwind, world):
    never = make_user(session, "Nora", partner=northwind, first_web_sign_in_at=None)
    session.commit()
    for user in (never, vic):
        answer = api(mara).post(
            f"/leads/{world.sals.ref}/assign", {"owner": {"type": "user", "id": user.ref}}
        )
        assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (422, "not-assignable")
        assert user.name in answer.json["errors"]["owner"][0]


def test_a_full_person_is_given_more_only_on_purpose(session, api, mara, sal, pia, world):
    sal.capacity = pia.capacity = 0
    session.commit()
    for user in (sal, pia):
        body = {"owner": {"type": "user", "id": user.ref}}
        path = f"/leads/{world.waiting.ref}/assign"
        answer = api(mara).post(path, body)
        assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (409, "at-capacity")
        assert api(mara).post(path, {**body, "over_capacity": True}).json["owner"]["id"] == user.ref


def test_one_of_owner_and_route_is_named(api, mara, pia, world):
    owner = {"type": "user", "id": pia.ref}
    for body in ({}, {"owner": None}, {"route": False}, {"owner": owner, "route": True}, {"owner": pia.ref}):
        assert api(mara).post(f"/leads/{world.sals.ref}/assign", body).status_code == 422, body


def test_who_may_give_away_what(session, api, mara, ada, sal, vic, pia, pam, pex, otto, world):
    def assign(person, lead, to):
        body = {"owner": {"type": "user", "id": to.ref}}
        return api(person).post(f"/leads/{lead.ref}/assign", body).status_code

    assert assign(sal, world.owned, sal) == 403  # not Sal's to give
    assert assign(sal, world.sals, pia) == 200
    assert assign(sal, world.sals, sal) == 403  # not any more
    assert assign(vic, world.owned, sal) == 403
    assert assign(pia, world.owned, pam) == 403
    assert assign(otto, world.owned, otto) == 404
    assert assign(pam, world.owned, pex) == 200
    assert assign(pam, world.owned, pam) == 404  # an executive's are not a manager's to see
    assert assign(ada, world.owned, mara) == 200


def test_partner_leaders_name_their_own_people_and_nobody_else(api, pam, pia, mara, otto, world):
    for user in (mara, otto):
        answer = api(pam).post(
            f"/leads/{world.owned.ref}/assign", {"owner": {"type": "user", "id": user.ref}}
        )
        absent = api(pam).post(
            f"/leads/{world.owned.ref}/assign", {"owner": {"type": "user", "id": "user_" + "0" * 22}}
        )
        assert answer.status_code == absent.status_code == 422
        assert answer.json == absent.json
    queue = {"owner": {"type": "queue", "id": world.queue.ref}}
    assert api(pam).post(f"/leads/{world.owned.ref}/assign", queue).status_code == 422
    assert api(pam).post(f"/leads/{world.owned.ref}/assign", {"route": True}).status_code == 403
    # An offer could be refused, and would then leave the company.
    colleague = {"owner": {"type": "user", "id": pia.ref}, "offer": True}
    assert api(pam).post(f"/leads/{world.owned.ref}/assign", colleague).status_code == 422


@pytest.mark.parametrize("act", ["claim", "accept", "release", "assign"])
def test_acts_begin_from_the_version_that_is_named(api, mara, pia, world, act):
    bodies = {"release": {"reason": "other"}, "assign": {"owner": {"type": "user", "id": pia.ref}}}
    person, lead = {"claim": (pia, world.waiting), "assign": (mara, world.sals)}.get(act, (pia, world.owned))
    path = f"/leads/{lead.ref}"
    late = api(person).post(f"{path}/{act}", bodies.get(act), headers={"If-Match": '"nonsense"'})
    assert (late.status_code, late.json["type"].rpartition("/")[2]) == (409, "stale")
    assert late.json["current"]["id"] == lead.ref
    tag = api(person).get(path).headers.get("ETag", "*")
    assert api(person).post(f"{path}/{act}", bodies.get(act), headers={"If-Match": tag}).status_code == 200


# Where it has been


def test_the_vendor_reads_where_a_lead_has_been_and_why(api, mara, sal, pia, world):
    api(mara).post(f"/leads/{world.sals.ref}/assign", {"owner": {"type": "user", "id": pia.ref}})
    latest, first = api(sal).items(f"/leads/{world.sals.ref}/assignments")
    assert (first["cause"], first["from"], first["to"]["id"]) == ("manual", None, sal.ref)
    assert first["actor"] == {"type": "system", "id": None, "name": "Tests"}
    assert (latest["from"]["id"], latest["to"]["id"]) == (sal.ref, pia.ref)
    assert latest["actor"] == {"type": "user", "id": mara.ref, "name": "Mara"}
    lead = api(mara).post("/leads", {"company": "Forges"}).json
    placed = api(mara).items(f"/leads/{lead['id']}/assignments")
    assert placed[0]["trace"] == [
        "No assignment rules were active.", f"It went to the default queue, {lead['owner']['name']}.",
    ]  # fmt: skip


def test_partners_read_their_own_companys_rows_without_anybody_else(
    session, api, mara, pia, pam, otto, world
):
    path = f"/leads/{world.sals.ref}"
    for user in (otto, pia):
        api(mara).post(f"{path}/assign", {"owner": {"type": "user", "id": user.ref}})
    api(pam).post(f"{path}/assign", {"owner": {"type": "user", "id": pam.ref}})
    transferred, given = api(pam).items(f"{path}/assignments")
    assert (given["from"], given["to"]["id"], given["actor"]) == (None, pia.ref, None)
    assert (transferred["from"]["id"], transferred["actor"]["id"]) == (pia.ref, pam.ref)
    assert "trace" not in given
    text = str([transferred, given])
    assert "Otto" not in text
    assert "Mara" not in text
    assert api(pia).get(f"{path}/assignments").status_code == 404
    assert api(pia).get(f"/leads/{world.waiting.ref}/assignments").status_code == 403
    assert api(pam).get(f"{path}/assignments?nonsense=1").status_code == 422
    assert len(api(pam).walk(f"{path}/assignments", 1)) == 2


# Many


def test_many_are_assigned_and_those_that_cannot_be_are_named(session, api, mara, pia, world):
    refs = [world.sals.ref, world.waiting.ref, ABSENT, world.account.ref]
    answer = api(mara).post(
        "/leads/bulk-assign", {"lead_ids": refs, "owner": {"type": "user", "id": pia.ref}}
    )
    assert answer.status_code == 200
    assert answer.json["assigned"] == refs[:2]
    assert [refused["id"] for refused in answer.json["refused"]] == refs[2:]
    assert [delivery.state for delivery in rows(session, Delivery)] == ["held"]


def test_sales_people_change_what_they_own_and_partners_nothing_of_others(
    api, sal, vic, pia, pam, otto, world
):
    body = {"lead_ids": [world.sals.ref, world.owned.ref], "owner": {"type": "user", "id": pia.ref}}
    assert api(vic).post("/leads/bulk-assign", body).status_code == 403
    assert api(pia).post("/leads/bulk-assign", body).status_code == 403
    assert api(sal).post("/leads/bulk-assign", body).json["assigned"] == [world.sals.ref]
    pams = {"lead_ids": [world.waiting.ref, world.owned.ref], "owner": {"type": "user", "id": pam.ref}}
    assert api(pam).post("/leads/bulk-assign", pams).json["assigned"] == [world.owned.ref]
    otto_s = {"lead_ids": [world.sals.ref], "owner": {"type": "user", "id": otto.ref}}
    assert api(pam).post("/leads/bulk-assign", otto_s).status_code == 422


def test_a_bulk_body_is_checked(api, mara, pia, world):
    owner = {"type": "user", "id": pia.ref}
    for body in (
        {}, {"lead_ids": [], "owner": owner}, {"lead_ids": [world.sals.ref]}, {"owner": owner},
        {"lead_ids": world.sals.ref, "owner": owner}, {"lead_ids": [1], "owner": owner},
        {"lead_ids": ["x"] * 1001, "owner": owner},
        {"lead_ids": ["x"], "owner": {"type": "user", "id": "user_" + "0" * 22}},
        {"lead_ids": ["x"], "owner": owner, "offer": True},
    ):  # fmt: skip
        assert api(mara).post("/leads/bulk-assign", body).status_code == 422, body


def test_a_bulk_act_is_undone_once_and_in_time_by_who_did_it(session, api, mara, ada, sal, pia, world, now):
    body = {"lead_ids": [world.sals.ref, world.waiting.ref], "owner": {"type": "user", "id": pia.ref}}
    act = api(mara).post("/leads/bulk-assign", body).json["id"]
    api(mara).post(f"/leads/{world.waiting.ref}/assign", {"owner": {"type": "user", "id": mara.ref}})
    for person in (sal, pia):
        assert api(person).post(f"/bulk-acts/{act}/undo").status_code == 404
    answer = api(mara).post(f"/bulk-acts/{act}/undo")
    assert answer.json["undone"] == [world.sals.ref]
    assert [refused["id"] for refused in answer.json["refused"]] == [world.waiting.ref]
    assert api(ada).get(f"/leads/{world.sals.ref}").json["owner"]["id"] == sal.ref
    assert api(mara).post(f"/bulk-acts/{act}/undo").status_code == 409
    late = api(mara).post("/leads/bulk-assign", body).json["id"]
    rows(session, BulkAct)[-1].undo_until = now - timedelta(seconds=1)
    session.commit()
    answer = api(mara).post(f"/bulk-acts/{late}/undo")
    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (409, "too-late")
    assert api(mara).post("/bulk-acts/bulk_0000000000000000000000/undo").status_code == 404
