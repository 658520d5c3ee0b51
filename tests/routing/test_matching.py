"""Members of a round robin who take turns for some leads alone: passed over with the reason, fair among those who match."""

from fractions import Fraction
from random import Random

import pytest

from app.fields.kinds import PREFIX
from app.kernel.errors import Invalid
from app.leads.models import Assignment
from app.partners.models import PartnerAccount, PartnerLevel
from app.routing.matching import LeadFacts, facts_of, match_of, read_match
from app.routing.models import RoundRobin, RoundRobinMember, Turn
from app.routing.operations import Wish, assign_lead, bulk_assign, decline_offer, find_target
from app.routing.round_robins import set_match
from app.routing.rule_trial import try_rules
from app.routing.trace import explain
from tests.factories import (
    actor_of,
    make_lead,
    make_partner,
    make_queue,
    make_round_robin,
    make_user,
    row_count,
    rows,
)
from tests.routing.routing_worlds import activate, arrive, assert_sound, target


@pytest.mark.parametrize(
    ("given", "lead", "missed"),
    [
        ({"countries": ["Spain", "PT"]}, {"country": "ES"}, None),
        ({"countries": ["Spain", "PT"]}, {"country": "FR"}, "country"),
        ({"countries": ["ES"]}, {}, "country"),
        ({"languages": ["català"]}, {"country": "ES"}, None),
        ({"languages": ["French"]}, {"country": "ES"}, "language"),
        ({"languages": ["de"]}, {"country": "ES", "custom": {f"{PREFIX}language": "Alemán"}}, None),
        ({"languages": ["es"]}, {"country": "ES", "custom": {f"{PREFIX}language": "German"}}, "language"),
        ({"products": ["PÚMPS", "valves"]}, {"product_interest": "Industrial pumps"}, None),
        ({"products": ["valves"]}, {"product_interest": "Industrial pumps"}, "product"),
        ({"levels": ["Gold"]}, {}, "level"),
        ({"countries": ["ES"], "products": ["pumps"]}, {"country": "ES"}, "product"),
    ],
)
def test_each_part_of_a_match_must_hold_by_any_of_its_values(given, lead, missed):
    match = match_of(read_match(given, {"gold": "lvl_1", "lvl_1": "lvl_1"}))
    assert match.misses(facts_of(lead.get), "lvl_2") == missed
    assert match_of(read_match({}, {})) is None
    for wrong in (
        {"countries": ["Nowhere"]},
        {"colour": ["red"]},
        {"levels": ["Tin"]},
        {"products": "x"},
        [1],
    ):
        with pytest.raises(Invalid):
            read_match(wrong, {})


@pytest.fixture
def crew(session, mara):
    partners = [make_partner(session, f"Company {n}", owner=mara) for n in range(5)]
    return [make_user(session, f"Seller {n}", partner=partner) for n, partner in enumerate(partners)]


def take_for(session, ada, group, crew, *matches, now):
    for user, match in zip(crew, matches, strict=False):
        [member] = rows(
            session, RoundRobinMember, RoundRobinMember.user_id == user.id,
            RoundRobinMember.round_robin_id == group.id,
        )  # fmt: skip
        set_match(session, ada, group.ref, member.ref, match, now=now)


