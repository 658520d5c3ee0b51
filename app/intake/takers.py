"""How the rows of one file are taken in, by what they are: leads in sets, accounts and contacts one by one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.orm import Session

from app.accounts.fields import ACCOUNT_FIELDS, CONTACT_FIELDS
from app.fields.catalogue import catalogue
from app.intake.batch import Batch, Taken, take_rows
from app.intake.lead_rows import Plan, read_row
from app.intake.models import Import
from app.intake.plans import load_plan
from app.intake.record_rows import KIND, RecordRows
from app.intake.sources import Sources
from app.intake.statuses import load_statuses
from app.intake.tables import Row, Table
from app.kernel.actor import Actor
from app.kernel.db import db
from app.leads.fields import FIELDS

LEAD, ACCOUNT, CONTACT = "lead", "account", "contact"


class Taker(Protocol):
    """Takes rows in.  batch_rows: how many at a time."""

    batch_rows: int

    def read(self, rows: Sequence[Row]) -> Sequence[Any]:
        """Whatever can be done before the transaction: on SQLite there is one writer."""
        ...

    def take(
        self, session: Session, actor: Actor, read: Sequence[Any], import_id: int | None, now: datetime
    ) -> Taken:
        """Take in what `read` made of a batch.  Does not commit."""
        ...

    def keep(self, taken: Taken) -> None:
        """Remember what the batch added, once it is committed."""
        ...


class LeadTaker:
    """Leads, some hundreds at a time."""

    batch_rows = 500

    def __init__(self, session: Session, plan: Plan) -> None:
        self._plan = plan
        self._sources, self._statuses = Sources(session), load_statuses(session)

    def read(self, rows: Sequence[Row]) -> Sequence[Any]:
        return [read_row(self._plan, row) for row in rows]

    def take(
        self, session: Session, actor: Actor, read: Sequence[Any], import_id: int | None, now: datetime
    ) -> Taken:
        return take_rows(
            session, Batch(actor, self._statuses, self._sources, import_id, now, self._plan), read
        )

    def keep(self, taken: Taken) -> None:
        self._sources.keep(taken.sources)


class RecordTaker:
    """Accounts or contacts, each by the operation that a form calls."""

    batch_rows = 100

    def __init__(self, rows: RecordRows) -> None:
        self._rows = rows

    def read(self, rows: Sequence[Row]) -> Sequence[Any]:
        return rows

    def take(
        self, session: Session, actor: Actor, read: Sequence[Any], import_id: int | None, now: datetime
    ) -> Taken:
        return self._rows.take(session, actor, read, now)

    def keep(self, taken: Taken) -> None:
        pass


def find_taker(session: Session, import_: Import, table: Table) -> Taker:
    """The taker for this import, with everything it reads once."""
    if import_.object == ACCOUNT:
        return RecordTaker(RecordRows.of_accounts(import_.mapping, catalogue(session).active(ACCOUNT)))
    if import_.object == CONTACT:
        return RecordTaker(RecordRows.of_contacts(import_.mapping, catalogue(session).active(CONTACT)))
    return LeadTaker(session, load_plan(session, import_, table))


def fields_of(kind: str) -> dict[str, Any]:
    """Field → its description (`label`, `section`), of everything a column of that kind can be mapped to."""
    added = catalogue(db.session()).active(kind)
    if kind == ACCOUNT:
        return {**ACCOUNT_FIELDS, KIND.name: KIND, **added}
    return {**(CONTACT_FIELDS if kind == CONTACT else FIELDS), **added}
