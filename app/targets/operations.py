"""Setting what a partner aims at, changing it, taking it back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.accounts.queries import get_account
from app.events.operations import record
from app.identity.models import User
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import Invalid, Stale
from app.opportunities.values import clean_values
from app.partners.errors import NotAPartner
from app.partners.models import PartnerAccount
from app.targets.models import PartnerTarget
from app.targets.periods import read_period
from app.targets.queries import get_target, whose

HIGHEST = 1_000_000
_AIMS = ("converted", "won_amount", "currency")


def set_target(
    session: Session, actor: Actor, account_ref: str, values: Mapping[str, Any], *, now: datetime
) -> PartnerTarget:
    """Give a partner, or one of its people, something to reach in a period.

    values: period (see `periods.period_key`), person (public name, "" for the company), converted, amount, currency.
    Writes an event at the account; does not commit.  Raises NotAllowed, NotFound, NotAPartner, Invalid.
    """
    actor.require(Permission.TARGET_EDIT)
    account = _partner(session, actor, account_ref)
    found = read_period(str(values.get("period") or ""))
    if found is None:
        raise Invalid({"period": [_l("Choose one of those listed.")]})
    person = _person(session, account, str(values.get("person") or ""))
    period, first = found
    there = select(PartnerTarget.id).where(
        PartnerTarget.account_id == account.id,
        PartnerTarget.period == period,
        PartnerTarget.starts_on == first,
        PartnerTarget.user_id == person.id if person else PartnerTarget.user_id.is_(None),
    )
    if session.scalar(there) is not None:
        raise Invalid({"period": [_l("There is a target for this already; change it in the list.")]})
    target = PartnerTarget(
        ref=refs.new_ref(refs.TARGET), account_id=account.id, user_id=person.id if person else None,
        period=period, starts_on=first, **_read_aims(values), created_at=now, updated_at=now,
        created_by_id=actor.user_id, updated_by_id=actor.user_id,
    )  # fmt: skip
    session.add(target)
    session.flush()
    changes = {name: (None, getattr(target, name)) for name in _AIMS if getattr(target, name) is not None}
    _tell(session, actor, "target_set", account, target, person, changes, now)
    return target


def edit_target(
    session: Session, actor: Actor, account_ref: str, ref: str, values: Mapping[str, Any], *, version: int | None,
    now: datetime,
) -> PartnerTarget:  # fmt: skip
    """Change what is to be reached.  values: converted, amount, currency.  version: that the form was made of.

    Writes an event at the account, nothing where nothing changes.  Raises NotAllowed, NotFound, NotAPartner, Stale,
    Invalid.
    """
    actor.require(Permission.TARGET_EDIT)
    account = _partner(session, actor, account_ref)
    target = get_target(session, actor, account, ref, for_update=True)
    if version is not None and version != target.version:
        raise Stale(_l("Somebody has changed this target meanwhile. Check the values and save again."))
    aims = _read_aims(values)
    changes = {n: (getattr(target, n), aims[n]) for n in _AIMS if getattr(target, n) != aims[n]}
    if not changes:
        return target
    for name, (_old, new) in changes.items():
        setattr(target, name, new)
    target.stamp(actor, now)
    _tell(session, actor, "target_changed", account, target, whose(session, target), changes, now)
    return target


def delete_target(session: Session, actor: Actor, account_ref: str, ref: str, *, now: datetime) -> None:
    """Take a target back.  Writes an event at the account.  Raises NotAllowed, NotFound, NotAPartner."""
    actor.require(Permission.TARGET_EDIT)
    account = _partner(session, actor, account_ref)
    target = get_target(session, actor, account, ref, for_update=True)
    changes = {name: (getattr(target, name), None) for name in _AIMS if getattr(target, name) is not None}
    _tell(session, actor, "target_removed", account, target, whose(session, target), changes, now)
    session.delete(target)


def _partner(session: Session, actor: Actor, account_ref: str) -> Account:
    account = get_account(session, actor, account_ref, Level.EDIT, for_update=True)
    if session.get(PartnerAccount, account.id) is None:
        raise NotAPartner
    return account


def _person(session: Session, account: Account, ref: str) -> User | None:
    if not ref:
        return None
    person = session.scalar(select(User).where(User.ref == ref, User.partner_account_id == account.id))
    if person is None:
        raise Invalid({"person": [_l("Choose one of those listed.")]})
    return person


def _read_aims(values: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of what is to be reached.  Raises Invalid."""
    errors: dict[str, list[Any]] = {}
    text = str(values.get("converted") if values.get("converted") is not None else "").strip()
    converted = int(text) if text.isdecimal() and len(text) < 9 else None
    if text and (converted is None or not 1 <= converted <= HIGHEST):
        errors["converted"] = [_l("Give a whole number, one or more; leave it empty for none.")]
    money = {"amount": values.get("amount"), "currency": values.get("currency")}
    try:
        cleaned = clean_values(money if money["amount"] not in (None, "") else {})
    except Invalid as error:
        errors.update(error.errors)
        cleaned = {}
    amount = cleaned.get("amount")
    if amount is not None and not errors and amount <= 0:
        errors["amount"] = [_l("Give an amount above zero; leave it empty for none.")]
    if amount is not None and not cleaned.get("currency"):
        errors.setdefault("currency", [_l("An amount needs its currency.")])
    if not errors and converted is None and amount is None:
        errors["converted"] = [_l("Say how many to convert, or how much to win.")]
    if errors:
        raise Invalid(errors)
    return {
        "converted": converted,
        "won_amount": None if amount is None else float(amount),
        "currency": cleaned.get("currency") if amount is not None else None,
    }


def _tell(
    session: Session, actor: Actor, verb: str, account: Account, target: PartnerTarget, person: User | None,
    changes: Mapping[str, tuple[Any, Any]], now: datetime,
) -> None:  # fmt: skip
    detail = {"period": target.period.value, "starts_on": target.starts_on.isoformat()}
    if person is not None:
        detail["name"] = person.name
    record(session, actor, verb=verb, subject=account, at=now, changes=changes, detail=detail)
