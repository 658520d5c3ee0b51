"""A lead becomes an account, a contact and an opportunity: once, whole or not at all, and back while nothing was added."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.activities.models import Activity
from app.activities.operations import log_activity
from app.campaigns.members import add_member
from app.campaigns.operations import create_campaign
from app.conversion.errors import SomethingAdded, TooLate
from app.conversion.mapping import add_mapping
from app.conversion.models import Conversion
from app.conversion.operations import convert_lead
from app.conversion.undoing import unconvert_lead
from app.conversion.wanted import read_wanted
from app.events.models import Event
from app.identity.models import AccountScope
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.actor import Level
from app.kernel.db import Base
from app.kernel.errors import Invalid
from app.leads.errors import AlreadyConverted
from app.leads.models import Lead
from app.leads.operations import delete_lead, edit_lead
from app.opportunities.models import Opportunity
from app.opportunities.operations import edit_opportunity
from app.sharing.explain import who_sees, why
from app.sharing.shares import share_record
from app.sharing.verify import differences
from tests.documents.test_who_sees import put
from tests.factories import actor_of, make_account, make_contact, make_lead, make_user, rows
from tests.fields.making import make_field

GRAVEL = {"name": "Gravel", "amount": "1200", "currency": "EUR", "close_date": "2026-12-31"}
# What tells that something happened, and what is made once and kept: principals and their sets of grants.
_NOT_STATE = {
    "event",
    "principal",
    "grant_set",
    "duplicate_check",
    "report_change",
    "spelling",
    "custom_field_use",
    "user_session",
    "alembic_version",
}


def convert(session: Session, person: Any, lead: Lead, **wanted: Any) -> Any:
    return convert_lead(session, actor_of(session, person), lead.ref, read_wanted(**wanted), now=clock.now())


def state(session: Session) -> dict[str, Any]:
    """Every row of every table, without what says how often and by whom it was changed."""
    session.flush()
    found = {}
    for table in Base.metadata.sorted_tables:
        if table.name in _NOT_STATE:
            continue
        columns = [c for c in table.columns if c.name not in ("version", "updated_at", "updated_by_id")]
        names = ", ".join(f'"{column.name}"' for column in columns)
        rows_ = session.connection().execute(text(f'SELECT {names} FROM "{table.name}"')).all()
        found[table.name] = sorted(map(repr, rows_))
    return found


def test_everything_follows_and_is_seen_by_whoever_saw_the_lead(session, mara, pia, pam, otto, sal):
    get_organisation(session).defaults = {
        thing: {"internal": "private", "external": "private"} for thing in get_organisation(session).defaults
    }
    ina = make_user(session, "Ina")
    lead = make_lead(
        session,
        owner=pia,
        company="Forges SA",
        campaign_name="Fair",
        opted_out_email=True,
        website="forges.example",
    )
    share_record(
        session, actor_of(session, mara), lead, {"type": "user", "id": ina.ref}, "read", now=clock.now()
    )
    now = clock.now()
    done = log_activity(session, actor_of(session, pia), lead, kind="call", text="Rang", now=now)
    task = log_activity(
        session, actor_of(session, pia), lead, kind="task", subject="Offer", due_at=now, done=False, now=now
    )
    result = convert(session, pia, lead, opportunity=GRAVEL)
    account, contact, opportunity = result.account, result.contact, result.opportunity
    assert (account.name, account.owner_user_id, account.website) == ("Forges SA", mara.id, "forges.example")
    assert contact.account_id == account.id
    assert contact.opted_out_email
    assert (opportunity.owner_user_id, opportunity.partner_account_id) == (pia.id, pia.partner_account_id)
    assert (opportunity.campaign_name, opportunity.source_partner_id) == ("Fair", pia.partner_account_id)
    assert (done.lead_id, task.opportunity_id) == (
        lead.id,
        opportunity.id,
    )  # what is planned can be done there
    # Everybody who saw the lead sees each result, for a cause that explaining names; nobody else does.
    for record in (account, contact, opportunity):
        for person, sees in (
            (pia, True),
            (pam, True),
            (ina, True),
            (mara, True),
            (otto, False),
            (sal, False),
        ):
            level, causes = why(session, actor_of(session, person), record)
            assert bool(level) is sees, (person.name, record)
            if sees and person is not mara:
                assert "conversion" in [cause.type for cause in causes], (person.name, record)
        listed = [
            grant for grant in who_sees(session, record) if any(c.type == "conversion" for c in grant.causes)
        ]
        assert {(g.to.type, g.to.ref) for g in listed} >= {("user", pia.ref), ("user", ina.ref)}
        assert why(session, actor_of(session, ina), record)[0] == Level.READ
    # Another contact of the account is not theirs to see.
    other = make_contact(session, "Other", account=account, owner=mara)
    assert why(session, actor_of(session, pia), other)[0] is None
    assert list(differences(session)) == []
    # Read-only through every door.
    with pytest.raises(AlreadyConverted):
        edit_lead(session, actor_of(session, pia), lead.ref, {"city": "Vic"}, now=now)
    with pytest.raises(AlreadyConverted):
        delete_lead(session, actor_of(session, mara), lead.ref, now=now)
    with pytest.raises(AlreadyConverted):
        share_record(session, actor_of(session, mara), lead, {"type": "user", "id": sal.ref}, "read", now=now)
    # The same again is the same; something else is not.
    events = len(rows(session, Event))
    assert convert(session, pia, lead, opportunity=GRAVEL).account.id == account.id
    assert convert(session, pia, lead).opportunity.id == opportunity.id
    for wrong in ({"opportunity": {"name": "Else"}}, {"account": pia.ref}, {"is_person": True}):
        with pytest.raises(AlreadyConverted):
            convert(session, pia, lead, **wrong)
    assert len(rows(session, Event)) == events


def test_an_opportunity_that_goes_to_a_rival_is_nobodys_of_the_company_it_left(session, ada, pia, pam, otto):
    """They had it because of the lead; what the rival makes of it is the rival's."""
    lead = make_lead(session, owner=pia, company="Forges SA")
    opportunity = convert(session, pia, lead, opportunity=GRAVEL).opportunity
    to, now = {"type": "user", "id": pam.ref}, clock.now()
    share_record(session, actor_of(session, ada), opportunity, to, "edit", now=now)
    edit_opportunity(session, actor_of(session, ada), opportunity.ref, {"owner": otto.ref}, now=now)
    session.flush()
    for person in (pia, pam):
        assert why(session, actor_of(session, person), opportunity)[0] is None
        assert why(session, actor_of(session, person), lead)[0] == Level.EDIT
    assert why(session, actor_of(session, otto), opportunity)[0] == Level.EDIT
    assert list(differences(session)) == []
    # The way back to it is closed as well.
    with pytest.raises(AlreadyConverted):
        convert(session, pia, lead, opportunity=GRAVEL)
    assert not convert(session, ada, lead, opportunity=GRAVEL).is_new


