"""What the pages about who sees a record tell: everybody with level and causes, shares by hand, one person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import User
from app.identity.queries import find_actor
from app.kernel.actor import Actor, Level, Permission
from app.sharing.explain import Cause, Record, who_sees, why
from app.sharing.levels import find_level
from app.sharing.models import ManualShare
from app.sharing.principals import Known, names_of
from app.sharing.shares import shares_of
from app.sharing.untold import as_asked, causes_as_asked
from app.sharing.why_not import why_not
from app.sharing.words import Naming, Who, Why, level_tone, level_words, who_of


@dataclass(frozen=True, slots=True)
class Line:
    """A principal that sees the record, how much and why."""

    who: Who
    level: str
    tone: str
    whys: Sequence[Why]


@dataclass(frozen=True, slots=True)
class ShareLine:
    """A share by hand.  by: who shared it.  last: its last moment; last_day: that day as a form has it."""

    ref: str
    who: Who
    level: str
    words: str
    tone: str
    last: datetime | None
    last_day: str
    by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one person sees the record.  whys: the causes; failing: where they do not, what fails."""

    name: str
    level: str
    tone: str
    whys: Sequence[Why]
    failing: Sequence[str]


@dataclass(frozen=True, slots=True)
class Panel:
    """The panel on a record's page, before it is opened.  of_all: whether the reader may ask about everybody."""

    kind: str
    ref: str
    of_all: bool


def panel_of(actor: Actor, record: Record) -> Panel:
    """The panel of a record.  Asks nothing: every page of a record has it."""
    return Panel(record.__tablename__, record.ref, actor.can(Permission.ACCESS_VIEW))


def everybody(session: Session, actor: Actor, record: Record) -> list[Line]:
    """Everybody who sees it; the caller has seen to it that the actor may ask."""
    actor.require(Permission.ACCESS_VIEW)
    grants = as_asked(session, actor, who_sees(session, record))
    naming = Naming(session, actor, grants)
    return [
        Line(
            naming.who(grant.to),
            level_words(grant.level),
            level_tone(grant.level),
            [naming.why(cause, grant.to) for cause in dict.fromkeys(grant.causes)],
        )
        for grant in grants
    ]


def themselves(session: Session, actor: Actor, record: Record) -> Verdict:
    """Why the actor sees the record themselves."""
    level, causes = why(session, actor, record)
    return _seen(session, actor, actor.name, level, causes)


def one_person(session: Session, actor: Actor, ref: str, record: Record) -> Verdict | None:
    """Why somebody sees the record, or which conditions fail; None for a name that nobody has."""
    actor.require(Permission.ACCESS_VIEW)
    person = session.scalar(select(User).where(User.ref == ref))
    if person is None:
        return None
    asked = find_actor(session, person.id)
    level, causes = (None, []) if asked is None else why(session, asked, record)
    if level is not None:
        return _seen(session, actor, person.name, level, causes)
    return Verdict(person.name, "", "", [], why_not(session, person, record))


def _seen(session: Session, actor: Actor, name: str, level: Level | None, causes: Sequence[Cause]) -> Verdict:
    (causes,) = causes_as_asked(session, actor, [causes])
    naming = Naming(session, actor, [], causes)
    given = level or Level.PREVIEW
    return Verdict(name, level_words(given), level_tone(given), [naming.why(cause) for cause in causes], [])


def may_share(session: Session, actor: Actor, record: Record) -> bool:
    """Whether the actor may share the record by hand."""
    return actor.can(Permission.RECORD_SHARE) and (find_level(session, actor, record) or 0) >= Level.FULL


def shares_by_hand(session: Session, actor: Actor, record: Record) -> list[ShareLine]:
    """The shares that stand, oldest first; for those who may change them or may ask who sees the record.

    Days are the actor's.
    """
    shares = shares_of(session, record)
    if not shares:
        return []
    names = names_of(session, [share.principal_id for share in shares])
    givers = {share.created_by_id for share in shares if share.created_by_id is not None}
    people: dict[int, str] = {
        row.id: row.name for row in session.execute(select(User.id, User.name).where(User.id.in_(givers)))
    }
    return [_share_line(share, names[share.principal_id], people, actor) for share in shares]


def _share_line(share: ManualShare, known: Known, people: dict[int, str], actor: Actor) -> ShareLine:
    level = Level(share.level)
    last = share.until - timedelta(seconds=1) if share.until is not None else None
    return ShareLine(
        share.ref,
        who_of(known, actor),
        "edit" if level >= Level.EDIT else "read",
        level_words(level),
        level_tone(level),
        last,
        last.astimezone(ZoneInfo(actor.time_zone)).date().isoformat() if last is not None else "",
        people.get(share.created_by_id or 0, ""),
        share.created_at,
    )


def shared_with(session: Session, record: Record, share_ref: str) -> dict[str, Any] | None:
    """With whom a share that stands is, as `share_record` takes it."""
    for share in shares_of(session, record):
        if share.ref == share_ref:
            return names_of(session, [share.principal_id])[share.principal_id].to_json()
    return None
