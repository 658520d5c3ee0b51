"""The form of converting a lead, and the one that says where fields go.  What is valid is the operations' to say."""

from typing import Any

from flask_babel import lazy_gettext
from wtforms import BooleanField, HiddenField, SelectField, StringField

from app.opportunities.currencies import choices as currency_choices
from app.opportunities.fields import OPPORTUNITY_FIELDS
from app.web.choices import options
from app.web.forms import Form

# WTForms' types know nothing of text that is translated late.
_l: Any = lazy_gettext
NEW, PERSON, OTHER = "new", "person", "other"


class ConvertForm(Form):
    """account: public name of one that is there, "new", "person" or "other"; contact: the same, or "new".

    other: what the other account is called, where it was none of those that were offered.
    shown: public names of those that were offered.
    """

    account = StringField(_l("Account"))
    other = StringField(_l("What it is called"))
    contact = StringField(_l("Contact"))
    shown = HiddenField()
    with_opportunity = BooleanField(_l("Make an opportunity as well"))
    name = StringField(OPPORTUNITY_FIELDS["name"].label)
    amount = StringField(OPPORTUNITY_FIELDS["amount"].label)
    currency = SelectField(OPPORTUNITY_FIELDS["currency"].label, choices=[], validate_choice=False)
    close_date = StringField(OPPORTUNITY_FIELDS["close_date"].label)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # (public name, name) of the accounts that the typed name can mean
        self.meant: list[tuple[str, str]] = []

    def offer_currencies(self, own: str) -> None:
        self.currency.choices = options([("", "–"), *currency_choices(own)])

    def opportunity(self) -> dict[str, Any] | None:
        """What was said of the opportunity, None where none is wanted."""
        if not self.with_opportunity.data:
            return None
        given = {name: self[name].data for name in ("name", "amount", "currency", "close_date")}
        return {name: value for name, value in given.items() if str(value or "").strip()}


class MappingForm(Form):
    """A field of leads goes to a field of a result, named as "account:custom_name"."""

    lead_field = SelectField(_l("Field"), choices=[], validate_choice=False)
    target = SelectField(_l("Goes to"), choices=[], validate_choice=False)
