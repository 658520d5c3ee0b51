"""Merging: what is kept, what moves, what is recorded, who may, what is refused, and two who merge at once."""

import re
from importlib import import_module

import pytest
from sqlalchemy import select

from app.accounts.errors import BeingMerged
from app.accounts.models import Account, AccountResponsible, Contact
from app.accounts.operations import edit_account, restore_account
from app.activities.operations import log_activity
from app.care.comparing import compare_some
from app.care.merge_job import merge_or_ask
from app.care.merged_values import NotMergeable
from app.care.merging import ChangedMeanwhile, MergedMeanwhile, find_survivor, merge_records
from app.care.models import DuplicatePair, PairState
from app.care.moving import BY_KIND, OTHERWISE, references
from app.events.models import Event
from app.factory import MODELS
from app.identity.models import AccountScope
from app.jobs import MERGES
from app.kernel import refs
from app.kernel.db import Base
from app.kernel.errors import NotAllowed, NotFound
from app.lists import jobs
from app.lists.jobs import run_waiting
from app.lists.leases import LEASE
from app.lists.models import ListJob
from app.search.finding import find_ids
from app.sharing.models import ManualShare
from app.sharing.scope import scope
from app.sharing.shares import share_record
from tests.factories import (
    SYSTEM,
    actor_of,
    make_account,
    make_case,
    make_contact,
    make_partner,
    make_user,
    rows,
)


def reload(session, model, key):
    statement = select(model).where(scope(model, SYSTEM), model.id == key)
    return session.scalars(statement.execution_options(populate_existing=True)).one()


def answer_for(session, account, user, now):
    session.add(
        AccountResponsible(
            ref=refs.new_ref(refs.MEMBER), account_id=account.id, user_id=user.id, created_at=now
        )
    )


def test_everything_of_three_accounts_becomes_one(session, ada, sal, now):
    actor = actor_of(session, ada)
    one = make_account(session, "Forges Riera", phone="+34972201100", external_id="a-1")
    two = make_account(
        session, "Forges Riera SL", website="https://forges.example", parent_id=one.id, owner=sal
    )
    three = make_account(session, "Forgas Riera", industry="Steel", external_id="c-3")
    below = make_account(session, "Forges Vic", parent_id=two.id)
    contact = make_contact(session, "Puig", first_name="Marta", account=two)
    for account in (one, two, three):
        answer_for(session, account, sal, now)
    task = log_activity(session, actor, two, kind="task", subject="Call", now=now)
    pia = make_user(session, "Pia", partner=make_partner(session, "Northwind"))
    for account, level in ((one, "read"), (two, "edit")):
        share_record(session, actor, account, {"type": "user", "id": pia.ref}, level, now=now)
    compare_some(session, now=now)
    versions = {each.ref: each.version for each in (one, two, three)}
    merge_records(
        session, actor, "account", one.ref, [one.ref, two.ref, three.ref],
        {"name": two.ref, "owner": two.ref, "external_id": three.ref, "phone": two.ref},
        versions=versions, now=now,
    )  # fmt: skip
    one = reload(session, Account, one.id)
    assert (one.name, one.owner_user_id, one.external_id, one.phone) == (
        "Forges Riera SL",
        sal.id,
        "c-3",
        None,
    )
    assert (one.website, one.domain, one.industry) == ("https://forges.example", "forges.example", "Steel")
    assert (one.parent_id, one.merged_into_id, one.deleted_at) == (None, None, None)
    assert one.last_activity_at is None
    assert {reload(session, Account, key).merged_into_id for key in (two.id, three.id)} == {one.id}
    assert reload(session, Contact, contact.id).account_id == one.id
    assert reload(session, Account, below.id).parent_id == one.id
    session.refresh(task)
    assert task.account_id == one.id
    assert [r.account_id for r in rows(session, AccountResponsible)] == [one.id]
    standing = session.scalars(select(ManualShare).where(ManualShare.ended_at.is_(None))).one()
    assert (standing.record_id, standing.level) == (one.id, 3)
    event = session.scalars(select(Event).where(Event.verb == "merged")).one()
    assert event.changes["name"] == ["Forges Riera", "Forges Riera SL"]
    kept = {each["name"]: each["values"] for each in event.detail["merged"]}
    assert kept["Forges Riera SL"]["website"] == "https://forges.example"
    assert kept["Forgas Riera"]["industry"] == "Steel"
    assert {pair.state for pair in rows(session, DuplicatePair)} == {PairState.MERGED}
    assert find_ids(session, actor, Account, "forgas", limit=5) == []
    assert find_survivor(session, actor, "account", three.ref) == one.ref
    with pytest.raises(NotFound):
        restore_account(session, actor, two.ref, now=now)
    later = make_account(session, "Forges")
    merge_records(session, actor, "account", later.ref, [later.ref, one.ref], {}, now=now)
    assert find_survivor(session, actor, "account", two.ref) == later.ref


