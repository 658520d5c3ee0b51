"""The upload form, and what the page of columns sends."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext
from flask_wtf.file import FileField
from wtforms import StringField
from wtforms.validators import Length, Optional

from app.leads.fields import FIELDS, SECTIONS
from app.web.forms import Form

# WTForms' types know nothing of text that is translated late.
_l: Any = lazy_gettext
COLUMN = "column-"


class UploadForm(Form):
    """A file from one's own computer."""

    file = FileField(_l("File"))


class OptionsForm(Form):
    """What holds for all rows of a file."""

    source = StringField(_l("Source"), [Optional(), Length(max=80)])


def field_groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """(section, (field, label) pairs) of everything a column can be mapped to."""
    return [
        (
            str(title),
            [(name, str(field.label)) for name, field in FIELDS.items() if field.section == section],
        )
        for section, title in SECTIONS.items()
    ]


def chosen_mapping(headers: Sequence[str], form: Mapping[str, Any]) -> dict[str, str | None]:
    """Header → field as chosen on the page; columns are numbered there, whatever they are called."""
    return {header: form.get(f"{COLUMN}{place}") or None for place, header in enumerate(headers)}
