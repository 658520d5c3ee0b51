"""The forms of targets.  What a value must be is the operations' to say."""

from typing import Any

from flask_babel import lazy_gettext
from wtforms import SelectField, StringField

from app.web.forms import Form

# WTForms' types know nothing of text that is translated late.
_l: Any = lazy_gettext


class AimForm(Form):
    """What is to be reached.  Currencies are filled in by the page."""

    converted = StringField(
        _l("To convert"), description=_l("How many, counted on the day they are converted. Empty for none.")
    )
    amount = StringField(
        _l("To win"), description=_l("The amount of opportunities won in that time. Empty for none.")
    )
    currency = SelectField(_l("Currency"), choices=[], validate_choice=False)


class TargetForm(AimForm):
    """A new target.  Periods and people are filled in by the page."""

    period = SelectField(_l("In"), choices=[], validate_choice=False)
    person = SelectField(_l("For"), choices=[], validate_choice=False)
