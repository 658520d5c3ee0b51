"""An opportunity from a need to a purchase; who works on it; its board; what the API takes and refuses."""

import pytest
from sqlalchemy import select

from app.accounts.operations import delete_account
from app.accounts.relations.interests import note_interest
from app.accounts.relations.registries import INTEREST_AREAS
from app.events.models import Event
from app.kernel import clock
from app.kernel.errors import InUse
from app.opportunities.models import Opportunity, OpportunityStage
from app.opportunities.registry import STAGES
from app.registries.operations import add_item, edit_item, remove_item
from app.sharing.shares import share_record
from tests.factories import actor_of, make_account, make_contact, make_opportunity, rows
from tests.people import is_told


def text(answer):
    return answer.get_data(as_text=True)


def test_from_a_need_to_a_purchase(signed_in, api, session, ada, sal):
    account = make_account(session, "Forges", owner=sal)
    contact = make_contact(session, "Puig", first_name="Marta", account=account, owner=sal)
    now = clock.now()
    add_item(session, actor_of(session, ada), INTEREST_AREAS, {"name": "Gravel"}, now=now)
    interest, _new = note_interest(
        session,
        actor_of(session, sal),
        account.ref,
        "Gravel",
        is_interested=True,
        need="Twelve bikes for the works' team",
        now=now,
    )
    browser, home = signed_in(sal), f"/accounts/{account.ref}"
    turn = f"{home}/interests/{interest.ref}/opportunity"
    assert turn in text(browser.get(home))
    first = browser.submit(turn, page=home).location
    assert browser.submit(turn, page=home).location == first  # a double click makes one
    [made] = rows(session, Opportunity)
    assert made.name == "Gravel for Forges"
    assert made.description == interest.need
    assert turn not in text(browser.get(home))
    assert first in text(browser.get(home))
    assert f'href="{home}/relations#interests">Gravel</a>' in text(browser.get(first))
    [noted] = api(sal).get(f"{home}/interests").json["items"]
    assert noted["opportunity_id"] == made.ref
    # Filled in: an amount without a currency is in the organisation's own.
    form = {
        "name": made.name,
        "account_id": "Forges",
        "amount": "1.250,50",
        "probability": "",
        "stage": "proposal",
    }
    form |= {"close_date": "2026-12-24", "version": "1", "currency": ""}
    assert browser.submit(f"{first}/edit", form).status_code == 303
    page = text(browser.get(first))
    assert "€1,250.50" in page
    assert "40 %" in page
    assert browser.submit(f"{first}/edit", {**form, "currency": "XXX", "version": "2"}).status_code == 422
    assert (
        browser.submit(f"{first}/edit", {**form, "name": "Other"}).status_code == 409
    )  # begun from version 1
    browser.submit(f"{first}/contacts", {"contact": "Marta Puig", "role": "buyer"}, page=first)
    assert first in text(browser.get(f"/contacts/{contact.ref}"))
    # The board shows it where it stands, with what the stage comes to; without a script it is moved by a form.
    board = text(browser.get("/opportunities/board"))
    assert board.index('id="stage-proposal"') < board.index(made.name) < board.index('id="stage-negotiation"')
    answer = browser.submit(f"{first}/stage", {"stage": "won", "from": "board"}, page="/opportunities/board")
    assert "/turn?stage=won" in answer.location
    assert browser.submit(f"{first}/turn", {"stage": "won"}, page=answer.location).status_code == 422
    with pytest.raises(InUse):
        delete_account(session, actor_of(session, ada), account.ref, now=clock.now())
    browser.submit(
        f"{first}/turn", {"stage": "won", "outcome": "best_offer", "note": "Quick"}, page=answer.location
    )
    # What was needed was bought; that it is met is said by whoever keeps the account, and asked beside it.
    met = '<button class="btn btn-sm" name="act" value="met">'
    assert met in text(browser.get(home))
    browser.submit(f"{home}/interests/{interest.ref}", {"act": "met"}, page=home)
    assert met not in text(browser.get(home))
    make_opportunity(session, "Spares", account=account, owner=sal, stage="won", amount=80, currency="CHF")
    make_opportunity(session, "Tyres", account=account, owner=sal, stage="won", amount=20, currency="CHF")
    page = text(browser.get(home))
    purchases = page[page.index('id="purchases"') :]
    assert "€1,250.50" in purchases
    assert "CHF100" in purchases.replace("\xa0", "")
    verbs = session.scalars(
        select(Event.verb)
        .where(Event.record_kind == "opportunity", Event.record_id == made.id)
        .order_by(Event.id)
    ).all()
    assert verbs == ["created", "edited", "contact_added", "won"]
    happened = text(browser.get(f"{first}/activities"))
    assert "won" in happened
    assert "gave Marta Puig a part in it" in happened
    contact.account_id, contact.owner_user_id = None, ada.id  # hers alone from now on
    happened = text(browser.get(f"{first}/activities"))
    assert "gave somebody a part in it" in happened
    assert "Marta Puig" not in happened
    assert first in text(browser.get("/search?q=gravel"))


