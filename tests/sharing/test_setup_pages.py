"""Setup > Sharing: organisation-wide defaults, public groups and sharing rules, as people use them without JavaScript."""

import re

import pytest
from sqlalchemy import select

from app.events.models import Event
from app.identity.queries import get_organisation
from app.kernel import clock
from app.partners.models import PartnerLevel
from app.sharing import building, grant_sets
from app.sharing.groups import add_group_member, create_group
from app.sharing.models import GroupMember, PublicGroup, SharingRule
from app.sharing.sharing_rules import create_rule, read_rule
from app.sharing.subjects import SUBJECTS
from tests.factories import actor_of, make_lead, make_user, row_count, rows
from tests.sharing.shared_worlds import settle_all
from tests.sharing.test_access_pages import account_of

DEFAULTS, GROUPS, RULES = "/setup/sharing-defaults", "/setup/groups", "/setup/sharing-rules"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(building, "GRACE", building.GRACE * 0)
    monkeypatch.setattr(grant_sets, "KNOWN_FOR", -1.0)


def _text(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


# Setup's home


def test_setup_leads_to_sharing(session, signed_in, ada, mara):
    page = signed_in(ada).get("/setup/").text
    assert all(f'href="{url}"' in page for url in (DEFAULTS, GROUPS, RULES))
    page = signed_in(mara).get("/setup/").text
    assert DEFAULTS not in page
    assert GROUPS in page


# Defaults


def test_defaults_are_saved_at_once_and_recorded(session, signed_in, ada, northwind):
    browser = signed_in(ada)
    page = browser.get(DEFAULTS).text
    assert "disabled" not in page.partition('<form class="form is-wide"')[2]
    version = re.search(r'name="version"[^>]*value="(\d+)"', page)
    assert version
    data = {"lead-internal": "read", "lead-external": "private", "account-internal": "read_write",
            "account-external": "read", "contact-internal": "read_write", "contact-external": "private",
            "version": version[1]}  # fmt: skip
    assert browser.agree(DEFAULTS, data).status_code == 303
    defaults = get_organisation(session).defaults
    assert defaults["lead"] == {"internal": "read", "external": "private"}
    assert defaults["account"] == {"internal": "read_write", "external": "read"}
    assert defaults["contact"] == {"internal": "read_write", "external": "private"}
    event = rows(session, Event, Event.record_kind == "organisation", Event.verb == "edited")[-1]
    assert event.changes["defaults"][1]["lead"]["internal"] == "read"
    again = browser.submit(DEFAULTS, {**data, "lead-internal": "private"})
    assert again.status_code == 409
    assert get_organisation(session).defaults["lead"]["internal"] == "read"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("lead-external", "read", "Partners never have more than everybody inside."),
        ("lead-internal", "all", "Choose one of those listed."),
        ("contact-external", "", "Choose one of those listed."),
    ],
)
def test_wrong_defaults_are_told_at_their_field_and_nothing_changes(
    session, signed_in, ada, northwind, field, value, words
):
    before = dict(get_organisation(session).defaults)
    data = {f"{thing}-{side}": "private" for thing in SUBJECTS for side in ("internal", "external")}
    answer = signed_in(ada).submit(DEFAULTS, {**data, field: value})
    assert answer.status_code == 422
    assert words in answer.text.partition(f'id="{field}-error"')[2][:400]
    assert 'href="#' + field in answer.text
    assert get_organisation(session).defaults == before


