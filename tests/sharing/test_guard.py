"""A statement on a shared table without its scope is refused, whatever its shape."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, exists, func, literal, select, text, update
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Account, Contact
from app.activities.models import Activity
from app.kernel.actor import Actor, Role
from app.leads.models import Lead
from app.sharing.scope import HiddenFieldSelected, UnscopedStatement, scope
from tests.factories import SYSTEM, make_lead, make_queue

OTHER = aliased(Lead)

UNSCOPED: dict[str, Callable[[], Any]] = {
    "select": lambda: select(Lead),
    "columns": lambda: select(Lead.id, Lead.company),
    "count": lambda: select(func.count()).select_from(Lead),
    "count of a column": lambda: select(func.count(Contact.id)),
    "exists": lambda: select(exists().where(Account.name == "x")),
    "exists beside a scope": lambda: select(exists().where(Account.id == Lead.id)).where(scope(Lead, SYSTEM)),
    "join": lambda: select(Activity.id).join(Lead, Lead.id == Activity.lead_id),
    "outer join": lambda: select(Activity.id).outerjoin(Account, Account.id == Activity.account_id),
    "subquery": lambda: select(literal(1)).where(literal(1).in_(select(Lead.id))),
    "derived table": lambda: select(func.count()).select_from(select(Lead.id).subquery()),
    "alias": lambda: select(OTHER.id),
    "common table expression": lambda: select(select(Contact.id).cte("c").c.id),
    "union": lambda: select(Lead.id).union_all(select(Lead.version)),
    "update": lambda: update(Lead).values(city="x"),
    "delete": lambda: delete(Contact).where(Contact.id == 1),
    "another table's scope": lambda: select(Lead.id).where(scope(Account, SYSTEM)),
    "text": lambda: text("SELECT company FROM lead"),
}


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("shape", UNSCOPED)
def test_a_statement_without_scope_is_refused(app: Flask, session: Session, shape: str) -> None:
    with pytest.raises(UnscopedStatement):
        session.execute(UNSCOPED[shape]())


@pytest.mark.databases("sqlite")
def test_getting_by_key_is_refused(app: Flask, session: Session) -> None:
    lead_id = make_lead(session, queue=make_queue(session)).id
    session.expunge_all()
    with pytest.raises(UnscopedStatement):
        session.get(Lead, lead_id)


@pytest.mark.databases("sqlite")
def test_the_same_statements_pass_with_their_scope(app: Flask, session: Session) -> None:
    make_lead(session, queue=make_queue(session))
    assert session.scalar(select(func.count()).select_from(Lead).where(scope(Lead, SYSTEM))) == 1
    assert len(session.execute(select(OTHER.id).where(scope(Lead, SYSTEM), OTHER.id == Lead.id)).all()) == 1
    assert session.execute(update(Lead).where(scope(Lead, SYSTEM)).values(city="Girona")).rowcount == 1  # type: ignore[attr-defined]


@pytest.mark.databases("sqlite")
def test_somebody_without_any_rule_sees_nothing(app: Flask, session: Session) -> None:
    make_lead(session, queue=make_queue(session))
    nobody = Actor(
        user_id=10**9, ref="user_x", name="Nobody", role=SYSTEM.role.VIEWER, permissions=frozenset()
    )
    assert session.scalar(select(func.count()).select_from(Lead).where(scope(Lead, nobody))) == 0


HIDDEN = Actor(
    1, "user_x", "Pia", Role.USER, frozenset(), company_id=1, hidden_fields=("company", "source", "email")
)
SEEN_BY = scope(Lead, HIDDEN)
TELLING: dict[str, Callable[[], Any]] = {
    "column": lambda: select(Lead.company).where(SEEN_BY),
    "named otherwise": lambda: select(Lead.company.label("title")).where(SEEN_BY),
    "made of it": lambda: select(func.lower(Lead.company)).where(SEEN_BY),
    "folded": lambda: select(Lead.company_fold).where(SEEN_BY),
    "its key": lambda: select(Lead.id, Lead.source_id).where(SEEN_BY),
    "greatest": lambda: select(func.max(Lead.email_key)).where(SEEN_BY),
    "alias": lambda: select(OTHER.company).where(SEEN_BY, OTHER.id == Lead.id),
    "scalar": lambda: select(literal(1), select(Lead.email).where(SEEN_BY).scalar_subquery()),
    "derived table": lambda: select(select(Lead.company).where(SEEN_BY).subquery().c.company),
    "union": lambda: select(Lead.id).where(SEEN_BY).union_all(select(Lead.email).where(SEEN_BY)),
}


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("shape", TELLING)
def test_a_field_that_is_hidden_from_somebody_is_not_selected_for_them(
    app: Flask, session: Session, shape: str
) -> None:
    with pytest.raises(HiddenFieldSelected):
        session.execute(TELLING[shape]())


@pytest.mark.databases("sqlite")
def test_other_fields_and_whole_leads_pass(app: Flask, session: Session) -> None:
    make_lead(session, queue=make_queue(session))
    assert session.execute(select(Lead.id, Lead.city).where(SEEN_BY)).all() == []
    assert session.scalars(select(Lead).where(SEEN_BY, Lead.deleted_at.is_(None))).all() == []
