"""How many records hold something in each field, standard ones too.

Up to `MOST` records all are looked at; of more, `MOST` that lie evenly over the table by their keys, some at each of
`PLACES` places.  So it costs the same at ten thousand records and ten million, and no page ever counts.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.accounts.fields import ACCOUNT_FIELDS, CONTACT_FIELDS
from app.fields.catalogue import catalogue
from app.fields.models import FieldCount
from app.fields.queries import COUNTING, MODELS
from app.kernel.db import is_sqlite
from app.leads.fields import FIELDS
from app.opportunities.fields import OPPORTUNITY_FIELDS
from app.sharing.scope import scope

MOST = 10_000
PLACES = 200
EVERY = timedelta(hours=6)
STANDARD: Mapping[str, Mapping[str, Any]] = {
    "account": ACCOUNT_FIELDS,
    "contact": CONTACT_FIELDS,
    "lead": FIELDS,
    "opportunity": OPPORTUNITY_FIELDS,
}


def count_due(session: Session, *, now: datetime) -> list[str]:
    """Objects that have not been counted for some hours."""
    rows = session.execute(
        select(FieldCount.object, func.max(FieldCount.counted_at)).group_by(FieldCount.object)
    )
    counted = {object_: at for object_, at in rows}  # noqa: C416 - rows are no pairs to mypy
    return [name for name in MODELS if name not in counted or now - counted[name] >= EVERY]


def count_step(session: Session, *, now: datetime) -> bool:
    """Count what is due; False, since there is nothing more to do at once.  Does not commit."""
    for object_ in count_due(session, now=now):
        count_fields(session, object_, now=now)
    return False


def count_fields(session: Session, object_: str, *, now: datetime) -> None:
    """Count the fields of an object.  Does not commit."""
    model = MODELS[object_]
    first, last = session.execute(
        select(func.min(model.id), func.max(model.id)).where(scope(model, COUNTING))
    ).one()
    names = {name: field.attribute for name, field in STANDARD[object_].items()}
    added = catalogue(session).all(object_)
    columns = {name: getattr(model, attribute).label(f"f_{name}") for name, attribute in names.items()}
    wanted = select(model.id, model.custom, *columns.values()).where(
        scope(model, COUNTING), model.deleted_at.is_(None)
    )
    filled: Counter[str] = Counter()
    looked_at, is_exact = 0, True
    if last is not None:
        rows, is_exact = _sample(session, model, wanted, first, last)
        for row in rows:
            looked_at += 1
            filled.update(name for name in names if getattr(row, f"f_{name}") not in (None, ""))
            filled.update(name for name in row.custom if name in added)
    _store(session, object_, [*names, *added], filled, looked_at, is_exact, now)


def _sample(
    session: Session, model: Any, wanted: Select[Any], first: int, last: int
) -> tuple[Iterable[Any], bool]:
    """(rows, whether they are all of them)."""
    rows = session.execute(wanted.order_by(model.id).limit(MOST + 1)).all()
    if len(rows) <= MOST:
        return rows, True
    each = MOST // PLACES
    found: dict[int, Any] = {}
    for place in range(PLACES):
        start = first + (last - first) * place // PLACES
        batch = session.execute(wanted.where(model.id >= start).order_by(model.id).limit(each))
        found.update((row.id, row) for row in batch)
    return found.values(), False


def _store(
    session: Session,
    object_: str,
    names: list[str],
    filled: Mapping[str, int],
    looked_at: int,
    is_exact: bool,
    now: datetime,
) -> None:
    rows = [
        {
            "object": object_,
            "name": name,
            "filled": filled.get(name, 0),
            "looked_at": looked_at,
            "is_exact": is_exact,
            "counted_at": now,
        }
        for name in names
    ]
    insert: Any = sqlite.insert if is_sqlite(session) else postgresql.insert
    statement = insert(FieldCount)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["object", "name"],
        set_={
            "filled": new.filled,
            "looked_at": new.looked_at,
            "is_exact": new.is_exact,
            "counted_at": new.counted_at,
        },
    )
    session.execute(statement, rows)
