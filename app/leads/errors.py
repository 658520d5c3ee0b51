"""What can stand in the way of an act on a lead."""

from flask_babel import lazy_gettext as _l

from app.kernel.errors import Conflict, Invalid


class LeadAlreadyClaimed(Conflict):
    """Somebody else's claim came first.  Never says whose."""

    slug = "already-claimed"
    message = _l("Another partner has just taken this one.")


class AtCapacity(Conflict):
    """The person or their company holds as many open leads as they may."""

    slug = "at-capacity"
    message = _l("There is no room for another open one. Close or release one first.")


class LeadMoved(Conflict):
    """It changed owner between reading and writing."""

    slug = "conflict"
    message = _l("It has just changed owner. Reload to see where it is now.")


class AlreadyConverted(Conflict):
    """Converted leads are read-only."""

    slug = "already-converted"
    message = _l("It has been converted and can only be read.")


class NotAssignable(Invalid):
    """The person or company cannot be given leads now; the message says why."""

    slug = "not-assignable"
