"""The pages of queues, round robins, assignment rules and alerts, as people use them without JavaScript."""

import re

import pytest

from app.leads.models import Lead
from app.routing.models import (
    Queue,
    QueueMember,
    RoundRobin,
    RoundRobinMember,
    RoutingAlert,
    RuleSet,
    RuleState,
)
from app.routing.rule_operations import create_rules
from tests.factories import (
    actor_of,
    get_default_queue,
    make_lead,
    make_queue,
    make_round_robin,
    row_count,
    rows,
)
from tests.people import is_told
from tests.routing.routing_worlds import account_ref, activate, arrive, target

# Queues


def test_the_list_of_queues(session, signed_in, mara, sal, northwind):
    queue = make_queue(session, "Key accounts", members=(mara, sal))
    for _ in range(3):
        make_lead(session, queue=queue)
    page = signed_in(mara).get("/queues").text
    assert "Key accounts" in page
    assert "Northwind partner queue" not in page
    row = page.partition(f'id="{queue.ref}"')[2].partition("</tr>")[0]
    assert re.findall(r">(\d+)<", row) == ["3", "2"]
    assert "You may claim" in row
    assert "Northwind partner queue" in signed_in(mara).get("/queues?of=partners").text


def test_the_list_of_queues_pages_by_name_and_takes_as_many_statements_for_three_as_for_thirty(
    session, signed_in, mara, count_queries
):
    browser = signed_in(mara)
    counts = []
    for size in (3, 60):
        for n in range(size):
            make_queue(session, f"Queue {size} {n:02}")
        with count_queries() as queries:
            page = browser.get("/queues").text
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12
    older = re.search(r'href="([^"]+)" rel="next"', page)
    assert older
    second = browser.get(older[1].replace("&amp;", "&")).text
    first_names, second_names = (set(re.findall(r"Queue \d+ \d+", text)) for text in (page, second))
    assert len(first_names | second_names) == 63
    assert not first_names & second_names
    assert browser.get("/queues?q=queue 60 0").text.count("row-link") == 10


def test_a_queue_shows_what_waits_first_in_first(session, signed_in, mara):
    queue = make_queue(session, members=(mara,))
    leads = [make_lead(session, queue=queue, company=f"Company {n}") for n in range(3)]
    leads[2].waiting_since = leads[0].waiting_since.replace(year=2020)
    page = signed_in(mara).get(f"/queues/{queue.ref}").text
    assert re.findall(r"Company \d", page)[:1] == ["Company 2"]
    assert f'data-ref="{queue.ref}"' in page


def test_a_member_claims_and_takes_the_next(session, signed_in, sal):
    queue = make_queue(session, members=(sal,))
    leads = [make_lead(session, queue=queue) for _ in range(2)]
    browser, path = signed_in(sal), f"/queues/{queue.ref}"
    assert browser.submit(f"{path}/claim-next", page=path).location == f"/leads/{leads[0].ref}"
    assert browser.submit(f"{path}/claim/{leads[1].ref}", page=path).location == f"/leads/{leads[1].ref}"
    assert (
        "Nothing is waiting here just now."
        in browser.submit(f"{path}/claim-next", page=path, follow_redirects=True).text
    )
    sal.capacity = 2
    make_lead(session, queue=queue)
    assert browser.submit(f"{path}/claim-next", page=path).status_code == 409


def test_those_who_are_no_members_assign_instead_of_claiming(session, signed_in, mara, sal):
    queue = make_queue(session, members=(sal,))
    lead = make_lead(session, queue=queue)
    browser = signed_in(mara)
    page = browser.get(f"/queues/{queue.ref}").text
    assert f"/leads/{lead.ref}/owner" in page
    assert "Take the next one" not in page
    assert browser.submit(f"/queues/{queue.ref}/claim/{lead.ref}", page="/profile").status_code == 403


