"""Setup > Sharing rules: written, told with their numbers, changed and deleted without JavaScript."""

import re

import pytest
from sqlalchemy import select

from app.kernel import clock
from app.partners.models import PartnerLevel
from app.sharing.groups import add_group_member, create_group
from app.sharing.models import SharingRule
from tests.factories import actor_of, make_lead, row_count
from tests.sharing.pages import GIRONA, page_words, rule_for
from tests.sharing.shared_worlds import settle_all

RULES = "/setup/sharing-rules"

pytestmark = pytest.mark.usefixtures("at_once")


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
    assert "Records it gives now 1" in page_words(browser.get(saved.location))


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
    rule = rule_for(session, ada, {"type": "internal_role", "id": "viewer"}, kind="owner", criteria=None,
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
    rule = rule_for(session, ada, {"type": "internal_role", "id": "sales"}, criteria=deep)
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
    rule = rule_for(session, ada, {"type": "internal_role", "id": "sales"})
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
            rule_for(session, ada, {"type": "internal_role", "id": "sales"}, name=f"Rule {size} {n}")
        settle_all(session)
        session.commit()
        browser.get(RULES)
        with count_queries() as queries:
            assert browser.get(RULES).text.count("row-link") >= size
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12, queries
