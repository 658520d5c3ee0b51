"""The form of a field, and what was typed into it beside its inputs: the list of choices."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext
from wtforms import BooleanField, HiddenField, RadioField, StringField, TextAreaField

from app.fields.drafts import LANGUAGES, ChoiceDraft, FieldDraft, kind_pairs
from app.fields.inputs import Marked
from app.fields.kinds import KIND_HELPS
from app.leads.visibility import visibility_words
from app.web.choices import options
from app.web.forms import Form

# WTForms' types know nothing of text that is translated late.
_l: Any = lazy_gettext
# A row of choices: "choice-3-name"; new ones are typed a line each.
_ROW = "choice-{place}-{what}"
MOST_ROWS = 400


class FieldForm(Form):
    """What an administrator says of a field."""

    version = HiddenField()
    kind = RadioField(_l("Type"), description=_l("It cannot be changed afterwards."), validate_choice=False)
    label = StringField(_l("Name"), [Marked()], description=_l("What people read beside the field."))
    label_es = StringField(_l("Name in Spanish"), description=_l("Where it is another."))
    label_ca = StringField(_l("Name in Catalan"), description=_l("Where it is another."))
    help = StringField(
        _l("Help"), [Marked()], description=_l("A sentence at the field: what is to be filled in.")
    )
    description = TextAreaField(
        _l("Definition"),
        [Marked()],
        description=_l("What exactly it means, so that everybody fills in the same."),
    )
    asked_by = StringField(_l("Asked for by"), [Marked()], description=_l("A person or a team."))
    reason = TextAreaField(_l("Why it is kept"), description=_l("What is decided or reported with it."))
    new_choices = TextAreaField(_l("New choices"), description=_l("One a line."))
    first_value = StringField(
        _l("A new record begins with"), description=_l("Of several choices with commas between them.")
    )
    is_required = BooleanField(
        _l("Required"), description=_l("In forms, files and the API; not in records that are there already.")
    )
    is_internal = BooleanField(
        _l("For your own people alone"), description=_l("Partner users see the record without it.")
    )
    by_partner = BooleanField(
        _l("Partners may fill it in"), description=_l("Where it is shown to them."), default=True
    )
    visibility = RadioField(_l("Partners see it"), validate_choice=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = options(kind_pairs())
        self.visibility.choices = options(visibility_words().items())


def form_of(draft: FieldDraft, version: int | None = None) -> FieldForm:
    """The form that shows a draft."""
    data = {
        name: getattr(draft, name)
        for name in (
            "kind", "label", "help", "description", "asked_by", "reason", "first_value", "is_required",
            "is_internal", "by_partner", "visibility",
        )
    }  # fmt: skip
    labels = {f"label_{language}": draft.labels.get(language, "") for language in LANGUAGES}
    return FieldForm(formdata=None, data={**data, **labels, "version": version or ""})


def draft_from(form: FieldForm, object_: str, sent: Mapping[str, str]) -> FieldDraft:
    """What was typed."""
    return FieldDraft(
        object=object_,
        kind=form.kind.data or "",
        label=form.label.data or "",
        labels={language: form[f"label_{language}"].data or "" for language in LANGUAGES},
        help=form.help.data or "",
        description=form.description.data or "",
        asked_by=form.asked_by.data or "",
        reason=form.reason.data or "",
        choices=[*_rows(sent), *_lines(form.new_choices.data or "")],
        first_value=form.first_value.data or "",
        is_required=bool(form.is_required.data),
        is_internal=bool(form.is_internal.data),
        by_partner=bool(form.by_partner.data),
        visibility=form.visibility.data or "",
    )


def _rows(sent: Mapping[str, str]) -> list[ChoiceDraft]:
    number = sent.get("choices", "0")
    rows = int(number) if number.isascii() and number.isdecimal() and len(number) < 5 else 0

    def given(place: int, what: str) -> str:
        return sent.get(_ROW.format(place=place, what=what), "")

    return [
        ChoiceDraft(
            given(place, "key")[:60],
            given(place, "name"),
            {language: given(place, language) for language in LANGUAGES},
            bool(given(place, "retired")),
        )
        for place in range(min(rows, MOST_ROWS))
        if not given(place, "gone")
    ]


def _lines(text: str) -> list[ChoiceDraft]:
    return [ChoiceDraft(name=line.strip()) for line in text.splitlines() if line.strip()]


def move_choice(draft: FieldDraft, act: str) -> bool:
    """Do what a button beside a choice says ("up-2"); whether it was one."""
    verb, _dash, place = act.partition("-")
    if verb not in ("up", "down") or not place.isdecimal() or int(place) >= len(draft.choices):
        return False
    here = int(place)
    there = here - 1 if verb == "up" else here + 1
    if 0 <= there < len(draft.choices):
        draft.choices[here], draft.choices[there] = draft.choices[there], draft.choices[here]
    return True


def kind_helps() -> dict[str, str]:
    """What each type holds, in a sentence."""
    return {kind.value: str(text) for kind, text in KIND_HELPS.items()}
