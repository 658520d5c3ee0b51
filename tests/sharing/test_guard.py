"""A statement on a shared table without its scope is refused, whatever its shape."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import (
    MetaData,
    column,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    select,
    table,
    text,
    update,
)
from sqlalchemy.orm import (
    Session,
    aliased,
    foreign,
    immediateload,
    registry,
    relationship,
    remote,
    selectinload,
    subqueryload,
)

from app.accounts.models import Account, Contact
from app.activities.models import Activity
from app.cases.models import Case
from app.kernel import clock
from app.kernel.actor import Actor, Role
from app.kernel.db import Base
from app.leads.models import Lead, LeadRefusal, LeadSource
from app.sharing.scope import HiddenFieldSelected, UnscopedStatement, scope
from tests.factories import SYSTEM, make_lead, make_queue

OTHER = aliased(Lead)

UNSCOPED: dict[str, Callable[[], Any]] = {
    "select": lambda: select(Lead),
    "a table whose name is a word of the language": lambda: select(Case.subject),
    "text with that word as a name": lambda: text('SELECT subject FROM "case"'),
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
    "text within": lambda: select(literal(1)).select_from(text("lead")),
    "text as columns": lambda: text("SELECT id FROM contact").columns(column("id")),
    "literal column": lambda: select(literal_column("(SELECT max(id) FROM account)")),
    "table by its name": lambda: select(table("lead", column("company")).c.company),
    "lateral": lambda: select(
        Activity.id, select(Lead.id).where(Lead.id == Activity.lead_id).lateral("l").c.id
    ),
    "order": lambda: select(Activity.id).order_by(select(Lead.company).scalar_subquery()),
    "insert from a select": lambda: insert(LeadRefusal).from_select(
        ["lead_id", "company_id", "at", "cause"],
        select(Lead.id, Lead.partner_account_id, Lead.created_at, Lead.city),
    ),
    "insert of a subquery": lambda: insert(LeadSource).values(name=select(Lead.company).scalar_subquery()),
    "update by what is read": lambda: update(Activity).values(subject=select(Lead.company).scalar_subquery()),
    "update where it is read": lambda: (
        update(Activity).where(Activity.lead_id.in_(select(Lead.id))).values(subject="x")
    ),
    "delete where it is read": lambda: delete(Activity).where(exists().where(Lead.id == Activity.lead_id)),
    "update that tells": lambda: update(Lead).values(city="x").returning(Lead.company),
}


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("shape", UNSCOPED)
def test_a_statement_without_scope_is_refused(app: Flask, session: Session, shape: str) -> None:
    with pytest.raises(UnscopedStatement):
        session.execute(UNSCOPED[shape]())


@pytest.mark.databases("sqlite")
def test_an_insert_that_reads_nothing_shared_passes(app: Flask, session: Session) -> None:
    session.execute(
        insert(LeadSource).values(
            ref="item_x", name="x", name_fold=func.lower("X"), position=1, is_active=True
        )
    )
    kept = session.scalar(
        insert(LeadSource).returning(LeadSource.id),
        {"ref": "item_y", "name": "y", "name_fold": "y", "position": 1, "is_active": True},
    )
    assert kept


@pytest.mark.databases("sqlite")
def test_many_at_once_are_refused(app: Flask, session: Session) -> None:
    lead = make_lead(session, queue=make_queue(session))
    with pytest.raises(UnscopedStatement):
        session.execute(update(Lead), [{"id": lead.id, "city": "x"}])
    with pytest.raises(UnscopedStatement):
        session.query(Lead).count()
    with pytest.raises(UnscopedStatement):
        session.query(Activity).join(Lead, Lead.id == Activity.lead_id).all()


class Done:
    """An activity as a room might map it, with its lead."""

    lead: Any
    lead_id: int | None


@pytest.fixture
def done(session: Session) -> Iterator[Any]:
    """A mapping with a relationship to a shared table, which no model has."""
    lead = make_lead(session, queue=make_queue(session))
    session.add(
        Activity(
            ref="act_x",
            kind="call",
            subject="x",
            at=clock.now(),
            lead_id=lead.id,
            created_at=clock.now(),
            updated_at=clock.now(),
        )
    )
    session.flush()
    session.expunge_all()
    mappings = registry(metadata=MetaData())
    joined = foreign(Activity.__table__.c.lead_id) == remote(Lead.__table__.c.id)
    mappings.map_imperatively(
        Done, Activity.__table__, properties={"lead": relationship(Lead, primaryjoin=joined, viewonly=True)}
    )
    yield Done
    mappings.dispose()


@pytest.mark.databases("sqlite")
def test_what_a_relationship_loads_is_refused(app: Flask, session: Session, done: Any) -> None:
    for load in (selectinload, subqueryload, immediateload):
        session.expunge_all()
        with pytest.raises(UnscopedStatement):
            session.scalars(select(done).options(load(done.lead))).all()
    found = session.scalars(select(done)).one()
    with pytest.raises(UnscopedStatement):
        assert found.lead


def test_no_model_has_a_relationship() -> None:
    """One that is loaded with a join is put into the statement after the guard has looked at it."""
    assert [mapper.class_ for mapper in Base.registry.mappers if mapper.relationships.keys()] == []


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
def test_a_bare_case_in_text_is_the_word_of_the_language(app: Flask, session: Session) -> None:
    assert session.scalar(text("SELECT CASE WHEN 1 = 1 THEN 'yes' END")) == "yes"


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
