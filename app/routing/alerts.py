"""What routing could not do as told.  The same trouble again raises a count instead of adding a row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import force_locale
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.events.operations import record
from app.identity.models import User, UserState
from app.kernel.actor import Actor, Permission, Role
from app.kernel.db import is_sqlite
from app.kernel.errors import NotFound
from app.notifications.models import NotificationKind
from app.notifications.operations import Mail, Notice, notify_many
from app.notifications.preferences import choice
from app.routing.models import RoutingAlert
from app.routing.trace import alert_words


@dataclass(frozen=True, slots=True)
class Alert:
    """One trouble.  about: what makes it the same one again, such as an entry's id.

    detail: plain values for its words.  lead_ref: the lead it happened to.
    """

    kind: str
    about: str
    detail: dict[str, Any] = field(default_factory=dict)
    lead_ref: str = ""

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.about}"


@dataclass(frozen=True, slots=True)
class _Subject:
    """An alert as events name it; it has no public name of its own."""

    __tablename__ = "routing_alert"
    id: int
    ref: str = "alert"


def raise_alerts(session: Session, alerts: Iterable[Alert], *, now: datetime) -> None:
    """Record troubles; administrators and channel managers find a new kind of trouble under their bell.

    Does not commit.
    """
    latest: dict[str, tuple[Alert, int]] = {}
    for alert in alerts:
        latest[alert.key] = (alert, latest[alert.key][1] + 1 if alert.key in latest else 1)
    for key in sorted(latest):  # in one order, so that two at once wait for each other in turn
        alert, times = latest[key]
        alert_id, count = _count_up(session, key, alert, times, now)
        if count == times:
            _tell(session, alert_id, alert, now)


def _count_up(session: Session, key: str, alert: Alert, times: int, now: datetime) -> tuple[int, int]:
    insert: Any = sqlite.insert if is_sqlite(session) else postgresql.insert
    statement = insert(RoutingAlert).values(
        key=key,
        kind=alert.kind,
        at=now,
        last_at=now,
        count=times,
        lead_ref=alert.lead_ref,
        detail=alert.detail,
    )
    statement = statement.on_conflict_do_update(
        index_elements=["key"],
        index_where=RoutingAlert.resolved_at.is_(None),
        set_={
            "count": RoutingAlert.count + times,
            "last_at": now,
            "detail": statement.excluded.detail,
            "lead_ref": statement.excluded.lead_ref,
        },
    ).returning(RoutingAlert.id, RoutingAlert.count)
    alert_id, count = session.execute(statement).one()
    return alert_id, count


def _tell(session: Session, alert_id: int, alert: Alert, now: datetime) -> None:
    people = session.scalars(
        select(User).where(
            User.role.in_((Role.ADMINISTRATOR, Role.CHANNEL_MANAGER)), User.state == UserState.ACTIVE
        )
    )
    notices = []
    for user in people:
        with force_locale(user.language):
            reason = alert_words(alert.kind, alert.detail)
        detail = {"reason": reason, "lead": alert.lead_ref}
        kind = NotificationKind.ROUTING_ALERT
        # The bell for all who look after routing; mail for those who asked for it.
        mail = Mail.NOW if choice(user, kind) else Mail.NONE
        notices.append(Notice(f"alert:{alert_id}", user, kind, detail=detail, mail=mail))
    notify_many(session, notices, now=now)


def resolve_alert(session: Session, actor: Actor, alert_id: int, *, now: datetime) -> None:
    """Put an alert aside; the same trouble again makes a new one.  Writes an event.  Raises NotAllowed, NotFound."""
    actor.require(Permission.ROUTING_MANAGE)
    alert = session.get(RoutingAlert, alert_id)
    if alert is None:
        raise NotFound("alert")
    if alert.resolved_at is None:
        alert.resolved_at, alert.resolved_by_id = now, actor.user_id
        detail = {"about": alert.kind, "on": alert.lead_ref}
        record(session, actor, verb="alert_resolved", subject=_Subject(alert.id), at=now, detail=detail)


def list_alerts(session: Session, actor: Actor, *, limit: int = 100) -> Sequence[RoutingAlert]:
    """Troubles that have not been put aside, then the latest of the others.  Raises NotAllowed."""
    actor.require(Permission.ROUTING_MANAGE)
    return session.scalars(
        select(RoutingAlert)
        .order_by(RoutingAlert.resolved_at.is_not(None), RoutingAlert.last_at.desc())
        .limit(limit)
    ).all()
