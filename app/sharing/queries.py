"""Reading groups, rules and shares, each with the names of its principals looked up together."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.kernel.paging import PAGE_SIZE, Page, make_cursor, read_cursor
from app.sharing.models import GrantSet, GrantSetState, GroupMember, PublicGroup, SharingRule


def list_groups(
    session: Session, actor: Actor, *, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[PublicGroup]:
    """Groups, newest first.  Raises BadCursor."""
    statement = select(PublicGroup).order_by(PublicGroup.id.desc()).limit(limit + 1)
    if cursor:
        statement = statement.where(PublicGroup.id < read_cursor(actor.user_id, ["groups"], cursor)[1])
    found = session.scalars(statement).all()
    more = make_cursor(actor.user_id, ["groups"], None, found[limit - 1].id) if len(found) > limit else None
    return Page(found[:limit], more)


def members_of_groups(session: Session, group_ids: Sequence[int]) -> Mapping[int, Sequence[GroupMember]]:
    """Group's key → its members in the order in which they joined."""
    found: dict[int, list[GroupMember]] = {key: [] for key in group_ids}
    members = select(GroupMember).where(GroupMember.group_id.in_(group_ids)).order_by(GroupMember.id)
    for member in session.scalars(members):
        found[member.group_id].append(member)
    return found


def list_rules(
    session: Session,
    actor: Actor,
    *,
    object_: str | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[SharingRule]:
    """Sharing rules, newest first.  Raises BadCursor."""
    shape = ["sharing rules", object_]
    statement = select(SharingRule).where(SharingRule.deleted_at.is_(None))
    if object_ is not None:
        statement = statement.where(SharingRule.object == object_)
    if cursor:
        statement = statement.where(SharingRule.id < read_cursor(actor.user_id, shape, cursor)[1])
    found = session.scalars(statement.order_by(SharingRule.id.desc()).limit(limit + 1)).all()
    more = make_cursor(actor.user_id, shape, None, found[limit - 1].id) if len(found) > limit else None
    return Page(found[:limit], more)


def progress_of(session: Session, rule_ids: Sequence[int]) -> Mapping[int, tuple[int, int]]:
    """Rule's key → (records looked at, highest key there was), of those being built."""
    rows = session.execute(
        select(GrantSet.rule_id, GrantSet.looked_at, GrantSet.total).where(
            GrantSet.rule_id.in_(rule_ids), GrantSet.state == GrantSetState.BUILDING
        )
    )
    return {rule_id: (looked_at, total or 0) for rule_id, looked_at, total in rows if rule_id is not None}
