"""Somebody whose account scope is their portfolio keeps no rules, and is told of no company beyond it."""

import pytest
from sqlalchemy import select

from app.accounts.models import Account, AccountResponsible
from app.identity.models import AccountScope
from app.identity.organisation import edit_organisation
from app.kernel import clock
from app.routing.models import Queue
from app.sharing.models import PublicGroup, SharingRule
from app.sharing.scope import scope
from app.sharing.sharing_rules import create_rule, read_rule
from tests.factories import SYSTEM, actor_of, make_lead, make_partner, make_user, row_count, rows
from tests.pressed import Pressed
from tests.sharing.shared_worlds import settle_all
from tests.sharing.test_consequence_pages import PRIVATE


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


@pytest.mark.databases("sqlite")
def test_what_others_gain_and_lose_is_told_to_nobody_who_sees_a_portfolio(
    session, signed_in, mara, ada, sal, northwind, pia, pam
):
    """Consequences name companies and count records wherever they are."""
    away = make_user(session, "Hidden Helga", partner=make_partner(session, "Hidden Cycles", owner=ada))
    leads = [make_lead(session, owner=owner) for owner in (pia, away)]
    account = session.scalars(
        select(Account).where(scope(Account, SYSTEM), Account.id == northwind.account_id)
    ).one()
    actor, everybody = actor_of(session, ada), {"type": "all_partners"}
    make_lead(session, queue=session.get_one(Queue, northwind.queue_id))
    edit_organisation(session, actor, {"defaults": {"lead": PRIVATE}}, now=clock.now())
    owned_by = {"type": "partner_account", "id": account.ref}
    given = {
        "object": "lead",
        "kind": "owner",
        "owned_by": owned_by,
        "share_with": everybody,
        "level": "read",
    }
    create_rule(session, actor, read_rule(session, given), now=clock.now())
    settle_all(session)
    session.commit()
    page, members = f"/accounts/{account.ref}", {"members_from": "manager"}
    many = {"lead": [lead.ref for lead in leads], "kind": "partner_user", "partner_user": pam.ref}
    acts = [
        (f"/setup/users/{pia.ref}/edit", f"/setup/users/{pia.ref}/edit", {"role": "manager"}),
        (f"/partners/{account.ref}/edit", f"/partners/{account.ref}/edit", members),
        (f"{page}/responsibles", page, {"user": sal.ref, "role": "Technician"}),
        ("/leads/change-owner", "/leads", many),
        (f"{page}/edit", f"{page}/edit", {"owner": ada.ref}),
    ]

    def send(browser, url, page, change):
        standing = Pressed(browser.get(page), next(iter(change))).fields if page == url else {}
        return browser.submit(url, {**standing, **change}, page=page)

    everything = [send(signed_in(mara), *act) for act in acts]
    assert [answer.status_code for answer in everything] == [200] * len(acts), (
        "she is asked while her scope is all"
    )
    assert "Hidden" in "".join(answer.text for answer in everything)
    mara.account_scope = AccountScope.PORTFOLIO
    many["lead"] = leads[0].ref
    session.commit()
    for act in acts:
        answer = send(signed_in(mara), *act)
        assert (answer.status_code, "Hidden" in answer.text) == (303, False), act
        if act[0].endswith("responsibles"):
            [entry] = rows(session, AccountResponsible)
            removed = signed_in(mara).submit(f"{page}/responsibles/{entry.ref}/remove", {}, page=page)
            assert removed.status_code == 303
