"""Which values a merged record has: those chosen field by field, and of consent the stricter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.consent import CONSENT, OPT_OUTS, stricter
from app.accounts.fields import CONTACT_FIELDS, Field, FieldKind, fields_of_kind
from app.accounts.models import Account
from app.accounts.queries import may_govern
from app.accounts.values import account_keys, contact_keys, person_name
from app.care.survivors import MODELS
from app.fields.records import write
from app.identity.models import User, UserState
from app.kernel.actor import Actor, Level
from app.kernel.errors import Conflict, NotAllowed
from app.sharing.scope import scope

_MERGING = Actor.system("merging")


class NotMergeable(Conflict):
    """The records cannot become one; the message says why."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that may be merged.  given: how much of it the actor has."""

    record: Any
    given: Level

    @property
    def name(self) -> str:
        return str(self.record.name if isinstance(self.record, Account) else self.record.full_name)


def fields_of(kind: str, survivor: Any) -> Mapping[str, Field]:
    """The fields that are chosen one by one."""
    return fields_of_kind(survivor.kind) if kind == "account" else CONTACT_FIELDS


def values_told(session: Session, fields: Mapping[str, Field], each: Any) -> dict[str, Any]:
    """Every value that a record has, as events tell it."""
    values = {name: as_told(session, field, getattr(each, field.attribute)) for name, field in fields.items()}
    told = {name: value for name, value in values.items() if value is not None}
    return {**told, **({"custom": each.custom} if each.custom else {})}


def as_told(session: Session, field: Field, value: Any) -> Any:
    """A value as events keep it: people by name, records by their public name."""
    if value is None or not field.is_reference:
        return value
    if field.kind is FieldKind.USER:
        return session.get_one(User, value).name
    model = MODELS[field.kind.value]
    return session.scalar(select(model.ref).where(scope(model, _MERGING), model.id == value))


def chosen_values(
    session: Session,
    actor: Actor,
    kind: str,
    by_ref: Mapping[str, Candidate],
    survivor: Any,
    fields: Mapping[str, Field],
    chosen: Mapping[str, str],
) -> dict[str, Any]:
    """Attribute → value that the survivor is to have, of those that differ from its own."""
    changed: dict[str, Any] = {}
    keys = {each.record.id for each in by_ref.values()}
    for name, field in fields.items():
        own = getattr(survivor, field.attribute)
        source = by_ref.get(chosen.get(name, ""))
        value = own if source is None else getattr(source.record, field.attribute)
        if source is None and own is None:
            values = (getattr(each.record, field.attribute) for each in by_ref.values())
            value = next((v for v in values if v is not None), None)
        if field.kind in (FieldKind.ACCOUNT, FieldKind.CONTACT) and kind == field.kind and value in keys:
            value = None  # below itself
        if field.is_required and value is None:
            value = own
        if value != own:
            changed[field.attribute] = value
    if "owner_user_id" in changed and not may_govern(actor, by_ref[survivor.ref].given):
        raise NotAllowed(_l("Only its owner, channel managers and administrators change the owner."))
    if kind == "contact":
        _refuse_moving_user(session, by_ref, changed.get("account_id", survivor.account_id))
    elif "owner_user_id" in changed:
        from app.accounts.operations import refuse_unfit_channel_manager

        refuse_unfit_channel_manager(session, survivor, session.get_one(User, changed["owner_user_id"]))
    return changed


def _refuse_moving_user(session: Session, by_ref: Mapping[str, Candidate], account_id: int | None) -> None:
    """A partner user stays with the company that it is a user of."""
    keys = [each.record.id for each in by_ref.values()]
    company = session.scalars(
        select(User.partner_account_id).where(User.contact_id.in_(keys), User.state != UserState.DEACTIVATED)
    ).first()
    if company is not None and company != account_id:
        raise NotMergeable(_l("One of them is a partner user. Keep the account that they are a user of."))


def take(
    session: Session,
    kind: str,
    survivor: Any,
    losers: Sequence[Any],
    fields: Mapping[str, Field],
    changed: dict[str, Any],
    now: datetime,
) -> dict[str, tuple[Any, Any]]:
    """Write the values; field → (old, new) as events tell it."""
    names = {field.attribute: name for name, field in fields.items()}
    told = {
        name: tuple(as_told(session, fields[name], each) for each in (getattr(survivor, column), value))
        for column, value in changed.items()
        for name in (names[column],)
    }
    for column, value in changed.items():
        setattr(survivor, column, value)
    if kind == "account":
        if survivor.kind == "person":
            survivor.name = person_name({n: getattr(survivor, n) for n in ("first_name", "last_name")})
        keys = account_keys(
            {n: getattr(survivor, n) for n in (*fields_of_kind("person"), "name") if hasattr(survivor, n)}
        )
    else:
        country = None
        if survivor.account_id is not None:
            country = session.scalar(
                select(Account.billing_country).where(
                    scope(Account, _MERGING), Account.id == survivor.account_id
                )
            )
        keys = contact_keys(
            {name: getattr(survivor, name) for name in ("last_name", "email", "phone", "mobile")}, country
        )
    for column, value in keys.items():
        setattr(survivor, column, value)
    missing = {
        name: value
        for loser in reversed(losers)
        for name, value in (loser.custom or {}).items()
        if name not in (survivor.custom or {})
    }
    written = write(session, kind, survivor.custom, missing, now=now)
    for column, value in written.columns.items():
        setattr(survivor, column, value)
    told |= _take_consent(survivor, losers)
    for loser in losers:
        survivor.imported = {**(loser.imported or {}), **(survivor.imported or {})}
    return told | dict(written.told)


def _take_consent(survivor: Any, losers: Sequence[Any]) -> dict[str, tuple[Any, Any]]:
    """What any of them want no more, they want no more; likewise a no.  Field → (old, new)."""
    known = OPT_OUTS if isinstance(survivor, Account) else (*OPT_OUTS, *CONSENT)
    before = {name: getattr(survivor, name) for name in known}
    for loser in losers:
        kept = {name: getattr(survivor, name) for name in known}
        changes = stricter(kept, {name: getattr(loser, name) for name in known})
        for name, value in changes.items():
            setattr(survivor, name, value)
        if not isinstance(survivor, Account):
            noted = {name: by for name, by in (loser.opted_out_by or {}).items() if name in changes}
            survivor.opted_out_by = {**survivor.opted_out_by, **noted}
    return {
        name: (old, getattr(survivor, name)) for name, old in before.items() if getattr(survivor, name) != old
    }
