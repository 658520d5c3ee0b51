"""What a partner and the vendor write to each other on a lead: with whom one speaks, who reads it, and who is told.

A comment is a note that names, beside its author's side, the partner account that it was written with
(`Activity.shared_with_id`).  The vendor's people and that account read it, as far as they read the lead; every other
note stays with its author's side, and with the vendor.  A lead that goes to another partner begins a new conversation:
the former one's is read by the vendor alone, and by the former partner again should the lead come back to it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.activities.models import Activity, ActivityKind
from app.activities.places import Record
from app.identity.models import User
from app.identity.queries import find_actor, get_organisation
from app.kernel.actor import Actor, Level
from app.kernel.errors import Conflict, NotAllowed, NotFound
from app.leads.models import Assignment, Lead
from app.notifications.models import NotificationKind
from app.notifications.operations import Notice, notify_many
from app.sharing.levels import find_level
from app.sharing.scope import scope

# The name of the partner that works on a lead is no secret to whoever reads the lead.
_NAMES = Actor.system("names of owners")


class NobodyToWriteTo(Conflict):
    slug = "no-other-side"
    message = _l("No partner works on this, so there is nobody on the other side to write to.")


class OtherSideChanged(Conflict):
    slug = "stale"
    message = _l("It has gone to somebody else since you began to write. Nothing was sent.")


class CommentStays(NotAllowed):
    message = _l("The other side may have read this. It stays as it was written; write another one.")


def told_to(actor: Actor) -> ColumnElement[bool]:
    """Which activities the actor's side is told of: its own, those written to it, and to the vendor all."""
    if actor.is_internal:
        return Activity.id.is_not(None)
    return or_(Activity.company_id == actor.company_id, Activity.shared_with_id == actor.company_id)


def is_of_other_side(actor: Actor, activity: Activity) -> bool:
    """Whether a partner's reader is not told who of the other side wrote it."""
    return actor.is_partner and activity.company_id != actor.company_id


def company_to_write_with(session: Session, actor: Actor, record: Record) -> Account | None:
    """The partner account that a comment on the record would be shared with; None where nobody is on the other side.

    That whose user owns the lead.  While it is offered or waits in a queue, the partner reads no more than a preview.
    """
    if not isinstance(record, Lead) or record.partner_account_id is None:
        return None
    if record.owner_user_id is None or record.offer_id is not None or record.converted_at is not None:
        return None
    if actor.is_partner and actor.company_id != record.partner_account_id:
        return None
    return session.scalar(
        select(Account).where(scope(Account, _NAMES), Account.id == record.partner_account_id)
    )


@dataclass(frozen=True, slots=True)
class Readers:
    """Who reads what was noted on a lead.  to: of a comment, what the side is called that it was written to."""

    names: tuple[str, ...]
    to: str = ""


def readers_of(session: Session, actor: Actor, activities: Iterable[Activity]) -> dict[int, Readers]:
    """Activity's key → who reads it, of notes on leads.  One statement, none where no partner is in it."""
    notes = [a for a in activities if a.lead_id is not None and a.kind is ActivityKind.NOTE]
    if not notes:
        return {}
    vendor = get_organisation(session).name
    wanted = {key for a in notes if (key := a.shared_with_id or a.company_id) is not None}
    names: dict[int, str] = {}
    if wanted == {actor.company_id}:
        names = dict.fromkeys(wanted, actor.company_name)
    elif wanted:
        rows = session.execute(
            select(Account.id, Account.name).where(scope(Account, _NAMES), Account.id.in_(wanted))
        )
        names = {key: name for key, name in rows}  # noqa: C416 - rows are no pairs to mypy
    found = {}
    for note in notes:
        partner = names.get(note.shared_with_id or note.company_id or 0, "")
        to = (vendor if note.company_id is not None else partner) if note.shared_with_id is not None else ""
        found[note.id] = Readers(tuple(name for name in (vendor, partner) if name), to)
    return found


def find_shared_with(session: Session, actor: Actor, record: Record, expected: str | None) -> int:
    """The key of the partner account that a comment is shared with; the lead stays where it is until it is written.

    expected: public name of the account that its author thought of.  Raises NotFound, NobodyToWriteTo, OtherSideChanged.
    """
    if isinstance(record, Lead):
        here = session.scalar(
            select(Lead)
            .where(Lead.id == record.id, scope(Lead, actor, Level.READ))
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if here is None:  # it was taken away a moment ago
            raise NotFound(Lead.__tablename__, record.ref)
    company = company_to_write_with(session, actor, record)
    if company is None:
        raise NobodyToWriteTo
    if expected is not None and expected != company.ref:
        raise OtherSideChanged
    return company.id


def tell_of_comment(session: Session, actor: Actor, lead: Lead, comment: Activity, *, now: datetime) -> None:
    """Tell the lead's owner, those who wrote before and, of what a partner writes, who gave them the lead and who
    looks after them; of these who read the lead, never the author.  Partners are told in the vendor's name.
    """
    wanted = sorted(_addressees(session, actor, lead, comment) - {actor.user_id or 0})
    company = actor.company_name if actor.is_partner else ""
    vendor = get_organisation(session).name
    notices = []
    for user_id in wanted:
        reader = find_actor(session, user_id)
        if reader is None or (reader.is_partner and reader.company_id != comment.shared_with_id):
            continue
        if (find_level(session, reader, lead) or Level.PREVIEW) < Level.READ:
            continue
        if reader.is_partner:
            who = actor.name if actor.is_partner else vendor
        else:
            who = f"{actor.name} ({company})" if company else actor.name
        notices.append(
            Notice(
                act=f"comment:{comment.id}",
                user=session.get_one(User, user_id),
                kind=NotificationKind.LEAD_COMMENTED,
                record_kind=Lead.__tablename__,
                record_id=lead.id,
                detail={"who": who},
            )
        )
    notify_many(session, notices, now=now)


def _addressees(session: Session, actor: Actor, lead: Lead, comment: Activity) -> set[int]:
    before = session.scalars(
        select(Activity.created_by_id)
        .where(Activity.lead_id == lead.id, Activity.shared_with_id == comment.shared_with_id)
        .distinct()
    )
    found = {lead.owner_user_id, *before}
    if not actor.is_partner:
        return {key for key in found if key is not None}
    given_by = session.scalar(
        select(Assignment.actor_id)
        .where(
            Assignment.lead_id == lead.id,
            Assignment.actor_company_id.is_(None),
            Assignment.to_company_id == lead.partner_account_id,
        )
        .order_by(Assignment.id.desc())
        .limit(1)
    )
    manager = session.scalar(
        select(Account.owner_user_id).where(scope(Account, _NAMES), Account.id == comment.shared_with_id)
    )
    return {key for key in (*found, given_by, manager) if key is not None}