def test_a_queue_from_making_to_deleting(session, signed_in, mara, sal, northwind):
    browser = signed_in(mara)
    made = browser.submit("/queues", {"name": "Fair", "accept_within_minutes": "60"}, page="/queues/new")
    path = made.location
    queue = rows(session, Queue, Queue.name == "Fair")[0]
    assert "Nobody can take what waits here" in browser.get(path).text
    browser.submit(f"{path}/members", {"principal": f"user:{sal.ref}"}, page=path)
    account = f"partner_account:{account_ref(session, northwind)}"
    browser.submit(f"{path}/members", {"principal": account, "role": "manager"}, page=path)
    members = rows(session, QueueMember, QueueMember.queue_id == queue.id)
    assert [(m.user_id, m.minimum_rank) for m in members] == [(sal.id, 0), (None, 1)]
    assert browser.submit(f"{path}/members", {"principal": "user:user_none"}, page=path).status_code == 422
    browser.submit(f"{path}/members/{members[0].ref}/remove", page=path)
    assert row_count(session, QueueMember, QueueMember.queue_id == queue.id) == 1
    stale = {"name": "Trade fair", "accept_within_minutes": "", "version": "1"}
    assert browser.submit(f"{path}/edit", stale).status_code == 409
    assert browser.submit(f"{path}/edit", {**stale, "name": ""}).status_code == 422
    assert browser.submit(f"{path}/edit", {**stale, "version": ""}).status_code == 303
    assert "Nothing waits in it" in browser.get(f"{path}/delete").text
    assert browser.submit(f"{path}/delete", page=f"{path}/delete").location == "/queues"
    assert browser.get(path).status_code == 404


def test_a_queue_in_use_says_so_before_it_is_deleted(session, signed_in, mara, sal):
    queue = make_queue(session, members=(sal,))
    make_lead(session, queue=queue)
    browser = signed_in(mara)
    assert "1 waits in it" in browser.get(f"/queues/{queue.ref}/delete").text
    assert browser.submit(f"/queues/{queue.ref}/delete", page=f"/queues/{queue.ref}").status_code == 409


@pytest.mark.parametrize(
    "path",
    ["/queues", "/queues/new", "/setup/round-robins", "/setup/assignment-rules", "/setup/routing-alerts"],
)
def test_partners_have_no_business_there(session, signed_in, pam, path):
    assert signed_in(pam).get(path).status_code == 403


def test_viewers_look_at_queues_and_nothing_more(session, signed_in, vic):
    queue = get_default_queue(session)
    browser = signed_in(vic)
    page = browser.get(f"/queues/{queue.ref}").text
    assert "Add member" not in page
    assert browser.get(f"/queues/{queue.ref}/edit").status_code == 403
    assert browser.submit(f"/queues/{queue.ref}/claim-next", page="/profile").status_code == 403


# Round robins


def test_a_round_robin_from_making_to_deleting(session, signed_in, mara, pia, otto):
    browser = signed_in(mara)
    made = browser.submit("/setup/round-robins", {"name": "Catalan partners"}, page="/setup/round-robins/new")
    path = made.location
    for user, weight in ((pia, "2"), (otto, "1")):
        browser.submit(f"{path}/members", {"principal": f"user:{user.ref}", "weight": weight}, page=path)
    page = browser.get(path).text
    assert re.search(r"Next turn</dt><dd><b>Pia</b>", page)
    members = rows(session, RoundRobinMember)
    assert [(m.user_id, m.weight) for m in members] == [(pia.id, 2), (otto.id, 1)]
    again = browser.submit(f"{path}/members", {"principal": f"user:{pia.ref}", "weight": "1"}, page=path)
    assert again.status_code == 422
    assert "Pia is a member already." in again.text
    weights = f"{path}/members/{members[1].ref}/weight"
    assert browser.submit(weights, {"weight": "0"}, page=path).status_code == 422
    assert browser.submit(weights, {"weight": "5"}, page=path).status_code == 303
    assert browser.submit(f"{path}/edit", {"name": "Catalans", "version": ""}).status_code == 303
    browser.submit(f"{path}/members/{members[0].ref}/remove", page=path)
    page = browser.get(path).text
    assert "Catalans" in page
    assert not is_told("Pia", page.partition("<tbody>")[2].partition("</tbody>")[0])
    assert browser.submit(f"{path}/delete", page=path).location == "/setup/round-robins"
    assert rows(session, RoundRobin)[0].deleted_at is not None


def test_the_table_shows_turns_shares_and_who_is_passed_over(session, signed_in, mara, pia, otto, now):
    group = make_round_robin(session, "Partners", members=((pia, 2), otto))
    activate(session, actor_of(session, mara), {"target": target(group)}, now=now)
    for _ in range(4):
        arrive(session, actor_of(session, mara), now=now)
    pia.capacity = 0
    arrive(session, actor_of(session, mara), now=now, company="Forges del Ter")
    page = signed_in(mara).get(f"/setup/round-robins/{group.ref}").text
    assert "at capacity, 3 of 0" in page
    assert "1 turn passed over" in page
    assert "Forges del Ter" in page
    assert "Used by a rule" in signed_in(mara).get("/setup/round-robins").text