def test_what_partners_would_see_by_default_is_told_with_its_number_before_it_is_saved(
    session, signed_in, ada, mara, northwind
):
    for _ in range(3):
        make_lead(session, owner=mara)
    browser = signed_in(ada)
    data = {
        f"{thing}-{side}": level
        for thing in SUBJECTS
        for side, level in (("internal", "read_write"), ("external", "private"))
    }
    asked = browser.submit(DEFAULTS, {**data, "lead-external": "read"})
    assert asked.status_code == 200
    assert "3 leads" in _text(asked)
    mark = re.search(r'name="confirmed" value="([^"]+)"', asked.text)
    assert mark
    assert get_organisation(session).defaults["lead"]["external"] == "private"
    wider = {**data, "lead-external": "read_write", "confirmed": mark[1]}
    assert "3 leads, and could change them" in _text(browser.submit(DEFAULTS, wider))
    assert get_organisation(session).defaults["lead"]["external"] == "private"
    agreed = {**data, "lead-external": "read", "confirmed": mark[1]}
    assert browser.submit(DEFAULTS, agreed).status_code == 303
    assert get_organisation(session).defaults["lead"]["external"] == "read"
    # Less than now is nothing to be asked about.
    assert browser.submit(DEFAULTS, data).status_code == 303


def test_without_partner_management_partners_have_nothing_by_default(session, signed_in, ada):
    browser = signed_in(ada)
    page = browser.get(DEFAULTS).text
    assert page.count("disabled") == 7
    assert "until partner management is switched on" in page
    data = {f"{thing}-internal": "read" for thing in SUBJECTS}
    assert browser.submit(DEFAULTS, {**data, "lead-external": "read"}).status_code == 303
    assert get_organisation(session).defaults["lead"] == {"internal": "read", "external": "private"}


# Groups


def test_a_group_is_made_filled_renamed_and_deleted(session, signed_in, mara, sal, northwind):
    browser = signed_in(mara)
    assert "There are no groups yet" in browser.get(GROUPS).text
    made = browser.submit(
        GROUPS, {"name": "Key accounts", "description": "Who looks after them"}, page=f"{GROUPS}/new"
    )
    assert made.status_code == 303
    path = made.location.partition("#")[0]
    assert "Nobody yet" in browser.get(path).text
    for data in (
        {"principal_type": "user", "principal_id": sal.ref},
        {"principal_type": "partner_account", "principal_id": account_of(session, northwind).ref, "principal_role": "manager"},
        {"principal_type": "all_internal"},
        {"principal_type": "internal_role", "principal_id": "viewer"},
    ):  # fmt: skip
        added = browser.submit(f"{path}/members", data, page=path)
        assert added.status_code == 303, data
        assert f'value="{data["principal_type"]}" selected' in browser.get(added.location).text
    page = browser.get(path)
    for words in (
        "Sal",
        "Northwind",
        "managers and executives",
        "Everybody inside",
        "Viewer",
        "Reaches partners",
    ):
        assert words in page.text
    assert "Sal, Northwind (managers and executives), Everybody inside" in _text(browser.get(GROUPS))
    group = session.scalars(select(PublicGroup)).one()
    for member in rows(session, GroupMember):
        assert browser.submit(f"{path}/members/{member.ref}/remove", page=path).status_code == 303
    assert "Reaches partners" not in browser.get(path).text
    version = {"version": str(group.version)}
    saved = browser.submit(f"{path}/edit", {"name": "Key account team", "description": "", **version})
    assert saved.status_code == 303
    assert browser.submit(f"{path}/edit", {"name": "Other", "description": "", **version}).status_code == 409
    assert browser.submit(f"{path}/delete").status_code == 303
    assert row_count(session, PublicGroup) == 0


