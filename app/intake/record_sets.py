"""New accounts or contacts of a file made many at once: what each asks of the database is asked for all together.

A set holds rows of which none is known, names a record above it, or has to do with an earlier one of the set;
whatever else is to be done is done row by row (`record_rows`).  What comes of a row is the same either way.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select, tuple_
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from app.accounts.asking import Asking, refuse_person
from app.accounts.contact_operations import contact_columns
from app.accounts.duplicates import account_matches, contact_matches
from app.accounts.errors import Match as Likely
from app.accounts.lookalikes import by_text, texts_of
from app.accounts.models import Account, Contact
from app.accounts.naming import Naming
from app.accounts.operations import account_columns
from app.accounts.values import person_name
from app.events.operations import record_many
from app.fields.catalogue import catalogue
from app.fields.records import note_use, write
from app.intake.manner import Match
from app.intake.record_values import Read
from app.kernel.actor import Actor, Level
from app.kernel.bulk import insert_rows
from app.kernel.db import is_sqlite
from app.kernel.errors import DomainError, Invalid
from app.kernel.fold import email_key, fold
from app.search.near import near_words
from app.search.upkeep import enter_arrived
from app.search.words import entries_of
from app.sharing.external_ids import TAKEN, hold
from app.sharing.keys import reserve_keys
from app.sharing.scope import scope
from app.sharing.touched import touch

# So many accounts of the names in a batch are looked at; with more each row looks for itself.
MOST_NAMED = 2000


# What rows of a batch name


def accounts_named(session: Session, actor: Actor, texts: Collection[str]) -> dict[str, tuple[str, int]]:
    """Text → public name and key of the one account that it means; texts that mean none, or several, are left out.

    As `record_values.find_named` for each.  Two statements.
    """
    if not texts:
        return {}
    found: dict[str, set[tuple[str, int]]] = {}
    columns = select(Account.ref, Account.id, Account.external_id, Account.name_fold)
    ids = or_(Account.ref.in_(texts), Account.external_id.in_(texts))
    for ref, key, external_id, _name in session.execute(
        columns.where(scope(Account, actor, Level.READ), ids)
    ):
        for text in {ref, external_id or ref}.intersection(texts):
            found.setdefault(text, set()).add((ref, key))
    folds: dict[str, list[str]] = {}
    for text in texts:
        if text not in found:
            folds.setdefault(fold(text, 255), []).append(text)
    called = columns.where(scope(Account, actor, Level.READ), Account.name_fold.in_(folds))
    rows = session.execute(called.limit(MOST_NAMED)).all() if folds else []
    if len(rows) < MOST_NAMED:
        for ref, key, _external_id, name in rows:
            for text in folds[name]:
                found.setdefault(text, set()).add((ref, key))
    return {text: next(iter(those)) for text, those in found.items() if len(those) == 1}


def keys_of_match(model: Any, read: Read, match: Match) -> set[tuple[Any, ...]]:
    """What the row is known by: two rows of a batch that have one in common may be the same record."""
    values = read.values
    keys: set[tuple[Any, ...]] = set()
    if values.get("external_id"):
        keys.add(("external_id", values["external_id"]))
    if match is Match.EMAIL and values.get("email"):
        keys.add(("email", email_key(values["email"])))
    if match is not Match.EXTERNAL_ID:
        if model is Account:
            keys.add(("name", fold(values.get("name") or person_name(values) or "", 255)))
        else:
            keys.add(("name", fold(values.get("last_name") or "", 120)))
    return keys


def known_by(
    session: Session, actor: Actor, model: Any, reads: Sequence[tuple[Read, int | None]], match: Match
) -> set[int]:
    """Places of the rows that may be known already, or that only a look of their own can tell of.

    reads: of each row what it says, and the key of the account it names.  Two statements at most.
    """
    mine = scope(model, actor, Level.EDIT)
    sure: set[int] = set()
    emails: dict[Any, list[int]] = {}
    names: dict[Any, list[int]] = {}
    for place, (read, account_id) in enumerate(reads):
        values = read.values
        if match is Match.EXTERNAL_ID:
            continue
        if match is Match.EMAIL and values.get("email"):
            emails.setdefault(email_key(values["email"]), []).append(place)
        elif model is Account:
            names.setdefault(fold(values.get("name") or person_name(values) or "", 255), []).append(place)
        elif account_id:
            name = (account_id, fold(values.get("last_name") or "", 120))
            names.setdefault(name, []).append(place)
        else:
            sure.add(place)
    if emails:
        for key in session.scalars(
            select(Contact.email_key).where(mine, Contact.email_key.in_(emails)).distinct()
        ):
            sure.update(emails[key])
    if names:
        columns: Any = (
            Account.name_fold if model is Account else tuple_(Contact.account_id, Contact.last_name_fold)
        )
        shown = (Account.name_fold,) if model is Account else (Contact.account_id, Contact.last_name_fold)
        for row in session.execute(select(*shown).where(mine, columns.in_(list(names))).distinct()):
            sure.update(names[row[0] if model is Account else tuple(row)])
    return sure


# Making a set


class Together(Asking):
    """The questions of many rows, asked once.  Uses of added fields are noted at the end."""

    def __init__(self, session: Session, actor: Actor, model: Any, reads: Sequence[Read]) -> None:
        super().__init__(session, actor)
        self._naming = super().naming()
        self._owners: dict[str, int] = {}
        self._accounts: dict[str, Account] = {}
        given = {read.values["external_id"] for read in reads if read.values.get("external_id")}
        hold(session, model, given)
        taken = select(model.external_id).where(scope(model, actor, Level.READ), model.external_id.in_(given))
        self._taken = set(session.scalars(taken)) if given else set()
        refs = {
            read.values["account_id"] for read in reads if model is Contact and read.values.get("account_id")
        }
        if refs:
            statement = select(Account).where(scope(Account, actor, Level.READ), Account.ref.in_(refs))
            if not is_sqlite(session):
                # They stay businesses until the transaction ends, see `reporting.kept_kind`.
                statement = statement.order_by(Account.id).with_for_update(
                    read=True, key_share=True, of=Account
                )
            found = session.scalars(statement.execution_options(populate_existing=True))
            self._accounts = {account.ref: account for account in found}

    def naming(self) -> Naming:
        return self._naming

    def owner_id(self, ref: str | None) -> int:
        if ref is None:
            return super().owner_id(ref)
        if ref not in self._owners:
            self._owners[ref] = super().owner_id(ref)
        return self._owners[ref]

    def account(self, ref: str | None) -> Account | None:
        known = self._accounts.get(ref or "")
        return super().account(ref) if known is None else refuse_person(known, known.kind)

    def refuse_taken(self, model: Any, external_id: str | None) -> None:
        if external_id in self._taken:
            raise Invalid({"external_id": [TAKEN]})

    def held_in_fields(self, object_: str, custom: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        return write(self.session, object_, None, custom, now=None).columns


class Made:
    """A record that was just stored, as events name it."""

    def __init__(self, table: str, key: int, ref: str) -> None:
        self.__tablename__, self.id, self.ref = table, key, ref


@dataclass(slots=True)
class New:
    """A row that becomes a record.  columns: all of the record's but its key.  refusal: what stands against it."""

    read: Read
    columns: dict[str, Any]
    refusal: DomainError | None = None
    record: Any = None
    is_alike: bool = False


