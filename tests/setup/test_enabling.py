"""The steps before partners are let in: what they show and count, what Done applies, what has changed meanwhile."""

import time

import pytest
from sqlalchemy import select

from app.accounts.models import Account
from app.events.models import Event
from app.identity.models import Organisation
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.db import transaction
from app.kernel.errors import Invalid, Stale
from app.leads.models import Lead
from app.sharing.audience import Audience
from app.sharing.consequences import Count
from app.sharing.enabling import Answers, enable_prm, marks_of
from app.sharing.groups import add_group_member, create_group
from app.sharing.models import EnablingDraft, GroupMember, ManualShare, Principal, PublicGroup, SharingRule
from app.sharing.principals import names_of, reaches_partners
from app.sharing.reach_counts import count_companies, count_items
from app.sharing.reaching import Fate, what_reaches_partners
from app.sharing.scope import scope
from app.sharing.shares import share_record
from app.sharing.sharing_rules import create_rule, delete_rule, edit_rule, read_rule
from app.sharing.verify import differences
from tests.factories import SYSTEM, actor_of, make_account, make_contact, make_lead, make_queue, rows
from tests.races import together
from tests.setup.test_prm import hidden
from tests.sharing.shared_worlds import settle_all

pytestmark = pytest.mark.usefixtures("at_once")


@pytest.fixture
def shop(session, ada, mara, sal, pia, otto, northwind, southwind):
    """Before partners are let in: a mixed group and queue, rules to them and to every partner, shares by hand."""
    get_organisation(session).prm_enabled_at = None
    get_organisation(session).portal_published_at = None
    actor, now = actor_of(session, ada), clock.now()
    north = session.scalar(select(Account).where(scope(Account, SYSTEM), Account.id == northwind.account_id))
    for city in ("Girona", "Girona", "Vic"):
        make_lead(session, owner=mara, city=city)
    customer = make_account(session, "Forges del Ter", owner=mara)
    make_contact(session, account=customer)
    group = create_group(
        session, actor, name="Desk", now=now,
        members=[{"type": "user", "id": sal.ref}, {"type": "partner_account", "id": north.ref}],
    )  # fmt: skip
    queue = make_queue(session, "Mixed", (sal, southwind))

    def rule(name, object_, whom, **given):
        written = {
            "name": name,
            "object": object_,
            "kind": "criteria",
            "share_with": whom,
            "level": "read",
            **given,
        }
        return create_rule(session, actor, read_rule(session, written), now=now)

    girona = {"field": "city", "op": "equals", "value": "Girona"}
    rule("desk", "lead", {"type": "group", "id": group.ref}, criteria=girona)
    rule("queue", "lead", {"type": "queue", "id": queue.ref}, level="edit")
    rule(
        "everybody",
        "account",
        {"type": "all_partners"},
        criteria={"field": "name", "op": "starts_with", "value": "Forges"},
    )
    rule("inside", "lead", {"type": "all_internal"})
    share_record(session, actor, customer, {"type": "group", "id": group.ref}, "edit", now=now)
    share_record(session, actor, customer, {"type": "user", "id": pia.ref}, "read", now=now)
    settle_all(session)
    session.commit()
    return actor


def items_of(session):
    audience = Audience(session)
    found = what_reaches_partners(session, audience)
    return audience, {("shares of " if item.shares else "") + item.name: item for item in found}


def sees(session, user):
    """Numbers of leads, accounts and contacts that somebody sees."""
    from app.accounts.models import Contact

    actor = actor_of(session, user)
    return [len(session.scalars(select(m).where(scope(m, actor))).all()) for m in (Lead, Account, Contact)]


