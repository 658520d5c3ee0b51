"""Candidates for one and the same: the texts by which a record that is a little different can be found.

Every text is looked up whole in the index of entries, and gives at most a few records: the cost depends on
the record at hand, not on how many there are.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import Select, String, Text, and_, bindparam, func, join, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Account, Contact
from app.kernel.actor import Actor, Level
from app.kernel.db import is_sqlite
from app.kernel.fold import company_key, is_free_mail, words_of
from app.search.models import LONGEST, SearchEntry
from app.search.near import near_words
from app.search.words import KINDS, address_keys, at_account, entries_of, is_spellable, name_at_place
from app.sharing.scope import scope

# Of one text: so many records are looked at.  A postal address that a thousand share names nobody.
MOST_PER_TEXT = 10
MOST_TEXTS = 120
MOST_ALIKE = 6
MOST_WORDS = 4

_COMPARED: Mapping[type[Any], Sequence[str]] = {
    Account: (
        "id", "ref", "kind", "name", "company_key", "domain", "phone_key", "email", "site", "first_name", "last_name",
        "billing_street", "billing_city", "billing_postal_code", "owner_user_id", "parent_id",
    ),
    Contact: (
        "id", "ref", "first_name", "last_name", "email_key", "phone_key", "account_id", "title", "owner_user_id",
    ),
}  # fmt: skip


def find_candidates(
    session: Session, actor: Actor, model: Any, values: Mapping[str, Any], *, except_id: int = 0
) -> list[Mapping[str, Any]]:
    """Columns of records that may be the one at hand, as far as the actor may read them.

    values: its columns, derived ones included.  Two statements: the spellings of its words, the records.
    """
    wanted = texts_of(model, values, partial(near_words, session))
    found = by_text(session, actor, model, wanted)
    kept = {row["id"]: row for rows in found.values() for row in rows if row["id"] != except_id}
    return list(kept.values())


def by_text(
    session: Session, actor: Actor, model: Any, texts: Collection[str]
) -> dict[str, list[Mapping[str, Any]]]:
    """Text → columns of the first records that the actor may read which have it as an entry.  One statement."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    if texts:
        given: Any = json.dumps(list(texts)) if is_sqlite(session) else list(texts)
        parameters = {"texts": given, "kind": KINDS[model.__tablename__]}
        for row in session.execute(_statement(model, actor, is_sqlite(session)), parameters).mappings():
            found.setdefault(row["wanted_text"], []).append(dict(row))
    return found


# Texts
Near = Callable[[Collection[str]], Mapping[str, Sequence[str]]]  # see `near_words`


def texts_of(model: Any, values: Mapping[str, Any], near: Near) -> list[str]:
    """The entries that a record which is probably the same has, in order; no more than are looked up."""
    texts = account_texts(near, values) if model is Account else contact_texts(near, values)
    return sorted(texts)[:MOST_TEXTS]


def account_texts(near_to: Near, values: Mapping[str, Any]) -> set[str]:
    """Entries that an account which is probably the same has."""
    texts = entries_of(
        "account", {**values, "name": "", "company_key": " ", "site": None, "account_number": None}
    )
    texts -= {"", " "}
    if is_free_mail(values.get("domain")):
        texts.discard(f"@{values['domain']}")
    if values.get("kind") == "person":
        names = [" ".join(words_of(values.get(name))) for name in ("first_name", "last_name")]
        texts |= set(_respelt(near_to, [name for name in names if name]))
        near = near_to([name for name in names if is_spellable(name)])
        alike = {*names, *(other for others in near.values() for other in others[:MOST_ALIKE])}
        return texts | address_keys(values) | name_at_place(values, alike)
    texts = {text for text in texts if not text.startswith("$")}
    key = values.get("company_key") or company_key(values.get("name")) or ""
    if key:
        texts |= {key[:LONGEST], key.replace(" ", "")[:LONGEST]}
        texts |= set(_respelt(near_to, key.split()))
    return texts


def contact_texts(near_to: Near, values: Mapping[str, Any]) -> set[str]:
    """Entries that a contact which is probably the same has."""
    texts = set(entries_of("contact", {**values, "first_name": "", "last_name": ""}))
    # A mail domain is shared by all who work there.
    texts = {text for text in texts if text[0] == "+" or "@" in text[1:]}
    if values.get("account_id") is not None:
        texts |= at_account(values)
        names = [" ".join(words_of(values.get(name))) for name in ("first_name", "last_name")]
        texts |= set(_respelt(near_to, [name for name in names if name], at=values["account_id"]))
    return texts


def _respelt(near_to: Near, names: Sequence[str], at: int | None = None) -> Iterator[str]:
    """The names one after the other, from each on, as they are and with one or two of their words respelt.

    at: an account; the texts are those that its contacts have besides, see `words.at_account`.
    """
    words = " ".join(names).split()[:8]
    if not words:
        return
    near = near_to([word for word in sorted(words, key=len)[-MOST_WORDS:] if is_spellable(word)])
    spelt = [words]
    for place, word in enumerate(words):
        spelt += [[*words[:place], other, *words[place + 1 :]] for other in near.get(word, ())[:8]]
    if len(words) == 2:
        spelt += [[a, b] for a in near.get(words[0], ())[:4] for b in near.get(words[1], ())[:4]]
    prefix = "" if at is None else f"#{at} "
    for each in spelt:
        yield f"{prefix}{' '.join(each)}"[:LONGEST].rstrip()
        if len(each) == 2:
            yield f"{prefix}{each[1]} {each[0]}"[:LONGEST].rstrip()


# The statement


@lru_cache(maxsize=512)
def _statement(model: Any, actor: Actor, on_sqlite: bool) -> Select[Any]:
    """Columns of the first records that the actor may read for each of the texts, with the text."""
    columns = [getattr(model, name) for name in _COMPARED[model]]
    kind: Any = bindparam("kind")
    if on_sqlite:
        wanted = func.json_each(bindparam("texts", type_=String)).table_valued("value", name="wanted")
    else:
        unnested = func.unnest(bindparam("texts", type_=ARRAY(Text)))
        wanted = unnested.table_valued("value").render_derived(name="wanted")
    first = (
        select(*([model.id] if on_sqlite else columns))
        .select_from(SearchEntry)
        .join(model, model.id == SearchEntry.record_id)
        .where(
            SearchEntry.kind == kind,
            SearchEntry.text == wanted.c.value,
            scope(model, actor, Level.READ),
        )
        .order_by(SearchEntry.record_id)
        .limit(MOST_PER_TEXT)
        .correlate(wanted)
    )
    if on_sqlite:
        # The names within mean the tables within: they hide the ones without.  By way of the entries, or SQLite
        # would go through all records for each text.
        entry = aliased(SearchEntry, name="entry")
        found = and_(
            entry.kind == kind, entry.text == wanted.c.value, entry.record_id.in_(first.scalar_subquery())
        )
        rows = join(wanted, entry, found).join(model, model.id == entry.record_id)
        return select(wanted.c.value.label("wanted_text"), *columns).select_from(rows)
    each = first.lateral("first")
    return select(wanted.c.value.label("wanted_text"), *each.c).select_from(wanted.join(each, true()))


def shown(values: Mapping[str, Any], names: Collection[str]) -> str:
    """The first of those that says something; for what tells a record from others of its name."""
    return next((str(values[name]) for name in names if values.get(name)), "")
