"""Verbs on imports: take a file, map its columns, start, cancel.  Taking the rows in is `run`'s."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.events.operations import record
from app.intake.files import KeptFile
from app.intake.manner import KINDS, LEAD, checked_manner, permission_of
from app.intake.models import Import, ImportState
from app.intake.queries import get_import, may_see
from app.intake.takers import fields_of
from app.kernel import refs
from app.kernel.actor import Actor
from app.kernel.errors import Conflict, Invalid

NOT_IMPORTED = _l("Leads, accounts and contacts can be imported.")
MOST_BEFORE = 50
_ENDED = (ImportState.DONE, ImportState.FAILED, ImportState.CANCELLED)


def require_importing(actor: Actor, kind: str) -> None:
    """That rows of that kind can be imported, and by the actor.  Raises Invalid, NotAllowed."""
    if kind not in KINDS:
        raise Invalid({"object": [NOT_IMPORTED]})
    actor.require(permission_of(kind))


class AlreadyImported(Conflict):
    """The same file has been taken in before.  before: the import that did."""

    slug = "already-imported"
    message = _l("This file has been imported before. Importing it again may create its records twice.")

    def __init__(self, before: Import) -> None:
        super().__init__()
        self.before = before


@dataclass(frozen=True, slots=True)
class Shape:
    """What was found in a file.  rows: None where they have not been counted.  samples: header → values.

    delimiter: what the refused rows are handed back with, so that the same program opens them.
    form: "csv", "xlsx", "vcard".  sheets: of a workbook; sheet: the one that is read.
    """

    headers: Sequence[str]
    rows: int | None = None
    warnings: Sequence[str] = ()
    samples: Mapping[str, Sequence[str]] = field(default_factory=dict)
    delimiter: str = ","
    form: str = "csv"
    sheets: Sequence[str] = ()
    sheet: str = ""

    def told(self) -> dict[str, Any]:
        """As the options of an import keep it."""
        return {
            "headers": list(self.headers),
            "warnings": list(self.warnings),
            "samples": dict(self.samples),
            "delimiter": self.delimiter,
            "form": self.form,
            "sheets": list(self.sheets),
            "sheet": self.sheet,
        }


def keep_upload(
    session: Session,
    actor: Actor,
    ref: str,
    file: KeptFile,
    shape: Shape,
    *,
    kind: str = "lead",
    now: datetime,
) -> Import:
    """Make an import of a file that has been kept.  Nothing of it is taken in yet.  Does not commit.

    ref: the public name that the file was kept under.  kind: what its rows are.  Raises NotAllowed, Invalid.
    """
    require_importing(actor, kind)
    import_ = Import(
        ref=ref,
        object=kind,
        filename=file.filename,
        path=file.path,
        digest=file.digest,
        size_bytes=file.size_bytes,
        mapping={},
        options=shape.told(),
        state=ImportState.DRAFT,
        rows=shape.rows,
        created_at=now,
        created_by_id=actor.user_id,
    )
    session.add(import_)
    session.flush()  # the event names it
    record(session, actor, verb="uploaded", subject=import_, at=now, detail={"filename": file.filename})
    return import_


def turn_to_sheet(session: Session, actor: Actor, ref: str, shape: Shape) -> Import:
    """Let another sheet of the workbook be the one that is imported; its columns are to be chosen anew.

    shape: what was found on it.  Does not commit.  Raises NotAllowed, NotFound, Conflict (it has been started).
    """
    import_ = get_import(session, actor, ref, for_update=True)
    if import_.state is not ImportState.DRAFT:
        raise Conflict(_l("This import has been started. Its columns cannot be changed any more."))
    import_.options, import_.mapping, import_.rows = shape.told(), {}, shape.rows
    return import_


def map_columns(
    session: Session,
    actor: Actor,
    ref: str,
    mapping: Mapping[str, Any],
    options: Mapping[str, Any] | None = None,
    *,
    now: datetime,
) -> Import:
    """Say which column holds which field.  Does not commit.

    mapping: header → field name or None; headers that it does not name are only kept.
    options: `source`, `time_zone`, `day_first`, and `match`, `mode`, `clears`, `unknown` (see `manner`); what is
    not named stays.
    Raises NotFound, Invalid (by header, `mapping`, `match`, `mode` or `unknown`), Conflict (it has been started).
    """
    import_ = get_import(session, actor, ref, for_update=True)
    if import_.state is not ImportState.DRAFT:
        raise Conflict(_l("This import has been started. Its columns cannot be changed any more."))
    import_.mapping = checked_mapping(import_.options["headers"], mapping, import_.object)
    given = _checked_options(options or {})
    given |= checked_manner(import_.object, given, set(import_.mapping.values()))
    import_.options = {**import_.options, **given, "mapped": True}
    return import_


_ALIASES = {"campaign_id": "campaign"}  # as the API names it


def checked_mapping(
    headers: Sequence[str], mapping: Mapping[str, Any], kind: str = LEAD
) -> dict[str, str | None]:
    """The mapping by the file's own headers.  Case and space around a header do not matter.

    kind: what the rows are.  Raises Invalid: a header or field that does not exist, a field twice, no
    field at all.
    """
    fields = fields_of(kind)
    by_name = {_plain(header): header for header in headers}
    found: dict[str, str | None] = dict.fromkeys(headers)
    errors: dict[str, list[Any]] = {}
    for header, name in mapping.items():
        known = header if header in found else by_name.get(_plain(header))
        name = _ALIASES.get(name, name) if isinstance(name, str) else name
        if known is None:
            errors.setdefault(header, []).append(_l("The file has no column “%(name)s”.", name=header))
        elif name is not None and not (isinstance(name, str) and name in fields):
            errors.setdefault(header, []).append(_l("There is no field “%(name)s”.", name=str(name)))
        elif name is not None and name in found.values():
            errors.setdefault(header, []).append(
                _l("“%(field)s” has a column already.", field=fields[name].label)
            )
        else:
            found[known] = name
    if not errors and not any(found.values()):
        errors["mapping"] = [_l("Choose a field for at least one column.")]
    if errors:
        raise Invalid(errors)
    return found


def _plain(header: str) -> str:
    return " ".join(str(header).split()).casefold()


def _checked_options(options: Mapping[str, Any]) -> dict[str, Any]:
    zone = options.get("time_zone")
    if zone:
        try:
            ZoneInfo(zone)
        except (OSError, ValueError) as error:
            raise Invalid({"time_zone": [_l("This time zone is not known.")]}) from error
    return dict(options)


def start_import(session: Session, actor: Actor, ref: str, *, again: bool = False, now: datetime) -> Import:
    """Let a mapped import be worked on.  One that has been started is left as it is.  Does not commit.

    again: although the same file was taken in before.
    Raises NotFound, AlreadyImported, Conflict (no columns chosen, ended).
    """
    import_ = get_import(session, actor, ref, for_update=True)
    if import_.state in (ImportState.WAITING, ImportState.RUNNING):
        return import_
    if import_.state is not ImportState.DRAFT:
        raise Conflict(_l("This import has ended."))
    if not any(import_.mapping.values()):
        raise Conflict(_l("Choose a field for at least one column first."))
    before = find_imported_before(session, actor, import_)
    if before is not None and not again:
        raise AlreadyImported(before)
    import_.state = ImportState.WAITING
    import_.options = {**import_.options, "again": again}
    _tell_start(session, actor, import_, now)
    return import_


def _tell_start(session: Session, actor: Actor, import_: Import, now: datetime) -> None:
    """What is taken in from here on: the file, and which column holds which field."""
    columns = {header: name for header, name in import_.mapping.items() if name}
    detail = {"filename": import_.filename, "columns": columns, "after": import_.done or None}
    record(session, actor, verb="import_started", subject=import_, at=now, detail=detail)


def find_imported_before(session: Session, actor: Actor, import_: Import) -> Import | None:
    """The latest import that took something of the same file in, to its end or not, if the actor may see it.

    Of a workbook, of the same sheet.
    """
    found = session.scalars(
        select(Import)
        .where(
            Import.digest == import_.digest,
            Import.object == import_.object,
            Import.state.in_(_ENDED),
            Import.accepted > 0,
            Import.id != import_.id,
            may_see(actor),
        )
        .order_by(Import.id.desc())
        .limit(MOST_BEFORE)
    )
    return next((before for before in found if is_of_sheet(before, import_.options.get("sheet", ""))), None)


def is_of_sheet(import_: Import, sheet: str) -> bool:
    """Whether it reads that sheet.  Those of a time when only the first could be read have none noted."""
    return (import_.options.get("sheet") or sheet) == sheet


def count_as_imported(
    session: Session, actor: Actor, import_: Import, before: Import, *, now: datetime
) -> None:
    """End an import of a file that was taken in before: every row counts as found again.  Does not commit."""
    import_.state, import_.finished_at = ImportState.DONE, now
    import_.rows = import_.done = before.done
    import_.accepted = import_.unchanged = before.accepted
    import_.refused = before.refused
    import_.detail = str(_l("This file was imported before. Nothing was created."))
    import_.options = {**import_.options, "same_as": before.id}
    record(session, actor, verb="imported", subject=import_, at=now, detail={"same_as": before.ref})


def resume_import(
    session: Session, actor: Actor, import_: Import, file: KeptFile | None = None, *, now: datetime
) -> Import:
    """Let an import that was cancelled or has failed go on after its last whole batch.

    file: the same file kept anew, where the first copy has been removed.  Writes an event; does not commit.
    """
    if file is not None:
        import_.path = file.path
    import_.state, import_.finished_at, import_.detail = ImportState.WAITING, None, None
    import_.lease = import_.leased_until = None
    _tell_start(session, actor, import_, now)
    return import_


def cancel_import(session: Session, actor: Actor, ref: str, *, now: datetime) -> Import:
    """Stop an import.  What has been taken in stays; a batch at work is left out.  Does not commit.

    One that was cancelled already is left as it is.  Raises NotFound, Conflict (it has ended).
    """
    import_ = get_import(session, actor, ref)
    if import_.state is ImportState.CANCELLED:
        return import_
    stopped = session.execute(
        update(Import)
        .where(Import.id == import_.id, Import.state.not_in(_ENDED))
        .values(state=ImportState.CANCELLED, finished_at=now, lease=None, leased_until=None)
        .execution_options(synchronize_session=False)
    )
    if stopped.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE has a count
        raise Conflict(_l("This import has ended already."))
    session.refresh(import_)
    record(session, actor, verb="import_cancelled", subject=import_, at=now, detail={"done": import_.done})
    return import_


def new_import_ref() -> str:
    """A public name for an import that is about to be kept."""
    return refs.new_ref(refs.IMPORT)
