"""Fields that an administrator adds to opportunities: in forms, lists, the API, on pages, and filled by a conversion."""

from app.conversion.mapping import add_mapping
from app.conversion.operations import convert_lead
from app.conversion.undoing import unconvert_lead
from app.conversion.wanted import read_wanted
from app.events.models import Event
from app.kernel import clock
from tests.factories import actor_of, make_account, make_lead, make_opportunity, rows
from tests.fields.making import make_field


def test_they_work_like_those_of_accounts(signed_in, api, session, ada, sal, pia):
    fleet = make_field(session, ada, "opportunity", label="Fleet").name
    size = make_field(session, ada, "opportunity", "choice", "Size", choices=("Small", "Large")).name
    inner = make_field(session, ada, "opportunity", label="Margin", is_internal=True).name
    account = make_account(session, "Forges", owner=sal)
    theirs = make_opportunity(session, "Theirs", account=account, owner=pia)
    theirs.custom = {fleet: "bikes", inner: "Zugeknöpft"}
    session.commit()
    client = api(sal)
    body = {"name": "Gravel", "account_id": account.ref, "custom": {fleet: "vans", size: "large"}}
    made = client.post("/opportunities", json=body).json
    assert made["custom"] == {fleet: "vans", size: "large", inner: None}
    assert client.patch(f"/opportunities/{made['id']}", json={"custom": {size: "huge"}}).status_code == 422
    assert (
        client.patch(f"/opportunities/{made['id']}", json={"custom": {size: "small"}}).json["custom"][size]
        == "small"
    )
    [told] = [e for e in rows(session, Event) if e.verb == "edited" and e.record_ref == made["id"]]
    assert told.changes == {size: ["Large", "Small"]}
    assert [o["name"] for o in client.get(f"/opportunities?{fleet}=vans").json["items"]] == ["Gravel"]
    url = f"/opportunities/{made['id']}"
    browser = signed_in(sal)
    form = {
        "name": "Gravel",
        "account_id": "Forges",
        "account_id_ref": account.ref,
        fleet: "trucks",
        "version": "2",
    }
    assert browser.submit(f"{url}/edit", form, page=f"{url}/edit").status_code == 303
    assert "trucks" in browser.get(url).get_data(as_text=True)
    listed = browser.get(f"/opportunities?columns={fleet},{size}&{size}=small").get_data(as_text=True)
    assert "trucks" in listed
    assert "Theirs" not in listed
    assert browser.get("/setup/fields").status_code in (200, 403)
    # Partner people read those that are not the vendor's alone, and write none.
    partner, path = api(pia), f"/opportunities/{theirs.ref}"
    assert partner.get(path).json["custom"] == {fleet: "bikes", size: None}
    assert partner.patch(path, json={"custom": {fleet: "x"}}).status_code == 422
    assert partner.get(f"/opportunities?{inner}=Zugeknöpft").status_code == 422
    for name in ("campaign", "external_id", "partner_account_id"):  # what is the vendor's finds nothing
        assert partner.get(f"/opportunities?{name}=x").json["items"] == []
        assert signed_in(pia).get(f"/opportunities?{name}=x").status_code == 200
    page = signed_in(pia).get(path).get_data(as_text=True)
    assert "bikes" in page
    assert "Zugeknöpft" not in page
    assert fleet not in signed_in(pia).get(f"{path}/edit").get_data(as_text=True)


def test_a_conversion_fills_them_and_undoing_takes_them_back(session, ada, sal):
    source = make_field(session, ada, "lead", label="Wish").name
    target = make_field(session, ada, "opportunity", label="Wanted").name
    add_mapping(session, actor_of(session, ada), source, "opportunity", target, now=clock.now())
    lead = make_lead(session, owner=sal, company="Forges", last_name="Puig", custom={source: "gravel bikes"})
    actor = actor_of(session, sal)
    result = convert_lead(session, actor, lead.ref, read_wanted(opportunity={"name": "x"}), now=clock.now())
    assert result.opportunity.custom == {target: "gravel bikes"}
    unconvert_lead(session, actor, lead.ref, now=clock.now())
    assert (lead.custom, lead.converted_at) == ({source: "gravel bikes"}, None)
