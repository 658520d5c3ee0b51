"""Who was told of a lead: when, what, how, and what became of it.  For the vendor's own people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Account
from app.identity.models import User
from app.kernel.actor import Actor, Permission
from app.kernel.errors import NotAllowed
from app.kernel.paging import PAGE_SIZE, Page
from app.leads.models import Assignment, Lead
from app.notifications.models import (
    Delivery,
    DeliveryState,
    MailTemplate,
    MailText,
    Notification,
    NotificationKind,
)
from app.notifications.queries import newest_first
from app.sharing.scope import scope

# The company of somebody who was told stands beside a lead that is scoped itself.
_NAMES = Actor.system("companies of those told")


@dataclass(frozen=True, slots=True)
class ToldRow:
    """One person told one thing.

    channel: "" where there is no mail and the portal alone shows it.  state: of the mail, for a line of a digest
    of the digest it is in.  text_name, text_number: of the organisation's own text that was sent, if one was: "" and
    a version for what is always said of the kind.
    """

    at: datetime
    name: str
    user_ref: str
    company: str
    kind: NotificationKind
    channel: str
    state: DeliveryState | None
    sent_at: datetime | None
    due_at: datetime | None
    error: str | None
    delivery_ref: str
    text_name: str = ""
    text_number: int | None = None


def list_told(
    session: Session, actor: Actor, lead: Lead, *, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[ToldRow]:
    """Everybody told of a lead that the actor reads, the latest first.  Raises NotAllowed, BadCursor."""
    actor.require(Permission.DELIVERY_VIEW)
    if actor.is_partner:
        raise NotAllowed
    found, page = newest_first(
        session,
        actor,
        ["told", lead.ref],
        select(Notification).where(is_about_lead(session, lead.id)),
        Notification.id,
        cursor,
        limit,
    )
    return Page(_rows(session, actor, found), page.older, page.newer)


def is_about_lead(session: Session, lead_id: int) -> ColumnElement[bool]:
    """That a notification is about the lead: by itself, or as one of those that were given at once.

    The acts are read first, for with a subquery in their place neither database would go by the index.
    """
    kind, key = Notification.record_kind, Notification.record_id
    acts = session.scalars(
        select(Assignment.bulk_act_id)
        .where(Assignment.lead_id == lead_id, Assignment.bulk_act_id.is_not(None))
        .distinct()
    ).all()
    one_of_many = exists().where(
        Assignment.bulk_act_id == key,
        Assignment.lead_id == lead_id,
        or_(Assignment.to_user_id == Notification.user_id, Assignment.to_user_id.is_(None)),
    )
    return or_(and_(kind == "lead", key == lead_id), and_(kind == "bulk_act", key.in_(acts), one_of_many))


def _rows(session: Session, actor: Actor, notices: Sequence[Notification]) -> list[ToldRow]:
    """In two statements, whatever the number."""
    # Who may ask who sees a record is told of everybody; others of those whose company they see.
    knows = scope(Account, _NAMES if actor.can(Permission.ACCESS_VIEW) else actor)
    people = {
        key: (name, ref, company or "") if company or not company_id else (_("somebody at a partner"), "", "")
        for key, name, ref, company_id, company in session.execute(
            select(User.id, User.name, User.ref, User.partner_account_id, Account.name)
            .outerjoin(Account, and_(Account.id == User.partner_account_id, knows))
            .where(User.id.in_({notice.user_id for notice in notices}))
        )
    }
    digest = aliased(Delivery)
    sent: dict[int, tuple[Delivery, Delivery | None, str | None, int | None]] = {
        delivery.notification_id: (delivery, of, name, number)
        for delivery, of, name, number in session.execute(
            select(Delivery, digest, MailTemplate.name, MailText.number)
            .outerjoin(digest, digest.id == Delivery.digest_id)
            .outerjoin(MailText, MailText.id == Delivery.text_id)
            .outerjoin(MailTemplate, MailTemplate.id == MailText.template_id)
            .where(Delivery.notification_id.in_([notice.id for notice in notices]))
        )
    }
    return [_row(notice, people[notice.user_id], sent.get(notice.id)) for notice in notices]


def _row(
    notice: Notification,
    person: tuple[str, str, str],
    sent: tuple[Delivery, Delivery | None, str | None, int | None] | None,
) -> ToldRow:
    name, ref, company = person
    if sent is None:
        return ToldRow(notice.created_at, name, ref, company, notice.kind, "", None, None, None, None, "")
    delivery, digest, template, number = sent
    # What its digest still has before it, or what kept it back, is the line's own fate as well.
    mail = digest if digest is not None and delivery.state is DeliveryState.HELD else delivery
    return ToldRow(
        notice.created_at, name, ref, company, notice.kind, delivery.channel, mail.state, mail.sent_at,
        mail.due_at, mail.error, (digest or delivery).ref, template or "", number,
    )  # fmt: skip
