"""Forms of sign-in, profile and users: shape and single-field rules; operations decide the rest."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext
from wtforms import (
    DateField,
    Field,
    HiddenField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from app.identity.models import AccountScope
from app.identity.operations import HIGHEST_CAPACITY, clean_email
from app.identity.roles import role_names
from app.kernel.actor import INTERNAL_ROLES, PARTNER_ROLES, Role
from app.kernel.clock import zones
from app.kernel.errors import Invalid
from app.web.choices import options
from app.web.forms import Form

LANGUAGE_NAMES = (("en", "English"), ("es", "Español"), ("ca", "Català"))
# WTForms' types know nothing of text that is translated late.
_l: Any = lazy_gettext
_NEEDED = _l("This is needed.")


def zone_choices() -> list[tuple[str, str]]:
    """The time zones people choose from: places, and UTC."""
    return [(z, z.replace("_", " ")) for z in sorted(z for z in zones() if "/" in z and z[:4] != "Etc/")] + [
        ("UTC", "UTC")
    ]


class SignInForm(Form):
    email = StringField(_l("E-mail address"), [InputRequired(_NEEDED)])
    password = PasswordField(_l("Password"), [InputRequired(_NEEDED)])


class ForgotPasswordForm(Form):
    email = StringField(_l("E-mail address"), [InputRequired(_NEEDED), Length(max=320)])


class _NewPassword(Form):
    password = PasswordField(_l("New password"), [InputRequired(_NEEDED)])
    password_again = PasswordField(_l("New password, again"), [InputRequired(_NEEDED)])

    def validate_password_again(self, field: PasswordField) -> None:
        if field.data != self.password.data:
            raise ValidationError(_l("The two are not the same."))


class LinkForm(_NewPassword):
    """The page behind an invitation or a reset link."""


class ChangePasswordForm(_NewPassword):
    current_password = PasswordField(_l("Your password now"), [InputRequired(_NEEDED)])


class CodeForm(Form):
    """A code of the authenticator, or a recovery code."""

    code = StringField(_l("Code"), [InputRequired(_NEEDED), Length(max=40)])


class ConfirmCodeForm(CodeForm):
    """The first code of an authenticator that is being set up."""

    offer = HiddenField()


class PasswordForm(Form):
    """The password again, before something that only its owner may do."""

    current_password = PasswordField(_l("Your password"), [InputRequired(_NEEDED)])


class PasswordAndCodeForm(PasswordForm):
    code = StringField(
        _l("Code"),
        [InputRequired(_NEEDED), Length(max=40)],
        description=_l("From your authenticator app, or one of your recovery codes."),
    )


def in_our_time(_form: object, field: DateField) -> None:
    if field.data is not None and not 2000 <= field.data.year <= 2200:
        raise ValidationError(_l("Enter a day that is near."))


def typed(field: Field) -> str:
    """What was typed into a text field; "" when it was not sent."""
    return str(field.data or "")


class AwayMixin:
    """A day until whose end somebody is away, in their own time zone."""

    away_on: DateField

    def set_away(self, until: datetime | None, zone: str) -> None:
        self.away_on.data = (
            (until.astimezone(ZoneInfo(zone)) - timedelta(seconds=1)).date() if until else None
        )

    def away_until(self, zone: str) -> datetime | None:
        if self.away_on.data is None:
            return None
        midnight = datetime.combine(self.away_on.data + timedelta(days=1), time(), ZoneInfo(zone))
        return midnight.astimezone(UTC)


class ProfileForm(Form, AwayMixin):
    name = StringField(_l("Name"), [InputRequired(_NEEDED), Length(max=200)])
    language = SelectField(_l("Language"), choices=options(LANGUAGE_NAMES))
    time_zone = SelectField(_l("Time zone"))
    away_on = DateField(
        _l("Away until the end of"),
        [Optional(), in_our_time],
        description=_l(
            "Until then no rule and no turn gives you anything. Leave it empty when you are here."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.time_zone.choices = options(zone_choices())


class TokenForm(Form):
    label = StringField(
        _l("What it is for"),
        [InputRequired(_NEEDED), Length(max=100)],
        description=_l("For example the system that uses it."),
    )
    days = SelectField(
        _l("Works for"),
        coerce=int,
        choices=options(
            [(30, _l("30 days")), (90, _l("90 days")), (365, _l("A year")), (0, _l("Until revoked"))]
        ),
        default=90,
    )


class UserForm(Form, AwayMixin):
    """What is set about another user.  Fields that do not apply are removed by `for_partner`."""

    name = StringField(_l("Name"), [InputRequired(_NEEDED), Length(max=200)])
    role = RadioField(_l("Role"))
    account_scope = RadioField(
        _l("Account scope"),
        choices=options(
            [(AccountScope.ALL.value, _l("All")), (AccountScope.PORTFOLIO.value, _l("Portfolio"))]
        ),
        default=AccountScope.ALL.value,
    )
    capacity = IntegerField(
        _l("Most open leads"),
        [
            Optional(),
            NumberRange(
                0, HIGHEST_CAPACITY, _l("Enter a whole number from 0 to %(limit)s.", limit=HIGHEST_CAPACITY)
            ),
        ],
        description=_l("Claims and routing stop there. Empty: no limit. Lowering it moves nothing."),
    )
    away_on = DateField(
        _l("Away until the end of"),
        [Optional(), in_our_time],
        description=_l("Until then no rule and no turn gives them anything."),
    )
    language = SelectField(_l("Language"), choices=options(LANGUAGE_NAMES))
    time_zone = SelectField(_l("Time zone"))

    def __init__(self, *args: Any, is_partner: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.time_zone.choices = options(zone_choices())
        names = role_names()
        roles = PARTNER_ROLES if is_partner else INTERNAL_ROLES
        self.role.choices = options((role.value, names[role]) for role in roles)
        if is_partner:
            del self.account_scope


class InviteForm(UserForm):
    email = StringField(_l("E-mail address"), [InputRequired(_NEEDED), Length(max=320)])
    role = RadioField(_l("Role"), default=Role.SALES.value)

    def validate_email(self, field: StringField) -> None:
        try:
            clean_email(field.data or "")
        except Invalid as error:
            raise ValidationError(error.errors["email"][0]) from None
