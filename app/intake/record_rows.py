"""Rows of accounts or contacts: each is created or changed by the same operations that forms and the API call.

A row is refused by itself; the others are taken.  What a column may hold beside a value of its field: an
account by its name, public name or external id, a contact by the latter two or its address, a person by name or e-mail.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.fields import FieldKind
from app.accounts.models import Account
from app.fields.catalogue import Definition
from app.intake.batch import Taken
from app.intake.known import NOWHERE
from app.intake.lead_rows import RefusedRow
from app.intake.manner import ACCOUNT, CONTACT, Manner, Match, Mode, Unknown
from app.intake.record_sets import New, accounts_named, keys_of_match, known_by, make_set
from app.intake.record_values import Named, NoneSuch, Read, Reader
from app.intake.record_writing import CREATED, Outcome, Writer, name_by_parts
from app.intake.row_by_row import Told, note_taken, take_one
from app.intake.tables import Row
from app.kernel import refs
from app.kernel.actor import Actor, Level
from app.kernel.errors import DomainError
from app.sharing.scope import scope


@dataclass(frozen=True, slots=True)
class RecordRows:
    """How rows become accounts or contacts."""

    reader: Reader
    writer: Writer

    @classmethod
    def of(
        cls, kind: str, mapping: Mapping[str, str | None], added: Mapping[str, Definition], manner: Manner
    ) -> "RecordRows":
        takes_unknown = manner.unknown is not Unknown.REFUSE
        reader = Reader.of(kind, mapping, added, takes_unknown=takes_unknown)
        return cls(reader, Writer.of(kind, manner))

    def take(self, session: Session, actor: Actor, rows: Sequence[Row], now: datetime) -> Taken:
        """Take the rows in, each whole or not at all; what is new in few statements.  Does not commit."""
        named = accounts_named(session, actor, self.reader.named_accounts(rows))
        batch = _Batch(self._unknown_ids(session, actor, rows), named)
        reads = self._new_ones(session, actor, rows, batch)
        taken, place = Taken(), 0
        while place < len(rows):
            together = list(takewhile(lambda read: read is not None, reads[place:]))
            made = None
            if len(together) > 1:
                made = make_set(
                    session, actor, self.writer.model, [r for r in together if r is not None], now
                )
            if made is None:
                for row in rows[place : place + max(len(together), 1)]:
                    take_one(session, taken, row, lambda row: self._take_one(session, actor, row, batch, now))
                place += max(len(together), 1)
                continue
            for row, new in zip(rows[place:], made, strict=False):
                self._note_new(taken, row, new)
                batch.unknown.discard(new.read.values.get("external_id") or "")
            place += len(made)
            if place < len(rows) and len(made) < len(together):
                reads[place] = None  # it may be the same as one before it
        taken.refused.sort(key=lambda each: each.row.line_number)
        return taken

    def _note_new(self, taken: Taken, row: Row, new: New) -> None:
        if new.refusal is not None:
            taken.refused.append(RefusedRow(row, self.reader.words(new.refusal)))
            return
        self.writer.made.add(new.record.id)
        told = Told(self.reader.words, new.read.warnings)
        told.outcomes = [(self.writer.kind, Outcome(new.record, CREATED, new.is_alike))]
        note_taken(taken, row, told)

    def _new_ones(
        self, session: Session, actor: Actor, rows: Sequence[Row], batch: "_Batch"
    ) -> list[Read | None]:
        """What the rows say that are certainly new; None for those that are to be looked at one by one."""
        manner, model = self.writer.manner, self.writer.model
        found: list[Read | None] = [None] * len(rows)
        if manner.mode is Mode.UPDATE:
            return found
        keys: list[int | None] = [None] * len(rows)
        met: set[tuple[Any, ...]] = set()
        for place, row in enumerate(rows):
            read = self._read_ahead(session, actor, row, batch)
            if read is None:
                continue
            if read.values.get("account_id"):
                keys[place] = batch.key_of(session, actor, read.values["account_id"])
            mine = keys_of_match(model, read, manner.match)
            is_plain = read.ref is None and read.above is None and read.unknown is None
            external_id = read.values.get("external_id")
            is_unknown = (
                manner.match is not Match.EXTERNAL_ID or external_id is None or external_id in batch.unknown
            )
            if is_plain and is_unknown and met.isdisjoint(mine):
                found[place] = read
            met |= mine
        places = [place for place, read in enumerate(found) if read is not None]
        known = known_by(session, actor, model, [(found[p], keys[p]) for p in places], manner.match)  # type: ignore[misc]
        for at in known:
            found[places[at]] = None
        return found

    def _read_ahead(self, session: Session, actor: Actor, row: Row, batch: "_Batch") -> Read | None:
        if row.problem is not None:
            return None
        try:
            read = self.reader.read(session, actor, row, batch.named)
        except DomainError:
            return None
        name_by_parts(read)
        return read

    def meet(self, rows: Iterable[Row]) -> None:
        pass

    def keep(self) -> None:
        pass

    def _unknown_ids(self, session: Session, actor: Actor, rows: Sequence[Row]) -> set[str]:
        """External ids in the rows that no record has which the person may change; one statement."""
        header = next((header for header, name in self.reader.columns if name == "external_id"), None)
        if header is None or self.writer.manner.match is not Match.EXTERNAL_ID:
            return set()
        given = {row.cells.get(header, "").strip() for row in rows} - {""}
        model = self.writer.model
        known = select(model.external_id).where(scope(model, actor, Level.EDIT), model.external_id.in_(given))
        return given - set(session.scalars(known))

    def _take_one(self, session: Session, actor: Actor, row: Row, batch: "_Batch", now: datetime) -> Told:
        told = Told(words=self.reader.words)
        with told:
            read = self.reader.read(session, actor, row, batch.named)
            told.warnings = read.warnings
            account_id = None
            if self.writer.kind == CONTACT and read.values.get("account_id"):
                account_id = batch.key_of(session, actor, read.values["account_id"])
            elif read.unknown is not None:
                account_id = NOWHERE
            external_id = read.values.get("external_id")
            is_new = read.ref is None and external_id in batch.unknown
            outcome = self.writer.write(
                session,
                actor,
                read,
                now,
                account_id=account_id,
                is_new=is_new,
                at=None if read.unknown is None else lambda: self._find_place(session, actor, read, now),
            )
            if read.unknown is not None and read.values.get("account_id"):
                batch.named[FieldKind.ACCOUNT, read.unknown] = read.values["account_id"]
            batch.unknown.discard(external_id or "")
            told.outcomes = [(self.writer.kind, outcome)]
        return told

    def _find_place(self, session: Session, actor: Actor, read: Read, now: datetime) -> None:
        """Make the account that a contact's row names and that is not found, or let the contact be private."""
        name = read.unknown or ""
        if self.writer.manner.unknown is Unknown.PRIVATE:
            message = _l(
                "The account “%(name)s” is not found, so only the contact's owner sees it.", name=name[:60]
            )
            read.warnings.append(message)
            return
        if refs.is_ref(refs.ACCOUNT, name):
            raise NoneSuch("account_id", name)
        company = Read(values={"name": name})
        made = Writer.of(ACCOUNT, Manner()).write(session, actor, company, now, is_new=True)
        read.warnings += company.warnings
        read.warnings.append(_l("The account “%(name)s” was not found and has been created.", name=name[:60]))
        read.values["account_id"] = made.record.ref


class _Batch:
    """What rows of one batch need not ask for again.  unknown: external ids that no record has yet.

    named: what cells mean.  accounts: text of a cell → public name and key of the account it means.
    """

    def __init__(self, unknown: set[str], accounts: Mapping[str, tuple[str, int]]) -> None:
        self.unknown = unknown
        self.named: Named = {(FieldKind.ACCOUNT, text): ref for text, (ref, _key) in accounts.items()}
        self._keys: dict[str, int | None] = dict(accounts.values())

    def key_of(self, session: Session, actor: Actor, ref: str) -> int | None:
        if ref not in self._keys:
            self._keys[ref] = key_of_account(session, actor, ref)
        return self._keys[ref]


def key_of_account(session: Session, actor: Actor, ref: str) -> int | None:
    """The key of an account by its public name, as far as the actor may read it."""
    statement = select(Account.id).where(scope(Account, actor, Level.READ), Account.ref == ref)
    return session.scalar(statement)
