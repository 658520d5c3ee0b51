"""Ending what would reach partners, when they are let in for the first time."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.sharing.models import ManualShare, Principal, SharingRule
from app.sharing.principals import reaches_partners
from app.sharing.shares import end_share
from app.sharing.sharing_rules import delete_rule


def end_what_reaches_partners(session: Session, actor: Actor, *, now: datetime) -> None:
    """End every sharing rule and every share by hand that partner users would come to have part in.

    Writes an event for each; does not commit.  Raises NotAllowed.
    """
    rules = session.execute(
        select(SharingRule.ref, Principal.key)
        .join(Principal, Principal.id == SharingRule.share_with_id)
        .where(SharingRule.deleted_at.is_(None))
        .order_by(SharingRule.id)
    ).all()
    for ref, key in rules:
        if reaches_partners(session, key):
            delete_rule(session, actor, ref, now=now)
    shares = session.execute(
        select(ManualShare, Principal.key)
        .join(Principal, Principal.id == ManualShare.principal_id)
        .where(ManualShare.ended_at.is_(None))
        .order_by(ManualShare.id)
    ).all()
    for share, key in shares:
        if reaches_partners(session, key):
            end_share(session, actor, share, now=now)
