"""That lists are read from the ends of indexes on both databases, as their speed depends on it."""

from typing import Any

import pytest
from sqlalchemy import Select, text
from sqlalchemy.orm import Session

from app.identity.models import User
from app.leads.models import Lead
from app.partners.models import PartnerAccount
from app.sharing.merge import Window, merged_ids
from app.sharing.scope import scope
from tests.factories import actor_of, make_lead, make_queue


def plan_of(session: Session, statement: Select[Any]) -> str:
    """How the database would run the statement if its tables were large."""
    connection = session.connection()  # past the guard: nothing is read
    on_sqlite = connection.dialect.name == "sqlite"
    if not on_sqlite:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        connection.execute(text("SET LOCAL enable_bitmapscan = off"))
        connection.execute(text("SET LOCAL enable_sort = off"))
    sql = statement.compile(connection, compile_kwargs={"literal_binds": True})
    rows = connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN ' if on_sqlite else ''}{sql}")
    return "\n".join(str(row[-1]) for row in rows)


@pytest.mark.parametrize(
    ("cause", "sort", "index"),
    [
        ("owner", Lead.created_at, "ix_lead_owner"),
        ("role_hierarchy", Lead.created_at, "ix_lead_partner"),
        ("queue", Lead.created_at, "ix_lead_queue_created"),
        ("queue", Lead.waiting_since, "ix_lead_queue_waiting"),
    ],
)
@pytest.mark.parametrize("descending", [True, False])
def test_each_branch_of_a_list_reads_its_index_in_order(
    session: Session,
    northwind: PartnerAccount,
    pam: User,
    cause: str,
    sort: Any,
    index: str,
    descending: bool,
) -> None:
    queue, elsewhere = make_queue(session, members=(northwind,)), make_queue(session)
    for number in range(240):  # enough for the planner to tell the indexes apart
        make_lead(session, queue=elsewhere if number % 12 else queue)
    session.connection().exec_driver_sql("ANALYZE")
    window = Window(sort, descending, 50)
    statement = merged_ids(Lead, actor_of(session, pam), window, causes=frozenset({cause}))
    plan = plan_of(session, statement)
    assert index in plan, plan
    branches = plan.count(index)
    sorts = plan.count("Sort Key") + plan.count("TEMP B-TREE FOR ORDER BY")
    assert sorts < branches, plan  # the merge itself may be grouped


def test_a_scope_is_compared_with_nothing(session: Session, pia: User) -> None:
    condition = scope(Lead, actor_of(session, pia))
    statement = Lead.__table__.select().where(condition, Lead.score > 1)
    assert ") = 1" not in str(statement.compile(session.get_bind()))
