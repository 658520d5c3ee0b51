"""What can stand in the way of making somebody a partner."""

from flask_babel import lazy_gettext as _l

from app.kernel.errors import Conflict, WrongOrder


class PartnersOff(WrongOrder):
    """PRM has not been switched on."""

    message = _l("Partner management is not switched on yet. An administrator does that under Setup.")


class NotAPartner(WrongOrder):
    """The account has not been enabled as a partner."""

    message = _l("Enable the account as a partner first.")


class NoAccount(WrongOrder):
    """A contact without an account belongs to no company that could be a partner."""

    message = _l("This contact has no account. Give it one that is a partner first.")


class OnlyBusinesses(Conflict):
    """A person account is one person and has no users."""

    slug = "wrong-order"
    message = _l("A person account cannot become a partner; companies can.")


class PartnerAlready(Conflict):
    """It is a partner, or a partner user, already."""

    message = _l("It is a partner already.")


class Suspended(Conflict):
    """The partner account is suspended."""

    slug = "wrong-order"
    message = _l("This partner is suspended. Resume the partnership first.")
