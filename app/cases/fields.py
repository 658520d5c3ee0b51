"""The fields of a case: what each is called and what it asks of a value.

The form, the API, exports, criteria and the record of events all read this one list.
"""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from app.accounts.fields import Field, FieldKind
from app.cases.models import CaseOrigin, CasePriority, CaseStatus, CaseType
from app.kernel import labels

LONGEST_TEXT = 32_000

# In the order of forms, pages and files.
_FIELDS: tuple[Field, ...] = (
    Field("subject", _l("Subject"), _l("What it is about, in a line."), max_length=255, is_required=True),
    Field("contact_id", _l("Contact"), _l("Who asked. Their account is filled in."), FieldKind.CONTACT, 255),
    Field("account_id", _l("Account"), _l("The company it concerns."), FieldKind.ACCOUNT, 255),
    Field("status", _l("Status"), _l("How far it has come."), FieldKind.CHOICE, 60, column="status_id"),
    Field("priority", _l("Priority"), _l("What must not wait comes first."), FieldKind.CHOICE, 30),
    Field("type", _l("Type"), _l("What sort of case it is."), FieldKind.CHOICE, 30),
    Field("origin", _l("Origin"), _l("By which way it came."), FieldKind.CHOICE, 30),
    Field("owner", _l("Owner"), _l("Who sees to it."), FieldKind.USER, 40, column="owner_user_id"),
    Field(
        "description", _l("Description"), _l("What was asked or what went wrong, in their words."),
        FieldKind.LONG_TEXT, LONGEST_TEXT,
    ),
    Field("external_id", _l("External id"), _l("Its name in the system it came from; no two have the same.")),
)  # fmt: skip
CASE_FIELDS: dict[str, Field] = labels.named("case", _FIELDS)

PRIORITIES: Mapping[str, Any] = {
    CasePriority.LOW: _l("Low"),
    CasePriority.NORMAL: _l("Normal"),
    CasePriority.HIGH: _l("High"),
    CasePriority.URGENT: _l("Urgent"),
}
TYPES: Mapping[str, Any] = {
    CaseType.QUESTION: _l("Question"),
    CaseType.PROBLEM: _l("Problem"),
    CaseType.REQUEST: _l("Request"),
}
ORIGINS: Mapping[str, Any] = {
    CaseOrigin.PHONE: _l("Phone"),
    CaseOrigin.EMAIL: _l("E-mail"),
    CaseOrigin.WEB: _l("Web"),
    CaseOrigin.MEETING: _l("Meeting"),
    CaseOrigin.OTHER: _l("Other"),
}
# Field → value → what it is called, of the choices that are the same everywhere.
CHOICES: Mapping[str, Mapping[str, Any]] = {"priority": PRIORITIES, "type": TYPES, "origin": ORIGINS}

# Statuses that come with Canal read in everyone's language until an administrator renames them.
_FIRST_STATUSES = {
    "New": _l("New"),
    "Working": _l("Working"),
    "Waiting": _l("Waiting"),
    "Closed": _l("Closed"),
}


def value_name(field: str, value: str) -> str:
    """What the reader calls a value as events keep it: the key of a choice or of a status."""
    if field == "status":
        return str(_FIRST_STATUSES.get(value.capitalize(), value.replace("_", " ")))
    return str(CHOICES.get(field, {}).get(value, value))


def status_name(status: CaseStatus) -> str:
    """What the reader calls a status."""
    return str(_FIRST_STATUSES.get(status.name, status.name))
