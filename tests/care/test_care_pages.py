"""Pages of the care of data: what is idle, left out, handed over, named; the check while one types."""

from datetime import timedelta

from sqlalchemy import select

from app.accounts.models import Account, Contact
from app.accounts.naming import matches
from app.care.comparing import compare_some
from app.events.models import Event
from app.identity.models import UserState
from app.kernel import clock
from app.kernel.actor import Role
from app.sharing.scope import scope
from tests.factories import SYSTEM, make_account, make_contact, make_lead, make_partner, make_user


def text_of(answer):
    return answer.get_data(as_text=True)


def again(session, model, key):
    statement = select(model).where(scope(model, SYSTEM), model.id == key)
    return session.scalars(statement.execution_options(populate_existing=True)).one()


def test_pairs_are_listed_told_apart_and_exported(signed_in, session, ada, sal, vic, now):
    one, two = make_account(session, "Forges Riera", site="Girona"), make_account(session, "Forgas Riera")
    compare_some(session, now=now)
    browser = signed_in(sal)
    page = text_of(browser.get("/care/duplicates"))
    assert "Forges Riera" in page
    assert "same name" in page
    assert "/care/merge/account" not in page
    page = text_of(signed_in(ada).get("/care/duplicates"))
    assert f"ref={one.ref}&amp;ref={two.ref}" in page
    ref = page.split('<tr id="')[1].split('"')[0]
    exported = text_of(browser.submit("/care/duplicates/export", {}))
    assert one.ref in exported
    assert browser.submit(f"/care/duplicates/{ref}/dismiss", {}).status_code == 303
    assert "No probable duplicates" in text_of(browser.get("/care/duplicates"))
    assert "Forgas Riera" in text_of(
        browser.get("/care/duplicates?state=dismissed&sort=found_at&reason=name")
    )
    assert browser.get("/care/duplicates?state=strange").status_code == 422
    two.deleted_at = now
    session.flush()
    assert "Forgas" not in text_of(browser.get("/care/duplicates?state=dismissed"))
    assert signed_in(vic).get("/care/duplicates").status_code == 403


def test_what_is_idle_is_counted_as_its_list_shows_it(signed_in, session, sal, ada):
    long_ago = clock.now() - timedelta(days=70)
    for number in range(3):
        make_account(session, f"Idle {number}", owner=sal, created_at=long_ago, last_activity_at=long_ago)
    make_account(session, "Busy", owner=sal, created_at=long_ago, last_activity_at=clock.now())
    make_account(session, "Untouched", owner=sal, created_at=long_ago)
    aside = make_account(session, "Aside", owner=sal, created_at=long_ago)
    browser = signed_in(ada)
    assert (
        browser.submit(f"/accounts/{aside.ref}/marks", {"mark": "left_out", "wanted": "1"}).status_code == 303
    )
    page = text_of(browser.get("/care"))
    row = page.split(f'<tr id="{sal.ref}"')[1].split("</tr>")[0]
    assert [part.split("<")[0] for part in row.split('left_out=no">')[1:]] == ["4", "4"]
    listed = text_of(browser.get(f"/accounts?owner={sal.ref}&idle_days=60&left_out=no"))
    assert all(f"Idle {number}" in listed for number in range(3))
    assert "Untouched" in listed
    assert "Busy" not in listed
    assert "Aside" not in listed


def test_what_is_left_out_is_out_of_lists_until_it_is_asked_for(signed_in, session, ada, sal):
    account = make_account(session, "Forges Riera", owner=sal)
    make_account(session, "Forges Vic", owner=sal)
    contact = make_contact(session, "Puig", account=account)
    browser = signed_in(ada)
    browser.submit(f"/accounts/{account.ref}/marks", {"mark": "left_out", "wanted": "1"})
    browser.submit(f"/contacts/{contact.ref}/marks", {"mark": "ready", "wanted": "1"})
    page = text_of(browser.get("/accounts"))
    assert "Forges Vic" in page
    assert "Forges Riera" not in page
    for address in ("/accounts?left_out=yes", "/accounts?left_out=any", "/accounts?q=riera"):
        assert "Forges Riera" in text_of(browser.get(address)), address
    assert "Ada" in text_of(browser.get(f"/accounts/{account.ref}"))
    assert "Puig" in text_of(browser.get("/contacts?ready=true"))
    assert again(session, Contact, contact.id).ready_by_id == ada.id
    browser.submit(f"/accounts/{account.ref}/marks", {"mark": "left_out", "wanted": ""})
    assert "Forges Riera" in text_of(browser.get("/accounts"))
    verbs = session.scalars(select(Event.verb).where(Event.record_kind == "account")).all()
    assert verbs == ["marked_left_out", "unmarked_left_out"]


