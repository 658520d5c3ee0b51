"""The upload form, and what the page of columns sends."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_wtf.file import FileField
from wtforms import BooleanField, RadioField, SelectField, StringField
from wtforms.validators import Length, Optional

from app.accounts.fields import SECTIONS
from app.intake.manner import (
    ACCOUNT,
    CONTACT,
    LEAD,
    MATCHES,
    PAIR,
    Match,
    Mode,
    Unknown,
    best_match,
    is_known_by,
    kinds_for,
    match_labels,
    mode_labels,
    unknown_labels,
)
from app.intake.takers import fields_of
from app.kernel import labels
from app.kernel.errors import Invalid
from app.leads.fields import ALL_SECTIONS as LEAD_SECTIONS
from app.web.access import current_actor
from app.web.forms import Form

# WTForms' types know nothing of text that is translated late.
_l: Any = lazy_gettext
COLUMN = "column-"
RECORD_SECTIONS = {**SECTIONS, "consent": _l("Consent")}


class UploadForm(Form):
    """A file from one's own computer, and what its rows are."""

    kind = RadioField(_l("What are the rows?"), default=LEAD)
    file = FileField(_l("File"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = [(kind, kind_name(kind)) for kind in kinds_for(current_actor())]


class OptionsForm(Form):
    """What holds for all rows of a file.  kind: what they are."""

    source = StringField(_l("Source"), [Optional(), Length(max=80)])
    match = SelectField(_l("A row is known by"), validate_choice=False)
    mode = RadioField(_l("Records that are there already"), default=Mode.BOTH.value, validate_choice=False)
    clears = BooleanField(_l("Empty cells empty the field"))
    unknown = RadioField(
        _l("Contacts at an account that is not found"), default=Unknown.REFUSE.value, validate_choice=False
    )

    def __init__(self, *args: Any, kind: str = LEAD, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.match.choices = list(match_labels(kind).items())
        self.mode.choices = list(mode_labels().items())
        self.unknown.choices = list(unknown_labels().items())

    def require_match(self, kind: str, fields: Collection[str | None]) -> None:
        """That some column holds what rows are known by, where one could.  fields: those that have a column.

        The page suggests the external id before anybody has chosen columns; kept without one, every row of a
        file of known companies would be created anew.  Raises Invalid, with the surest one selected instead.
        """
        best = best_match(kind, fields)
        by_id = self.match.data == Match.EXTERNAL_ID and kind in (ACCOUNT, CONTACT)
        if by_id and best != Match.EXTERNAL_ID and not is_known_by(kind, Match.EXTERNAL_ID, fields):
            self.match.data = best.value
            gone = _l("No column holds an external id, so that nothing would be known again.")
            raise Invalid({"match": [gone, _l("Something else is chosen below: look, and go on.")]})

    def choices(self, kind: str) -> dict[str, Any]:
        """As `operations.map_columns` takes them."""
        if kind == LEAD:
            return {"source": self.source.data or None}
        found = {
            "match": self.match.data or MATCHES[kind][0].value,
            "mode": self.mode.data or Mode.BOTH.value,
            "clears": self.clears.data,
        }
        return found | ({"unknown": self.unknown.data or Unknown.REFUSE.value} if kind == CONTACT else {})


def kind_name(kind: str) -> str:
    """What the rows of a file are, in the plural."""
    if kind == PAIR:
        names = {"accounts": labels.many(ACCOUNT, title=True), "contacts": labels.many(CONTACT)}
        return gettext("%(accounts)s and %(contacts)s together", **names)
    return labels.many(kind, title=True)


def field_groups(kind: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """(section, (field, label) pairs) of everything a column of that kind of rows can be mapped to."""
    sections: Mapping[str, Any] = LEAD_SECTIONS if kind == LEAD else RECORD_SECTIONS
    if kind == PAIR:
        sections = {
            f"{half} {name}": f"{labels.one(half, title=True)} · {title}"
            for half in (ACCOUNT, CONTACT)
            for name, title in RECORD_SECTIONS.items()
        }
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
