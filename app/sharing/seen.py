"""What one person sees, as a list: each record with how much of it they are given, and why.

Asked by those who may ask who sees a record, of records that they may read themselves.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, false, or_, select
from sqlalchemy.orm import Session

from app.identity.models import User
from app.identity.queries import find_actor
from app.kernel.actor import Actor, Level, Permission, Role
from app.kernel.errors import Invalid
from app.kernel.paging import COUNT_CAP, PAGE_SIZE, Page, make_cursor, read_cursor
from app.leads.models import Lead
from app.sharing.explain import Cause, Record, why_each
from app.sharing.merge import Window, capped_count, merged_ids
from app.sharing.models import GrantSet, SharingGrant
from app.sharing.rule import Rule
from app.sharing.rules import in_force, rules_for
from app.sharing.scope import branches, scope
from app.sharing.subjects import SUBJECTS
from app.sharing.untold import causes_as_asked

LEVELS = {level.name.lower(): level for level in Level}
_CAUSE = re.compile("[a-z_]{1,30}")
_SHARED = (
    "sharing_rule",
    "manual_share",
    "conversion",
)  # what explaining says of the one rule that gives what is shared


@dataclass(frozen=True, slots=True)
class Seen:
    """A record that somebody sees."""

    record: Any
    level: Level
    causes: Sequence[Cause]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records.  level: at least, of a preview no more than that, None for any.
    cause: of `causes_of`, None for whatever reason.
    """

    object: str
    level: Level | None = None
    cause: str | None = None

    @property
    def shape(self) -> list[Any]:
        return [self.object, self.level and int(self.level), self.cause]

    @property
    def model(self) -> Any:
        return SUBJECTS[self.object].model

    @property
    def is_preview(self) -> bool:
        return self.level is Level.PREVIEW


def read_wanted(object_: str, level: str = "", cause: str = "") -> Wanted:
    """Which records texts ask for; "" for leads, any level, any cause.  Raises Invalid."""
    if object_ not in SUBJECTS:
        raise Invalid({"object": [", ".join(SUBJECTS)]})
    if level and level not in LEVELS:
        raise Invalid({"level": [", ".join(LEVELS)]})
    if cause and not _CAUSE.fullmatch(cause):
        raise Invalid({"cause": [""]})  # it goes on record with an export
    return Wanted(object_, LEVELS.get(level), cause or None)


def person_asked(session: Session, user: User) -> Actor | None:
    """The person as somebody who sees; None for one who may not act now, and sees nothing."""
    return find_actor(session, user.id)


def causes_of(person: Actor, object_: str) -> list[str]:
    """For which causes the person may come to see records of an object, as explaining names them.

    What comes of shares is named whether there are any or none: else their being there would tell of records that
    the asker may not see.
    """
    causes: dict[str, None] = {}
    for rule in rules_for(SUBJECTS[object_].model, person):
        if rule.instead is Level.PREVIEW:
            causes["offer"] = None
        if rule.cause not in ("shared", "parent"):
            causes[rule.cause] = None
    if person.role is Role.ADMINISTRATOR:
        return list(causes)
    return [*causes, *(["parent"] if object_ == "contact" else []), *_SHARED]


