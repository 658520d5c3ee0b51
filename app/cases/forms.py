"""The forms of cases.  What a value must be is the operations' to say."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import HiddenField, SelectField, StringField, TextAreaField

from app.accounts.fields import Field
from app.accounts.forms import RecordForm, Rows
from app.accounts.queries import Person
from app.cases.fields import CASE_FIELDS, CHOICES, status_name
from app.cases.models import CaseCategory, CaseStatus
from app.fields.inputs import Marked
from app.web.choices import options
from app.web.forms import Form

# WTForms' types know nothing of text that is translated late.
_l: Any = lazy_gettext

_LAYOUT: Mapping[str, Rows] = {
    "main": [
        ("subject",),
        ("contact_id", "account_id"),
        ("status", "priority"),
        ("type", "origin"),
        ("description",),
    ],
    "more": [("owner", "external_id")],
}


def _text(name: str, kind: Any = StringField, **more: Any) -> Any:
    field = CASE_FIELDS[name]
    marks = [Marked()] if field.is_required else []
    return kind(label=field.label, description=field.help, validators=marks, **more)


def _choice(name: str, *, may_be_empty: bool) -> Any:
    def choices() -> Any:
        words = [(key, str(label)) for key, label in CHOICES[name].items()]
        return options([("", "–"), *words] if may_be_empty else words)

    return _text(name, SelectField, choices=choices, validate_choice=False)


class CaseForm(RecordForm):
    """A case.  Contact and account are typed; what is meant is looked up, see `pages.fill_parties`."""

    fields: Mapping[str, Field] = CASE_FIELDS
    layout = _LAYOUT

    subject = _text("subject")
    contact_id = _text("contact_id")
    contact_id_ref = HiddenField()
    account_id = _text("account_id")
    account_id_ref = HiddenField()
    status = _text("status", SelectField, choices=[], validate_choice=False)
    priority = _choice("priority", may_be_empty=False)
    type = _choice("type", may_be_empty=True)
    origin = _choice("origin", may_be_empty=True)
    owner = _text("owner", SelectField, choices=[], validate_choice=False)
    description = _text("description", TextAreaField)
    external_id = _text("external_id")

    def offer_lists(
        self,
        statuses: Sequence[CaseStatus],
        people: Sequence[Person] | None,
        *,
        present: CaseStatus | None = None,
    ) -> None:
        """Fill what depends on lists.  people: None leaves the owner out.

        present: the status of a case that is there; a form only moves it within its category, for closing
        and reopening ask for a reason.
        """
        offered = [
            s
            for s in statuses
            if (s.is_active and (present is None or s.category is present.category))
            or (present is not None and s.id == present.id)
        ]
        self.status.choices = options([(s.key, status_name(s)) for s in offered])
        if people is None:
            del self.owner
        else:
            self.owner.choices = options([(person.ref, person.name) for person in people])


class TurnForm(Form):
    """Closing a case, or opening it again."""

    status = SelectField(CASE_FIELDS["status"].label, choices=[], validate_choice=False)
    reason = TextAreaField(_l("Reason"), validators=[Marked()])
    version = HiddenField()

    @property
    def began_from(self) -> int | None:
        """The version of the case that the form was filled from; None when the form does not say."""
        text = str(self.version.data or "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None

    def offer(self, statuses: Sequence[CaseStatus], category: CaseCategory) -> None:
        """The statuses that it may have afterwards."""
        self.status.choices = options(
            [(s.key, status_name(s)) for s in statuses if s.is_active and s.category is category]
        )
        self.reason.description = (
            _("What came of it, for whoever is asked the same again.")
            if category is CaseCategory.CLOSED
            else _("Why it is not done after all.")
        )