def test_contacts_are_merged_with_those_who_report_to_them(session, ada, now):
    actor = actor_of(session, ada)
    work = make_account(session, "Forges")
    boss = make_contact(session, "Puig", account=work, title="Director")
    twin = make_contact(session, "Puigg", first_name="Marta", account=None, owner=ada, reports_to_id=boss.id)
    below = make_contact(session, "Riera", account=work, reports_to_id=twin.id)
    merge_records(session, actor, "contact", twin.ref, [boss.ref, twin.ref], {"last_name": boss.ref}, now=now)
    kept = reload(session, Contact, twin.id)
    assert (kept.full_name, kept.title, kept.account_id, kept.reports_to_id) == (
        "Marta Puig",
        "Director",
        work.id,
        None,
    )
    assert reload(session, Contact, below.id).reports_to_id == kept.id
    assert find_ids(session, actor, Contact, "marta puig", limit=5) == [kept.id]


def test_two_who_merge_the_same_get_one_merge_and_one_conflict(session, ada, mara, now):
    one, two, three = (make_account(session, f"Forges {n}") for n in "abc")
    merge_records(session, actor_of(session, ada), "account", one.ref, [one.ref, two.ref], {}, now=now)
    other = actor_of(session, mara)
    with pytest.raises(MergedMeanwhile):
        merge_records(session, other, "account", two.ref, [two.ref, three.ref], {}, now=now)
    before = reload(session, Account, one.id).version
    with pytest.raises(ChangedMeanwhile):
        merge_records(
            session,
            other,
            "account",
            one.ref,
            [one.ref, three.ref],
            {},
            versions={one.ref: before - 1},
            now=now,
        )
    assert reload(session, Account, three.id).deleted_at is None


def test_what_cannot_be_one_is_refused_with_why(session, ada, sal, now):
    actor = actor_of(session, ada)
    north, south = (make_partner(session, name) for name in ("Northwind", "Southwind"))
    partners = [reload(session, Account, each.account_id) for each in (north, south)]
    plain, person = (
        make_account(session, "Forges"),
        make_account(session, "Pia", kind="person", last_name="Pia"),
    )
    for group, word in (
        (partners, "Two of them are partners"),
        ([plain, partners[0]], "Choose that one to stay"),
        ([plain, person], "cannot become one"),
    ):
        with pytest.raises(NotMergeable) as refusal:
            merge_records(session, actor, "account", group[0].ref, [each.ref for each in group], {}, now=now)
        assert word in str(refusal.value.message)
    merge_records(session, actor, "account", partners[0].ref, [plain.ref, partners[0].ref], {}, now=now)
    mine = [make_account(session, "Mine", owner=sal).ref for _ in range(2)]
    with pytest.raises(NotAllowed):
        merge_records(session, actor_of(session, sal), "account", mine[0], mine, {}, now=now)


def test_what_one_may_not_delete_can_only_stay(signed_in, session, sal, mara):
    account = make_account(session, "Forges")
    mine, hers, hers_too = (
        make_contact(session, "Puig", account=account, owner=owner) for owner in (sal, mara, mara)
    )
    browser, page = signed_in(sal), "/care/merge/contact"
    shown = browser.get(f"{page}?ref={mine.ref}&ref={hers.ref}&survivor={mine.ref}").text
    assert re.search(f'value="{mine.ref}" disabled', shown)
    assert re.search(f'value="{hers.ref}" checked', shown)
    assert browser.get(f"{page}?ref={hers.ref}&ref={hers_too.ref}").status_code == 403


