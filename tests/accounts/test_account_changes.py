"""An account that is there: changed, deleted, restored; who may, and what stands in the way."""

import re
from datetime import timedelta

import pytest

from app.accounts.changes import StaleEdit
from app.accounts.models import Account, AccountResponsible, Contact
from app.accounts.operations import delete_account, edit_account, restore_account
from app.activities.operations import log_activity
from app.events.models import Event
from app.identity.models import AccountScope
from app.kernel import clock
from app.kernel.actor import Role
from app.kernel.errors import InUse, Invalid, NotAllowed, NotFound
from tests.accounts.told import verbs
from tests.factories import actor_of, make_account, make_contact, make_user, row_count, rows


def edit(browser, account, **change):
    form = browser.get(f"/accounts/{account.ref}/edit")
    assert form.status_code == 200
    values = {"version": str(account.version), "name": account.name, **change}
    return browser.submit(f"/accounts/{account.ref}/edit", values)


def test_an_edit_changes_the_record_and_says_what_it_changed(signed_in, session, sal, mara):
    account = make_account(session, "Forges", owner=mara, phone="972 20 11 00", billing_country="ES")
    assert edit(signed_in(sal), account, name="Forges Reunides", phone="972 20 11 99").status_code == 303
    assert (account.name, account.name_fold, account.phone_key) == (
        "Forges Reunides",
        "forges reunides",
        "+34972201199",
    )
    assert (account.version, account.updated_by_id, account.created_by_id) == (2, sal.id, mara.id)
    [event] = rows(session, Event, Event.record_ref == account.ref)
    assert event.changes == {"name": ["Forges", "Forges Reunides"], "phone": ["972 20 11 00", "972 20 11 99"]}


def test_an_edit_that_changes_nothing_leaves_no_trace(session, sal, mara):
    account = make_account(session, "Forges", owner=mara)
    edit_account(session, actor_of(session, sal), account.ref, {"name": " Forges "}, now=clock.now())
    assert account.version == 1
    assert verbs(session, account) == []


def test_a_stale_edit_shows_both_values_and_loses_nothing(signed_in, session, sal, mara):
    account = make_account(session, "Forges", owner=mara, industry="Wine", site="Olot")
    browser = signed_in(sal)
    first = {"name": "Forges", "industry": "Wine", "site": "Olot", "version": "1"}
    edit_account(
        session, actor_of(session, mara), account.ref, {"industry": "Metal", "site": "Vic"}, now=clock.now()
    )
    answer = browser.submit(f"/accounts/{account.ref}/edit", {**first, "industry": "Steel"})
    assert answer.status_code == 409
    page = answer.get_data(as_text=True)
    assert "Mara changed this" in page
    assert 'value="Steel"' in page, "what was typed is still there"
    assert "<td>Steel</td><td>Metal</td>" in page, "both values are shown"
    assert 'name="site" type="text" value="Vic"' in page or 'value="Vic"' in page, (
        "theirs is taken where mine is untouched"
    )
    assert (account.industry, account.site, account.version) == ("Metal", "Vic", 2)
    again = {"name": "Forges", "industry": "Steel", "site": "Vic", "version": "2"}
    assert browser.submit(f"/accounts/{account.ref}/edit", again).status_code == 303
    assert (account.industry, account.site, account.version) == ("Steel", "Vic", 3)


def test_a_stale_edit_of_the_same_values_is_no_conflict(session, sal, mara):
    account = make_account(session, "Forges", owner=mara)
    actor, now = actor_of(session, sal), clock.now()
    edit_account(session, actor, account.ref, {"site": "Vic"}, version=1, now=now)
    edit_account(session, actor, account.ref, {"site": "Vic"}, version=1, now=now)
    with pytest.raises(StaleEdit) as stale:
        edit_account(session, actor, account.ref, {"site": "Olot"}, version=1, now=now)
    assert stale.value.current == {"site": "Vic"}
    assert account.version == 2


def test_a_kind_is_for_ever(session, sal, mara):
    account = make_account(session, "Forges", owner=mara)
    actor, now = actor_of(session, sal), clock.now()
    edit_account(session, actor, account.ref, {"kind": "business"}, now=now)
    with pytest.raises(Invalid):
        edit_account(session, actor, account.ref, {"kind": "person"}, now=now)


