"""Person accounts, the tree of accounts, and who reports to whom."""

import pytest

from app.accounts.contact_operations import create_contact, delete_contact, edit_contact, restore_contact
from app.accounts.kinds import change_kind
from app.accounts.models import Account, AccountKind, Contact
from app.accounts.operations import edit_account
from app.accounts.relations.tree import above, right_below
from app.events.models import Event
from app.identity.models import AccountScope
from app.intake.models import ImportIssue
from app.kernel import clock
from app.kernel.db import transaction
from app.kernel.errors import InUse, Invalid, NotFound
from tests.factories import actor_of, make_account, make_contact, make_partner, rows
from tests.intake.importing import take
from tests.races import together

PERSON, BUSINESS = AccountKind.PERSON, AccountKind.BUSINESS


@pytest.mark.databases("sqlite")
def test_a_person_has_no_contacts_by_any_way_in(session, signed_in, api, ada):
    person = make_account(session, "Marta Puig", owner=ada, kind=PERSON, last_name="Puig")
    contact = make_contact(session, "Roca", account=make_account(session, "Forges", owner=ada))
    session.commit()
    refusal = "A person account is one person and has no contacts."
    browser = signed_in(ada)
    form = {"last_name": "Puig", "account_id": "Marta Puig", "account_id_ref": person.ref}
    answer = browser.submit("/contacts", form, page="/contacts/new")
    assert (answer.status_code, refusal in answer.get_data(as_text=True)) == (422, True)
    for answer in (
        api(ada).post("/contacts", {"last_name": "Puig", "account_id": person.ref}),
        api(ada).patch(f"/contacts/{contact.ref}", {"account_id": person.ref}),
    ):
        assert (answer.status_code, answer.json["errors"]) == (422, {"account_id": [refusal]})
    assert len(rows(session, Contact)) == 1


@pytest.mark.databases("sqlite")
def test_what_cannot_be_done_is_said_before_it_is_asked_for(signed_in, session, ada):
    account, browser = make_account(session, "Forges", owner=ada), signed_in(ada)
    person = make_contact(session, "Puig", account=account, owner=ada)
    below = make_account(session, "Forges Sud", owner=ada)
    below.parent_id = account.id
    session.commit()
    delete, kind = (f"/accounts/{account.ref}/{act}" for act in ("delete", "kind"))
    for page, why in (
        (delete, "1 account stands below it."),
        (kind, "It has contacts, and a person has none."),
    ):
        shown = browser.get(page).text
        assert why in shown
        assert f'action="{page}"' not in shown
    late = browser.submit(delete, page=f"/accounts/{account.ref}")  # a page that was open before
    assert late.status_code == 409
    assert "It is still in use" in late.text
    below.parent_id, person.account_id = None, None
    session.commit()
    assert all(f'action="{page}"' in browser.get(page).text for page in (delete, kind))


def test_a_file_adds_nobody_to_a_person_and_closes_no_circle(app, session, mara):
    make_account(session, "Marta Puig", owner=mara, kind=PERSON, last_name="Puig")
    one = make_account(session, "One", owner=mara, external_id="1")
    two = make_account(session, "Two", owner=mara, external_id="2", parent_id=one.id)
    session.commit()
    mapping = {"Last name": "last_name", "Account": "account_id"}
    done = take(
        session, "Last name,Account\nRoca,Marta Puig\nPuig,One\n", by=mara, kind="contact", mapping=mapping
    )
    assert (done.created, done.refused) == (1, 1)
    mapping = {"Name": "name", "Id": "external_id", "Parent": "parent_id"}
    done = take(session, "Name,Id,Parent\nOne,1,Two\nTwo,2,One\n", by=mara, kind="account", mapping=mapping)
    session.expire_all()
    assert (done.refused, one.parent_id, two.parent_id) == (1, None, one.id)
    reasons = [str(issue.reason) for issue in rows(session, ImportIssue, ImportIssue.kind == "refused")]
    assert any("has no contacts" in reason for reason in reasons)
    assert any("below itself" in reason for reason in reasons)


