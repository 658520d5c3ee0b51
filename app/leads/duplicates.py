"""Probable duplicates of leads, on arrival and when what they are compared by changes: leads, contacts and accounts with the same e-mail, phone or company.

Leads are always saved and flagged.  Everything is looked at, whoever may see it; what is found is stored
with the lead and shown only as far as the reader may see it.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, String, Text, bindparam, func, literal, select, true, union_all
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from app.accounts.models import Account, Contact
from app.kernel.actor import Actor
from app.kernel.db import is_sqlite
from app.leads.models import Lead
from app.sharing.scope import scope

_COMPARING = Actor.system("duplicates")
MOST_PER_KEY = 5
MOST = 10
_TRUE, _EMPTY = true(), literal("", Text)


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a lead is compared by: the key columns of `columns.derived_columns`.  None compares nothing."""

    email_key: str | None
    phone_key: str | None
    company_key: str | None
    last_name_fold: str = ""


def likeness_of(lead: Lead) -> Likeness:
    """As its columns say now."""
    return Likeness(lead.email_key, lead.phone_key, lead.company_key, lead.last_name_fold)


@dataclass(frozen=True, slots=True)
class _Look:
    """One comparison: rows of `model` whose `key` column equals; `reason` says by what."""

    kind: str
    model: Any
    key: InstrumentedAttribute[Any]
    reason: str
    last_name: InstrumentedAttribute[Any] | None = None


_LOOKS = (
    _Look("lead", Lead, Lead.email_key, "email", Lead.last_name_fold),
    _Look("lead", Lead, Lead.phone_key, "phone", Lead.last_name_fold),
    _Look("lead", Lead, Lead.company_key, "company", Lead.last_name_fold),
    _Look("contact", Contact, Contact.email_key, "email", Contact.last_name_fold),
    _Look("contact", Contact, Contact.phone_key, "phone", Contact.last_name_fold),
    _Look("account", Account, Account.phone_key, "phone"),
    _Look("account", Account, Account.company_key, "company"),
)
_KEY_OF = {"email": "email_key", "phone": "phone_key", "company": "company_key"}
# The fields that each is made of.
_KEY_FROM = {
    "email": frozenset({"email"}), "phone": frozenset({"phone", "mobile", "country"}), "company": frozenset({"company"}),
}  # fmt: skip


def find_duplicates(
    session: Session, leads: Sequence[Likeness], ids: Sequence[int] | None = None
) -> list[list[dict[str, Any]]]:
    """For each lead what it may be a duplicate of, in the form that `Lead.duplicates` keeps.

    `[{"type", "id", "reasons"}]` with inner ids; reasons: email, phone, company, and name beside another
    where the last name is the same too; those with most reasons first, at most ten.  At most five
    records are looked at for each key, so that a name many share costs no more than others.
    ids: keys that these leads will have, when they arrive together: the earlier ones count for the later.

    Seven statements, however many leads.
    """
    found: list[dict[tuple[str, int], list[str]]] = [{} for _ in leads]
    for look in _LOOKS:
        attribute = _KEY_OF[look.reason]
        keys = {key for lead in leads if (key := getattr(lead, attribute))}
        matches = _matches(session, look, keys)
        for lead, reasons in zip(leads, found, strict=True):
            for record_id, last_name in matches.get(getattr(lead, attribute), ()):
                _add(reasons, look.kind, record_id, look.reason, last_name, lead)
    if ids is not None:
        _compare_within(leads, ids, found)
    return [_as_stored(reasons) for reasons in found]


@dataclass(frozen=True, slots=True)
class Refilled:
    """A lead some fields of which are others now.  stored: its `duplicates` so far.  changed: names of the fields."""

    id: int
    likeness: Likeness
    stored: Sequence[Mapping[str, Any]]
    changed: Collection[str]

    @property
    def anew(self) -> set[str]:
        """By what it has to be compared again."""
        return {reason for reason, fields in _KEY_FROM.items() if fields & set(self.changed)}


def find_anew(session: Session, leads: Sequence[Refilled]) -> list[list[dict[str, Any]]]:
    """For each what it may be a duplicate of now, in the same form.  Seven statements at most, however many leads.

    Only what was, or is now, alike by a field that changed: whoever is not shown a field is told nothing by its change.
    """
    asked = []
    for lead in leads:
        same: dict[str, Any] = {key: None for reason, key in _KEY_OF.items() if reason not in lead.anew}
        asked.append(replace(lead.likeness, **same))
    matches = find_duplicates(session, asked)
    return [_anew(lead, entries) for lead, entries in zip(leads, matches, strict=True)]


