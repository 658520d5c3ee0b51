"""The upload form, and what the page of columns sends."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext
from flask_wtf.file import FileField
from wtforms import RadioField, StringField
from wtforms.validators import Length, Optional

from app.accounts.fields import SECTIONS as RECORD_SECTIONS
from app.intake.operations import KINDS
from app.intake.takers import LEAD, fields_of
from app.kernel import labels
from app.leads.fields import ALL_SECTIONS as LEAD_SECTIONS
from app.web.forms import Form

# WTForms' types know nothing of text that is translated late.
_l: Any = lazy_gettext
COLUMN = "column-"


class UploadForm(Form):
    """A file from one's own computer, and what its rows are."""

    kind = RadioField(_l("What are the rows?"), default=LEAD)
    file = FileField(_l("File"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = [(kind, labels.many(kind, title=True)) for kind in KINDS]


class OptionsForm(Form):
    """What holds for all rows of a file."""

    source = StringField(_l("Source"), [Optional(), Length(max=80)])


def field_groups(kind: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """(section, (field, label) pairs) of everything a column of that kind of rows can be mapped to."""
    sections = LEAD_SECTIONS if kind == LEAD else RECORD_SECTIONS
    fields = fields_of(kind)
    groups = [
        (
            str(title),
            [(name, str(field.label)) for name, field in fields.items() if field.section == section],
        )
        for section, title in sections.items()
    ]
    return [(title, found) for title, found in groups if found]


def chosen_mapping(headers: Sequence[str], form: Mapping[str, Any]) -> dict[str, str | None]:
    """Header → field as chosen on the page; columns are numbered there, whatever they are called."""
    return {header: form.get(f"{COLUMN}{place}") or None for place, header in enumerate(headers)}
