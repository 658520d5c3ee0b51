"""What a partner's pages say of a lead that others worked on too: nothing of them."""

from datetime import timedelta

from app.activities.operations import log_activity
from app.identity.models import User
from app.leads.lookalikes import who_qualified
from app.leads.operations import edit_lead
from app.routing.assign import Wish
from app.routing.operations import accept_offer, assign_lead, decline_offer, find_target, release_lead
from tests.factories import actor_of, make_lead, make_queue, make_round_robin


def give(session, by: User, lead, to: User, at) -> None:
    actor = actor_of(session, by)
    assign_lead(session, actor, lead.ref, Wish(find_target(session, actor, "user", to.ref)), now=at)


def test_a_timeline_names_nobody_whom_the_lead_went_to_afterwards(
    signed_in, session, mara, otto, pia, api, now
):
    group = make_round_robin(session, "Turns", members=(otto, pia))
    queue = make_queue(session, "Inner queue", members=(mara,))
    lead = make_lead(session, queue=queue)
    actor = actor_of(session, mara)
    assign_lead(
        session, actor, lead.ref, Wish(find_target(session, actor, "round_robin", group.ref)), now=now
    )
    first, second = (otto, pia) if lead.owner_user_id == otto.id else (pia, otto)
    decline_offer(session, actor_of(session, first), lead.ref, reason="no_capacity", now=now)
    accept_offer(session, actor_of(session, second), lead.ref, now=now)
    session.commit()
    assert "declined" not in signed_in(second).get(f"/leads/{lead.ref}").text
    release_lead(session, actor_of(session, second), lead.ref, reason="other", now=now + timedelta(minutes=1))
    give(session, mara, lead, first, now + timedelta(minutes=2))
    session.commit()
    page = signed_in(first).get(f"/leads/{lead.ref}")
    assert page.status_code == 200
    assert second.name not in page.text
    assert "Inner queue" not in page.text
    offered_next = signed_in(second).get(f"/leads/{lead.ref}")
    assert offered_next.status_code == 404  # it is not theirs any more
    assert second.name not in api(first).get(f"/leads/{lead.ref}/activities").text
    assert second.name in signed_in(mara).get(f"/leads/{lead.ref}").text


def test_the_campaign_is_the_vendors_alone(signed_in, session, mara, otto):
    lead = make_lead(session, owner=otto, campaign_name="Spring secret")
    for path in (f"/leads/{lead.ref}", f"/leads/{lead.ref}/edit", "/leads", "/inbox?box=mine"):
        assert "Spring secret" not in signed_in(otto).get(path).text
    stale = signed_in(otto).submit(
        f"/leads/{lead.ref}/edit",
        {"version": "0", "began": "{}", "city": "Olot"},
        page=f"/leads/{lead.ref}/edit",
    )
    assert stale.status_code in (303, 409)
    assert "Spring secret" not in stale.text
    assert "Spring secret" in signed_in(mara).get(f"/leads/{lead.ref}").text


def test_the_last_activity_is_that_of_ones_own_company(signed_in, session, mara, otto, pia, now):
    lead = make_lead(session, owner=otto)
    at = now - timedelta(days=3)
    log_activity(session, actor_of(session, mara), lead, kind="call", subject="x", at=at, now=now)
    session.commit()
    moment = at.strftime("%Y-%m-%dT%H:%M")
    for path in ("/leads", "/inbox?box=mine"):
        assert moment not in signed_in(otto).get(path).text
    assert moment in signed_in(mara).get("/leads").text
    log_activity(session, actor_of(session, otto), lead, kind="call", subject="y", at=at, now=now)
    session.commit()
    assert moment in signed_in(otto).get("/inbox?box=mine").text


def test_who_qualified_it_before_and_when_is_not_told(signed_in, session, mara, otto, pia, now):
    lead = make_lead(session, owner=pia)
    edit_lead(session, actor_of(session, pia), lead.ref, {"budget": "100 k"}, version=None, now=now)
    give(session, mara, lead, otto, now)
    session.commit()
    assert who_qualified(session, actor_of(session, otto), lead) == {}
    assert set(who_qualified(session, actor_of(session, mara), lead)) == {"budget"}


def test_notifications_are_a_fragment_too(signed_in, pia):
    assert signed_in(pia).get("/notifications", headers={"HX-Request": "true"}).status_code == 200


def test_no_nesting_is_too_deep_for_a_form(signed_in, session, pia):
    lead = make_lead(session, owner=pia)
    answer = signed_in(pia).submit(f"/leads/{lead.ref}/edit", {"began": "[" * 100_000, "city": "Olot"})
    assert answer.status_code < 500
