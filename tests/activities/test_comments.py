"""Partner and vendor write to each other on a lead: who reads it, who is told, and what another partner never sees."""

import pytest
from sqlalchemy import update

from app.accounts.models import Account
from app.activities.comments import CommentStays, NobodyToWriteTo, OtherSideChanged, find_shared_with
from app.activities.models import Activity
from app.activities.operations import delete_activity, edit_activity, log_activity
from app.activities.queries import get_activity, list_activities, timeline
from app.kernel import clock
from app.kernel.errors import Invalid, NotAllowed, NotFound
from app.leads.models import AssignmentCause, Lead, Offer
from app.leads.placement import Move, Owner, place
from app.notifications.models import Delivery, Notification, NotificationKind
from app.sharing.scope import scope
from tests.factories import SYSTEM, actor_of, make_lead, row_count, rows


def write(session, who, lead, text, **more):
    return log_activity(
        session, actor_of(session, who), lead, kind="note", text=text, shared=True, now=clock.now(), **more
    )


def read(session, who, lead):
    return [row.text for row in timeline(session, actor_of(session, who), lead).items if row.ref]


def told(session, comment):
    found = rows(session, Notification, Notification.kind == NotificationKind.LEAD_COMMENTED)
    return {(n.user_id, n.detail["who"]) for n in found if n.act == f"comment:{comment.id}"}


def test_what_is_written_is_read_by_both_sides_and_by_no_other_partner(
    session, mara, sal, pia, pam, otto, southwind
):
    lead, now = make_lead(session, owner=pia), clock.now()
    mine = log_activity(session, actor_of(session, mara), lead, kind="note", text="INTERNAL", now=now)
    asked = write(session, mara, lead, "ASKED")
    assert told(session, asked) == {(pia.id, "Canal")}, "in the vendor's name"
    answered = write(session, pia, lead, "ANSWERED")
    assert told(session, answered) == {(mara.id, "Pia (Northwind)")}
    added = write(session, pam, lead, "ADDED")
    assert told(session, added) == {(mara.id, "Pam (Northwind)"), (pia.id, "Pam")}
    assert row_count(session, Delivery) == 4, "each by mail, too"
    assert read(session, mara, lead) == ["ADDED", "ANSWERED", "ASKED", "INTERNAL"]
    assert read(session, pia, lead) == ["ADDED", "ANSWERED", "ASKED"]
    partner = actor_of(session, pia)
    with pytest.raises(NotFound):
        get_activity(session, partner, mine.ref)
    lines = timeline(session, partner, lead).items
    assert [(row.who, row.what) for row in lines if row.ref] == [
        ("Pam", "wrote to Canal"), ("Pia", "wrote to Canal"), ("Canal", "wrote to Northwind"),
    ]  # fmt: skip
    assert {row.readers.names for row in lines if row.ref} == {("Canal", "Northwind")}
    for who, error in ((pia, CommentStays), (mara, CommentStays)):
        with pytest.raises(error):
            edit_activity(session, actor_of(session, who), asked.ref, {"text": "Other"}, now=now)
    with pytest.raises(NotAllowed):
        delete_activity(session, partner, asked.ref, now=now)

    _give(session, mara, lead, otto)
    assert read(session, otto, lead) == []
    assert list_activities(session, actor_of(session, otto), lead).items == []
    for ref in (asked.ref, answered.ref, added.ref, mine.ref):
        for who in (otto, pia):
            with pytest.raises(NotFound):
                get_activity(session, actor_of(session, who), ref)
    with pytest.raises(OtherSideChanged):
        write(session, mara, lead, "For the one before", company=_ref(session, pia))
    new = write(session, sal, lead, "FOR THE SECOND")
    assert told(session, new) == {(otto.id, "Canal")}
    assert read(session, otto, lead) == ["FOR THE SECOND"]
    assert len(read(session, mara, lead)) == 5, "the vendor reads all of it"
    _give(session, mara, lead, pia)
    assert read(session, pia, lead) == ["ADDED", "ANSWERED", "ASKED"], "each partner their own"


def _give(session, manager, lead, to):
    move = Move(AssignmentCause.MANUAL)
    place(session, actor_of(session, manager), lead, Owner(user=to), move, now=clock.now())


def _ref(session, partner_user):
    return rows(session, Account, Account.id == partner_user.partner_account_id)[0].ref


