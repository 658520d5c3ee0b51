"""Accounts and contacts by what people type: from the entries to records, under the scope of who asks.

Each way reads a bounded part of one index.  Whoever sees (nearly) everything walks the entries that begin
with the text until enough are found; whoever sees little walks what they see, and asks of each whether it
has such an entry: neither grows with the number of records.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from babel.core import get_global
from sqlalchemy import ColumnElement, Select, and_, select, union
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Account, Contact
from app.kernel import refs
from app.kernel.actor import Actor, Level
from app.search.models import SearchEntry
from app.search.near import near_words
from app.search.words import (
    KINDS,
    LAST,
    typed_address,
    typed_name,
    typed_numbers,
)
from app.sharing.merge import conditions_of
from app.sharing.scope import branches, scope, scoped

Model = type[Account] | type[Contact]
# A list that is narrowed by a text looks at no more than this many; whoever finds more types another letter.
MOST = 1000
# So many entries of the text's rarest word are looked through for its other words.
MOST_LOOKED_AT = 2000
MOST_ACCOUNTS = 50
MOST_GUESSES = 6
_KINDS: dict[Any, str] = {Account: "account", Contact: "contact"}
_REFS: dict[Any, str] = {Account: refs.ACCOUNT, Contact: refs.CONTACT}


def found_by(session: Session, actor: Actor, model: Model, text: str) -> ColumnElement[bool]:
    """That the record is one of those which the text finds; for lists.  Misspellings are not tried."""
    selects = [way for tier in _tiers(actor, model, text) for way in tier]
    if not selects:
        return model.id.is_(None)
    limited = [select(way.limit(MOST).subquery().c.id) for way in selects]
    return model.id.in_(union(*limited) if len(limited) > 1 else limited[0])


def find_ids(
    session: Session, actor: Actor, model: Model, text: str, *, limit: int, beyond_first: bool = False
) -> list[int]:
    """Keys of the first records that the text finds, the closest first; the costlier ways only if need be.

    beyond_first: only by the ways that come after `beginnings`, which the caller has looked through.
    """
    found: dict[int, None] = {}
    for place, tier in enumerate(_tiers(actor, model, text)):
        if beyond_first and place == 0:
            continue
        for way in tier:
            # A record may begin with the text in several of its words.
            found.update(dict.fromkeys(row.id for row in session.execute(way.limit(3 * limit))))
            if len(found) >= limit:
                return list(found)[:limit]
    return list(found)


def beginnings(actor: Actor, model: Model, text: str) -> list[str] | None:
    """What entries begin with that the text finds at once, for whoever sees most records.

    None for whoever sees little, and for text of another sort: a public name, a whole number with its country.
    """
    if refs.is_ref(_REFS[model], text) or not (actor.is_system or _sees_most(actor, model)):
        return None
    numbers, whole = typed_numbers(text, get_global("zone_territories").get(actor.time_zone))
    if whole:
        return None
    name = typed_name(text)
    return [*([name] if name else []), *numbers, *typed_address(text)]


@lru_cache(maxsize=256)
def knows_words(actor: Actor) -> bool:
    """Whether guesses are no news to the person: their words come from accounts and contacts whoever sees those.

    To whoever does not, a record that is found by a word which it does not hold tells that another one holds it.
    """
    return not actor.is_partner and all(_sees_most(actor, model) for model in _KINDS)


def guesses(session: Session, text: str) -> list[str]:
    """What somebody may have meant who typed the text: each with one of its words spelt as records spell it."""
    words = typed_name(text).split()
    near = near_words(session, words)
    found = [
        " ".join([*words[:at], other, *words[at + 1 :]])
        for at, word in enumerate(words)
        for other in near.get(word, ())
    ]
    return list(dict.fromkeys(found))[:MOST_GUESSES]


def begins(text: str, entry: Any = SearchEntry) -> ColumnElement[bool]:
    """That an entry begins with the text, as a range of its index."""
    return and_(entry.text >= text, entry.text < text + LAST)


def _tiers(actor: Actor, model: Model, text: str) -> Iterator[list[Select[Any]]]:
    """Selects of keys, in groups: those of the first are answered from one range of an index each."""
    if refs.is_ref(_REFS[model], text):
        yield [select(model.id).where(scope(model, actor, Level.READ), model.ref == text)]
        return
    name = typed_name(text)
    country = get_global("zone_territories").get(actor.time_zone)
    beginnings, whole = typed_numbers(text, country)
    first = [_way(actor, model, begins(start)) for start in (*beginnings, *typed_address(text))]
    if whole:
        first.append(_way(actor, model, SearchEntry.text.in_(whole)))
    yield [*([_way(actor, model, begins(name))] if name else []), *first]
    words = name.split()
    if 2 <= len(words) <= 6 and not whole:
        yield [_all_words(actor, model, words)]
        if model is Contact:
            yield [_at_account(actor, words, cut) for cut in range(1, len(words))]
            yield [
                _at_account(actor, words[cut:] + words[:cut], len(words) - cut)
                for cut in range(1, len(words))
            ]


def _sees_most(actor: Actor, model: Model) -> bool:
    return any(rule.is_whole or rule.cause == "default" for rule in _rules(model, actor))


@lru_cache(maxsize=1024)
def _rules(model: Model, actor: Actor) -> Sequence[Any]:
    return tuple(branches(model, actor, Level.READ)) if not actor.is_system else ()


def _way(actor: Actor, model: Model, condition: ColumnElement[bool]) -> Select[Any]:
    """Keys of records that have an entry for which the condition holds."""
    kind = SearchEntry.kind == KINDS[_KINDS[model]]
    if actor.is_system or _sees_most(actor, model):
        return (
            select(model.id)
            .select_from(SearchEntry)
            .join(model, model.id == SearchEntry.record_id)
            .where(kind, condition, scope(model, actor, Level.READ))
            .order_by(SearchEntry.text, SearchEntry.record_id)
        )
    return _along_records(actor, model, _has_entry(model, condition))


def _has_entry(model: Model, condition: ColumnElement[bool], entry: Any = SearchEntry) -> ColumnElement[bool]:
    """That the record has an entry for which the condition holds: looked up for each record.

    Not EXISTS, which a planner may turn round: it takes the entries of a common name for few and reads them all.
    """
    of_record = select(entry.record_id).where(
        entry.kind == KINDS[_KINDS[model]], entry.record_id == model.id, condition
    )
    return of_record.limit(1).correlate(model.__table__).scalar_subquery().is_not(None)


def _along_records(actor: Actor, model: Model, has_entry: ColumnElement[bool]) -> Select[Any]:
    """What the actor sees, rule by rule, of which each has such an entry."""
    parts = [
        select(model.id).where(scoped(model, condition), has_entry)
        for condition in conditions_of(model, actor, Level.READ)
    ]
    if not parts:
        return select(model.id).where(scope(model, actor, Level.READ))
    merged = union(*parts).subquery() if len(parts) > 1 else parts[0].subquery()
    return select(merged.c.id).order_by(merged.c.id)


def _all_words(actor: Actor, model: Model, words: Sequence[str]) -> Select[Any]:
    """Records that have each of the words, wherever; found by the longest, which few others have."""
    kind = KINDS[_KINDS[model]]
    longest = max(words, key=len)
    others = [
        _has_entry(model, begins(word, other), other)
        for word in words
        if word is not longest
        for other in (aliased(SearchEntry),)
    ]
    if not (actor.is_system or _sees_most(actor, model)):
        return _along_records(actor, model, and_(_has_entry(model, begins(longest)), *others))
    having = (
        select(SearchEntry.record_id)
        .where(SearchEntry.kind == kind, begins(longest))
        .limit(MOST_LOOKED_AT)
        .subquery()
    )
    return (
        select(model.id)
        .join(having, having.c.record_id == model.id)
        .where(scope(model, actor, Level.READ), *others)
    )


def _at_account(actor: Actor, words: Sequence[str], cut: int) -> Select[Any]:
    """Contacts called by the first words, of accounts called by the others: "maria forges"."""
    person, company = " ".join(words[:cut]), " ".join(words[cut:])
    at = _way(actor, Account, begins(company)).limit(MOST_ACCOUNTS).subquery()
    entry = aliased(SearchEntry)
    return select(Contact.id).where(
        scope(Contact, actor, Level.READ),
        Contact.account_id.in_(select(at.c.id)),
        _has_entry(Contact, begins(person, entry), entry),
    )