def test_the_picker_lists_whom_the_type_offers_and_narrows_them(
    session, signed_in, mara, pia, sal, northwind
):
    browser = signed_in(mara)
    group = create_group(session, actor_of(session, mara), name="Some", now=clock.now())
    path = f"{GROUPS}/{group.ref}"
    looked = browser.submit(
        f"{path}/members", {"principal_type": "partner_account", "act": "look"}, page=path
    )
    assert looked.status_code == 200
    assert "Northwind" in looked.text
    assert row_count(session, GroupMember) == 0
    for n in range(60):
        make_user(session, f"Extra {n:02}")
    session.commit()
    who = browser.get("/principals/who/principal?principal_type=user").text
    assert who.count("<option") == 52  # "Choose", fifty people, and that there are more
    assert 'type="search"' in who
    found = browser.get("/principals/list/principal?principal_type=user&principal_q=NORTHWIND").text
    assert re.findall(r'value="(user_\w+)"', found) == [pia.ref]
    assert (
        'name="principal_role"'
        in browser.get("/principals/who/principal?principal_type=partner_account").text
    )
    assert browser.get("/principals/who/principal?principal_type=nonsense").status_code == 404
    assert browser.get("/principals/who/other?principal_type=user").status_code == 404
    assert signed_in(pia).get("/principals/who/principal?principal_type=user").status_code == 403


def test_bad_members_are_refused_and_what_was_typed_stays(session, signed_in, mara, sal, otto, northwind):
    browser, actor = signed_in(mara), actor_of(session, mara)
    inner = create_group(session, actor, name="Inner", now=clock.now())
    outer = create_group(
        session, actor, name="Outer", members=[{"type": "group", "id": inner.ref}], now=clock.now()
    )
    gone = create_group(session, actor, name="Gone", now=clock.now()).ref
    session.commit()
    browser.submit(f"{GROUPS}/{gone}/delete")
    path = f"{GROUPS}/{inner.ref}"
    sal.state = "deactivated"
    for data, words in (
        ({"principal_type": "group", "principal_id": outer.ref}, "A group cannot hold itself"),
        ({"principal_type": "group", "principal_id": inner.ref}, "A group cannot hold itself"),
        ({"principal_type": "group", "principal_id": gone}, "There is no such"),
        ({"principal_type": "user", "principal_id": sal.ref}, "There is no such"),
        ({"principal_type": "user", "principal_id": ""}, "Choose whom."),
        ({"principal_type": "partner_account", "principal_id": otto.ref}, "There is no such"),
        ({"principal_type": "dragon", "principal_id": "x"}, "Give a type"),
        ({}, "Choose whom."),
        ({"principal_type": "internal_role", "principal_id": "manager"}, "There is no such"),
        (
            {
                "principal_type": "partner_account",
                "principal_id": account_of(session, northwind).ref,
                "principal_role": "king",
            },
            "A role goes with a partner account",
        ),
    ):
        answer = browser.submit(f"{path}/members", data, page=path)
        assert answer.status_code == 422, data
        assert words in answer.text, data
        if data.get("principal_type") == "group" and data["principal_id"] == outer.ref:
            assert f'value="{outer.ref}" selected' in answer.text
    assert row_count(session, GroupMember) == 1


def test_a_group_in_use_names_what_uses_it_and_stays(session, signed_in, ada, mara):
    group = create_group(session, actor_of(session, ada), name="Used", now=clock.now())
    _rule_for(session, ada, {"type": "group", "id": group.ref}, name="Girona <b>")
    browser, path = signed_in(mara), f"{GROUPS}/{group.ref}"
    for answer, status in (
        (browser.get(f"{path}/delete"), 200),
        (browser.submit(f"{path}/delete", page=path), 409),
    ):
        assert answer.status_code == status
        assert "sharing rule “Girona &lt;b&gt;”" in answer.text
        assert "It cannot be deleted yet" in answer.text
    assert row_count(session, PublicGroup) == 1