def test_a_partner_works_on_theirs_and_sees_no_other(signed_in, api, session, sal, pia, pam, otto):
    account = make_account(session, "Forges", owner=sal)
    mine = make_opportunity(session, "Gravel", account=account, owner=pia, amount=10, currency="EUR")
    make_opportunity(session, "Secret", account=account, owner=sal)
    browser = signed_in(pia)
    url = f"/opportunities/{mine.ref}"
    listed = text(browser.get("/opportunities"))
    assert "Gravel" in listed
    assert "Secret" not in listed
    assert not is_told("Sal", listed)
    # Changing many at once, or in the list, is not for partners: it is not offered.
    assert "Change a field" not in listed
    assert "data-cells" not in listed
    page = text(browser.get(url))
    assert "Forges" not in page  # the account is nobody's of theirs
    assert not is_told("Sal", page)
    # On the board as well it may be moved by whoever may, though everybody inside reads it for another reason.
    assert f"{url}/stage" in text(browser.get("/opportunities/board"))
    assert signed_in(pam).get(url).status_code == 200  # above the owner
    assert signed_in(otto).get(url).status_code == 404
    assert browser.submit(f"{url}/stage", {"stage": "proposal"}, page=url).status_code == 303
    partner = api(pia)
    path = f"/opportunities/{mine.ref}"
    shown = partner.get(path).json
    assert (shown["account_id"], shown["stage"], shown["created_by"]["name"]) == (None, "proposal", "Pia")
    for values in ({"account_id": account.ref}, {"owner": sal.ref}, {"campaign": "x"}, {"external_id": "x"}):
        assert partner.patch(path, json=values).status_code == 422
    assert partner.post("/opportunities", json={"name": "x", "account_id": account.ref}).status_code == 403
    assert 'class="is-done"' in browser.get(url).text
    assert partner.patch(path, json={"stage": "lost", "outcome": "price"}).json["category"] == "lost"
    assert 'class="is-done"' not in browser.get(url).text  # nobody knows how far it came
    assert partner.get(f"/opportunities?owner={sal.ref}").json["items"] == []


def test_partners_are_told_of_nobody_elses_work_on_an_opportunity(signed_in, api, session, ada, sal, pia):
    theirs = make_opportunity(session, "Gravel", owner=sal)
    to = {"type": "user", "id": pia.ref}
    share_record(session, actor_of(session, ada), theirs, to, "edit", until=None, now=clock.now())
    session.commit()
    log = {"kind": "call", "subject": "Price agreed"}
    assert api(sal).post(f"/opportunities/{theirs.ref}/activities", json=log).status_code == 201
    browser, partner = signed_in(pia), api(pia)
    shown = text(browser.get("/opportunities?view=all&columns=name,owner,last_activity_at"))
    assert "Gravel" in shown
    assert "Last activity" in shown
    assert "just now" not in shown
    assert not is_told("Sal", shown)
    assert "Last activity" not in text(browser.get(f"/opportunities/{theirs.ref}"))
    since = '{"field": "last_activity_at", "op": "gte", "value": "2020-01-01"}'
    whose = f'{{"field": "owner", "op": "equals", "value": "{sal.ref}"}}'
    for asked in (since, whose):
        assert partner.get("/opportunities", query_string={"filter": asked}).json["items"] == []
        assert len(api(sal).get("/opportunities", query_string={"filter": asked}).json["items"]) == 1
    assert partner.post(f"/opportunities/{theirs.ref}/activities", json=log).status_code == 201
    assert len(partner.get("/opportunities", query_string={"filter": since}).json["items"]) == 1


