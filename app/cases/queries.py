"""Reading cases, with the names that stand beside them.

The names of contact and account are the reader's to see or not: a case does not tell of a contact that is
private to somebody else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Account, Contact
from app.accounts.queries import Person, page_of
from app.cases.models import Case, CaseStatus
from app.identity.models import User
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import NotAllowed, NotFound
from app.kernel.paging import COUNT_CAP, PAGE_SIZE, Page
from app.lists.found import window_at
from app.lists.query import ListQuery
from app.sharing.levels import get_with_level, given_level
from app.sharing.merge import Window, capped_count, merged_ids, order_of
from app.sharing.scope import scope

SHOWN_RELATED = 5


@dataclass(frozen=True, slots=True)
class Named:
    """A record by its public name and its name."""

    ref: str
    name: str


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case in a list.  account, contact: None where there is none that the reader may see."""

    case: Case
    status: CaseStatus
    owner: Person
    account: Named | None
    contact: Named | None
    given: Level


@dataclass(frozen=True, slots=True)
class CaseDetail:
    """A case with what its page shows beside it.  account, contact: as above."""

    case: Case
    status: CaseStatus
    given: Level
    owner: Person
    created_by: str | None
    updated_by: str | None
    account: Account | None
    contact: Contact | None

    def may_edit(self, actor: Actor) -> bool:
        return self.given >= Level.EDIT and actor.can(Permission.CASE_EDIT)

    def may_govern(self, actor: Actor) -> bool:
        """Whether the actor may change the owner."""
        return may_govern(actor, self.given) and actor.can(Permission.CASE_EDIT)

    def may_delete(self, actor: Actor) -> bool:
        return self.given >= Level.EDIT and actor.can(Permission.CASE_DELETE)


def may_govern(actor: Actor, given: Level) -> bool:
    """Owners of a case, and of those who may edit it administrators and channel managers."""
    return given >= Level.FULL or (given >= Level.EDIT and actor.can(Permission.CASE_DELETE))


# One case


def get_case(
    session: Session, actor: Actor, ref: str, level: Level = Level.READ, *, for_update: bool = False
) -> Case:
    """The case.  Raises NotFound, alike for hidden and absent; NotAllowed when it is seen at less."""
    found, given = get_case_and_level(session, actor, ref, for_update=for_update)
    if given < level:
        raise NotAllowed
    return found


def get_case_and_level(
    session: Session, actor: Actor, ref: str, *, for_update: bool = False
) -> tuple[Case, Level]:
    """The case, with how much of it the actor has.  Raises NotFound."""
    return get_with_level(session, actor, Case, refs.CASE, ref, for_update=for_update)


def open_case(session: Session, actor: Actor, ref: str) -> CaseDetail:
    """The case with the names beside it.  One statement.  Raises NotFound."""
    owner, creator, changer = aliased(User), aliased(User), aliased(User)
    row = session.execute(
        select(
            Case,
            CaseStatus,
            given_level(Case, actor),
            owner.ref,
            owner.name,
            creator.name,
            changer.name,
            Account,
            Contact,
        )
        .join(CaseStatus, CaseStatus.id == Case.status_id)
        .join(owner, owner.id == Case.owner_user_id)
        .outerjoin(creator, creator.id == Case.created_by_id)
        .outerjoin(changer, changer.id == Case.updated_by_id)
        .outerjoin(Account, and_(Account.id == Case.account_id, scope(Account, actor, Level.READ)))
        .outerjoin(Contact, and_(Contact.id == Case.contact_id, scope(Contact, actor, Level.READ)))
        .where(scope(Case, actor, Level.READ), Case.ref == ref)
    ).first()
    if row is None:
        raise NotFound("case", ref)
    case, status, given, owner_ref, owner_name, created_by, updated_by, account, contact = row
    person = Person(owner_ref, owner_name)
    return CaseDetail(case, status, Level(given), person, created_by, updated_by, account, contact)


def list_statuses(session: Session) -> Sequence[CaseStatus]:
    """Every status in its order, retired ones too."""
    return session.scalars(select(CaseStatus).order_by(CaseStatus.position, CaseStatus.id)).all()


# Lists