def _anew(lead: Refilled, matches: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What stays of what was found before, and what is alike now."""
    found: dict[tuple[str, int], list[str]] = {}
    for entry in lead.stored:
        left = [reason for reason in entry["reasons"] if reason not in lead.anew]
        if left and left != ["name"]:
            found[entry["type"], entry["id"]] = left
    for entry in matches:
        if (entry["type"], entry["id"]) != ("lead", lead.id):
            reasons = found.setdefault((entry["type"], entry["id"]), [])
            reasons += [reason for reason in entry["reasons"] if reason not in reasons]
    return _as_stored(found)


def _add(
    found: dict[tuple[str, int], list[str]], kind: str, key: int, reason: str, last_name: str, lead: Likeness
) -> None:
    reasons = found.setdefault((kind, key), [])
    if reason not in reasons:
        reasons.append(reason)
    if last_name and last_name == lead.last_name_fold and "name" not in reasons:
        reasons.append("name")


def _as_stored(found: dict[tuple[str, int], list[str]]) -> list[dict[str, Any]]:
    if not found:
        return []
    ranked = sorted(found.items(), key=lambda item: -len(item[1]))
    return [{"type": kind, "id": key, "reasons": reasons} for (kind, key), reasons in ranked[:MOST]]


def _compare_within(
    leads: Sequence[Likeness], ids: Sequence[int], found: Sequence[dict[tuple[str, int], list[str]]]
) -> None:
    """Compare each lead with those before it in the same arrival."""
    earlier: dict[tuple[str, str], list[int]] = defaultdict(list)
    for position, lead in enumerate(leads):
        for reason, attribute in _KEY_OF.items():
            key = getattr(lead, attribute)
            if not key:
                continue
            places = earlier[reason, key]
            for place in places[:MOST_PER_KEY]:
                _add(found[position], "lead", ids[place], reason, leads[place].last_name_fold, lead)
            places.append(position)


def _matches(session: Session, look: _Look, keys: Iterable[str]) -> dict[str, list[tuple[int, str]]]:
    """Key → (id, folded last name) of at most five live records that have it."""
    wanted = sorted(keys)
    if not wanted:
        return {}
    if is_sqlite(session):
        rows = session.execute(_on_sqlite(look), {"keys": json.dumps(wanted)})
    else:
        rows = session.execute(_on_postgresql(look), {"keys": wanted})
    matches: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for key, record_id, last_name in rows:
        if record_id is not None:
            matches[key].append((record_id, last_name))
    return matches


def find_others(session: Session, lead: Lead) -> list[dict[str, Any]]:
    """Other leads with its e-mail, phone or company, in the form that `Lead.duplicates` keeps; five for each at most.

    One statement, or none.
    """
    parts = [
        select(Lead.id, literal(look.reason).label("reason")).where(
            scope(Lead, _COMPARING),
            Lead.id.in_(select(Lead.id).where(scope(Lead, _COMPARING), look.key == key).limit(MOST_PER_KEY)),
            Lead.id != lead.id,
            Lead.deleted_at.is_(None),
        )
        for look in _LOOKS
        if look.kind == "lead" and (key := getattr(lead, look.key.key))
    ]
    found: dict[tuple[str, int], list[str]] = {}
    if parts:
        for key, reason in session.execute(select(union_all(*parts).subquery())):
            found.setdefault(("lead", key), []).append(reason)
    return _as_stored(found)


# Deleted records are left out after the limit: beside the key, `deleted_at IS NULL` would let PostgreSQL
# walk over a partial index of all live records instead, which it believes to be short while a table is new.
@cache
def _on_postgresql(look: _Look) -> Select[Any]:
    wanted = (
        func.unnest(bindparam("keys", type_=ARRAY(Text))).table_valued("value").render_derived(name="wanted")
    )
    first = (
        select(look.model.id.label("id"), look.model.deleted_at.label("deleted_at"), _last_name(look))
        .where(scope(look.model, _COMPARING), look.key == wanted.c.value)
        .limit(MOST_PER_KEY)
        .lateral("first")
    )
    found = select(wanted.c.value, first.c.id, first.c.last_name).select_from(wanted.join(first, _TRUE))
    return found.where(first.c.deleted_at.is_(None))


# An outer join, because its order is fixed: in an inner one SQLite goes through all records for each key if it last
# counted them when they were few.  Keys that nobody has come with nothing beside them.
@cache
def _on_sqlite(look: _Look) -> Select[Any]:
    wanted = func.json_each(bindparam("keys", type_=String)).table_valued("value", name="wanted")
    inner = aliased(look.model)
    first = (
        select(inner.id)
        .where(getattr(inner, look.key.key) == wanted.c.value)
        .limit(MOST_PER_KEY)
        .correlate(wanted)
        .scalar_subquery()
    )
    return (
        select(wanted.c.value, look.model.id, _last_name(look))
        .select_from(wanted)
        .outerjoin(look.model, look.model.id.in_(first))
        .where(scope(look.model, _COMPARING), look.model.deleted_at.is_(None))
    )


def _last_name(look: _Look) -> ColumnElement[Any]:
    return (look.last_name if look.last_name is not None else _EMPTY).label("last_name")
