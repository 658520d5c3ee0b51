"""Keeps the entries of records right: whatever writes one, its entries go with it.

`note_written` listens to every flush; what writes leads past the session calls `enter_arrived` or `enter_anew`.
The words' spellings and the search for duplicates follow within moments, by the worker (`care.comparing`).
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import delete, func, inspect, literal, select, update
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.campaigns.models import Campaign
from app.care.models import DuplicateCheck
from app.kernel.actor import Actor
from app.kernel.among import among
from app.kernel.bulk import insert_rows
from app.leads.models import Lead
from app.search.models import LONGEST, SearchEntry
from app.search.words import KINDS, LAST, kinds_and_texts, kinds_of
from app.sharing.scope import scope

COLUMNS: Mapping[type[Any], Sequence[str]] = {
    Account: (
        "name", "company_key", "domain", "phone_key", "site", "account_number", "email", "phone", "mobile",
        "billing_street", "billing_city", "billing_postal_code", "billing_country", "first_name", "last_name",
    ),
    Contact: ("first_name", "last_name", "email", "email_key", "phone", "phone_key", "mobile", "account_id"),
    Lead: (
        "company", "company_key", "first_name", "last_name", "email", "phone", "phone_key", "mobile", "country",
    ),
    Campaign: ("name", "external_id"),
}  # fmt: skip
# Those of which duplicates are looked for once they are written.
_COMPARED = (Account, Contact)
_ENTERING = Actor.system("search entries")
_ENTRIES: Any = SearchEntry.__table__


def note_written(session: Session, _context: Any) -> None:
    """Listener of `after_flush`: enter what the session has written, and have it compared."""
    fresh = [each for each in session.new if type(each) in COLUMNS]
    changed = [each for each in session.dirty if type(each) in COLUMNS and _has_changed(each)]
    gone = [each for each in session.deleted if type(each) in COLUMNS]
    for each in (*changed, *gone):
        _forget(session, type(each), [each.id])
    if fresh or changed:
        enter(session, [*fresh, *changed])
        _let_learn(session, ((each.__tablename__, each.id) for each in (*fresh, *changed)))


def _has_changed(each: Any) -> bool:
    attributes = inspect(each).attrs
    names = (*COLUMNS[type(each)], "deleted_at") if type(each) in _COMPARED else COLUMNS[type(each)]
    return any(attributes[name].history.has_changes() for name in names)


def _forget(session: Session, model: Any, ids: Sequence[int]) -> None:
    session.execute(
        delete(_ENTRIES).where(
            _ENTRIES.c.kind.in_(kinds_of(model.__tablename__)), _ENTRIES.c.record_id.in_(ids)
        )
    )


def _let_learn(session: Session, written: Iterable[tuple[str, int]]) -> None:
    """Have the worker look at what was written."""
    rows = [{"kind": table, "record_id": key, "is_old": False} for table, key in written]
    insert_rows(session, DuplicateCheck, rows)


def enter(session: Session, records: Iterable[Any]) -> None:
    """Write the entries of records that have none.  Does not commit."""
    enter_values(session, ((each.__tablename__, each.id, values_of(each)) for each in records))


def enter_arrived(
    session: Session, records: Iterable[tuple[int, Mapping[str, Any]]], model: Any = Lead
) -> None:
    """Write the entries of records that were stored past the session: (key, columns) of each.  Does not commit."""
    arrived = [(model.__tablename__, key, values) for key, values in records]
    enter_values(session, arrived)
    _let_learn(session, ((table, key) for table, key, _values in arrived))


def enter_anew(session: Session, model: Any, ids: Sequence[int]) -> None:
    """Write the entries of records anew that were changed past the session.  Does not commit."""
    if not ids:
        return
    columns = [getattr(model, name) for name in COLUMNS[model]]
    rows = session.execute(select(model.id, *columns).where(scope(model, _ENTERING), model.id.in_(ids))).all()
    _forget(session, model, ids)
    enter_values(
        session,
        ((model.__tablename__, row[0], dict(zip(COLUMNS[model], row[1:], strict=True))) for row in rows),
    )
    _let_learn(session, ((model.__tablename__, row[0]) for row in rows))


def enter_values(session: Session, records: Iterable[tuple[str, int, Mapping[str, Any]]]) -> None:
    """The same of (table, key, what it is found by) of each."""
    rows = [
        {"kind": kind, "text": text, "record_id": key}
        for table, key, values in records
        for kind, text in kinds_and_texts(table, values)
    ]
    # In the order of the index: neighbours are written together, and by everybody in one order.
    rows.sort(key=itemgetter("kind", "text", "record_id"))
    insert_rows(session, SearchEntry, rows)


def values_of(record: Any) -> dict[str, Any]:
    """The columns of a record that it is found by."""
    return {name: getattr(record, name) for name in COLUMNS[type(record)]}


def follow_account(session: Session, contacts: Sequence[int], before: int, after: int) -> None:
    """Let what contacts are called at their account follow them, as they become those of another."""
    old, text = f"#{before} ", _ENTRIES.c.text
    session.execute(
        update(_ENTRIES)
        .where(
            _ENTRIES.c.kind == KINDS["contact"],
            among(session, _ENTRIES.c.record_id, contacts),
            text >= old,
            text < old + LAST,
        )
        .values(text=func.substr(literal(f"#{after} ") + func.substr(text, len(old) + 1), 1, LONGEST))
    )
