"""Reading imports and what they left out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session

from app.identity.models import User
from app.intake.manner import permission_of
from app.intake.models import Import, ImportIssue, ImportState
from app.kernel import refs
from app.kernel.actor import Actor, Permission, Role
from app.kernel.db import is_sqlite
from app.kernel.errors import NotFound
from app.kernel.paging import PAGE_SIZE, Page, make_cursor, read_cursor

REFUSED, WARNING = "refused", "warning"
_CHUNK = 500
GROUPED, SHOWN_REASONS, SHOWN_LINES = 5000, 30, 5


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One line of the list of imports.  kind: what its rows are.  by: who started it, None for a command."""

    ref: str
    kind: str
    filename: str
    state: ImportState
    created_at: datetime
    finished_at: datetime | None
    by: str | None
    rows: int | None
    done: int
    created: int
    updated: int
    unchanged: int
    refused: int
    warnings: int

    @property
    def found_again(self) -> int:
        return self.updated + self.unchanged


def may_see(actor: Actor) -> ColumnElement[bool]:
    """Imports hold whole rows of the file: administrators see all, everyone else their own."""
    if actor.is_system or actor.role is Role.ADMINISTRATOR:
        return true()
    return Import.created_by_id == actor.user_id


def get_import(session: Session, actor: Actor, ref: str, *, for_update: bool = False) -> Import:
    """The import.  Raises NotAllowed, NotFound."""
    actor.require(Permission.ACCOUNT_IMPORT)
    if not refs.is_ref(refs.IMPORT, ref):
        raise NotFound("import", ref)
    statement = select(Import).where(may_see(actor), Import.ref == ref)
    if for_update and not is_sqlite(session):
        statement = statement.with_for_update()
    import_ = session.scalar(statement.execution_options(populate_existing=True))
    if import_ is None:
        raise NotFound("import", ref)
    actor.require(permission_of(import_.object))
    return import_


def list_imports(
    session: Session, actor: Actor, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[ImportRow]:
    """Imports, newest first.  Raises NotAllowed, BadCursor."""
    actor.require(Permission.ACCOUNT_IMPORT)
    back = False
    statement = (
        select(
            Import.id, Import.ref, Import.object, Import.filename, Import.state, Import.created_at, Import.finished_at,
            User.name, Import.rows, Import.done, Import.created, Import.updated, Import.unchanged,
            Import.refused, Import.warnings,
        )
        .outerjoin(User, User.id == Import.created_by_id)
        .where(may_see(actor))
    )  # fmt: skip
    if cursor:
        _, key, back = read_cursor(actor.user_id, "imports", cursor)
        statement = statement.where(Import.id > key if back else Import.id < key)
    order = Import.id.asc() if back else Import.id.desc()
    found = session.execute(statement.order_by(order).limit(limit + 1)).all()
    has_more, found = len(found) > limit, found[:limit]
    if back:
        found = found[::-1]
    rows = [ImportRow(*values) for _, *values in found]
    if not found:
        return Page(rows)
    older = has_more or back
    newer = has_more if back else bool(cursor)
    return Page(
        rows,
        make_cursor(actor.user_id, "imports", None, found[-1][0]) if older else None,
        make_cursor(actor.user_id, "imports", None, found[0][0], back=True) if newer else None,
    )


@dataclass(frozen=True, slots=True)
class IssueGroup:
    """What several rows were refused for, or warned about.  lines: the first of them."""

    reason: str
    count: int
    lines: Sequence[int]


def group_issues(found: Iterable[tuple[int, str]]) -> list[IssueGroup]:
    """(line, reason) pairs by reason, the most frequent first."""
    lines: dict[str, list[int]] = {}
    for line, reason in found:
        lines.setdefault(reason, []).append(line)
    groups = [IssueGroup(reason, len(all_), all_[:SHOWN_LINES]) for reason, all_ in lines.items()]
    return sorted(groups, key=lambda group: -group.count)[:SHOWN_REASONS]


def issue_groups(session: Session, import_: Import, kind: str) -> list[IssueGroup]:
    """The first few thousand refused rows or warnings, by reason."""
    rows = session.execute(
        select(ImportIssue.line, ImportIssue.reason)
        .where(ImportIssue.import_id == _issues_of(import_), ImportIssue.kind == kind)
        .order_by(ImportIssue.id)
        .limit(GROUPED)
    )
    return group_issues((line, reason) for line, reason in rows)


def all_issues(session: Session, import_: Import, kind: str) -> Iterator[ImportIssue]:
    """Every refused row, or every warning, in the order of the file, a few hundred at a time."""
    after, import_id = 0, _issues_of(import_)
    while True:
        chunk = session.scalars(
            select(ImportIssue)
            .where(ImportIssue.import_id == import_id, ImportIssue.kind == kind, ImportIssue.id > after)
            .order_by(ImportIssue.id)
            .limit(_CHUNK)
        ).all()
        for issue in chunk:
            yield issue
            session.expunge(issue)
        if len(chunk) < _CHUNK:
            return
        after = chunk[-1].id


def _issues_of(import_: Import) -> int:
    """Whose issues are shown: an import of a file that was taken in before has those of the first time."""
    same_as = import_.options.get("same_as")
    return int(same_as) if same_as else import_.id
