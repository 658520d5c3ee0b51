"""Change owner, as people do it: on a lead's page, and for many from the list."""

import re

import pytest

from app.identity.models import UserState
from app.leads.models import Assignment, Lead, LeadRefusal
from app.notifications.models import Delivery, DeliveryState
from tests.factories import (
    get_default_queue,
    make_lead,
    make_queue,
    make_round_robin,
    make_user,
    row_count,
    rows,
)


def url(lead):
    return f"/leads/{lead.ref}/owner"


def test_a_channel_manager_changes_the_owner_and_is_back_on_the_lead(session, signed_in, mara, pia):
    lead = make_lead(session, owner=mara)
    browser = signed_in(mara)
    answer = browser.submit(
        url(lead), {"kind": "partner_user", "partner_user": pia.ref, "notify": "y"}, follow_redirects=True
    )
    assert answer.status_code == 200
    assert answer.request.path == f"/leads/{lead.ref}"
    assert "Pia has it now." in answer.text
    session.refresh(lead)
    assert lead.owner_user_id == pia.id
    assert [d.state for d in rows(session, Delivery)] == [DeliveryState.DUE]


def test_only_those_who_can_take_it_are_listed_and_why_others_are_not(
    session, signed_in, mara, pia, northwind, southwind, otto
):
    make_user(session, "Nora New", partner=northwind, first_web_sign_in_at=None)
    make_user(session, "Gil Gone", partner=southwind, state=UserState.DEACTIVATED)
    pia.capacity = 3
    lead = make_lead(session, owner=pia)
    page = signed_in(mara).get(url(lead)).text
    listed = re.findall(
        r"<option[^>]*>([^<]+)</option>", page.partition('name="partner_user"')[2].partition("</select>")[0]
    )
    assert listed == ["Choose …", "Pia · 1 of 3 open", "Otto"]
    assert "Nora New, Northwind: has never signed in on the web" in page
    assert "Gil Gone, Southwind: deactivated" in page
    assert "Who should have “" in page
    assert lead.company in page


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("queue", "queue"), ("round_robin", "pia"), ("colleague", "sal"), ("partner_account", "own")],
)
def test_every_kind_of_owner(session, signed_in, mara, sal, pia, northwind, kind, expected):
    from tests.routing.routing_worlds import account_ref

    queue, group = make_queue(session, members=(sal,)), make_round_robin(session, members=(pia,))
    refs = {
        "queue": queue.ref,
        "round_robin": group.ref,
        "colleague": sal.ref,
        "partner_account": account_ref(session, northwind),
    }
    lead = make_lead(session)
    assert signed_in(mara).submit(url(lead), {"kind": kind, kind: refs[kind]}).status_code == 303
    session.refresh(lead)
    owner = {"queue": queue.id, "own": northwind.queue_id, "pia": pia.id, "sal": sal.id}[expected]
    assert owner in (lead.owner_user_id, lead.owner_queue_id)
    assert (lead.offer_id is not None) == (kind == "round_robin")


def test_by_the_rules_without_any_goes_to_the_default_queue(session, signed_in, mara, pia):
    lead = make_lead(session, owner=pia)
    signed_in(mara).submit(url(lead), {"kind": "rules"})
    session.refresh(lead)
    assert lead.owner_queue_id == get_default_queue(session).id


def test_a_full_person_is_asked_about_once_more(session, signed_in, mara, pia):
    pia.capacity = 0
    lead = make_lead(session)
    browser = signed_in(mara)
    given = {"kind": "partner_user", "partner_user": pia.ref}
    refused = browser.submit(url(lead), given)
    assert refused.status_code == 409
    assert "at capacity, 0 of 0" in refused.text
    assert 'name="over_capacity"' in refused.text
    assert browser.submit(url(lead), {**given, "over_capacity": "y"}).status_code == 303
    session.refresh(lead)
    assert lead.owner_user_id == pia.id


def test_a_company_that_refused_it_is_warned_about_first(session, signed_in, mara, pia, northwind, now):
    lead = make_lead(session)
    session.add(LeadRefusal(lead_id=lead.id, company_id=northwind.account_id, at=now, cause="decline"))
    browser = signed_in(mara)
    given = {"kind": "partner_user", "partner_user": pia.ref}
    refused = browser.submit(url(lead), given)
    assert (refused.status_code, 'name="despite_refusal"' in refused.text) == (409, True)
    assert browser.submit(url(lead), {**given, "despite_refusal": "y"}).status_code == 303


@pytest.mark.parametrize(
    "given", [{}, {"kind": "robot"}, {"kind": "queue"}, {"kind": "queue", "queue": "queue_none"}]
)
def test_nothing_chosen_is_said_on_the_page(session, signed_in, mara, given):
    lead = make_lead(session)
    answer = signed_in(mara).submit(url(lead), given)
    assert answer.status_code == 422
    assert "error-summary" in answer.text
    assert row_count(session, Assignment) == 1