def test_the_story_of_a_round_robin_by_country(session, ada, mara, crew, now):
    """Rules, by hand and in bulk, a decline, nobody matching, the trial: all of them ask the match."""
    actor = actor_of(session, ada)
    rest, other = make_queue(session, "Rest", members=(mara,)), make_queue(session, "Other", members=(mara,))
    group = make_round_robin(session, "By country", members=tuple(crew[:4]), fallback_queue_id=rest.id)
    gold = rows(session, PartnerLevel, PartnerLevel.name == "Gold")[0]
    rows(session, PartnerAccount, PartnerAccount.account_id == crew[3].partner_account_id)[
        0
    ].level_id = gold.id
    iberia, france = {"countries": ["ES", "PT"]}, {"countries": ["FR"]}
    take_for(
        session,
        actor,
        group,
        crew,
        iberia,
        france,
        iberia,
        {"countries": ["DE"], "levels": ["gold"]},
        now=now,
    )
    rules = activate(session, actor, {"target": target(group), "fallback_queue_id": other.ref}, now=now)
    took = [arrive(session, actor, now=now, country=country)[0] for country in ("ES", "PT", "FR", "ES", "DE")]
    owners = [lead.owner_user_id for lead in took]
    assert sorted(owners[i] for i in (0, 1)) == sorted((crew[0].id, crew[2].id)), "one each"
    assert owners[2] == crew[1].id
    assert owners[4] == crew[3].id
    lead, assignment = arrive(session, actor, now=now, country="IT")
    assert lead.owner_queue_id == rest.id
    assert any(
        "Seller 0 (does not match: country)" in line
        for line in explain(assignment.trace, lambda _number, _position: None)
    )
    trial = try_rules(session, actor, rules, now=now)
    assert {(row.target.name, row.differs) for row in trial.rows} == {("By country", False), ("Rest", False)}

    by_hand = Wish(find_target(session, actor, "round_robin", group.ref))
    french = make_lead(session, owner=mara, country="FR")
    assign_lead(session, actor, french.ref, by_hand, now=now)
    assert french.owner_user_id == crew[1].id
    many = [make_lead(session, owner=mara, country="ES") for _ in range(4)]
    bulk_assign(session, actor, [each.ref for each in many], by_hand, now=now)
    session.expire_all()
    assert sorted(each.owner_user_id for each in many) == sorted([crew[0].id, crew[2].id] * 2)
    first = session.get_one(type(took[0]), took[0].id)
    second = {crew[0].id: crew[2], crew[2].id: crew[0]}[first.owner_user_id]
    owner = next(user for user in crew if user.id == first.owner_user_id)
    decline_offer(session, actor_of(session, owner), first.ref, reason="no_capacity", now=now)
    assert first.owner_user_id == second.id, "to the next who matches"
    decline_offer(session, actor_of(session, second), first.ref, reason="no_capacity", now=now)
    assert first.owner_queue_id == rest.id, "nobody left who matches"
    assert_sound(session)
    assert row_count(session, Assignment, Assignment.turn_id.is_not(None)) == row_count(
        session, Turn, Turn.member_id.is_not(None)
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_turns_are_fair_among_those_who_match(session, ada, crew, now, seed):
    """An oracle of fractions: who matches accrues weight ÷ their total, nobody else; groups apart stay within one."""
    random, actor = Random(seed), actor_of(session, ada)
    weights = [random.choice((1, 1, 2, 3)) for _ in crew]
    group = make_round_robin(session, members=tuple(zip(crew, weights, strict=True)))
    places = [["ES"], ["ES"], ["FR"], ["FR"], ["ES", "FR"] if seed == 2 else ["DE"]]
    take_for(session, actor, group, crew, *[{"countries": place} for place in places], now=now)
    from app.routing.turns import Turns

    turns = Turns.open(session, [group.id], now=now)
    due, got = [Fraction(0)] * 5, [0] * 5
    for _ in range(120):
        country = random.choice(("ES", "FR", "DE"))
        able = [n for n in range(5) if country in places[n]]
        taken = turns.take(group.id, facts=LeadFacts(country))
        if not able:
            assert taken.candidate is None
            continue
        receiver = [user.id for user in crew].index(taken.candidate.id)
        assert receiver in able
        total = sum(weights[n] for n in able)
        for n in able:
            due[n] += Fraction(weights[n], total)
        got[receiver] += 1
        passed = {line[1]: line[2:] for line in taken.step["passed"]}
        assert passed == {f"Seller {n}": ["no_match", {"what": "country"}] for n in range(5) if n not in able}
        if seed == 1:
            assert all(abs(got[n] - due[n]) < 1 for n in range(5))
    turns.write(session)
    state = session.get_one(RoundRobin, group.id)
    session.refresh(state)
    from app.routing.turn_ledger import RotaState, ledger_rows

    found = ledger_rows(RotaState.from_json(state.state))
    assert [row.count for row in found] == got
    assert [round(row.share, 6) for row in found] == [round(float(share), 6) for share in due]
    assert all(abs(got[n] - due[n]) < 2 for n in range(5))


def test_a_match_is_set_by_programs_and_on_its_page(api, signed_in, session, ada, mara, pia, northwind):
    queue = make_queue(session, "Q", members=(mara,))
    program, boss = api(ada), {"type": "user", "id": pia.ref}
    made = program.post(
        "/round-robins",
        json={"name": "RR", "members": [{"principal": boss, "match": {"countries": ["Spain"]}}]},
    )
    assert made.status_code == 201
    [member] = made.json["members"]
    assert member["match"] == {"countries": ["ES"], "languages": [], "products": [], "levels": []}
    path = f"/round-robins/{made.json['id']}/members"
    wrong = program.post(
        path, json={"principal": {"type": "queue", "id": queue.ref}, "match": {"levels": ["x"]}}
    )
    assert wrong.status_code == 422
    changed = program.patch(
        f"{path}/{member['id']}", json={"match": {"languages": ["Catalan"], "products": ["A"]}}
    )
    assert (changed.json["match"]["languages"], changed.json["weight"]) == (["ca"], 1)
    assert program.patch(f"{path}/{member['id']}", json={"match": None}).json["match"] is None
    assert program.patch(f"{path}/{member['id']}", json={}).status_code == 422
    page = f"/setup/round-robins/{made.json['id']}/members/{member['id']}/match"
    browser = signed_in(ada)
    bad = browser.submit(page, {"countries": "Spain, Atlantis", "languages": "Elvish"}, page=page)
    assert bad.status_code == 422
    told = bad.get_data(as_text=True)
    assert 'href="#countries"' in told
    assert "“Atlantis” is not known" in told
    assert 'href="#languages"' in told
    assert "“Elvish” is not known" in told
    taken = f'value="{member["principal"]["type"]}:{member["principal"]["id"]}"'
    assert taken not in browser.get(f"/setup/round-robins/{made.json['id']}").get_data(as_text=True)
    assert browser.submit(page, {"countries": "Spain, fr", "products": "Pumps"}, page=page).status_code == 303
    seen = browser.get(f"/setup/round-robins/{made.json['id']}").get_data(as_text=True)
    assert "Country: Spain, France" in seen
    assert "Product: Pumps" in seen
    assert 'value="Spain, France"' in browser.get(page).get_data(as_text=True)
