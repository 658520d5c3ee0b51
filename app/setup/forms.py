"""Forms of Setup: the organisation, what is seen and asked of leads, an entry of a list."""

from typing import Any

from flask_babel import lazy_gettext
from wtforms import BooleanField, SelectField, SelectMultipleField, StringField
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput, ListWidget

from app.identity.forms import LANGUAGE_NAMES, zone_choices
from app.identity.organisation import ACCENTS
from app.identity.roles import role_names
from app.kernel.actor import PARTNER_ROLES
from app.opportunities.currencies import choices as currency_choices
from app.web.choices import options
from app.web.forms import Form

# WTForms' types know nothing of text that is translated late.
_l: Any = lazy_gettext

_ACCENT_NAMES = {
    "indigo": _l("Indigo"),
    "blue": _l("Blue"),
    "cyan": _l("Cyan"),
    "teal": _l("Teal"),
    "green": _l("Green"),
    "olive": _l("Olive"),
    "orange": _l("Orange"),
    "red": _l("Red"),
    "rose": _l("Rose"),
    "plum": _l("Plum"),
    "violet": _l("Violet"),
    "graphite": _l("Graphite"),
}


class OrganisationForm(Form):
    name = StringField(
        _l("Name"),
        [InputRequired(_l("Give the organisation a name."))],
        description=_l("Stands above the navigation and in e-mails, for your people and for partners."),
    )
    accent = SelectField(
        _l("Accent colour"),
        choices=options((accent, _ACCENT_NAMES[accent]) for accent in ACCENTS),
        description=_l(
            "Of links and of the first button on each page; contrast is kept whatever you choose."
        ),
    )
    language = SelectField(
        _l("Language"),
        choices=options(LANGUAGE_NAMES),
        description=_l("Of new people, until they choose their own."),
    )
    time_zone = SelectField(
        _l("Time zone"),
        description=_l("Of report days, and of times in files that name none."),
    )
    currency = SelectField(
        _l("Currency"),
        choices=[],
        validate_choice=False,
        description=_l("Of amounts that come without one."),
    )
    fourth_category = StringField(
        _l("Fourth category of accounts"),
        description=_l("Beside unclassified, prospect and customer. Empty for none."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.time_zone.choices = options(zone_choices())
        self.currency.choices = options(currency_choices())


class _Boxes(SelectMultipleField):
    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class CaptureForm(Form):
    strict_capture = BooleanField(
        _l("Ask for last name, company and status at once"),
        description=_l("Otherwise one of last name, company, e-mail or phone is enough for a new one."),
    )


class PortalRolesForm(Form):
    portal_roles = _Boxes(
        _l("Roles that may use it"),
        description=_l(
            "People of the other roles cannot sign in, their sessions and tokens stop working, and they are given"
            " nothing. What is theirs stays theirs until somebody moves it."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.portal_roles.choices = options((role.value, role_names()[role]) for role in PARTNER_ROLES)


class ConfirmForm(Form):
    """For what cannot be undone."""

    understood = BooleanField(
        _l("I understand that this cannot be undone."),
        [InputRequired(_l("Tick this to go on."))],
    )
