"""Forms that make and change partners."""

from typing import Any

from flask_babel import lazy_gettext
from wtforms import IntegerField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, NumberRange, Optional

from app.identity.forms import LANGUAGE_NAMES, zone_choices
from app.identity.operations import HIGHEST_CAPACITY
from app.identity.roles import role_names
from app.kernel.actor import PARTNER_ROLES
from app.web.choices import options
from app.web.forms import Form

# WTForms' types know nothing of text that is translated late.
_l: Any = lazy_gettext

MEMBERS_FROM = {
    "user": _l("Everybody in the company"),
    "manager": _l("Managers and executives"),
    "executive": _l("Executives only"),
}
MAY_INVITE = {
    "nobody": _l("Nobody: you enable each of them"),
    "executive": _l("Executives"),
    "manager": _l("Managers and executives"),
}
_WHOLE = _l("Give a whole number, zero or more; leave it empty for no limit.")


class PartnerForm(Form):
    """What is agreed with a partner.  Levels and people are filled in by the page."""

    channel_manager = SelectField(
        _l("Channel manager"),
        choices=[],
        validate_choice=False,
        description=_l("Owns the account from now on, and looks after the partner."),
    )
    level = SelectField(
        _l("Level"),
        choices=[],
        validate_choice=False,
        description=_l("What sort of partner it is; can be changed."),
    )
    capacity = IntegerField(
        _l("Most open leads"),
        [Optional(), NumberRange(0, HIGHEST_CAPACITY, _WHOLE)],
        description=_l("Of all its people together. Empty for no limit."),
    )
    members_from = RadioField(
        _l("Who sees what waits in the partner's queue"),
        choices=options(MEMBERS_FROM.items()),
        default="user",
    )
    may_invite = RadioField(
        _l("Who may invite colleagues"),
        choices=options(MAY_INVITE.items()),
        default="nobody",
        description=_l("Into their own company only, with a role up to their own."),
    )


class PartnerUserForm(Form):
    """The new user of a partner, filled from the contact, to be confirmed."""

    name = StringField(_l("Name"), [InputRequired(_l("This is needed."))])
    email = StringField(
        _l("E-mail address"),
        [InputRequired(_l("This is needed."))],
        description=_l("The invitation goes there; they sign in with it."),
    )
    role = RadioField(_l("Role"), default="user")
    language = SelectField(_l("Language"), choices=options(LANGUAGE_NAMES))
    time_zone = SelectField(_l("Time zone"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.role.choices = options((role.value, role_names()[role]) for role in PARTNER_ROLES)
        self.time_zone.choices = options(zone_choices())
