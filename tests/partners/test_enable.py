"""Enabling a business account as a partner, and changing what is agreed with it."""

import pytest

from app.accounts.models import Account, AccountKind
from app.events.models import Event
from app.identity.models import AccountScope
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.actor import Role
from app.kernel.errors import Invalid, NotAllowed, NotFound, WrongOrder
from app.partners.errors import OnlyBusinesses, PartnerAlready
from app.partners.models import PartnerAccount, PartnerLevel
from app.partners.operations import edit_partner, enable_partner
from app.routing.models import Queue, QueueMember
from tests.factories import actor_of, make_account, make_queue, make_user, open_portal, row_count, rows


@pytest.fixture
def forges(session, mara):
    open_portal(session)
    return make_account(session, "Forges del Ter", owner=mara)


def verbs(session, account):
    return [e.verb for e in rows(session, Event, Event.record_ref == account.ref)]


def test_an_enabled_account_has_a_queue_of_all_its_people(signed_in, session, mara, forges):
    page = f"/accounts/{forges.ref}/enable-partner"
    browser = signed_in(mara)
    assert "Enable Forges del Ter as partner" in browser.get(page).get_data(as_text=True)
    [gold] = rows(session, PartnerLevel, PartnerLevel.name == "Gold")
    values = {"channel_manager": mara.ref, "level": gold.ref, "capacity": "15", "members_from": "user"}
    assert browser.submit(page, values).location == f"/partners/{forges.ref}"
    [partner] = rows(session, PartnerAccount)
    [queue] = rows(session, Queue, Queue.partner_account_id == forges.id)
    [member] = rows(session, QueueMember, QueueMember.queue_id == queue.id)
    assert (partner.account_id, partner.state, partner.level_id, partner.capacity) == (
        forges.id,
        "active",
        gold.id,
        15,
    )
    assert (partner.queue_id, queue.name) == (queue.id, "Forges del Ter")
    assert (member.account_id, member.minimum_rank) == (forges.id, 0)
    assert (forges.owner_user_id, forges.version) == (mara.id, 2)
    assert verbs(session, forges) == ["partner_enabled"]


def test_a_queue_of_that_name_is_no_obstacle(session, mara, forges):
    make_queue(session, "forges DEL ter")
    partner = enable_partner(session, actor_of(session, mara), forges.ref, now=clock.now())
    assert session.get(Queue, partner.queue_id).name == "Forges del Ter (2)"


def test_members_may_be_managers_and_above(session, mara, forges):
    partner = enable_partner(
        session, actor_of(session, mara), forges.ref, members_from="manager", now=clock.now()
    )
    [member] = rows(session, QueueMember, QueueMember.queue_id == partner.queue_id)
    assert member.minimum_rank == 1


def test_an_owner_who_is_no_channel_manager_hands_the_account_over(session, mara, sal):
    open_portal(session)
    account = make_account(session, "Forges", owner=sal)
    enable_partner(session, actor_of(session, mara), account.ref, now=clock.now())
    assert account.owner_user_id == mara.id
    [event] = rows(session, Event, Event.verb == "partner_enabled")
    assert event.changes == {"owner": ["Sal", "Mara"]}


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("level", {"level": "Platinum"}),
        ("level", {"level": "lvl_00000000000000000000AA"}),
        ("capacity", {"capacity": -1}),
        ("capacity", {"capacity": 10**9}),
        ("capacity", {"capacity": True}),
        ("members_from", {"members_from": "administrator"}),
        ("channel_manager", {"channel_manager": "user_00000000000000000000AA"}),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(session, mara, forges, field, values):
    with pytest.raises(Invalid) as refused:
        enable_partner(session, actor_of(session, mara), forges.ref, now=clock.now(), **values)
    assert field in refused.value.errors
    assert row_count(session, PartnerAccount) == 0


def test_sales_are_no_channel_managers(session, mara, sal, forges):
    with pytest.raises(Invalid):
        enable_partner(session, actor_of(session, mara), forges.ref, channel_manager=sal.ref, now=clock.now())


def test_a_refused_form_comes_back_as_typed(signed_in, session, mara, forges):
    page = f"/accounts/{forges.ref}/enable-partner"
    answer = signed_in(mara).submit(
        page, {"channel_manager": mara.ref, "capacity": "a few", "members_from": "user"}
    )
    assert answer.status_code == 422
    assert 'value="a few"' in answer.get_data(as_text=True)
    assert row_count(session, PartnerAccount) == 0


# What must come first


