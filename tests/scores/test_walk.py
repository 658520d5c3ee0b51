"""Leads go a long way at random: moves, reasons and scores stay what the rules say, whatever is done and however it comes."""

from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select

from app.activities.operations import log_activity
from app.events.models import Event
from app.intake.models import ImportIssue
from app.kernel import clock
from app.kernel.errors import Invalid
from app.leads.models import Lead, LeadStatus, UnqualifiedReason
from app.leads.operations import edit_lead
from app.leads.steps import set_moves, set_process
from app.scores.upkeep import settle_scores
from app.scores.verify import Report, differences
from tests.factories import actor_of, make_lead, rows
from tests.intake.importing import take
from tests.scores.test_scores import BIG, SPAIN, in_force, rule, rules

MOVES = {"new": ["working"], "working": ["qualified", "unqualified"], "unqualified": ["working"]}
REQUIRED = ("last_name", "company", "phone")


def by_hand(lead: Lead, day) -> int:
    """The score of the rules below, reckoned in plain sight."""
    score = 40 if lead.country == "ES" else 0
    score += 30 if (lead.employees or 0) >= 100 else 0
    score -= 5 if lead.budget else 0
    if lead.last_activity_at is not None:
        score += 16 // 2 ** max(0, (day - lead.last_activity_at.date()).days // 10)
    return max(0, score)


def test_whatever_is_done_moves_reasons_and_scores_are_what_the_rules_say(session, ada, sal):
    chance, now, seller = Random(7), clock.now(), actor_of(session, sal)
    set_moves(session, actor_of(session, ada), MOVES, now=now)
    set_process(session, actor_of(session, ada), required=["phone"], definition={}, now=now)
    lines = [
        rule("Spain", 40, SPAIN), rule("Large", 30, BIG), rule("Active", 16, decay={"field": "last_activity_at", "days": 10}),
        rule("Asked", -5, {"field": "budget", "op": "is_not_empty"}),
    ]  # fmt: skip
    in_force(session, actor_of(session, ada), rules(*lines), now)
    statuses = {status.id: status for status in session.scalars(select(LeadStatus))}
    ids = {status.key: status.id for status in statuses.values()}
    reason = session.scalars(select(UnqualifiedReason.id)).first()
    leads = [make_lead(session, owner=sal, country="FR") for _ in range(3)]
    refused = 0
    for _step in range(60):
        lead, day = chance.choice(leads), now.date()
        before, handed = statuses[lead.status_id].key, lead.marketing_qualified_at
        act = chance.choice(("status", "status", "field", "call"))
        wanted = chance.choice(("new", "working", "qualified", "unqualified"))
        values = {"status": ids[wanted]} | ({"unqualified_reason": reason} if chance.random() < 0.5 else {})
        if act == "field":
            name = chance.choice(("country", "employees", "budget", "phone"))
            choices = {
                "country": ("ES", "FR", None),
                "employees": (5, 500, None),
                "budget": ("Yes", None),
                "phone": ("1", None),
            }
            values = {name: chance.choice(choices[name])}
        try:
            with session.begin_nested():
                if act == "call":
                    ago = timedelta(days=chance.randrange(0, 40))
                    log_activity(session, seller, lead, kind="call", subject="Called", at=now - ago, now=now)
                else:
                    edit_lead(session, seller, lead.ref, values, now=now)
        except Invalid:
            refused += 1
            session.refresh(lead)
        settle_scores(session, now=now)
        after = statuses[lead.status_id]
        assert after.key == before or after.key in MOVES.get(before, ids)
        assert lead.is_open is (after.key != "unqualified")
        assert (lead.unqualified_reason_id is not None) is (after.key == "unqualified")
        if after.key == "qualified" != before:
            assert all(getattr(lead, name) for name in REQUIRED)
        assert lead.score == by_hand(lead, day)
        assert handed is None or lead.marketing_qualified_at == handed, "once, for good"
        if lead.score >= 60 and lead.is_open:
            assert lead.marketing_qualified_at is not None
    assert 5 < refused < 40
    assert list(differences(session, now.date(), Report())) == []
    told = rows(session, Event, Event.verb == "marketing_qualified")
    assert len(told) == len({event.record_id for event in told})


@pytest.mark.databases("sqlite")
def test_imports_keep_to_moves_reasons_and_computed_scores(app, session, ada):
    now, actor = clock.now(), actor_of(session, ada)
    set_moves(session, actor, MOVES, now=now)
    set_process(session, actor, required=["phone"], definition={}, now=now)
    in_force(session, actor, rules(rule("Spain", 40, SPAIN)), now)
    session.commit()
    take(
        session,
        "External id,Last name,Company,Country,Score\nx1,Puig,Acme,Spain,99\nx2,Roca,Nord,France,99\n",
    )
    lead, other = rows(session, Lead)
    assert (lead.score, other.score) == (40, 0)
    assert [str(issue.reason) for issue in rows(session, ImportIssue)] == [
        "The score was left out: it is computed."
    ] * 2
    take(session, "External id,Last name,Status\nx1,Puig,qualified\n")
    take(session, "External id,Last name,Status\nx1,Puig,working\n")
    take(session, "External id,Last name,Status\nx1,Puig,qualified\nx2,Roca,unqualified\n")
    take(session, "External id,Last name,Status,Reason not to qualify\nx1,Puig,unqualified,No budget\n")
    session.expire_all()
    said = [str(issue.reason) for issue in rows(session, ImportIssue)][2:]
    assert said == [
        "From “New” it goes to: Working.",
        "To be qualified it needs: Phone.",
        "From “New” it goes to: Working.",
    ]
    status = {status.id: status.key for status in session.scalars(select(LeadStatus))}
    kept = [status[lead.status_id] for lead in rows(session, Lead)]
    assert kept == ["unqualified", "new"]