# Rules


def field(i, **values):
    """One entry of the editor's form."""
    base = {"name": "", "join": "all", "rows": "1", "c0-field": "", "c0-op": "equals", "c0-value": "", "target": "",
            "fallback": "", "minutes": "", "notify": "1"}  # fmt: skip
    return {f"e{i}-{key.replace('__', '-')}": value for key, value in {**base, **values}.items()}


def test_rules_are_written_without_javascript(session, signed_in, mara, sal, now):
    queue = make_queue(session, "Key accounts", members=(sal,))
    browser = signed_in(mara)
    page = browser.get("/setup/assignment-rules/new").text
    assert 'name="e0-c0-field"' in page
    form = {
        "name": "Spring", "entries": "1",
        **field(0, c0__field="country", c0__op="in", c0__value="Spain; France", target=f"queue:{queue.ref}"),
    }  # fmt: skip
    two = browser.submit(
        "/setup/assignment-rules", {**form, "act": "condition-0"}, page="/setup/assignment-rules/new"
    )
    assert two.status_code == 200
    assert 'id="e0-c1-field" name="e0-c1-field" data-focus' in two.text
    assert "#e0-c1-field" in page, "where the button leads, with and without a script"
    assert two.text.count("data-focus") == 1, "what is typed next, and nothing else"
    assert 'value="Spain; France"' in two.text
    assert row_count(session, RuleSet) == 0
    saved = browser.submit(
        "/setup/assignment-rules", {**form, "act": "save"}, page="/setup/assignment-rules/new"
    )
    rules = rows(session, RuleSet)[0]
    assert saved.location == f"/setup/assignment-rules/{rules.ref}"
    shown = browser.get(saved.location).text
    assert "When Country is one of Spain, France" in shown
    assert "Key accounts" in shown
    assert "This is a draft" in shown


def test_entries_move_up_and_down_and_go(session, signed_in, mara):
    browser = signed_in(mara)
    form = {"name": "R", "entries": "2", **field(0, name="First"), **field(1, name="Second")}

    def press(act):
        text = browser.submit(
            "/setup/assignment-rules", {**form, "act": act}, page="/setup/assignment-rules/new"
        ).text
        return re.findall(r'name="e\d+-name" value="([^"]*)"', text)

    assert press("down-0") == ["Second", "First"]
    assert press("up-1") == ["Second", "First"]
    assert press("remove-0") == ["Second"]
    assert press("add") == ["First", "Second", ""]
    assert press("up-7") == press("nonsense") == press("clear-0-x") == ["First", "Second"]


def test_what_is_wrong_stands_beside_its_rule_with_everything_typed(session, signed_in, mara):
    form = {
        "name": "", "entries": "2",
        **field(0, c0__field="country", c0__value="Atlantis", target="queue:queue_none", name="Lost continent"),
        **field(1, c0__field="employees", c0__value="many", minutes="0"),
    }  # fmt: skip
    answer = signed_in(mara).submit(
        "/setup/assignment-rules", {**form, "act": "save"}, page="/setup/assignment-rules/new"
    )
    assert answer.status_code == 422
    assert "Condition 1: This is not the code or name of a country." in answer.text
    assert "Condition 1: This must be a number" in answer.text
    assert 'value="Lost continent"' in answer.text
    assert 'value="Atlantis"' in answer.text
    fixed = {**form, "e0-c0-value": "Spain", "e1-c0-value": "50"}
    answer = signed_in(mara).submit(
        "/setup/assignment-rules", {**fixed, "act": "save"}, page="/setup/assignment-rules/new"
    )
    assert answer.status_code == 422
    assert "Choose a user, queue, round robin or partner account that exists." in answer.text
    assert "Give it a name." in answer.text


