"""How the rows of one file are taken in, by what they are: leads in sets, accounts and contacts one by one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from flask_babel import force_locale
from sqlalchemy.orm import Session

from app.accounts.consented import CONSENT_FIELDS
from app.accounts.fields import ACCOUNT_FIELDS, CONTACT_FIELDS
from app.fields.catalogue import catalogue
from app.identity.organisation import LANGUAGES
from app.identity.queries import get_organisation
from app.intake.batch import Batch, Taken, take_rows
from app.intake.lead_rows import Plan, read_row
from app.intake.manner import ACCOUNT, CONTACT, PAIR, Manner
from app.intake.models import Import
from app.intake.pair_rows import PairRows
from app.intake.plans import COMMAND, load_plan
from app.intake.record_rows import RecordRows
from app.intake.record_values import FULL_NAMES, ID, KIND, fields_of_pairs
from app.intake.sources import Sources
from app.intake.statuses import load_statuses
from app.intake.tables import Row, Table
from app.kernel.actor import Actor
from app.kernel.db import db
from app.leads.fields import FIELDS
from app.lists.catalogue import fields_of as listed_fields


class Taker(Protocol):
    """Takes rows in.  batch_rows: how many at a time."""

    batch_rows: int

    def meet(self, rows: Iterable[Row]) -> None:
        """Rows that an earlier run has taken; called outside of any transaction."""
        ...

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

    def go_on(self) -> None:
        """The batch was tried, and the next one is tried in the same transaction."""
        ...


class LeadTaker:
    """Leads, some hundreds at a time."""

    batch_rows = 500

    def __init__(self, session: Session, plan: Plan) -> None:
        self._plan = plan
        self._sources, self._statuses = Sources(session), load_statuses(session)

    def meet(self, rows: Iterable[Row]) -> None:
        pass

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

    def go_on(self) -> None:
        pass


class RecordTaker:
    """Accounts, contacts or both, each by the operation that a form calls."""

    batch_rows = 100

    def __init__(self, rows: RecordRows | PairRows) -> None:
        self._rows = rows

    def meet(self, rows: Iterable[Row]) -> None:
        self._rows.meet(rows)

    def read(self, rows: Sequence[Row]) -> Sequence[Any]:
        return rows

    def take(
        self, session: Session, actor: Actor, read: Sequence[Any], import_id: int | None, now: datetime
    ) -> Taken:
        # While it is held the session has it at hand; every row asks for it.
        _held = get_organisation(session)
        return self._rows.take(session, actor, read, now)

    def keep(self, taken: Taken) -> None:
        self._rows.keep()

    def go_on(self) -> None:
        self._rows.keep()


def find_taker(session: Session, import_: Import, table: Table) -> Taker:
    """The taker for this import, with everything it reads once."""
    mapping, manner, added = import_.mapping, Manner.of(import_.options), catalogue(session).active
    if import_.object != PAIR and ID.name in mapping.values():
        mapping = _without_figures(session, import_.object, mapping)
    if import_.object in (ACCOUNT, CONTACT):
        return RecordTaker(RecordRows.of(import_.object, mapping, added(import_.object), manner))
    if import_.object == PAIR:
        return RecordTaker(PairRows(mapping, added(ACCOUNT), added(CONTACT), manner))
    return LeadTaker(session, load_plan(session, import_, table, mapping))


def _without_figures(session: Session, kind: str, mapping: Mapping[str, str | None]) -> dict[str, str | None]:
    """The columns of an export without those that only tell, such as `updated_at`: they are not kept either."""
    told = headings_of(session, kind)
    return {header: name for header, name in mapping.items() if name or header not in told}


def headings_of(session: Session, kind: str) -> set[str]:
    """What exports may call their columns: by their names over the API, from a page by their labels in a language."""
    fields = listed_fields(session, COMMAND, kind)
    heads = set(fields)
    for language in LANGUAGES:
        with force_locale(language):
            labels = {name: str(field.label) for name, field in fields.items()}
        heads.update(labels.values(), (f"{label} ({name})" for name, label in labels.items()))
    return heads


def fields_of(kind: str) -> dict[str, Any]:
    """Field → its description (`label`, `section`), of everything a column of that kind can be mapped to."""
    known = catalogue(db.session())
    if kind == PAIR:
        return dict(fields_of_pairs(known.active(ACCOUNT), known.active(CONTACT)))
    if kind == ACCOUNT:
        return {**ACCOUNT_FIELDS, KIND.name: KIND, ID.name: ID, **known.active(kind)}
    if kind == CONTACT:
        return {
            **CONTACT_FIELDS,
            **CONSENT_FIELDS,
            ID.name: ID,
            **{f.name: f for f in FULL_NAMES.values()},
            **known.active(kind),
        }
    return {**FIELDS, ID.name: replace(ID, section="origin"), **known.active(kind)}