def test_a_partner_in_a_group_that_rules_give_something_is_asked_about_first(
    session, signed_in, ada, mara, sal, northwind
):
    actor = actor_of(session, ada)
    inner = create_group(session, actor, name="Inner", now=clock.now())
    outer = create_group(
        session, actor, name="Outer", members=[{"type": "group", "id": inner.ref}], now=clock.now()
    )
    make_lead(session, owner=mara, city="Girona")
    _rule_for(session, ada, {"type": "group", "id": outer.ref})
    settle_all(session)
    browser, path = signed_in(mara), f"{GROUPS}/{inner.ref}"
    partner = {"principal_type": "partner_account", "principal_id": account_of(session, northwind).ref}
    asked = browser.submit(f"{path}/members", partner, page=path)
    assert asked.status_code == 200
    assert "“Girona”: 1 of the leads" in asked.text
    assert row_count(session, GroupMember) == 1
    confirmed = re.search(r'name="confirmed" value="([^"]+)"', asked.text)
    assert confirmed
    everybody = {"principal_type": "all_partners", "confirmed": confirmed[1]}
    assert "This reaches partners" in browser.submit(f"{path}/members", everybody, page=path).text
    assert (
        browser.submit(f"{path}/members", {**partner, "confirmed": confirmed[1]}, page=path).status_code
        == 303
    )
    colleague = {"principal_type": "user", "principal_id": sal.ref}
    assert browser.submit(f"{path}/members", colleague, page=path).status_code == 303
    assert row_count(session, GroupMember) == 3


def test_names_of_groups_are_asked_for_once_and_escaped(session, signed_in, mara):
    browser, new = signed_in(mara), f"{GROUPS}/new"
    assert browser.submit(GROUPS, {"name": " "}, page=new).status_code == 422
    name = "<script>alert(1)</script>"
    assert browser.submit(GROUPS, {"name": name}, page=new).status_code == 303
    twice = browser.submit(GROUPS, {"name": name.upper(), "description": "kept"}, page=new)
    assert twice.status_code == 422
    assert "kept" in twice.text
    assert "<script>alert" not in browser.get(GROUPS).text + twice.text
    assert browser.get(f"{GROUPS}/group_{'0' * 22}").status_code == 404


# Rules

GIRONA = {"field": "city", "op": "equals", "value": "Girona"}


def _rule_for(session, user, share_with, **given):
    written = {"object": "lead", "kind": "criteria", "criteria": GIRONA, "level": "read", "share_with": share_with, "name": "Girona"}  # fmt: skip
    actor = actor_of(session, user)
    rule = create_rule(session, actor, read_rule(session, {**written, **given}), now=clock.now())
    session.commit()
    return rule


def _form(**given):
    """The editor's form, its first condition "city is Girona"."""
    standard = {
        "object": "lead", "name": "Girona to sales", "kind": "criteria", "level": "read", "e0-join": "all", "e0-rows": "1",
        "e0-c0-field": "city", "e0-c0-op": "equals", "e0-c0-value": "Girona",
        "share_with_type": "internal_role", "share_with_id": "sales", "owned_by_type": "user", "owned_by_id": "",
        "act": "save",
    }  # fmt: skip
    return {**standard, **given}


def test_a_criteria_rule_is_written_built_and_shown(session, signed_in, mara, sal):
    make_lead(session, owner=mara, city="Girona")
    make_lead(session, owner=mara, city="Vic")
    browser = signed_in(mara)
    assert "There are no sharing rules yet" in browser.get(RULES).text
    saved = browser.submit(RULES, _form(), page=f"{RULES}/new")
    assert saved.status_code == 303
    rule = session.scalars(select(SharingRule)).one()
    assert (rule.criteria, rule.level, rule.name) == ({"all": [GIRONA]}, 2, "Girona to sales")
    page, listed = browser.get(saved.location), browser.get(RULES)
    for answer in (page, listed):
        assert "Being built, 0 %" in answer.text
        assert f'hx-get="{RULES}/{rule.ref}/state"' in answer.text
        assert "City is Girona" in answer.text
    settle_all(session)
    session.commit()
    state = browser.get(f"{RULES}/{rule.ref}/state").text
    assert "In force" in state
    assert "hx-get" not in state
    assert "<html" not in state
    assert "Records it gives now 1" in _text(browser.get(saved.location))


