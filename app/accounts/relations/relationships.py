"""Relationships between accounts, seen from both sides by those who may see both accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Account
from app.accounts.queries import get_account
from app.accounts.relations.models import AccountRelationship, RelationshipReason
from app.events.operations import record
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import Conflict, Invalid, NotFound
from app.kernel.fold import fold
from app.kernel.paging import COUNT_CAP
from app.kernel.text import clean_text
from app.sharing.scope import scope

LONGEST_NOTE = 255


@dataclass(frozen=True, slots=True)
class Related:
    """A relationship as one of its accounts sees it: this account is `reason` of `other`.

    is_inverse: the reason is read from its other end.
    """

    id: int
    ref: str
    reason: str
    reason_ref: str
    is_inverse: bool
    other: Account
    note: str | None
    since_on: date | None
    until_on: date | None

    @property
    def is_over(self) -> bool:
        return self.until_on is not None


def relationships_of(
    session: Session, actor: Actor, account: Account, *, limit: int | None = None
) -> Sequence[Related]:
    """The account's relationships to accounts that the actor sees, by the other's name."""
    statement = _seen(actor, account).order_by(Account.name_fold, AccountRelationship.id)
    return [_as_seen(account, *row) for row in session.execute(statement.limit(limit))]


def count_relationships(session: Session, actor: Actor, account: Account) -> int:
    """How many of them the actor sees, counted to 1,001 at most."""
    seen = _seen(actor, account).with_only_columns(AccountRelationship.id).limit(COUNT_CAP + 1)
    return session.scalar(select(func.count()).select_from(seen.subquery())) or 0


def get_relationship(session: Session, actor: Actor, account: Account, ref: str) -> Related:
    """One relationship of the account's.  Raises NotFound, alike for absent ones and those to a hidden account."""
    row = session.execute(_seen(actor, account).where(AccountRelationship.ref == ref)).first()
    if row is None:
        raise NotFound("relationship", ref)
    return _as_seen(account, *row)


def _seen(actor: Actor, account: Account) -> Any:
    link = AccountRelationship
    other_id = case((link.account_id == account.id, link.other_id), else_=link.account_id)
    of_account = or_(link.account_id == account.id, link.other_id == account.id)
    return (
        select(link, RelationshipReason, Account)
        .join(RelationshipReason, RelationshipReason.id == link.reason_id)
        .join(Account, Account.id == other_id)
        .where(scope(Account, actor, Level.READ), of_account)
    )


def _as_seen(
    account: Account, link: AccountRelationship, reason: RelationshipReason, other: Account
) -> Related:
    is_inverse = link.other_id == account.id and not reason.is_symmetric
    words = reason.inverse if is_inverse else reason.name
    return Related(
        link.id, link.ref, words, reason.ref, is_inverse, other, link.note, link.since_on, link.until_on
    )


def add_relationship(
    session: Session,
    actor: Actor,
    account_ref: str,
    other_ref: str,
    reason: str,
    *,
    is_inverse: bool = False,
    note: str | None = None,
    since_on: date | None = None,
    until_on: date | None = None,
    now: datetime,
) -> Related:
    """Relate the account to another one that the actor sees; told on both accounts' timelines.

    reason: its public name, or how it reads from this account ("supplier of", "supplied by").
    is_inverse: a reason given by public name is read from its other end.
    Raises NotAllowed, NotFound, Invalid, Conflict (they are related so already).
    """
    actor.require(Permission.ACCOUNT_EDIT)
    account = get_account(session, actor, account_ref, Level.EDIT)
    other = _other(session, actor, account, other_ref)
    why, is_inverse = _reason(session, reason, is_inverse)
    _refuse_backwards(since_on, until_on)
    first, second = account, other
    if is_inverse or (why.is_symmetric and account.id > other.id):
        first, second = other, account
    link = AccountRelationship(
        ref=refs.new_ref(refs.RELATIONSHIP),
        account_id=first.id,
        other_id=second.id,
        reason_id=why.id,
        note=clean_text(note, max_length=LONGEST_NOTE, field="note"),
        since_on=since_on,
        until_on=until_on,
        created_at=now,
        created_by_id=actor.user_id,
    )
    _refuse_twice(session, link)
    session.add(link)
    try:
        session.flush()
    except IntegrityError as error:  # somebody else has related them at this moment
        raise _Twice from error
    _tell_both(session, actor, "related", account, other, why, is_inverse, now)
    return _as_seen(account, link, why, other)