def test_no_account_stands_below_itself(session, ada):
    actor, now = actor_of(session, ada), clock.now()
    top, middle, bottom = (make_account(session, name, owner=ada) for name in ("Top", "Middle", "Bottom"))
    edit_account(session, actor, middle.ref, {"parent_id": top.ref}, now=now)
    edit_account(session, actor, bottom.ref, {"parent_id": middle.ref}, now=now)
    for parent in (top, middle, bottom):
        with pytest.raises(Invalid) as refused:
            edit_account(session, actor, top.ref, {"parent_id": parent.ref}, now=now)
        assert "parent_id" in refused.value.errors
    assert top.parent_id is None


def test_a_parent_is_picked_by_its_name(signed_in, session, sal, mara):
    account = make_account(session, "Delta", owner=mara)
    parent = make_account(session, "Forges del Ter", owner=mara)
    browser = signed_in(sal)
    assert edit(browser, account, parent_id="forges del ter").status_code == 303
    assert account.parent_id == parent.id


def test_a_name_that_several_have_asks_which(signed_in, session, sal, mara):
    account = make_account(session, "Delta", owner=mara)
    wanted, other = make_account(session, "Forges", owner=mara), make_account(session, "Forges", owner=mara)
    browser = signed_in(sal)
    answer = edit(browser, account, parent_id="Forges")
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert wanted.ref in page
    assert other.ref in page
    assert edit(browser, account, parent_id="Forges", parent_id_ref=wanted.ref).status_code == 303
    assert account.parent_id == wanted.id


def test_sales_change_fields_but_not_the_owner_of_others_accounts(session, sal, mara, ada):
    account = make_account(session, "Forges", owner=mara)
    with pytest.raises(NotAllowed):
        edit_account(session, actor_of(session, sal), account.ref, {"owner": sal.ref}, now=clock.now())
    edit_account(session, actor_of(session, ada), account.ref, {"owner": sal.ref}, now=clock.now())
    assert account.owner_user_id == sal.id
    [event] = rows(session, Event, Event.record_ref == account.ref)
    assert event.changes == {"owner": ["Mara", "Sal"]}


def test_a_partners_owner_is_a_channel_manager(session, northwind, sal, ada):
    [account] = rows(session, Account, Account.id == northwind.account_id)
    with pytest.raises(Invalid):
        edit_account(session, actor_of(session, ada), account.ref, {"owner": sal.ref}, now=clock.now())


def test_viewers_read_and_change_nothing(signed_in, session, vic, mara):
    account = make_account(session, "Forges", owner=mara)
    browser = signed_in(vic)
    page = browser.get(f"/accounts/{account.ref}").get_data(as_text=True)
    assert "Forges" in page
    assert "/edit" not in page
    assert "What happened, and what comes next?" not in page
    assert browser.get(f"/accounts/{account.ref}/edit").status_code == 403
    assert (
        browser.submit(f"/accounts/{account.ref}/edit", {"name": "Mine"}, page="/profile").status_code == 403
    )
    assert account.name == "Forges"


def test_what_is_outside_a_portfolio_is_not_there(signed_in, session, mara):
    account = make_account(session, "Forges", owner=mara)
    pol = make_user(session, "Pol", account_scope=AccountScope.PORTFOLIO)
    browser = signed_in(pol)
    absent = "acct_00000000000000000000AA"
    for act in ("", "/edit", "/activities"):
        hidden, nothing = (browser.get(f"/accounts/{ref}{act}") for ref in (account.ref, absent))
        assert (hidden.status_code, nothing.status_code) == (404, 404)
        assert plain(hidden) == plain(nothing)
    posted = browser.submit(f"/accounts/{account.ref}/edit", {"name": "Mine"}, page="/profile")
    assert posted.status_code == 404
    assert account.name == "Forges"


def plain(answer):
    """A page without what differs from request to request."""
    text = re.sub(r"Request \w+|acct_\w+", "", answer.get_data(as_text=True))
    return re.sub(r'(csrf_token" value=|X-CSRFToken[^:]*: )("|&#34;)[^"&]+', "", text)


# Who answers for it


def test_a_responsible_gains_the_account_and_loses_it(signed_in, session, mara):
    account = make_account(session, "Forges", owner=mara)
    pol = make_user(session, "Pol", account_scope=AccountScope.PORTFOLIO)
    browser = signed_in(mara)
    page = f"/accounts/{account.ref}"
    answer = browser.agree(f"{page}/responsibles", {"user": pol.ref, "role": "Technician"}, page=page)
    assert answer.status_code == 303
    [entry] = rows(session, AccountResponsible)
    assert (entry.user_id, entry.role) == (pol.id, "Technician")
    assert signed_in(pol).get(page).status_code == 200
    assert browser.submit(f"{page}/responsibles", {"user": pol.ref}, page=page).status_code == 409
    assert browser.agree(f"{page}/responsibles/{entry.ref}/remove", {}, page=page).status_code == 303
    assert signed_in(pol).get(page).status_code == 404
    assert verbs(session, account) == ["responsible_added", "responsible_removed"]


