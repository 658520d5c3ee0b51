"""The fields of a lead: what each is called, how long it may be, who may write it, who sees it before a claim."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l

from app.kernel import labels


class FieldKind(StrEnum):
    TEXT = "text"
    LONG_TEXT = "long_text"
    EMAIL = "email"
    PHONE = "phone"
    URL = "url"
    NUMBER = "number"
    MONEY = "money"
    COUNTRY = "country"
    CHOICE = "choice"
    DATETIME = "datetime"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Field:
    """One field.  column: its attribute on Lead where that differs from the name.

    by_partner: a partner owner may write it, where they see it.  may_preview: shown before a claim it tells nobody whom to call.
    Who sees it when is a setting: `leads.visibility`.
    """

    name: str
    label: Any
    help: Any = ""
    kind: FieldKind = FieldKind.TEXT
    max_length: int = 120
    by_partner: bool = True
    may_preview: bool = False
    section: str = ""
    column: str = ""

    @property
    def attribute(self) -> str:
        return self.column or self.name


# In the order of forms, pages and files.
_BY_SECTION: dict[str, tuple[Field, ...]] = {
    "person": (
        Field("last_name", _l("Last name"), _l("Family name of the person.")),
        Field("first_name", _l("First name"), _l("Given name of the person.")),
        Field("company", _l("Company"), _l("The company that may buy."), max_length=255),
        Field("email", _l("E-mail"), _l("Where the person reads mail."), FieldKind.EMAIL, 320),
        Field("phone", _l("Phone"), _l("With country code where it is known."), FieldKind.PHONE, 60),
        Field("mobile", _l("Mobile"), _l("The person's own number."), FieldKind.PHONE, 60),
        Field("title", _l("Job title"), _l("What the person does in the company.")),
    ),
    "company": (
        Field("website", _l("Website"), _l("Address of the company's site."), FieldKind.URL, 500),
        Field("industry", _l("Industry"), _l("What the company makes or does."), may_preview=True),
        Field(
            "employees", _l("Employees"), _l("How many people work there. Partners see a band before they claim."),
            FieldKind.NUMBER, may_preview=True,
        ),
        Field("annual_revenue", _l("Annual revenue"), _l("In the company's own currency."), FieldKind.MONEY),
    ),
    "address": (
        Field("street", _l("Street"), _l("Street and number."), max_length=255),
        Field("city", _l("City"), _l("Town or city of the company."), may_preview=True),
        Field("state", _l("State or province"), _l("As it stands in an address there."), may_preview=True),
        Field("postal_code", _l("Postal code"), _l("As it stands in an address there."), max_length=30),
        Field("country", _l("Country"), _l("Routing often goes by it."), FieldKind.COUNTRY, 2, may_preview=True),
    ),
    "work": (
        Field("status", _l("Status"), _l("Where the work on this stands."), FieldKind.CHOICE, column="status_id"),
        Field(
            "source", _l("Source"), _l("How it came to us. Administrators keep the list."), FieldKind.CHOICE,
            by_partner=False, may_preview=True, column="source_id",
        ),
        Field("rating", _l("Rating"), _l("Hot, warm or cold, as you judge it."), max_length=40),
        Field("product_interest", _l("Product interest"), _l("What they asked about."), may_preview=True),
        Field(
            "campaign", _l("Campaign"), _l("The campaign that brought it."), by_partner=False,
            column="campaign_name",
        ),
        Field(
            "score", _l("Score"), _l("Computed from the score rules; higher is more promising."), FieldKind.NUMBER,
            by_partner=False, may_preview=True,
        ),
        Field(
            "description", _l("Description"), _l("Anything that helps whoever works on it."), FieldKind.LONG_TEXT,
            10_000,
        ),
    ),
    "qualification": (
        Field("budget", _l("Budget"), _l("Is there money for it, and how much?")),
        Field("authority", _l("Authority"), _l("Who decides?")),
        Field("need", _l("Need"), _l("What must it do for them?"), max_length=500),
        Field("timeframe", _l("Timeframe"), _l("When do they want it?")),
        Field(
            "interest_confirmed", _l("Interest confirmed"), _l("Has the person said so themselves?"),
            FieldKind.BOOLEAN,
        ),
        Field(
            "unqualified_reason", _l("Reason not to qualify"),
            _l("Why it is not worth more work. Asked for with a status that is unqualified."), FieldKind.CHOICE,
            column="unqualified_reason_id",
        ),
    ),
    "consent": (
        Field(
            "consent", _l("Consent"), _l("Did the person agree to be contacted?"), FieldKind.BOOLEAN,
            by_partner=False,
        ),
        Field(
            "consent_basis", _l("Basis of consent"), _l("What it rests on that their data is kept and used."),
            by_partner=False,
        ),
        Field("opted_out_email", _l("No e-mail"), _l("The person does not want e-mail."), FieldKind.BOOLEAN),
        Field("opted_out_phone", _l("No calls"), _l("The person does not want calls."), FieldKind.BOOLEAN),
    ),
    "origin": (
        Field(
            "external_id", _l("External id"),
            _l("Its name in the system it came from; the same one is never taken twice."), by_partner=False,
        ),
        Field("arrived_at", _l("Arrived"), _l("When it first reached us."), FieldKind.DATETIME, by_partner=False),
    ),
}  # fmt: skip
FIELDS: dict[str, Field] = labels.named(
    "lead", (replace(field, section=section) for section, fields in _BY_SECTION.items() for field in fields)
)
IDENTIFYING = ("last_name", "company", "email", "phone", "mobile")
QUALIFICATION = ("budget", "authority", "need", "timeframe", "interest_confirmed")
# What may be shown before a claim without a second thought; the age in days stands for the arrival.
PREVIEWABLE = (*(field.name for field in FIELDS.values() if field.may_preview), "age_days")
SORT_KEYS = ("created_at", "updated_at", "arrived_at", "company", "last_name", "score", "waiting_since")
SECTIONS = {
    "person": _l("Person and company"),
    "company": _l("About the company"),
    "address": _l("Address"),
    "work": _l("Interest and work"),
    "qualification": _l("Qualification"),
    "consent": _l("Consent"),
    "origin": _l("Origin"),
}
# With that of the fields that administrators added.
ALL_SECTIONS = {**SECTIONS, "custom": _l("Further details")}
