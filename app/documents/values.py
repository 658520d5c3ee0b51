"""What people say of a document, as it is kept: checked, with messages for the form.  Pure."""

from typing import Any

from flask_babel import lazy_gettext as _l

from app.documents.file_types import FileType
from app.documents.names import LONGEST_NAME, safe_name, with_ending
from app.documents.words import read_tags
from app.kernel.actor import Actor
from app.kernel.errors import Invalid
from app.kernel.text import clean_text

LONGEST_DESCRIPTION = 2000


def read_details(actor: Actor, **given: Any) -> dict[str, Any]:
    """What people say of a document, as it is kept.  Raises Invalid."""
    wanted: dict[str, Any] = {}
    if "description" in given:
        wanted["description"] = clean_text(
            given["description"], max_length=LONGEST_DESCRIPTION, field="description", multiline=True
        )
    if "internal" in given or "is_internal" in given:
        internal = given.get("internal", given.get("is_internal"))
        if not isinstance(internal, bool):
            raise Invalid({"internal": [_l("This is yes or no.")]})
        if internal and actor.is_partner:
            raise Invalid({"internal": [_l("Only the vendor's people keep documents to themselves.")]})
        wanted["internal"] = internal
    if "tags" in given:
        wanted["tags"] = read_tags(given["tags"])
        if wanted["tags"] and actor.is_partner:
            raise Invalid({"tags": [_l("Only the vendor's people tag documents.")]})
    return wanted


def read_name(given: Any, file_type: FileType) -> str:
    """The name with the ending of its kind.  Raises Invalid."""
    text = clean_text(given, max_length=LONGEST_NAME, field="name")
    if text is None:
        raise Invalid({"name": [_l("Give it a name.")]})
    name = with_ending(safe_name(text), file_type)
    if len(name) > LONGEST_NAME:
        raise Invalid({"name": [_l("This name is too long.")]})
    return name