def test_sales_name_no_responsibles_of_others_accounts(signed_in, session, sal, mara):
    account = make_account(session, "Forges", owner=mara)
    page = f"/accounts/{account.ref}"
    assert signed_in(sal).submit(f"{page}/responsibles", {"user": sal.ref}, page=page).status_code == 403
    assert row_count(session, AccountResponsible) == 0


# Deleting and restoring


def test_a_deleted_account_is_gone_with_its_contacts_and_comes_back_with_them(signed_in, session, mara):
    account = make_account(session, "Forges", owner=mara)
    kept = make_contact(session, "Puig", account=account)
    gone_before = make_contact(session, "Vila", account=account, deleted_at=clock.now())
    browser = signed_in(mara)
    page = f"/accounts/{account.ref}"
    assert "contact" in browser.get(f"{page}/delete").get_data(as_text=True)
    answer = browser.submit(f"{page}/delete", {})
    assert answer.location == "/accounts"
    assert browser.get(page).status_code == 404
    assert browser.get(f"/contacts/{kept.ref}").status_code == 404
    shown = browser.get("/accounts").get_data(as_text=True)
    assert account.ref not in shown.replace(f"{account.ref}/restore", "")
    assert browser.submit(f"{page}/restore", {}, page="/accounts").location == page
    assert browser.get(f"/contacts/{kept.ref}").status_code == 200
    assert browser.get(f"/contacts/{gone_before.ref}").status_code == 404
    assert verbs(session, account) == ["deleted", "restored"]


def test_after_thirty_days_nothing_comes_back(session, ada):
    account = make_account(session, "Forges", owner=ada)
    actor, now = actor_of(session, ada), clock.now()
    delete_account(session, actor, account.ref, now=now - timedelta(days=31))
    with pytest.raises(NotFound):
        restore_account(session, actor, account.ref, now=now)
    with pytest.raises(NotFound):
        restore_account(session, actor, make_account(session, "Alive", owner=ada).ref, now=now)


def test_what_is_in_use_is_not_deleted(session, ada, northwind):
    actor, now = actor_of(session, ada), clock.now()
    [partner] = rows(session, Account, Account.id == northwind.account_id)
    busy, parent = make_account(session, "Busy", owner=ada), make_account(session, "Parent", owner=ada)
    make_account(session, "Child", owner=ada, parent_id=parent.id)
    log_activity(session, actor, busy, kind="task", subject="Call back", now=now)
    for account in (partner, busy, parent):
        with pytest.raises(InUse):
            delete_account(session, actor, account.ref, now=now)
        assert account.deleted_at is None


@pytest.mark.parametrize("who", ["sal", "vic", "pia"])
def test_only_administrators_and_channel_managers_delete(request, signed_in, session, mara, who):
    account = make_account(session, "Forges", owner=mara)
    browser = signed_in(request.getfixturevalue(who))
    for act in ("delete", "restore"):
        assert browser.submit(f"/accounts/{account.ref}/{act}", {}, page="/profile").status_code == 403
    assert account.deleted_at is None


def test_a_portfolio_manager_restores_only_what_they_would_see(session, ada):
    account = make_account(session, "Forges", owner=ada)
    delete_account(session, actor_of(session, ada), account.ref, now=clock.now())
    cam = make_user(session, "Cam", role=Role.CHANNEL_MANAGER, account_scope=AccountScope.PORTFOLIO)
    session.commit()
    with pytest.raises(NotFound):
        restore_account(session, actor_of(session, cam), account.ref, now=clock.now())
    session.rollback()
    assert account.deleted_at is not None


def test_contacts_of_a_deleted_account_are_counted_nowhere(signed_in, session, mara):
    account = make_account(session, "Forges", owner=mara)
    make_contact(session, "Puig", account=account)
    delete_account(session, actor_of(session, mara), account.ref, now=clock.now())
    assert "Puig" not in signed_in(mara).get("/contacts").get_data(as_text=True)
    assert row_count(session, Contact, Contact.deleted_at.is_(None)) == 0
