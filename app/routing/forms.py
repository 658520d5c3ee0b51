"""Forms of routing: queues, round robins, members, a change of owner.  Operations say what is valid."""

from typing import Any

from flask_babel import lazy_gettext
from wtforms import BooleanField, HiddenField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput, ListWidget

from app.web.forms import Form

# WTForms' types know nothing of text that is translated late.
_l: Any = lazy_gettext
_MINUTES_HELP = _l("In minutes. Empty: as the partner level says, else a day.")


class _Versioned(Form):
    version = HiddenField()

    @property
    def began_from(self) -> int | None:
        """The version that the edit began from."""
        text = str(self.version.data or "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


class QueueForm(_Versioned):
    name = StringField(
        _l("Name"),
        [InputRequired(_l("Give it a name."))],
        description=_l("As everybody reads it, partners too."),
    )
    accept_within_minutes = StringField(
        _l("Time to accept an offer made from here"), description=_MINUTES_HELP
    )
    touch_within_hours = StringField(
        _l("Time to begin with what was taken from here"),
        description=_l(
            "In hours, around the clock. Who has done nothing on it by then loses it, and it waits here again. "
            "Empty: as the partner level says, else as long as they like."
        ),
    )


class RoundRobinForm(_Versioned):
    name = StringField(
        _l("Name"),
        [InputRequired(_l("Give it a name."))],
        description=_l("As it stands in assignment rules and in the reasons for an assignment."),
    )
    fallback_queue = SelectField(
        _l("When nobody can take a turn"),
        description=_l("Where it waits when everybody is away, at capacity or has refused it."),
        validate_choice=False,
    )
    accept_within_minutes = StringField(_l("Time to accept an offer"), description=_MINUTES_HELP)


class MemberForm(Form):
    """Somebody to be added.  principal: "kind:public name"; role: narrows a partner account."""

    principal = SelectField(_l("Who"), validate_choice=False)
    role = SelectField(_l("Of a partner account"), validate_choice=False)
    weight = StringField(
        _l("Weight"), default="1", description=_l("2 gets twice as many turns as 1. From 1 to 1,000.")
    )


class MatchForm(Form):
    """For which leads a member takes turns.  Several values are kept apart by commas."""

    countries = StringField(
        _l("Countries"), description=_l("Names or codes, with commas between them. Empty: any.")
    )
    languages = StringField(
        _l("Languages"),
        description=_l(
            "Names or codes. A lead's languages are those of its country, unless leads have a field “Language” of their own."
        ),
    )
    products = StringField(
        _l("Products"), description=_l("Words that the product interest contains. Upper case does not count.")
    )
    levels = SelectMultipleField(
        _l("Partner levels"),
        validate_choice=False,
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )

    def read(self) -> dict[str, list[str]]:
        """What was given, as `matching.read_match` takes it."""
        typed = {
            name: [part.strip() for part in (self[name].data or "").split(",") if part.strip()]
            for name in ("countries", "languages", "products")
        }
        return {
            name: values for name, values in (typed | {"levels": self.levels.data or []}).items() if values
        }


class OwnerForm(Form):
    """Who should have a lead.  Each kind has a list of its own, shown while the kind is chosen."""

    kind = RadioField(_l("New owner"), validate_choice=False)
    partner_user = SelectField(_l("Person"), validate_choice=False)
    partner_account = SelectField(_l("Partner account"), validate_choice=False)
    queue = SelectField(_l("Queue"), validate_choice=False)
    round_robin = SelectField(_l("Round robin"), validate_choice=False)
    colleague = SelectField(_l("Colleague"), validate_choice=False)
    notify = BooleanField(_l("Send notification e-mail"), default=True)
    ask_to_accept = BooleanField(
        _l("Ask to accept"), description=_l("Until they accept they see the preview only.")
    )
    over_capacity = BooleanField(_l("Give it all the same"))
    despite_refusal = BooleanField(_l("Give it to them again"))
