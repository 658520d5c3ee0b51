"""Forms of *My team*: inviting a colleague, changing one."""

from typing import Any

from flask_babel import lazy_gettext
from wtforms import DateField, IntegerField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from app.identity.forms import LANGUAGE_NAMES, AwayMixin, in_our_time
from app.identity.operations import HIGHEST_CAPACITY
from app.partners.inviting import LONGEST_NAME
from app.web.choices import options
from app.web.forms import Form

# WTForms' types know nothing of text that is translated late.
_l: Any = lazy_gettext
_NEEDED = _l("This is needed.")


class InviteColleagueForm(Form):
    """A new colleague.  The roles are filled in by the page."""

    name = StringField(_l("Name"), [InputRequired(_NEEDED), Length(max=LONGEST_NAME)])
    email = StringField(
        _l("E-mail address"),
        [InputRequired(_NEEDED)],
        description=_l("The invitation goes there; they sign in with it."),
    )
    role = RadioField(_l("Role"), default="user")
    language = SelectField(_l("Language"), choices=options(LANGUAGE_NAMES))


class ColleagueForm(Form, AwayMixin):
    """What leaders change of a colleague.  The roles are filled in by the page."""

    role = RadioField(_l("Role"))
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
        description=_l("Until then no rule and no turn gives them anything. Empty when they are here."),
    )
