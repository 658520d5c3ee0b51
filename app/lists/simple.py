"""Simple filters that lists of several objects have: a key, an entry of a registry, a record, a person, the beginning of a text.

Each is made for a column, takes values as they stand in an address, and finds what has any of them.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, false, or_, select, union
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.accounts.models import Account
from app.identity.models import User
from app.kernel.actor import Actor, Level, Permission
from app.kernel.fold import fold
from app.kernel.prefix import starts_with
from app.search.finding import sees_much
from app.sharing.merge import conditions_of
from app.sharing.scope import scope, scoped

Condition = ColumnElement[bool]
Make = Callable[[Session, Actor, Sequence[str]], Condition]
# A text that begins the names of more accounts than these finds nothing by them: it says too little.
MOST_ACCOUNTS = 50
# A search looks at no more than this many of each way; whoever finds more types another letter.
MOST_CANDIDATES = 1000


def keyed(column: InstrumentedAttribute[Any], key: Callable[[str], str | None] = str) -> Make:
    """key: makes of a value what the column holds, None where it can hold nothing of the kind."""
    return lambda _session, _actor, values: column.in_([key(value) or "" for value in values])


def entry(model: Any, column: InstrumentedAttribute[Any]) -> Make:
    """An entry of a registry, by its key or its public name."""

    def make(session: Session, _actor: Actor, values: Sequence[str]) -> Condition:
        found = select(model.id).where(or_(model.key.in_(values), model.ref.in_(values)))
        return column.in_(session.scalars(found).all())

    return make


def record(model: Any, column: InstrumentedAttribute[Any]) -> Make:
    """A record by its public name, as far as the actor may read it."""

    def make(session: Session, actor: Actor, values: Sequence[str]) -> Condition:
        found: Select[int] = select(model.id).where(scope(model, actor, Level.READ), model.ref.in_(values))
        return column.in_(session.scalars(found).all())

    return make


def person(column: InstrumentedAttribute[Any]) -> Make:
    """Somebody by their public name, or "me".  Partner people know nobody outside their company, whoever is asked for."""

    def make(session: Session, actor: Actor, values: Sequence[str]) -> Condition:
        wanted = [actor.ref if value == "me" else value for value in values]
        found = select(User.id).where(User.ref.in_(wanted))
        if actor.is_partner:
            found = found.where(User.partner_account_id == actor.company_id)
        return column.in_(session.scalars(found).all())

    return make


def searched(model: Any, ways: Callable[[Session, Actor, str], Sequence[Condition]]) -> Make:
    """What a text finds by any of its ways: conditions that an index of their own answers each.

    The first matches are read beforehand: of a list of keys both databases know that it is short, of a statement
    they do not.
    """

    def make(session: Session, actor: Actor, values: Sequence[str]) -> Condition:
        texts = [value.strip() for value in values]
        found = {key for text in texts for key in _first(session, actor, model, ways(session, actor, text))}
        return model.id.in_(found) if found else false()

    return make


def _first(session: Session, actor: Actor, model: Any, ways: Sequence[Condition]) -> Sequence[int]:
    """Keys of the first matches of each way, which never reads more."""
    look = _along if sees_much(session, actor, model) else _asked
    # Each reason by itself: an OR of them leads the databases past the index of the text.
    limited = [
        select(look(model, seen, way).limit(MOST_CANDIDATES).subquery().c.id)
        for way in ways
        for seen in conditions_of(model, actor, Level.READ)
    ]
    return session.scalars(union(*limited)).all() if limited else ()


def _along(model: Any, seen: Condition, way: Condition) -> Select[int]:
    return select(model.id).where(scoped(model, seen), way)


def _asked(model: Any, seen: Condition, way: Condition) -> Select[int]:
    """The same of each record that the reason gives: of what is hidden with the text nobody who sees little waits."""
    held = select(model.id).where(scoped(model, seen)).offset(0).subquery()
    record = select(model.id).where(model.id == held.c.id, way).limit(1)
    return select(held.c.id).where(record.correlate(held).scalar_subquery().is_not(None))


def accounts_called(session: Session, actor: Actor, text: str) -> list[int]:
    """Keys of the accounts that the actor may read and whose name begins so."""
    if not actor.can(Permission.ACCOUNT_VIEW):
        return []
    called = starts_with(session, Account.name_fold, fold(text))
    if not sees_much(session, actor, Account):
        return list(_first(session, actor, Account, [called]))[:MOST_ACCOUNTS]
    query = select(Account.id).where(scope(Account, actor, Level.READ), called)
    return list(session.scalars(query.limit(MOST_ACCOUNTS)))
