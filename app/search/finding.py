"""Records by what people type: from the entries to records, under the scope of who asks.

Of a lead only what the person may read in full is found, and by no field that is hidden from them.  Each way
reads a bounded part of one index.  Whoever sees much walks the entries that begin with the text until enough
are found; whoever sees little walks what they see, and asks of each whether it has such an entry: neither
grows with the number of records.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any

from babel.core import get_global
from sqlalchemy import (
    ColumnElement,
    Select,
    SelectBase,
    and_,
    bindparam,
    literal,
    select,
    union,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Account, Contact
from app.campaigns.models import Campaign
from app.kernel import refs
from app.kernel.actor import Actor, Level
from app.leads.models import Lead
from app.search.models import SearchEntry
from app.search.near import near_words
from app.search.words import (
    LAST,
    LEAD_KINDS,
    kinds_of,
    typed_address,
    typed_name,
    typed_numbers,
)
from app.sharing.merge import conditions_of
from app.sharing.scope import branches, scope, scoped
from app.sharing.walking import gives_many

Model = type[Account] | type[Contact] | type[Lead] | type[Campaign]
# So many entries of the text's rarest word are looked through for its other words.
MOST_LOOKED_AT = 2000
MOST_ACCOUNTS = 50
# Whoever sees no more than so many records of a kind has these walked, not the entries.
MOST_WALKED = 1000
# Of partner people far more: past it they could tell by the clock a word that very many hidden records hold.
MOST_WALKED_OF_PARTNERS = 5000
REMEMBERED_FOR = 60.0  # seconds
MOST_REMEMBERED = 1000
MOST_GUESSES = 6
_REFS: Mapping[Any, str] = {
    Account: refs.ACCOUNT, Contact: refs.CONTACT, Lead: refs.LEAD, Campaign: refs.CAMPAIGN,
}  # fmt: skip
# What each is sorted by where lists go by name.
KEYS: Mapping[Any, Any] = {Account: Account.name_fold, Contact: Contact.last_name_fold}


# (actor, model, how many is much) → (until when it is taken for true, whether the actor is given more).
_MUCH: dict[tuple[Actor, Model, int], tuple[float, bool]] = {}


class Sort(StrEnum):
    """What a text is taken for."""

    NAME = "name"
    ADDRESS = "address"
    NUMBER = "number"


# Of a lead: the entries that a text of that sort may meet, and the fields that they tell of.  One key stands for
# whichever of the two numbers there is.
_OF_LEADS: Mapping[Sort, Sequence[tuple[int, frozenset[str]]]] = {
    Sort.NAME: tuple(
        zip(
            LEAD_KINDS,
            map(frozenset, (("company",), ("first_name", "last_name"), ("email",))),
            strict=True,
        )
    ),
    Sort.ADDRESS: ((LEAD_KINDS[2], frozenset({"email"})),),
    Sort.NUMBER: ((LEAD_KINDS[2], frozenset({"phone", "mobile"})),),
}
# The same of what leads became: which fields of leads its entries tell of.
_OF_RESULTS: Mapping[Sort, frozenset[str]] = {
    Sort.NAME: frozenset({"email"}),
    Sort.ADDRESS: frozenset({"email", "website"}),
    Sort.NUMBER: frozenset({"phone", "mobile"}),
}
_TOLD_BY_RESULTS = frozenset[str]().union(*_OF_RESULTS.values())
_TOLD_BY_LEADS = frozenset[str]().union(*(told for known in _OF_LEADS.values() for _kind, told in known))


@lru_cache(maxsize=1024)
def kinds_for(actor: Actor, model: Model, sort: Sort) -> tuple[int, ...]:
    """The kinds of entries that the actor may find records by, for a text of that sort."""
    if model is not Lead:
        # What hangs on a name, an address and a number stands in entries of one kind.
        told_by = _OF_RESULTS[sort] if model in (Account, Contact) else frozenset[str]()
        return () if told_by & set(actor.hidden_fields) else kinds_of(model.__tablename__)
    return tuple(kind for kind, told in _OF_LEADS[sort] if not told & set(actor.hidden_fields))


def find_ids(
    session: Session, actor: Actor, model: Model, text: str, *, limit: int, beyond_first: bool = False
) -> list[int]:
    """Keys of the first records that the text finds, the closest first; the costlier ways only if need be.

    beyond_first: only by the ways that come after `beginnings`, which the caller has looked through.
    """
    found: dict[int, None] = {}
    for place, tier in enumerate(tiers(actor, model, text, sees_much(session, actor, model))):
        if not tier or (beyond_first and place == 0):
            continue
        # A record may begin with the text in several of its words.
        found.update(dict.fromkeys(row.id for row in session.execute(in_turn(tier, 3 * limit))))
        if len(found) >= limit:
            break
    return list(found)[:limit]


def in_turn(ways: Sequence[Select[Any]], most: int) -> Select[Any]:
    """The first keys of each of the ways, one way after the other; one statement."""
    if len(ways) == 1:
        return ways[0].limit(most)
    parts = [
        select(literal(place).label("place"), way.limit(most).subquery().c.id)
        for place, way in enumerate(ways)
    ]
    every = union_all(*parts).subquery()
    return select(every.c.id).order_by(every.c.place)


def beginnings(actor: Actor, model: Model, text: str) -> list[str] | None:
    """What entries begin with that the text finds at once, for whoever sees most records.

    None for whoever sees little, or not all that is looked through, and for text of another sort: a public name,
    a whole number with its country.
    """
    if refs.is_ref(_REFS[model], text) or not (actor.is_system or _sees_most(actor, model)):
        return None
    if (_TOLD_BY_LEADS if model is Lead else _TOLD_BY_RESULTS) & set(actor.hidden_fields):
        return None
    numbers, whole = typed_numbers(text, get_global("zone_territories").get(actor.time_zone))
    if whole:
        return None
    name = typed_name(text)
    return [*([name] if name else []), *numbers, *typed_address(text)]


def only_name(actor: Actor, text: str) -> str:
    """The text as names are compared, where it can be nothing but a name; else ""."""
    numbers, whole = typed_numbers(text, get_global("zone_territories").get(actor.time_zone))
    if numbers or whole or typed_address(text) or any(refs.is_ref(each, text) for each in _REFS.values()):
        return ""
    return typed_name(text)


def leads_called(actor: Actor, is_given_much: bool, *, limit: int) -> SelectBase | None:
    """Select of (id, …) of the first leads with a name that begins with the parameter `first`, and comes before `last`.

    They come in the order of its columns behind the key, then of the key; a lead by several of its words.  None for
    whom names of leads are hidden from.
    """
    begins_so = and_(SearchEntry.text >= bindparam("first"), SearchEntry.text < bindparam("last"))
    kinds = [kind for kind in kinds_for(actor, Lead, Sort.NAME) if kind in LEAD_KINDS[:2]]
    if not kinds:
        return None
    if not is_given_much:
        return _along_records(actor, Lead, has_entry(Lead, kinds, begins_so)).limit(limit)
    ways = [
        _along_entries(actor, Lead, kind, begins_so).add_columns(SearchEntry.kind, SearchEntry.text)
        for kind in kinds
    ]
    return union_all(*(select(*way.limit(2 * limit).subquery().c) for way in ways))


@lru_cache(maxsize=256)
def knows_words(actor: Actor) -> bool:
    """Whether guesses are no news to the person: their words come from records of these kinds, whoever sees them.

    To whoever does not, a record that is found by a word which it does not hold tells that another one holds it.
    """
    return not actor.is_partner and all(_sees_most(actor, model) for model in _REFS)


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


def sees_much(session: Session, actor: Actor, model: Model) -> bool:
    """Whether walking entries leads sooner to what the actor sees than walking what they see.

    One statement, or none.  It is remembered for a minute, in which somebody types one letter after the other: each
    way finds only what the actor sees at that moment, and only its cost depends on how much that is.
    """
    if actor.is_system or _sees_most(actor, model):
        return True
    most = MOST_WALKED_OF_PARTNERS if actor.is_partner else MOST_WALKED
    asked, now = (actor, model, most), time.monotonic()
    known = _MUCH.get(asked)
    if known is None or known[0] < now:
        if len(_MUCH) >= MOST_REMEMBERED:
            _MUCH.clear()
        known = _MUCH[asked] = now + REMEMBERED_FOR, bool(session.scalar(_gives_many(*asked)))
    return known[1]


@lru_cache(maxsize=256)
def _gives_many(actor: Actor, model: Model, most: int) -> Select[bool]:
    return gives_many(model, actor, most=most)


def tiers(actor: Actor, model: Model, text: str, is_given_much: bool) -> Iterator[list[Select[Any]]]:
    """Selects of keys, in groups: those of the first are answered from one range of an index each."""
    if refs.is_ref(_REFS[model], text):
        yield [select(model.id).where(scope(model, actor, Level.READ), model.ref == text)]
        return
    name = typed_name(text)
    country = get_global("zone_territories").get(actor.time_zone)
    numbers, whole = typed_numbers(text, country)
    first = _ways(actor, model, Sort.NAME, begins(name), is_given_much) if name else []
    if (
        name
        and model is Lead
        and "first_name" in actor.hidden_fields
        and "last_name" not in actor.hidden_fields
    ):
        first.append(_by_key(actor, Lead, Lead.last_name_fold, name, is_given_much))
    if name and model in KEYS and not kinds_for(actor, model, Sort.NAME):
        first.append(_by_key(actor, model, KEYS[model], name, is_given_much))
    for start in numbers:
        first += _ways(actor, model, Sort.NUMBER, begins(start), is_given_much)
    for start in typed_address(text):
        first += _ways(actor, model, Sort.ADDRESS, begins(start), is_given_much)
    if whole:
        first += _ways(actor, model, Sort.NUMBER, SearchEntry.text.in_(whole), is_given_much)
    yield first
    words = name.split()
    if 2 <= len(words) <= 6 and not whole and kinds_for(actor, model, Sort.NAME):
        yield [_all_words(actor, model, words, is_given_much)]
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


def _ways(
    actor: Actor, model: Model, sort: Sort, condition: ColumnElement[bool], is_given_much: bool
) -> list[Select[Any]]:
    """Keys of records that have an entry for which the condition holds, among those for texts of that sort.

    One for each kind of entry where they are walked: in their order they stand by kinds.
    """
    kinds = kinds_for(actor, model, sort)
    if is_given_much:
        return [_along_entries(actor, model, kind, condition) for kind in kinds]
    return [_along_records(actor, model, has_entry(model, kinds, condition))] if kinds else []


def _along_entries(actor: Actor, model: Model, kind: int, condition: ColumnElement[bool]) -> Select[Any]:
    here = (SearchEntry.kind == kind, condition)
    order = (SearchEntry.text, SearchEntry.record_id)
    if actor.is_system or _sees_most(actor, model):
        joined = select(model.id).select_from(SearchEntry).join(model, model.id == SearchEntry.record_id)
        return joined.where(*here, scope(model, actor, Level.READ)).order_by(*order)
    return select(SearchEntry.record_id.label("id")).where(*here, _is_seen(actor, model)).order_by(*order)


def _is_seen(actor: Actor, model: Model) -> ColumnElement[bool]:
    """That the entry's record is one that the actor reads.

    No join: a planner that sees the rules' own conditions begins with all that they give.
    """
    seen = select(model.id).where(model.id == SearchEntry.record_id, scope(model, actor, Level.READ)).limit(1)
    return seen.correlate(SearchEntry).scalar_subquery().is_not(None)


def _by_key(actor: Actor, model: Model, key: Any, name: str, is_given_much: bool) -> Select[Any]:
    """Records whose name begins so, for those who do not see all that their entries hold beside it."""
    here = and_(key >= name, key < name + LAST)
    if is_given_much:
        return select(model.id).where(scope(model, actor, Level.READ), here).order_by(key, model.id)
    return _along_records(actor, model, here)


def has_entry(
    model: Model, kinds: Sequence[int], condition: ColumnElement[bool], entry: Any = SearchEntry
) -> ColumnElement[bool]:
    """That the record has an entry of these kinds for which the condition holds: looked up for each record.

    Not EXISTS, which a planner may turn round: it takes the entries of a common name for few and reads them all.
    """
    of_record = select(entry.record_id).where(entry.kind.in_(kinds), entry.record_id == model.id, condition)
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


def _all_words(actor: Actor, model: Model, words: Sequence[str], is_given_much: bool) -> Select[Any]:
    """Records that have each of the words, wherever; found by the longest, which few others have."""
    kinds = kinds_for(actor, model, Sort.NAME)
    longest = max(words, key=len)
    others = [
        has_entry(model, kinds, begins(word, other), other)
        for word in words
        if word is not longest
        for other in (aliased(SearchEntry),)
    ]
    if not is_given_much:
        return _along_records(actor, model, and_(has_entry(model, kinds, begins(longest)), *others))
    here = [SearchEntry.kind.in_(kinds), begins(longest)]
    if not (actor.is_system or _sees_most(actor, model)):
        here.append(_is_seen(actor, model))  # or hidden ones would take the place of what is theirs to find
    having = select(SearchEntry.record_id).where(*here).limit(MOST_LOOKED_AT).subquery()
    return (
        select(model.id)
        .join(having, having.c.record_id == model.id)
        .where(scope(model, actor, Level.READ), *others)
    )


def _at_account(actor: Actor, words: Sequence[str], cut: int) -> Select[Any]:
    """Contacts called by the first words, of accounts called by the others: "maria forges"."""
    person, company = " ".join(words[:cut]), " ".join(words[cut:])
    at = (
        _ways(actor, Account, Sort.NAME, begins(company), _sees_most(actor, Account))[0]
        .limit(MOST_ACCOUNTS)
        .subquery()
    )
    entry = aliased(SearchEntry)
    return select(Contact.id).where(
        scope(Contact, actor, Level.READ),
        Contact.account_id.in_(select(at.c.id)),
        has_entry(Contact, kinds_of("contact"), begins(person, entry), entry),
    )