def test_kinds_change_both_ways_on_record(session, ada):
    actor, now = actor_of(session, ada), clock.now()
    parent = make_account(session, "Group", owner=ada)
    forge = make_account(session, "Marta Puig", owner=ada, parent_id=parent.id, site="Salt")
    gone = make_contact(session, "Gone", account=forge)
    contact = make_contact(session, "Roca", account=forge)
    session.commit()
    delete_contact(session, actor, gone.ref, now=now)
    values = {"last_name": "Puig", "first_name": "Marta", "email": "marta@puig.example"}
    with pytest.raises(InUse):
        change_kind(session, actor, forge.ref, PERSON, values, now=now)
    edit_contact(session, actor, contact.ref, {"account_id": parent.ref}, now=now)
    with pytest.raises(InUse):
        change_kind(session, actor, parent.ref, PERSON, values, now=now)
    with pytest.raises(Invalid) as refused:
        change_kind(session, actor, forge.ref, PERSON, {"first_name": "Marta"}, now=now)
    assert "last_name" in refused.value.errors
    change_kind(session, actor, forge.ref, PERSON, values, now=now)
    assert (forge.kind, forge.name, forge.site, forge.parent_id) == (PERSON, "Marta Puig", None, None)
    session.commit()
    with pytest.raises(InUse):
        restore_contact(session, actor, gone.ref, now=now)
    session.rollback()
    with pytest.raises(Invalid):
        create_contact(session, actor, {"last_name": "x", "account_id": forge.ref}, now=now)
    change_kind(session, actor, forge.ref, BUSINESS, {"name": "Forja Puig"}, now=now)
    assert (forge.name, forge.name_fold, forge.last_name, forge.email) == (
        "Forja Puig",
        "forja puig",
        None,
        None,
    )
    [stayed] = rows(session, Contact, Contact.account_id == forge.id, Contact.deleted_at.is_(None))
    assert (stayed.full_name, stayed.email) == ("Marta Puig", "marta@puig.example")
    told = [e.changes for e in rows(session, Event, Event.record_ref == forge.ref, Event.verb == "edited")]
    assert [changes["kind"] for changes in told] == [["business", "person"], ["person", "business"]]
    assert told[0]["site"] == ["Salt", None]
    partner = make_partner(session, "Northwind", owner=ada)
    ref = rows(session, Account, Account.id == partner.account_id)[0].ref
    with pytest.raises(InUse):
        change_kind(session, actor, ref, PERSON, values, now=now)


@pytest.mark.race
def test_nobody_is_added_to_an_account_that_becomes_a_person(app, session, ada):
    account, actor = make_account(session, "Forges", owner=ada), actor_of(session, ada)
    ref = account.ref

    def become():
        with transaction() as s:
            change_kind(s, actor, ref, PERSON, {"last_name": "Puig"}, now=clock.now())

    def add(number):
        with transaction() as s:
            create_contact(s, actor, {"last_name": f"Nr {number}", "account_id": ref}, now=clock.now())

    answers = together(app, [become, *(lambda n=n: add(n) for n in range(3))])
    session.expire_all()
    there = rows(session, Contact)
    assert (account.kind is PERSON) != bool(there), answers
    assert all(answer is None or isinstance(answer, InUse | Invalid) for answer in answers), answers


@pytest.mark.race
def test_nobody_closes_a_longer_circle_together(app, session, ada):
    """Eight accounts in two chains of four, hung below each other at once; likewise people."""
    actor = actor_of(session, ada)
    accounts = [make_account(session, f"A{n}", owner=ada) for n in range(8)]
    home = make_account(session, "Home", owner=ada)
    people = [make_contact(session, f"P{n}", account=home) for n in range(8)]
    for chain in (accounts[:4], accounts[4:]):
        for lower, upper in zip(chain[1:], chain[:-1], strict=True):
            lower.parent_id = upper.id
    for chain in (people[:4], people[4:]):
        for lower, upper in zip(chain[1:], chain[:-1], strict=True):
            lower.reports_to_id = upper.id
    session.flush()
    hangs = [
        (edit_account, accounts[0].ref, {"parent_id": accounts[7].ref}),
        (edit_account, accounts[4].ref, {"parent_id": accounts[3].ref}),
        (edit_contact, people[0].ref, {"reports_to_id": people[7].ref}),
        (edit_contact, people[4].ref, {"reports_to_id": people[3].ref}),
    ]

    def run(operation, ref, values):
        def call():
            with transaction() as s:
                return operation(s, actor, ref, values, now=clock.now()).ref

        return call

    answers = together(app, [run(*hang) for hang in hangs])
    for pair in (answers[:2], answers[2:]):
        assert sorted(isinstance(answer, Invalid) for answer in pair) == [False, True], answers