def test_partner_managers_pick_from_their_own_people_alone(
    session, signed_in, pam, pia, otto, mara, northwind
):
    peer = make_user(session, "Pit", partner=northwind)
    lead = make_lead(session, owner=pia)
    browser = signed_in(pam)
    page = browser.get(url(lead)).text
    assert "Pit" in page
    assert not any(name in page for name in ("Otto", "Mara", "Southwind", 'value="queue"', 'value="rules"'))
    assert browser.submit(url(lead), {"kind": "colleague", "colleague": otto.ref}).status_code == 422
    assert browser.submit(url(lead), {"kind": "rules"}).status_code == 403
    assert browser.submit(url(lead), {"kind": "colleague", "colleague": peer.ref}).status_code == 303
    session.refresh(lead)
    assert lead.owner_user_id == peer.id


def test_partner_managers_read_numbers_of_leads_that_they_see_alone(
    session, signed_in, pam, pia, pex, northwind
):
    peer = make_user(session, "Pol", role=pam.role, partner=northwind)
    for person in (pia, pam, pex, peer):
        person.capacity = 7
        make_lead(session, owner=person)
    pit = make_user(session, "Pit", role=pex.role, partner=northwind, capacity=2)
    for _ in range(2):
        make_lead(session, owner=pit)
    northwind.capacity = 6  # full; but a transfer takes no room in the company
    lead = make_lead(session, owner=pia)

    def listed(user):
        page = signed_in(user).get(url(lead)).text.partition('name="colleague"')[2].partition("</select>")[0]
        return re.findall(r"<option[^>]*>([^<]+)</option>", page)[1:]

    assert listed(pam) == ["Pam · 1 of 7 open", "Pex", "Pia · 2 of 7 open", "Pit · at capacity", "Pol"]
    assert listed(pex) == [
        "Pam · 1 of 7 open", "Pex · 1 of 7 open", "Pia · 2 of 7 open", "Pit · at capacity", "Pol · 1 of 7 open",
    ]  # fmt: skip


def test_who_may_not(session, signed_in, pia, otto, vic, sal, mara):
    lead = make_lead(session, owner=pia)
    for user, status in ((pia, 403), (otto, 404), (vic, 403), (sal, 403)):
        browser = signed_in(user)
        assert browser.get(url(lead)).status_code == status
        assert browser.submit(url(lead), {"kind": "colleague", "colleague": sal.ref}).status_code == status
    assert row_count(session, Assignment) == 1


# Many


def test_many_leads_from_the_list_with_undo(session, signed_in, mara, pia):
    leads = [make_lead(session) for _ in range(3)]
    browser = signed_in(mara)
    ticked = {"lead": [lead.ref for lead in leads]}
    question = browser.submit("/leads/change-owner", ticked, page="/leads")
    assert "Who should have these 3?" in question.text
    assert all(f'value="{lead.ref}"' in question.text for lead in leads)
    assert row_count(session, Assignment) == 3  # nothing has happened yet
    done = browser.agree(
        "/leads/change-owner",
        {**ticked, "kind": "partner_user", "partner_user": pia.ref, "notify": "y"},
        page="/leads",
        follow_redirects=True,
    )
    assert done.status_code == 200
    assert "3 changed" in done.text
    assert "Undo" in done.text
    session.expire_all()
    assert {lead.owner_user_id for lead in rows(session, Lead)} == {pia.id}
    undone = browser.submit(f"{done.request.path}/undo", page=done.request.path, follow_redirects=True)
    assert "3 are back where they were." in undone.text
    session.expire_all()
    assert {lead.owner_queue_id for lead in rows(session, Lead)} == {get_default_queue(session).id}
    assert [d.state for d in rows(session, Delivery)] == [DeliveryState.SUPPRESSED]


def test_what_could_not_be_changed_is_named(session, signed_in, mara, pia, now):
    lead = make_lead(session, company="Forges del Ter", converted_at=now, is_open=False)
    given = {"lead": [lead.ref, "lead_nothing"], "kind": "partner_user", "partner_user": pia.ref}
    page = signed_in(mara).submit("/leads/change-owner", given, page="/leads", follow_redirects=True).text
    assert "Nothing was changed" in page
    assert "Forges del Ter" in page
    assert "It does not exist, or you may not see it." in page


def test_nothing_ticked_goes_back_to_the_list(session, signed_in, mara):
    answer = signed_in(mara).submit("/leads/change-owner", {}, page="/leads", follow_redirects=True)
    assert "Tick the rows first" in answer.text


def test_a_bulk_act_is_its_makers(session, signed_in, mara, sal, pia, otto):
    given = {"lead": [make_lead(session).ref], "kind": "partner_user", "partner_user": pia.ref}
    path = signed_in(mara).agree("/leads/change-owner", given, page="/leads").location
    for user in (sal, pia, otto):
        assert signed_in(user).get(path).status_code == 404
        assert signed_in(user).submit(f"{path}/undo", page="/profile").status_code == 404


def test_those_who_may_not_assign_do_not_change_many(session, signed_in, pia, vic):
    for user in (pia, vic):
        given = {"lead": [make_lead(session, owner=pia).ref]}
        assert signed_in(user).submit("/leads/change-owner", given, page="/profile").status_code == 403
