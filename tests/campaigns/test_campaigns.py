"""A campaign from its plan to what came of it: leads that name it, members, numbers, renaming, archiving, the API."""

import html

import pytest

from app.campaigns.members import add_matching
from app.campaigns.models import Campaign, CampaignMember
from app.campaigns.operations import create_campaign
from app.campaigns.queries import outcome_of
from app.events.models import Event
from app.kernel import clock
from app.kernel.errors import Invalid, NotAllowed
from app.leads.models import Lead
from app.leads.operations import edit_lead
from app.opportunities.models import Opportunity
from tests.factories import actor_of, make_account, make_contact, make_lead, make_opportunity, rows


def text(answer):
    return answer.get_data(as_text=True)


def make_campaign(session, user, name="Spring", **values):
    return create_campaign(session, actor_of(session, user), {"name": name, **values}, now=clock.now())


def test_from_a_plan_to_what_came_of_it(signed_in, session, mara, sal, otto):
    browser = signed_in(mara)
    form = {
        "name": "Fair in Lleida", "status": "planned", "type": "event", "start_date": "2026-11-02",
        "end_date": "2026-11-01", "budgeted_cost": "1.200", "currency": "EUR", "owner": mara.ref,
    }  # fmt: skip
    refused = browser.submit("/campaigns", form, page="/campaigns/new")
    assert refused.status_code == 422
    assert "It cannot end before it starts." in text(refused)
    assert 'value="Fair in Lleida"' in text(refused)
    home = browser.submit("/campaigns", {**form, "end_date": "2026-11-04"}, page="/campaigns/new").location
    [campaign] = rows(session, Campaign)
    assert (campaign.budgeted_cost, campaign.currency) == (1200, "EUR")
    assert (
        browser.submit("/campaigns", {**form, "end_date": ""}, page="/campaigns/new").status_code == 422
    )  # the name
    # A lead that names it, however it is written, has it and is a member; what is not known is refused.
    lead, other = (
        make_lead(session, owner=sal, company="Forges"),
        make_lead(session, owner=sal, company="Molins"),
    )
    session.commit()
    actor, now = actor_of(session, mara), clock.now()
    with pytest.raises(Invalid):
        edit_lead(session, actor, lead.ref, {"campaign": "Nowhere"}, now=now)
    session.rollback()
    edit_lead(session, actor, lead.ref, {"campaign": "fair in  LLEIDA"}, now=now)
    session.commit()
    assert (lead.campaign_id, lead.campaign_name) == (campaign.id, "Fair in Lleida")
    [member] = rows(session, CampaignMember)
    assert (member.lead_id, member.status) == (lead.id, "sent")
    # One by one, by name; a whole list; nobody twice.
    contact = make_contact(session, "Puig", account=make_account(session, "Puig SA", owner=mara), owner=mara)
    session.commit()
    make_contact(
        session, "Puigdevall", account=make_account(session, "Puigdevall SA", owner=mara), owner=mara
    )
    session.commit()
    unclear = browser.get(browser.submit(f"{home}/members", {"record": "Puig"}, page=home).location)
    said = html.unescape(unclear.get_data(as_text=True))
    assert "Several can be meant: " in said
    assert 'name="record" value="Puig"' in said, "what was typed stays"
    browser.submit(f"{home}/members", {"record": contact.ref}, page=home)
    added = browser.submit("/campaigns/members/add", {"object": "lead", "campaign": campaign.ref}, page=home)
    assert added.status_code == 303
    assert {(m.lead_id, m.contact_id) for m in rows(session, CampaignMember)} == {
        (lead.id, None), (other.id, None), (None, contact.id)
    }  # fmt: skip
    page = text(browser.get(home))
    assert "Molins" in page
    assert "Puig" in text(browser.get(f"{home}?kind=contact"))
    [his] = [m for m in rows(session, CampaignMember) if m.lead_id == other.id]
    browser.submit(f"{home}/members/{his.ref}", {"status": "answered"}, page=home)
    assert "Forges" not in text(browser.get(f"{home}?status=answered"))
    assert "Molins" in text(browser.get(f"/leads?member_of={campaign.ref}"))
    assert "Molins" not in text(browser.get(f"/leads?campaign_id={campaign.ref}"))
    assert "Puig" in text(browser.get(f"/contacts?member_of={campaign.ref}"))
    # Who came by it stays a member; others go.
    kept = browser.submit(f"{home}/members/{member.ref}/remove", {}, page=home)
    assert "came by the campaign" in text(browser.get(kept.location))
    browser.submit(f"{home}/members/{his.ref}/remove", {}, page=home)
    assert len(rows(session, CampaignMember)) == 2
    # Partners know nothing of it but what a lead shows them.
    assert signed_in(otto).get(home).status_code in (403, 404)
    assert rows(session, Event, Event.record_kind == "campaign")[-1].verb == "member_removed"