def test_superiors_are_of_the_same_account_and_left_behind_by_whoever_moves(session, ada):
    actor, now = actor_of(session, ada), clock.now()
    one, two = make_account(session, "One", owner=ada), make_account(session, "Two", owner=ada)
    boss, clerk = make_contact(session, "Boss", account=one), make_contact(session, "Clerk", account=one)
    other = make_contact(session, "Other", account=two)
    with pytest.raises(Invalid) as refused:
        edit_contact(session, actor, clerk.ref, {"reports_to_id": other.ref}, now=now)
    assert "reports_to_id" in refused.value.errors
    edit_contact(session, actor, clerk.ref, {"reports_to_id": boss.ref}, now=now)
    edit_contact(session, actor, boss.ref, {"account_id": two.ref}, now=now)
    assert clerk.reports_to_id is None, "nobody reports to somebody of another account"
    last = rows(session, Event, Event.record_ref == clerk.ref)[-1]
    assert last.changes == {"reports_to_id": [boss.ref, None]}
    edit_contact(session, actor, boss.ref, {"reports_to_id": other.ref}, now=now)
    form = {"account_id": one.ref, "reports_to_id": other.ref}
    edit_contact(session, actor, boss.ref, form, now=now)
    assert (boss.account_id, boss.reports_to_id) == (one.id, None), (
        "the form still names the superior left behind"
    )


def test_the_tree_shows_and_counts_what_the_reader_sees(session, ada, sal, count_queries):
    top = make_account(session, "Top", owner=sal)
    hidden = make_account(session, "Hidden", owner=ada, parent_id=top.id)
    own = make_account(session, "Own", owner=sal, parent_id=hidden.id)
    shop = make_account(session, "Shop", owner=sal, parent_id=own.id)
    for number in range(3):
        make_account(session, f"Branch {number}", owner=(sal, ada)[number % 2], parent_id=shop.id)
    session.commit()

    def seen(user):
        actor = actor_of(session, user)
        names = [name for _ref, name in above(session, actor, shop)]
        children, count = right_below(session, actor, own, limit=5)
        below = [(child.account.name, child.below) for child in children]
        return (
            names,
            below,
            count,
            right_below(session, actor, shop, limit=1)[1],
            right_below(session, actor, top, limit=5)[1],
        )

    assert seen(ada) == (["Top", "Hidden", "Own"], [("Shop", 3)], 1, 3, 1)
    sal.account_scope = AccountScope.PORTFOLIO
    session.commit()
    assert seen(sal) == (["Own"], [("Shop", 2)], 1, 2, 0), "nothing beyond what is hidden"
    with count_queries() as queries:
        right_below(session, actor_of(session, ada), shop, limit=5)
    assert len(queries) <= 5, queries


def test_an_unseen_parent_is_refused_as_one_that_is_not_there(session, ada, sal):
    hidden, own = make_account(session, "Hidden", owner=ada), make_account(session, "Own", owner=sal)
    sal.account_scope = AccountScope.PORTFOLIO
    session.commit()
    actor, answers = actor_of(session, sal), []
    for ref in (hidden.ref, "acct_" + "0" * 22):
        with pytest.raises(Invalid) as refused:
            edit_account(session, actor, own.ref, {"parent_id": ref}, now=clock.now())
        answers.append({name: [str(m) for m in found] for name, found in refused.value.errors.items()})
    assert answers[0] == answers[1]
    with pytest.raises(NotFound):
        change_kind(session, actor, hidden.ref, PERSON, {"last_name": "x"}, now=clock.now())