def make_set(
    session: Session, actor: Actor, model: Any, reads: Sequence[Read], now: datetime
) -> list[New] | None:
    """Make records of the first of these rows, as many as have nothing to do with one another; at least one.

    None where the database refuses one of them: which one is to be found out row by row.
    """
    asking = Together(session, actor, model, reads)
    made = [_prepared(asking, model, read, now) for read in reads]
    made, likely = _independent(session, actor, model, made)
    fresh = [each for each in made if each.refusal is None]
    for new, key in zip(fresh, reserve_keys(session, model, len(fresh)), strict=True):
        new.record = Made(model.__tablename__, key, new.columns["ref"])
        new.columns |= {"id": key, "imported": new.read.kept}
    try:
        with session.begin_nested():
            _store(session, actor, model, fresh, now)
    except (IntegrityError, DataError):
        return None
    known = catalogue(session).all(model.__tablename__)
    note_use(
        session,
        [(known[n], v) for new in fresh for n, v in new.columns["custom"].items() if n in known],
        now=now,
    )
    for new in fresh:
        matches = likely.get(id(new), [])
        if matches:
            new.is_alike = True
            new.read.warnings.append(probably_there(matches))
    return made


def _store(session: Session, actor: Actor, model: Any, fresh: Sequence[New], now: datetime) -> None:
    """Insert the records past the session, with what its listeners would see to."""
    insert_rows(session, model, [_whole(model, new.columns) for new in fresh])
    enter_arrived(session, ((new.record.id, new.columns) for new in fresh), model)
    touch(session, model.__tablename__, (new.record.id for new in fresh))
    record_many(session, actor, [("created", new.record, {}, {}) for new in fresh], at=now)


def _whole(model: Any, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Every column of the table, with what the model gives those that are not named."""
    return {
        name: columns[name] if name in columns else default(None) if callable(default) else default
        for name, default in _defaults(model)
    }


@cache
def _defaults(model: Any) -> Sequence[tuple[str, Any]]:
    """Column → its value, or what makes it."""
    return [(c.name, None if c.default is None else c.default.arg) for c in model.__table__.columns]


def probably_there(matches: Sequence[Likely]) -> Any:
    """What is said of a record that was created although it is probably there already."""
    names = ", ".join(match.name for match in matches[:3])
    return _l("Probably there already, created all the same: %(names)s.", names=names)


def _prepared(asking: Asking, model: Any, read: Read, now: datetime) -> New:
    prepare = account_columns if model is Account else contact_columns
    try:
        return New(read, prepare(asking, read.values, now=now))
    except DomainError as error:
        return New(read, {}, error)


def _independent(
    session: Session, actor: Actor, model: Any, made: Sequence[New]
) -> tuple[list[New], dict[int, list[Likely]]]:
    """The first of them, up to one that may be the same as an earlier one; and what each probably is already."""
    texts = _texts(session, model, [new for new in made if new.refusal is None])
    kind, entered, independent = model.__tablename__, set[str](), list[New]()
    for new in made:
        if new.refusal is None:
            if not entered.isdisjoint(texts[id(new)]):
                break
            entered |= entries_of(kind, new.columns)
        independent.append(new)
    wanted = {text for new in independent if new.refusal is None for text in texts[id(new)]}
    found = by_text(session, actor, model, sorted(wanted))
    matches = account_matches if model is Account else contact_matches
    likely = {}
    for new in independent:
        others = {row["id"]: row for text in texts.get(id(new), ()) for row in found.get(text, ())}
        likely[id(new)] = matches(new.columns, list(others.values())) if others else []
    return independent, likely


def _texts(session: Session, model: Any, made: Sequence[New]) -> dict[int, list[str]]:
    """Of each the entries that a record which is probably the same has.  One statement for the spellings of all."""
    words: set[str] = set()

    def note(asked: Collection[str]) -> Mapping[str, Sequence[str]]:
        words.update(asked)
        return {}

    for new in made:
        texts_of(model, new.columns, note)
    near = near_words(session, words)
    return {id(new): texts_of(model, new.columns, lambda asked: near) for new in made}
