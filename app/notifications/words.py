"""What kinds of notification, ways to people and states of a delivery are called on screen."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from app.notifications.models import DIGEST_CHANNEL, MAIL_CHANNEL, DeliveryState
from app.notifications.models import NotificationKind as Kind

KIND_NAMES: Mapping[Kind, Any] = {
    Kind.LEAD_ASSIGNED: _l("Given to them"),
    Kind.LEAD_OFFERED: _l("Offered to them"),
    Kind.LEAD_IN_QUEUE: _l("Waits in their queue"),
    Kind.LEADS_ASSIGNED: _l("Several given at once"),
    Kind.INVITATION: _l("Invitation"),
    Kind.PASSWORD_RESET: _l("New password asked for"),
    Kind.PASSWORD_CHANGED: _l("Password changed"),
    Kind.SECOND_FACTOR: _l("Second factor"),
    Kind.NEW_DEVICE: _l("New sign-in"),
    Kind.ADDRESS_TAKEN: _l("Address in use"),
    Kind.ROUTING_ALERT: _l("Routing needs a look"),
    Kind.OFFER_LAPSED: _l("Offer lapsed"),
    Kind.TOUCH_DUE: _l("First touch due"),
    Kind.LEAD_RECYCLED: _l("Went back untouched"),
    Kind.LEAD_COMMENTED: _l("Written to them"),
    Kind.DUPLICATE_FOUND: _l("Probable duplicate"),
    Kind.DAILY_DIGEST: _l("Daily digest"),
    Kind.ACTIVITY_GIVEN: _l("Activity given to them"),
    Kind.ACTIVITY_DUE: _l("Reminder"),
    Kind.REPORT_MAIL: _l("Weekly report"),
    Kind.MAIL_TEST: _l("Test of a text"),
}
STATE_NAMES: Mapping[DeliveryState, Any] = {
    DeliveryState.DUE: _l("Due"),
    DeliveryState.HELD: _l("Held back"),
    DeliveryState.SENDING: _l("Being sent"),
    DeliveryState.SENT: _l("Sent"),
    DeliveryState.FAILED: _l("Failed"),
    DeliveryState.WITHHELD: _l("Withheld"),
    DeliveryState.SUPPRESSED: _l("Suppressed"),
}
# By channel; "" where somebody is told in the portal only.
WAY_NAMES: Mapping[str, Any] = {
    MAIL_CHANNEL: _l("E-mail"),
    DIGEST_CHANNEL: _l("Daily digest"),
    "": _l("Portal only"),
}


def kind_of_mail(kind: str) -> str:
    """What a mail text is about, in words."""
    return str(KIND_NAMES[Kind(kind)]) if kind in set(Kind) else kind
