"""Real leads from import to won opportunity, in their order: the funnel is the conversion table, to the last lead."""

import time
from collections import Counter

import pytest
from sqlalchemy import func, select

from app.conversion.operations import convert_lead
from app.conversion.wanted import read_wanted
from app.intake.mapping import suggest_mapping
from app.intake.models import ImportState
from app.intake.uploads import field_labels
from app.kernel import clock
from app.leads.models import Lead
from app.leads.operations import edit_lead
from app.opportunities.operations import edit_opportunity
from app.reports.asked import Asked
from app.reports.counting import count_changes
from app.reports.funnel import Funnel, read_funnel
from app.reports.verify import differences
from app.routing.offers import accept_offer
from app.sharing.scope import scope
from tests.factories import SYSTEM, actor_of, get_status, make_round_robin, open_portal
from tests.intake.importing import activate_rules, as_csv, take
from tests.shared_data import FOLDER, shared_data
from tests.synthesis import olist_leads

# Of the data's README: source → (won, leads).
TABLE = {
    "organic_search": (271, 2296), "paid_search": (195, 1586), "unknown": (179, 1099), "social": (75, 1350),
    "direct_traffic": (56, 499), "referral": (24, 284), "email": (15, 493), "": (14, 60), "display": (6, 118),
    "other": (4, 150), "other_publicities": (3, 65),
}  # fmt: skip


def work_off(session, mara, people, found):
    """Import these leads, let the rules give them to partners, and win those that were won."""
    open_portal(session)
    group = make_round_robin(session, members=people)
    activate_rules(
        session,
        {"criteria": {"field": "country", "op": "equals", "value": "BR"}, "target_round_robin_id": group.id},
    )
    session.commit()
    mapping = suggest_mapping(list(found[0]), field_labels())
    done = take(session, as_csv(found), by=mara, mapping=mapping)
    assert (done.state, done.created, done.refused) == (ImportState.DONE, len(found), 0)
    manager, actors = actor_of(session, mara), {user.id: actor_of(session, user) for user in people}
    qualified = get_status(session, "qualified").id
    won = {row["External ID"] for row in found if row["Outcome"] == "won"}
    leads = session.execute(
        select(Lead.ref, Lead.external_id, Lead.owner_user_id).where(scope(Lead, SYSTEM)).order_by(Lead.id)
    ).all()
    for ref, external_id, owner_id in leads:
        if external_id not in won:
            continue
        partner, now = actors[owner_id], clock.now()
        accept_offer(session, partner, ref, now=now)
        edit_lead(session, partner, ref, {"status": qualified}, now=now)
        deal = convert_lead(session, partner, ref, read_wanted(opportunity={"name": external_id}), now=now)
        assert deal.opportunity is not None
        edit_opportunity(session, manager, deal.opportunity.ref, {"stage": "won"}, now=now)
        session.commit()
        session.expunge_all()
    return won


def funnel(session, actor, by, **ends):
    found = read_funnel(session, actor, Asked("UTC", **ends), by)
    assert isinstance(found, Funnel)
    return found


def by_label(found, step="won"):
    return {row.label.lower(): (row.counts[step], row.counts["captured"]) for row in found.rows}


def expected(found, column, empty):
    every = Counter(row[column].lower() or empty for row in found)
    won = Counter(row[column].lower() or empty for row in found if row["Outcome"] == "won")
    return {value: (won[value], count) for value, count in every.items()}


def check(session, mara, people, found):
    won = work_off(session, mara, people, found)
    actor = actor_of(session, mara)
    for _turn in range(2):  # counted lead by lead as they changed, then from the counts alone
        sources = funnel(session, actor, "source")
        assert by_label(sources) == expected(found, "Source", "no source")
        assert by_label(funnel(session, actor, "campaign")) == expected(found, "Campaign", "no campaign")
        assert by_label(funnel(session, actor, "product_interest")) == expected(
            found, "Product Interest", "no product interest"
        )
        steps = sources.total.counts
        assert [steps[k] for k in ("captured", "assigned")] == [len(found)] * 2
        assert [steps[k] for k in ("taken", "touched", "qualified", "converted", "won")] == [len(won)] * 5
        months = {row.key: row.counts["captured"] for row in funnel(session, actor, "month").rows}
        assert months == Counter(row["Created"][:7].replace("-", "") for row in found)
        while count_changes(session):
            pass
        session.commit()
    assert list(differences(session)) == []
    # Each partner's own are theirs alone, and together all.
    own = [funnel(session, actor_of(session, user), "source").total.counts for user in people]
    assert sum(counts["won"] for counts in own) == len(won)
    return by_label(sources)


@pytest.mark.long_on("postgresql")
def test_a_part_of_the_real_leads_gives_its_conversion_table(session, mara, pia, otto):
    shared_data("olist")
    check(session, mara, (pia, otto), olist_leads(FOLDER)[::60])


@pytest.mark.long
@pytest.mark.databases("sqlite")
def test_all_real_leads_give_the_conversion_table(session, mara, pia, otto):
    shared_data("olist")
    began = time.monotonic()
    found = check(session, mara, (pia, otto), olist_leads(FOLDER))
    assert found == {source or "no source": counts for source, counts in TABLE.items()}
    assert session.scalar(select(func.count()).select_from(Lead).where(scope(Lead, SYSTEM))) == 8000
    print(f"8,000 leads, 842 won, in {time.monotonic() - began:.0f} s")
