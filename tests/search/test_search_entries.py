"""Leads and campaigns by their search entries: kept on every way of writing, and telling partners nothing hidden."""

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.campaigns.operations import create_campaign, delete_campaign, edit_campaign
from app.care.comparing import compare_some
from app.care.models import DuplicateCheck
from app.identity.queries import get_organisation
from app.kernel.db import set_reading
from app.leads.asking import parse_lead_query
from app.leads.models import Lead
from app.leads.operations import claim_lead, delete_lead, edit_lead
from app.leads.queries import list_leads
from app.search.models import SearchEntry, Spelling
from app.search.queries import search
from app.search.words import KINDS
from tests.factories import actor_of, make_lead, make_queue, open_portal, rows
from tests.intake.importing import take


@pytest.fixture(autouse=True)
def _request(app, session):
    open_portal(session)
    with app.test_request_context("/"):
        yield


@pytest.fixture
def find(session: Session):
    """What somebody finds of one kind by a text."""

    def find(user, text, kind="lead"):
        found = {group.kind: group.hits for group in search(session, actor_of(session, user), text).groups}
        return [hit.name for hit in found.get(kind, ())]

    return find


def listed(session, user, text):
    """What their list of leads, narrowed by the text, has."""
    actor = actor_of(session, user)
    return [
        row.title for row in list_leads(session, actor, parse_lead_query(session, actor, {"q": [text]})).items
    ]


def test_a_lead_is_found_by_all_that_it_says_however_it_was_written(session, mara, sal, find, now):
    lead = make_lead(
        session, company="Forges del Ter, S.L.", first_name="Marta", last_name="Puig", email="marta@forges.example",
        phone="+34972201100", mobile="+34600111222", owner=sal,
    )  # fmt: skip
    name = "Forges del Ter, S.L."
    whole = (
        "del ter",
        "forges del ter s.l",
        "marta puig",
        "PUIG MAR",
        "puig forges",
        "marta@for",
        "@forges.example",
    )
    for text in (*whole, "forges.example", "600 111 222", "0034972201100", lead.ref):
        assert find(mara, text) == [name], text
    assert listed(session, mara, "del ter") == [name]
    compare_some(session, now=now)
    assert (find(mara, "frges"), listed(session, mara, "frges")) == ([name], [])  # a slip
    edit_lead(
        session, actor_of(session, sal), lead.ref, {"company": "Ferreria Nova", "mobile": None}, now=now
    )
    assert (find(mara, "nova"), find(mara, "forges del"), find(mara, "600111222")) == (
        ["Ferreria Nova"],
        [],
        [],
    )
    delete_lead(session, actor_of(session, mara), lead.ref, now=now)
    assert find(mara, "nova") == []


def test_leads_of_an_import_are_entered_with_it(session, mara, find):
    take(session, "Company,Last name,External id\nForges del Ter,Puig,1\nNordwerk,Blau,2\n", by=mara)
    assert (find(mara, "del ter"), find(mara, "blau")) == (["Forges del Ter"], ["Nordwerk"])
    take(session, "Company,Last name,External id\nSudwerk,,2\n", by=mara)
    assert (find(mara, "sudwerk"), find(mara, "nordwerk")) == (["Sudwerk"], [])
    set_reading(False)
    assert {check.kind for check in rows(session, DuplicateCheck)} == {"lead"}


def test_a_claim_touches_no_entries(session, pia, northwind, count_queries, now):
    lead = make_lead(session, queue=make_queue(session, members=[northwind]), company="Forges")
    with count_queries() as queries:
        claim_lead(session, actor_of(session, pia), lead.ref, now=now)
        session.flush()
    assert [query for query in queries if "search_entry" in query or "duplicate_check" in query] == []


def test_partners_find_nothing_by_what_they_do_not_see(session, pia, mara, northwind, find, now):
    said = {"company": "Forges", "first_name": "Marta", "last_name": "Puig", "email": "mp@ter.example",
            "phone": "+34972201100", "mobile": "+34600111222"}  # fmt: skip
    make_lead(session, owner=pia, **said)
    make_lead(
        session, queue=make_queue(session, members=[northwind]), **{**said, "company": "Forges waiting"}
    )
    ways = {"company": "forg", "last_name": "puig", "email": "mp@ter", "mobile": "972 201 100"}
    for text in (*ways.values(), "@ter.example", "marta forges"):
        assert find(pia, text) == listed(session, pia, text) == ["Forges"], text  # never the preview
    for name, text in ways.items():
        get_organisation(session).hidden_fields = [name]
        session.flush()
        assert find(pia, text) == listed(session, pia, text) == [], name
    get_organisation(session).hidden_fields = ["company", "email"]
    session.flush()
    assert [find(pia, text) for text in ("mp", "marta forges", "puig")] == [[], [], ["Marta Puig"]]
    compare_some(session, now=now)
    assert find(pia, "puigg") == []


def test_what_others_hold_takes_no_place_among_what_one_finds(session, pia, otto, find, monkeypatch):
    """Whoever sees many records walks entries, of which those of hidden records come first here."""
    monkeypatch.setattr("app.search.finding.MOST_WALKED", 0)
    monkeypatch.setattr("app.search.finding.MOST_LOOKED_AT", 2)
    make_lead(session, owner=pia, company="Lopez Zeta")
    for name in ("Ana", "Bea", "Carla"):
        make_lead(session, owner=otto, company=f"Lopez {name}")
    assert find(pia, "lop zet") == find(pia, "lopez") == ["Lopez Zeta"]


def test_a_campaign_is_found_by_whom_campaigns_are_for(session, mara, sal, pia, find, now):
    actor = actor_of(session, mara)
    campaign = create_campaign(session, actor, {"name": "Spring fair Girona", "external_id": "C-77"}, now=now)
    for text in ("fair gir", "c-77", campaign.ref):
        assert find(sal, text, "campaign") == ["Spring fair Girona"], text
    assert find(pia, "fair", "campaign") == []
    compare_some(session, now=now)
    assert find(sal, "girnoa", "campaign") == ["Spring fair Girona"]
    edit_campaign(session, actor, campaign.ref, {"name": "Autumn fair"}, now=now)
    assert (find(sal, "girona", "campaign"), find(sal, "autumn", "campaign")) == ([], ["Autumn fair"])
    delete_campaign(session, actor, campaign.ref, now=now)
    of_campaigns = select(func.count()).where(SearchEntry.kind == KINDS["campaign"])
    assert session.scalar(of_campaigns) == 0


def test_what_was_there_before_is_entered_by_the_worker(session, mara, find, now):
    leads = [make_lead(session, company=f"Forges {n}") for n in range(3)]
    session.execute(delete(SearchEntry))
    session.execute(delete(DuplicateCheck))
    session.add_all(DuplicateCheck(kind="lead", record_id=lead.id, is_old=True) for lead in leads)
    edit_lead(session, actor_of(session, mara), leads[0].ref, {"company": "Nordwerk"}, now=now)
    assert find(mara, "forges") == []
    while compare_some(session, now=now, limit=2):
        pass
    assert sorted(find(mara, "forges")) == ["Forges 1", "Forges 2"]
    assert find(mara, "nordwerk") == ["Nordwerk"]
    assert "nordwerk" in session.scalars(select(Spelling.word))
    assert rows(session, DuplicateCheck) == []
    assert {lead.id for lead in rows(session, Lead)} == {*session.scalars(select(SearchEntry.record_id))}