def test_what_the_api_takes_and_refuses(api, session, sal, vic, mara, ada):
    account, hidden = make_account(session, "Forges", owner=sal), make_contact(session, "Puig", owner=mara)
    caller = api(sal)
    for wrong in (
        {},
        {"name": "x"},
        {"name": "x", "account_id": None},
        {"name": "x", "account_id": "acct_0000000000000000000000"},
        {"name": "x", "account_id": account.ref, "currency": "XXX"},
        {"name": "x", "account_id": account.ref, "amount": 1, "currency": "eu"},
        {"name": "x", "account_id": account.ref, "amount": 1.5, "currency": "JPY"},
        {"name": "x", "account_id": account.ref, "amount": -1},
        {"name": "x", "account_id": account.ref, "probability": 101},
        {"name": "x", "account_id": account.ref, "close_date": "soon"},
        {"name": "x", "account_id": account.ref, "stage": "dreaming"},
        {"name": "x", "account_id": account.ref, "outcome": "price"},
        {"name": "x", "account_id": account.ref, "source_lead_id": "lead_0000000000000000000000"},
    ):
        answer = caller.post("/opportunities", json=wrong)
        assert answer.status_code == 422, wrong
        assert answer.json["errors"], wrong
    assert not rows(session, Opportunity)
    made = caller.post(
        "/opportunities",
        json={
            "name": "Gravel",
            "account_id": account.ref,
            "amount": 1250.5,
            "currency": "usd",
            "owner": sal.ref,
        },
    )
    assert made.status_code == 201
    assert made.json["currency"] == "USD"
    assert made.json["probability"] == 10
    path = f"/opportunities/{made.json['id']}"
    stale = caller.patch(path, json={"name": "y"}, headers={"If-Match": '"x"'})
    assert stale.status_code == 409
    won = caller.patch(path, json={"stage": "won"}).json
    assert (won["category"], won["probability"]) == ("won", 100)
    again = caller.patch(path, json={"stage": "proposal", "probability": 55}).json
    assert (again["category"], again["probability"], again["closed_at"]) == ("open", 55, None)
    assert caller.post(f"{path}/contacts", json={"contact_id": hidden.ref}).status_code == 422
    assert api(vic).patch(path, json={"name": "y"}).status_code == 403
    assert api(vic).get(path).status_code == 200
    assert caller.delete(path).status_code == 403
    assert api(mara).delete(path).status_code == 403  # who only reads it deletes nothing
    assert api(ada).delete(path).status_code == 204
    assert caller.get(path).status_code == 404
    assert api(ada).post(f"{path}/restore").status_code == 200


def test_stages_in_use_are_renamed_and_retired_not_lost(session, ada, sal):
    actor, now = actor_of(session, ada), clock.now()
    made = make_opportunity(session, "Gravel", owner=sal, stage="proposal")
    stage = session.get_one(OpportunityStage, made.stage_id)
    edit_item(session, actor, STAGES, stage.ref, {"name": "Offer", "is_active": False}, now=now)
    with pytest.raises(InUse):
        remove_item(session, actor, STAGES, stage.ref, now=now)
    with pytest.raises(InUse):
        edit_item(session, actor, STAGES, stage.ref, {"category": "won"}, now=now)
    for key in ("won", "lost"):
        only = session.scalars(select(OpportunityStage).where(OpportunityStage.key == key)).one()
        with pytest.raises(InUse):
            edit_item(session, actor, STAGES, only.ref, {"is_active": False}, now=now)
