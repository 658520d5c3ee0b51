"""Which lead each row of a batch means: by the public name alone where the row has one, else by the external id.

Looked up for the whole batch in two statements; nothing is kept from one batch to the next.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.intake.known import NO_SUCH_ID
from app.intake.lead_rows import RefusedRow, TakenRow
from app.kernel.actor import Actor, Level
from app.leads.models import Lead, LeadSource
from app.leads.values import ATTRIBUTES
from app.sharing.external_ids import TAKEN
from app.sharing.scope import scope

# An external id is unique among all leads, those one may not see included.
MATCHING = Actor.system("external ids")
_READ = (
    *ATTRIBUTES.values(),
    "id",
    "ref",
    "version",
    "deleted_at",
    "converted_at",
    "qualified_by",
    "imported",
    "custom",
    "duplicates",
    "opted_out_by",
)


@dataclass(frozen=True, slots=True)
class Known:
    """A lead that rows mean.  attributes: its columns as read.  is_open_to: the actor may edit it."""

    id: int
    ref: str
    version: int
    attributes: Mapping[str, Any]
    is_open_to: bool
    source: str | None

    @property
    def __tablename__(self) -> str:
        return "lead"


@dataclass(slots=True)
class Meant:
    """Rows by the lead that they mean, each lead once: later rows about it follow the first.

    pairs: (row, its lead; None for a new one), in the order of the file.  refused: rows that mean none which
    they may change, or give it an external id that is another's.
    """

    pairs: list[tuple[TakenRow, Known | None]]
    refused: list[RefusedRow]


def find_meant(session: Session, actor: Actor, rows: Sequence[TakenRow]) -> Meant:
    """What the rows of a batch mean."""
    by_ref = _find_named(session, actor, [row.ref for row in rows if row.ref])
    by_id = _find_known(session, actor, [row.external_id for row in rows if row.external_id])
    meant = Meant([], [])
    first: dict[int | str, TakenRow] = {}
    holders: dict[str, int | str] = {external_id: known.id for external_id, known in by_id.items()}
    for row in rows:
        if row.ref and row.ref not in by_ref:
            meant.refused.append(RefusedRow(row.row, NO_SUCH_ID))
            continue
        known = by_ref[row.ref] if row.ref else by_id.get(row.external_id or "")
        name: int | str | None = known.id if known else row.external_id
        if row.external_id and name:
            holder = holders.setdefault(row.external_id, name)
            if row.ref and holder != name:
                meant.refused.append(RefusedRow(row.row, TAKEN))
                continue
            name = holder
        earlier = row if name is None else first.setdefault(name, row)
        if earlier is row:
            meant.pairs.append((row, known))
        else:
            earlier.absorb(row)
    return meant


def _find_known(session: Session, actor: Actor, external_ids: Sequence[str]) -> dict[str, Known]:
    """External id → the lead that has it, deleted and hidden ones included, in one statement."""
    found = _find(session, actor, Lead.external_id.in_(external_ids)) if external_ids else ()
    return {each.attributes["external_id"]: each for each in found}


def _find_named(session: Session, actor: Actor, refs: Sequence[str]) -> dict[str, Known]:
    """Public name → the lead that has it, as far as the actor may change it, in one statement."""
    mine = scope(Lead, actor, Level.EDIT)
    found: Iterable[Known] = _find(session, actor, mine & Lead.ref.in_(refs)) if refs else ()
    return {each.ref: each for each in found if each.is_open_to}


def _find(session: Session, actor: Actor, condition: ColumnElement[bool]) -> Iterator[Known]:
    columns = [getattr(Lead, name) for name in _READ]
    rows = session.execute(
        select(scope(Lead, actor, Level.EDIT), LeadSource.name, *columns)
        .outerjoin(LeadSource, LeadSource.id == Lead.source_id)
        .where(scope(Lead, MATCHING), condition)
    )
    for may_edit, source, *values in rows:
        attributes = dict(zip(_READ, values, strict=True))
        is_live = attributes["deleted_at"] is None
        yield Known(
            attributes["id"], attributes["ref"], attributes["version"], attributes,
            bool(may_edit) and is_live, source,
        )  # fmt: skip