def test_what_a_default_gave_is_given_without_reaching_portfolios(session, mara, sal):
    defaults = get_organisation(session).defaults
    get_organisation(session).defaults = {
        **defaults,
        "account": {"internal": "private", "external": "private"},
    }
    narrow = make_user(session, "Nora", account_scope=AccountScope.PORTFOLIO)
    lead = make_lead(session, owner=mara)
    account = convert(session, mara, lead).account
    assert why(session, actor_of(session, sal), account)[0] == Level.EDIT
    assert why(session, actor_of(session, narrow), account)[0] is None
    assert list(differences(session)) == []


def test_into_what_is_there_only_what_is_empty_is_filled(session, sal, mara):
    account = make_account(session, "Forges", owner=sal, phone="+34 1", industry=None)
    contact = make_contact(
        session, "Puig", account=account, owner=sal, email="marta@forges.example", title=None
    )
    lead = make_lead(
        session, owner=sal, company="forges s.a.", last_name="Puig", email="marta@forges.example",
        title="Buyer", phone="+34 972 000 111", industry="Steel", opted_out_phone=True,
    )  # fmt: skip
    before = state(session)
    result = convert(session, sal, lead)
    assert (result.account.id, result.contact.id) == (account.id, contact.id)
    assert (account.phone, account.industry, contact.title) == ("+34 1", "Steel", "Buyer")
    assert contact.opted_out_phone
    assert result.opportunity is None
    unconvert_lead(session, actor_of(session, sal), lead.ref, now=clock.now())
    assert state(session) == before
    # A record that is named must be seen, and fit; a private contact has no account to go to.
    hidden = make_contact(session, "Hidden", owner=mara)
    for wrong, field in (
        ({"account": "acct_0000000000000000000000"}, "account_id"),
        ({"contact": hidden.ref}, "contact_id"),
        ({"account": make_account(session).ref, "contact": contact.ref}, "contact_id"),
        ({"opportunity": {"name": "x", "currency": "XXX"}}, "opportunity.currency"),
    ):
        with pytest.raises(Invalid) as refused:
            convert(session, sal, lead, **wrong)
        assert field in refused.value.errors
    bare = make_lead(session, owner=sal, company=None)
    with pytest.raises(Invalid) as refused:
        convert(session, sal, bare)
    assert list(refused.value.errors) == ["company"]
    person = convert(session, sal, bare, is_person=True)
    assert (person.account.kind, person.contact) == ("person", None)