def test_what_somebody_left_behind_goes_over_with_its_contacts(signed_in, session, ada, sal):
    gone = make_user(session, "Gil Gone", role=Role.CHANNEL_MANAGER)
    account = make_account(session, "Forges", owner=gone)
    partner = make_partner(session, "Northwind", owner=gone)
    contact = make_contact(session, "Puig", account=account)
    foreign = make_contact(session, "Riera", account=account, owner=ada)
    gone.state = UserState.DEACTIVATED
    browser = signed_in(ada)
    assert "Gil Gone" in text_of(browser.get("/care/handover"))
    answer = browser.submit("/care/handover", {"from": gone.ref, "to": sal.ref})
    assert "its owner must be a channel manager" in text_of(answer)
    assert again(session, Account, account.id).owner_user_id == sal.id
    assert again(session, Account, partner.account_id).owner_user_id == gone.id
    assert again(session, Contact, contact.id).owner_user_id == sal.id
    assert again(session, Contact, foreign.id).owner_user_id == ada.id
    assert browser.submit("/care/handover", {"from": gone.ref, "to": gone.ref}).status_code == 422


def test_names_are_hinted_at_remarked_on_and_refused(signed_in, session, ada):
    browser = signed_in(ada)
    given = {"hint": "Country, then the name: ES Forges", "patterns": "@@ *\nACME*", "is_must": "1"}
    tried = browser.submit("/setup/naming", {**given, "tried": "es forges", "try": "1"}, page="/setup/naming")
    assert "does not fit" in text_of(tried)
    assert browser.submit("/setup/naming", given).status_code == 303
    assert "Country, then the name" in text_of(browser.get("/accounts/new"))
    refused = browser.submit("/accounts", {"name": "forges"}, page="/accounts/new")
    assert refused.status_code == 422
    assert browser.submit("/accounts", {"name": "ES Forges"}, page="/accounts/new").status_code == 303
    assert "Country, then" in text_of(browser.get("/accounts/similar?name=forges"))
    assert browser.submit("/setup/naming", {**given, "hint": ""}).status_code == 422
    browser.submit("/setup/naming", {**given, "is_must": ""})
    saved = browser.submit("/accounts", {"name": "zimmer"}, page="/accounts/new", follow_redirects=True)
    assert "Country, then the name" in text_of(saved)
    assert matches("*" * 100 + "a*" * 50, "b" * 255) is False
    assert matches(r"100\# *", "100# pure")


def test_the_form_says_what_is_there_already_while_one_types(signed_in, session, sal):
    account = make_account(session, "Forges Riera", owner=sal, website="https://forges.example")
    make_contact(session, "Puig", first_name="Marta", account=account, email="marta@forges.example")
    browser = signed_in(sal)
    found = text_of(browser.get("/accounts/similar?name=forges+riera+sl&website=%00"))
    assert "Forges Riera" in found
    assert "same name" in found
    assert "same website" in text_of(browser.get("/accounts/similar?website=www.forges.example"))
    assert text_of(browser.get(f"/accounts/similar?name=forges+riera&except={account.ref}")).strip() == ""
    assert "Marta Puig" in text_of(
        browser.get("/contacts/similar?last_name=puig&first_name=marta&account_id=Forges+Riera")
    )
    assert text_of(browser.get("/accounts/similar")).strip() == ""


def test_the_box_suggests_while_one_types(signed_in, session, sal, pia, now):
    account = make_account(session, "Forges Riera", owner=sal, site="Girona")
    make_account(session, "Forges Riera Vic", owner=sal, parent_id=account.id)
    make_contact(
        session, "Puig", first_name="Marta", account=account, phone="+34600111222", mobile="+34600333444"
    )
    compare_some(session, now=now)
    browser = signed_in(sal)

    def found(text, **how):
        page = text_of(browser.get("/search/suggest", query_string={"q": text, "all": 1, **how}))
        return [
            part.split("</span>")[0]
            for part in page.split('role="option"')[1:]
            for part in [part.split("<span>")[-1]]
            if "Forges" in part or "Puig" in part
        ]

    assert found("riera") == ["Forges Riera", "Forges Riera Vic"]
    assert found("fòrges RI")[:1] == ["Forges Riera"]
    assert found("marta forges") == ["Marta Puig"]
    assert found("600 333 444") == ["Marta Puig"]
    assert found("marta piug") == ["Marta Puig"]
    first = text_of(browser.get("/search/suggest?q=riera"))
    assert "Forges Riera Vic" in first
    assert 'hx-get="/search/suggest?q=riera&amp;all=1"' in first
    assert "Also found as" in text_of(browser.get("/search?q=marta+piug"))
    assert "of Forges Riera" in text_of(browser.get("/search/suggest?q=forges+riera+vic"))
    assert "Forges" not in text_of(signed_in(pia).get("/search/suggest?q=forges")).replace("“forges”", "")
    # Partner people are given their leads at once, and ask for the rest as well.
    make_lead(session, owner=pia, company="Forges Roca")
    make_lead(session, owner=sal, company="Forges Serra")
    theirs = text_of(signed_in(pia).get("/search/suggest?q=forges"))
    assert ("Forges Roca" in theirs, "Serra" in theirs, "Riera" in theirs) == (True, False, False)
    assert 'hx-get="/search/suggest?q=forges&amp;all=1"' in theirs
