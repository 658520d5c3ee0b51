"""What people are told: notifications (the bell) and their deliveries (the outbox)."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Key
from app.kernel.indexes import partial_index
from app.kernel.records import Named, Stamped


class NotificationKind(StrEnum):
    """What people are told of.  Each names its act, its record and what it needs in `detail`.

    LEAD_ASSIGNED, LEAD_OFFERED, LEAD_IN_QUEUE: `assignment:<id>`, the lead.
    LEADS_ASSIGNED: `bulk:<id of the bulk act>`, the bulk act; its leads are those of its assignments.
    INVITATION, PASSWORD_RESET: `link:<id>`, no record, `link_id`.
    PASSWORD_CHANGED: no record.
    SECOND_FACTOR: no record; `what` happened, see `identity.second_factor.Change`.
    NEW_DEVICE: no record; `browser`, `system` (empty where they are not known) and `address`.
    ADDRESS_TAKEN: the partner's account; `email` that was invited, `who` invited it.
    ROUTING_ALERT: the lead, if any; `reason` in words.
    OFFER_LAPSED: the lead; `who` let it lapse, for the vendor's people.
    TOUCH_DUE: the lead, on which its owner should soon do something.
    LEAD_RECYCLED: the lead that went back; `who` did nothing on it in time, for the vendor's people.
    LEAD_COMMENTED: `comment:<id of the activity>`, the lead on which `who` wrote something to its reader.
    DUPLICATE_FOUND: `duplicate:<kind>:<keys>`, the reader's account or contact, of which somebody who may not see it
    has made a second; `reasons`.
    DAILY_DIGEST: `digest:<date>`, no record; what it tells of are the deliveries that name it.
    ACTIVITY_GIVEN: the activity that somebody was given or invited to; `who` did it.
    ACTIVITY_DUE: the activity, of which its people wanted to be reminded.
    REPORT_MAIL: `report:<subscription>:<date>`, no record; `report` and `query` of its address.
    MAIL_TEST: no record; the text that somebody tries on themselves, see `notifications.texts.trying`.
    """

    LEAD_ASSIGNED = "lead_assigned"
    LEAD_OFFERED = "lead_offered"
    LEAD_IN_QUEUE = "lead_in_queue"
    LEADS_ASSIGNED = "leads_assigned"
    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a kind, no secret
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    SECOND_FACTOR = "second_factor"
    NEW_DEVICE = "new_device"
    ADDRESS_TAKEN = "address_taken"
    ROUTING_ALERT = "routing_alert"
    OFFER_LAPSED = "offer_lapsed"
    TOUCH_DUE = "touch_due"
    LEAD_RECYCLED = "lead_recycled"
    LEAD_COMMENTED = "lead_commented"
    DUPLICATE_FOUND = "duplicate_found"
    DAILY_DIGEST = "daily_digest"
    ACTIVITY_GIVEN = "activity_given"
    ACTIVITY_DUE = "activity_due"
    REPORT_MAIL = "report_mail"
    MAIL_TEST = "mail_test"


class Notification(Named, Base):
    """Something one person is told once.

    act: what makes it unique together with recipient and kind, for example `assignment:812`.
    record_kind, record_id: the record it is about, asked again for visibility when shown or sent.
    """

    __tablename__ = "notification"
    __table_args__ = (
        Index("uq_notification_act", "act", "user_id", "kind", unique=True),
        Index("ix_notification_user", "user_id", "id"),
        Index("ix_notification_record", "record_kind", "record_id", "id"),
        partial_index("ix_notification_unread", "user_id", "id", where="read_at IS NULL"),
    )

    act: Mapped[str] = mapped_column(String(80))
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    kind: Mapped[NotificationKind]
    record_kind: Mapped[str | None] = mapped_column(String(20))
    record_id: Mapped[int | None] = mapped_column(BigInteger)
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class DeliveryState(StrEnum):
    DUE = "due"
    HELD = "held"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    WITHHELD = "withheld"
    SUPPRESSED = "suppressed"


MAIL_CHANNEL, DIGEST_CHANNEL = "email", "digest"


class Delivery(Named, Base):
    """One notification through one channel: "email", or "digest".  `ref` makes the Message-ID, the same for ever.

    One of the channel "digest" is not sent by itself: it is held until its recipient's next morning, then
    told in a mail of the day, a delivery of its own that `digest_id` names.

    due_at: when it may next be tried; a held one becomes due by itself at that moment.
    lease, leased_until: the worker that is sending it, and the sign of life that it renews.
    attempts: how often it was tried.  give_up_at: from then on a refusal is the last.
    recipient: the address it is for, and once sent the one it went to.
    error: why it was refused or withheld, see `notifications.outcomes`.
    template_id: the template chosen when it was written, if any; its text of the day is what is sent.
    text_id: the organisation's own text that was sent; None for the built-in one.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index("uq_delivery_channel", "notification_id", "channel", unique=True),
        partial_index("ix_delivery_due", "due_at", "id", where="state IN ('due','held','sending')"),
        Index("ix_delivery_state", "state", "id"),
        partial_index("ix_delivery_digest", "digest_id", where="digest_id IS NOT NULL"),
    )

    notification_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("notification.id"))
    channel: Mapped[str] = mapped_column(String(10), default=MAIL_CHANNEL)
    state: Mapped[DeliveryState] = mapped_column(default=DeliveryState.DUE)
    recipient: Mapped[str] = mapped_column(String(320))
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    lease: Mapped[str | None] = mapped_column(String(40))
    attempts: Mapped[int] = mapped_column(default=0)
    give_up_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    error: Mapped[str | None]
    template_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("mail_template.id"))
    text_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("mail_text.id"))
    digest_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("delivery.id"))


class MailTemplate(Named, Stamped, Base):
    """A mail in the organisation's own words: of a kind always, or where it is chosen by its name.

    kind: a kind of notification, or `texts.kinds.ASSIGNMENT`.  name: "" for what is always said of the kind.
    key: what no two have in common: the kind, or the folded name, or the public name once it is deleted.
    """

    __tablename__ = "mail_template"

    kind: Mapped[str] = mapped_column(String(30))
    name: Mapped[str] = mapped_column(String(120), default="")
    key: Mapped[str] = mapped_column(String(140), unique=True)
    deleted_at: Mapped[datetime | None]


class MailText(Base):
    """A version of a template's text in one language; never changed, the highest number counts.

    subject, body: None where it went back to the built-in text.
    """

    __tablename__ = "mail_text"
    __table_args__ = (Index("uq_mail_text_number", "template_id", "language", "number", unique=True),)

    id: Mapped[Key]
    template_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("mail_template.id"))
    language: Mapped[str] = mapped_column(String(5))
    number: Mapped[int]
    subject: Mapped[str | None] = mapped_column(String(200))
    body: Mapped[str | None]
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))