def test_what_would_reach_partners_is_found_with_whom_and_how_much(session, shop, pia, otto):
    audience, items = items_of(session)
    assert list(items) == ["Desk", "desk", "queue", "everybody", "shares of Desk", "shares of Pia"]
    for key in session.scalars(select(Principal.key)):
        assert audience.reaches(key) == reaches_partners(session, key), key
    assert [item.can_narrow for item in items.values()] == [True, True, True, False, True, False]
    named = {name: [audience.companies[key].name for key in item.companies] for name, item in items.items()}
    assert (named["desk"], named["queue"], named["shares of Pia"]) == (
        ["Northwind"],
        ["Southwind"],
        ["Northwind"],
    )
    assert sorted(named["everybody"]) == ["Northwind", "Southwind"]
    counts = count_items(session, list(items.values()))
    assert counts[items["desk"].key] == {"lead": Count(2)}
    assert counts[items["queue"].key] == {"lead": Count(3)}
    assert counts[items["everybody"].key] == {"account": Count(1), "contact": Count(1)}, "contacts follow"
    assert counts[items["Desk"].key] == {"lead": Count(2), "account": Count(1), "contact": Count(1)}
    kept = Answers({item.key: Fate.KEEP for item in items.values()})
    told = count_companies(session, audience, list(items.values()), kept, get_organisation(session))
    assert {tuple(each.companies): each.counts for each in told} == {
        ("Northwind",): {"lead": Count(2), "account": Count(1), "contact": Count(1)},
        ("Southwind",): {"lead": Count(3), "account": Count(1), "contact": Count(1)},
    }
    opened = Answers({}, {"lead": {"internal": "read_write", "external": "read"}})
    (all_of_them,) = count_companies(
        session, audience, list(items.values()), opened, get_organisation(session)
    )
    assert (all_of_them.companies, all_of_them.counts) == (["Northwind", "Southwind"], {"lead": Count(3)})
    assert enable_prm(session, shop, kept, now=clock.now())
    assert (sees(session, pia), sees(session, otto)) == ([2, 1, 1], [3, 1, 1]), "as it was told before"


def test_the_safe_answers_let_nothing_through_and_take_nothing_from_ones_own_people(
    session, shop, sal, pia, otto
):
    get_organisation(session).defaults = {
        thing: {**levels, "internal": "private"}
        for thing, levels in get_organisation(session).defaults.items()
    }
    session.flush()
    before = sees(session, sal)
    assert before == [3, 1, 1]
    assert enable_prm(session, shop, now=clock.now())
    assert sees(session, sal) == before, "what is narrowed stays in force for them without a gap"
    assert (sees(session, pia), sees(session, otto)) == ([0, 0, 0], [0, 0, 0])
    assert items_of(session)[1].keys() == {"Desk"}, "a group by itself gives nothing"
    settle_all(session)
    assert sees(session, sal) == before
    assert list(differences(session)) == []
    event = rows(session, Event, Event.verb == "prm_enabled")[0]
    assert event.detail == {
        "keep": ["Desk"],
        "narrow": ["desk", "queue", "Desk"],
        "remove": ["everybody", "Pia"],
    }
    rules = {rule.name: names_of(session, [rule.share_with_id]) for rule in rows(session, SharingRule)}
    assert [known.name for known in rules["queue"].values()] == ["Mixed, own people"]
    assert len(rows(session, PublicGroup)) == 3, "one group of the same people, whatever is given to them"


def test_each_is_kept_narrowed_or_removed_as_answered(session, shop, sal, pia, otto):
    _audience, items = items_of(session)
    fates = {items[name].key: Fate.KEEP for name in ("everybody", "shares of Pia", "desk", "shares of Desk")}
    fates |= {items["Desk"].key: Fate.NARROW, items["queue"].key: Fate.REMOVE}
    shared = {"lead": {"internal": "read", "external": "read"}}
    assert enable_prm(session, shop, Answers(fates, shared), now=clock.now())
    settle_all(session)
    defaults = get_organisation(session).defaults
    assert defaults["lead"] == shared["lead"]
    assert {levels["external"] for thing, levels in defaults.items() if thing != "lead"} == {"private"}
    (member,) = rows(session, GroupMember)
    assert names_of(session, [member.principal_id])[member.principal_id].ref == sal.ref
    assert [rule.name for rule in rows(session, SharingRule, SharingRule.deleted_at.is_(None))] == [
        "desk", "everybody", "inside",
    ]  # fmt: skip
    assert len(rows(session, ManualShare, ManualShare.ended_at.is_(None))) == 2
    assert (sees(session, pia), sees(session, otto)) == ([3, 1, 1], [3, 1, 1])
    assert list(differences(session)) == []


