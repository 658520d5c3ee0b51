"""What could be told sideways: by a filter, by a refusal, by the log, by who was told, by the wizard's marks."""

import pytest
from sqlalchemy import select

from app.accounts.models import Account
from app.identity.lead_fields import EVERYONE, set_lead_fields
from app.identity.models import AccountScope, Organisation, UserState
from app.identity.organisation import edit_organisation
from app.kernel import clock
from app.leads.seen import seen_reasons
from app.notifications.models import NotificationKind
from app.notifications.operations import notify
from app.sharing.audience import Audience
from app.sharing.enabling import differences, marks_of
from app.sharing.groups import add_group_member, create_group
from app.sharing.reaching import what_reaches_partners
from app.sharing.scope import scope
from app.sharing.shares import share_record
from tests.factories import SYSTEM, actor_of, make_lead, make_partner, make_queue, make_user

PRIVATE = {"internal": "private", "external": "private"}


def ref_of(session, partner):
    return session.scalar(select(Account.ref).where(scope(Account, SYSTEM), Account.id == partner.account_id))


@pytest.mark.databases("sqlite")
def test_filters_tell_partners_nothing_of_others_people_and_queues(
    api, session, ada, pia, otto, northwind, southwind
):
    owned, waiting = (
        make_lead(session, owner=otto),
        make_lead(session, queue=make_queue(session, "Others", [southwind])),
    )
    own = make_lead(session, owner=pia)
    session.flush()
    to = {"type": "partner_account", "id": ref_of(session, northwind)}
    for lead in (owned, waiting):
        share_record(session, actor_of(session, ada), lead, to, "read", now=clock.now())
    otto.state = UserState.DEACTIVATED
    session.commit()

    def found(address):
        return {each["id"] for each in api(pia).get(f"/leads?{address}").json["items"]}

    assert found("") == {owned.ref, waiting.ref, own.ref}
    for name in (
        "needs_owner=true",
        f"partner={ref_of(session, southwind)}",
        "import=imp_x",
        "duplicates=true",
    ):
        assert api(pia).get(f"/leads?{name}").status_code == 422, name
        assert api(ada).get(f"/leads?{name}").status_code == 200, name
    assert found(f"owner={otto.ref}") == set()
    assert found(f"owner={pia.ref}") == found("owner=me") == {own.ref}
    assert found("waiting=true") == set()
    assert found("waiting=false") == {owned.ref, waiting.ref, own.ref}


@pytest.mark.databases("sqlite")
def test_a_refusal_and_a_reason_tell_nothing_of_hidden_fields(api, session, ada, pia):
    hidden = dict.fromkeys(("email", "phone", "mobile"), "hidden")
    set_lead_fields(session, actor_of(session, ada), {EVERYONE: hidden}, now=clock.now())
    lead = make_lead(session, owner=pia, last_name="Puig", company=None, email="p@puig.example")
    session.commit()
    refused = api(pia).patch(f"/leads/{lead.ref}", {"last_name": None})
    assert refused.status_code == 422  # although it has an address
    assert api(ada).patch(f"/leads/{lead.ref}", {"last_name": None}).status_code == 200
    actor = actor_of(session, pia)
    assert seen_reasons(actor, ["email", "name"]) == []
    assert seen_reasons(actor, ["email", "company", "name"]) == ["company", "name"]


@pytest.mark.databases("sqlite")
def test_whoever_may_not_read_groups_and_rules_reads_nothing_of_them_in_the_log(api, session, ada, mara):
    group = create_group(session, actor_of(session, ada), name="Secret circle", now=clock.now())
    hidden = make_partner(session, "Hidden Cycles", owner=ada)
    session.flush()
    member = {"type": "partner_account", "id": ref_of(session, hidden)}
    add_group_member(session, actor_of(session, ada), group.ref, member, now=clock.now())
    session.commit()
    assert "Hidden Cycles" in api(mara).get("/events").text
    mara.account_scope = AccountScope.PORTFOLIO
    session.commit()
    assert api(mara).get("/groups").status_code == 403
    assert "public_group" not in api(mara).get("/events").text


@pytest.mark.databases("sqlite")
def test_who_was_told_names_nobody_of_a_company_that_one_does_not_see(signed_in, session, ada, vic):
    edit_organisation(session, actor_of(session, ada), {"defaults": {"account": PRIVATE}}, now=clock.now())
    zoe = make_user(session, "Zoe Rival", partner=make_partner(session, "Hidden Cycles", owner=ada))
    lead = make_lead(session, owner=vic)
    session.flush()
    notify(session, act="test:1", user=zoe, kind=NotificationKind.LEAD_IN_QUEUE, record=lead, now=clock.now())
    vic.account_scope = AccountScope.PORTFOLIO
    session.commit()
    told = signed_in(vic).get(f"/leads/{lead.ref}/told").text
    assert "somebody at a partner" in told
    assert "Zoe Rival" not in told
    assert "Hidden Cycles" not in told
    assert "Zoe Rival" in signed_in(ada).get(f"/leads/{lead.ref}/told").text


def test_letting_partners_in_notices_a_share_that_gives_more_than_before(session, ada, sal):
    organisation = session.get_one(Organisation, 1)
    organisation.prm_enabled_at = None
    lead, actor = make_lead(session, owner=sal), actor_of(session, ada)
    session.flush()
    everybody = {"type": "all_partners"}
    share_record(session, actor, lead, everybody, "read", now=clock.now())
    shown = marks_of(what_reaches_partners(session, Audience(session)), organisation)

    def told():
        return differences(session, shown, what_reaches_partners(session, Audience(session)), organisation)

    assert told() == []
    share_record(session, actor, lead, everybody, "edit", now=clock.now())
    assert len(told()) == 1
