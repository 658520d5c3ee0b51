"""What a conversion gives: whoever saw the lead sees what it became, by grants that stand in a list.

They are kept as `ConversionGrant`; of several conversions into one record the highest counts, as a `SharingGrant`
in a set that holds nothing else.  A contact does not follow its account by them: who saw the lead sees its own
results, not everybody else at the company.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, insert, select, tuple_
from sqlalchemy.orm import Session

from app.identity.models import User
from app.identity.queries import DEFAULT_LEVELS, get_organisation
from app.kernel.actor import Level
from app.leads.models import Lead
from app.routing.models import QueueMember
from app.sharing.models import ConversionGrant, GrantSet, GrantSetState, SharingGrant
from app.sharing.principals import (
    ACCOUNT_TEAM,
    ALL_PARTNERS,
    PARTNER_ACCOUNT,
    USER,
    WHOLE_INTERNAL,
    keep_principals,
)
from app.sharing.rules import in_force_on

_QUIETLY = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Saw:
    """A principal that reads the lead, and how much of it they have, at most edit.  until: of what ends by itself.

    default_of: the side whose default gives it, "" for any other reason.
    """

    principal_id: int
    level: int
    until: datetime | None = None
    default_of: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """A record that the lead became.  made: by the conversion, not there before."""

    record: Any
    made: bool

    @property
    def object(self) -> str:
        return str(self.record.__tablename__)


def who_saw(session: Session, lead: Lead, defaults: Mapping[str, Any]) -> Sequence[Saw]:
    """Every principal that reads the lead, each once, with the most that it has.  defaults: of leads, by side.

    Administrators see everything anyway; whoever had a preview only has not seen it.
    """
    found: dict[tuple[int, datetime | None], Saw] = {}
    for each in _readers(session, lead, defaults):
        known = found.get((each.principal_id, each.until))
        if known is None or known.level < each.level:
            found[each.principal_id, each.until] = each
    best: dict[int, Saw] = {}
    for each in found.values():  # what lasts counts before what is more but ends
        known = best.get(each.principal_id)
        if known is None or (known.until is not None, -known.level) > (each.until is not None, -each.level):
            best[each.principal_id] = each
    return list(best.values())


def _readers(session: Session, lead: Lead, defaults: Mapping[str, Any]) -> Iterator[Saw]:
    given = list(_given(session, lead, defaults))
    keys = keep_principals(session, [key for key, _level, _side in given])
    for key, level, side in given:
        yield Saw(keys[key], int(min(level, Level.EDIT)), default_of=side)
    for principal_id, level, until in session.execute(in_force_on("lead", lead.id)):
        yield Saw(principal_id, min(level, int(Level.EDIT)), until)


def _given(session: Session, lead: Lead, defaults: Mapping[str, Any]) -> Iterator[tuple[str, Level, str]]:
    """(key of a principal, level, side whose default gives it or "") of what the lead's own columns and defaults give."""
    if lead.offer_id is None and lead.owner_user_id is not None:
        yield f"{USER}:{lead.owner_user_id}", Level.EDIT, ""
        if lead.owner_rank is not None and lead.owner_rank < 2:
            yield f"{PARTNER_ACCOUNT}:{lead.partner_account_id}:{lead.owner_rank + 1}", Level.EDIT, ""
    if lead.partner_account_id is not None:
        yield f"{ACCOUNT_TEAM}:{lead.partner_account_id}", Level.EDIT, ""
    if lead.owner_queue_id is not None:
        inside = (
            select(User.id)
            .join(QueueMember, QueueMember.user_id == User.id)
            .where(QueueMember.queue_id == lead.owner_queue_id, User.partner_account_id.is_(None))
        )
        for user_id in session.scalars(inside):
            yield f"{USER}:{user_id}", Level.READ, ""
    for side, key in (("internal", WHOLE_INTERNAL), ("external", ALL_PARTNERS)):
        level = DEFAULT_LEVELS[defaults[side]]
        if level is not None:
            yield key, level, side


def grant_results(
    session: Session, conversion_id: int, lead: Lead, results: Sequence[Result], *, now: datetime
) -> int:
    """Give the results to whoever saw the lead; how many grants.  Does not commit.

    Of what was made for it as much as they had of the lead, of what was there before reading.  What a default gives
    of the lead is written down only where the default of the result gives less.
    """
    defaults = get_organisation(session).defaults
    saw = who_saw(session, lead, defaults["lead"])
    grants: list[ConversionGrant] = []
    for result in results:
        given = {side: DEFAULT_LEVELS[level] or 0 for side, level in defaults[result.object].items()}
        for each in saw:
            level = each.level if result.made else int(Level.READ)
            if each.default_of and given[each.default_of] >= level:
                continue
            grants.append(
                ConversionGrant(
                    conversion_id=conversion_id,
                    object=result.object,
                    principal_id=each.principal_id,
                    record_id=result.record.id,
                    level=level,
                    until=each.until,
                )
            )
    session.add_all(grants)
    session.flush()
    created = {(r.object, r.record.id): r.record.created_at for r in results}
    # Of records that were made just now nothing else can have been given.
    are_new = all(result.made for result in results)
    _settle(session, created, now, grants if are_new else None)
    return len(grants)


