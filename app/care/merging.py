"""Merging two or three accounts, or contacts, into one of them, field by field."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.accounts.errors import BeingMerged
from app.accounts.queries import get_account_and_level, get_contact_and_level, may_govern
from app.accounts.relations.relationships import put_in_order
from app.activities.lasting import follow_record, recount
from app.care.comparing import end_pairs
from app.care.merged_values import Candidate, NotMergeable, chosen_values, fields_of, take, values_told
from app.care.models import PairState
from app.care.moving import move_references
from app.care.survivors import MODELS, answerable_for, find_survivor
from app.events.operations import record
from app.identity.models import User, UserState
from app.kernel.actor import Actor, Level, Permission
from app.kernel.among import among
from app.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from app.partners.models import PartnerAccount
from app.sharing.conversions import follow_merge
from app.sharing.scope import scope
from app.sharing.shares import move_shares

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


def get_candidates(
    session: Session, actor: Actor, kind: str, refs: Sequence[str], *, for_update: bool = False
) -> list[Candidate]:
    """The records in the order named, if the actor may merge them.

    Raises NotAllowed (the role, or too little of one of them), Invalid (how many), MergedMeanwhile, NotFound,
    BeingMerged, NotMergeable (of two kinds, two partners, two partner users).
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
    if any(each.record.merging is not None for each in candidates):
        raise BeingMerged
    if kind == "account" and len({each.record.kind for each in candidates}) > 1:
        raise NotMergeable(_l("A person and a business cannot become one."))
    return candidates


_NOT_AWAY = _l("Only whoever may delete a record may merge it away.")


def possible_survivors(actor: Actor, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    """Those of which one can stay.  Raises NotAllowed where there is none.

    Whoever may not delete a record may not merge it away either.
    """
    kept = [each for each in candidates if not may_govern(actor, each.given)]
    if len(kept) > 1:
        raise NotAllowed(_NOT_AWAY)
    return kept or candidates


@dataclass(frozen=True, slots=True)
class Decided:
    """A merge that may be done.  chosen: field → public name of the record whose value is kept."""

    kind: str
    survivor: Candidate
    losers: Sequence[Candidate]
    chosen: Mapping[str, str]


def decide(
    session: Session,
    actor: Actor,
    kind: str,
    survivor_ref: str,
    refs: Sequence[str],
    chosen: Mapping[str, str],
    *,
    versions: Mapping[str, int] | None = None,
) -> Decided:
    """What `merge_records` is asked for, if the actor may do it; the records are held against changes."""
    candidates = get_candidates(session, actor, kind, refs, for_update=True)
    by_ref = {each.record.ref: each for each in candidates}
    if survivor_ref not in by_ref:
        raise Invalid({"survivor": [_l("Choose which record stays.")]})
    for ref, version in (versions or {}).items():
        if ref in by_ref and by_ref[ref].record.version != version:
            raise ChangedMeanwhile
    losers = [each for each in candidates if each.record.ref != survivor_ref]
    _refuse(session, actor, kind, by_ref[survivor_ref], losers)
    return Decided(kind, by_ref[survivor_ref], losers, chosen)


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
    decided = decide(session, actor, kind, survivor_ref, refs, chosen, versions=versions)
    return carry_out(session, actor, decided, now=now)


def carry_out(
    session: Session, actor: Actor, decided: Decided, *, moved: Mapping[str, int] | None = None, now: datetime
) -> Any:
    """Do what was decided; the survivor.  moved: table → rows that went over before.  Does not commit."""
    kind, survivor = decided.kind, decided.survivor.record
    losers = [each.record for each in decided.losers]
    by_ref = {each.record.ref: each for each in (decided.survivor, *decided.losers)}
    fields = fields_of(kind, survivor)
    kept = {each.ref: values_told(session, fields, each) for each in losers}
    changed = chosen_values(session, actor, kind, by_ref, survivor, fields, decided.chosen)
    for loser in losers:
        loser.external_id = None if changed.get("external_id") == loser.external_id else loser.external_id
    session.flush()  # before the survivor takes what was theirs
    told = take(session, kind, survivor, losers, fields, changed, now)
    answerable = answerable_for(session, kind, losers)
    counts = Counter(moved or {}) + Counter(_move(session, actor, kind, survivor, losers, now))
    _finish(session, actor, kind, survivor, losers, now)
    detail = {
        "version": survivor.version,
        "merged": [
            {"ref": each.ref, "name": by_ref[each.ref].name, "values": kept[each.ref]} for each in losers
        ],
        "moved": dict(sorted(counts.items())),
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
    if survivor not in possible_survivors(actor, [survivor, *losers]):
        raise NotAllowed(_NOT_AWAY)
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


# What hangs on them


def _move(
    session: Session, actor: Actor, kind: str, survivor: Any, losers: Sequence[Any], now: datetime
) -> dict[str, int]:
    keys = [loser.id for loser in losers]
    _move_below(session, kind, survivor, keys)
    moved, _seen = move_references(session, kind, keys, survivor.id)
    if kind == "account":
        put_in_order(session, survivor.id)
    shares = move_shares(session, actor, kind, keys, survivor, now=now)
    follow_merge(session, kind, keys, survivor, now=now)
    return {**moved, **({"manual_share": shares} if shares else {})}


def _tree(kind: str) -> tuple[Any, Any]:
    """The model, and its column that names what a record stands below."""
    model: Any = MODELS[kind]
    return model, model.parent_id if kind == "account" else model.reports_to_id


def count_below(session: Session, kind: str, losers: Sequence[int]) -> int:
    """How many records stand right below these."""
    model, above = _tree(kind)
    found = select(func.count()).select_from(model).where(scope(model, _MERGING), above.in_(losers))
    return session.scalar(found) or 0


def move_below(session: Session, kind: str, survivor: int, losers: Sequence[int], *, most: int) -> int:
    """Hang some of what stands below the others below the survivor, but nothing that it stands below itself; how many."""
    model, above = _tree(kind)
    line, key = [survivor], session.scalar(select(above).where(scope(model, _MERGING), model.id == survivor))
    while key is not None and key not in line and len(line) < DEEPEST:
        line.append(key)
        key = session.scalar(select(above).where(scope(model, _MERGING), model.id == key))
    keys = session.scalars(
        select(model.id).where(scope(model, _MERGING), above.in_(losers), model.id.not_in(line)).limit(most)
    ).all()
    if keys:
        session.execute(
            update(model)
            .where(scope(model, _MERGING), among(session, model.id, keys))
            .values({above.key: survivor, "version": model.version + 1}),
            execution_options=_QUIETLY,
        )
    return len(keys)


def _move_below(session: Session, kind: str, survivor: Any, losers: Sequence[int]) -> None:
    """What stands below the others stands below the survivor, which stands below none of its own."""
    model, above = _tree(kind)
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
        each.merging = None
        each.stamp(actor, now)
    session.flush()
    if kind == "contact":
        follow_record(session, survivor)
    recount(session, [(MODELS[kind], survivor.id)])
    session.refresh(survivor)
    end_pairs(session, kind, [loser.id for loser in losers], PairState.MERGED)
