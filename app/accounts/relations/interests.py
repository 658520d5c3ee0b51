"""What an account is interested in, what it is not, and the needs that are not yet met."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.accounts.queries import get_account
from app.accounts.relations.areas import list_areas
from app.accounts.relations.models import AccountInterest, InterestArea
from app.accounts.relations.registries import INTEREST_AREAS
from app.events.operations import record
from app.identity.models import User
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import Invalid, NotFound
from app.kernel.text import clean_text
from app.registries.operations import find_item

LONGEST_NEED = 2000
CHANGEABLE = ("interest", "need", "need_met")


@dataclass(frozen=True, slots=True)
class Interest:
    """An interest of an account, or the lack of one.  path: the area after those above it.

    need: in words, None for none.  is_open: it is not yet met, and an opportunity can come of it.
    noted_by, noted_by_ref: who said so last, "" for what the system did.
    """

    id: int
    ref: str
    area: str
    area_ref: str
    path: str
    is_interested: bool
    need: str | None
    need_met_at: datetime | None
    noted_at: datetime
    noted_by: str
    noted_by_ref: str

    @property
    def is_open(self) -> bool:
        return self.need is not None and self.need_met_at is None


def interests_of(session: Session, account: Account) -> Sequence[Interest]:
    """Of an account that the reader sees, in the order of the areas; at most one each."""
    rows = session.execute(
        select(AccountInterest, User.name, User.ref)
        .outerjoin(User, User.id == AccountInterest.noted_by_id)
        .where(AccountInterest.account_id == account.id)
    ).all()
    if not rows:
        return []
    held = {row.area_id: (row, name or "", ref or "") for row, name, ref in rows}
    return [
        Interest(
            row.id, row.ref, area.name, area.ref, area.path, row.is_interested, row.need, row.need_met_at,
            row.noted_at, name, ref,
        )
        for area in list_areas(session)
        if area.id in held
        for row, name, ref in [held[area.id]]
    ]  # fmt: skip


def note_interest(
    session: Session,
    actor: Actor,
    account_ref: str,
    area: str,
    *,
    is_interested: bool,
    need: str | None = None,
    now: datetime,
) -> tuple[AccountInterest, bool]:
    """Say what the account thinks of an area, named by its public name or name; said before, it is changed.

    Answers (the interest, whether it is new).  A need that is given is not yet met.
    Raises NotAllowed, NotFound, Invalid.
    """
    actor.require(Permission.ACCOUNT_EDIT)
    account = get_account(session, actor, account_ref, Level.EDIT, for_update=True)
    found: InterestArea | None = find_item(session, INTEREST_AREAS, area)
    known = None
    if found is not None:
        known = session.scalar(
            select(AccountInterest).where(
                AccountInterest.account_id == account.id, AccountInterest.area_id == found.id
            )
        )
    if found is None or (known is None and not found.is_active):
        raise Invalid({"area": [_l("Choose one of the areas listed.")]})
    text = _need(need)
    if known is not None:
        changes = {"interest": is_interested, "need": text}
        if text != known.need:
            changes["need_met"] = False
        _change(session, actor, account, known, found, changes, now)
        return known, False
    row = AccountInterest(
        ref=refs.new_ref(refs.INTEREST),
        account_id=account.id,
        area_id=found.id,
        is_interested=is_interested,
        need=text,
        noted_at=now,
        noted_by_id=actor.user_id,
    )
    session.add(row)
    session.flush()  # its key is shown
    _tell(session, actor, account, found, {"interest": (None, is_interested), "need": (None, text)}, now)
    return row, True


def change_interest(
    session: Session,
    actor: Actor,
    account_ref: str,
    interest_ref: str,
    values: Mapping[str, Any],
    *,
    now: datetime,
) -> AccountInterest:
    """Change `interest`, `need` or `need_met` of it; those left out stay.

    Raises NotAllowed, NotFound, Invalid.
    """
    actor.require(Permission.ACCOUNT_EDIT)
    account = get_account(session, actor, account_ref, Level.EDIT, for_update=True)
    row = _get(session, account, interest_ref)
    changes = dict(values)
    if "need" in changes:
        changes["need"] = _need(changes["need"])
        if changes["need"] != row.need:
            changes.setdefault("need_met", False)
    _change(session, actor, account, row, session.get_one(InterestArea, row.area_id), changes, now)
    return row


def remove_interest(
    session: Session, actor: Actor, account_ref: str, interest_ref: str, *, now: datetime
) -> None:
    """Forget what the account thinks of an area.  Raises NotAllowed, NotFound."""
    actor.require(Permission.ACCOUNT_EDIT)
    account = get_account(session, actor, account_ref, Level.EDIT, for_update=True)
    row = _get(session, account, interest_ref)
    area = session.get_one(InterestArea, row.area_id)
    old = {"interest": (row.is_interested, None), "need": (row.need, None)}
    session.delete(row)
    _tell(session, actor, account, area, old, now)


def _get(session: Session, account: Account, ref: str) -> AccountInterest:
    row = session.scalar(
        select(AccountInterest).where(AccountInterest.ref == ref, AccountInterest.account_id == account.id)
    )
    if row is None:
        raise NotFound("interest", ref)
    return row


def _need(given: str | None) -> str | None:
    return clean_text(given, max_length=LONGEST_NEED, field="need", multiline=True)


def _change(
    session: Session,
    actor: Actor,
    account: Account,
    row: AccountInterest,
    area: InterestArea,
    values: Mapping[str, Any],
    now: datetime,
) -> None:
    """Write what differs, with who says so and when; nothing when nothing does."""
    was = {"interest": row.is_interested, "need": row.need, "need_met": row.need_met_at is not None}
    row.is_interested = values.get("interest", row.is_interested)
    row.need = values.get("need", row.need)
    if "need_met" in values and bool(values["need_met"]) != was["need_met"]:
        row.need_met_at = now if values["need_met"] and row.need is not None else None
    if row.need is None:
        row.need_met_at = None
    now_is = {"interest": row.is_interested, "need": row.need, "need_met": row.need_met_at is not None}
    changes = {name: (was[name], now_is[name]) for name in CHANGEABLE if was[name] != now_is[name]}
    if changes:
        row.noted_at, row.noted_by_id = now, actor.user_id
        _tell(session, actor, account, area, changes, now)


def _tell(
    session: Session,
    actor: Actor,
    account: Account,
    area: InterestArea,
    changes: Mapping[str, tuple[Any, Any]],
    now: datetime,
) -> None:
    told = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
    record(
        session,
        actor,
        verb="interest_noted",
        subject=account,
        at=now,
        changes=told,
        detail={"name": area.name},
    )