class _Twice(Conflict):
    slug = "already-related"
    message = _l("They are related so already.")


def _refuse_twice(session: Session, link: AccountRelationship) -> None:
    kept = AccountRelationship
    same = and_(
        kept.account_id == link.account_id, kept.other_id == link.other_id, kept.reason_id == link.reason_id
    )
    if session.scalar(select(kept.id).where(same)) is not None:
        raise _Twice


def _other(session: Session, actor: Actor, account: Account, other_ref: str) -> Account:
    try:
        other = get_account(session, actor, other_ref)
    except NotFound as error:
        raise Invalid({"account_id": [_l("There is no such account.")]}) from error
    if other.id == account.id:
        raise Invalid({"account_id": [_l("An account is not related to itself.")]})
    return other


def _reason(session: Session, text: str, is_inverse: bool) -> tuple[RelationshipReason, bool]:
    """(reason, whether it is read from its other end).  Raises Invalid: no such one, or retired."""
    wanted = fold(text)
    for reason in session.scalars(select(RelationshipReason).where(RelationshipReason.is_active)):
        if reason.ref == text:
            return reason, is_inverse and not reason.is_symmetric
        if wanted and fold(reason.name) == wanted:
            return reason, False
        if wanted and fold(reason.inverse) == wanted:
            return reason, True
    raise Invalid({"reason": [_l("Choose one of the reasons listed.")]})


def read_day(field: str, text: str | None) -> date | None:
    """A date as it is written in ISO 8601, None for nothing.  Raises Invalid."""
    if text is None or not text.strip():
        return None
    try:
        if len(text.strip()) != len("2026-01-31"):
            raise ValueError
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid({field: [_l("Give a date such as 2026-03-01.")]}) from error


def _refuse_backwards(since_on: date | None, until_on: date | None) -> None:
    if since_on is not None and until_on is not None and until_on < since_on:
        raise Invalid({"until_on": [_l("It cannot end before it begins.")]})


def remove_relationship(
    session: Session, actor: Actor, account_ref: str, relationship_ref: str, *, now: datetime
) -> None:
    """End it, from either side; told on both accounts' timelines.  Raises NotAllowed, NotFound."""
    actor.require(Permission.ACCOUNT_EDIT)
    account = get_account(session, actor, account_ref, Level.EDIT)
    related = get_relationship(session, actor, account, relationship_ref)
    link = session.get_one(AccountRelationship, related.id)
    why = session.get_one(RelationshipReason, link.reason_id)
    session.delete(link)
    _tell_both(session, actor, "unrelated", account, related.other, why, related.is_inverse, now)


def put_in_order(session: Session, account_id: int) -> None:
    """Let relationships that read the same from both sides stand once, the lower key first; after a merge."""
    link, turned = AccountRelationship, aliased(AccountRelationship)
    alike = select(RelationshipReason.id).where(RelationshipReason.inverse == "")
    out_of_order = session.scalars(
        select(link).where(
            or_(link.account_id == account_id, link.other_id == account_id),
            link.account_id > link.other_id,
            link.reason_id.in_(alike),
        )
    ).all()
    for found in out_of_order:
        known = select(turned.id).where(
            turned.account_id == found.other_id,
            turned.other_id == found.account_id,
            turned.reason_id == found.reason_id,
        )
        if session.scalar(known) is not None:
            session.delete(found)
        else:
            found.account_id, found.other_id = found.other_id, found.account_id
    session.flush()


def _tell_both(
    session: Session,
    actor: Actor,
    verb: str,
    account: Account,
    other: Account,
    reason: RelationshipReason,
    is_inverse: bool,
    now: datetime,
) -> None:
    """By keys, which never leave: whoever reads it is told the other's name only if they see that account."""
    for subject, about, inverse in ((account, other, is_inverse), (other, account, not is_inverse)):
        detail = {
            "other_id": about.id,
            "reason_id": reason.id,
            "is_inverse": inverse and not reason.is_symmetric,
        }
        record(session, actor, verb=verb, subject=subject, at=now, detail=detail)
