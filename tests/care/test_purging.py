"""What was deleted a month ago: removed with all that hung on it, while what is to stay stays."""

from datetime import timedelta
from importlib import import_module

import pytest
from sqlalchemy import func, select

from app.accounts.contact_operations import delete_contact
from app.accounts.models import Account, Contact
from app.accounts.operations import delete_account, restore_account
from app.accounts.relations.models import AccountRelationship
from app.activities.models import Activity
from app.activities.operations import log_activity
from app.care import purging
from app.care.merging import merge_records
from app.cases.models import Case
from app.cases.operations import delete_case
from app.documents.models import Document
from app.events.models import Event
from app.factory import MODELS
from app.identity.models import AccountScope
from app.kernel import refs
from app.kernel.actor import Role
from app.kernel.db import Base
from app.kernel.errors import InUse, NotFound
from app.leads.models import Assignment, Lead
from app.leads.operations import delete_lead, restore_lead
from app.lists.models import RecordTag, Tag
from app.notifications.models import Delivery, Notification, NotificationKind
from app.notifications.operations import Mail, notify
from app.search.models import SearchEntry
from app.sharing.models import ManualShare, SharingGrant
from app.sharing.scope import scope
from app.sharing.shares import share_record
from app.web.filters import local_date
from tests.accounts.hanging import characterise, interest, make_area, make_type, relate
from tests.factories import SYSTEM, actor_of, make_account, make_case, make_contact, make_lead, make_user

MONTH = timedelta(days=30, hours=2)


def keys_of(session, model):
    condition = (scope(model, SYSTEM),) if model in (Lead, Account, Contact, Case, Document) else ()
    return set(session.scalars(select(model.id).where(*condition)))


def test_every_reference_is_removed_cleared_or_in_the_way():
    """A new table joins: it fails here until somebody has said what becomes of its rows."""
    for module in MODELS:
        import_module(module)
    known = purging.REMOVED | purging.CLEARED | purging.IN_THE_WAY | purging.FOLLOWING
    found = {held.name for model in purging.MODELS for held in purging.references(model.__tablename__)}
    assert found == known
    by_kind = {
        table.name
        for table in Base.metadata.sorted_tables
        if {"record_id", "one_id"} & set(table.columns.keys()) and table.name not in ("activity",)
    }
    assert by_kind <= set(purging.BY_KIND)


def test_what_was_deleted_a_month_ago_is_gone_for_good(app, session, ada, sal, now):
    ada_ = actor_of(session, ada)
    account, other = make_account(session, "Forges Riera"), make_account(session, "Kept")
    twin = make_account(session, "Forges Riera SL")
    merge_records(session, ada_, "account", account.ref, [account.ref, twin.ref], {}, now=now)
    contact = make_contact(session, "Puig", account=account)
    lead, case = make_lead(session, owner=ada), make_case(session, account=other, contact=contact, owner=ada)
    done = make_case(session, account=account, owner=ada, status="closed")
    young = make_lead(session, owner=ada)
    relate(session, account, other)
    interest(session, account, make_area(session, "Bikes"))
    characterise(session, account, make_type(session, "Fleet", "small"), "small")
    tag = Tag(ref=refs.new_ref(refs.TAG), name="hot", name_fold="hot", created_at=now)
    session.add(tag)
    session.flush()
    for record in (account, contact, lead, case):
        log_activity(session, ada_, record, kind="call", subject="Rang", now=now)
        share_record(session, ada_, record, {"type": "user", "id": sal.ref}, "read", now=now)
        session.add(RecordTag(tag_id=tag.id, kind=record.__tablename__, record_id=record.id, created_at=now))
    kept = log_activity(session, ada_, other, kind="meeting", subject="Fair", people=[contact.ref], now=now)
    for mail, act in ((Mail.NONE, "plain"), (Mail.NOW, "mailed")):
        notify(
            session, act=act, user=sal, kind=NotificationKind.DUPLICATE_FOUND, now=now, record=lead,
            detail={"who": "Ada"}, mail=mail,
        )  # fmt: skip
    account_ref, lead_ref, lead_id, account_id, twin_id = account.ref, lead.ref, lead.id, account.id, twin.id
    delete_account(session, ada_, account.ref, now=now)
    for delete_, record in ((delete_case, case), (delete_lead, lead)):
        delete_(session, ada_, record.ref, now=now)
    delete_lead(session, ada_, young.ref, now=now + timedelta(days=2))
    session.commit()
    assert purging.purge_some(now=now + timedelta(days=30)) == 0
    assert purging.purge_some(now=now + MONTH) == 4
    assert purging.purge_some(now=now + MONTH) == 0
    session.expire_all()
    assert keys_of(session, Lead) == {young.id}
    assert keys_of(session, Account) & {account_id, twin_id} == set()
    assert other.id in keys_of(session, Account)
    assert (keys_of(session, Contact), keys_of(session, Case)) == (set(), {done.id})
    assert done.account_id is None
    assert keys_of(session, Activity) == {kept.id}
    assert keys_of(session, AccountRelationship) == set()
    assert session.scalar(select(func.count()).select_from(ManualShare)) == 0
    assert session.scalar(select(func.count()).select_from(SharingGrant)) == 0
    assert other.id in set(session.scalars(select(SearchEntry.record_id)))
    assert account_id not in set(session.scalars(select(SearchEntry.record_id).where(SearchEntry.kind == 1)))
    notice = session.scalars(select(Notification).where(Notification.record_id == lead_id)).one()
    assert (notice.act, notice.detail) == ("mailed", {})
    assert session.scalar(select(Delivery.id).where(Delivery.notification_id == notice.id))
    assert session.scalar(select(Assignment.id).where(Assignment.lead_id == lead_id))
    told = session.scalars(select(Event).where(Event.verb == "purged").order_by(Event.id)).all()
    assert {(event.record_kind, event.actor_id) for event in told} == {
        ("lead", None), ("case", None), ("contact", None), ("account", None),
    }  # fmt: skip
    assert len([event for event in told if event.record_kind == "account"]) == 2
    for restore, ref in ((restore_account, account_ref), (restore_lead, lead_ref)):
        with pytest.raises(NotFound):
            restore(session, ada_, ref, now=now + MONTH)


