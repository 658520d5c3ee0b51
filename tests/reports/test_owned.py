"""What is counted for a partner's people from counts is what is there, lead by lead, whoever owns, offers, or shares it."""

import random

import pytest
from sqlalchemy import delete

from app.leads.models import Lead, Offer, OfferState
from app.opportunities.models import StageCategory
from app.reports.asked import Asked
from app.reports.counting import count_changes
from app.reports.models import OF_OWNER, ReportChange
from app.reports.owned import find_owned
from app.reports.reading import count_cells
from app.reports.telling import Wanted
from app.sharing.shares import share_record
from tests.factories import actor_of, make_lead, make_opportunity, make_queue, make_source, row_count, rows

ASKED = (
    {},
    {"first": 202602, "last": 202604},
    {"given": {"country": ["ES"]}},
    {"given": {"owner": ["me"], "product_interest": ["solar"]}},
)


def build(session, chance, ada, people, now):
    """Leads of all kinds, offered ones, shared ones, and won ones whose opportunities some of these people see."""
    sources = [None, make_source(session, "Fair").id, make_source(session, "Web").id]
    queue = make_queue(session, "Sorting", members=(people[0],))
    leads = []
    for number in range(90):
        owner = chance.choice([None, *people])
        taken = {"taken_at": now} if chance.random() < 0.6 else {}
        lead = make_lead(
            session,
            **({"queue": queue} if owner is None else {"owner": owner}),
            source_id=chance.choice(sources),
            country=chance.choice(["ES", "FR", None]),
            product_interest=chance.choice(["Solar", "SOLAR", None]),
            arrived_at=now.replace(year=2026, month=chance.randrange(1, 6), day=7),
            touched_at=now if taken and chance.random() < 0.5 else None,
            marketing_qualified_at=now if number % 9 == 0 else None,
            **taken,
        )
        leads.append(lead)
    for number, lead in enumerate(chance.sample(leads, 40)):
        to = {"type": "user", "id": chance.choice(people[:4]).ref}
        share_record(session, actor_of(session, ada), lead, to, "read" if number % 2 else "edit", now=now)
    for lead in leads[::3]:
        if lead.owner_user_id is not None:
            lead.converted_at, lead.is_open = now, False
            deal = make_opportunity(session, source_lead_id=lead.id, owner=chance.choice(people))
            deal.category = chance.choice([StageCategory.WON, StageCategory.WON, StageCategory.OPEN])
    session.flush()
    return leads


def offer(session, lead, person, now):
    """That it is offered to them, so that they see its preview."""
    made = Offer(
        lead_id=lead.id, user_id=person.id, company_id=person.partner_account_id, made_at=now, expires_at=now,
        state=OfferState.PENDING,
    )  # fmt: skip
    session.add(made)
    session.flush()
    lead.offer_id, lead.taken_at, lead.touched_at = made.id, None, None


def cells(session, actor, monkeypatch, *, is_kept):
    """What is counted in each way, without what is empty."""
    monkeypatch.setattr("app.reports.owned.MANY", -1 if is_kept else 1_000)
    assert (find_owned(session, actor) is not None) is is_kept
    found = {}
    for place, asked in enumerate(ASKED):
        for by in ("", *OF_OWNER) if not asked else ("month", "owner"):
            counted = count_cells(session, actor, Asked("UTC", **asked), Wanted(by))
            found[place, by] = {key: each for key, each in counted.items() if any(each)}
    return found


def test_what_partners_people_are_told_from_counts_is_what_is_there(
    session, app, ada, mara, pia, pam, pex, otto, now, monkeypatch
):
    chance, people = random.Random(1), [pia, pam, pex, otto, mara]
    leads = build(session, chance, ada, people, now)
    by_key = {user.id: user for user in people}
    for lead in chance.sample([each for each in leads if each.owner_user_id not in (None, mara.id)], 9):
        offer(session, lead, by_key[lead.owner_user_id], now)
    session.flush()
    while count_changes(session):
        pass

    def compare():
        with app.test_request_context():
            for user in people[:4]:
                actor = actor_of(session, user)
                kept = cells(session, actor, monkeypatch, is_kept=True)
                assert kept == cells(session, actor, monkeypatch, is_kept=False), user.name
        return kept

    before = compare()
    for lead in chance.sample(leads, 12):
        match chance.randrange(4):
            case 0:
                lead.deleted_at = now
            case 1:
                lead.country, lead.arrived_at = "PT", now.replace(year=2026, month=6, day=1)
            case 2:
                lead.source_id, lead.converted_at = None, now
            case _ if lead.owner_user_id and not lead.offer_id and lead.owner_user_id != mara.id:
                offer(session, lead, by_key[lead.owner_user_id], now)
    for deal in rows(session, type(make_opportunity(session)))[:6]:
        deal.category = chance.choice(list(StageCategory))
    otto_s = rows(session, Lead, Lead.owner_user_id == otto.id, Lead.offer_id.is_(None))
    for lead in otto_s[:2]:
        lead.owner_user_id, lead.partner_account_id, lead.owner_rank = pia.id, pia.partner_account_id, 0
    session.flush()
    assert row_count(session, ReportChange) > 0
    assert compare() != before
    # What is not noted is not looked at: it is the counts that are read.
    session.execute(delete(ReportChange))
    with pytest.raises(AssertionError):
        compare()