def test_without_another_side_there_is_nobody_to_write_to(session, mara, sal, pia, northwind, vic):
    own, offered = make_lead(session, owner=sal), make_lead(session, owner=pia)
    now = clock.now()
    offer = Offer(
        lead_id=offered.id, user_id=pia.id, company_id=northwind.account_id, made_at=now, expires_at=now
    )
    session.add(offer)
    session.flush()
    offered.offer_id = offer.id
    session.flush()
    for lead in (own, offered):
        with pytest.raises(NobodyToWriteTo):
            write(session, mara, lead, "Anybody?")
    theirs = make_lead(session, owner=pia)
    with pytest.raises(NotAllowed):
        write(session, vic, theirs, "I only look")
    with pytest.raises(Invalid):
        log_activity(
            session, actor_of(session, mara), theirs, kind="call", text="x", shared=True, now=clock.now()
        )
    assert row_count(session, Activity) == 0


def test_nothing_is_written_on_a_lead_that_went_away_at_the_same_moment(session, pia, otto):
    lead, partner = make_lead(session, owner=pia), actor_of(session, pia)
    session.execute(
        update(Lead)
        .where(scope(Lead, SYSTEM), Lead.id == lead.id)
        .values(owner_user_id=otto.id, partner_account_id=otto.partner_account_id),
        execution_options={"synchronize_session": False},
    )
    assert lead.owner_user_id == pia.id, "as it was read"
    with pytest.raises(NotFound):
        find_shared_with(session, partner, lead, None)


@pytest.mark.parametrize("htmx", [True, False])
def test_it_is_written_on_the_page_and_a_refused_one_comes_back(signed_in, session, mara, pia, htmx):
    lead = make_lead(session, owner=pia)
    browser, path = signed_in(pia), f"/leads/{lead.ref}"
    headers = {"HX-Request": "true"} if htmx else {}
    page = browser.get(path).get_data(as_text=True)
    assert "Write to Canal" in page
    company = _ref(session, pia)
    empty = browser.submit(f"{path}/comments", {"text": " ", "company": company}, page=path, headers=headers)
    assert empty.status_code == 422
    assert "Write something first." in empty.get_data(as_text=True)
    moved = browser.submit(
        f"{path}/comments", {"text": "Kept", "company": "acct_other"}, page=path, headers=headers
    )
    assert moved.status_code == 409
    assert "Kept</textarea>" in moved.get_data(as_text=True)
    given = {"text": "Who is <b>she</b>?", "company": company}
    done = browser.submit(f"{path}/comments", given, page=path, headers=headers)
    assert done.status_code == (200 if htmx else 303)
    seen = signed_in(mara).get(path).get_data(as_text=True)
    assert "Who is &lt;b&gt;she&lt;/b&gt;?" in seen
    assert "Read by Canal and Northwind" in seen


def test_programs_write_and_read_them(api, session, mara, pia, otto):
    lead = make_lead(session, owner=pia)
    mara_api, pia_api = api(mara), api(pia)
    body = {"kind": "note", "subject": "Please call them today", "shared": True}
    made = mara_api.post(f"/leads/{lead.ref}/activities", json=body)
    assert made.status_code == 201
    assert made.json["shared"] is True
    hidden = mara_api.post(f"/leads/{lead.ref}/activities", json={"kind": "note", "subject": "Ours"})
    assert hidden.json["shared"] is False
    [seen] = pia_api.get(f"/leads/{lead.ref}/activities").json["items"]
    assert (seen["id"], seen["created_by"], seen["assigned_to"]) == (made.json["id"], None, None)
    north, south = _ref(session, pia), _ref(session, otto)
    meant = mara_api.post(f"/leads/{lead.ref}/activities", json=body | {"shared_with": north})
    assert meant.status_code == 201
    late = mara_api.post(f"/leads/{lead.ref}/activities", json=body | {"shared_with": south})
    assert (late.status_code, late.json["type"].rsplit("/", 1)[-1]) == (409, "stale")
    own = make_lead(session, owner=mara)
    refused = mara_api.post(f"/leads/{own.ref}/activities", json=body)
    assert (refused.status_code, refused.json["type"].rsplit("/", 1)[-1]) == (409, "no-other-side")
    assert api(otto).get(f"/activities/{made.json['id']}").status_code == 404
