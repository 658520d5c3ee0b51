"""What would reach partners when they are let in for the first time: found, and ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.sharing.models import ManualShare, Principal, SharingRule
from app.sharing.principals import reaches_partners
from app.sharing.shares import end_share
from app.sharing.sharing_rules import delete_rule


@dataclass(frozen=True, slots=True)
class Reaching:
    """Rules and shares by hand in force of which partner users would come to have part."""

    rules: Sequence[SharingRule]
    shares: Sequence[ManualShare]


def what_reaches_partners(session: Session) -> Reaching:
    """All of them, oldest first."""
    rules = session.execute(
        select(SharingRule, Principal.key)
        .join(Principal, Principal.id == SharingRule.share_with_id)
        .where(SharingRule.deleted_at.is_(None))
        .order_by(SharingRule.id)
    ).all()
    shares = session.execute(
        select(ManualShare, Principal.key)
        .join(Principal, Principal.id == ManualShare.principal_id)
        .where(ManualShare.ended_at.is_(None))
        .order_by(ManualShare.id)
    ).all()
    return Reaching(
        [rule for rule, key in rules if reaches_partners(session, key)],
        [share for share, key in shares if reaches_partners(session, key)],
    )


def end_what_reaches_partners(session: Session, actor: Actor, *, now: datetime) -> None:
    """End every one of them.  Writes an event for each; does not commit.  Raises NotAllowed."""
    found = what_reaches_partners(session)
    for rule in found.rules:
        delete_rule(session, actor, rule.ref, now=now)
    for share in found.shares:
        end_share(session, actor, share, now=now)
