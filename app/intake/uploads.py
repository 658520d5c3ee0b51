"""A file arrives: kept, looked at, made an import; by the upload page, the API and the command alike.

These are called by doors and open their transactions themselves, since a large file is not to be read
while SQLite's only writer is held.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import IO, Any

from flask_babel import force_locale
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.fields.catalogue import catalogue
from app.fields.kinds import is_custom
from app.intake import operations
from app.intake.files import LARGEST_UPLOAD, KeptFile, keep_file, remove_file, waiting_file
from app.intake.manner import ACCOUNT, CONTACT, LEAD, OF_ACCOUNT, PAIR, Manner, best_match
from app.intake.mapping import find_public_names, suggest
from app.intake.models import Import, ImportState
from app.intake.operations import Shape
from app.intake.plans import find_day_first
from app.intake.queries import get_import, may_see
from app.intake.record_values import ID
from app.intake.tables import NotATable, Table, open_table
from app.intake.takers import fields_of, headings_of
from app.intake.vcard_table import FIELDS as CARD_FIELDS
from app.kernel.actor import Actor
from app.kernel.db import db, let_go, transaction
from app.kernel.errors import Conflict, Invalid
from app.lists.catalogue import known_fields
from app.settings import current_settings
from app.words.edition import in_force, standard_words

LANGUAGES = ("en", "es", "ca")
SAMPLED_ROWS, SAMPLES, SAMPLE_LENGTH = 100, 3, 40


@dataclass(frozen=True, slots=True)
class Wishes:
    """How an import that nobody maps on a page is to be made.

    mapping: column → field; None matches headers to the names and labels of fields.
    source: for leads without one.  again: although the same file was imported before.
    largest: size in bytes, None for any.  kind: what the rows are.
    match, mode, unknown: how rows of accounts and contacts meet what is there, see `manner`; None as without a wish.
    sheet: of a workbook, None for the first with anything in it.
    """

    mapping: Mapping[str, Any] | None = None
    source: str | None = None
    again: bool = False
    largest: int | None = LARGEST_UPLOAD
    kind: str = LEAD
    match: str | None = None
    mode: str | None = None
    unknown: str | None = None
    sheet: str | None = None


def receive_file(
    actor: Actor, stream: IO[bytes], filename: str, *, kind: str = LEAD, now: datetime
) -> Import:
    """Keep an uploaded file as an import whose columns are to be mapped.

    Raises NotAllowed, Invalid (empty, too large, a kind that cannot be imported), NotATable; then nothing is kept.
    """
    operations.require_importing(actor, kind)
    let_go()
    data, ref = current_settings().data, operations.new_import_ref()
    file = keep_file(stream, data, ref, filename)
    try:
        shape = _shape_of(open_table(waiting_file(data, file.path)))
        with transaction() as session:
            return operations.keep_upload(session, actor, ref, file, shape, kind=kind, now=now)
    except BaseException:
        remove_file(data, file.path)
        raise


def read_sheet(actor: Actor, ref: str, sheet: str) -> Import:
    """Let another sheet of an uploaded workbook be imported.

    Raises NotAllowed, NotFound, NotATable (there is none of that name, it is empty), Conflict.
    """
    path = path_of(get_import(db.session(), actor, ref))
    let_go()
    shape = _shape_of(open_table(path, sheet=sheet))
    with transaction() as session:
        return operations.turn_to_sheet(session, actor, ref, shape)


def _shape_of(table: Table) -> Shape:
    warnings = [str(warning) for warning in table.warnings]
    return Shape(
        table.headers,
        table.count_rows(),
        warnings,
        _samples(table),
        table.delimiter,
        table.kind,
        table.sheets,
        table.sheet,
    )


def _samples(table: Table) -> dict[str, list[str]]:
    """Header → its first few values that differ, shortened, for the page on which columns are mapped."""
    samples: dict[str, list[str]] = {header: [] for header in table.headers}
    for row in islice(table.rows(), SAMPLED_ROWS):
        for header, found in samples.items():
            value = " ".join(row.cells.get(header, "").replace("\0", "").split())
            if value and len(found) < SAMPLES:
                short = value if len(value) <= SAMPLE_LENGTH else value[: SAMPLE_LENGTH - 1] + "…"
                if short not in found:
                    found.append(short)
    return samples


def submit_file(actor: Actor, stream: IO[bytes], filename: str, wishes: Wishes, *, now: datetime) -> Import:
    """Keep a file and let it be taken in at once.  Its rows wait for the worker, or for `run.run_one`.

    A file that is no table becomes an import that has failed, with the reason.  One that was imported
    before, to its end, becomes one that is done and has created nothing; one that is at work, or was
    stopped before its end, is that same import, which goes on.

    Raises NotAllowed, Invalid (empty, too large, the mapping, a kind that cannot be imported), Conflict
    (somebody else's import of the same file is at work).
    """
    operations.require_importing(actor, wishes.kind)
    let_go()
    data, ref = current_settings().data, operations.new_import_ref()
    file = keep_file(stream, data, ref, filename, largest=wishes.largest)
    keeps = False
    try:
        try:
            table = open_table(waiting_file(data, file.path), sheet=wishes.sheet)
        except NotATable as error:
            with transaction() as session:
                return _failed(session, actor, ref, file, wishes.kind, error, now)
        mapping = mapping_of(table, wishes)
        options = {
            "source": wishes.source,
            "day_first": find_day_first(table, mapping, wishes.kind),
            "match": wishes.match
            or (best_match(PAIR, set(mapping.values())) if wishes.kind == PAIR else None),
            "mode": wishes.mode,
            "unknown": wishes.unknown,
        }
        with transaction() as session:
            import_ = (
                None if wishes.again else _go_on(session, actor, file, wishes.kind, table.sheet, now=now)
            )
            if import_ is None:
                import_ = _begin(session, actor, ref, file, table, mapping, options, wishes, now)
            keeps = import_.path == file.path
        return import_
    finally:
        if not keeps:
            remove_file(data, file.path)


def mapping_of(table: Table, wishes: Wishes) -> dict[str, str | None]:
    """Header → field as wished, or by the names of the headers.  Raises Invalid."""
    if wishes.mapping is not None:
        return operations.checked_mapping(table.headers, wishes.mapping, wishes.kind)
    found = suggest_fields(wishes.kind, table.kind, table.headers, _samples(table), guess=False)
    if not any(found.values()):
        raise Invalid({"mapping": [_l("No column has the name of a field. Say which column is which.")]})
    return found


def _begin(
    session: Session,
    actor: Actor,
    ref: str,
    file: KeptFile,
    table: Table,
    mapping: Mapping[str, Any],
    options: Mapping[str, Any],
    wishes: Wishes,
    now: datetime,
) -> Import:
    warnings = [str(w) for w in table.warnings]
    shape = Shape(table.headers, None, warnings, form=table.kind, sheets=table.sheets, sheet=table.sheet)
    import_ = operations.keep_upload(session, actor, ref, file, shape, kind=wishes.kind, now=now)
    operations.map_columns(session, actor, ref, mapping, options, now=now)
    before = None if wishes.again else operations.find_imported_before(session, actor, import_)
    is_same = before is not None and Manner.of(before.options) == Manner.of(import_.options)
    if before is not None and is_same and before.state is ImportState.DONE:
        operations.count_as_imported(session, actor, import_, before, now=now)
        return import_
    return operations.start_import(session, actor, ref, again=True, now=now)


def _go_on(
    session: Session, actor: Actor, file: KeptFile, kind: str, sheet: str, *, now: datetime
) -> Import | None:
    """The import of the same file, and sheet, that has not come to its end, made to go on."""
    found = session.scalars(
        select(Import)
        .where(Import.digest == file.digest, Import.object == kind, Import.state != ImportState.DRAFT)
        .order_by(Import.id.desc())
        .limit(operations.MOST_BEFORE)
    )
    import_ = next((each for each in found if operations.is_of_sheet(each, sheet)), None)
    if import_ is None or import_.state is ImportState.DONE:
        return None
    is_visible = session.scalar(select(Import.id).where(Import.id == import_.id, may_see(actor))) is not None
    if import_.state in (ImportState.WAITING, ImportState.RUNNING):
        if not is_visible:
            raise Conflict(_l("Somebody else is importing this file at the moment."))
        return import_
    if import_.done == 0 or not is_visible:
        return None
    return operations.resume_import(session, actor, import_, file, now=now)


def _failed(
    session: Session, actor: Actor, ref: str, file: KeptFile, kind: str, error: NotATable, now: datetime
) -> Import:
    import_ = operations.keep_upload(session, actor, ref, file, Shape(()), kind=kind, now=now)
    import_.state, import_.detail, import_.finished_at = ImportState.FAILED, str(error.message), now
    return import_


def suggest_fields(
    kind: str, form: str, headers: Sequence[str], samples: Mapping[str, Sequence[str]], *, guess: bool = True
) -> dict[str, str | None]:
    """Header → field as its name suggests.  form: of the file; the columns of address cards are all known."""
    if form == "vcard":
        known = {header: CARD_FIELDS[kind].get(header) for header in headers}
        if kind in (CONTACT, PAIR):
            find_public_names(kind, known, samples)
        return known
    labels = field_labels(kind)
    found = suggest(kind, headers, labels, samples, guess=guess)
    if kind == LEAD and guess and ID.name in found.values():
        _forget_guesses(found, suggest(kind, headers, labels, samples, guess=False))
    return found


def _forget_guesses(found: dict[str, str | None], own: Mapping[str, str | None]) -> None:
    """Of a list of leads that comes back: what exports hold means what they call it ("created_at" no arrival)."""
    told = headings_of(db.session(), LEAD)
    found.update({header: name for header, name in own.items() if header in told})


def field_labels(kind: str = LEAD) -> dict[str, list[str]]:
    """Field → its labels in the three languages: the standard ones, and what the organisation calls it."""
    with standard_words():
        plain = {name: list(labels) for name, labels in _labels(kind).items()}
    if in_force() is not None:
        for name, labels in _labels_now(kind).items():
            plain[name] = list(dict.fromkeys([*labels, *plain[name]]))
    known = catalogue(db.session())
    if kind == PAIR:
        accounts = {f"{OF_ACCOUNT}{n}": f.all_labels() for n, f in known.active(ACCOUNT).items()}
        return {**plain, **accounts, **{n: f.all_labels() for n, f in known.active(CONTACT).items()}}
    return {**plain, **{name: field.all_labels() for name, field in known.active(kind).items()}}


@cache
def _labels(kind: str) -> dict[str, tuple[str, ...]]:
    """Those in the standard words."""
    return {name: tuple(labels) for name, labels in _labels_now(kind).items()}


def _labels_now(kind: str) -> dict[str, list[str]]:
    fields = {
        name: field
        for name, field in fields_of(kind).items()
        if not is_custom(name.removeprefix(OF_ACCOUNT)) and name.removeprefix(OF_ACCOUNT) != ID.name
    }
    labels: dict[str, list[str]] = {name: [] for name in fields}
    for language in LANGUAGES:
        with force_locale(language):
            for name, field in fields.items():
                labels[name].append(str(field.label))
            for name, listed in known_fields(kind).items() if kind != PAIR else ():
                if name in labels:
                    labels[name].append(str(listed.label))  # over the columns of an export
    if kind == LEAD:
        labels["campaign"].append("campaign_id")  # as the API names it
    return labels


def path_of(import_: Import) -> Path:
    """Where the import's file waits."""
    return waiting_file(current_settings().data, import_.path)
