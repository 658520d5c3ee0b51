"""Somebody whose account scope is their portfolio keeps no rules, and is told of no company beyond it."""

from sqlalchemy import select

from app.accounts.models import Account
from app.identity.models import AccountScope
from app.sharing.models import PublicGroup, SharingRule
from app.sharing.scope import scope
from tests.factories import SYSTEM, make_lead, make_partner, row_count


def test_rules_and_groups_are_for_people_whose_scope_is_all(api, signed_in, session, mara, ada):
    """Else a channel manager would give everybody's records to themselves."""
    mara.account_scope = AccountScope.PORTFOLIO
    session.commit()
    rule = {
        "object": "lead", "kind": "criteria", "share_with": {"type": "user", "id": mara.ref}, "level": "read",
    }  # fmt: skip
    for path, body in (("/sharing-rules", rule), ("/groups", {"name": "Mine"})):
        refused = api(mara).post(path, body)
        assert refused.status_code == 403
        assert "your account scope is your own portfolio" in refused.json["detail"]
    browser = signed_in(mara)
    for url in ("/setup/sharing-rules", "/setup/groups/new"):
        assert browser.get(url).status_code == 403
    assert "/setup/sharing-rules" not in browser.get("/setup/").get_data(as_text=True)
    assert [row_count(session, table) for table in (SharingRule, PublicGroup)] == [0, 0]
    ada.account_scope = AccountScope.PORTFOLIO
    session.commit()
    assert api(ada).post("/sharing-rules", rule).status_code == 201, "administrators have everything anyway"


def test_pickers_and_shares_name_no_company_that_one_does_not_see(
    api, signed_in, session, mara, sal, ada, northwind, pia
):
    hidden = make_partner(session, "Hidden Cycles", owner=ada)
    lead = make_lead(session, owner=mara)
    mara.account_scope = AccountScope.PORTFOLIO
    session.commit()
    refs = {
        account.name: account.ref
        for account in session.scalars(select(Account).where(scope(Account, SYSTEM)))
    }
    browser = signed_in(mara)
    for kind in ("partner_account", "account_team", "user"):
        for part in ("list", "who"):
            shown = browser.get(f"/principals/{part}/principal?principal_type={kind}").get_data(as_text=True)
            assert "Northwind" in shown
            assert "Hidden" not in shown
    everybody = signed_in(ada).get("/principals/list/principal?principal_type=partner_account")
    assert "Hidden Cycles" in everybody.get_data(as_text=True)
    for kind in ("partner_account", "account_team"):
        share = {"principal": {"type": kind, "id": refs["Hidden Cycles"]}, "level": "read"}
        refused = api(mara).post(f"/leads/{lead.ref}/shares", share)
        assert (refused.status_code, "Hidden" in refused.text) == (422, False)
        unknown = {**share, "principal": {"type": kind, "id": "acct_" + "0" * 22}}
        assert api(mara).post(f"/leads/{lead.ref}/shares", unknown).json["errors"] == refused.json["errors"]
    seen = {"principal": {"type": "partner_account", "id": refs["Northwind"]}, "level": "read"}
    assert api(mara).post(f"/leads/{lead.ref}/shares", seen).status_code == 201
    assert hidden.account_id