def test_undone_within_a_day_while_nothing_was_added(session, mara, pia, sal):
    lead = make_lead(session, owner=pia, company="Forges SA")
    now, actor = clock.now(), actor_of(session, pia)
    log_activity(session, actor, lead, kind="call", text="Rang", now=now)
    log_activity(session, actor, lead, kind="task", subject="Offer", due_at=now, done=False, now=now)
    before = state(session)
    result = convert(session, pia, lead, opportunity=GRAVEL)
    with pytest.raises(TooLate):
        unconvert_lead(session, actor, lead.ref, now=now + timedelta(days=1, minutes=1))
    unconvert_lead(session, actor, lead.ref, now=clock.now())
    assert state(session) == before
    verbs = session.scalars(
        select(Event.verb).where(Event.record_kind == "lead", Event.record_id == lead.id).order_by(Event.id)
    ).all()
    assert verbs[-2:] == ["converted", "unconverted"]
    result = convert(session, pia, lead, opportunity=GRAVEL)
    for record in (result.account, result.contact, result.opportunity):
        with session.begin_nested() as undone:
            log_activity(session, actor_of(session, mara), record, kind="note", text="Noted", now=clock.now())
            with pytest.raises(SomethingAdded):
                unconvert_lead(session, actor, lead.ref, now=clock.now())
            undone.rollback()
        session.expire_all()
    unconvert_lead(session, actor, lead.ref, now=clock.now())
    assert not rows(session, Opportunity)


def test_whatever_fails_leaves_nothing_half_done(engine, session, ada, mara, pia, sal):
    """Every statement of a conversion, and of undoing it, is made to fail in turn; every fourth on PostgreSQL, which is slower.

    Once for new records and once for those that are there, with all that goes along: what is done and planned,
    documents, a campaign, fields of one's own, shares, opt-outs.
    """
    each = 1 if engine == "sqlite" else 4
    own, target = (make_field(session, ada, thing, label="Fleet") for thing in ("lead", "account"))
    add_mapping(session, actor_of(session, ada), own.name, "account", target.name, now=clock.now())
    campaign = create_campaign(session, actor_of(session, mara), {"name": "Fair"}, now=clock.now())
    account = make_account(session, "Mines", owner=mara)
    make_contact(session, "Roca", account=account, owner=mara, email="roca@mines.example")
    for number, (company, last_name, person) in enumerate(
        (("Forges SA", "Puig", pia), ("Mines", "Roca", mara))
    ):
        lead = make_lead(
            session, owner=person, company=company, last_name=last_name, email=f"{last_name}@{company[:5]}.example",
            phone="+34 972 000 111", industry="Steel", opted_out_phone=True, consent=False, campaign_name="Fair",
            campaign_id=campaign.id, custom={own.name: "vans"},
        )  # fmt: skip
        add_member(session, actor_of(session, mara), campaign.ref, lead.ref, now=clock.now())
        _hang_all_sorts_on(session, mara, person, lead, sal)
        session.commit()
        ref, before = lead.ref, state(session)
        do = lambda: convert(session, person, lead, opportunity=GRAVEL)  # noqa: B023, E731
        tried = fail_at_each_statement(session, before, do, each)
        assert tried > 40  # so many statements there are
        known = rows(session, Conversion)[0]
        assert known.made == [["account", "contact", "opportunity"], ["opportunity"]][number]
        assert (len(known.documents), len(known.before["planned"]), set(known.filled)) == (
            2, 1, [set(), {"account", "contact"}][number],
        )  # fmt: skip
        session.commit()
        undo = lambda: unconvert_lead(session, actor_of(session, person), ref, now=clock.now())  # noqa: B023, E731
        assert fail_at_each_statement(session, state(session), undo, each) > 40
        assert state(session) == before
        session.commit()


