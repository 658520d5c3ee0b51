"""What is characteristic of an account: values of the types that an administrator keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.accounts.queries import get_account
from app.accounts.relations.models import AccountCharacteristic, CharacteristicType
from app.accounts.relations.registries import CHARACTERISTIC_TYPES, LONGEST_VALUE
from app.events.operations import record
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import Conflict, Invalid, NotFound
from app.kernel.fold import fold
from app.kernel.text import clean_text
from app.registries.operations import find_item


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One value of an account.  type, type_ref: of what."""

    id: int
    ref: str
    type: str
    type_ref: str
    value: str


class _Twice(Conflict):
    slug = "already-there"
    message = _l("It has this value already.")


def characteristics_of(
    session: Session, account: Account, *, limit: int | None = None
) -> Sequence[Characteristic]:
    """Of an account that the reader sees, in the order of the types."""
    held, type_ = AccountCharacteristic, CharacteristicType
    rows = session.execute(
        select(held.id, held.ref, type_.name, type_.ref, held.value)
        .join(type_, type_.id == held.type_id)
        .where(held.account_id == account.id)
        .order_by(type_.position, type_.id, held.value_fold)
        .limit(limit)
    )
    return [Characteristic(*row) for row in rows]


def add_characteristic(
    session: Session, actor: Actor, account_ref: str, type_: str, value: str, *, now: datetime
) -> Characteristic:
    """Say a value of the account.  type_: its public name or name.

    Raises NotAllowed, NotFound, Invalid (no such type, no such value), Conflict (said already).
    """
    actor.require(Permission.ACCOUNT_EDIT)
    account = get_account(session, actor, account_ref, Level.EDIT, for_update=True)
    kind: CharacteristicType | None = find_item(session, CHARACTERISTIC_TYPES, type_)
    if kind is None or not kind.is_active:
        raise Invalid({"type": [_l("Choose one of the types listed.")]})
    text = _value(kind, value)
    known = select(AccountCharacteristic.id).where(
        AccountCharacteristic.account_id == account.id,
        AccountCharacteristic.type_id == kind.id,
        AccountCharacteristic.value_fold == fold(text, LONGEST_VALUE),
    )
    if session.scalar(known) is not None:
        raise _Twice
    held = AccountCharacteristic(
        ref=refs.new_ref(refs.CHARACTERISTIC),
        account_id=account.id,
        type_id=kind.id,
        value=text,
        value_fold=fold(text, LONGEST_VALUE),
        created_at=now,
        created_by_id=actor.user_id,
    )
    session.add(held)
    session.flush()  # its key is shown
    detail = {"name": kind.name, "value": text}
    record(session, actor, verb="characteristic_added", subject=account, at=now, detail=detail)
    return Characteristic(held.id, held.ref, kind.name, kind.ref, text)


def _value(kind: CharacteristicType, given: str) -> str:
    text = clean_text(given, max_length=LONGEST_VALUE, field="value")
    if text is None:
        raise Invalid({"value": [_l("Give a value.")]})
    if not kind.allowed:
        return text
    for value in kind.allowed:
        if fold(value) == fold(text):
            return str(value)
    raise Invalid({"value": [_l("Choose one of: %(values)s.", values=", ".join(kind.allowed[:20]))]})


def remove_characteristic(
    session: Session, actor: Actor, account_ref: str, characteristic_ref: str, *, now: datetime
) -> None:
    """Take a value away.  Raises NotAllowed, NotFound."""
    actor.require(Permission.ACCOUNT_EDIT)
    account = get_account(session, actor, account_ref, Level.EDIT)
    held = session.scalar(
        select(AccountCharacteristic).where(
            AccountCharacteristic.ref == characteristic_ref, AccountCharacteristic.account_id == account.id
        )
    )
    if held is None:
        raise NotFound("characteristic", characteristic_ref)
    kind = session.get_one(CharacteristicType, held.type_id)
    detail = {"name": kind.name, "value": held.value}
    session.delete(held)
    record(session, actor, verb="characteristic_removed", subject=account, at=now, detail=detail)