def test_nothing_is_enabled_before_prm_is_on(signed_in, session, mara):
    account = make_account(session, "Forges", owner=mara)
    assert get_organisation(session).prm_enabled_at is None
    with pytest.raises(WrongOrder):
        enable_partner(session, actor_of(session, mara), account.ref, now=clock.now())
    browser, page = signed_in(mara), f"/accounts/{account.ref}/enable-partner"
    assert browser.get(page).status_code == 409
    assert browser.submit(page, {"members_from": "user"}, page="/accounts").status_code == 409
    assert "Enable as partner" not in browser.get(f"/accounts/{account.ref}").get_data(as_text=True)


def test_a_person_is_no_partner_and_a_partner_is_one_once(session, mara, forges):
    actor, now = actor_of(session, mara), clock.now()
    person = make_account(session, "Marta Puig", owner=mara, kind=AccountKind.PERSON, last_name="Puig")
    with pytest.raises(OnlyBusinesses):
        enable_partner(session, actor, person.ref, now=now)
    enable_partner(session, actor, forges.ref, now=now)
    with pytest.raises(PartnerAlready):
        enable_partner(session, actor, forges.ref, now=now)
    assert row_count(session, PartnerAccount) == 1


@pytest.mark.parametrize("who", ["sal", "vic", "pia"])
def test_others_enable_nobody(request, signed_in, session, forges, who):
    browser = signed_in(request.getfixturevalue(who))
    page, before = f"/accounts/{forges.ref}/enable-partner", row_count(session, PartnerAccount)
    assert browser.get(page).status_code == 403
    assert browser.submit(page, {"members_from": "user"}, page="/profile").status_code == 403
    assert row_count(session, PartnerAccount) == before


def test_what_is_outside_a_portfolio_cannot_be_enabled(session, forges):
    cam = make_user(session, "Cam", role=Role.CHANNEL_MANAGER, account_scope=AccountScope.PORTFOLIO)
    with pytest.raises(NotFound):
        enable_partner(session, actor_of(session, cam), forges.ref, now=clock.now())


# Changing what is agreed


def test_level_capacity_and_queue_change(signed_in, session, mara, northwind):
    [account] = rows(session, Account, Account.id == northwind.account_id)
    [silver] = rows(session, PartnerLevel, PartnerLevel.name == "Silver")
    page = f"/partners/{account.ref}/edit"
    values = {"level": silver.ref, "capacity": "7", "members_from": "executive"}
    assert signed_in(mara).submit(page, values).location == f"/partners/{account.ref}"
    assert (northwind.level_id, northwind.capacity) == (silver.id, 7)
    [member] = rows(session, QueueMember, QueueMember.account_id == account.id)
    assert member.minimum_rank == 2
    [event] = rows(session, Event, Event.verb == "partner_edited")
    assert event.changes == {
        "level": [None, "Silver"],
        "capacity": [None, 7],
        "members_from": ["user", "executive"],
    }
    edit_partner(session, actor_of(session, mara), account.ref, {"capacity": 7}, now=clock.now())
    assert len(rows(session, Event, Event.verb == "partner_edited")) == 1, "nothing changed, nothing told"
    edit_partner(
        session, actor_of(session, mara), account.ref, {"capacity": None, "level": None}, now=clock.now()
    )
    assert (northwind.level_id, northwind.capacity) == (None, None)


def test_narrowing_the_queue_counts_on_the_next_request(session, mara, northwind, pia, pam):
    [account] = rows(session, Account, Account.id == northwind.account_id)
    assert actor_of(session, pia).queue_ids == (northwind.queue_id,)
    edit_partner(
        session, actor_of(session, mara), account.ref, {"members_from": Role.MANAGER}, now=clock.now()
    )
    assert actor_of(session, pia).queue_ids == ()
    assert actor_of(session, pam).queue_ids == (northwind.queue_id,)


def test_only_partners_can_be_changed_and_only_by_those_who_enable(session, mara, sal, northwind):
    [account] = rows(session, Account, Account.id == northwind.account_id)
    plain = make_account(session, "Plain", owner=mara)
    with pytest.raises(WrongOrder):
        edit_partner(session, actor_of(session, mara), plain.ref, {"capacity": 1}, now=clock.now())
    with pytest.raises(NotAllowed):
        edit_partner(session, actor_of(session, sal), account.ref, {"capacity": 1}, now=clock.now())
    with pytest.raises(Invalid):
        edit_partner(session, actor_of(session, mara), account.ref, {"colour": "red"}, now=clock.now())