def _hang_all_sorts_on(session: Session, manager: Any, person: Any, lead: Lead, reader: Any) -> None:
    """What is done and what is planned, two documents, and a share."""
    now, actor = clock.now(), actor_of(session, person)
    log_activity(session, actor, lead, kind="call", text="Rang", now=now)
    log_activity(session, actor, lead, kind="task", subject="Offer", due_at=now, done=False, now=now)
    for name in ("one", "two"):
        put(session, manager, lead, f"{name} of {lead.ref}", is_internal=True)
    to = {"type": "user", "id": reader.ref}
    share_record(session, actor_of(session, manager), lead, to, "read", now=now)


def fail_at_each_statement(session: Session, before: dict[str, Any], act: Any, each: int) -> int:
    """Do it again and again, each time with a later statement failing, until none is left; about how many there are."""
    engine, failing, tried = session.get_bind(), [0], 0

    def fail(*_args: Any) -> None:
        failing[0] -= 1
        if failing[0] == 0:
            raise _Failure

    while True:
        tried += each
        failing[0] = tried
        event.listen(engine, "before_cursor_execute", fail)
        try:
            act()
        except _Failure:
            session.rollback()
        else:
            return tried
        finally:
            event.remove(engine, "before_cursor_execute", fail)
        if tried % 12 == 0:
            assert state(session) == before


class _Failure(Exception):
    pass


def test_the_pages_from_the_lead_to_what_it_became_and_back(signed_in, api, session, sal, vic):
    account = make_account(session, "Forges", owner=sal, phone="+34 972 000 111")
    lead = make_lead(session, owner=sal, company="Forges", last_name="Puig", phone="+34 972 000 111")
    browser, home = signed_in(sal), f"/leads/{lead.ref}"
    assert f"{home}/convert" in browser.get(home).text
    page = browser.get(f"{home}/convert").text
    assert f'value="{account.ref}" checked' in page
    assert "same phone" in page
    form = {"account": account.ref, "contact": "new", "with_opportunity": "y", "name": "Gravel"}
    refused = browser.submit(f"{home}/convert", {**form, "currency": "EUR", "amount": "much"})
    assert refused.status_code == 422
    assert 'value="much"' in refused.text
    absent = browser.submit(f"{home}/convert", {**form, "account": "other", "other": "Acme"})
    assert (absent.status_code, "no account whose name begins with “Acme”" in absent.text) == (422, True)
    first = browser.submit(f"{home}/convert", {**form, "account": "other", "other": "forges"}).location
    assert first.startswith("/opportunities/opp_")
    page = browser.get(home).text
    assert first in page
    assert f"/accounts/{account.ref}" in page
    declined = browser.submit(f"{home}/convert", {**form, "account": "new", "shown": account.ref}, page=home)
    assert "has been converted" in browser.get(declined.location).text
    assert "Undo the conversion" in page
    assert "/edit" not in page.split('id="main"')[-1].split("</main>")[0].replace("/edit-", "")
    assert signed_in(vic).get(f"{home}/convert").status_code == 403
    caller = api(sal)
    path = f"/leads/{lead.ref}"
    assert caller.get(path).json["status"] == "converted"
    same = caller.post(f"{path}/convert", json={"account_id": account.ref})
    assert same.status_code == 200
    assert same.json["opportunity"]["source_lead_id"] == lead.ref
    other = caller.post(f"{path}/convert", json={"account_id": make_account(session).ref})
    assert (other.status_code, other.json["type"].rsplit("/")[-1].rsplit(":")[-1]) == (
        409,
        "already-converted",
    )
    for method, body in (("patch", {"city": "Vic"}), ("delete", None)):
        assert getattr(caller, method)(path, **({"json": body} if body else {})).status_code in (403, 409)
    assert caller.post(f"{path}/activities", json={"kind": "note", "subject": "x"}).status_code == 409
    assert caller.get(f"/accounts/{account.ref}/access").status_code == 403
    assert caller.post(f"{path}/unconvert").json["status"] == "new"
    assert caller.post(f"{path}/unconvert").status_code == 409
    assert not [row for row in rows(session, Contact) if row.account_id == account.id]
    assert len(rows(session, Account, Account.name == "Forges")) == 1
    assert not rows(session, Activity)
