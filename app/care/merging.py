"""Merging two or three accounts, or contacts, into one of them, field by field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.accounts.fields import CONTACT_FIELDS, Field, FieldKind, fields_of_kind
from app.accounts.models import Account, Contact
from app.accounts.queries import get_account_and_level, get_contact_and_level, may_govern
from app.accounts.relations.relationships import put_in_order
from app.accounts.values import account_keys, contact_keys, person_name
from app.activities.lasting import follow_record, recount
from app.care.comparing import end_pairs
from app.care.models import PairState
from app.care.moving import move_references
from app.care.survivors import MODELS, answerable_for, find_survivor
from app.events.operations import record
from app.fields.records import write
from app.identity.models import User, UserState
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from app.partners.models import PartnerAccount
from app.search.upkeep import follow_account
from app.sharing.conversions import follow_merge
from app.sharing.scope import scope
from app.sharing.shares import move_shares
from app.sharing.touched import touch

MOST = 3
DEEPEST = 60
_PERMISSIONS = {"account": Permission.ACCOUNT_EDIT, "contact": Permission.CONTACT_EDIT}
_MERGING = Actor.system("merging")
_QUIETLY = {"synchronize_session": False}


class MergedMeanwhile(Conflict):
    """Somebody was faster: one of the records is part of another by now."""

    message = _l("Somebody has merged one of these records meanwhile. Nothing was changed; begin anew.")


class ChangedMeanwhile(Conflict):
    """Somebody has changed one of the records since the choice was shown."""

    slug = "stale"
    message = _l(
        "Somebody has changed one of these records meanwhile. Nothing was changed; look at them again."
    )


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


def get_candidates(
    session: Session, actor: Actor, kind: str, refs: Sequence[str], *, for_update: bool = False
) -> list[Candidate]:
    """The records in the order named, if the actor may merge them.

    Raises NotAllowed (the role, or too little of one of them), Invalid (how many), MergedMeanwhile, NotFound,
    NotMergeable (of two kinds, two partners, two partner users).
    """
    actor.require(_PERMISSIONS[kind])
    if kind == "account":
        actor.require(Permission.ACCOUNT_DELETE)
    wanted = list(dict.fromkeys(refs))
    if not 2 <= len(wanted) <= MOST:
        raise Invalid({"": [_l("Choose two or three records.")]})
    read = get_account_and_level if kind == "account" else get_contact_and_level
    found: dict[str, Candidate] = {}
    for ref in sorted(wanted):  # in one order for everybody, so that two who merge at once wait in line
        try:
            found[ref] = Candidate(*read(session, actor, ref, for_update=for_update))
        except NotFound as error:
            if find_survivor(session, actor, kind, ref) is not None:
                raise MergedMeanwhile from error
            raise
    candidates = [found[ref] for ref in wanted]
    if any(each.given < Level.EDIT for each in candidates):
        raise NotAllowed
    if kind == "account" and len({each.record.kind for each in candidates}) > 1:
        raise NotMergeable(_l("A person and a business cannot become one."))
    return candidates


def fields_of(kind: str, survivor: Any) -> Mapping[str, Field]:
    """The fields that are chosen one by one."""
    return fields_of_kind(survivor.kind) if kind == "account" else CONTACT_FIELDS


def merge_records(
    session: Session,
    actor: Actor,
    kind: str,
    survivor_ref: str,
    refs: Sequence[str],
    chosen: Mapping[str, str],
    *,
    versions: Mapping[str, int] | None = None,
    now: datetime,
) -> Any:
    """Make one record of two or three; the survivor, with everything that the others had.

    kind: "account" or "contact".  refs: all of them, the survivor too.  chosen: field → public name of the record
    whose value is kept; of the others the survivor's stays, or the first there is where it has none.
    versions: public name → the version the choice was made by.
    The others are gone at once, and their pages lead to the survivor.  One event on it keeps every value that
    they had; each of them gets one that names it.  Does not commit.
    Raises what `get_candidates` raises, ChangedMeanwhile, Invalid.
    """
    candidates = get_candidates(session, actor, kind, refs, for_update=True)
    by_ref = {each.record.ref: each for each in candidates}
    if survivor_ref not in by_ref:
        raise Invalid({"survivor": [_l("Choose which record stays.")]})
    for ref, version in (versions or {}).items():
        if ref in by_ref and by_ref[ref].record.version != version:
            raise ChangedMeanwhile
    survivor = by_ref[survivor_ref].record
    losers = [each.record for each in candidates if each.record.ref != survivor_ref]
    _refuse(session, actor, kind, by_ref[survivor_ref], [by_ref[each.ref] for each in losers])
    fields = fields_of(kind, survivor)
    kept = {each.ref: _values(session, fields, each) for each in losers}
    changed = _chosen_values(session, actor, kind, by_ref, survivor, fields, chosen)
    for loser in losers:
        loser.external_id = None if changed.get("external_id") == loser.external_id else loser.external_id
    session.flush()  # before the survivor takes what was theirs
    told = _take(session, kind, survivor, losers, fields, changed, now)
    answerable = answerable_for(session, kind, losers)
    moved = _move(session, actor, kind, survivor, losers, now)
    _finish(session, actor, kind, survivor, losers, now)
    detail = {
        "version": survivor.version,
        "merged": [
            {"ref": each.ref, "name": by_ref[each.ref].name, "values": kept[each.ref]} for each in losers
        ],
        "moved": moved,
    }
    record(session, actor, verb="merged", subject=survivor, at=now, changes=told, detail=detail)
    for loser in losers:
        record(
            session,
            actor,
            verb="merged_into",
            subject=loser,
            at=now,
            detail={"into": survivor.ref, "answerable_ids": answerable.get(loser.id, [])},
        )
    return survivor


def _refuse(
    session: Session, actor: Actor, kind: str, survivor: Candidate, losers: Sequence[Candidate]
) -> None:
    if any(not may_govern(actor, each.given) for each in losers):
        raise NotAllowed(_l("Only whoever may delete a record may merge it away."))
    keys = [each.record.id for each in (survivor, *losers)]
    if kind == "account":
        partners = set(
            session.scalars(select(PartnerAccount.account_id).where(PartnerAccount.account_id.in_(keys)))
        )
        if len(partners) > 1:
            raise NotMergeable(
                _l(
                    "Two of them are partners, each with its own queue, people and turns. Suspending does not change that."
                )
            )
        if partners - {survivor.record.id}:
            raise NotMergeable(_l("One of them is a partner. Choose that one to stay."))
        return
    users = session.scalars(select(User).where(User.contact_id.in_(keys))).all()
    if sum(user.state is not UserState.DEACTIVATED for user in users) > 1:
        raise NotMergeable(_l("Two of them are partner users. Deactivate one first."))


def _values(session: Session, fields: Mapping[str, Field], each: Any) -> dict[str, Any]:
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


# Values


def _chosen_values(
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


def _take(
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
    for loser in losers:
        survivor.imported = {**(loser.imported or {}), **(survivor.imported or {})}
    return told | dict(written.told)


# What hangs on them


def _move(
    session: Session, actor: Actor, kind: str, survivor: Any, losers: Sequence[Any], now: datetime
) -> dict[str, int]:
    keys = [loser.id for loser in losers]
    _move_below(session, kind, survivor, keys)
    moved = move_references(session, kind, keys, survivor.id)
    if kind == "account":
        put_in_order(session, survivor.id)
        follow_account(session, keys, survivor.id)
    shares = move_shares(session, actor, kind, keys, survivor, now=now)
    follow_merge(session, kind, keys, survivor, now=now)
    return {**moved, **({"manual_share": shares} if shares else {})}


def _move_below(session: Session, kind: str, survivor: Any, losers: Sequence[int]) -> None:
    """What stands below the others stands below the survivor, which stands below none of its own."""
    model: Any = MODELS[kind]
    above = model.parent_id if kind == "account" else model.reports_to_id
    _leave_circle(session, model, above, survivor, losers)
    session.execute(
        update(model)
        .where(scope(model, _MERGING), above.in_(losers), model.id != survivor.id)
        .values({above.key: survivor.id, "version": model.version + 1}),
        execution_options=_QUIETLY,
    )
    session.execute(
        update(model)
        .where(scope(model, _MERGING), model.merged_into_id.in_(losers))
        .values(merged_into_id=survivor.id),
        execution_options=_QUIETLY,
    )


def _leave_circle(session: Session, model: Any, above: Any, survivor: Any, losers: Sequence[int]) -> None:
    """Where the survivor would come to stand below itself by way of others, it stands below nobody."""
    key = getattr(survivor, above.key)
    for _step in range(DEEPEST):
        if key is None:
            return
        if key in (survivor.id, *losers):
            setattr(survivor, above.key, None)
            session.flush()
            return
        key = session.scalar(select(above).where(scope(model, _MERGING), model.id == key))


def _finish(
    session: Session, actor: Actor, kind: str, survivor: Any, losers: Sequence[Any], now: datetime
) -> None:
    for loser in losers:
        loser.merged_into_id, loser.deleted_at = survivor.id, now
    for each in (survivor, *losers):
        each.version += 1
        each.updated_at, each.updated_by_id = now, actor.user_id
    session.flush()
    if kind == "contact":
        follow_record(session, survivor)
    else:
        touch(
            session,
            "contact",
            session.scalars(
                select(Contact.id).where(scope(Contact, _MERGING), Contact.account_id == survivor.id)
            ).all(),
        )
    recount(session, [(MODELS[kind], survivor.id)])
    session.refresh(survivor)
    end_pairs(session, kind, [loser.id for loser in losers], PairState.MERGED)