def list_seen(
    session: Session,
    asker: Actor,
    person: Actor | None,
    wanted: Wanted,
    *,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[Seen]:
    """What the person sees, newest first.  Raises NotAllowed, BadCursor."""
    asker.require(Permission.ACCESS_VIEW)
    shape = ["seen", person.ref if person else "", *wanted.shape]
    after = read_cursor(asker.user_id, shape, cursor)[:2] if cursor else None
    if person is None:
        return Page([])
    model = wanted.model
    window = Window(model.created_at, descending=True, limit=limit, after=after)
    causes, conditions = _narrowed(person, wanted)
    level, filters = wanted.level or Level.PREVIEW, [*_readable(asker, model), *conditions]
    ids = merged_ids(model, person, window, filters, level=level, causes=causes)
    found = session.execute(ids).all()
    rows = found[:limit]
    more = None
    if len(found) > limit:
        more = make_cursor(asker.user_id, shape, rows[-1].sort_value, rows[-1].id)
    return Page(_explained(session, asker, person, model, [row.id for row in rows]), more)


def count_seen(session: Session, asker: Actor, person: Actor | None, wanted: Wanted) -> int:
    """How many there are; COUNT_CAP + 1 for more than that.  Raises NotAllowed."""
    asker.require(Permission.ACCESS_VIEW)
    if person is None:
        return 0
    causes, conditions = _narrowed(person, wanted)
    level, filters = wanted.level or Level.PREVIEW, [*_readable(asker, wanted.model), *conditions]
    counted = capped_count(wanted.model, person, filters, cap=COUNT_CAP, level=level, causes=causes)
    return session.scalar(counted) or 0


def _narrowed(person: Actor, wanted: Wanted) -> tuple[frozenset[str] | None, list[ColumnElement[bool]]]:
    """The rules to be asked, by their causes, and what must hold besides; None for all of them.

    Explaining says "offer" of what a rule gives as a preview of a pending offer, and of an own lead nothing else;
    of what is shared it says by what.
    """
    model, cause = wanted.model, wanted.cause
    previews = {rule.cause for rule in rules_for(model, person) if _gives_preview(rule)}
    causes = None if cause is None else {cause}
    conditions: list[ColumnElement[bool]] = []
    if cause == "offer":
        causes = previews
        conditions.append(Lead.offer_id.is_not(None) if model is Lead else false())
    elif cause == "owner" and cause in previews:
        conditions.append(Lead.offer_id.is_(None))
    elif cause in _SHARED:
        causes = {"shared"}
        conditions.append(_shared_by(person, model, str(cause)))
    if wanted.is_preview:
        causes = previews if causes is None else causes & previews
        more = [rule.at_least(Level.READ) for rule in branches(model, person, Level.READ)]
        conditions.append(
            case((or_(false(), *more), 1), else_=0) == 0
        )  # "not" says nothing of an empty owner
    return None if causes is None else frozenset(causes), conditions


def _gives_preview(rule: Rule) -> bool:
    return Level.PREVIEW in (rule.level, rule.instead)


def _shared_by(person: Actor, model: Any, cause: str) -> ColumnElement[bool]:
    kind = model.__tablename__
    mine = [principal_id for object_, principal_id in person.shared if object_ == kind]
    of_rule = GrantSet.rule_id.is_not(None) if cause == "sharing_rule" else GrantSet.rule_id.is_(None)
    sets = select(GrantSet.id).where(
        GrantSet.principal_id.in_(mine),
        GrantSet.object == kind,
        of_rule,
        GrantSet.is_conversion.is_(cause == "conversion"),
    )
    held = and_(in_force(mine, kind), SharingGrant.set_id.in_(sets))
    return exists().where(SharingGrant.record_id == model.id, held).correlate(model.__table__)


def _readable(asker: Actor, model: Any) -> list[ColumnElement[bool]]:
    """What the asker may read; administrators may read all."""
    return [] if asker.role is Role.ADMINISTRATOR else [scope(model, asker, Level.READ)]


def _explained(session: Session, asker: Actor, person: Actor, model: Any, ids: Sequence[int]) -> list[Seen]:
    if not ids:
        return []
    records: Sequence[Record] = session.scalars(
        select(model).where(scope(model, asker, Level.READ), model.id.in_(ids))
    ).all()
    by_key = {record.id: record for record in records}
    whys = why_each(session, person, records)
    told = [key for key in ids if key in by_key and key in whys]
    causes = causes_as_asked(session, asker, [whys[key][1] for key in told])
    return [Seen(by_key[key], whys[key][0], each) for key, each in zip(told, causes, strict=True)]


def name_of(asker: Actor, record: Any) -> str:
    """What a record is called to somebody who may read it."""
    kind = record.__tablename__
    if kind == "lead":
        return str(record.title_for(asker))
    return str(
        getattr(
            record, {"account": "name", "contact": "full_name", "opportunity": "name", "case": "title"}[kind]
        )
    )