def test_every_reference_moves_or_is_said_to_be_handled():
    """A new table joins by its foreign keys; one that names records by kind and key must say what becomes of it."""
    for module in MODELS:
        import_module(module)
    for kind in ("account", "contact"):
        assert all((c.table.name, c.name) not in OTHERWISE for c in references(kind))
    by_kind = {
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name.endswith("record_id") and not column.foreign_keys
    }
    assert by_kind == {(table, key) for table, _kind, key in BY_KIND}


def test_every_reference_is_found_by_an_index():
    """Each step of a merge asks for them: without one it reads the whole table, however many rows that has."""
    for module in MODELS:
        import_module(module)
    short = {"user", "round_robin_member", "rule_entry"}  # which people write, one by one
    for kind in ("account", "contact"):
        found = {column for column in references(kind) if column.table.name not in short}
        first = {next(iter(index.columns)) for column in found for index in column.table.indexes}
        keys = {next(iter(column.table.primary_key.columns)) for column in found}
        assert found <= first | keys


def test_pages_of_merged_records_lead_to_the_survivor(signed_in, session, ada, sal, now):
    one, two = make_account(session, "Forges Riera", owner=sal), make_account(session, "Forges Riera SL")
    make_case(session, account=two, owner=sal)
    for _ in range(2):
        make_contact(session, account=two, owner=sal)
    browser = signed_in(ada)
    chosen = browser.get("/care/merge/account", query_string={"ref": [one.ref, two.ref]})
    assert chosen.status_code == 200
    text = chosen.get_data(as_text=True)
    assert "Forges Riera SL" in text
    assert "everything on the other" in text
    assert "Nothing hangs on it." in text
    assert "2 contacts · 1 case" in text
    assert f'value="{two.ref}" checked' in text  # most hangs on it
    begun = browser.get("/care/merge/account", query_string={"ref": one.ref, "q": "Forges"}).text
    assert f'name="survivor" value="{one.ref}"' in begun  # its page is where somebody stood
    picked = {
        "ref": [one.ref, two.ref],
        "survivor": one.ref,
        "field-name": two.ref,
        f"version-{one.ref}": "9",
    }
    refused = browser.submit("/care/merge/account", picked)  # what was picked stays picked
    assert (refused.status_code, refused.text.count("data-follows data-picked")) == (409, 1)
    assert "data-picked" not in text
    given = {
        "ref": [one.ref, two.ref], "survivor": one.ref, "field-name": two.ref,
        f"version-{one.ref}": str(one.version), f"version-{two.ref}": str(two.version),
    }  # fmt: skip
    done = browser.submit("/care/merge/account", given)
    assert (done.status_code, done.location) == (303, f"/accounts/{one.ref}")
    assert "merged Forges Riera SL into this" in browser.get(f"/accounts/{one.ref}").get_data(as_text=True)
    gone = browser.get(f"/accounts/{two.ref}")
    assert (gone.status_code, gone.location) == (301, f"/accounts/{one.ref}")
    again = browser.submit("/care/merge/account", given)
    assert again.status_code == 409
    assert "merged one of these records meanwhile" in again.get_data(as_text=True)


