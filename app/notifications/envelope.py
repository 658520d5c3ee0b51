"""A letter before it is worded, and whom it is for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.identity.models import Organisation, User
from app.identity.queries import find_actor
from app.kernel.actor import Actor
from app.leads.rows import LeadRow
from app.notifications.models import Delivery, Notification
from app.notifications.models import NotificationKind as Kind
from app.notifications.outcomes import Outcome, Withheld

# Plain English follows the day-month order and the 24 hours of the screens.
_LOCALES = {"en": "en_GB"}


@dataclass(frozen=True, slots=True)
class Item:
    """One record of several, with its link."""

    title: str
    note: str
    url: str


@dataclass(frozen=True, slots=True)
class Letter:
    """The contents of one mail, before it is worded.

    url: where its one button goes.  words: what the kind's template names.  fields: of a lead, name → label
    and value, and only what the recipient may see.  more: how many records there are beyond `items`.
    is_overtaken: it tells of something that is otherwise by now, which only the built-in words say.
    told: the deliveries that a digest tells of.  choices_url: where it is stopped, "" where mail is chosen of.
    """

    kind: Kind
    url: str
    words: dict[str, Any] = field(default_factory=dict)
    fields: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    items: Sequence[Item] = ()
    more: int = 0
    is_overtaken: bool = False
    told: tuple[int, ...] | None = None
    choices_url: str = ""

    @property
    def facts(self) -> Sequence[tuple[str, str]]:
        """Label and value of each field."""
        return tuple(self.fields.values())


@dataclass(frozen=True, slots=True)
class Envelope:
    """Whom a letter is for and what it is about.

    sample: stands for the lead, where a text is only tried; `user` then stands for any of their sort.
    """

    session: Session
    delivery: Delivery
    notification: Notification
    user: User
    organisation: Organisation
    base_url: str
    now: datetime
    sample: LeadRow | None = None

    @property
    def detail(self) -> dict[str, Any]:
        return self.notification.detail

    def link(self, path: str) -> str:
        return f"{self.base_url}{path}"


def recipient_of(envelope: Envelope) -> Actor:
    """The recipient's own actor.  Raises Withheld when they may not act any more."""
    actor = find_actor(envelope.session, envelope.user.id, door="mail")
    if actor is None:
        raise Withheld(Outcome.NOT_ACTIVE)
    return actor


def moment_in_full(moment: datetime, time_zone: str) -> str:
    """A moment as a mail says it: "Sunday, 22 November 2026, 11:35 (Europe/Madrid)"."""
    local = moment.astimezone(ZoneInfo(time_zone))
    name = str(get_locale() or "en")
    locale = _LOCALES.get(name, name)
    return _(
        "%(day)s, %(time)s (%(zone)s)",
        day=format_date(local, "full", locale=locale),
        time=format_time(local, "short", locale=locale),
        zone=time_zone.replace("_", " "),
    )
