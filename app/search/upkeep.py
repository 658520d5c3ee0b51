"""Keeps the entries of accounts and contacts right: whatever writes one, its entries go with it.

`note_written` listens to every flush; what writes rows past the session calls `enter`.  The words' spellings
and the search for duplicates follow within moments, by the worker (`care.comparing`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, inspect, literal, update
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.care.models import DuplicateCheck
from app.search.models import LONGEST, SearchEntry
from app.search.words import KINDS, LAST, entries_of

COLUMNS: Mapping[type[Any], Sequence[str]] = {
    Account: (
        "name", "company_key", "domain", "phone_key", "site", "account_number", "email", "phone", "mobile",
        "billing_street", "billing_city", "billing_postal_code", "billing_country", "first_name", "last_name",
    ),
    Contact: ("first_name", "last_name", "email", "email_key", "phone", "phone_key", "mobile", "account_id"),
}  # fmt: skip
_ENTRIES: Any = SearchEntry.__table__
_CHECKS: Any = DuplicateCheck.__table__


def note_written(session: Session, _context: Any) -> None:
    """Listener of `after_flush`: enter what the session has written, and have it compared."""
    fresh = [each for each in session.new if type(each) in COLUMNS]
    changed = [each for each in session.dirty if type(each) in COLUMNS and _has_changed(each)]
    if not fresh and not changed:
        return
    for each in changed:
        session.execute(
            delete(_ENTRIES).where(
                _ENTRIES.c.kind == KINDS[each.__tablename__], _ENTRIES.c.record_id == each.id
            )
        )
    enter(session, [*fresh, *changed])
    session.execute(
        _CHECKS.insert(),
        [{"kind": each.__tablename__, "record_id": each.id, "is_old": False} for each in (*fresh, *changed)],
    )


def _has_changed(each: Any) -> bool:
    attributes = inspect(each).attrs
    return any(attributes[name].history.has_changes() for name in (*COLUMNS[type(each)], "deleted_at"))


def enter(session: Session, records: Iterable[Any]) -> None:
    """Write the entries of accounts and contacts that have none.  Does not commit."""
    rows = [
        {"kind": KINDS[each.__tablename__], "text": text, "record_id": each.id}
        for each in records
        for text in sorted(entries_of(each.__tablename__, values_of(each)))
    ]
    if rows:
        session.execute(_ENTRIES.insert(), rows)


def values_of(record: Any) -> dict[str, Any]:
    """The columns of an account or contact that it is found by."""
    return {name: getattr(record, name) for name in COLUMNS[type(record)]}


def follow_account(session: Session, losers: Sequence[int], survivor: int) -> None:
    """Let what contacts are called at their account follow them, as they become those of another."""
    for loser in losers:
        before = f"#{loser} "
        text = _ENTRIES.c.text
        session.execute(
            update(_ENTRIES)
            .where(_ENTRIES.c.kind == KINDS["contact"], text >= before, text < before + LAST)
            .values(
                text=func.substr(literal(f"#{survivor} ") + func.substr(text, len(before) + 1), 1, LONGEST)
            )
        )
