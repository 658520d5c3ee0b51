"""The forms of opportunities.  What a value must be is the operations' to say."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired

from app.accounts.forms import RecordForm, Rows, is_wide
from app.accounts.queries import Person
from app.fields.catalogue import catalogue
from app.fields.inputs import Marked, make_inputs
from app.fields.layout import arranged
from app.identity.queries import get_organisation
from app.kernel.actor import Actor
from app.kernel.db import db
from app.opportunities.currencies import choices as currency_choices
from app.opportunities.fields import BY_PARTNER, OPPORTUNITY_FIELDS, ROLES, entry_name
from app.opportunities.models import OpportunityStage, OutcomeReason, StageCategory
from app.web.access import current_actor
from app.web.choices import options
from app.web.forms import Form

# WTForms' types know nothing of text that is translated late.
_l: Any = lazy_gettext

_LAYOUT: Mapping[str, Rows] = {
    "main": [
        ("name",),
        ("account_id",),
        ("amount", "currency"),
        ("stage", "probability"),
        ("close_date", "partner_account_id"),
        ("description",),
    ],
    "more": [("owner", "campaign"), ("external_id",)],
}


def _text(name: str, kind: Any = StringField, **more: Any) -> Any:
    field = OPPORTUNITY_FIELDS[name]
    marks = [Marked()] if field.is_required else []
    return kind(label=field.label, description=field.help, validators=marks, **more)


class OpportunityForm(RecordForm):
    """An opportunity.  Account and partner are typed; what is meant is looked up, see `accounts.pages`."""

    fields: Mapping[str, Any] = OPPORTUNITY_FIELDS
    layout = _LAYOUT

    name = _text("name")
    account_id = _text("account_id")
    account_id_ref = HiddenField()
    amount = _text("amount")
    currency = _text("currency", SelectField, choices=[], validate_choice=False)
    stage = _text("stage", SelectField, choices=[], validate_choice=False)
    probability = _text("probability")
    close_date = _text("close_date")
    partner_account_id = _text("partner_account_id")
    partner_account_id_ref = HiddenField()
    owner = _text("owner", SelectField, choices=[], validate_choice=False)
    campaign = _text("campaign")
    description = _text("description", TextAreaField)
    external_id = _text("external_id")

    def offer_lists(
        self,
        actor: Actor,
        stages: Sequence[OpportunityStage],
        people: Sequence[Person] | None,
        *,
        present: OpportunityStage | None = None,
    ) -> None:
        """Fill what depends on lists.  people: None leaves the owner out.

        present: the stage of one that is there; a form moves it among those of its category, for winning, losing
        and reopening are asked about.
        """
        category = present.category if present is not None else StageCategory.OPEN
        offered = [
            stage
            for stage in stages
            if (stage.is_active and stage.category is category)
            or (present is not None and stage.id == present.id)
        ]
        self.stage.choices = options([(stage.key, entry_name(stage)) for stage in offered])
        own = get_organisation(db.session()).currency
        self.currency.choices = options([("", "–"), *currency_choices(own)])
        if people is None:
            del self.owner
        else:
            self.owner.choices = options([(person.ref, person.name) for person in people])
        if actor.is_partner:
            for name in OPPORTUNITY_FIELDS:
                if name in self and name not in BY_PARTNER:
                    del self[name]


def layout_of() -> Mapping[str, Rows]:
    """Rows of standard fields by section, as they came."""
    return _LAYOUT


def opportunity_form() -> type[OpportunityForm]:
    """The form as the signed-in person has it; fields that administrators added are the vendor's to write."""
    edition = catalogue(db.session())
    actor = current_actor()
    added = edition.seen(actor, "opportunity") if actor.is_internal else {}
    layout = edition.layouts.get("opportunity", ())
    if not added and not layout:
        return OpportunityForm
    every: dict[str, Any] = {**OPPORTUNITY_FIELDS, **added}
    rows = arranged(_LAYOUT, layout, added, lambda name: name in every and is_wide(every[name]))
    return type(
        "OpportunityForm",
        (OpportunityForm,),
        {"fields": every, "layout": dict(rows), **make_inputs(added)},
    )


class TurnForm(Form):
    """Winning, losing, or opening again."""

    stage = SelectField(OPPORTUNITY_FIELDS["stage"].label, choices=[], validate_choice=False)
    outcome = SelectField(
        OPPORTUNITY_FIELDS["outcome"].label, [DataRequired()], choices=[], validate_choice=False
    )
    note = TextAreaField(OPPORTUNITY_FIELDS["outcome_note"].label)
    version = HiddenField()

    @property
    def began_from(self) -> int | None:
        """The version that the form was filled from; None when the form does not say."""
        text = str(self.version.data or "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None

    def offer(
        self,
        stages: Sequence[OpportunityStage],
        reasons: Sequence[OutcomeReason],
        category: StageCategory,
    ) -> None:
        """The stages that it may have afterwards, and the reasons for it."""
        self.stage.choices = options(
            [(s.key, entry_name(s)) for s in stages if s.is_active and s.category is category]
        )
        if category is StageCategory.OPEN:
            del self.outcome
            del self.note
            return
        fitting = [(r.key, entry_name(r)) for r in reasons if r.is_active and r.category is category]
        self.outcome.choices = options([("", _("Choose one")), *fitting])
        self.note.description = _("In your own words, for the next one like it.")


class PartForm(Form):
    """A contact's part in it."""

    contact = StringField(_l("Contact"))
    contact_ref = HiddenField()
    role = SelectField(
        _l("Role"),
        choices=lambda: options([(str(key), str(label)) for key, label in ROLES.items()]),
        validate_choice=False,
    )
