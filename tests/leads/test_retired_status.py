"""A status, or a stage, that is retired while records are in it: they stay there, and everything goes on showing them."""

import html
import json
import re

import pytest

from app.leads.registries import STATUSES, add_item, edit_item
from app.opportunities.models import OpportunityStage
from app.opportunities.registry import STAGES
from tests.factories import (
    actor_of,
    make_account,
    make_lead,
    make_opportunity,
    open_portal,
    rows,
)
from tests.intake.importing import take


@pytest.fixture
def lead(session, ada, mara, now):
    """In "Nurturing", which was retired afterwards."""
    open_portal(session)
    actor = actor_of(session, ada)
    status = add_item(session, actor, STATUSES, {"name": "Nurturing", "category": "working"}, now=now)
    session.flush()
    found = make_lead(
        session,
        owner=mara,
        status=status.key,
        company="Forges del Ter",
        external_id="F-1",
        consent_basis="as agreed by phone",
    )
    edit_item(session, actor, STATUSES, status.ref, {"is_active": False}, now=now)
    return found


def test_a_lead_stays_in_a_retired_status_and_is_shown_with_it(session, signed_in, api, mara, lead):
    browser, page = signed_in(mara), f"/leads/{lead.ref}"
    assert '<span class="path-stop">Nurturing<' in browser.get(page).text
    form = browser.get(f"{page}/edit").text
    assert '<option selected value="nurturing">Nurturing</option>' in form
    assert form.count(">Nurturing<") == 1
    assert "Nurturing" not in browser.get("/leads/new").text
    board = browser.get("/leads/board").text
    column = board[board.index('id="column-nurturing"') :]
    assert "Nurturing (retired)" in column
    assert "Forges del Ter" in column
    assert board.count('<option value="nurturing"') == 0  # from there leads only move away
    found = browser.get("/leads?status=nurturing").text
    assert "Forges del Ter" in found
    assert "Nurturing (retired)" in found
    assert "Converted (retired)" not in found  # nobody chooses it, but conversion gives it
    assert api(mara).get("/leads?status=nurturing").json["items"][0]["id"] == lead.ref
    for report in ("funnel", "ageing"):
        assert browser.get(f"/reports/{report}").status_code == 200

    began = json.dumps({"city": "Girona", "status": "nurturing"})
    version = re.search(r'name="version"[^>]*value="([^"]*)"', form).group(1)
    typed = {"city": "Olot", "status": "nurturing", "began": began, "version": version}
    assert browser.submit(f"{page}/edit", typed, page=f"{page}/edit").status_code == 303
    moved = {"stage": "working", "was": "nurturing"}
    assert browser.submit(f"{page}/board", moved, page="/profile").status_code == 303
    assert api(mara).get(f"/leads/{lead.ref}").json["status"] == "working"
    assert "column-nurturing" not in browser.get("/leads/board").text  # nothing is in it any more
    back = browser.submit(f"{page}/status", {"status": "nurturing"}, page="/profile", follow_redirects=True)
    assert "There is no such status" in html.unescape(back.text)
    assert api(mara).get(f"/leads/{lead.ref}").json["status"] == "working"


def test_programs_send_back_what_a_lead_holds_though_it_is_out_of_use(session, api, mara, lead):
    client, url = api(mara), f"/leads/{lead.ref}"
    held = {"status": "nurturing", "consent_basis": "as agreed by phone"}
    changed = client.patch(url, json={**held, "city": "Olot"})
    assert changed.status_code == 200
    assert {name: changed.json[name] for name in (*held, "city")} == {**held, "city": "Olot"}
    known = client.post("/leads", json={**held, "external_id": "F-1", "city": "Ripoll"})
    assert (known.status_code, known.json["city"], known.json["status"]) == (200, "Ripoll", "nurturing")

    for name, other in (("status", "gone"), ("consent_basis", "as agreed by letter")):
        refused = client.patch(url, json={name: other, "city": "Vic"})
        assert (refused.status_code, list(refused.json["errors"])) == (422, [name])
    new = client.post("/leads", json={"last_name": "Puig", "status": "nurturing"})
    assert (new.status_code, list(new.json["errors"])) == (422, ["status"])
    assert client.patch(url, json={"status": "working", "consent_basis": "contract"}).status_code == 200
    gone = client.patch(url, json=held)
    assert sorted(gone.json["errors"]) == ["consent_basis", "status"]


def test_a_file_leaves_a_retired_status_as_it_is_and_says_so_of_others(session, api, mara, lead):
    done = take(session, "External id,Last name,Status\nF-1,Puig,Nurturing\nF-2,Roca,Nurturing\n", mara)
    assert (done.accepted, done.refused, done.warnings) == (2, 0, 1)
    statuses = {item["external_id"]: item["status"] for item in api(mara).get("/leads").json["items"]}
    assert statuses["F-1"] == "nurturing"


def test_an_opportunity_stays_in_a_retired_stage_and_is_shown_with_it(
    session, signed_in, api, ada, mara, now
):
    actor = actor_of(session, ada)
    stage = add_item(session, actor, STAGES, {"name": "Demo", "category": "open"}, now=now)
    session.flush()
    account = make_account(session, "Forges")
    deal = make_opportunity(session, "Twelve pumps", account=account, stage=stage.key, owner=mara)
    edit_item(session, actor, STAGES, stage.ref, {"is_active": False}, now=now)
    assert rows(session, OpportunityStage, OpportunityStage.key == "demo")[0].is_active is False
    browser, page = signed_in(mara), f"/opportunities/{deal.ref}"
    assert ">Demo<" in browser.get(page).text
    assert '<option selected value="demo">Demo</option>' in browser.get(f"{page}/edit").text
    board = browser.get("/opportunities/board").text
    column = board[board.index('id="column-demo"') :]
    assert "Demo (retired)" in column
    assert "Twelve pumps" in column
    assert "Twelve pumps" in browser.get("/opportunities?stage=demo").text
    client = api(mara)
    assert client.patch(page, json={"stage": "demo", "description": "Big"}).status_code == 200
    assert client.get("/opportunities?stage=demo").json["items"][0]["id"] == deal.ref
    new = client.post("/opportunities", json={"name": "x", "account_id": account.ref, "stage": "demo"})
    assert (new.status_code, list(new.json["errors"])) == (422, ["stage"])
