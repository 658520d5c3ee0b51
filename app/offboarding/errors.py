"""What can stand in the way of a leaving."""

from flask_babel import lazy_gettext as _l

from app.kernel.errors import Conflict


class LeftAlready(Conflict):
    """The user is deactivated, or the partner account suspended, already."""

    slug = "left-already"
    message = _l("This has been done already. Reload to see how it is now.")


class NotLeft(Conflict):
    """Only what was deactivated or suspended can be taken back."""

    slug = "not-left"
    message = _l("There is nothing to take back. Reload to see how it is now.")
