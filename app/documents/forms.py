"""Forms of documents: files with what is said of them, and a document's details."""

from typing import Any

from flask_babel import lazy_gettext
from wtforms import BooleanField, HiddenField, MultipleFileField, StringField, TextAreaField

from app.web.forms import Form

_l: Any = lazy_gettext  # WTForms' types know nothing of text that is translated late


class AttachForm(Form):
    """Files to attach, all with the same words."""

    file = MultipleFileField(_l("Files"))
    description = StringField(_l("Description"))
    tags = StringField(_l("Tags"), description=_l("With commas between them."))
    internal = BooleanField(_l("Not for partners"), description=_l("Partners never see it."))
    as_version = BooleanField(_l("A file of a name that is there becomes its new version"), default=True)


class DetailsForm(Form):
    """What is said of a document."""

    version = HiddenField()
    name = StringField(_l("Name"))
    description = TextAreaField(_l("Description"))
    tags = StringField(_l("Tags"), description=_l("With commas between them."))
    internal = BooleanField(_l("Not for partners"), description=_l("Partners never see it."))

    @property
    def began_from(self) -> int | None:
        """The version that the edit began from."""
        text = str(self.version.data or "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
