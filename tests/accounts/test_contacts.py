"""One contact: made, changed, private, deleted, restored."""

import pytest

from app.accounts.changes import StaleEdit
from app.accounts.contact_operations import create_contact, delete_contact, edit_contact, restore_contact
from app.accounts.errors import ProbableDuplicate
from app.accounts.models import Account, AccountKind, Contact
from app.events.models import Event
from app.identity.models import AccountScope
from app.kernel import clock
from app.kernel.actor import Role
from app.kernel.errors import InUse, Invalid, NotAllowed, NotFound
from tests.factories import actor_of, make_account, make_contact, make_user, row_count, rows

MARTA = {
    "last_name": "Puig", "first_name": "Marta", "title": "Purchasing", "email": "Marta@Forges.example",
    "phone": "972 20 11 00", "mobile": "", "account_id": "", "language": "ca", "time_zone": "Europe/Madrid",
}  # fmt: skip


def create(browser, at=None, **change):
    page = f"/contacts/new?account={at.ref}" if at else "/contacts/new"
    named = {"account_id": at.name, "account_id_ref": at.ref} if at else {}
    return browser.submit("/contacts", {**MARTA, **named, **change}, page=page)


def test_a_contact_is_made_on_its_account(signed_in, session, sal, mara):
    account = make_account(session, "Forges", owner=mara, billing_country="ES")
    browser = signed_in(sal)
    assert 'value="Forges"' in browser.get(f"/contacts/new?account={account.ref}").get_data(as_text=True)
    answer = create(browser, account)
    [contact] = rows(session, Contact)
    assert answer.location == f"/contacts/{contact.ref}"
    assert (contact.account_id, contact.full_name, contact.owner_user_id) == (
        account.id,
        "Marta Puig",
        sal.id,
    )
    assert (contact.email_key, contact.phone_key) == ("marta@forges.example", "+34972201100")
    assert contact.last_name_fold == "puig"
    assert (contact.language, contact.time_zone) == ("ca", "Europe/Madrid")
    page = browser.get(f"/accounts/{account.ref}").get_data(as_text=True)
    assert f"/contacts/{contact.ref}" in page