def test_its_numbers_equal_the_lists_that_they_lead_to(signed_in, session, mara, sal, count_queries):
    campaign = make_campaign(session, mara)
    leads = [
        make_lead(session, owner=sal, campaign_id=campaign.id, campaign_name="Spring", status=status)
        for status in ("new", "working", "qualified")
    ]
    make_lead(session, owner=sal, campaign_name=None)
    account = make_account(session, "Forges", owner=sal)
    own = {"account": account, "owner": sal, "campaign_id": campaign.id, "campaign_name": "Spring"}
    make_opportunity(session, "One", amount=100, currency="EUR", stage="won", **own)
    make_opportunity(session, "Two", amount=70.5, currency="EUR", stage="won", **own)
    make_opportunity(session, "Three", amount=9, currency="USD", stage="won", **own)
    make_opportunity(session, "Four", amount=1, currency="USD", **own)
    session.commit()
    found = outcome_of(session, actor_of(session, mara), campaign)
    assert [c.number for c in (found.leads, found.qualified, found.converted)] == [3, 1, 0]
    assert (found.opportunities.number, found.won_opportunities.number) == (4, 3)
    assert {code: float(sum_) for code, sum_ in found.won.items()} == {"EUR": 170.5, "USD": 9}
    browser = signed_in(mara)
    page = text(browser.get(f"/campaigns/{campaign.ref}"))
    for address, names in (
        (f"/leads?campaign_id={campaign.ref}", [lead.ref for lead in leads]),
        (f"/leads?campaign_id={campaign.ref}&filter=category.in:qualified;converted", [leads[2].ref]),
        (f"/opportunities?campaign_id={campaign.ref}&category=won", ["One", "Two", "Three"]),
    ):
        listed = text(browser.get(address))
        assert all(name in listed for name in names), address
        assert (
            address.replace("&", "&amp;").replace(":", "%3A").replace(";", "%3B") in page
            or address.replace("&", "&amp;") in page
        )
    # Renamed, its leads and opportunities have the new name; their versions stay.
    form = {"name": "Spring 2026", "version": "1", "member_name": ["Invited", ""], "member_key": ["sent", ""]}
    assert browser.submit(f"/campaigns/{campaign.ref}/edit", form).status_code == 303
    assert {lead.campaign_name for lead in rows(session, Lead, Lead.campaign_id == campaign.id)} == {
        "Spring 2026"
    }
    assert {o.campaign_name for o in rows(session, Opportunity)} == {"Spring 2026"}
    late = browser.submit(f"/campaigns/{campaign.ref}/edit", {"name": "Autumn", "version": "1"})
    assert late.status_code == 409
    assert 'value="Autumn"' in text(late)
    # Used, it is archived rather than deleted, and then offered no more.
    assert "It is used. Leads:" in browser.get(f"/campaigns/{campaign.ref}/delete").text
    refused = browser.submit(f"/campaigns/{campaign.ref}/delete", {})
    assert refused.status_code == 409
    assert "Leads: 3, opportunities: 4," in text(refused)
    browser.submit(f"/campaigns/{campaign.ref}/archive", {"on": "1"}, page=f"/campaigns/{campaign.ref}")
    assert campaign.ref not in text(browser.get("/campaigns"))
    assert campaign.ref in text(browser.get("/campaigns?left_out=yes"))
    with pytest.raises(Invalid):
        edit_lead(session, actor_of(session, mara), make_lead(session, owner=sal).ref, {"campaign": "Spring 2026"}, now=clock.now())  # fmt: skip


@pytest.mark.databases("sqlite", "postgresql")
def test_members_are_those_that_the_reader_may_see(api, session, mara, sal, vic, pia):
    campaign = make_campaign(session, mara)
    other = make_campaign(session, mara, "Autumn")
    hidden = make_contact(session, "Hidden", owner=mara)  # without an account: nobody else's
    lead = make_lead(session, owner=sal, company="Forges")
    session.commit()
    path = f"/campaigns/{campaign.ref}"
    call = api(mara)
    assert call.post(f"{path}/members", {"contact_id": hidden.ref}).status_code == 201
    assert call.post(f"{path}/members", {"lead_id": lead.ref, "status": "nope"}).status_code == 422
    assert call.post(f"{path}/members", {"lead_id": lead.ref}).status_code == 201
    assert call.post(f"{path}/members", {"lead_id": lead.ref}).status_code == 200
    assert [m["name"] for m in call.get(f"{path}/members?kind=contact").json["items"]] == ["Hidden"]
    assert api(vic).get(f"{path}/members?kind=contact").json["items"] == []
    [hers] = call.get(f"{path}/members").json["items"]
    assert call.patch(f"{path}/members/{hers['id']}", {"status": "attended"}).json["answered"] is True
    assert api(vic).patch(path, {"name": "x"}).status_code == 403
    for partner in (api(pia).get(path), api(pia).get(f"{path}/members"), api(pia).delete(path)):
        assert partner.status_code == 404
    assert api(pia).get("/campaigns").status_code == 403
    # A lead gets its campaign by id or by name.
    patched = call.patch(f"/leads/{lead.ref}", {"campaign_id": other.ref})
    assert (patched.json["campaign_id"], patched.json["campaign"]) == (other.ref, "Autumn")
    assert call.patch(f"/leads/{lead.ref}", {"campaign_id": "camp_nothing"}).status_code == 422
    assert call.post("/leads", {"last_name": "Roca", "campaign": "Nowhere"}).status_code == 422
    made = call.post("/leads", {"last_name": "Roca", "campaign": "autumn"})
    assert made.json["campaign_id"] == other.ref
    assert len(call.get(f"/campaigns/{other.ref}/members").json["items"]) == 2
    assert call.get(f"/campaigns/{other.ref}").json["outcome"]["leads"] == 2
    assert call.delete(f"/campaigns/{other.ref}").json["type"].endswith("in-use")
    assert [c["name"] for c in call.get("/campaigns?sort=name").json["items"]] == ["Autumn", "Spring"]
    assert call.patch(path, {"archived": True}).json["archived"] is True
    with pytest.raises(NotAllowed):
        add_matching(session, actor_of(session, vic), other.ref, "lead", {}, now=clock.now())
