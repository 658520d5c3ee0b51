"""Sharing one record by hand, with an end if wanted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.events.operations import record
from app.identity.models import User
from app.identity.organisation import hold_organisation
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.db import is_sqlite
from app.kernel.errors import Invalid, NotAllowed, NotFound
from app.leads.errors import AlreadyConverted
from app.sharing.conversions import take_back
from app.sharing.levels import find_level
from app.sharing.models import GrantSet, GrantSetState, ManualShare, Principal, SharingGrant
from app.sharing.principals import (
    ACCOUNT_TEAM,
    PARTNER_ACCOUNT,
    UNKNOWN,
    USER,
    Known,
    find_principal,
    keep_principal,
)
from app.sharing.scope import scope
from app.sharing.sharing_rules import LEVELS
from app.sharing.subjects import SUBJECTS

_ENDING = Actor.system("shares that end")


class SharedAlready(Invalid):
    """Somebody has a share of the record that stands.  until: its end, if it has one."""

    def __init__(self, known: Known, until: datetime | None) -> None:
        super().__init__({"principal": [_l("It is shared with %(name)s already.", name=known.name)]})
        self.known, self.until = known, until


def share_record(
    session: Session,
    actor: Actor,
    subject: Any,
    given: object,
    level: object,
    *,
    until: datetime | None = None,
    is_new: bool = False,
    now: datetime,
) -> tuple[ManualShare, Known]:
    """Share a record the actor has in full with a principal; shared with them already, the level and end change.

    subject: the loaded record.  level: "read" or "edit".  is_new: refuse instead, where they have it already.
    Writes an event; does not commit.
    Raises NotAllowed, NotFound (it went away a moment ago), Invalid, SharedAlready.
    """
    actor.require(Permission.RECORD_SHARE)
    hold_organisation(session)
    _hold(session, actor, subject)
    if (find_level(session, actor, subject) or Level.PREVIEW) < Level.FULL:
        raise NotAllowed(_l("Only its owner, its channel manager or an administrator may share this."))
    _refuse_converted(subject)
    if level not in LEVELS:
        raise Invalid({"level": [_l("Known: %(known)s.", known=", ".join(LEVELS))]})
    if until is not None and until <= now:
        raise Invalid({"until": [_l("The end must lie in the future.")]})
    object_ = subject.__tablename__
    if object_ == "contact" and subject.account_id is None:
        raise Invalid(
            {"principal": [_l("A contact without an account is private. Give it an account first.")]}
        )
    known = find_principal(session, given)
    principal_id = keep_principal(session, known.key)
    share = session.scalar(
        _standing(session, object_, subject.id).where(ManualShare.principal_id == principal_id)
    )
    if share is None:
        _refuse_unseen(session, actor, known)
        share = ManualShare(
            ref=refs.new_ref(refs.SHARE),
            object=object_,
            record_id=subject.id,
            principal_id=principal_id,
            created_at=now,
            created_by_id=actor.user_id,
        )
        session.add(share)
    elif is_new and (share.until is None or share.until > now):
        raise SharedAlready(known, share.until)
    share.level, share.until = int(LEVELS[str(level)]), until
    session.flush()
    _grant(session, share, subject.created_at, now)
    detail = {"with": known.name, "principal": known.key, "level": level, "until": until}
    record(session, actor, verb="shared", subject=subject, at=now, detail=detail)
    return share, known


def _hold(session: Session, actor: Actor, subject: Any) -> None:
    """Let the record stay until the transaction ends, and be as it is by now: shares name it by its key alone.

    Raises NotFound.
    """
    if is_sqlite(session):
        return
    model: Any = type(subject)
    there = select(model).where(scope(model, actor), model.id == subject.id)
    held = there.with_for_update(read=True, key_share=True, of=model).execution_options(
        populate_existing=True
    )
    if session.scalar(held) is None:
        raise NotFound(model.__tablename__, subject.ref)


def _refuse_converted(subject: Any) -> None:
    """A converted lead is only read; what it became can be shared."""
    if subject.__tablename__ == "lead" and subject.converted_at is not None:
        raise AlreadyConverted


def _refuse_unseen(session: Session, actor: Actor, known: Known) -> None:
    """Raises Invalid for a company, or somebody of one, that the actor does not see: as if there were none.

    Those who keep sharing rules may name every company.
    """
    if actor.can(Permission.SHARING_MANAGE) or known.type not in (USER, PARTNER_ACCOUNT, ACCOUNT_TEAM):
        return
    company: int | None = int(known.key.split(":")[1])
    if known.type == USER:
        company = session.scalar(select(User.partner_account_id).where(User.id == company))
    if company is None:
        return
    if session.scalar(select(Account.id).where(scope(Account, actor), Account.id == company)) is None:
        raise Invalid({"principal": [UNKNOWN]})


def _standing(session: Session, object_: str, record_id: int) -> Select[ManualShare]:
    """The shares of a record that stand, held so that nobody ends or changes them meanwhile."""
    statement = select(ManualShare).where(
        ManualShare.object == object_, ManualShare.record_id == record_id, ManualShare.ended_at.is_(None)
    )
    if not is_sqlite(session):
        statement = statement.with_for_update()
    return statement.execution_options(populate_existing=True)


def end_shares_with_company(
    session: Session, actor: Actor, subject: Any, company_id: int, *, now: datetime
) -> None:
    """End what was shared by hand with a company that a lead or an opportunity leaves, or with one of its people,
    and what a conversion gave them of it.

    What reaches further than that company stays.  Writes events; does not commit.
    """
    people = select(User.id).where(User.partner_account_id == company_id)
    keys = [f"{USER}:{key}" for key in session.scalars(people)]
    theirs = select(Principal.id).where(
        or_(Principal.key.like(f"{PARTNER_ACCOUNT}:{company_id}:%"), Principal.key.in_(keys))
    )
    for share in session.scalars(
        _standing(session, subject.__tablename__, subject.id).where(ManualShare.principal_id.in_(theirs))
    ).all():
        _end(session, actor, share, subject, now)
    take_back(session, subject, theirs, now=now)


def _grant(session: Session, share: ManualShare, record_created_at: datetime, now: datetime) -> None:
    """Store what the share gives, in the set of all shares with that principal."""
    set_id = session.scalar(
        select(GrantSet.id).where(
            GrantSet.object == share.object,
            GrantSet.principal_id == share.principal_id,
            GrantSet.rule_id.is_(None),
            GrantSet.is_conversion.is_(False),
        )
    )
    if set_id is None:
        row = GrantSet(
            object=share.object, principal_id=share.principal_id, state=GrantSetState.ACTIVE, began_at=now
        )
        session.add(row)
        session.flush()
        set_id = row.id
    insert: Any = sqlite.insert if is_sqlite(session) else postgresql.insert
    statement = insert(SharingGrant).values(
        set_id=set_id,
        record_id=share.record_id,
        object=share.object,
        principal_id=share.principal_id,
        level=share.level,
        record_created_at=record_created_at,
        until=share.until,
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["set_id", "record_id"],
            set_={"level": statement.excluded.level, "until": statement.excluded.until},
        )
    )


def move_shares(
    session: Session, actor: Actor, object_: str, losers: Sequence[int], survivor: Any, *, now: datetime
) -> int:
    """Let shares of records that become part of another be shares of that one; how many.  Does not commit.

    Shared with somebody twice, what gives more stands: the higher level, the later end.
    """
    moved = 0
    own = {share.principal_id: share for share in session.scalars(_standing(session, object_, survivor.id))}
    for key in losers:
        for share in session.scalars(_standing(session, object_, key)).all():
            moved += 1
            _take_back(session, share)
            known = own.get(share.principal_id)
            if known is None:
                share.record_id = survivor.id
                own[share.principal_id] = known = share
            else:
                known.level = max(known.level, share.level)
                known.until = None if None in (known.until, share.until) else max(known.until, share.until)  # type: ignore[type-var]
                share.ended_at, share.ended_by_id = now, actor.user_id
            session.flush()
            _grant(session, known, survivor.created_at, now)
    return moved


def unshare_record(session: Session, actor: Actor, subject: Any, share_ref: str, *, now: datetime) -> None:
    """End a share of a record that the actor has in full.  Does not commit.  Raises NotAllowed, NotFound."""
    actor.require(Permission.RECORD_SHARE)
    if (find_level(session, actor, subject) or Level.PREVIEW) < Level.FULL:
        raise NotAllowed(_l("Only its owner, its channel manager or an administrator may share this."))
    _refuse_converted(subject)
    standing = _standing(session, subject.__tablename__, subject.id)
    share = session.scalar(standing.where(ManualShare.ref == share_ref))
    if share is None:
        raise NotFound("share", share_ref)
    _end(session, actor, share, subject, now)


def shares_of(session: Session, subject: Any) -> Sequence[ManualShare]:
    """The shares of a record that stand, oldest first.  The caller has seen to it that it may be read."""
    return session.scalars(
        select(ManualShare)
        .where(
            ManualShare.object == subject.__tablename__,
            ManualShare.record_id == subject.id,
            ManualShare.ended_at.is_(None),
        )
        .order_by(ManualShare.id)
    ).all()


def end_lapsed(session: Session, *, now: datetime, limit: int = 200) -> int:
    """End shares whose time is up; how many.  They give nothing from that moment on, ended or not."""
    due = session.scalars(
        select(ManualShare)
        .where(ManualShare.until <= now, ManualShare.ended_at.is_(None))
        .order_by(ManualShare.until)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for share in due:
        end_share(session, _ENDING, share, now=now)
    return len(due)


def end_share(session: Session, actor: Actor, share: ManualShare, *, now: datetime) -> None:
    """End a share, whichever record it is of.  Does not commit."""
    model = SUBJECTS[share.object].model
    subject = session.scalar(select(model).where(scope(model, _ENDING), model.id == share.record_id))
    _end(session, actor, share, subject, now)


def _take_back(session: Session, share: ManualShare) -> None:
    """Take away what the share has given."""
    sets = select(GrantSet.id).where(
        GrantSet.object == share.object,
        GrantSet.principal_id == share.principal_id,
        GrantSet.rule_id.is_(None),
        GrantSet.is_conversion.is_(False),
    )
    session.execute(
        delete(SharingGrant)
        .where(SharingGrant.set_id.in_(sets), SharingGrant.record_id == share.record_id)
        .execution_options(synchronize_session=False)
    )


def _end(session: Session, actor: Actor, share: ManualShare, subject: Any, now: datetime) -> None:
    _take_back(session, share)
    share.ended_at, share.ended_by_id = now, actor.user_id
    if subject is not None:
        detail = {"share": share.ref, "level": Level(share.level).name.lower()}
        record(session, actor, verb="unshared", subject=subject, at=now, detail=detail)