def test_save_and_new_stays_with_the_account(signed_in, session, sal, mara):
    account = make_account(session, "Forges", owner=mara)
    answer = create(signed_in(sal), account, account=account.ref, save_and_new="1")
    assert answer.location == f"/contacts/new?account={account.ref}"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("last_name", ""),
        ("last_name", "x" * 121),
        ("email", "no address"),
        ("email", "a@b.example\r\nBcc: c@d.example"),
        ("first_name", "\x00"),
        ("account_id", "acct_00000000000000000000AA"),
        ("reports_to_id", "cont_00000000000000000000AA"),
        ("language", "xx"),
        ("time_zone", "Mars/Olympus"),
        ("shoe_size", "43"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_field(session, sal, field, value):
    with pytest.raises(Invalid) as refused:
        create_contact(session, actor_of(session, sal), {"last_name": "Puig", field: value}, now=clock.now())
    assert field in refused.value.errors
    assert row_count(session, Contact) == 0


def test_a_refused_form_comes_back_as_typed(signed_in, session, sal):
    answer = create(signed_in(sal), last_name="", email="marta@")
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert 'value="marta@"' in page
    assert "is not an e-mail address" in page


def test_a_person_account_has_no_contacts(session, sal, mara):
    person = make_account(session, "Marta Puig", owner=mara, kind=AccountKind.PERSON, last_name="Puig")
    with pytest.raises(Invalid) as refused:
        create_contact(
            session, actor_of(session, sal), {"last_name": "Vila", "account_id": person.ref}, now=clock.now()
        )
    assert "account_id" in refused.value.errors


# Private contacts


def test_a_contact_without_account_is_its_owners_and_administrators(signed_in, session, sal, mara, ada, vic):
    create(signed_in(sal))
    [contact] = rows(session, Contact)
    assert contact.account_id is None
    page = f"/contacts/{contact.ref}"
    assert signed_in(sal).get(page).status_code == 200
    assert signed_in(ada).get(page).status_code == 200
    for other in (mara, vic):
        browser = signed_in(other)
        assert browser.get(page).status_code == 404
        assert browser.get(f"{page}/activities").status_code == 404
        assert contact.ref not in browser.get("/contacts").get_data(as_text=True)
        assert contact.ref not in browser.get("/contacts?q=Puig").get_data(as_text=True)
    assert contact.ref in signed_in(sal).get("/contacts").get_data(as_text=True)


def test_nobody_makes_a_contact_that_they_could_not_see(session, sal, mara):
    account = make_account(session, "Forges", owner=mara)
    with pytest.raises(Invalid):
        create_contact(
            session, actor_of(session, sal), {"last_name": "Puig", "owner": mara.ref}, now=clock.now()
        )
    contact = make_contact(session, "Vila", account=account)
    with pytest.raises(Invalid):
        edit_contact(session, actor_of(session, sal), contact.ref, {"account_id": None}, now=clock.now())


# Duplicates and changes


def test_a_probable_duplicate_is_shown_before_it_is_saved(session, sal, mara):
    account = make_account(session, "Forges", owner=mara)
    actor, now = actor_of(session, sal), clock.now()
    first = create_contact(
        session,
        actor,
        {"last_name": "Puig", "first_name": "Marta", "email": "m@f.example", "account_id": account.ref},
        now=now,
    )
    for again, reason in (
        ({"last_name": "Other", "email": "M@F.example"}, "email"),
        ({"last_name": "PUIG", "first_name": "marta", "account_id": account.ref}, "name"),
    ):
        with pytest.raises(ProbableDuplicate) as doubt:
            create_contact(session, actor, again, now=now)
        assert [(m.ref, m.reasons) for m in doubt.value.matches] == [(first.ref, (reason,))]
    # A namesake elsewhere and a brother at the same company are other people.
    create_contact(session, actor, {"last_name": "Puig", "first_name": "Marta"}, now=now)
    create_contact(
        session, actor, {"last_name": "Puig", "first_name": "Joan", "account_id": account.ref}, now=now
    )


def test_an_edit_changes_the_record_and_says_what_it_changed(signed_in, session, sal, mara):
    contact = make_contact(session, "Puig", account=make_account(session, "Forges", owner=mara))
    browser = signed_in(sal)
    values = {"version": "1", "last_name": "Puig", "email": "new@forges.example", "title": "Director"}
    assert browser.submit(f"/contacts/{contact.ref}/edit", values).status_code == 303
    assert (contact.email_key, contact.title, contact.version, contact.updated_by_id) == (
        "new@forges.example", "Director", 2, sal.id,
    )  # fmt: skip
    [event] = rows(session, Event, Event.record_ref == contact.ref)
    assert set(event.changes) == {"email", "title"}


def test_a_stale_edit_is_refused_with_both_values(signed_in, session, sal, mara):
    contact = make_contact(
        session, "Puig", account=make_account(session, "Forges", owner=mara), title="Clerk"
    )
    edit_contact(session, actor_of(session, mara), contact.ref, {"title": "Boss"}, now=clock.now())
    with pytest.raises(StaleEdit) as stale:
        edit_contact(
            session, actor_of(session, sal), contact.ref, {"title": "Chief"}, version=1, now=clock.now()
        )
    assert stale.value.current == {"title": "Boss"}
    values = {"version": "1", "last_name": "Puig", "title": "Chief"}
    answer = signed_in(sal).submit(f"/contacts/{contact.ref}/edit", values)
    assert answer.status_code == 409
    assert "<td>Chief</td><td>Boss</td>" in answer.get_data(as_text=True)


def test_nobody_reports_to_themselves(session, ada):
    account = make_account(session, "Forges", owner=ada)
    actor, now = actor_of(session, ada), clock.now()
    boss, clerk = (
        make_contact(session, "Boss", account=account),
        make_contact(session, "Clerk", account=account),
    )
    edit_contact(session, actor, clerk.ref, {"reports_to_id": boss.ref}, now=now)
    for superior in (boss, clerk):
        with pytest.raises(Invalid) as refused:
            edit_contact(session, actor, boss.ref, {"reports_to_id": superior.ref}, now=now)
        assert "reports_to_id" in refused.value.errors


def test_the_owner_changes_by_those_who_have_it_in_full(session, sal, mara, ada):
    contact = make_contact(session, "Puig", account=make_account(session, "Forges", owner=ada), owner=ada)
    with pytest.raises(NotAllowed):
        edit_contact(session, actor_of(session, sal), contact.ref, {"owner": sal.ref}, now=clock.now())
    edit_contact(session, actor_of(session, mara), contact.ref, {"owner": sal.ref}, now=clock.now())
    assert contact.owner_user_id == sal.id


def test_a_partner_user_does_not_move_to_another_account(session, ada, northwind, pia):
    [account] = rows(session, Account, Account.id == northwind.account_id)
    contact = make_contact(session, "Puig", account=account)
    pia.contact_id = contact.id
    elsewhere = make_account(session, "Elsewhere", owner=ada)
    actor, now = actor_of(session, ada), clock.now()
    with pytest.raises(Invalid):
        edit_contact(session, actor, contact.ref, {"account_id": elsewhere.ref}, now=now)
    with pytest.raises(InUse):
        delete_contact(session, actor, contact.ref, now=now)


# Deleting and restoring


def test_a_deleted_contact_is_gone_and_comes_back(signed_in, session, mara):
    contact = make_contact(session, "Puig", account=make_account(session, "Forges", owner=mara))
    browser = signed_in(mara)
    page = f"/contacts/{contact.ref}"
    assert browser.submit(f"{page}/delete", {}).location == "/contacts"
    assert browser.get(page).status_code == 404
    assert browser.submit(f"{page}/restore", {}, page="/contacts").location == page
    assert browser.get(page).status_code == 200
    assert [e.verb for e in rows(session, Event, Event.record_ref == contact.ref)] == ["deleted", "restored"]


def test_sales_delete_their_own_contacts_and_no_others(signed_in, session, sal, mara):
    account = make_account(session, "Forges", owner=mara)
    own, other = (
        make_contact(session, "Own", account=account, owner=sal),
        make_contact(session, "Other", account=account),
    )
    browser = signed_in(sal)
    assert browser.submit(f"/contacts/{other.ref}/delete", {}, page="/contacts").status_code == 403
    assert browser.get(f"/contacts/{other.ref}/delete").status_code == 403
    assert browser.submit(f"/contacts/{own.ref}/delete", {}).status_code == 303
    assert (own.deleted_at is None, other.deleted_at is None) == (False, True)


def test_a_private_contact_is_restored_by_those_who_saw_it(session, sal, mara):
    contact = make_contact(session, "Puig", owner=sal)
    now = clock.now()
    delete_contact(session, actor_of(session, sal), contact.ref, now=now)
    session.commit()
    with pytest.raises(NotFound):
        restore_contact(session, actor_of(session, mara), contact.ref, now=now)
    session.rollback()
    restore_contact(session, actor_of(session, sal), contact.ref, now=now)
    assert contact.deleted_at is None


@pytest.mark.parametrize("who", ["vic", "pia"])
def test_viewers_and_partners_change_no_contacts(request, signed_in, session, mara, who):
    contact = make_contact(session, "Puig", account=make_account(session, "Forges", owner=mara))
    browser = signed_in(request.getfixturevalue(who))
    assert browser.get("/contacts/new").status_code == 403
    assert browser.submit("/contacts", MARTA, page="/profile").status_code == 403
    for act in ("edit", "delete", "restore"):
        answer = browser.submit(f"/contacts/{contact.ref}/{act}", {"last_name": "Mine"}, page="/profile")
        assert answer.status_code == 403
    assert (contact.last_name, row_count(session, Contact)) == ("Puig", 1)


def test_contacts_follow_their_account_out_of_a_portfolio(signed_in, session, mara):
    contact = make_contact(session, "Puig", account=make_account(session, "Forges", owner=mara))
    pol = make_user(session, "Pol", role=Role.SALES, account_scope=AccountScope.PORTFOLIO)
    browser = signed_in(pol)
    for act in ("", "/edit", "/delete"):
        assert browser.get(f"/contacts/{contact.ref}{act}").status_code == 404
