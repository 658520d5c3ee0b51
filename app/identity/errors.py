"""What can go wrong with people and their keys, in words for those people."""

from typing import Any

from flask_babel import lazy_gettext as _l

from app.kernel.errors import Conflict, DomainError, Invalid, WrongOrder


class SignInRefused(Invalid):
    """Unknown address, wrong password, invited, deactivated, suspended company: one answer for all."""

    slug = "sign-in-refused"

    def __init__(self) -> None:
        super().__init__(
            {"": [_l("This e-mail address and password do not open an account. Check both and try again.")]}
        )


class PortalNotOpen(WrongOrder):
    """The password was right, but partners cannot sign in before the portal is published."""

    slug = "portal-not-open"
    message = _l("The portal is not open yet. You will be told when it is.")


class RoleKeptOut(PortalNotOpen):
    """The password was right, but people of this role are no members of the portal."""

    message = _l(
        "The portal is not open to people with your role. Whoever looks after you there can tell why."
    )


class StepGone(DomainError):
    """A sign-in that waited for a code too long, was tried too often, or never began."""

    status = 410
    slug = "step-gone"
    message = _l("This sign-in took too long or was tried too often. Begin again.")


class NoSecondFactor(Conflict):
    """What was to be done needs another second factor than there is now."""

    slug = "no-second-factor"
    message = _l("The second factor was changed meanwhile, or there is none. Look at the page again.")


class FactorRequired(Conflict):
    """The role asks for a second factor: it can be replaced, not turned off."""

    slug = "second-factor-required"
    message = _l("Your role needs a second factor. You can replace it, but not turn it off.")


class AddressTaken(Invalid):
    """Another user has the address.  For internal people only: partners' doors answer neutrally."""

    slug = "address-taken"

    def __init__(self) -> None:
        super().__init__({"email": [_l("A user with this e-mail address exists already.")]})


class LinkGone(DomainError):
    """A one-time link that was used, has expired, was replaced or never existed: one answer for all."""

    status = 410
    slug = "link-gone"
    message = _l("This link does not work any more.")


class NotInvited(Conflict):
    """Only somebody who has not set a password yet can be invited again."""

    slug = "not-invited"
    message = _l(
        "This person has accepted the invitation already. They can set a new password from the sign-in page."
    )


class NotActive(Conflict):
    """The user is not active, so nothing may be done in their name."""

    slug = "not-active"
    message = _l("This user is not active.")


class LastAdministrator(Conflict):
    """Somebody must be left who can set things up."""

    slug = "last-administrator"
    message = _l("This is the last active administrator. Make somebody else an administrator first.")


class OwnAccount(Conflict):
    """People cannot take away their own rights; another administrator can."""

    slug = "own-account"
    message = _l("You cannot do this to your own user. Ask another administrator.")


def field_error(field: str, message: Any) -> Invalid:
    """One complaint about one field."""
    return Invalid({field: [message]})
