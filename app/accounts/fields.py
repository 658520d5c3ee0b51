"""The fields of accounts and contacts: what each is called, what it holds, what it asks of a value.

The forms, the API, exports and imports all read this one list.
"""

from collections.abc import Iterator, Mapping, Sequence
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
    DATE = "date"
    COUNTRY = "country"
    CHOICE = "choice"
    LANGUAGE = "language"
    TIME_ZONE = "time_zone"
    # The public name of another record, kept as its key.
    ACCOUNT = "account"
    CONTACT = "contact"
    USER = "user"


REFERENCES = (FieldKind.ACCOUNT, FieldKind.CONTACT, FieldKind.USER)


@dataclass(frozen=True, slots=True)
class Field:
    """One field.  column: its attribute on the model where that differs from the name.

    is_required: refused when empty.  only_for: "business" or "person" where an account of the other kind
    has no such field.
    """

    name: str
    label: Any
    help: Any
    kind: FieldKind = FieldKind.TEXT
    max_length: int = 120
    section: str = "main"
    is_required: bool = False
    only_for: str = ""
    column: str = ""

    @property
    def attribute(self) -> str:
        return self.column or self.name

    @property
    def is_reference(self) -> bool:
        return self.kind in REFERENCES


def _address(prefix: str) -> tuple[Field, ...]:
    return (
        Field(f"{prefix}_street", _l("Street"), _l("Street, number, floor."), max_length=255),
        Field(f"{prefix}_city", _l("City"), _l("Town or city.")),
        Field(f"{prefix}_postal_code", _l("Postal code"), _l("As it stands on letters."), max_length=30),
        Field(f"{prefix}_state", _l("State or province"), _l("Where the country has them.")),
        Field(f"{prefix}_country", _l("Country"), _l("Also tells how phone numbers are read."), FieldKind.COUNTRY, 2),
    )  # fmt: skip


# Both in the order of forms, pages and files; an account of one kind has not all of them.
_OF_ACCOUNTS: dict[str, tuple[Field, ...]] = {
    "main": (
        Field(
            "name", _l("Name"), _l("The name the company trades under."), max_length=255, is_required=True,
            only_for="business",
        ),
        Field("last_name", _l("Last name"), _l("Family name of the person."), is_required=True, only_for="person"),
        Field("first_name", _l("First name"), _l("Given name of the person."), only_for="person"),
        Field("title", _l("Job title"), _l("What the person does."), only_for="person"),
        Field("email", _l("E-mail"), _l("Where the person reads mail."), FieldKind.EMAIL, 320, only_for="person"),
        Field("phone", _l("Phone"), _l("With country code where it is known."), FieldKind.PHONE, 60),
        Field("mobile", _l("Mobile"), _l("The person's own number."), FieldKind.PHONE, 60, only_for="person"),
        Field("website", _l("Website"), _l("Address of the site; duplicates are found by it."), FieldKind.URL, 500),
        Field("industry", _l("Industry"), _l("What the company makes or does.")),
        Field("category", _l("Category"), _l("How far you are with each other."), FieldKind.CHOICE, 40),
        Field("site", _l("Site"), _l("Tells apart branches of one name, for example by town."), only_for="business"),
    ),
    "billing": _address("billing"),
    "shipping": _address("shipping"),
    "more": (
        Field("account_number", _l("Account number"), _l("The number in your books."), max_length=80),
        Field("type", _l("Type"), _l("Such as reseller, competitor, press."), max_length=80),
        Field("employees", _l("Employees"), _l("How many people work there."), FieldKind.NUMBER),
        Field(
            "annual_revenue", _l("Annual revenue"), _l("In a year, in the company's own currency."),
            FieldKind.MONEY,
        ),
        Field(
            "parent_id", _l("Parent account"), _l("The company this one belongs to."), FieldKind.ACCOUNT, 255,
            only_for="business",
        ),
        Field("owner", _l("Owner"), _l("Who looks after it."), FieldKind.USER, 40, column="owner_user_id"),
        Field("external_id", _l("External id"), _l("Its name in the system it came from; no two have the same.")),
        Field(
            "description", _l("Description"), _l("Anything that helps whoever works with them."),
            FieldKind.LONG_TEXT, 32_000,
        ),
    ),
}  # fmt: skip
_OF_CONTACTS: dict[str, tuple[Field, ...]] = {
    "main": (
        Field("last_name", _l("Last name"), _l("Family name of the person."), is_required=True),
        Field("first_name", _l("First name"), _l("Given name of the person.")),
        Field(
            "account_id", _l("Account"),
            _l("The company they work for. Without one only you and administrators see this contact."),
            FieldKind.ACCOUNT, 255,
        ),
        Field("title", _l("Job title"), _l("What the person does there.")),
        Field("email", _l("E-mail"), _l("Where the person reads mail."), FieldKind.EMAIL, 320),
        Field("phone", _l("Phone"), _l("With country code where it is known."), FieldKind.PHONE, 60),
        Field("mobile", _l("Mobile"), _l("The person's own number."), FieldKind.PHONE, 60),
    ),
    "more": (
        Field(
            "reports_to_id", _l("Reports to"), _l("Their superior, if that is a contact too."), FieldKind.CONTACT,
            40,
        ),
        Field("owner", _l("Owner"), _l("Who looks after them."), FieldKind.USER, 40, column="owner_user_id"),
        Field(
            "language", _l("Language"), _l("What they are written to in, once they are a partner user."),
            FieldKind.LANGUAGE, 5,
        ),
        Field(
            "time_zone", _l("Time zone"), _l("What their times are shown in, once they are a partner user."),
            FieldKind.TIME_ZONE, 60,
        ),
        Field("external_id", _l("External id"), _l("Its name in the system it came from; no two have the same.")),
        Field(
            "description", _l("Description"), _l("Anything that helps whoever works with them."),
            FieldKind.LONG_TEXT, 32_000,
        ),
    ),
}  # fmt: skip


def _in_sections(table: Mapping[str, Sequence[Field]]) -> Iterator[Field]:
    for section, fields in table.items():
        for field in fields:
            yield replace(field, section=section)


ACCOUNT_FIELDS: dict[str, Field] = labels.named("account", _in_sections(_OF_ACCOUNTS))
CONTACT_FIELDS: dict[str, Field] = labels.named("contact", _in_sections(_OF_CONTACTS))

SECTIONS = {
    "main": _l("Essentials"),
    "billing": _l("Billing address"),
    "shipping": _l("Shipping address"),
    "more": _l("More"),
    "custom": _l("Further details"),
}
CATEGORIES = {
    "unclassified": _l("Unclassified"),
    "prospect": _l("Prospect"),
    "customer": _l("Customer"),
}
# A fourth category is offered once an administrator has given it a name.
FOURTH_CATEGORY = "fourth"
KINDS = {"business": _l("Business"), "person": _l("Person")}


def fields_of_kind(kind: str) -> dict[str, Field]:
    """The fields that an account of that kind has, in the order of the form."""
    return {name: field for name, field in ACCOUNT_FIELDS.items() if field.only_for in ("", kind)}