def test_a_group_goes_with_what_is_given_to_it_or_not_at_all(session, shop):
    _audience, items = items_of(session)
    keys = {name: item.key for name, item in items.items()}
    alone = Answers({keys["Desk"]: Fate.REMOVE, keys["desk"]: Fate.KEEP, keys["shares of Desk"]: Fate.REMOVE})
    with pytest.raises(Invalid) as refused:
        enable_prm(session, shop, alone, now=clock.now())
    assert list(refused.value.errors) == [keys["Desk"]]
    holder = create_group(session, shop, name="Above", now=clock.now())
    desk = items["Desk"].group
    add_group_member(session, shop, holder.ref, {"type": "group", "id": desk.ref}, now=clock.now())
    together = Answers({keys[name]: Fate.REMOVE for name in ("Desk", "desk", "shares of Desk")})
    assert enable_prm(session, shop, together, now=clock.now())
    names = [group.name for group in rows(session, PublicGroup)]
    assert names == ["Above", "Mixed, own people"]


def test_whatever_changed_since_it_was_shown_is_named_and_nothing_is_applied(session, shop, ada, otto):
    _audience, items = items_of(session)
    shown = marks_of(list(items.values()), get_organisation(session))

    def refused():
        with pytest.raises(Stale) as stale:
            enable_prm(session, shop, shown=shown, now=clock.now())
        return stale.value.current["changed"]

    desk, group = items["desk"].rule, items["Desk"].group
    written = {
        "name": "desk",
        "object": "lead",
        "kind": "criteria",
        "level": "edit",
        "share_with": {"type": "all_partners"},
    }
    edit_rule(session, shop, desk.ref, read_rule(session, written), now=clock.now())
    add_group_member(session, shop, group.ref, {"type": "user", "id": otto.ref}, now=clock.now())
    create_rule(session, shop, read_rule(session, {**written, "name": "late"}), now=clock.now())
    delete_rule(session, shop, items["queue"].rule.ref, now=clock.now())
    get_organisation(session).defaults = {
        **get_organisation(session).defaults,
        "lead": {"internal": "read", "external": "private"},
    }
    session.flush()
    told = refused()
    for part in (
        "defaults were changed",
        "“desk”, or who",
        "group “Desk”",
        "“late” has come",
        "“queue” is gone",
        "by hand with “Desk”",
    ):
        assert any(part in text for text in told), (part, told)
    assert len(told) == 6
    assert get_organisation(session).prm_enabled_at is None
    assert rows(session, Event, Event.verb == "prm_enabled") == []


