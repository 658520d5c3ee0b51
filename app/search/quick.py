"""The first answer of the search box: what begins with a name as it is typed, in one statement over the entries of each kind.

For a text that is a name; whoever does not see most records is given leads alone, under their own scope.  Everything
else (other kinds of records, further ways, other spellings) is answered by `queries.search`, which the box asks for
next.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Select,
    String,
    and_,
    bindparam,
    cast,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.kernel import labels
from app.kernel.actor import Actor, Level, Permission
from app.leads.models import Lead
from app.search.finding import beginnings, leads_called, only_name, sees_much
from app.search.models import SearchEntry
from app.search.queries import Group, Hit, below, names_of_accounts, note_of
from app.search.words import KINDS, LAST, LEAD_KINDS
from app.sharing.scope import branches, scope

_ICONS = {"lead": "target", "account": "building", "contact": "contact"}
_LEAD = (Lead.company, Lead.first_name, Lead.last_name, null(), Lead.city, null())
_ASKED = (Permission.LEAD_VIEW, Permission.ACCOUNT_VIEW, Permission.CONTACT_VIEW)


def first_answer(session: Session, actor: Actor, text: str, *, limit: int) -> Sequence[Group] | None:
    """Leads, accounts and contacts whose name begins with the text; None where that is not enough to go by."""
    if not _is_for(actor):
        return _first_leads(session, actor, text, limit)
    starts = beginnings(actor, Account, text)
    if starts is None or len(starts) != 1 or starts[0][0] in "@+":
        return None
    given = {"first": starts[0], "last": starts[0] + LAST, "most": 2 * limit}
    rows = session.execute(_statement(actor), given).all()
    parents = names_of_accounts(session, actor, [row.parent_id for row in rows if row.parent_id])
    found: dict[str, dict[int, Hit]] = {kind: {} for kind in _ICONS}
    for row in rows:
        hits = found[row.kind]
        if len(hits) < limit:
            hits.setdefault(row.id, _hit(row, parents))
    return _groups(found)


def _first_leads(session: Session, actor: Actor, text: str, limit: int) -> Sequence[Group] | None:
    name = only_name(actor, text) if actor.can(Permission.LEAD_VIEW) else ""
    if not name:
        return None
    statement = _statement_on_leads(actor, sees_much(session, actor, Lead), limit)
    if statement is None:
        return []
    found: dict[int, Hit] = {}
    for row in session.execute(statement, {"first": name, "last": name + LAST}):
        if len(found) < limit:
            found.setdefault(row.id, _hit(row, {}))
    return _groups({"lead": found})


def _groups(found: Mapping[str, Mapping[int, Hit]]) -> list[Group]:
    return [
        Group(kind, labels.many(kind, title=True), _ICONS[kind], list(hits.values()), has_more=False)
        for kind, hits in found.items()
        if hits
    ]


def _hit(row: Any, parents: dict[int | None, str]) -> Hit:
    person = " ".join(part for part in (row.first_name, row.last_name) if part)
    note = note_of(
        person if row.kind == "lead" and row.name else None,
        row.more,
        row.place,
        below(parents.get(row.parent_id)),
    )
    return Hit(row.kind, row.ref, row.name or person, note, key=row.id)


@lru_cache(maxsize=256)
def _is_for(actor: Actor) -> bool:
    """Whether the person sees most records of each kind."""
    if actor.is_partner or not all(actor.can(each) for each in _ASKED):
        return False
    return all(
        any(rule.is_whole or rule.cause == "default" for rule in branches(model, actor, Level.READ))
        for model in (Lead, Account, Contact)
    )


@lru_cache(maxsize=256)
def _statement(actor: Actor) -> Select[Any]:
    """Made once for each person: making it takes longer than answering it."""
    parts = [
        *(_entered(Lead, actor, *_LEAD, kind=kind) for kind in LEAD_KINDS[:2]),  # their names, not their addresses
        _entered(Account, actor, Account.name, null(), null(), Account.site, Account.billing_city, Account.parent_id),
        _entered(
            Contact, actor, null(), Contact.first_name, Contact.last_name, Contact.title, Account.name, null(),
        ).outerjoin(Account, and_(Account.id == Contact.account_id, scope(Account, actor, Level.READ))),
    ]  # fmt: skip
    return select(union_all(*(select(*part.subquery().c) for part in parts)).subquery())


@lru_cache(maxsize=256)
def _statement_on_leads(actor: Actor, is_given_much: bool, limit: int) -> Select[Any] | None:
    """Likewise.  What is shown is read of leads that the same statement has found under the person's scope."""
    called = leads_called(actor, is_given_much, limit=limit)
    if called is None:
        return None
    found = called.subquery()
    key, *order = found.c
    shown = [null() if getattr(column, "key", "") in actor.hidden_fields else column for column in _LEAD]
    return (
        select(*_columns("lead", Lead, *shown))
        .select_from(found)
        .join(Lead, Lead.id == key)
        .order_by(*order, key)
    )


def _columns(kind: str, model: Any, *others: Any) -> list[Any]:
    names = ("name", "first_name", "last_name", "more", "place", "parent_id")
    texts = [
        cast(other, BigInteger if name == "parent_id" else String)
        for name, other in zip(names, others, strict=True)
    ]
    named = [each.label(name) for each, name in zip(texts, names, strict=True)]
    return [literal_column(f"'{kind}'").label("kind"), model.id, model.ref, *named]


def _entered(model: Any, actor: Actor, *columns: Any, kind: int = 0) -> Select[Any]:
    text = SearchEntry.text
    return (
        select(*_columns(model.__tablename__, model, *columns))
        .select_from(SearchEntry)
        .join(model, model.id == SearchEntry.record_id)
        .where(
            SearchEntry.kind == (kind or KINDS[model.__tablename__]),
            text >= bindparam("first"),
            text < bindparam("last"),
            scope(model, actor, Level.READ),
        )
        .order_by(text, SearchEntry.record_id)
        .limit(bindparam("most"))
    )
