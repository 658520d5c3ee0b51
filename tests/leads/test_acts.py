"""Giving back, deleting and restoring a lead, and taking a list out as a file, over HTTP."""

from datetime import timedelta

import pytest

from app.identity.models import AccountScope
from app.identity.queries import get_organisation
from app.kernel.actor import Role
from app.leads.models import Lead
from tests.factories import make_lead, make_queue, make_user, open_portal, rows


@pytest.fixture(autouse=True)
def _portal(session):
    open_portal(session)


def text_of(answer):
    return answer.get_data(as_text=True)


def fresh(session, lead):
    session.expire_all()
    return rows(session, Lead, Lead.id == lead.id)[0]


# Give back


def test_a_partner_gives_back_with_a_reason_and_loses_sight(signed_in, session, pia, northwind, southwind):
    queue = make_queue(session, members=[southwind])
    lead = make_lead(session, owner=pia, last_queue_id=queue.id)
    browser = signed_in(pia)
    assert "Give “" in text_of(browser.get(f"/leads/{lead.ref}/release"))
    answer = browser.submit(f"/leads/{lead.ref}/release", {"reason": "no_capacity"}, follow_redirects=True)
    assert answer.request.path == "/inbox"
    assert "You gave it back." in text_of(answer)
    assert fresh(session, lead).owner_queue_id == queue.id
    assert browser.get(f"/leads/{lead.ref}").status_code == 404


def test_an_internal_owner_gives_back_and_stays_on_the_lead(signed_in, session, sal):
    lead = make_lead(session, owner=sal)
    answer = signed_in(sal).submit(f"/leads/{lead.ref}/release", {"reason": "other"}, follow_redirects=True)
    assert answer.request.path == f"/leads/{lead.ref}"
    assert "Unassigned" in text_of(answer)


@pytest.mark.parametrize("reason", ["", "nonsense"])
def test_giving_back_needs_a_reason(signed_in, session, pia, reason):
    lead = make_lead(session, owner=pia)
    answer = signed_in(pia).submit(f"/leads/{lead.ref}/release", {"reason": reason, "note": "Why not"})
    assert answer.status_code == 422
    assert "Why not" in text_of(answer)
    assert fresh(session, lead).owner_user_id == pia.id


def test_only_the_owner_gives_back(signed_in, session, pia, pam, otto, mara, vic):
    lead = make_lead(session, owner=pia)
    for person, status in ((pam, 403), (mara, 403), (vic, 403), (otto, 404)):
        answer = signed_in(person).submit(f"/leads/{lead.ref}/release", {"reason": "other"}, page="/profile")
        assert answer.status_code == status, person.name


# Delete and restore


def test_deleting_asks_first_and_can_be_undone(signed_in, session, mara):
    lead = make_lead(session, company="Forges del Ter")
    browser = signed_in(mara)
    assert "It can be restored for 30 days." in text_of(browser.get(f"/leads/{lead.ref}/delete"))
    answer = browser.submit(f"/leads/{lead.ref}/delete", follow_redirects=True)
    assert answer.request.path == "/leads"
    assert f'action="/leads/{lead.ref}/restore"' in text_of(answer)
    assert browser.get(f"/leads/{lead.ref}").status_code == 404
    assert "Forges del Ter" not in text_of(browser.get("/leads"))
    assert "Forges del Ter" in text_of(browser.get("/leads/deleted"))
    back = browser.submit(f"/leads/{lead.ref}/restore", page="/leads/deleted", follow_redirects=True)
    assert back.request.path == f"/leads/{lead.ref}"
    assert "It is back." in text_of(back)


def test_after_thirty_days_it_cannot_come_back(signed_in, session, mara, now):
    lead = make_lead(session, company="Forges del Ter", deleted_at=now - timedelta(days=31))
    browser = signed_in(mara)
    assert "Forges del Ter" not in text_of(browser.get("/leads/deleted"))
    assert browser.submit(f"/leads/{lead.ref}/restore", page="/leads").status_code == 404


def test_what_is_not_deleted_is_not_restored(signed_in, session, mara):
    lead = make_lead(session)
    assert signed_in(mara).submit(f"/leads/{lead.ref}/restore", page="/leads").status_code == 409


@pytest.mark.parametrize("seen", list(AccountScope))
def test_what_one_never_saw_is_neither_listed_nor_restored(signed_in, session, mara, pia, seen):
    organisation = get_organisation(session)
    if seen is AccountScope.ALL:
        lead_defaults = {**organisation.defaults["lead"], "internal": "private"}
        organisation.defaults = {**organisation.defaults, "lead": lead_defaults}
    hugo = make_user(session, "Hugo", role=Role.CHANNEL_MANAGER, account_scope=seen)
    hers = make_lead(session, owner=mara, company="Forges del Ter")
    partners = make_lead(session, owner=pia, company="Molins Roca")
    his = make_lead(session, owner=hugo, company="Ceràmiques Pons")
    assert signed_in(hugo).get(f"/leads/{hers.ref}").status_code == 404
    for lead, person in ((hers, mara), (partners, mara), (his, hugo)):
        assert signed_in(person).submit(f"/leads/{lead.ref}/delete").status_code == 303
    browser = signed_in(hugo)
    page = text_of(browser.get("/leads/deleted"))
    assert "Ceràmiques Pons" in page
    assert "Forges del Ter" not in page
    assert "Molins Roca" not in page
    for lead in (hers, partners):
        assert browser.submit(f"/leads/{lead.ref}/restore", page="/leads/deleted").status_code == 404
        assert fresh(session, lead).deleted_at is not None
    assert browser.submit(f"/leads/{his.ref}/restore", page="/leads/deleted").status_code == 303
    browser = signed_in(mara)
    page = text_of(browser.get("/leads/deleted"))
    assert "Forges del Ter" in page
    assert "Molins Roca" in page
    for lead in (hers, partners):
        assert browser.submit(f"/leads/{lead.ref}/restore", page="/leads/deleted").status_code == 303
        assert fresh(session, lead).deleted_at is None


def test_sales_viewers_and_partners_delete_nothing(signed_in, session, sal, vic, pia):
    lead = make_lead(session, owner=pia)
    for person in (sal, vic, pia):
        browser = signed_in(person)
        for path in ("delete", "restore"):
            assert browser.submit(f"/leads/{lead.ref}/{path}", page="/profile").status_code == 403
        assert browser.get("/leads/deleted").status_code == 403