@pytest.mark.databases("sqlite")  # pages are no matter of the database
def test_the_steps_in_a_browser(signed_in, session, shop, ada, mara):
    """Back and a reload show what was typed; Cancel changes nothing; the last step notices a rule that came meanwhile."""
    browser = signed_in(ada)
    browser.submit("/setup/prm", {"understood": "y"})
    page = "/setup/prm/defaults"
    chosen = {
        f"{thing}-{side}": "read"
        for thing in ("lead", "account", "contact")
        for side in ("internal", "external")
    }
    wider = browser.submit(page, {**chosen, "lead-internal": "private", "go": "next"})
    assert wider.status_code == 422
    assert "Partners never have more than everybody inside." in wider.get_data(as_text=True)
    assert (
        browser.submit(page, {**chosen, "account-external": "private", "go": "next"}).location
        == "/setup/prm/reaching"
    )
    assert browser.get(page).get_data(as_text=True).count('<option selected value="read">') == 6, (
        "what was typed"
    )

    page, (_audience, items) = "/setup/prm/reaching", items_of(session)
    text = browser.get(page).get_data(as_text=True)
    assert "Northwind" in text
    assert "2 leads" in text
    desk, group = items["desk"].key, items["Desk"].key
    torn = browser.submit(page, {group: "remove", desk: "keep", "go": "next"})
    assert torn.status_code == 422
    assert "remove that too, or keep the group" in torn.get_data(as_text=True)
    answers = {**hidden(text), desk: "keep", "go": "back"}
    assert browser.submit(page, answers).location == "/setup/prm/defaults"
    assert f'name="{desk}" value="keep" checked' in browser.get(page).get_data(as_text=True), "Back keeps it"
    assert browser.submit(page, {**answers, "go": "next"}).location == "/setup/prm/views"
    private = {f"{t}-{s}": "private" for t in ("document", "saved_view") for s in ("internal", "external")}
    assert browser.submit("/setup/prm/views", {**private, "go": "next"}).location == "/setup/prm/summary"

    first = hidden(browser.get("/setup/prm/summary").get_data(as_text=True))
    late = {
        "name": "late",
        "object": "lead",
        "kind": "criteria",
        "level": "read",
        "share_with": {"type": "all_partners"},
    }
    create_rule(session, actor_of(session, mara), read_rule(session, late), now=clock.now())
    session.commit()
    answer = browser.submit("/setup/prm/done", first, page="/setup/prm/summary")
    told = answer.get_data(as_text=True)
    assert (answer.status_code, "“late” has come to reach partners" in told) == (409, True)
    session.expire_all()
    assert get_organisation(session).prm_enabled_at is None

    browser.submit(page, {**answers, desk: "remove", "go": "next"})
    other = browser.submit("/setup/prm/done", hidden(told), page="/setup/prm/summary")
    assert (other.status_code, "in another window" in other.get_data(as_text=True)) == (409, True)
    final = hidden(browser.get("/setup/prm/summary").get_data(as_text=True))
    assert browser.submit("/setup/prm/done", final, page="/setup/prm/summary").location == "/setup/prm"
    session.expire_all()
    organisation = session.scalars(select(Organisation)).one()
    assert organisation.prm_enabled_by_id == ada.id
    assert organisation.defaults["lead"] == {"internal": "read", "external": "read"}
    assert organisation.defaults["document"] == {"internal": "private", "external": "private"}
    live = rows(session, SharingRule, SharingRule.deleted_at.is_(None))
    assert [rule.name for rule in live] == ["queue", "inside"]
    assert rows(session, EnablingDraft) == []


@pytest.mark.databases("sqlite")  # pages are no matter of the database
def test_cancel_changes_nothing(signed_in, session, shop, ada):
    browser = signed_in(ada)
    browser.submit("/setup/prm", {"understood": "y"})
    events = len(rows(session, Event))
    browser.submit("/setup/prm/views", {"document-internal": "private", "go": "next"})
    assert browser.submit("/setup/prm/cancel", {}, page="/setup/prm/defaults").location == "/setup/"
    assert rows(session, EnablingDraft) == []
    assert get_organisation(session).prm_enabled_at is None
    assert len(rows(session, Event)) == events


@pytest.mark.race
def test_a_rule_made_at_the_same_moment_is_decided_about_or_comes_after(app, session, shop):
    """Nothing slips through between what is looked at and the switch."""
    written = {
        "name": "at once",
        "object": "lead",
        "kind": "criteria",
        "level": "read",
        "share_with": {"type": "all_partners"},
    }
    session.commit()

    def make():
        with transaction() as own:
            rule = create_rule(own, shop, read_rule(own, written), now=clock.now())
            time.sleep(0.3)
            return rule.ref, get_organisation(own).prm_enabled_at

    def switch():
        time.sleep(0.1)  # while the rule is written and not yet there to be seen
        with transaction() as own:
            return enable_prm(own, shop, now=clock.now())

    (ref, was_on), switched = together(app, [make, switch])
    assert switched is True
    assert was_on is None
    session.expire_all()
    (rule,) = rows(session, SharingRule, SharingRule.ref == ref)
    assert rule.deleted_at is not None, "it came first, and was decided about"