def list_cases(
    session: Session, actor: Actor, query: ListQuery, *, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[CaseRow]:
    """A page of the cases that the actor may read.  Raises BadCursor."""
    window, back = window_at(actor, query, cursor, limit)
    if query.is_void:
        return Page([])
    ids = merged_ids(Case, actor, window, query.conditions, level=Level.READ).subquery("page")
    statement = (
        _rows(actor)
        .add_columns(ids.c.given, ids.c.sort_value)
        .join(ids, ids.c.id == Case.id)
        .order_by(*order_of(window, ids))
        .limit(limit + 1)
    )
    found = [(_row(row, Level(row.given)), row.sort_value, row[0].id) for row in session.execute(statement)]
    return page_of(actor, query, found, limit, back, cursor is not None)


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Case,
            CaseStatus,
            User.ref.label("owner_ref"),
            User.name.label("owner_name"),
            Account.ref.label("account_ref"),
            Account.name.label("account_name"),
            Contact,
        )
        .join(CaseStatus, CaseStatus.id == Case.status_id)
        .join(User, User.id == Case.owner_user_id)
        .outerjoin(Account, and_(Account.id == Case.account_id, scope(Account, actor, Level.READ)))
        .outerjoin(Contact, and_(Contact.id == Case.contact_id, scope(Contact, actor, Level.READ)))
    )


def _row(row: Any, given: Level) -> CaseRow:
    case, status, contact = row[0], row[1], row[6]
    return CaseRow(
        case,
        status,
        Person(row.owner_ref, row.owner_name),
        Named(row.account_ref, row.account_name) if row.account_ref else None,
        Named(contact.ref, contact.full_name) if contact else None,
        given,
    )


def count_cases(session: Session, actor: Actor, query: ListQuery, *, cap: int = COUNT_CAP) -> int:
    """How many match, at most `cap` + 1: nobody waits for an exact count above it."""
    counted = capped_count(Case, actor, query.conditions, cap=cap, level=Level.READ)
    return session.scalar(counted) or 0


# Beside other records


@dataclass(frozen=True, slots=True)
class RelatedCases:
    """The newest cases of an account or a contact, open ones first, and how many there are of each.

    number, open_number: COUNT_CAP + 1 for more than that.
    """

    rows: Sequence[CaseRow]
    number: int
    open_number: int

    @property
    def count_text(self) -> str:
        """ "12", or "1000+" beyond what is counted."""
        return f"{COUNT_CAP}+" if self.number > COUNT_CAP else str(self.number)


def cases_of(session: Session, actor: Actor, record: Account | Contact) -> RelatedCases | None:
    """What the related list of a record shows, of the cases that the actor may read; None for who reads none.

    Five statements at most, whatever the number of cases.
    """
    if not actor.can(Permission.CASE_VIEW):
        return None
    place = "account_id" if isinstance(record, Account) else "contact_id"
    of_record = getattr(Case, place) == record.id
    number = _count_related(session, actor, [of_record])
    if not number:
        return RelatedCases([], 0, 0)
    open_number = _count_related(session, actor, [of_record, Case.is_open])
    rows = _newest(session, actor, [of_record, Case.is_open]) if open_number else []
    if len(rows) < SHOWN_RELATED and number > open_number:
        rows = [*rows, *_newest(session, actor, [of_record, ~Case.is_open])][:SHOWN_RELATED]
    return RelatedCases(rows, number, open_number)


def _count_related(session: Session, actor: Actor, filters: Sequence[Any]) -> int:
    return (
        session.scalar(capped_count(Case, actor, filters, cap=COUNT_CAP, level=Level.READ, by_row=True)) or 0
    )


def _newest(session: Session, actor: Actor, filters: Sequence[Any]) -> list[CaseRow]:
    window = Window(Case.created_at, descending=True, limit=SHOWN_RELATED)
    ids = merged_ids(Case, actor, window, filters, level=Level.READ, by_row=True).subquery("page")
    statement = (
        _rows(actor)
        .add_columns(ids.c.given)
        .join(ids, ids.c.id == Case.id)
        .order_by(*order_of(window, ids))
        .limit(SHOWN_RELATED)
    )
    return [_row(row, Level(row.given)) for row in session.execute(statement)]