def test_editing_what_is_in_force_makes_a_new_version(session, signed_in, mara, sal, now):
    criteria = {
        "all": [
            {"not": {"field": "country", "op": "equals", "value": "ES"}},
            {"field": "score", "op": "gt", "value": 5},
        ]
    }
    rules = activate(session, actor_of(session, mara), {"criteria": criteria, "target": target(sal)}, now=now)
    browser = signed_in(mara)
    page = browser.get(f"/setup/assignment-rules/{rules.ref}/edit").text
    assert "They stay as they are." in page
    kept = re.search(r'name="e0-kept" value="([^"]+)"', page)[1].replace("&#34;", '"')
    form = {
        "name": "Next",
        "version": "2",
        "entries": "1",
        **field(0, kept=kept, rows="0", target=f"user:{sal.ref}"),
    }
    browser.submit(f"/setup/assignment-rules/{rules.ref}/edit", {**form, "act": "save"})
    versions = rows(session, RuleSet)
    assert [(v.number, v.state) for v in versions] == [(1, RuleState.ACTIVE), (2, RuleState.DRAFT)]
    from app.routing.models import RuleEntry

    first, second = rows(session, RuleEntry)
    assert first.criteria == second.criteria


def test_a_version_is_tried_activated_and_put_out_of_force(session, signed_in, mara, sal, now):
    actor = actor_of(session, mara)
    lead, _assignment = arrive(session, actor, now=now, company="Forges del Ter")
    draft = create_rules(session, actor, name="D", entries=[{"target": target(sal)}], now=now)
    browser, path = signed_in(mara), f"/setup/assignment-rules/{draft.ref}"
    tried = browser.get(f"{path}/try").text
    assert "Forges del Ter" in tried
    assert "1 then, 0 by this version" in tried
    assert "No rules are in force now: it is compared with where the leads went" in tried
    assert browser.get(f"{path}/try?from=nonsense&to=9999-99-99&limit=-5").status_code == 200
    assert "No rules are in force now" in browser.get(f"{path}/activate").text
    assert browser.submit(f"{path}/activate").location == "/setup/assignment-rules"
    index = browser.get("/setup/assignment-rules").text
    assert "Edit as version 2" in index
    assert browser.submit(f"{path}/delete", page=path, follow_redirects=True).status_code == 200
    browser.submit(f"{path}/deactivate", page="/setup/assignment-rules")
    session.expire_all()
    assert rows(session, RuleSet)[0].state is RuleState.RETIRED
    assert session.get_one(Lead, lead.id).owner_queue_id == get_default_queue(session).id


def test_a_rule_that_can_never_match_is_warned_about(session, signed_in, mara, sal, now):
    spain = {"field": "country", "op": "equals", "value": "ES"}
    entries = [{"target": target(sal), "criteria": spain}, {"target": target(mara), "criteria": {"all": [spain, {"field": "score", "op": "gt", "value": 9}]}}]  # fmt: skip
    rules = create_rules(session, actor_of(session, mara), name="D", entries=entries, now=now)
    page = signed_in(mara).get(f"/setup/assignment-rules/{rules.ref}").text
    assert "It can never match: rule 1 takes everything it would." in page


def test_alerts_are_put_aside(session, signed_in, mara, pia, now):
    pia.capacity = 0
    activate(session, actor_of(session, mara), {"target": target(pia)}, now=now)
    arrive(session, actor_of(session, mara), now=now)
    browser = signed_in(mara)
    assert "Rule 1 could not give to Pia: at capacity, 0 of 0." in browser.get("/setup/routing-alerts").text
    alert = rows(session, RoutingAlert)[0]
    browser.submit(f"/setup/routing-alerts/{alert.id}/resolve", page="/setup/routing-alerts")
    session.expire_all()
    assert rows(session, RoutingAlert)[0].resolved_by_id == mara.id


@pytest.mark.parametrize("language", ["es", "ca"])
def test_pages_render_in_every_language(session, signed_in, mara, pia, otto, sal, now, language):
    mara.language = language
    group = make_round_robin(session, "G", members=(pia, otto))
    rules = activate(session, actor_of(session, mara), {"target": target(group)}, now=now)
    lead, _assignment = arrive(session, actor_of(session, mara), now=now)
    browser = signed_in(mara)
    for path in (
        "/queues", f"/queues/{get_default_queue(session).ref}", "/queues/new", "/setup/round-robins",
        f"/setup/round-robins/{group.ref}", "/setup/assignment-rules", f"/setup/assignment-rules/{rules.ref}",
        f"/setup/assignment-rules/{rules.ref}/edit", f"/setup/assignment-rules/{rules.ref}/try",
        f"/setup/assignment-rules/{rules.ref}/activate", "/setup/routing-alerts", f"/leads/{lead.ref}/owner",
    ):  # fmt: skip
        assert browser.get(path).status_code == 200, path