def test_work_that_is_open_keeps_an_account_and_is_named(session, ada, now):
    ada_, account = actor_of(session, ada), make_account(session, "Forges")
    case = make_case(session, account=account, owner=ada)
    with pytest.raises(InUse) as refusal:
        delete_account(session, ada_, account.ref, now=now)
    assert "1 case is still open" in str(refusal.value.message)
    delete_case(session, ada_, case.ref, now=now)
    contact = make_contact(session, "Puig", account=account)
    log_activity(session, ada_, contact, kind="task", subject="Ring back", now=now)
    with pytest.raises(InUse) as refusal:
        delete_account(session, ada_, account.ref, now=now)
    assert "1 task is still open" in str(refusal.value.message)


def test_a_batch_that_is_broken_off_is_done_again(session, ada, now, monkeypatch):
    lead = make_lead(session, owner=make_user(session))
    log_activity(session, actor_of(session, ada), lead, kind="call", subject="Rang", now=now)
    delete_lead(session, actor_of(session, ada), lead.ref, now=now)
    session.commit()

    def break_off(*_given):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(purging, "_end_notices", break_off)
        with pytest.raises(KeyboardInterrupt):
            purging.purge_some(now=now + MONTH)
    session.expire_all()
    assert (len(keys_of(session, Lead)), len(keys_of(session, Activity))) == (1, 1)
    assert session.scalar(select(Event.id).where(Event.verb == "purged")) is None
    session.rollback()
    assert purging.purge_some(now=now + MONTH) == 1
    session.expire_all()
    assert keys_of(session, Lead) == set()


def test_what_was_deleted_is_listed_with_until_when_for_whom_it_would_be_again(
    signed_in, session, ada, sal, now
):
    ada_ = actor_of(session, ada)
    porta = make_user(
        session, "Porta", role=Role.CHANNEL_MANAGER, account_scope=AccountScope.PORTFOLIO, time_zone="UTC"
    )
    hers, hidden = make_account(session, "Of Porta", owner=porta), make_account(session, "Of Ada", owner=ada)
    kept = make_account(session, "Kept", owner=porta)
    with_it, alone = (
        make_contact(session, "Along", account=hers),
        make_contact(session, "Alone", account=kept),
    )
    private = make_contact(session, "Private", owner=ada)
    for delete_, record in (
        (delete_contact, alone), (delete_contact, private), (delete_account, hers), (delete_account, hidden),
    ):  # fmt: skip
        delete_(session, ada_, record.ref, now=now)
    session.commit()
    browser = signed_in(porta)
    accounts, contacts = (
        browser.get(f"/{path}/deleted").get_data(as_text=True) for path in ("accounts", "contacts")
    )
    assert hers.ref in accounts
    assert hidden.ref not in accounts
    assert alone.ref in contacts
    assert not {with_it.ref, private.ref} & {ref for ref in (with_it.ref, private.ref) if ref in contacts}
    with browser.application.test_request_context():
        assert local_date(now + timedelta(days=30)) in accounts
    back = browser.submit(f"/accounts/{hers.ref}/restore", page="/accounts/deleted")
    assert (back.status_code, back.location) == (303, f"/accounts/{hers.ref}")
    assert hers.ref not in browser.get("/accounts/deleted").get_data(as_text=True)