def revoke_results(
    session: Session, conversion_id: int, created: Mapping[tuple[str, int], datetime], *, now: datetime
) -> None:
    """Take back what a conversion gave.  created: (object, key) of its results → when each was made."""
    session.execute(
        delete(ConversionGrant).where(ConversionGrant.conversion_id == conversion_id),
        execution_options=_QUIETLY,
    )
    _settle(session, created, now)


def take_back(session: Session, record: Any, principals: Select[int], *, now: datetime) -> None:
    """Take back what conversions gave these principals of one record.  Does not commit."""
    theirs = delete(ConversionGrant).where(
        ConversionGrant.object == record.__tablename__,
        ConversionGrant.record_id == record.id,
        ConversionGrant.principal_id.in_(principals),
    )
    taken: Any = session.execute(theirs, execution_options=_QUIETLY)
    if taken.rowcount:
        _settle(session, {(record.__tablename__, record.id): record.created_at}, now)


def follow_merge(
    session: Session, object_: str, losers: Sequence[int], survivor: Any, *, now: datetime
) -> None:
    """Let what conversions gave of records that become part of another be given of that one."""
    for grant in session.scalars(
        select(ConversionGrant).where(
            ConversionGrant.object == object_, ConversionGrant.record_id.in_(losers)
        )
    ):
        grant.record_id = survivor.id
    session.flush()
    _settle(session, {(object_, key): survivor.created_at for key in (*losers, survivor.id)}, now)


def _settle(
    session: Session,
    created: Mapping[tuple[str, int], datetime],
    now: datetime,
    all_given: Sequence[ConversionGrant] | None = None,
) -> None:
    """Let the grants in force be the highest that conversions give of these records.

    created: (object, key) → when the record was made.  all_given: all that conversions give of them, where that is
    known and nothing of it is in force yet.  At most four statements, and one for each new set.
    """
    listed: dict[tuple[str, int], list[ConversionGrant]] = {}
    same = tuple_(ConversionGrant.object, ConversionGrant.record_id).in_(list(created))
    for row in session.scalars(select(ConversionGrant).where(same)) if all_given is None else all_given:
        listed.setdefault((row.object, row.record_id), []).append(row)
    principals = {row.principal_id for rows in listed.values() for row in rows}
    ours = GrantSet.object.in_({object_ for object_, _key in created}), GrantSet.is_conversion
    known = select(GrantSet.object, GrantSet.principal_id, GrantSet.id)
    sets = {
        (object_, principal_id): set_id
        for object_, principal_id, set_id in session.execute(
            known.where(*ours, GrantSet.principal_id.in_(principals))
        )
    }
    if all_given is None:
        session.execute(
            delete(SharingGrant).where(
                tuple_(SharingGrant.object, SharingGrant.record_id).in_(list(created)),
                SharingGrant.set_id.in_(select(GrantSet.id).where(*ours)),
            ),
            execution_options=_QUIETLY,
        )
    wanted: list[dict[str, Any]] = []
    for (object_, key), rows in listed.items():
        for principal_id, (level, until) in highest(rows).items():
            if (object_, principal_id) not in sets:
                sets[object_, principal_id] = _new_set(session, object_, principal_id, now)
            wanted.append(
                {
                    "set_id": sets[object_, principal_id],
                    "record_id": key,
                    "object": object_,
                    "principal_id": principal_id,
                    "level": level,
                    "record_created_at": created[object_, key],
                    "until": until,
                }
            )
    if wanted:
        session.execute(insert(SharingGrant), wanted)


def highest(rows: Sequence[ConversionGrant]) -> dict[int, tuple[int, datetime | None]]:
    """Principal → (the most that it is given, until when); of two ends none, or the later."""
    found: dict[int, tuple[int, datetime | None]] = {}
    for row in rows:
        level, until = found.get(row.principal_id, (0, row.until))
        end = None if until is None or row.until is None else max(until, row.until)
        found[row.principal_id] = (max(level, row.level), end)
    return found


def _new_set(session: Session, object_: str, principal_id: int, now: datetime) -> int:
    row = GrantSet(
        object=object_,
        principal_id=principal_id,
        is_conversion=True,
        state=GrantSetState.ACTIVE,
        began_at=now,
    )
    session.add(row)
    session.flush()
    return row.id
