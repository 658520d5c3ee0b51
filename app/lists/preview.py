"""What a change of many would do, told before it is confirmed: how many change, are so already, cannot; who gains and loses."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Subquery, and_, case, exists, false, func, literal, not_, select
from sqlalchemy.orm import Session

from app.accounts.changes import find_owner
from app.identity.models import User
from app.kernel.actor import Actor, Level
from app.kernel.errors import Invalid
from app.kernel.fold import fold
from app.lists.catalogue import Kind, ListObject, fields_of
from app.lists.change_run import DELETE, OWNER, TAG, UNTAG
from app.lists.filter_text import write_filter
from app.lists.models import RecordTag, Tag
from app.lists.operations import LONGEST_TAG
from app.lists.query import ListQuery, parse_list
from app.sharing.merge import Window, merged_ids
from app.sharing.walking import walked_by

LOOKED_AT = 10_000
MOST_OWNERS = 5
CHANGES, SAME, CANNOT = "changes", "same", "cannot"
_TEXTS = (Kind.TEXT, Kind.LONG_TEXT, Kind.EMAIL, Kind.URL)


@dataclass(frozen=True, slots=True)
class Preview:
    """What would become of the records, of the first `LOOKED_AT` of them where there are more (is_part).

    cannot: (reason, how many).  gains, loses: (person, how many records) of a change of owner, the largest first, along
    with what goes along; others: how many the people lose that are not named.  along: how many records go along, at
    most one more than is counted.
    """

    changes: int
    same: int
    cannot: Sequence[tuple[Any, int]]
    missing: int = 0
    is_part: bool = False
    gains: Sequence[tuple[str, int]] = ()
    loses: Sequence[tuple[str, int]] = ()
    others: int = 0
    along: int = 0


def preview_change(
    session: Session,
    actor: Actor,
    object_: ListObject,
    query: ListQuery,
    task: Mapping[str, Any],
    refs: Sequence[str] | None,
) -> Preview:
    """What the task would do with the records named, else with the list's.  Raises Invalid.

    One statement over the first ten thousand records, and one for what goes along.
    """
    model = object_.model
    conditions = query.conditions if refs is None else (model.ref.in_(refs),)
    window = Window(object_.sorts["created_at"], False, LOOKED_AT)
    walked = walked_by(session, actor, model, conditions)
    page = merged_ids(model, actor, window, conditions, level=object_.level, walked=walked).subquery("page")
    reasons = _reasons(session, actor, object_, task, page.c.given)
    what = _what(page.c.given, _is_same(session, actor, object_, task), [each for each, _why in reasons])
    counts, loses = _count(session, model, page, what, by_owner=task["act"] == OWNER)
    along = 0
    if task.get("along") and object_.goes_along is not None:
        moving = select(page.c.id).join(model, model.id == page.c.id).where(what == CHANGES)
        gone = Counter(dict(object_.goes_along(session, actor, moving, cap=LOOKED_AT)))
        loses, along = loses + gone, gone.total()
    gains, named, others = _people(session, task, loses)
    return Preview(
        counts[CHANGES],
        counts[SAME],
        _cannot(counts, [why for _each, why in reasons]),
        missing=len(set(refs)) - counts.total() if refs is not None else 0,
        is_part=counts.total() > LOOKED_AT,
        gains=gains,
        loses=named,
        others=others,
        along=along,
    )


def _what(
    given: Any, is_same: ColumnElement[bool], unfit: Sequence[ColumnElement[bool]]
) -> ColumnElement[str]:
    """What becomes of a record: CHANGES, SAME, or CANNOT with the place of the reason, "" where it is not to be edited."""
    return case(
        (given < int(Level.EDIT), literal(f"{CANNOT} ")),
        (is_same, literal(SAME)),
        *((condition, literal(f"{CANNOT} {n}")) for n, condition in enumerate(unfit)),
        else_=literal(CHANGES),
    )


def _count(
    session: Session, model: Any, page: Subquery, what: ColumnElement[str], *, by_owner: bool
) -> tuple[Counter[str], Counter[int]]:
    """(how many of each kind, how many each owner loses).  One statement."""
    owner = model.owner_user_id if by_owner else literal(0)
    sorted_ = (
        select(what.label("what"), owner.label("owner"))
        .select_from(page)
        .join(model, model.id == page.c.id)
        .subquery()
    )
    rows = session.execute(
        select(sorted_.c.what, sorted_.c.owner, func.count()).group_by(sorted_.c.what, sorted_.c.owner)
    ).all()
    counts: Counter[str] = Counter()
    loses: Counter[int] = Counter()
    for kind, owner_id, count in rows:
        counts[kind] += count
        if kind == CHANGES and by_owner:
            loses[owner_id] += count
    return counts, loses


def _cannot(counts: Mapping[str, int], reasons: Sequence[Any]) -> list[tuple[Any, int]]:
    return [
        (None if kind == f"{CANNOT} " else reasons[int(kind.split(" ")[1])], count)
        for kind, count in sorted(counts.items())
        if kind.startswith(CANNOT)
    ]


def _reasons(
    session: Session, actor: Actor, object_: ListObject, task: Mapping[str, Any], given: Any
) -> list[tuple[ColumnElement[bool], Any]]:
    """(condition, reason) of records that may be edited, but not so; None where it is that one may not."""
    if task["act"] == DELETE and object_.deleting is not None:
        return list(object_.deleting.unfit)
    if task["act"] != OWNER:
        return []
    found: list[tuple[ColumnElement[bool], Any]] = []
    if object_.governs is not None:
        enough = [level for level in Level if object_.governs(actor, level)]
        found.append((given < int(min(enough)) if enough else given > 0, None))
    if object_.unfit is not None:
        found += object_.unfit(find_owner(session, task["owner"]))
    return found


def _is_same(
    session: Session, actor: Actor, object_: ListObject, task: Mapping[str, Any]
) -> ColumnElement[bool]:
    model, act = object_.model, task["act"]
    if act == DELETE:
        return false()
    if act == OWNER:
        return model.owner_user_id == find_owner(session, task["owner"]).id  # type: ignore[no-any-return]
    if act in (TAG, UNTAG):
        tags = select(Tag.id).where(Tag.name_fold == fold(task["tag"], LONGEST_TAG))
        held = exists().where(
            RecordTag.kind == model.__tablename__,
            RecordTag.record_id == model.id,
            RecordTag.tag_id.in_(tags),
        )
        return held if act == TAG else not_(held)
    return _holds(session, actor, object_, task["field"], str(task["value"] or "").strip())


def _holds(session: Session, actor: Actor, object_: ListObject, name: str, value: str) -> ColumnElement[bool]:
    """That a field holds the value already.  A field that lists cannot compare so counts as changed."""
    field = fields_of(session, actor, object_.name)[name]
    if field.kind in _TEXTS and field.column is not None:
        return field.column == value if value else func.coalesce(field.column, "") == ""
    leaf = {"field": name, "op": "equals", "value": value} if value else {"field": name, "op": "is_empty"}
    try:
        query = parse_list(session, actor, object_, {"filter": [write_filter(leaf)]})
    except Invalid:
        return false()
    found = [part.condition for part in query.parts if part.criteria is not None]
    return func.coalesce(and_(*found), false()) if found else false()


def _people(
    session: Session, task: Mapping[str, Any], loses: Mapping[int, int]
) -> tuple[list[tuple[str, int]], list[tuple[str, int]], int]:
    """(who gains, who loses, how many records those lose who are not named)."""
    if task["act"] != OWNER or not loses:
        return [], [], 0
    most = sorted(loses.items(), key=lambda pair: (-pair[1], pair[0]))
    rows = session.execute(
        select(User.id, User.name).where(User.id.in_([key for key, _ in most[:MOST_OWNERS]]))
    )
    names = {key: name for key, name in rows}  # noqa: C416 - rows are no pairs to a type checker
    gains = [(find_owner(session, task["owner"]).name, sum(loses.values()))]
    named = [(names[key], count) for key, count in most[:MOST_OWNERS]]
    return gains, named, sum(count for _key, count in most[MOST_OWNERS:])
