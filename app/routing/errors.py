"""What can stand in the way of an act of routing."""

from flask_babel import lazy_gettext as _l

from app.kernel.errors import Conflict


class RefusedBefore(Conflict):
    """The company declined the lead or let its offer expire; a person may give it there again, knowingly."""

    slug = "refused-before"
    message = _l("This company has declined it, or let an offer expire, before.")


class OfferEnded(Conflict):
    """The offer has expired, was answered or was taken back."""

    slug = "offer-ended"
    message = _l("This offer has ended.")


class TooLate(Conflict):
    """A bulk act can be undone for two minutes only."""

    slug = "too-late"
    message = _l("This can only be undone for two minutes.")
