"""What reports count beforehand is what is there, whatever happens to leads and whoever does it."""

from sqlalchemy import delete, select, update

from app.identity.queries import get_organisation
from app.kernel import clock
from app.leads.models import Lead, LeadStatus, StatusCategory
from app.leads.operations import delete_lead, edit_lead, restore_lead
from app.opportunities.models import StageCategory
from app.reports.counting import count_changes, rebuild
from app.reports.models import ReportChange, ReportCount, ReportFact
from app.reports.verify import differences
from app.sharing.scope import scope
from tests.factories import (
    SYSTEM,
    actor_of,
    get_status,
    make_lead,
    make_opportunity,
    make_source,
    row_count,
    rows,
)


def settle(session):
    while count_changes(session):
        pass
    assert list(differences(session)) == []


def test_counts_follow_every_change(session, mara, pia, northwind):
    fair = make_source(session, "Fair")
    leads = [make_lead(session, owner=pia, source_id=fair.id, country="ES") for _ in range(3)]
    make_lead(session, country="FR")
    settle(session)
    settled = {row.lead_id: row.stage for row in rows(session, ReportFact)}
    assert [settled[lead.id] for lead in leads] == [2, 2, 2]
    assert (
        session.scalar(
            select(ReportCount.captured).where(ReportCount.cut == "country", ReportCount.a == "ES")
        )
        == 3
    )
    actor, now = actor_of(session, mara), clock.now()
    edit_lead(session, actor, leads[0].ref, {"status": get_status(session, "working").id}, now=now)
    delete_lead(session, actor, leads[1].ref, now=now)
    deal = make_opportunity(session, source_lead_id=leads[2].id)
    deal.category = StageCategory.WON
    session.execute(update(Lead).where(scope(Lead, SYSTEM)).values(score=55))
    session.flush()
    assert row_count(session, ReportChange) > 0
    assert list(differences(session)) == []  # what is not counted yet is noted
    settle(session)
    assert session.scalar(select(ReportFact.stage).where(ReportFact.lead_id == leads[2].id)) == 6
    assert session.get(ReportFact, leads[1].id) is None
    restore_lead(session, actor, leads[1].ref, now=now)
    session.execute(
        update(LeadStatus).where(LeadStatus.key == "working").values(category=StatusCategory.QUALIFIED)
    )
    get_organisation(session).time_zone = "Pacific/Kiritimati"
    session.flush()
    settle(session)
    assert session.scalar(select(ReportFact.stage).where(ReportFact.lead_id == leads[0].id)) == 4
    counted = {(r.cut, r.month, r.a, r.b): r.captured for r in rows(session, ReportCount)}
    assert rebuild(session) == 4
    session.expire_all()
    assert counted == {(r.cut, r.month, r.a, r.b): r.captured for r in rows(session, ReportCount)}
    session.execute(delete(ReportFact).where(ReportFact.lead_id == leads[0].id))
    assert len(list(differences(session))) > 1
