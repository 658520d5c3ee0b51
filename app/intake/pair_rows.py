"""Rows of accounts and contacts in one file: each names an account, and perhaps somebody who works there.

An account is found or made once, however many rows name it; a later row that says something else of it
changes it.  A row is taken whole or not at all, and refused with the half that stands in the way.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.accounts.values import person_name
from app.fields.catalogue import Definition
from app.intake.batch import Taken
from app.intake.manner import ACCOUNT, CONTACT, Manner, Match
from app.intake.record_rows import key_of_account
from app.intake.record_values import Read, Reader
from app.intake.record_writing import CREATED, UNCHANGED, UPDATED, Outcome, Writer
from app.intake.row_by_row import RowRefused, Told, take_each
from app.intake.tables import Row
from app.kernel.actor import Actor
from app.kernel.errors import DomainError
from app.kernel.fold import fold

# What says that there is somebody at all.
_NAMING = ("last_name", "first_name", "email", "external_id", "phone", "mobile")
NO_ACCOUNT = _l("The row names no account, so only the contact's owner and administrators see the contact.")


class _Met:
    """An account that the file has named.  ref: None where an earlier run met it.

    said: a digest of what the last row said of it.
    """

    __slots__ = ("became", "ref", "said")

    def __init__(self, ref: str | None, became: str, said: bytes) -> None:
        self.ref, self.became, self.said = ref, became, said


class PairRows:
    """How rows become accounts and contacts."""

    def __init__(
        self,
        mapping: Mapping[str, str | None],
        accounts: Mapping[str, Definition],
        contacts: Mapping[str, Definition],
        manner: Manner,
    ) -> None:
        self._accounts = Reader.half(ACCOUNT, mapping, accounts)
        self._contacts = Reader.half(CONTACT, mapping, contacts)
        manner = replace(manner, goes_on=True)
        self._companies = Writer.of(ACCOUNT, replace(manner, match=Match.EXTERNAL_ID))
        self._people = Writer.of(CONTACT, manner)
        self._met: dict[tuple[str, ...], _Met] = {}
        self._fresh: dict[tuple[str, ...], _Met] = {}

    def meet(self, rows: Iterable[Row]) -> None:
        """Rows that an earlier run has taken: their accounts are not counted again."""
        columns = {name: header for header, name in self._accounts.columns}
        for row in rows:
            key = _key({name: row.cells.get(header, "").strip() for name, header in columns.items()})
            if key is not None:
                self._met[key] = _Met(None, CREATED, b"")

    def take(self, session: Session, actor: Actor, rows: Sequence[Row], now: datetime) -> Taken:
        """Take the rows in, each whole or not at all.  Does not commit."""
        self._fresh = {}
        counts: Counter[str] = Counter()
        taken = take_each(session, rows, lambda row: self._take_one(session, actor, row, counts, now))
        taken.halves = counts
        return taken

    def keep(self) -> None:
        """The batch is stored."""
        self._met |= self._fresh
        self._fresh = {}

    def _take_one(
        self, session: Session, actor: Actor, row: Row, counts: Counter[str], now: datetime
    ) -> Told:
        told = Told(words=self._accounts.words)
        told.words = _in_half(ACCOUNT, self._accounts)
        key, met, account = None, None, None
        with told:
            read = self._accounts.read(session, actor, row)
            key = _key({**read.values, "id": read.ref})
            if key is not None:
                met = self._fresh.get(key) or self._met.get(key)
                account = self._account(session, actor, read, met, now)
                told.warnings += read.warnings
        told.words = _in_half(CONTACT, self._contacts)
        with told:
            person = self._contacts.read(session, actor, row)
            has_person = person.ref is not None or any(person.values.get(name) for name in _NAMING)
            if has_person:
                told.outcomes.append((CONTACT, self._person(session, actor, person, account, told, now)))
                told.warnings += person.warnings
            elif account is not None:
                account.record.imported = {**(account.record.imported or {}), **person.kept}
        if account is None and not told.outcomes:
            raise RowRefused(_l("The row names neither an account nor a contact."))
        if account is not None:
            told.outcomes.insert(0, (ACCOUNT, account))
        self._count(counts, key, met, read, told)
        return told

    def _account(
        self, session: Session, actor: Actor, read: Read, met: _Met | None, now: datetime
    ) -> Outcome:
        said = _said(read)
        if met is not None and met.ref is not None and met.said == said:
            return Outcome(_Named(session, actor, met.ref), UNCHANGED)
        return self._companies.write(session, actor, read, now)

    def _person(
        self, session: Session, actor: Actor, read: Read, account: Outcome | None, told: Told, now: datetime
    ) -> Outcome:
        account_id = None
        if account is not None:
            read.values["account_id"] = account.record.ref
            account_id = account.record.id
        outcome = self._people.write(session, actor, read, now, account_id=account_id)
        if account is None and outcome.became == CREATED:
            told.warnings.append(NO_ACCOUNT)
        return outcome

    def _count(
        self, counts: Counter[str], key: tuple[str, ...] | None, met: _Met | None, read: Read, told: Told
    ) -> None:
        for kind, outcome in told.outcomes:
            became = outcome.became
            if kind == CONTACT:
                counts[f"{CONTACT}.{became}"] += 1
                continue
            assert key is not None
            if met is None:
                counts[f"{ACCOUNT}.{became}"] += 1
            elif met.became == UNCHANGED and became == UPDATED:
                counts[f"{ACCOUNT}.{UNCHANGED}"] -= 1
                counts[f"{ACCOUNT}.{UPDATED}"] += 1
            else:
                became = met.became
            self._fresh[key] = _Met(outcome.record.ref, became, _said(read))


class _Named:
    """An account that is known to be there, without its columns."""

    def __init__(self, session: Session, actor: Actor, ref: str) -> None:
        self.ref = ref
        self.imported: dict[str, Any] = {}
        self.id = key_of_account(session, actor, ref)


def _said(read: Read) -> bytes:
    told = repr((sorted(read.values.items()), read.cleared, read.above))
    return hashlib.blake2b(told.encode(), digest_size=16).digest()


def _key(values: Mapping[str, Any]) -> tuple[str, ...] | None:
    """What an account is called by in the file; None where the row names none."""
    if values.get("id"):
        return ("id", str(values["id"]))
    if values.get("external_id"):
        return ("external_id", str(values["external_id"]))
    name = values.get("name") or person_name(values)
    return ("name", fold(name, 255), fold(values.get("site") or "")) if name else None


def _in_half(kind: str, reader: Reader) -> Any:
    def words(error: DomainError) -> Any:
        if kind == ACCOUNT:
            return _l("Account: %(field)s", field=reader.words(error))
        return _l("Contact: %(field)s", field=reader.words(error))

    return words
