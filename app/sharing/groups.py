"""Public groups: make, rename, members, delete.  A group may hold others, never in a circle."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.events.operations import record
from app.identity.organisation import lock_organisation
from app.kernel import refs
from app.kernel.actor import Actor, Permission
from app.kernel.db import is_sqlite
from app.kernel.errors import InUse, Invalid, NotFound, Stale
from app.kernel.fold import fold
from app.kernel.text import clean_text
from app.sharing.building import rebuild_owned
from app.sharing.models import (
    GroupMember,
    GroupReach,
    ManualShare,
    Principal,
    PublicGroup,
    SharingRule,
)
from app.sharing.principals import GROUP, Known, find_principal, keep_principal, names_of

LONGEST_NAME = 120
LONGEST_DESCRIPTION = 500


def create_group(
    session: Session,
    actor: Actor,
    *,
    name: object,
    description: object = None,
    members: Iterable[object] = (),
    now: datetime,
) -> PublicGroup:
    """A group with its members.  members: principals as the contract writes them.

    Writes events; does not commit.  Raises NotAllowed, Invalid.
    """
    actor.require(Permission.SHARING_MANAGE)
    lock_organisation(session)
    text = _clean_name(session, name)
    reserved = refs.new_ref(refs.GROUP)
    principal = Principal(key=f"{GROUP}:{reserved}")
    session.add(principal)
    session.flush()
    group = PublicGroup(
        ref=reserved,
        name=text,
        name_fold=fold(text, LONGEST_NAME),
        description=_clean_description(description),
        principal_id=principal.id,
        created_at=now,
        updated_at=now,
        created_by_id=actor.user_id,
        updated_by_id=actor.user_id,
    )
    try:
        with session.begin_nested():
            session.add(group)
    except IntegrityError as error:
        raise Invalid({"name": [_l("Another one is called “%(name)s”.", name=text)]}) from error
    # SQLite gives the number of a group that was deleted last again, with the principal that stayed.
    former = session.scalar(select(Principal).where(Principal.key == f"{GROUP}:{group.id}"))
    if former is not None:
        group.principal_id = former.id
        session.flush()
        session.delete(principal)
    else:
        principal.key = f"{GROUP}:{group.id}"
    record(session, actor, verb="created", subject=group, at=now)
    for given in members:
        put_into(session, actor, group, find_principal(session, given, field="members"), now=now)
    return group


def get_group(session: Session, ref: str, *, for_update: bool = False) -> PublicGroup:
    """Raises NotFound."""
    statement = select(PublicGroup).where(PublicGroup.ref == ref)
    if for_update and not is_sqlite(session):
        statement = statement.with_for_update()
    group = session.scalar(statement.execution_options(populate_existing=True))
    if group is None:
        raise NotFound("group", ref)
    return group


def edit_group(
    session: Session,
    actor: Actor,
    ref: str,
    *,
    name: object,
    description: object,
    version: int | None = None,
    now: datetime,
) -> PublicGroup:
    """Rename it.  Nothing when nothing changes.  Raises NotAllowed, NotFound, Invalid, Stale."""
    actor.require(Permission.SHARING_MANAGE)
    group = get_group(session, ref, for_update=True)
    text, said = _clean_name(session, name, but=group.id), _clean_description(description)
    given = {"name": (group.name, text), "description": (group.description, said)}
    changes = {field: pair for field, pair in given.items() if pair[0] != pair[1]}
    if not changes:
        return group
    if version is not None and version != group.version:
        raise Stale(
            _l("Somebody changed this while you were editing. Reload to see it as it is now."),
            current={"version": group.version},
        )
    group.name, group.name_fold, group.description = text, fold(text, LONGEST_NAME), said
    _touch(group, actor, now)
    record(session, actor, verb="edited", subject=group, at=now, changes=changes)
    return group


def add_group_member(
    session: Session, actor: Actor, ref: str, given: object, *, now: datetime
) -> tuple[GroupMember, Known]:
    """Put a principal into the group; one that is in it stays.

    Raises NotAllowed, NotFound, Invalid (also where the group would come to be in itself).
    """
    actor.require(Permission.SHARING_MANAGE)
    lock_organisation(session)  # one at a time, so that no two make a circle together
    group = get_group(session, ref, for_update=True)
    known = find_principal(session, given, field="principal")
    member, is_new = put_into(session, actor, group, known, now=now)
    if is_new:
        _touch(group, actor, now)
    return member, known


def remove_group_member(session: Session, actor: Actor, ref: str, member_ref: str, *, now: datetime) -> None:
    """Take a principal out of the group.  Raises NotAllowed, NotFound."""
    actor.require(Permission.SHARING_MANAGE)
    lock_organisation(session)
    group = get_group(session, ref, for_update=True)
    member = session.scalar(
        select(GroupMember).where(GroupMember.group_id == group.id, GroupMember.ref == member_ref)
    )
    if member is None:
        raise NotFound("member", member_ref)
    take_out(session, actor, group, member, now=now)


def take_out(
    session: Session, actor: Actor, group: PublicGroup, member: GroupMember, *, now: datetime
) -> None:
    """End a membership of a group that is held already.  Writes an event; does not commit."""
    known = names_of(session, [member.principal_id])[member.principal_id]
    session.delete(member)
    session.flush()
    _rewrite_reach(session)
    _touch(group, actor, now)
    detail = {"member": known.name, "principal": known.key}
    record(session, actor, verb="member_removed", subject=group, at=now, detail=detail)


def delete_group(session: Session, actor: Actor, ref: str, *, now: datetime) -> None:
    """Take the group away.  Raises NotAllowed, NotFound, InUse (naming what uses it)."""
    actor.require(Permission.SHARING_MANAGE)
    lock_organisation(session)
    group = get_group(session, ref, for_update=True)
    uses = uses_of(session, group)
    if uses:
        raise InUse(_l("It is still in use: %(uses)s.", uses="; ".join(uses)), uses=uses)
    session.execute(delete(GroupMember).where(GroupMember.group_id == group.id))
    record(session, actor, verb="deleted", subject=group, at=now, detail={"name": group.name})
    session.delete(group)
    session.flush()
    _rewrite_reach(session)


def uses_of(session: Session, group: PublicGroup) -> list[str]:
    """What would lose its meaning without the group, in words."""
    principal = group.principal_id
    rules = session.scalars(
        select(SharingRule.name)
        .where(
            SharingRule.deleted_at.is_(None),
            or_(SharingRule.share_with_id == principal, SharingRule.owned_by_id == principal),
        )
        .order_by(SharingRule.id)
    )
    groups = session.scalars(
        select(PublicGroup.name)
        .join(GroupMember, GroupMember.group_id == PublicGroup.id)
        .where(GroupMember.principal_id == principal)
        .order_by(PublicGroup.id)
    )
    uses = [_("sharing rule “%(name)s”", name=name) for name in rules]
    uses += [_("group “%(name)s”", name=name) for name in groups]
    shared = session.scalar(
        select(ManualShare.id)
        .where(ManualShare.principal_id == principal, ManualShare.ended_at.is_(None))
        .limit(1)
    )
    return [*uses, _("records shared with it by hand")] if shared is not None else uses


def put_into(
    session: Session, actor: Actor, group: PublicGroup, known: Known, *, now: datetime
) -> tuple[GroupMember, bool]:
    """The membership, and whether it is new.  Writes an event; does not commit.

    Raises Invalid where the group would come to be in itself.
    """
    principal_id = keep_principal(session, known.key)
    member = session.scalar(
        select(GroupMember).where(GroupMember.group_id == group.id, GroupMember.principal_id == principal_id)
    )
    if member is not None:
        return member, False
    _refuse_circle(session, group, principal_id)
    member = GroupMember(ref=refs.new_ref(refs.MEMBER), group_id=group.id, principal_id=principal_id)
    session.add(member)
    session.flush()
    _rewrite_reach(session)
    detail = {"member": known.name, "principal": known.key}
    record(session, actor, verb="member_added", subject=group, at=now, detail=detail)
    return member, True


def _refuse_circle(session: Session, group: PublicGroup, principal_id: int) -> None:
    """Raises Invalid when the group is the one to be added, or lies within it."""
    lies_within = session.scalar(
        select(GroupReach.member_principal_id).where(
            GroupReach.member_principal_id == group.principal_id,
            GroupReach.group_principal_id == principal_id,
        )
    )
    if principal_id == group.principal_id or lies_within is not None:
        raise Invalid({"principal": [_l("A group cannot hold itself, not even through another group.")]})


def _rewrite_reach(session: Session) -> None:
    """Which principals lie in which groups, through others too.  Groups are few: all of it anew."""
    direct: dict[int, set[int]] = {}  # principal → groups it is put into
    rows = session.execute(
        select(GroupMember.principal_id, PublicGroup.principal_id).join(
            PublicGroup, PublicGroup.id == GroupMember.group_id
        )
    )
    for member, group in rows:
        direct.setdefault(member, set()).add(group)
    wanted = {(member, group) for member in direct for group in _above(direct, member)}
    held = {
        (member, group)
        for member, group in session.execute(
            select(GroupReach.member_principal_id, GroupReach.group_principal_id)
        )
    }
    for member, group in sorted(held - wanted):
        session.execute(
            delete(GroupReach).where(
                GroupReach.member_principal_id == member, GroupReach.group_principal_id == group
            )
        )
    session.add_all(
        GroupReach(member_principal_id=member, group_principal_id=group)
        for member, group in sorted(wanted - held)
    )
    session.flush()
    rebuild_owned(session)


def _above(direct: dict[int, set[int]], member: int) -> set[int]:
    found: set[int] = set()
    pending = list(direct.get(member, ()))
    while pending:
        group = pending.pop()
        if group not in found:
            found.add(group)
            pending.extend(direct.get(group, ()))
    return found


def _clean_name(session: Session, name: object, *, but: int | None = None) -> str:
    text = clean_text(name, max_length=LONGEST_NAME, field="name")
    if text is None:
        raise Invalid({"name": [_l("Give it a name.")]})
    taken = session.scalar(select(PublicGroup.id).where(PublicGroup.name_fold == fold(text, LONGEST_NAME)))
    if taken is not None and taken != but:
        raise Invalid({"name": [_l("Another one is called “%(name)s”.", name=text)]})
    return text


def _clean_description(value: object) -> str:
    return clean_text(value, max_length=LONGEST_DESCRIPTION, field="description") or ""


def _touch(row: Any, actor: Actor, now: datetime) -> None:
    row.stamp(actor, now)
