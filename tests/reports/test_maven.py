"""A real sales pipeline: what the report says of won, lost and open ones is what the file adds up to."""

import csv
from collections import defaultdict
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.kernel import clock, refs
from app.kernel.bulk import insert_rows
from app.opportunities.models import LAST_DAY, Opportunity, OpportunityStage
from app.reports.asked import Asked
from app.reports.pipeline import read_pipeline
from tests.factories import actor_of, make_account
from tests.shared_data import shared_data

# What the file calls a stage → key of ours.
STAGES = {"Prospecting": "prospecting", "Engaging": "proposal", "Won": "won", "Lost": "lost"}


@pytest.mark.databases("sqlite")
def test_the_pipeline_adds_up_as_its_file_does(session, ada, mara, otto):
    with shared_data("maven-crm", "sales_pipeline.csv").open(encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    stages = {stage.key: stage for stage in session.scalars(select(OpportunityStage))}
    account, now = make_account(session, "Every account of the file", owner=mara), clock.now()
    rows, expected = [], defaultdict(lambda: [0, Decimal(0), Decimal(0)])
    for line in found:
        stage = stages[STAGES[line["deal_stage"]]]
        amount = Decimal(line["close_value"]) if line["close_value"] else None
        rows.append(
            {
                "ref": refs.new_ref(refs.OPPORTUNITY), "name": line["opportunity_id"], "name_fold": line["opportunity_id"].lower(),
                "account_id": account.id, "stage_id": stage.id, "category": stage.category,
                "probability": stage.probability, "amount": None if amount is None else float(amount), "currency": "USD" if amount is not None else None,
                "amount_order": float(amount or 0), "close_order": LAST_DAY, "owner_user_id": mara.id, "created_at": now,
                "updated_at": now, "version": 1,
            }
        )  # fmt: skip
        sums = expected[(stage.key, "USD" if amount is not None else "")]
        sums[0] += 1
        worth = amount or Decimal(0)
        sums[1] += worth
        sums[2] += worth * stage.probability / 100
    insert_rows(session, Opportunity, rows)
    session.commit()
    for person in (ada, mara):
        told = read_pipeline(session, actor_of(session, person), Asked("UTC"))
        assert {(row.stage, row.currency): [row.count, row.amount, row.weighted] for row in told} == expected
    won, lost = expected[("won", "USD")], expected[("lost", "USD")]
    assert (won[0], lost[0], sum(each[0] for each in expected.values())) == (4238, 2473, 8800)
    assert (won[1], lost[1]) == (Decimal(10005534), 0)
    assert read_pipeline(session, actor_of(session, otto), Asked("UTC")) == []