def test_a_merge_of_much_is_a_job_that_nobody_gets_between(
    signed_in, session, ada, mara, sal, now, monkeypatch
):
    monkeypatch.setattr("app.care.merge_job.AT_ONCE", 3)
    monkeypatch.setattr("app.care.merge_job.FIRST", 2)
    monkeypatch.setattr("app.kernel.pace.WANTED_SECONDS", 0)  # two by two
    actor = actor_of(session, ada)
    one = make_account(session, "Forges Riera", owner=ada)
    two = make_account(session, "Forges Riera SL", phone="+34972201100", owner=ada)
    contacts = [make_contact(session, f"Puig {n}", account=two, owner=ada) for n in range(3)]
    make_account(session, "Forges Vic", parent_id=two.id)
    log_activity(session, actor, contacts[0], kind="note", subject="Met", now=now)
    sal.account_scope = AccountScope.PORTFOLIO
    answer_for(session, one, sal, now)
    session.commit()
    browser = signed_in(ada)
    sent = {"ref": [one.ref, two.ref], "survivor": one.ref}
    page = f"/care/merge/account?ref={one.ref}&ref={two.ref}"
    answer = browser.submit("/care/merge/account", sent, page=page)
    assert answer.status_code == 303
    assert "/care/merge/chg_" in answer.location
    job = rows(session, ListJob)[0]
    assert (job.rows, two.deleted_at) == (5, None)
    # Half of it is done, and the process is gone.
    assert run_waiting(MERGES, seconds=0)
    assert 0 < len(rows(session, Contact, Contact.account_id == one.id)) < 3
    shown = browser.get(f"/accounts/{one.ref}").get_data(as_text=True)
    assert "This is being merged with another record" in shown
    assert answer.location in shown
    colleague = signed_in(mara)
    assert colleague.get(answer.location).status_code == 404
    assert "This is being merged" in colleague.get(f"/accounts/{one.ref}").get_data(as_text=True)
    # Who sees one of them alone is not told that there is another, nor how much hangs on it.
    alone = signed_in(sal).get(f"/accounts/{one.ref}").get_data(as_text=True)
    assert ("Forges Riera" in alone, "This is being merged" in alone) == (True, False)
    assert browser.get(page).status_code == 409
    for act in (
        lambda: edit_account(session, actor, two.ref, {"name": "F"}, now=now),
        lambda: merge_records(session, actor, "account", two.ref, [one.ref, two.ref], {}, now=now),
    ):
        with pytest.raises(BeingMerged):
            act()
    assert browser.submit(f"/lists/jobs/{job.ref}/cancel", {}, page=answer.location).status_code == 409
    late = make_contact(session, "Serra", account=two, owner=ada)
    monkeypatch.setattr(jobs, "_present", {})
    job.leased_until = now - LEASE
    session.commit()
    while run_waiting(MERGES, seconds=0):
        pass
    session.expire_all()
    assert (one.merging, one.phone, two.merging, two.merged_into_id) == (None, "+34972201100", None, one.id)
    assert {each.account_id for each in rows(session, Contact)} == {one.id}
    assert late.account_id == one.id
    told = session.scalars(select(Event).where(Event.verb == "merged")).one()
    assert (told.detail["moved"]["contact"], told.actor_id) == (4, ada.id)
    done = browser.get(answer.location).get_data(as_text=True)
    assert "Forges Riera is one record now." in done
    assert browser.get(f"/accounts/{two.ref}").location.endswith(one.ref)
    assert find_ids(session, actor, Contact, "serra", limit=5) == [late.id]


@pytest.mark.databases("sqlite")
def test_a_merge_that_cannot_be_finished_lets_go(session, ada, now, monkeypatch):
    monkeypatch.setattr("app.care.merge_job.AT_ONCE", 0)
    one, two = make_contact(session, "Puig", owner=ada), make_contact(session, "Puich", owner=ada)
    log_activity(session, actor_of(session, ada), two, kind="note", subject="Met", now=now)
    _kept, job = merge_or_ask(
        session, actor_of(session, ada), "contact", one.ref, [one.ref, two.ref], {}, now=now
    )
    session.commit()
    monkeypatch.setattr("app.care.merge_job.carry_out", lambda *_given, **_more: 1 / 0)
    while run_waiting(MERGES, seconds=0):
        pass
    session.expire_all()
    assert (job.state, one.merging, two.merging, two.deleted_at) == ("failed", None, None, None)


def test_what_any_of_them_want_no_more_holds(session, ada, now):
    one = make_contact(
        session, "Puig", owner=ada, consent=True, consent_basis="contract", opted_out_phone=True
    )
    two = make_contact(
        session, "Puich", owner=ada, consent=False, opted_out_email=True,
        opted_out_by={"opted_out_email": {"by": ada.id, "at": "2026-01-01T00:00:00+00:00"}},
    )  # fmt: skip
    merge_records(session, actor_of(session, ada), "contact", one.ref, [one.ref, two.ref], {}, now=now)
    one = reload(session, Contact, one.id)
    assert (one.consent, one.consent_basis, one.opted_out_email, one.opted_out_phone) == (
        False,
        None,
        True,
        True,
    )
    assert set(one.opted_out_by) == {"opted_out_email"}
    told = session.scalars(select(Event).where(Event.verb == "merged")).one()
    assert (told.changes["consent"], told.changes["opted_out_email"]) == ([True, False], [False, True])
