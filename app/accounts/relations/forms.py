"""Forms for what hangs on an account.  What a value must be is the operations' to say."""

from collections.abc import Sequence
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import DateField, HiddenField, RadioField, SelectField, StringField, TextAreaField

from app.accounts.fields import Field, FieldKind
from app.accounts.relations.areas import list_areas
from app.accounts.relations.models import CharacteristicType, RelationshipReason
from app.web.choices import options
from app.web.forms import Form

# WTForms' types know nothing of text that is translated late.
_l: Any = lazy_gettext
INVERSE = "~"  # behind a reason's public name: read from its other end


class RelationshipForm(Form):
    """To which account, how, and since when."""

    fields = {"account_id": Field("account_id", _l("Other account"), "", FieldKind.ACCOUNT, 255)}
    reason = SelectField(_l("This account is"), choices=[])
    account_id = StringField(_l("Other account"), description=_l("Type the beginning of its name."))
    account_id_ref = HiddenField()
    since_on = DateField(_l("Since"))
    until_on = DateField(_l("Until"), description=_l("Where it is over."))
    note = StringField(_l("Note"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offers: dict[str, list[tuple[str, str]]] = {}

    def picked(self, name: str) -> str:
        """The public name that the picker was filled in from, "" if none."""
        return str(self[f"{name}_ref"].data or "")

    def sent(self, name: str) -> str:
        """What was typed, as it was typed."""
        return request.form.get(name, "")


class InterestForm(Form):
    """What the account thinks of an area."""

    area = SelectField(_l("Area"), choices=[])
    interest = RadioField(
        _l("The account is"),
        choices=lambda: options([("yes", _("Interested")), ("no", _("Not interested"))]),
        default="yes",
    )
    need = TextAreaField(_l("Need not yet met"), description=_l("What they would need and do not have."))


class CharacteristicForm(Form):
    """A value of a type."""

    type = SelectField(_l("Type"), choices=[])
    value = StringField(_l("Value"))


def relationship_form(session: Session, *, is_sent: bool = False) -> RelationshipForm:
    """With the reasons that can be chosen, each from both ends.  is_sent: filled with what was sent."""
    form = RelationshipForm() if is_sent else RelationshipForm(formdata=None)
    choices: list[tuple[str, str]] = []
    reasons = session.scalars(
        select(RelationshipReason)
        .where(RelationshipReason.is_active)
        .order_by(RelationshipReason.position, RelationshipReason.id)
    )
    for reason in reasons:
        choices.append((reason.ref, reason.name))
        if reason.inverse:
            choices.append((f"{reason.ref}{INVERSE}", reason.inverse))
    form.reason.choices = options(choices)
    return form


def interest_form(session: Session, *, is_sent: bool = False) -> InterestForm:
    """With the areas that can be chosen, as their tree."""
    form = InterestForm() if is_sent else InterestForm(formdata=None)
    form.area.choices = options([(area.ref, area.path) for area in list_areas(session) if area.is_active])
    return form


def characteristic_form(
    session: Session, *, is_sent: bool = False
) -> tuple[CharacteristicForm, Sequence[tuple[str, str]]]:
    """With the types that can be chosen; and (value, type) of the values that some of them offer."""
    form = CharacteristicForm() if is_sent else CharacteristicForm(formdata=None)
    types = session.scalars(
        select(CharacteristicType)
        .where(CharacteristicType.is_active)
        .order_by(CharacteristicType.position, CharacteristicType.id)
    ).all()
    form.type.choices = options([(type_.ref, type_.name) for type_ in types])
    return form, [(value, type_.name) for type_ in types for value in type_.allowed]