def test_every_button_of_the_editor_keeps_what_was_typed_and_stores_nothing(session, signed_in, mara):
    browser, new = signed_in(mara), f"{RULES}/new"
    added = browser.submit(RULES, _form(act="condition-0"), page=new).text
    assert 'name="e0-c1-field"' in added
    assert 'value="Girona"' in added
    cleared = browser.submit(RULES, _form(act="clear-0-0"), page=new).text
    assert "No condition: it takes everything." in cleared
    looked = browser.submit(RULES, _form(act="look", share_with_type="internal_role"), page=new).text
    assert 'value="Girona to sales"' in looked
    assert re.search(r'value="sales" selected', looked)
    assert row_count(session, SharingRule) == 0


def test_the_editor_offers_the_fields_of_its_object(session, signed_in, mara):
    browser = signed_in(mara)
    for object_, own, others in (
        ("lead", "product_interest", "billing_city"),
        ("account", "billing_city", "product_interest"),
    ):
        page = browser.get(f"{RULES}/new?object={object_}").text
        assert f'<option value="{own}"' in page
        assert f'<option value="{others}"' not in page
    assert 'name="object" value="lead"' in browser.get(f"{RULES}/new?object=nonsense").text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"e0-c0-field": "secret"}, "Condition 1:"),
        ({"e0-c0-op": "sounds_like"}, "Condition 1:"),
        ({"e0-c0-field": "employees", "e0-c0-op": "gt", "e0-c0-value": "many"}, "Condition 1:"),
        ({"e0-c0-field": "country", "e0-c0-value": "Atlantis"}, "Condition 1:"),
        ({"name": " "}, "Give it a name."),
        ({"level": "full"}, "Known: read, edit."),
        ({"kind": "moon"}, "Known: owner, criteria."),
        ({"object": "user"}, "Known: lead, account, contact, opportunity, case."),
        ({"share_with_type": "group", "share_with_id": f"group_{'0' * 22}"}, "There is no such"),
        ({"share_with_type": "", "share_with_id": ""}, "Choose whom."),
        ({"share_with_type": "partner_account", "share_with_id": "sales"}, "There is no such"),
        ({"kind": "owner", "owned_by_id": f"user_{'0' * 22}"}, "There is no such"),
        ({"e0-kept": '{"all": [{"field": "nonsense"}]}', "e0-rows": "0"}, "Some of it needs another look"),
        ({"e0-kept": "{not json", "e0-rows": "0"}, "cannot be read any more"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_rule_is_refused_with_a_reason_and_nothing_is_stored(
    session, signed_in, mara, given, words
):
    answer = signed_in(mara).submit(RULES, _form(**given), page=f"{RULES}/new")
    assert answer.status_code == 422
    assert words in answer.text
    assert given.get("name", "Girona to sales").strip() in answer.text
    assert row_count(session, SharingRule) == 0


def test_what_reaches_partners_is_told_with_its_number_and_asked_again_when_it_changes(
    session, signed_in, mara, pia, northwind
):
    for city in ("Girona", "Girona", "Vic"):
        make_lead(session, owner=mara, city=city)
    group = create_group(session, actor_of(session, mara), name="Gold and friends", now=clock.now())
    level = session.scalars(select(PartnerLevel)).first()
    add_group_member(
        session,
        actor_of(session, mara),
        group.ref,
        {"type": "partner_level", "id": level.ref},
        now=clock.now(),
    )
    session.commit()
    browser, form = signed_in(mara), _form(share_with_type="group", share_with_id=group.ref)
    asked = browser.submit(RULES, form, page=f"{RULES}/new")
    assert asked.status_code == 200
    assert "This reaches partners" in asked.text
    assert "Gold and friends (public group) would see 2 of the leads through this rule." in asked.text
    assert row_count(session, SharingRule) == 0
    mark = re.search(r'name="confirmed" value="([^"]+)"', asked.text)
    assert mark
    wider = browser.submit(RULES, {**form, "level": "edit", "confirmed": mark[1]}, page=f"{RULES}/new")
    assert "would see and change 2 of the leads" in wider.text
    assert wider.text.count("Nothing is saved yet") == 1
    assert wider.text.count("notice tone-amber") == 1
    assert row_count(session, SharingRule) == 0
    assert browser.submit(RULES, {**form, "confirmed": mark[1]}, page=f"{RULES}/new").status_code == 303
    rule = session.scalars(select(SharingRule)).one()
    assert "Reaches partners" in browser.get(RULES).text
    # Another name gives nobody anything, another level does.
    path = f"{RULES}/{rule.ref}/edit"
    assert browser.submit(path, {**form, "name": "Renamed"}).status_code == 303
    assert "This reaches partners" in browser.submit(path, {**form, "level": "edit"}).text


def test_a_rule_by_owner_is_edited_and_a_stale_edit_refused(session, signed_in, ada, mara, sal):
    rule = _rule_for(session, ada, {"type": "internal_role", "id": "viewer"}, kind="owner", criteria=None,
                     owned_by={"type": "user", "id": sal.ref})  # fmt: skip
    browser, path = signed_in(mara), f"{RULES}/{rule.ref}/edit"
    page = browser.get(path).text
    assert f'value="{sal.ref}" selected' in page
    assert re.search(r'value="owner" checked', page)
    assert "owned by Sal" in browser.get(f"{RULES}/{rule.ref}").text
    form = _form(kind="owner", owned_by_id=sal.ref, share_with_id="viewer", level="edit", version="1")
    assert browser.submit(path, form).status_code == 303
    session.refresh(rule)
    assert rule.level == 3
    stale = browser.submit(path, {**form, "level": "read"})
    assert stale.status_code == 409
    assert "Somebody changed this" in stale.text


def test_conditions_nested_deeper_than_rows_stay_as_they_are(session, signed_in, ada, mara):
    deep = {"all": [{"any": [GIRONA, {"field": "city", "op": "equals", "value": "Vic"}]}, {"not": GIRONA}]}
    rule = _rule_for(session, ada, {"type": "internal_role", "id": "sales"}, criteria=deep)
    browser, path = signed_in(mara), f"{RULES}/{rule.ref}/edit"
    page = browser.get(path).text
    assert "nested deeper" in page
    kept = re.search(r'name="e0-kept" value="([^"]+)"', page)
    assert kept
    form = _form(name="Deep", **{"e0-kept": kept[1].replace("&#34;", '"'), "e0-rows": "0"})
    assert browser.submit(path, form).status_code == 303
    session.refresh(rule)
    assert (rule.name, rule.criteria) == ("Deep", deep)


def test_deleting_a_rule_says_how_many_records_whom_it_takes_away(session, signed_in, ada, mara, sal):
    for _ in range(2):
        make_lead(session, owner=mara, city="Girona")
    rule = _rule_for(session, ada, {"type": "internal_role", "id": "sales"})
    browser, path = signed_in(mara), f"{RULES}/{rule.ref}/delete"
    assert "It gives no record now" in browser.get(path).text
    settle_all(session)
    session.commit()
    assert "2 of the leads are given to Sales through this rule" in browser.get(path).text
    assert browser.submit(path).status_code == 303
    assert browser.get(f"{RULES}/{rule.ref}").status_code == 404
    assert "There are no sharing rules yet" in browser.get(RULES).text


def test_the_list_takes_as_many_statements_for_three_rules_as_for_thirty(
    session, signed_in, ada, mara, count_queries
):
    browser, counts = signed_in(mara), []
    for size in (3, 27):
        for n in range(size):
            _rule_for(session, ada, {"type": "internal_role", "id": "sales"}, name=f"Rule {size} {n}")
        settle_all(session)
        session.commit()
        browser.get(RULES)
        with count_queries() as queries:
            assert browser.get(RULES).text.count("row-link") >= size
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12, queries
