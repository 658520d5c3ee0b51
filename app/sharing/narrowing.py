"""Taking partners out of what is given, so that the internal people in it keep what they have.

A rule or share given to a queue or a group with partners is given to a public group of the internal people
among them instead, as they are at that moment.  What a rule gives them stays in force throughout.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.events.operations import record
from app.kernel.actor import Actor, Level
from app.kernel.fold import fold
from app.sharing.audience import Audience
from app.sharing.building import begin_set
from app.sharing.groups import LONGEST_NAME, create_group, put_into, take_out
from app.sharing.models import (
    GrantSet,
    GrantSetState,
    GroupMember,
    ManualShare,
    Principal,
    PublicGroup,
    SharingGrant,
    SharingRule,
)
from app.sharing.principals import names_of_keys
from app.sharing.reaching import Fate, Item
from app.sharing.scope import scope
from app.sharing.shares import end_share, share_record
from app.sharing.subjects import SUBJECTS

_NARROWING = Actor.system("shares that are narrowed")


class Narrower:
    """Narrows in one transaction; internal people of a principal get one group, whoever gives them something.

    fates: group's key → what becomes of the group itself.
    """

    def __init__(
        self, session: Session, actor: Actor, audience: Audience, fates: Mapping[str, Fate], now: datetime
    ) -> None:
        self.session, self.actor, self.audience, self.fates, self.now = session, actor, audience, fates, now
        self._companions: dict[str, PublicGroup] = {}

    def narrow_group(self, item: Item) -> None:
        """Take every member out through which partners are in it; internal people among those stay as people."""
        group = item.group
        if group is None:
            return
        rows = self.session.execute(
            select(GroupMember, Principal.key)
            .join(Principal, Principal.id == GroupMember.principal_id)
            .where(GroupMember.group_id == group.id)
            .order_by(GroupMember.id)
        ).all()
        for member, key in rows:
            if not self.audience.reaches(key) or self.fates.get(key) is Fate.NARROW:
                continue
            take_out(self.session, self.actor, group, member, now=self.now)
            self._put_in(group, key)

    def _put_in(self, group: PublicGroup, key: str) -> None:
        parts = dict(enumerate(self.audience.internal_part(key)))
        for known in names_of_keys(self.session, parts).values():
            put_into(self.session, self.actor, group, known, now=self.now)

    def narrow_rule(self, item: Item) -> None:
        """Give what the rule gives to the internal people alone, from this moment on."""
        if item.rule is None:
            return
        group = self._companion(item)
        _give_to(self.session, item.rule, group.principal_id, now=self.now)
        item.rule.version += 1
        item.rule.updated_at, item.rule.updated_by_id = self.now, self.actor.user_id
        detail = {"share_with": f"group:{group.id}", "with": group.name}
        record(self.session, self.actor, verb="edited", subject=item.rule, at=self.now, detail=detail)

    def narrow_shares(self, item: Item) -> None:
        """Share by hand with the internal people what was shared with all of them."""
        group = self._companion(item)
        for share in shares_with(self.session, item.principal_id):
            model = SUBJECTS[share.object].model
            subject = self.session.scalar(
                select(model).where(scope(model, _NARROWING), model.id == share.record_id)
            )
            end_share(self.session, self.actor, share, now=self.now)
            if not self._gives_something(share, subject):
                continue
            given, level = {"type": "group", "id": group.ref}, Level(share.level).name.lower()
            share_record(self.session, self.actor, subject, given, level, until=share.until, now=self.now)

    def _gives_something(self, share: ManualShare, subject: Any) -> bool:
        """Not any more after its end, of a deleted record, or of a contact that became private."""
        if share.until is not None and share.until <= self.now:
            return False
        is_there = subject is not None and subject.deleted_at is None
        return is_there and (share.object != "contact" or subject.account_id is not None)

    def _companion(self, item: Item) -> PublicGroup:
        """The group of the internal people in it, made when it is first needed."""
        key = item.whom.key
        if key not in self._companions:
            group = create_group(
                self.session,
                self.actor,
                name=self._free_name(item.whom.name),
                description=_(
                    "Your own people in “%(name)s”, when partners were let in.", name=item.whom.name
                ),
                now=self.now,
            )
            self._put_in(group, key)
            self._companions[key] = group
        return self._companions[key]

    def _free_name(self, name: str) -> str:
        number = 1
        while True:
            end = "" if number == 1 else f" {number}"
            text = _("%(name)s, own people", name=name[: LONGEST_NAME - 40]) + end
            wanted = fold(text, LONGEST_NAME)
            if self.session.scalar(select(PublicGroup.id).where(PublicGroup.name_fold == wanted)) is None:
                return text
            number += 1


def shares_with(session: Session, principal_id: int) -> list[ManualShare]:
    """The shares by hand with the principal that stand."""
    standing = select(ManualShare).where(
        ManualShare.principal_id == principal_id, ManualShare.ended_at.is_(None)
    )
    return list(session.scalars(standing.order_by(ManualShare.id)))


def _give_to(session: Session, rule: SharingRule, principal_id: int, *, now: datetime) -> None:
    """Let the rule give to another principal at once: its grants change hands, and are built anew besides.

    The set in force ends and another takes its place, since a set never changes what it says.  What is
    saved meanwhile by somebody who knows the old set only comes with the new one.
    """
    rule.share_with_id = principal_id
    old = session.scalar(
        select(GrantSet).where(GrantSet.rule_id == rule.id, GrantSet.state == GrantSetState.ACTIVE)
    )
    if old is not None:
        taking = GrantSet(
            object=old.object,
            principal_id=principal_id,
            rule_id=rule.id,
            kind=old.kind,
            owned_by_id=old.owned_by_id,
            criteria=old.criteria,
            level=old.level,
            state=GrantSetState.ACTIVE,
            began_at=now,
            reached=old.reached,
            looked_at=old.looked_at,
            total=old.total,
            caught_up_to=old.caught_up_to,
        )
        session.add(taking)
        session.flush()
        session.execute(
            update(SharingGrant)
            .where(SharingGrant.set_id == old.id)
            .values(set_id=taking.id, principal_id=principal_id)
            .execution_options(synchronize_session=False)
        )
        old.state = GrantSetState.ENDED
    session.flush()
    begin_set(session, rule, now=now)
