"""Forms of sharing: organisation-wide defaults, a group, a share by hand.  Operations say what is valid."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired

from app.identity.organisation import LEVELS
from app.kernel import labels
from app.web.choices import options
from app.web.forms import Form

# WTForms' types know nothing of text that is translated late.
_l: Any = lazy_gettext

# Contacts follow their accounts until somebody chooses otherwise, so that they stand below them.
OBJECTS = ("lead", "account", "contact", "opportunity", "case")
# What no sharing rule gives, so that a change of the default has nobody's records to count.
COMING = ("document", "saved_view")
SIDES = ("internal", "external")


def default_words() -> dict[str, str]:
    """What the defaults are called."""
    return {"private": _("Private"), "read": _("Read"), "read_write": _("Read and edit")}


def default_helps() -> dict[str, str]:
    """What a default means, in a sentence."""
    return {
        "private": _("Seen by its owner, by those who answer for it, and by whom it is shared with."),
        "read": _("Everybody of that side sees all of them and changes only what is theirs or shared so."),
        "read_write": _("Everybody of that side sees and changes all of them."),
    }


class DefaultsForm(Form):
    """One choice for each object and side, named "lead-internal"."""

    version = HiddenField()


def defaults_form(
    *, prm_is_on: bool, current: Mapping[str, Any] | None = None, objects: Sequence[str] = OBJECTS
) -> Any:
    """The form with its fields; what was sent, or what is.  Partners' side is fixed until there are partners."""
    fields: dict[str, Any] = {}
    for thing in objects:
        for side in SIDES:
            whose = _("inside") if side == "internal" else _("partners")
            fields[f"{thing}-{side}"] = SelectField(
                f"{labels.many(thing, title=True)}, {whose}",
                choices=options([(level, default_words()[level]) for level in LEVELS]),
                validate_choice=False,
                render_kw={"disabled": True} if side == "external" and not prm_is_on else None,
            )
    form_class: Any = type("DefaultsForm", (DefaultsForm,), fields)
    if current is None:
        return form_class()
    given = {f"{thing}-{side}": current[thing][side] for thing in objects for side in SIDES}
    return form_class(formdata=None, data=given)


def chosen_defaults(
    form: Any, *, prm_is_on: bool, objects: Sequence[str] = OBJECTS
) -> dict[str, dict[str, str]]:
    """Object → side → level, as sent; objects of which nothing was sent are left out."""
    sides = SIDES if prm_is_on else SIDES[:1]
    sent = [thing for thing in objects if any(form[f"{thing}-{side}"].raw_data for side in sides)]
    return {thing: {side: form[f"{thing}-{side}"].data or "" for side in sides} for thing in sent}


def faults_of_defaults(chosen: Mapping[str, Mapping[str, str]]) -> dict[str, list[Any]]:
    """Field → what is wrong with it; the operation refuses the same without saying where."""
    errors: dict[str, list[Any]] = {}
    for thing, levels in chosen.items():
        for side, level in levels.items():
            if level not in LEVELS:
                errors[f"{thing}-{side}"] = [_("Choose one of those listed.")]
        inside, outside = levels["internal"], levels.get("external", "private")
        if {inside, outside} <= set(LEVELS) and LEVELS.index(outside) > LEVELS.index(inside):
            errors[f"{thing}-external"] = [_("Partners never have more than everybody inside.")]
    return errors


class GroupForm(Form):
    version = HiddenField()
    name = StringField(
        _l("Name"),
        [InputRequired(_l("Give it a name."))],
        description=_l("As it stands in sharing rules and where somebody asks who sees a record."),
    )
    description = TextAreaField(_l("What it is for"))

    @property
    def began_from(self) -> int | None:
        """The version that the edit began from."""
        text = str(self.version.data or "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


class ShareForm(Form):
    """How much of a record is shared, and until when."""

    level = SelectField(_l("How much"), validate_choice=False)
    until = StringField(_l("Until the end of"), description=_l("A day. Empty: until somebody takes it back."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.level.choices = options([("read", _("Read")), ("edit", _("Read and edit"))])
